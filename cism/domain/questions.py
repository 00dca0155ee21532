"""Questions that we asked by text and that a reply can be an answer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class QuestionKind(StrEnum):
    """What was asked."""

    PAGE = "page"  # can you take a turn on the team for this incident?
    ASSIGNMENT = "assignment"  # this one is yours; hand it back if you must
    APPROVAL = "approval"  # a clinician approves or refuses what was proposed
    REPORT = "report"  # how many came to the session?
    CONTACT_REPORT = "contact_report"  # did you reach the person you were to call?
    ESCALATION = "escalation"  # somebody needs a human now: will you take it, and how did it end?
    CHECK_IN = "check_in"  # how are you? asked of the affected person themselves
    OPT_IN = "opt_in"  # shall we keep in touch?
    INVITATION = "invitation"  # will you come?
    CONFIRM_PHONE = "confirm_phone"  # is this your number?
    OFFERS = "offers"  # were these offers made?
    TURN = "turn"  # something for the team itself, or on site: will you?
    HAND_OFF = "hand_off"  # one person is handed to you: will you, and how did it go?
    SWAP = "swap"  # a colleague asks: will you take my turn on call?
    WELFARE = "welfare"  # nobody was reached by phone: go on until somebody met or reached the person


class QuestionState(StrEnum):
    """Whether an answer still changes anything."""

    OPEN = "open"  # the answer counts; an escalation that was taken stays open until it is closed
    ANSWERED = "answered"  # the person answered it
    EXPIRED = "expired"  # its time passed, or others covered it
    SUPERSEDED = "superseded"  # a later question to the same person took its place


# The digits that each kind of question understands. 2 and 3 are about the sender's own care, 7 is about a
# worry: they need no question, so no kind lists them. A welfare step knows no 5 and no 6, because only a
# human contact ends it.
ALLOWED_DIGITS: Final[Mapping[QuestionKind, frozenset[str]]] = MappingProxyType(
    {
        QuestionKind.PAGE: frozenset("01"),
        QuestionKind.ASSIGNMENT: frozenset("14569"),
        QuestionKind.APPROVAL: frozenset("01"),
        QuestionKind.REPORT: frozenset("4"),
        QuestionKind.CONTACT_REPORT: frozenset("4569"),
        QuestionKind.ESCALATION: frozenset("014569"),
        QuestionKind.CHECK_IN: frozenset("01"),
        QuestionKind.OPT_IN: frozenset("01"),
        QuestionKind.INVITATION: frozenset("01"),
        QuestionKind.CONFIRM_PHONE: frozenset("01"),
        QuestionKind.OFFERS: frozenset("01"),
        QuestionKind.TURN: frozenset("014569"),
        QuestionKind.HAND_OFF: frozenset("014569"),
        QuestionKind.SWAP: frozenset("01"),
        QuestionKind.WELFARE: frozenset("0149"),
    }
)
_ABOUT_SOMEBODY_ELSE: Final = frozenset(
    {
        QuestionKind.ASSIGNMENT,
        QuestionKind.CONTACT_REPORT,
        QuestionKind.ESCALATION,
        QuestionKind.HAND_OFF,
        QuestionKind.WELFARE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """One question that this number was asked; those that are no longer open belong here too, for 180 days.

    `about_person` means about a person other than the one asked: a check-in is not. `answer` is the digit
    that an answered question was answered with, None if that is not known.
    """

    id: str
    code: str | None
    kind: QuestionKind
    state: QuestionState
    about_person: bool
    allowed: frozenset[str]
    answer: str | None = None

    @classmethod
    def of(
        cls,
        kind: QuestionKind,
        id: str,
        code: str | None = None,
        state: QuestionState = QuestionState.OPEN,
        answer: str | None = None,
    ) -> OpenQuestion:
        """A question with what its kind implies."""
        return cls(
            id=id,
            code=code,
            kind=kind,
            state=state,
            about_person=kind in _ABOUT_SOMEBODY_ELSE,
            allowed=ALLOWED_DIGITS[kind],
            answer=answer,
        )

    @property
    def is_open(self) -> bool:
        """Whether an answer still counts."""
        return self.state is QuestionState.OPEN
