"""People as the rules see them: snapshots without names, numbers or any contact detail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum


class Role(StrEnum):
    """What a person may do in the programme (contract.md, roster)."""

    RESPONDER = "responder"
    SUPERVISOR = "supervisor"
    PEER = "peer"
    CLINICIAN = "clinician"
    CLINICAL_DIRECTOR = "clinical_director"
    COORDINATOR = "coordinator"
    CHAPLAIN = "chaplain"
    FAMILY_PEER = "family_peer"
    ADMIN = "admin"


def is_command(roles: Collection[Role]) -> bool:
    """Whether somebody commands others, whatever else they are: some acts are then not theirs (7.3)."""
    return Role.SUPERVISOR in roles


class Discipline(StrEnum):
    """The service a person works in."""

    LAW_ENFORCEMENT = "law_enforcement"
    FIRE = "fire"
    EMS = "ems"
    DISPATCH = "dispatch"
    RAIL = "rail"
    HOSPITAL = "hospital"
    CORRECTIONS = "corrections"


class PersonStatus(StrEnum):
    """Whether a person may be asked or texted at all."""

    ACTIVE = "active"
    LEAVE = "leave"
    RETIRED = "retired"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True)
class Cert:
    """A training certificate; unexpired through the whole day `expires`."""

    name: str
    expires: date


@dataclass(frozen=True, slots=True)
class SleepWindow:
    """When a person sleeps, in their own local time; it may pass midnight (21:00-08:00 unless stated)."""

    start: time = time(21, 0)
    end: time = time(8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person on a roster. `id` is opaque; `reports_to` and `not_with` hold opaque ids too."""

    id: str
    agency: str
    roles: frozenset[Role] = frozenset({Role.RESPONDER})
    discipline: Discipline = Discipline.LAW_ENFORCEMENT
    unit: str = ""
    station: str = ""
    rank: str = ""
    reports_to: str | None = None
    zone: str = "UTC"
    sleep: SleepWindow = field(default_factory=SleepWindow)
    language: str = "en"
    consent_pages: bool = False
    consent_care: bool = False
    phone_confirmed: bool = False
    opted_out: bool = False
    frozen: bool = False
    care_held: bool = False
    designated_at: date | None = None
    certs: tuple[Cert, ...] = ()
    not_with: frozenset[str] = frozenset()
    status: PersonStatus = PersonStatus.ACTIVE
