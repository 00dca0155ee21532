"""Reading a reply, in the one order that the contract fixes.

Exact carrier word -> crisis lexicon -> intent to opt out in other words -> digit -> anything else, a human.
Of that last part the words of helpers about their own work are told apart, where they are the whole text.
Tapbacks and pictures are told apart right after the crisis lexicon: what a tapback quotes is searched for
crisis words (people tap on their own texts too, and our texts contain none), but never for digits or wishes.

`read` is pure: the same text, sender and questions always mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from cism.domain.codes import find_codes
from cism.domain.escalation_level import EscalationLevel, most_pressing
from cism.domain.lexicon import Lexicon, shipped_lexicons
from cism.domain.questions import ALLOWED_DIGITS, OpenQuestion, QuestionKind, QuestionState
from cism.domain.reading import Reading, ReadingKind, Sender
from cism.domain.reply_digits import Digit, begins_with_three, bind, care_now, human, only_digit
from cism.domain.reply_text import Searchable, fold, is_emoji_only, lone_digit
from cism.domain.staff_words import command

__all__ = [
    "ALLOWED_DIGITS",
    "CARRIER_WORDS",
    "OpenQuestion",
    "QuestionKind",
    "QuestionState",
    "Reading",
    "ReadingKind",
    "Sender",
    "read",
]

# Words that carriers and the provider act on by themselves, only when they are the whole text.
CARRIER_WORDS: Final[dict[str, ReadingKind]] = {
    **dict.fromkeys(
        ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"],
        ReadingKind.CARRIER_STOP,
    ),
    **dict.fromkeys(["start", "yes", "unstop"], ReadingKind.CARRIER_START),
    **dict.fromkeys(["help", "info"], ReadingKind.CARRIER_HELP),
}
# What is asked of somebody about themselves, and may be answered in any words.
_ABOUT_THEMSELVES: Final = frozenset(
    {QuestionKind.CHECK_IN, QuestionKind.OPT_IN, QuestionKind.INVITATION, QuestionKind.CONFIRM_PHONE}
)
_ASCII_SPACE: Final = " \t\r\n\f\v"


@dataclass(frozen=True)
class _Inbound:
    text: str
    sender: Sender
    questions: Sequence[OpenQuestion]
    lexicons: Sequence[Lexicon]

    @cached_property
    def message(self) -> Searchable:
        return Searchable(self.text)

    @cached_property
    def digit(self) -> Digit | None:
        return only_digit(self.text)

    @cached_property
    def spelled(self) -> str | None:
        return next(filter(None, (lexicon.spelled_digit(self.message) for lexicon in self.lexicons)), None)

    @cached_property
    def noted(self) -> str | None:
        """The digit to tell a human about."""
        return (self.digit.digit if self.digit else None) or lone_digit(self.text) or self.spelled

    @cached_property
    def asks_out(self) -> bool:
        return any(lexicon.opts_out(self.message) for lexicon in self.lexicons)

    @cached_property
    def asks_who(self) -> bool:
        return any(lexicon.asks_who(self.message) for lexicon in self.lexicons)

    @property
    def still_open(self) -> tuple[str, ...]:
        return tuple(q.id for q in self.questions if q.is_open)


def read(
    text: str,
    sender: Sender,
    questions: Sequence[OpenQuestion] = (),
    lexicons: Sequence[Lexicon] | None = None,
) -> Reading:
    """What `text` means, from this sender, to these questions (of all incidents, oldest first).

    Give the questions of the last 180 days in every state: expired codes are understood. `lexicons` are those
    of the enabled languages, all of them always; the shipped ones unless given. Never raises for any text.
    """
    inbound = _Inbound(text, sender, questions, shipped_lexicons() if lexicons is None else lexicons)
    steps: tuple[Callable[[_Inbound], Reading | None], ...] = (
        _carrier_word,
        _crisis,
        _acknowledgement,
        _opt_out,
        _unknown_sender,
        _care_in_words,
        _digit,
        _who,
        _staff_word,
    )
    return next((reading for step in steps if (reading := step(inbound))), None) or _for_a_human(inbound)


def _carrier_word(inbound: _Inbound) -> Reading | None:
    word = inbound.text.strip(_ASCII_SPACE).lower()
    kind = CARRIER_WORDS.get(word)
    if kind is None:
        return None
    # YES is taken by the carrier, but whoever was just asked something probably meant an answer.
    meant_as_answer = word == "yes" and bool(inbound.still_open)
    return Reading(
        kind=kind,
        to_human=kind is ReadingKind.CARRIER_HELP or meant_as_answer,
        level=EscalationLevel.URGENT if kind is ReadingKind.CARRIER_HELP else None,
        candidates=inbound.still_open if meant_as_answer else (),
    )


def _crisis(inbound: _Inbound) -> Reading | None:
    rung = [level for lexicon in inbound.lexicons if (level := lexicon.crisis(inbound.message))]
    if not rung:
        return None
    return Reading(
        kind=ReadingKind.CRISIS,
        to_human=True,
        level=most_pressing(rung),
        noted_digit=inbound.noted,
        asks_out=inbound.asks_out,
        asks_who=inbound.asks_who,
    )


def _acknowledgement(inbound: _Inbound) -> Reading | None:
    tapped = any(lexicon.is_tapback(inbound.message) for lexicon in inbound.lexicons)
    if not tapped and not is_emoji_only(inbound.text):
        return None
    return Reading(kind=ReadingKind.ACKNOWLEDGEMENT, to_human=not inbound.sender.known)


def _opt_out(inbound: _Inbound) -> Reading | None:
    if not inbound.asks_out:
        return None
    call = inbound.sender.known and begins_with_three(inbound.text)
    return Reading(
        kind=ReadingKind.OPT_OUT,
        to_human=True,
        digit="3" if call else None,
        level=EscalationLevel.URGENT if call else None,
        noted_digit=inbound.noted,
        asks_out=True,
        asks_who=inbound.asks_who,
    )


def _unknown_sender(inbound: _Inbound) -> Reading | None:
    """Nobody we know: their digits are about no question of ours, and a human reads whatever they say."""
    if inbound.sender.known:
        return None
    return _who(inbound) or human(inbound.noted)


def _care_in_words(inbound: _Inbound) -> Reading | None:
    """A 3 with anything after it, or its wish spelled out: raising a call is safe where accepting is not."""
    asked = any(lexicon.wants_call_now(inbound.message) for lexicon in inbound.lexicons)
    if not asked and not begins_with_three(inbound.text):
        return None
    reading = care_now(inbound.questions, words=inbound.digit is None)
    return replace(reading, asks_who=inbound.asks_who)


def _digit(inbound: _Inbound) -> Reading | None:
    if inbound.digit:
        return bind(inbound.digit, inbound.questions)
    return bind(Digit("2"), inbound.questions) if inbound.spelled == "2" else None


def _who(inbound: _Inbound) -> Reading | None:
    exact = fold(inbound.text).rstrip(".! ") == "who"
    if exact and inbound.sender.known:
        # a number that nobody confirmed gets no address; nor is it doubted, for our own texts offer the word
        confirmed = inbound.sender.phone_confirmed
        known = Reading(kind=ReadingKind.WHO, to_human=False)
        return known if confirmed else replace(human(inbound.noted), asks_who=True)
    if not exact and not inbound.asks_who:
        return None
    return Reading(kind=ReadingKind.WHO_IS_THIS, to_human=True, noted_digit=inbound.noted, asks_who=True)


def _staff_word(inbound: _Inbound) -> Reading | None:
    """Where a human would read it otherwise; never where it could answer a question about the sender."""
    said = command(inbound.text)
    if said is None or said.word not in inbound.sender.words:
        return None
    if said.code is None and any(q.is_open and q.kind in _ABOUT_THEMSELVES for q in inbound.questions):
        return None
    return Reading(kind=ReadingKind.STAFF_WORD, to_human=False)


def _for_a_human(inbound: _Inbound) -> Reading:
    """Two codes, words beside a digit, or words alone; with the questions whose codes were written."""
    named = set(find_codes(inbound.text))
    candidates = tuple(q.id for q in inbound.questions if q.is_open and q.code and q.code.upper() in named)
    return human(inbound.noted, candidates=candidates)
