"""From a message to the words on a phone."""

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifications.gsm import segments
from notifications.message_base import Message
from notifications.messages import to_payload

TEMPLATES: Final = Path(__file__).parent / "templates"
LANGUAGE: Final = "en"
"""The language that every kind has; another one is used as far as it goes."""


def _sentence(text: str) -> str:
    """The same with a capital at its beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # plain text for a phone: O'Brien must not become O&#39;Brien
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["sentence"] = _sentence
    return environment


ENVIRONMENT: Final = _environment()


def render(message: Message, language: str = LANGUAGE) -> str:
    """The text of a message: one GSM-7 segment, even with the longest value in every field.

    `language` is a tag like "es" or "es-US"; without a template in it the text is in English. What can be
    spared (a greeting, an optional link) is left out where it would need a second segment.
    """
    template = _template(str(message.kind), language)
    text = fill(template, message, roomy=True)
    return text if segments(text) <= 1 else fill(template, message, roomy=False)


def fill(template: Template, message: Message, *, roomy: bool) -> str:
    """The words of a template on one line, with or without what can be spared."""
    return " ".join(template.render(to_payload(message), roomy=roomy).split())


@cache
def _template(kind: str, language: str) -> Template:
    tags = dict.fromkeys((language, language.partition("-")[0], LANGUAGE))
    return ENVIRONMENT.select_template([f"{tag}/{kind}.txt.j2" for tag in tags])
