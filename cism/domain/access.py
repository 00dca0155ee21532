"""Who may see what, and who may do what: domain.md 7.3 and contract.md (HTTP, command line), as two tables.

What a table does not grant is refused, and so is a grant whose condition is not known to hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

from cism.domain.acts import Act as Act
from cism.domain.people import Role


class Relation(StrEnum):
    """What a viewer is to the data."""

    OWN = "own"  # the affected person, about themselves
    LOGGING_SUPERVISOR = "logging_supervisor"  # logged this incident
    COMMAND = "command"  # another supervisor of the agency
    ASSIGNED_PEER = "assigned_peer"  # serves in this incident
    OTHER_PEER = "other_peer"  # a peer who does not
    COORDINATOR = "coordinator"
    CLINICIAN_ASSIGNED = "clinician_assigned"
    CLINICAL_DIRECTOR = "clinical_director"
    ADMIN_HR_IA = "admin_hr_ia"  # technology, personnel, internal affairs
    REPORTS = "reports"  # anyone who reads a report


class Datum(StrEnum):
    """The kinds of data, row by row."""

    INCIDENT_HEADER = "incident_header"
    AFFECTED_ROSTER = "affected_roster"
    PHONE = "phone"
    OFFER_MADE = "offer_made"
    PARTICIPATION = "participation"  # accepted, declined, attended
    SESSION_TIME_PLACE = "session_time_place"
    DIGIT_REPLIES = "digit_replies"
    FREE_TEXT = "free_text"
    SCREENING_SCORE = "screening_score"
    ESCALATION = "escalation"
    PEER_LOAD = "peer_load"
    AUDIT_LOG = "audit_log"


class Access(IntEnum):
    """How much; a greater member shows more."""

    NONE = 0
    COUNT = 1  # how many, never who (see `shown_count`)
    STATUS = 2  # that it is and how it stands, never what it says
    YES = 3


class Fact(StrEnum):
    """What must be known to hold before a conditional cell opens."""

    OWN_PERSON = "own_person"  # the data are about a person assigned to the viewer
    ABOUT_VIEWER = "about_viewer"  # the data are about the viewer as a helper
    BEFORE_HANDOVER = "before_handover"  # no coordinator has accepted the incident yet
    ON_TEAM = "on_team"  # the viewer is in this session's team
    UNASSIGNED = "unassigned"  # nobody is assigned to the person
    FRESH = "fresh"  # not yet 72 h since a human handled the text
    SHARED = "shared"  # the person chose to share the score
    ESCALATED = "escalated"  # an escalation about the person is open
    TECHNICAL_ADMIN = "technical_admin"  # not personnel, not internal affairs


@dataclass(frozen=True, slots=True)
class Cell:
    """What one relation may see of one datum, once every needed fact holds."""

    access: Access
    needs: frozenset[Fact] = frozenset()


def _when(*needs: Fact, access: Access = Access.YES) -> Cell:
    return Cell(access, frozenset(needs))


_NO, _Y, _C, _S = Cell(Access.NONE), Cell(Access.YES), Cell(Access.COUNT), Cell(Access.STATUS)
_OWN = _when(Fact.OWN_PERSON)
_ENTERED = _when(Fact.BEFORE_HANDOVER)
_FRESH = _when(Fact.OWN_PERSON, Fact.FRESH)
_TEAM = _when(Fact.ON_TEAM)
_LOAD = _when(Fact.ABOUT_VIEWER)
_LOOSE = _when(Fact.UNASSIGNED)
_RAISED = _when(Fact.ESCALATED)
_SHARED = _when(Fact.OWN_PERSON, Fact.SHARED)
_META = _when(Fact.TECHNICAL_ADMIN, access=Access.STATUS)

# Columns in the order of Relation: own, logging supervisor, command, assigned peer, other peers, coordinator,
# assigned clinician, clinical director, HR/IA/admin, reports. Command that entered no names sees none.
# fmt: off
_ROWS: Mapping[Datum, tuple[Cell, ...]] = {
    Datum.INCIDENT_HEADER:    (_Y,  _Y,       _Y,  _Y,     _NO, _Y,     _Y,      _Y,      _NO,   _C),
    Datum.AFFECTED_ROSTER:    (_NO, _ENTERED, _NO, _OWN,   _NO, _Y,     _OWN,    _Y,      _NO,   _NO),
    Datum.PHONE:              (_Y,  _NO,      _NO, _OWN,   _NO, _Y,     _OWN,    _Y,      _NO,   _NO),
    Datum.OFFER_MADE:         (_Y,  _C,       _C,  _OWN,   _NO, _Y,     _OWN,    _Y,      _NO,   _C),
    Datum.PARTICIPATION:      (_Y,  _NO,      _NO, _OWN,   _NO, _C,     _OWN,    _C,      _NO,   _C),
    Datum.SESSION_TIME_PLACE: (_Y,  _S,       _S,  _TEAM,  _NO, _Y,     _Y,      _Y,      _NO,   _NO),
    Datum.DIGIT_REPLIES:      (_Y,  _NO,      _NO, _OWN,   _NO, _S,     _OWN,    _S,      _NO,   _C),
    Datum.FREE_TEXT:          (_Y,  _NO,      _NO, _FRESH, _NO, _LOOSE, _OWN,    _RAISED, _NO,   _NO),
    Datum.SCREENING_SCORE:    (_Y,  _NO,      _NO, _NO,    _NO, _NO,    _SHARED, _NO,     _NO,   _C),
    Datum.ESCALATION:         (_Y,  _NO,      _NO, _OWN,   _NO, _S,     _Y,      _Y,      _NO,   _C),
    Datum.PEER_LOAD:          (_NO, _NO,      _NO, _LOAD,  _NO, _Y,     _NO,     _Y,      _NO,   _C),
    Datum.AUDIT_LOG:          (_NO, _NO,      _NO, _NO,    _NO, _NO,    _NO,     _Y,      _META, _NO),
}
# fmt: on
TABLE: Mapping[tuple[Relation, Datum], Cell] = MappingProxyType(
    {
        (relation, datum): cell
        for datum, row in _ROWS.items()
        for relation, cell in zip(Relation, row, strict=True)
    }
)

# What a supervisor gets of an incident, and nothing else (contract.md, HTTP; invariant 6).
SUPERVISOR_FIELDS = ("ref", "type", "severity", "agency", "occurred_at", "logged_at", "state")
SMALLEST_COUNT = 11  # cells of 1 to 10 are not shown outside the team (domain.md 9)
_CHARGE = frozenset({Relation.COORDINATOR, Relation.CLINICAL_DIRECTOR})
_OUTSIDE = frozenset({Relation.LOGGING_SUPERVISOR, Relation.COMMAND, Relation.ADMIN_HR_IA, Relation.REPORTS})


def may_see(relation: Relation, datum: Datum, facts: Collection[Fact] = ()) -> Access:
    """How much of a datum a viewer may see, given what is known to hold."""
    cell = TABLE[relation, datum]
    return cell.access if cell.needs <= frozenset(facts) else Access.NONE


def best_access(relations: Iterable[Relation], datum: Datum, facts: Collection[Fact] = ()) -> Access:
    """The most that any of a viewer's relations grants; without a relation nothing."""
    return max((may_see(relation, datum, facts) for relation in relations), default=Access.NONE)


def in_charge(held: Collection[Relation]) -> bool:
    """Whether more than the header of an incident may be shown."""
    return not _CHARGE.isdisjoint(held)


def shown_count(relation: Relation, count: int) -> int | None:
    """A count as the viewer may see it; None where so few could be told apart. Zero may be shown."""
    return None if relation in _OUTSIDE and 0 < count < SMALLEST_COUNT else count


def reported(count: int) -> int | None:
    """A count as it may stand in a report that leaves the team."""
    return shown_count(Relation.REPORTS, count)


def relations(
    roles: Collection[Role], *, affected: bool = False, logged: bool = False, assigned: bool = False
) -> frozenset[Relation]:
    """What a person of the incident's agency is to one incident.

    Whoever is affected is nothing but that, so that nobody reads their own case (domain.md 11.17).
    """
    if affected:
        return frozenset({Relation.OWN})
    by_role = {
        Role.SUPERVISOR: Relation.LOGGING_SUPERVISOR if logged else Relation.COMMAND,
        Role.PEER: Relation.ASSIGNED_PEER if assigned else Relation.OTHER_PEER,
        Role.COORDINATOR: Relation.COORDINATOR,
        Role.CLINICAL_DIRECTOR: Relation.CLINICAL_DIRECTOR,
        Role.ADMIN: Relation.ADMIN_HR_IA,
    }
    if assigned:
        by_role[Role.CLINICIAN] = Relation.CLINICIAN_ASSIGNED
    return frozenset(by_role[role] for role in roles if role in by_role)


_SUPERVISOR = frozenset({Role.SUPERVISOR})
_IN_CHARGE = frozenset({Role.COORDINATOR, Role.CLINICAL_DIRECTOR})
_CLINICAL = frozenset({Role.CLINICIAN, Role.CLINICAL_DIRECTOR})
_ANSWERING = _CLINICAL | {Role.COORDINATOR}
_HELPERS = frozenset({Role.PEER})

ACTS: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.LOG_INCIDENT: _IN_CHARGE | _SUPERVISOR,
        Act.SEE_INCIDENT: _ANSWERING | _SUPERVISOR | _HELPERS,
        Act.SEE_TIMELINE: _IN_CHARGE,
        Act.ACCEPT_INCIDENT: _IN_CHARGE,
        # After the hand-over a supervisor only adds: people, facts, a graver severity (7.3, 11.10).
        Act.ADD_AFFECTED: _IN_CHARGE | _SUPERVISOR,
        Act.STATE_FACTS: _IN_CHARGE | _SUPERVISOR,
        Act.RAISE_SEVERITY: _IN_CHARGE | _SUPERVISOR,
        Act.LOWER_SEVERITY: _IN_CHARGE,
        Act.LIFT_LEGAL_HOLD: _IN_CHARGE,
        Act.STAND_DOWN: _IN_CHARGE,
        Act.CLOSE_INCIDENT: _IN_CHARGE,
        Act.REOPEN_INCIDENT: _IN_CHARGE,
        Act.ASK_HELPER: _IN_CHARGE,
        Act.REMOVE_AFFECTED: _IN_CHARGE,
        Act.KEEP_DATES: _IN_CHARGE,
        Act.LIST_ESCALATIONS: _ANSWERING,
        Act.ACK_ESCALATION: _ANSWERING,
        Act.CLOSE_ESCALATION: _CLINICAL,  # and whoever took it: see `may_do`
        Act.CLOSE_FOR_ANOTHER: frozenset({Role.CLINICAL_DIRECTOR}),
        Act.APPROVE_SESSION: _CLINICAL,  # invariant 11
        Act.REPORT_SESSION: _ANSWERING,
        Act.LIST_QUEUE: _ANSWERING,
        Act.HANDLE_QUEUE: _ANSWERING,  # and the sender's own peer: see `may_do`
        Act.MAKE_OFFER: _IN_CHARGE,
        Act.CHANGE_ROSTER: _IN_CHARGE,
        Act.END_CONTACTS: _IN_CHARGE,
        Act.HOLD_RECORDS: _IN_CHARGE,
        Act.PROPOSE_DISCLOSURE: _ANSWERING,
        Act.CONFIRM_DISCLOSURE: _ANSWERING,
        Act.BREAK_GLASS: _ANSWERING | _HELPERS,
        Act.LIST_BROKEN_GLASS: _IN_CHARGE,
        Act.SEE_STATISTICS: _IN_CHARGE,
        Act.SET_AGENCY: _IN_CHARGE,
        Act.SET_ON_CALL: _IN_CHARGE,
        Act.AGREE_READY: _CLINICAL,
        Act.GET_PAPER: frozenset({Role.COORDINATOR}),
        Act.BE_ASKED: _HELPERS | _ANSWERING | {Role.CHAPLAIN, Role.FAMILY_PEER},
        Act.SERVE: _HELPERS | _CLINICAL | {Role.CHAPLAIN, Role.FAMILY_PEER},
        Act.ASK_FOR_REST: _HELPERS,  # nobody else is kept out of a choice by it
    }
)
# At a terminal a coordinator enters what somebody else did or decided, and told them of (contract.md).
ENTERED_AT_TERMINAL = frozenset({Act.CLOSE_ESCALATION, Act.APPROVE_SESSION})
_WHILE_AFFECTED = frozenset({Act.LOG_INCIDENT, Act.SEE_INCIDENT, Act.ADD_AFFECTED, Act.STATE_FACTS})
_BY_WHOEVER_HAS_IT = frozenset({Act.CLOSE_ESCALATION, Act.HANDLE_QUEUE})
_PATCHES: Mapping[str, Act] = {
    "ended_at": Act.STATE_FACTS,
    "kin_notified": Act.STATE_FACTS,
    "funeral_at": Act.STATE_FACTS,
    "on_scene": Act.STATE_FACTS,
    "reviewers": Act.STATE_FACTS,
    "statements_complete": Act.LIFT_LEGAL_HOLD,
}


def patch_act(field: str, *, lowers: bool = False) -> Act:
    """The act that changing one field of an incident is; KeyError for a field that cannot be changed."""
    if field == "severity":
        return Act.LOWER_SEVERITY if lowers else Act.RAISE_SEVERITY
    return _PATCHES[field]


def may_do(
    roles: Collection[Role],
    act: Act,
    *,
    same_agency: bool,
    affected: bool = False,
    took_it: bool = False,
    at_terminal: bool = False,
) -> bool:
    """Whether somebody with these roles may do this.

    `affected`: is on the list of the incident concerned, and then handles nothing of it (the supervisor who
    logged it may still add); `took_it`: acknowledged this escalation and made the call, or looks after who
    wrote what waits in the queue.
    """
    if affected and act not in _WHILE_AFFECTED:
        return False
    if affected and act is Act.SEE_INCIDENT:
        return True  # the header of what happened to them; never as staff
    if act in _BY_WHOEVER_HAS_IT and took_it:
        return True  # also for a helper of another agency, who was asked by mutual aid
    if not same_agency:
        return False
    allowed = ACTS[act]
    if at_terminal and act in ENTERED_AT_TERMINAL:
        allowed = allowed | {Role.COORDINATOR}
    return not allowed.isdisjoint(roles)
