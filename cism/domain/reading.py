"""What a text turned out to mean: values for a service to act on, no effects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cism.domain.escalation_level import EscalationLevel
from cism.domain.questions import QuestionState
from cism.domain.staff_words import StaffWord


class ReadingKind(StrEnum):
    """What the sender wants, in the order in which it is looked for."""

    CARRIER_STOP = (
        "carrier_stop"  # exactly one of the carrier's stop words: the carrier blocks us from now on
    )
    CARRIER_START = (
        "carrier_start"  # exactly one of the carrier's start words: the carrier lets us through again
    )
    CARRIER_HELP = "carrier_help"  # exactly HELP or INFO: the carrier answers, and a human is alerted always
    CRISIS = "crisis"  # words of the crisis lexicon, whatever else the text says
    ACKNOWLEDGEMENT = "acknowledgement"  # a tapback or pictures alone: it was seen, nothing was answered
    OPT_OUT = "opt_out"  # no more texts, in words that no carrier intercepts
    CARE_LATER = "care_later"  # 2: call me in the next days; always about the sender
    CARE_NOW = "care_now"  # 3, or a 7 that is about nobody else: call me now; always about the sender
    WORRY = "worry"  # 7 about somebody else: opens an escalation about the person of `question_id`
    ANSWER = "answer"  # a digit that answers exactly one open question
    ALREADY_COVERED = (
        "already_covered"  # a digit for a question that is no longer open: thank, change nothing
    )
    AMBIGUOUS_CODES = (
        "ambiguous_codes"  # a digit that fits no question or several: list `candidates`, change nothing
    )
    WHO = "who"  # exactly WHO from a confirmed number: one neutral text with the sign-in address
    WHO_IS_THIS = "who_is_this"  # does not know us or is somebody else: freeze, tell no detail, a human asks
    STAFF_WORD = "staff_word"  # one of the words that helpers text about their own work, and nothing else
    FREE_TEXT = "free_text"  # anything else: a human reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who the number belongs to, as far as reading needs it.

    `known`: on a roster. `phone_confirmed`: the person confirmed this number by code. `words`: those that
    count from this person, by their role and by what else they may be writing about.
    """

    known: bool
    phone_confirmed: bool = False
    words: frozenset[StaffWord] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The meaning of one text. It never holds the text or a part of it."""

    kind: ReadingKind
    # the words themselves have to be read by a human, beside whatever the kind sets going
    to_human: bool
    # the digit acted on (0-9 as text); on OPT_OUT a "3" means: end the texts AND call now
    digit: str | None = None
    # ANSWER, WORRY, ALREADY_COVERED: the question meant; CARE_*: the open check-in this came on, if any;
    # FREE_TEXT: the question whose code was written but whose digits do not include this one
    question_id: str | None = None
    # of the question meant, so that a repeated answer can be answered well
    question_state: QuestionState | None = None
    # heads counted, only with digit 4 on a report
    number: int | None = None
    # how fast a human must be there, where one must
    level: EscalationLevel | None = None
    # a bare 0 that fits several: no care text to this number until a human has asked
    hold_care_texts: bool = False
    # a digit that stood beside other words: told to the human, never acted on
    noted_digit: str | None = None
    # open questions to list with their codes, in the order given
    candidates: tuple[str, ...] = ()
    # the same text also asked for no more texts, or who we are
    asks_out: bool = False
    asks_who: bool = False
