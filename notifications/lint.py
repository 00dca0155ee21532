"""Proves that templates keep their promises, whatever is filled in.

Each template is rendered in every variant of its fields (yes or no, given or not) with the longest values.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from itertools import product
from typing import Final

from jinja2 import Template, TemplateError

from notifications.gsm import is_gsm7, segments
from notifications.languages import ENGLISH, Language, known
from notifications.lint_words import CARRIER_WORDS, DIGITS
from notifications.message_base import (
    EMERGENCY_FIELD,
    LINE_FIELD,
    PHONE_FIELD,
    Message,
    OneOf,
    Text,
    Value,
    Whole,
    specs,
)
from notifications.message_kinds import MessageKind
from notifications.messages import MESSAGE_CLASSES
from notifications.render import ENVIRONMENT, fill

PREVIEW: Final = 40
"""How many characters a locked screen is taken to show."""

_ADDRESS: Final = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|org|net|gov|mil|edu|us|io|app)\b", re.IGNORECASE
)
_OFFER: Final = re.compile(r"(?<!\S)(?<![A-Z]\d[A-Z]\d )(\d)(?: [A-Z]\d[A-Z]\d)?(?=[\s.,;:]|$)")
_NUMBERS: Final = (LINE_FIELD.longest, EMERGENCY_FIELD.longest, PHONE_FIELD.longest)


class Rule(StrEnum):
    """What a template promises."""

    FILE = "file"  # every kind has its template, and every template its kind
    TEMPLATE = "template"  # it can be filled from the fields of its kind
    ALPHABET = "alphabet"  # GSM-7 throughout
    LENGTH = "length"  # one segment
    BANNED_WORD = "banned word"  # nothing says what it is about
    PREVIEW = "preview"  # least of all where a locked screen shows it
    CARRIER_WORD = "carrier word"  # nobody is led to send a word that carriers act on
    DIGIT = "digit"  # the digits of its kind, all of them, in their one meaning
    ADDRESS = "address"  # no address but the link it is given
    LINK = "link"  # the link is there where the message is of no use without
    CODE = "code"  # a question carries its code
    FIRST_CONTACT = "first contact"  # a first text says who we are, and of command only what is attested


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One promise that a template breaks."""

    template: str
    rule: Rule
    detail: str

    def __str__(self) -> str:
        return f"{self.template}: {self.rule}: {self.detail}"


def lint_language(language: Language | None = None) -> list[Finding]:
    """What the templates of a language (English unless given) break; every kind must have one."""
    language = language or known()[ENGLISH]
    found = {path.name.removesuffix(".txt.j2") for path in language.folder.glob("*.txt.j2")}
    findings = [
        Finding(f"{language.tag}/{name}", Rule.FILE, "no message is of this kind; delete it or name the kind")
        for name in sorted(found - set(MESSAGE_CLASSES))
    ]
    for kind, message_class in MESSAGE_CLASSES.items():
        if kind in found:
            source = (language.folder / f"{kind}.txt.j2").read_text(encoding="utf-8")
            findings += lint_source(message_class, source, language)
        else:
            findings.append(Finding(f"{language.tag}/{kind}", Rule.FILE, "missing"))
    return findings


def lint_source(message_class: type[Message], source: str, language: Language | None = None) -> list[Finding]:
    """What one template breaks, sorted, each promise and detail once."""
    language = language or known()[ENGLISH]
    kind = MessageKind(message_class.kind)
    try:
        template = ENVIRONMENT.from_string(source)
        broken = set(_broken(message_class, template, language))
    except TemplateError as error:
        broken = {(Rule.TEMPLATE, str(error))}
    if written := _ADDRESS.search(source):
        broken.add((Rule.ADDRESS, f"{written[0]} is written out; give it as a link"))
    return sorted(Finding(f"{language.tag}/{kind}", rule, detail) for rule, detail in broken)


def banned_words(text: str, language: Language | None = None) -> list[str]:
    """The words in a text (an agency's display name, say) that no locked screen may show."""
    return _beginning((language or known()[ENGLISH]).banned, text)


_Broken = tuple[Rule, str]


def _broken(message_class: type[Message], template: Template, language: Language) -> Iterator[_Broken]:
    kind = MessageKind(message_class.kind)
    offered: set[str] = set()
    for message in variants(message_class):
        roomy, compact = (fill(template, message, language, roomy=room) for room in (True, False))
        yield from _sizes(message, roomy if segments(roomy) <= 1 else compact)
        for text in (roomy, compact):
            yield from _words(text, language)
            yield from _codes(message, text)
            yield from _first_contact(message, text, language)
            yield from _meanings(text, language)
            offered |= set(_OFFER.findall(text))
    if offered != set(DIGITS.get(kind, "")):
        wanted = DIGITS.get(kind, "") or "none"
        yield Rule.DIGIT, f"offers {''.join(sorted(offered)) or 'none'} where {wanted} are offered"


def variants(message_class: type[Message]) -> Iterator[Message]:
    """The messages of a class with the longest values, in every combination of what may differ."""
    choices = _choices(message_class)
    for values in product(*choices.values()):
        given = dict(zip(choices, values, strict=True))
        if given.get("attested") and not given["first"]:
            continue
        if given.get("first") and not given["agency"]:
            continue
        yield message_class(**given)


def _choices(message_class: type[Message]) -> Mapping[str, tuple[Value, ...]]:
    optional = {f.name for f in fields(message_class) if f.default is not MISSING}  # type: ignore[arg-type]
    choices: dict[str, tuple[Value, ...]] = {}
    for name, spec in specs(message_class).items():
        match spec:
            case Text():
                choices[name] = (spec.longest, "") if name in optional else (spec.longest,)
            case OneOf():
                choices[name] = spec.options
            case Whole():
                choices[name] = (spec.most, 0 if name in optional else 10)
            case None:
                choices[name] = (False, True)
    return choices


def _sizes(message: Message, text: str) -> Iterator[_Broken]:
    if not is_gsm7(text):
        foreign = sorted({character for character in text if not is_gsm7(character)})
        yield Rule.ALPHABET, f"not in GSM-7: {' '.join(foreign)}"
    elif segments(text) != 1:
        yield Rule.LENGTH, f"{segments(text)} segments at {len(text)} characters: {text}"
    link = str(getattr(message, "link", ""))
    if message.needs_link and link not in text:
        yield Rule.LINK, "has no room for its link, or does not show it"


def _words(text: str, language: Language) -> Iterator[_Broken]:
    for word in banned_words(text, language):
        yield Rule.BANNED_WORD, word
    for word in set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.lower())) & (
        CARRIER_WORDS | language.carrier
    ):
        yield Rule.CARRIER_WORD, word
    shown = text[:PREVIEW]
    for word in _beginning(language.preview_banned, shown):
        yield Rule.PREVIEW, f"{word} in the first {PREVIEW} characters"
    for number in _NUMBERS:
        if re.sub(r"^\D+", "", number)[:4] in shown:
            yield Rule.PREVIEW, f"a number to call in the first {PREVIEW} characters"


def _beginning(beginnings: tuple[str, ...], text: str) -> list[str]:
    return re.findall(rf"\b(?:{'|'.join(beginnings)})\w*", text.lower())


def _codes(message: Message, text: str) -> Iterator[_Broken]:
    code = str(getattr(message, "code", ""))
    if code not in text and not (getattr(message, "first", False) and message.needs_link):
        yield Rule.CODE, "does not show its code"


def _first_contact(message: Message, text: str, language: Language) -> Iterator[_Broken]:
    first = bool(getattr(message, "first", False))
    attested = bool(getattr(message, "attested", False))
    peers, command = language.peers, language.command
    if first and not (str(getattr(message, "agency", "")) in text and peers in text.lower()):
        yield Rule.FIRST_CONTACT, "does not say who we are and that peers run it"
    if first and attested and command not in text:
        yield Rule.FIRST_CONTACT, "does not say that command sees no replies"
    if command in text and not attested:
        yield Rule.FIRST_CONTACT, "says what nobody attested: that command sees no replies"


def _meanings(text: str, language: Language) -> Iterator[_Broken]:
    for offer in _OFFER.finditer(text):
        after = text[offer.end() :].lstrip()
        if after[:1].isalpha() and not after.startswith(language.meanings.get(offer[1], ())):
            yield Rule.DIGIT, f"{offer[1]} does not mean: {after[:20]}"
