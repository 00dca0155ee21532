"""Messages about offers beside the groups: to whoever makes them, and to whoever does what was wanted.

None says to whom, or what; that stands behind the link and a sign-in.
"""

from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import By, Code, Count, Link, TeamMessage, TeamOpening
from notifications.message_kinds import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersDue(TeamOpening):
    """Some offers are to be made by then; what and to whom stands behind the link."""

    kind: ClassVar[MessageKind] = MessageKind.OFFERS_DUE
    code: Code
    count: Count
    by: By
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(TeamOpening):
    """Somebody wants what this helper can give, or the team itself needs it: will you?"""

    kind: ClassVar[MessageKind] = MessageKind.TURN
    code: Code
    by: By
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaken(TeamMessage):
    """After 1: it is yours; whom it is for stands behind the link."""

    kind: ClassVar[MessageKind] = MessageKind.TURN_TAKEN
    needs_link: ClassVar[bool] = True
    code: Code
    by: By
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff(TeamMessage):
    """To whoever handed a person over: received, or nobody took it and it is theirs again."""

    kind: ClassVar[MessageKind] = MessageKind.HAND_OFF
    code: Code
    received: bool = False


OFFER_CLASSES = (OffersDue, Turn, TurnTaken, HandOff)
