"""From a message to the words on a phone."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from jinja2 import FunctionLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifications import languages
from notifications.gsm import segments
from notifications.languages import ENGLISH, TEMPLATES, Language, spoken_in
from notifications.message_base import (
    CHOICES_FIELD,
    DATE_FIELDS,
    LINE_FIELD,
    SPAN_FIELDS,
    TASKS_FIELD,
    Message,
    specs,
)
from notifications.messages import to_payload

__all__ = ["ENVIRONMENT", "LANGUAGE", "TEMPLATES", "fill", "render", "source_of"]

LANGUAGE: Final = ENGLISH
"""The language that every kind has; another one is used as far as it goes."""


def _sentence(text: str) -> str:
    """The same with a capital at its beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def source_of(name: str) -> str | None:
    """The source of "es/page.txt.j2", from the folder of that language; None where there is none."""
    tag, _, file = name.partition("/")
    language = languages.known().get(tag)
    path = language.folder / file if language is not None and "/" not in file else None
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def _load(name: str) -> tuple[str, str | None, Callable[[], bool]] | None:
    source, read_in = source_of(name), languages.turn()
    return None if source is None else (source, None, lambda: languages.turn() == read_in)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(_load),
        undefined=StrictUndefined,
        autoescape=False,  # plain text for a phone: O'Brien must not become O&#39;Brien
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=True,  # asks `_load` whether the same languages are in use, and no file
    )
    environment.filters["sentence"] = _sentence
    return environment


ENVIRONMENT: Final = _environment()


def render(message: Message, language: str = LANGUAGE) -> str:
    """The text of a message: one GSM-7 segment, even with the longest value in every field.

    `language` is a tag like "es" or "es-US"; without a template in it the text is in English. What can be
    spared (a greeting, an optional link) is left out where it would need a second segment.
    """
    template, spoken = _template(str(message.kind), language, languages.turn())
    text = fill(template, message, spoken, roomy=True)
    return text if segments(text) <= 1 else fill(template, message, spoken, roomy=False)


def fill(template: Template, message: Message, language: Language | None = None, *, roomy: bool) -> str:
    """The words of a template on one line, with or without what can be spared."""
    fields = _in(language or languages.known()[LANGUAGE], message)
    return " ".join(template.render(fields, roomy=roomy).split())


def _in(language: Language, message: Message) -> dict[str, Any]:
    """The fields of a message, with dates, lines and lists in the language's own words."""
    fields: dict[str, Any] = to_payload(message)
    if language.tag == ENGLISH:
        return fields
    for name, spec in specs(type(message)).items():
        if spec in DATE_FIELDS:
            fields[name] = language.date(fields[name])
        elif spec in SPAN_FIELDS:
            fields[name] = language.spans(fields[name])
        elif spec is TASKS_FIELD:
            fields[name] = language.tasks(fields[name])
        elif spec is LINE_FIELD:
            fields[name] = language.line(fields[name])
        elif spec is CHOICES_FIELD:
            fields[name] = language.listed(fields[name])
    return fields


@lru_cache(maxsize=1024)
def _template(kind: str, tag: str, _turn: int) -> tuple[Template, Language]:
    """The template of a kind and the language that it is in: the asked one, or English."""
    for one in (spoken_in(tag), languages.known()[LANGUAGE]):
        if source_of(f"{one.tag}/{kind}.txt.j2") is not None:
            return ENVIRONMENT.get_template(f"{one.tag}/{kind}.txt.j2"), one
    return ENVIRONMENT.get_template(f"{LANGUAGE}/{kind}.txt.j2"), languages.known()[LANGUAGE]
