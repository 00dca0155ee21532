"""What a call says: words as neutral as those of a text, because anybody may pick up or play a voicemail.

One template a kind and language, `templates/<language>/voice_<kind>.say.j2`; a language without one speaks
English. The documents are TwiML (twilio.com/docs/voice/twiml/gather, .../say).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from notifications.languages import ENGLISH, known, spoken_in
from notifications.message_base import CODE_FIELD, NAME_FIELD, PHONE_FIELD
from notifications.render import ENVIRONMENT, source_of

KEY_SECONDS: Final = 8  # design: long enough to find the keys of a phone held at the ear
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
# The voice that reads a language, as the provider names it; one that is not here is asked for by its own tag.
_VOICES: Final = {"en": "en-US", "es": "es-MX"}


class Spoken(StrEnum):
    """The kinds of words; the values name the templates."""

    ASK = "ask"  # take it or pass
    TOLD = "told"  # to the duty phone: something waits, and nobody has taken it
    TAKEN = "taken"  # it is yours
    YOURS = "yours"  # the same, said again
    HEARD = "heard"  # the duty phone has heard it
    PASSED = "passed"  # somebody else is asked
    HANDED_BACK = "handed_back"  # somebody else is asked
    COVERED = "covered"  # too late, thank you
    GOODBYE = "goodbye"  # no key, or none that fits
    MACHINE = "machine"  # to a voicemail
    STRANGER = "stranger"  # to whoever rings our number


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the templates may speak of. `by` is a time of day; `duty` a number to call."""

    agency: str = ""
    code: str = ""
    call: bool = False
    again: bool = False
    by: str = ""
    duty: str = field(default="", repr=False)


def speech(kind: Spoken, words: Words, language: str = ENGLISH) -> tuple[str, str]:
    """What is said, on one line, and the language of the voice that says it."""
    for one in (spoken_in(language), known()[ENGLISH]):
        name = f"{one.tag}/voice_{kind}.say.j2"
        if source_of(name) is not None:
            return _said(name, words), _VOICES.get(one.tag, one.tag)
    message = f"no template says {kind}"  # English has all of them, and a test holds that
    raise LookupError(message)


def ask(kind: Spoken, words: Words, language: str, *, answer_to: str, silence_to: str | None) -> str:
    """A document that speaks and waits for one key, which is posted to `answer_to`.

    Without a key it goes on at `silence_to`, or ends where that is None.
    """
    gather = (
        f'<Gather input="dtmf" numDigits="1" timeout="{KEY_SECONDS}" method="POST" '
        f"action={quoteattr(answer_to)}>{_say(kind, words, language)}</Gather>"
    )
    silence = f'<Redirect method="POST">{escape(silence_to)}</Redirect>' if silence_to else "<Hangup/>"
    return f"{_HEAD}<Response>{gather}{silence}</Response>"


def tell(kind: Spoken, words: Words, language: str = ENGLISH) -> str:
    """A document that speaks and hangs up."""
    return f"{_HEAD}<Response>{_say(kind, words, language)}<Hangup/></Response>"


def _say(kind: Spoken, words: Words, language: str) -> str:
    text, voice = speech(kind, words, language)
    return f"<Say language={quoteattr(voice)}>{escape(text)}</Say>"


def _said(name: str, words: Words) -> str:
    template = ENVIRONMENT.get_template(name)
    text = template.render(
        agency=NAME_FIELD.clean("agency", words.agency),
        code=" ".join(CODE_FIELD.clean("code", words.code)),
        call=words.call,
        again=words.again,
        by=words.by,
        duty=" ".join(digit for digit in PHONE_FIELD.clean("duty", words.duty) if digit.isdigit()),
    )
    return " ".join(text.split())
