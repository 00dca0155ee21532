"""What can happen in a trace: each act is one step of the world, for the model and for the engine alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from notifications.messages import CheckIn, Escalation, Message, Noted, Page, PeerTaskOverdue

AT_ONCE = 3  # messages that one conductor claims together
WHO = ("jordan", "sam")


class Kind(StrEnum):
    """A message of each class that behaves differently."""

    PAGE = "page"
    ESCALATION = "escalation"
    CHECK_IN = "check_in"
    NOTED = "noted"
    OVERDUE = "peer_task_overdue"


class Fate(StrEnum):
    """What the provider does with one send."""

    TAKES = "takes"
    THROTTLES = "throttles"  # 429: surely not sent
    REFUSES = "refuses"  # for good
    LOST_BEFORE = "lost_before"  # a 5xx, and nothing was made
    LOST_AFTER = "lost_after"  # it was made, and the answer was lost


@dataclass(frozen=True)
class Put:
    """A message is queued: it may leave `wait` seconds from now, for `lasts` seconds."""

    kind: Kind
    who: str
    wait: int
    lasts: int


@dataclass(frozen=True)
class Claim:
    """A conductor claims a handful."""

    by: int


@dataclass(frozen=True)
class Hand:
    """A conductor hands over the next of its handful; the provider lists it after `shown_after` seconds."""

    by: int
    fate: Fate
    shown_after: int


@dataclass(frozen=True)
class Record:
    """A conductor writes down what it was answered so far."""

    by: int


@dataclass(frozen=True)
class Crash:
    """A conductor dies, wherever it stands, and is started again."""

    by: int


@dataclass(frozen=True)
class Tell:
    """The provider calls back about the n-th message that it took; `code` only with "undelivered"."""

    nth: int
    status: str
    code: int | None


@dataclass(frozen=True)
class Settle:
    """Somebody asks the provider about what is unclear."""


@dataclass(frozen=True)
class Pass:
    """Real and product time pass."""

    seconds: int


@dataclass(frozen=True)
class Stop:
    """Somebody texts STOP."""

    who: str


@dataclass(frozen=True)
class Answer:
    """The question behind the n-th message is answered."""

    nth: int


Act = Put | Claim | Hand | Record | Crash | Tell | Settle | Pass | Stop | Answer

WORDS: dict[Kind, Message] = {
    Kind.PAGE: Page(agency="Metro PD", code="K4T7", by="14:30"),
    Kind.ESCALATION: Escalation(agency="Metro PD", code="K4T7", by="14:30", now=True),
    Kind.CHECK_IN: CheckIn(agency="Metro PD"),
    Kind.NOTED: Noted(agency="Metro PD", code="K4T7"),
    Kind.OVERDUE: PeerTaskOverdue(agency="Metro PD", code="K4T7"),
}
ASKS = frozenset({Kind.PAGE, Kind.ESCALATION, Kind.CHECK_IN})
