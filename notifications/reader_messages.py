"""Messages to whoever reads the human queue and answers for an incident: something waits for a person."""

from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import (
    By,
    Code,
    Count,
    Link,
    Minutes,
    Purpose,
    Ref,
    TeamOpening,
)
from notifications.message_kinds import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNew(TeamOpening):
    """Somebody wrote in words: read it by then. With `call`: somebody is to be called, and nobody has it.

    `calls`, from two: so many calls at once, told of in one text. `crew`: the incident whose list is missing.
    """

    kind: ClassVar[MessageKind] = MessageKind.QUEUE_NEW
    by: By
    call: bool = False
    calls: Count = 0
    crew: Ref = ""
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOverdue(TeamOpening):
    """Somebody's words are still unread."""

    kind: ClassVar[MessageKind] = MessageKind.QUEUE_OVERDUE
    purpose: ClassVar[Purpose] = Purpose.URGENT
    code: Code
    by: By
    waiting: Minutes
    link: Link = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExposureEnd(TeamOpening):
    """To the coordinator: somebody counts as still out there, and everything timed from the end waits."""

    kind: ClassVar[MessageKind] = MessageKind.ASK_EXPOSURE_END
    ref: Ref
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MhpReminder(TeamOpening):
    """To the coordinator: the individual meetings have to be offered by then."""

    kind: ClassVar[MessageKind] = MessageKind.MHP_REMINDER
    ref: Ref
    by: By
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledSend(TeamOpening):
    """To the duty phone: nobody can say whether a text arrived, and it is not sent twice."""

    kind: ClassVar[MessageKind] = MessageKind.UNSETTLED_SEND
    purpose: ClassVar[Purpose] = Purpose.URGENT
    ref: Ref = ""
    link: Link = ""
