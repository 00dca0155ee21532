"""A digit and the question that it answers. Every digit has one meaning everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cism.domain.codes import CODE_PATTERN, canonical
from cism.domain.escalation_level import EscalationLevel
from cism.domain.questions import OpenQuestion, QuestionKind, QuestionState
from cism.domain.reading import Reading, ReadingKind
from cism.domain.reply_text import tidy

_GAP: Final = r"[\s.,:;]*"
_JOINT: Final = r"[\s.,:;/#-]*"
_BARE: Final = re.compile(r"(?P<digit>\d)")
_DIGIT_FIRST: Final = re.compile(
    rf"(?P<digit>\d){_JOINT}(?P<code>{CODE_PATTERN})(?:{_GAP}(?P<number>\d{{1,3}}))?"
)
_CODE_FIRST: Final = re.compile(
    rf"(?P<code>{CODE_PATTERN}){_JOINT}(?P<digit>\d)(?:[\s.,:;]+(?P<number>\d{{1,3}}))?"
)
# Pictures that say nothing beside a digit. Any other one may ("1 👎"), and then a human looks.
_POLITE: Final = re.compile("[👍👌🙏✅🙂😊☺❤💙🏻🏼🏽🏾🏿]")
_OPENING: Final = "\"'\u201c\u201d\u2018\u2019«»¡([ \t\r\n"
_CLOSING: Final = "\"'\u201c\u201d\u2018\u2019«»)].!,; \t\r\n"


@dataclass(frozen=True, slots=True)
class Digit:
    """A text that is a digit, at most with a code and a head count, and nothing else."""

    digit: str
    code: str | None = None
    number: int | None = None


def only_digit(text: str) -> Digit | None:
    """The digit that is the whole text, beside its code; None if there is anything else.

    Quotes around it, a full stop or exclamation mark after it and a polite picture are nothing else. A
    question mark is: "1?" asks. Look-alike digits (fullwidth, keycap, circled) are digits, letters never are.
    """
    bare = _POLITE.sub(" ", tidy(text)).upper().lstrip(_OPENING).rstrip(_CLOSING)
    for shape in (_BARE, _DIGIT_FIRST, _CODE_FIRST):
        if found := shape.fullmatch(bare):
            parts = {"code": None, "number": None, **found.groupdict()}
            number = parts["number"]
            return Digit(
                str(parts["digit"]),
                canonical(parts["code"]) if parts["code"] else None,
                int(number) if number else None,
            )
    return None


def begins_with_three(text: str) -> bool:
    """Whether the first thing written is a 3, whatever follows.

    Also "30 minutes" and "3rd": a call too many costs less than one too few.
    """
    return re.sub(r"^[\W_]+", "", tidy(text)).startswith("3")


def human(
    noted: str | None, question: OpenQuestion | None = None, candidates: tuple[str, ...] = ()
) -> Reading:
    """Anything else: a human reads it, and is told the digit and the question if there were such."""
    return Reading(
        kind=ReadingKind.FREE_TEXT,
        to_human=True,
        noted_digit=noted,
        question_id=question.id if question else None,
        question_state=question.state if question else None,
        candidates=candidates,
    )


def care_now(questions: Sequence[OpenQuestion], *, digit: str = "3", words: bool = False) -> Reading:
    """The sender wants a call now."""
    return Reading(
        kind=ReadingKind.CARE_NOW,
        to_human=words,
        digit=digit,
        level=EscalationLevel.URGENT,
        question_id=_open_check_in(questions),
    )


def care_later(questions: Sequence[OpenQuestion]) -> Reading:
    """The sender wants a call in the next days."""
    return Reading(
        kind=ReadingKind.CARE_LATER,
        to_human=False,
        digit="2",
        level=EscalationLevel.ROUTINE,
        question_id=_open_check_in(questions),
    )


def _open_check_in(questions: Sequence[OpenQuestion]) -> str | None:
    """So that whoever asked for a call is not reminded to answer."""
    found = [q.id for q in questions if q.is_open and q.kind is QuestionKind.CHECK_IN]
    return found[-1] if found else None


def bind(said: Digit, questions: Sequence[OpenQuestion]) -> Reading:
    """What the digit means to these questions (oldest first)."""
    if said.number is not None and said.digit != "4":
        return human(said.digit)
    if said.digit == "2":
        return care_later(questions)
    if said.digit == "3":
        return care_now(questions)
    if said.digit == "7":
        return _worry(said, questions)
    if said.digit == "8":
        return human(said.digit)
    return _bare(said, questions) if said.code is None else _coded(said, questions)


def _worry(said: Digit, questions: Sequence[OpenQuestion]) -> Reading:
    """About the person of the code, in any state, or of the one open question about one; else own care."""
    about = [q for q in questions if q.about_person]
    if said.code is None:
        fitting = [q for q in about if q.is_open]
        meant = fitting[0] if len(fitting) == 1 else None
    else:
        meant = _by_code(said, about)
    if meant is None:
        return care_now(questions, digit="7")
    return Reading(
        kind=ReadingKind.WORRY,
        to_human=False,
        digit="7",
        level=EscalationLevel.URGENT,
        question_id=meant.id,
        question_state=meant.state,
    )


def _by_code(said: Digit, questions: Sequence[OpenQuestion]) -> OpenQuestion | None:
    """The question of this code; an open one that takes the digit before any other, then the newest."""
    named = [q for q in questions if q.code is not None and canonical(q.code) == said.code]
    return max(named, key=lambda q: (q.is_open and said.digit in q.allowed, q.is_open), default=None)


def _coded(said: Digit, questions: Sequence[OpenQuestion]) -> Reading:
    question = _by_code(said, questions)
    if question is None:
        return _ambiguous(said, questions)
    if not question.is_open:
        return _covered(said, question)
    return _answer(said, question)


def _bare(said: Digit, questions: Sequence[OpenQuestion]) -> Reading:
    still_open = [q for q in questions if q.is_open]
    if len(still_open) == 1:
        return _answer(said, still_open[0])
    closed = [q for q in questions if said.digit in q.allowed]
    if not still_open and closed:
        return _covered(said, closed[-1])
    return _ambiguous(said, questions)


def _answer(said: Digit, question: OpenQuestion) -> Reading:
    if said.digit not in question.allowed:
        return human(said.digit, question, (question.id,))
    if said.number is not None and question.kind is not QuestionKind.REPORT:
        return human(said.digit, question, (question.id,))
    return Reading(
        kind=ReadingKind.ANSWER,
        to_human=False,
        digit=said.digit,
        number=said.number,
        question_id=question.id,
        question_state=question.state,
    )


def _covered(said: Digit, question: OpenQuestion) -> Reading:
    """Nothing changes; but whoever changed their mind, or says no to a check-in, is heard by a human."""
    other = question.state is QuestionState.ANSWERED and question.answer not in (None, said.digit)
    wants_no_more = question.kind is QuestionKind.CHECK_IN and said.digit == "0"
    return Reading(
        kind=ReadingKind.ALREADY_COVERED,
        to_human=other or wants_no_more,
        digit=said.digit,
        number=said.number,
        question_id=question.id,
        question_state=question.state,
    )


def _ambiguous(said: Digit, questions: Sequence[OpenQuestion]) -> Reading:
    """With nothing to list, a human looks instead."""
    still_open = [q for q in questions if q.is_open]
    several = len(still_open) > 1 and any("0" in q.allowed for q in still_open)
    return Reading(
        kind=ReadingKind.AMBIGUOUS_CODES,
        to_human=not still_open,
        noted_digit=said.digit,
        hold_care_texts=said.digit == "0" and said.code is None and several,
        candidates=tuple(q.id for q in still_open),
    )
