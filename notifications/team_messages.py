"""Messages to the team, about turns, tasks and calls: whom they affect or what happened none of them says,
and whom to call stands behind the link and a sign-in.
"""

from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import (
    By,
    Code,
    Count,
    Link,
    Minutes,
    Name,
    Purpose,
    Ref,
    TeamMessage,
    TeamOpening,
    When,
)
from notifications.message_kinds import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(TeamOpening):
    """Can you take a turn? `repeat`: an earlier page may or may not have arrived somewhere."""

    kind: ClassVar[MessageKind] = MessageKind.PAGE
    purpose: ClassVar[Purpose] = Purpose.URGENT
    code: Code
    by: By
    link: Link = ""
    repeat: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(TeamMessage):
    """You are on, and this is what to do. `confirmed`: the number is, so that WHO brings a new link."""

    kind: ClassVar[MessageKind] = MessageKind.ASSIGNED
    purpose: ClassVar[Purpose] = Purpose.URGENT
    needs_link: ClassVar[bool] = True
    code: Code
    link: Link = ""
    confirmed: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered(TeamMessage):
    """Enough others were there before you answered, or before you were needed."""

    kind: ClassVar[MessageKind] = MessageKind.COVERED
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown(TeamMessage):
    """It was called off. `calls`: a call that another text asks for is still to be made."""

    kind: ClassVar[MessageKind] = MessageKind.STAND_DOWN
    code: Code
    calls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(TeamMessage):
    """Somebody else takes over what was yours; no reason is given."""

    kind: ClassVar[MessageKind] = MessageKind.RELEASED
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyCovered(TeamMessage):
    """A late answer: nothing was changed. `code` empty: the question had none."""

    kind: ClassVar[MessageKind] = MessageKind.ALREADY_COVERED
    purpose: ClassVar[Purpose] = Purpose.ANSWER
    code: Code = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamNotice(TeamOpening):
    """To the coordinator: how the asking stands. `final`: nobody is left to ask; with a `code`: take it?"""

    kind: ClassVar[MessageKind] = MessageKind.TEAM_NOTICE
    purpose: ClassVar[Purpose] = Purpose.URGENT
    ref: Ref
    found: Count
    needed: Count
    final: bool = False
    code: Code = ""
    link: Link = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberStopped(TeamOpening):
    """To the coordinator: a gap in the team, because somebody's texts ended."""

    kind: ClassVar[MessageKind] = MessageKind.TEAM_MEMBER_STOPPED
    member: Name
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(TeamOpening):
    """To a clinician: a group meeting is proposed and waits for you."""

    kind: ClassVar[MessageKind] = MessageKind.APPROVAL
    code: Code
    by: By
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTeam(TeamOpening):
    """You are down to lead or help with a meeting."""

    kind: ClassVar[MessageKind] = MessageKind.SESSION_TEAM
    needs_link: ClassVar[bool] = True
    code: Code
    when: When
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReminder(TeamMessage):
    """The meeting is near."""

    kind: ClassVar[MessageKind] = MessageKind.SESSION_REMINDER
    needs_link: ClassVar[bool] = True
    code: Code
    when: When
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOff(TeamMessage):
    """A meeting that you were down for does not take place. Goes to the team alone."""

    kind: ClassVar[MessageKind] = MessageKind.SESSION_OFF
    when: When


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport(TeamMessage):
    """How many came?"""

    kind: ClassVar[MessageKind] = MessageKind.SESSION_REPORT
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTask(TeamOpening):
    """Call somebody by then; whom, stands behind the link. `another`: beside one that is still to be made."""

    kind: ClassVar[MessageKind] = MessageKind.PEER_TASK
    needs_link: ClassVar[bool] = True
    code: Code
    by: By
    link: Link = ""
    another: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTaskOverdue(TeamMessage):
    """Nothing was reported about that call."""

    kind: ClassVar[MessageKind] = MessageKind.PEER_TASK_OVERDUE
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(TeamMessage):
    """Your answer has arrived. `about_person`: a worry may follow. `goes_on`: somebody goes on (6, 7)."""

    kind: ClassVar[MessageKind] = MessageKind.NOTED
    purpose: ClassVar[Purpose] = Purpose.ANSWER
    code: Code
    about_person: bool = False
    goes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack(TeamMessage):
    """You handed it back; no reason is asked."""

    kind: ClassVar[MessageKind] = MessageKind.HANDED_BACK
    purpose: ClassVar[Purpose] = Purpose.ANSWER
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation(TeamOpening):
    """Somebody asks for a call: will you take it? `by`: until when you may answer.

    `now`: URGENT and above. `waiting`: for how long the person has waited, on a repeat.
    """

    kind: ClassVar[MessageKind] = MessageKind.ESCALATION
    purpose: ClassVar[Purpose] = Purpose.URGENT
    code: Code
    by: By
    now: bool = True
    waiting: Minutes = 0
    link: Link = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationAssigned(TeamMessage):
    """It is yours; call by then. `welfare`: until somebody has met or reached them, so no 5 and no 6."""

    kind: ClassVar[MessageKind] = MessageKind.ESCALATION_ASSIGNED
    purpose: ClassVar[Purpose] = Purpose.URGENT
    needs_link: ClassVar[bool] = True
    code: Code
    by: By
    welfare: bool = False
    link: Link = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCovered(TeamMessage):
    """Somebody took it before you."""

    kind: ClassVar[MessageKind] = MessageKind.ESCALATION_COVERED
    code: Code
    helper: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationOverdue(TeamMessage):
    """You took it and have not said how it ended: others are asked again. `welfare` as before."""

    kind: ClassVar[MessageKind] = MessageKind.ESCALATION_OVERDUE
    purpose: ClassVar[Purpose] = Purpose.URGENT
    code: Code
    welfare: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Welfare(TeamOpening):
    """To the clinical director: nobody was reached by phone, and now it is yours."""

    kind: ClassVar[MessageKind] = MessageKind.WELFARE
    purpose: ClassVar[Purpose] = Purpose.URGENT
    code: Code
    by: By
    waiting: Minutes = 0
    link: Link = ""
    late: bool = False
