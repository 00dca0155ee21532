"""Messages about the programme itself, to those who answer for it: counts, and nobody in particular."""

from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import Count, TeamOpening
from notifications.message_kinds import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(TeamOpening):
    """To the coordinator, each night: of so many people who are looked after so many have no next step."""

    kind: ClassVar[MessageKind] = MessageKind.ATTESTATION
    people: Count
    forgotten: Count = 0
