"""Logging an incident, and what may change about it afterwards. Nothing is ever half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import chance
from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.incident_types import INCIDENT_TYPES, unknown_type_error
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import load_protocol, protocol_or_default, to_json
from cism.errors import BadInput, KeyReused, NotFound
from cism.services import crew_list, events, lives, parties, people, removal, response, steps
from cism.services.team_state import team_state
from cism.store.db import find_hash, real_now
from cism.store.db import now as product_now
from cism.store.tables import AffectedPerson, Agency, IdempotencyKey, Incident, Person

_REF_LETTERS = "ABCDEFGHJKMNPQRTUVWXY23456789"
_SKEW = timedelta(minutes=2)  # a phone's clock may run ahead of ours by this much


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedInput:
    """One affected person as reported: the roster's own id, a circle, the end of exposure where known."""

    person_id: str
    circle: Circle
    exposure_end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentInput:
    """What a supervisor reports."""

    type: str
    agency: str
    severity: Severity | None = None
    occurred_at: datetime | None = None
    ended_at: datetime | None = None
    place_code: str | None = None
    protocol: str | None = None
    kin_notified: bool = False
    funeral_at: datetime | None = None
    affected: tuple[AffectedInput, ...] = ()
    on_scene: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    logged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """The receipt. `fresh` is False where the same key and body had come before."""

    id: str
    ref: str
    team_state: str
    fresh: bool


def log_once(session: Session, report: IncidentInput, *, caller: str, key: str | None) -> Logged:
    """Log an incident; with a key, the same report answers with the same incident."""
    # under a key: a short list of roster ids could be tried until it fits
    digest = find_hash(session, "report", hashlib.sha256(canonical(report).encode()).hexdigest())
    if key is not None:
        known = session.get(IdempotencyKey, (caller, key))
        if known is not None:
            if known.body_hash != digest:
                raise KeyReused
            row = session.get_one(Incident, known.incident_id)
            return Logged(row.id, row.ref, team_state(session, row), fresh=False)
    row = log(session, report)
    if not report.affected:
        crew_list.expect(session, row, row.logged_at)
    if key is not None:
        session.add(
            IdempotencyKey(
                caller=caller, key=key, body_hash=digest, incident_id=row.id, made_at=row.logged_at
            )
        )
    return Logged(row.id, row.ref, team_state(session, row), fresh=True)


def log(session: Session, report: IncidentInput) -> Incident:
    """Check everything, then write the incident and the two steps that start the response."""
    now = product_now(session)
    agency = _agency(session, report.agency)
    problems = _problems(report, now)
    kind = INCIDENT_TYPES.get(report.type)
    if kind is None:
        problems.insert(0, str(unknown_type_error(report.type, INCIDENT_TYPES)))
    found, unknown = _people_of(session, report)
    problems += unknown
    if problems or kind is None:
        raise BadInput("; ".join(problems), errors=problems)
    protocol = load_protocol(report.protocol) if report.protocol else protocol_or_default(agency.protocol)
    row = Incident(
        ref=_new_ref(session),
        agency=agency.key,
        type=report.type,
        severity=report.severity or kind.severity,
        occurred_at=report.occurred_at,
        ended_at=report.ended_at,
        place_code=report.place_code,
        kin_notified=report.kin_notified,
        funeral_at=report.funeral_at,
        protocol=protocol.key,
        protocol_body=to_json(protocol),
        logged_at=now,
        logged_real=real_now(session),
        logged_by=report.logged_by,
        state=IncidentState.OPEN,
    )
    session.add(row)
    session.flush()
    for item in report.affected:
        row.affected.append(_affected(row, item, found[item.person_id], now))
    session.flush()
    lives.end_for_the_dead(session, row, now)
    parties.name(session, row, on_scene=report.on_scene, reviewers=report.reviewers, now=now)
    events.record(session, "incident.logged", now, incident_id=row.id, actor_id=report.logged_by)
    steps.plan(session, _first_steps(row.id, now))
    return row


def add_affected(session: Session, incident_id: str, items: Sequence[AffectedInput]) -> int:
    """Add people later; a helper who turns out to be affected stops serving at once (invariant 3).

    Whoever is on the list already stays as they are, but for the end of their exposure, where one is given:
    nobody knew it so far, or it was wrong. Whoever was taken off the list is on it again.
    """
    row = people.lock_incident(session, incident_id)
    now = product_now(session)
    report = IncidentInput(
        type=row.type,
        agency=row.agency,
        ended_at=row.ended_at,
        occurred_at=row.occurred_at,
        affected=tuple(items),
    )
    found, problems = _people_of(session, report)
    problems += _problems(report, now)
    if problems:
        raise BadInput("; ".join(problems), errors=problems)
    here = {item.person_id for item in row.affected}
    named = {found[item.person_id] for item in items}
    back = [
        item for item in row.affected if item.person_id in named and removal.put_back(session, row, item, now)
    ]
    fresh = [item for item in items if found[item.person_id] not in here]
    response.left(session, row, {found[item.person_id]: item.exposure_end for item in items}, now)
    for item in fresh:
        row.affected.append(_affected(row, item, found[item.person_id], now))
        events.record(session, "affected.added", now, incident_id=row.id, subject_id=found[item.person_id])
    session.flush()
    lives.end_for_the_dead(session, row, now)
    if fresh or back:
        added = [*(found[item.person_id] for item in fresh), *(item.person_id for item in back)]
        response.people_added(session, row, added, now)
    return len(fresh) + len(back)


def change(session: Session, incident_id: str, changes: dict[str, object]) -> Incident:
    """Change what may change: severity, ended_at, kin_notified, funeral_at, statements_complete.

    What stands there already changes nothing, and nothing is planned again: how long that would take tells
    whoever asks how much is still planned.
    """
    row = people.lock_incident(session, incident_id)
    now = product_now(session)
    allowed = {"severity", "ended_at", "kin_notified", "funeral_at", "statements_complete"}
    strange = sorted(set(changes) - allowed)
    if strange:
        message = f"{', '.join(strange)} cannot be changed; what can is {', '.join(sorted(allowed))}"
        raise BadInput(message)
    ended = changes.get("ended_at")
    if isinstance(ended, datetime):
        _refuse_times(row.occurred_at, ended, now)
    changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not changes:
        return row
    before, was_ended = row.severity, row.ended_at
    for name, value in changes.items():
        was = getattr(row, name)
        setattr(row, name, value)
        events.record(
            session,
            f"incident.{name}",
            now,
            incident_id=row.id,
            before=str(was)[:40],
            after=str(value)[:40],
        )
    session.flush()
    response.replan(session, row, now, was_ended=was_ended)
    if row.severity.at_least(before) and row.severity is not before:
        response.graver(session, row, now)
    return row


def by_ref(session: Session, ref: str) -> Incident:
    """The incident that people call by this reference."""
    row = session.scalar(select(Incident).where(Incident.ref == ref.strip().upper()))
    if row is None:
        message = f"there is no incident {ref!r}; `cism incidents` lists them"
        raise NotFound(message)
    return row


def listed(session: Session, row: Incident, person_id: str) -> Person:
    """Who on the roster is meant by this id (`AGENCY:ID` for another agency); NotFound where nobody is."""
    agency, _, roster_id = person_id.rpartition(":")
    found = people.by_roster_id(session, agency or row.agency, roster_id)
    if found is None:
        message = f"nobody {person_id!r} is on the roster of {agency or row.agency}"
        raise NotFound(message)
    return found


def _agency(session: Session, key: str) -> Agency:
    agency = session.get(Agency, key)
    if agency is None:
        known = ", ".join(sorted(session.scalars(select(Agency.key)))) or "none yet: import a roster first"
        message = f"there is no agency {key!r}; known: {known}"
        raise BadInput(message)
    return agency


def _problems(report: IncidentInput, now: datetime) -> list[str]:
    found: list[str] = []
    for name, moment in (("occurred_at", report.occurred_at), ("ended_at", report.ended_at)):
        if moment is not None and moment > now + _SKEW:
            found.append(f"{name} lies in the future; give the time it happened, with its zone")
    if report.occurred_at and report.ended_at and report.ended_at < report.occurred_at:
        found.append("ended_at is before occurred_at; swap them or correct one")
    seen: set[str] = set()
    for item in report.affected:
        if item.person_id in seen:
            found.append(
                f"affected: {item.person_id} is named twice; name each person once, in the nearest circle"
            )
        seen.add(item.person_id)
        found += _exposure_problems(item, report.occurred_at, now)
    return found


def _exposure_problems(item: AffectedInput, occurred_at: datetime | None, now: datetime) -> list[str]:
    if item.exposure_end is None:
        return []
    if item.exposure_end > now + _SKEW:
        return [
            f"affected: {item.person_id}: exposure_end lies in the future; leave it out while still exposed"
        ]
    if occurred_at is not None and item.exposure_end < occurred_at:
        return [f"affected: {item.person_id}: exposure_end is before occurred_at; correct one"]
    return []


def _refuse_times(occurred_at: datetime | None, ended: datetime, now: datetime) -> None:
    if ended > now + _SKEW:
        message = "ended_at lies in the future; give the time it ended"
        raise BadInput(message)
    if occurred_at is not None and ended < occurred_at:
        message = "ended_at is before occurred_at; correct it"
        raise BadInput(message)


def _people_of(session: Session, report: IncidentInput) -> tuple[dict[str, str], list[str]]:
    """Roster ids to our ids; `agency:id` reaches into another agency (mutual aid, dispatch)."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for item in report.affected:
        agency, _, roster_id = item.person_id.rpartition(":")
        row = people.by_roster_id(session, agency or report.agency, roster_id)
        if row is None:
            problems.append(
                f"affected: nobody {item.person_id!r} is on the roster of {agency or report.agency}; "
                "write AGENCY:ID for somebody of another agency"
            )
        else:
            found[item.person_id] = row.id
    if len(set(found.values())) < len(found):
        problems.append("affected: one person is named twice, with and without the agency; name each once")
    return found, problems


def _affected(row: Incident, item: AffectedInput, person_id: str, now: datetime) -> AffectedPerson:
    return AffectedPerson(
        incident_id=row.id,
        person_id=person_id,
        circle=item.circle,
        exposure_end=item.exposure_end or row.ended_at,
        added_at=now,
    )


def _first_steps(incident_id: str, now: datetime) -> list[PlannedStep]:
    return [
        PlannedStep(
            kind=StepKind.ACTIVATE,
            due_at=now,
            key=f"activate:{incident_id}:0",
            incident_id=incident_id,
            payload={"round": 0},
        ),
        PlannedStep(
            kind=StepKind.PLAN_RESPONSE, due_at=now, key=f"plan:{incident_id}", incident_id=incident_id
        ),
    ]


def _new_ref(session: Session) -> str:
    """Short, speakable, and saying nothing about order or number of incidents."""
    while True:
        ref = "C-" + "".join(chance.source().choice(_REF_LETTERS) for _ in range(5))
        if session.scalar(select(Incident.id).where(Incident.ref == ref)) is None:
            return ref


def canonical(report: IncidentInput) -> str:
    """What one report is told from another by: everything in it but who sent it."""

    def plain(value: object) -> object:
        if isinstance(value, datetime):
            return value.timestamp()
        return str(value)

    later = {name: list(getattr(report, name)) for name in ("on_scene", "reviewers") if getattr(report, name)}
    left = {"affected", "logged_by", "on_scene", "reviewers"}
    body = {name: getattr(report, name) for name in report.__slots__ if name not in left} | later
    rows = [[item.person_id, item.circle.value, item.exposure_end] for item in report.affected]
    return json.dumps([body, rows], default=plain, sort_keys=True)
