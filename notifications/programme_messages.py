"""Messages about the programme itself, to those who answer for it: counts, and nobody in particular."""

from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import Count, TeamOpening, When
from notifications.message_kinds import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(TeamOpening):
    """To the coordinator, each night: of so many people who are looked after so many have no next step."""

    kind: ClassVar[MessageKind] = MessageKind.ATTESTATION
    people: Count
    forgotten: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(TeamOpening):
    """To the coordinator: our records went back to that time, and so many later texts are not in them."""

    kind: ClassVar[MessageKind] = MessageKind.RESTORED
    at: When
    texts: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked(TeamOpening):
    """To the clinical director: at that time somebody looked whom the table refuses; the list says who."""

    kind: ClassVar[MessageKind] = MessageKind.LOOKED
    at: When
