"""The words of the wall's page in the language of whoever looks. The wall's API speaks English alone.

Sentences are written in English where they are used; Spanish stands in locale/, one gettext file a language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request

from notifications import catalogues
from notifications.phone_wall.records import HandsetMode, VoiceMode

_HERE: Final = Path(__file__).parent
ENGLISH: Final = "en"
COOKIE: Final = "phone_wall_language"
NAMES: Final[Mapping[str, str]] = {ENGLISH: "English", "es": "Español"}
"""Each language by its own name, as its readers look for it."""


def _(sentence: str) -> str:
    """Marks a sentence for the catalogue; it is translated when a page is made."""
    return sentence


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence whose %(names)s are filled in once its language is known."""

    english: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return self.english % self.values if self.values else self.english


class WrongActError(ValueError):
    """What cannot be done at the wall, and why; `sentence` says so in any language of its page."""

    def __init__(self, english: str, **values: Any) -> None:
        self.sentence = Sentence(english, values)
        super().__init__(str(self.sentence))


STATES: Final[Mapping[str, str]] = {
    "accepted": _("accepted"),
    "queued": _("queued"),
    "scheduled": _("scheduled"),
    "sending": _("sending"),
    "sent": _("sent"),
    "delivered": _("delivered"),
    "undelivered": _("undelivered"),
    "failed": _("failed"),
    "canceled": _("canceled"),
    "received": _("received"),
    "ringing": _("ringing"),
    "in-progress": _("in-progress"),
    "completed": _("completed"),
    "busy": _("busy"),
    "no-answer": _("no-answer"),
}
"""Where a text or a call stands, in the provider's words."""
MODES: Final[Mapping[HandsetMode, str]] = {
    HandsetMode.OK: _("on, texts arrive"),
    HandsetMode.UNREACHABLE: _("off, or without signal"),
    HandsetMode.UNKNOWN: _("nobody has this number"),
    HandsetMode.LANDLINE: _("a landline"),
    HandsetMode.NO_RECEIPTS: _("on, and the carrier tells nothing"),
    HandsetMode.FILTERED: _("the carrier throws texts away"),
}
VOICES: Final[Mapping[VoiceMode, str]] = {
    VoiceMode.RINGS: _("rings until you answer"),
    VoiceMode.LISTENS: _("picks up, presses nothing"),
    VoiceMode.MACHINE: _("voicemail"),
    VoiceMode.BUSY: _("busy"),
    VoiceMode.NO_ANSWER: _("nobody picks up"),
}
MODE_TAGS: Final[Mapping[HandsetMode, str]] = {
    HandsetMode.UNREACHABLE: _("unreachable"),
    HandsetMode.UNKNOWN: _("unknown"),
    HandsetMode.LANDLINE: _("landline"),
    HandsetMode.NO_RECEIPTS: _("no receipts"),
    HandsetMode.FILTERED: _("filtered"),
}
VOICE_TAGS: Final[Mapping[VoiceMode, str]] = {
    VoiceMode.LISTENS: _("picks up, presses nothing"),
    VoiceMode.MACHINE: _("voicemail"),
    VoiceMode.BUSY: _("line busy"),
    VoiceMode.NO_ANSWER: _("does not pick up"),
}
"""What stands beside a handset's number where it is not as usual."""


class Words:
    """One language: says sentences in it, and holds the templates that speak it."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._translations = NullTranslations() if tag == ENGLISH else catalogues.compiled(catalogue(tag))
        self.templates = environment()
        self.templates.install_gettext_translations(  # type: ignore[attr-defined]
            self._translations, newstyle=True
        )
        self.templates.filters |= {"say": self.say, "clock": self._clock}

    def say(self, sentence: Sentence | str) -> str:
        """In this language; a word that is none of ours reads as it is."""
        if isinstance(sentence, str):
            return self._translations.gettext(sentence)
        said = self._translations.gettext(sentence.english)
        return said % sentence.values if sentence.values else said

    def _clock(self, at: Any) -> str:
        return f"{format_datetime(at, 'dd MMM HH:mm:ss', locale=self.tag)} UTC"


def environment() -> Environment:
    """How templates are read, before a language is chosen."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    return made


def catalogue(tag: str) -> Catalog:
    """All translated sentences of a language."""
    return catalogues.read([_HERE / "locale" / f"{tag}.po"], tag)


@cache
def spoken(tag: str) -> Words:
    """The words of one of our languages."""
    return Words(tag)


def of(request: Request) -> Words:
    """What was chosen on the page, else what the browser asks for, else English."""
    wanted = [request.cookies.get(COOKIE, ""), *catalogues.wished(request.headers.get("accept-language", ""))]
    return spoken(next((tag for tag in wanted if tag in NAMES), ENGLISH))
