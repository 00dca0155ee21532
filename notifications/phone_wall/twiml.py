"""The verbs of TwiML that a wall can play; those it does not know are passed over, as silence.

Source: twilio.com/docs/voice/twiml/say, .../gather, .../redirect, .../hangup.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

_GATHER_SECONDS: Final = 5.0  # Twilio's default
_MANY: Final = 20  # keys, where the script does not say how many


@dataclass(frozen=True, slots=True)
class Say:
    """Speak."""

    text: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Speak, and listen for keys: at most so many, for so many seconds; they are posted to `action`."""

    says: tuple[str, ...]
    action: str
    most: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the document at another address."""

    to: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = Say | Gather | Redirect | Hangup


def root_of(twiml: str) -> ElementTree.Element | None:
    """The document; None where it is empty or not one that may be read."""
    # No document type, so no entities: nothing that the standard parser would choke on.
    if not twiml.strip() or re.search(r"<!(DOCTYPE|ENTITY)", twiml, re.IGNORECASE):
        return None
    try:
        return ElementTree.fromstring(twiml)  # noqa: S314 (see above)
    except ElementTree.ParseError:
        return None  # Twilio's 12100


def verbs_of(twiml: str) -> Iterator[Verb]:
    """The verbs of a document, in order."""
    root = root_of(twiml)
    for element in () if root is None else root:
        match element.tag:
            case "Say":
                yield Say(_text(element))
            case "Gather":
                yield _gather(element)
            case "Redirect":
                yield Redirect(_text(element))
            case "Hangup":
                yield Hangup()


def _gather(element: ElementTree.Element) -> Gather:
    return Gather(
        says=tuple(_text(said) for said in element.iter("Say")),
        action=element.get("action", ""),
        most=int(element.get("numDigits", _MANY)),
        timeout=float(element.get("timeout", _GATHER_SECONDS)),
    )


def _text(element: ElementTree.Element) -> str:
    return " ".join((element.text or "").split())
