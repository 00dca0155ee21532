"""What is offered beside the groups: from when, until when, to whom; and why not, with what instead.

It follows from the type of incident and from the protocol together: the type says what is meant, the protocol
how. Source: domain.md 1 (defaults by type), 2 and 7.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cism.domain.incident import Affected, Circle, Incident, IncidentState
from cism.domain.incident_types import ALWAYS, INCIDENT_TYPES, IncidentType
from cism.domain.offer_kinds import FOR_THE_TEAM, MEANT_BY, ON_REQUEST, OfferKind
from cism.domain.people import Person, PersonStatus
from cism.domain.protocol_model import OfferRule, Protocol


class OfferBlocked(StrEnum):
    """Why something is not offered."""

    SCENE_OVER = "scene_over"  # nobody is out there any more
    KIN_NOT_TOLD = "kin_not_told"  # the family hears it from a person first
    TOO_LATE = "too_late"  # its window is over


_INSTEAD: Final[Mapping[OfferKind, OfferKind]] = {
    OfferKind.ON_SCENE_SUPPORT: OfferKind.ONE_ON_ONE,
    OfferKind.POST_ACTION_STAFF_SUPPORT: OfferKind.TEAM_CHECK_IN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPlan:
    """One offer; `key` is the same each time the same incident is planned.

    `since` is its anchor, `due_at` when the first text about it may go, `by_at` until when it is made or
    taken. `blocked` says why not, and `alternative` what there is instead, None where it merely waits.
    """

    key: str
    rule: OfferRule
    person_id: str | None
    session_id: str | None
    since: datetime
    due_at: datetime
    by_at: datetime
    blocked: OfferBlocked | None = None

    @property
    def kind(self) -> OfferKind:
        """What is offered."""
        return self.rule.kind

    @property
    def alternative(self) -> OfferKind | None:
        """What there is instead, where its window has closed."""
        return None if self.blocked in {None, OfferBlocked.KIN_NOT_TOLD} else instead_of(self.kind)

    @property
    def formal(self) -> bool:
        """Whether nobody's consent is asked: the family was notified formally, and is looked after."""
        return self.person_id is not None and self.key.endswith("/F")


def instead_of(kind: OfferKind) -> OfferKind | None:
    """What there is where an offer's window has closed."""
    return _INSTEAD.get(kind)


def plan_offers(
    incident: Incident,
    people: Mapping[str, Person],
    protocol: Protocol,
    now: datetime,
    *,
    session_ends: Mapping[str, datetime] | None = None,
    types: Mapping[str, IncidentType] = INCIDENT_TYPES,
) -> list[OfferPlan]:
    """Every offer whose anchor is known, in the order of the protocol; nothing where nothing goes on.

    `people` holds at least the affected ones, `session_ends` the sessions to be held or held, by id.
    """
    if incident.state is not IncidentState.OPEN:
        return []
    type_ = types.get(incident.type)
    found: list[OfferPlan] = []
    for rule in protocol.offers:
        if not _is_meant(rule, type_) or incident.severity not in rule.severities:
            continue
        for plan in _anchored(rule, incident, people, session_ends or {}, now):
            found.append(plan)
    return found


def _is_meant(rule: OfferRule, type_: IncidentType | None) -> bool:
    if rule.kind in ON_REQUEST:
        return False
    if rule.always or rule.kind in FOR_THE_TEAM:
        return True
    return MEANT_BY.get(rule.kind) in (ALWAYS if type_ is None else type_.interventions)


def _anchored(
    rule: OfferRule,
    incident: Incident,
    people: Mapping[str, Person],
    session_ends: Mapping[str, datetime],
    now: datetime,
) -> Iterator[OfferPlan]:
    if rule.each == "session":
        for session_id, end in session_ends.items():
            yield _plan(rule, f"{rule.kind}:{session_id}", incident, end, now, session_id=session_id)
        return
    if rule.each == "incident":
        if (since := _anchor(rule, incident, None)) is not None:
            yield _plan(rule, f"{rule.kind}", incident, since, now)
        return
    for one in incident.affected:
        person = people.get(one.person_id)
        if person is None or not _is_offered_to(rule, one, person):
            continue
        if (since := _anchor(rule, incident, one)) is not None:
            key = f"{rule.kind}:{one.person_id}" + ("/F" if one.circle is Circle.F else "")
            yield _plan(rule, key, incident, since, now, person_id=one.person_id)


def _is_offered_to(rule: OfferRule, one: Affected, person: Person) -> bool:
    here = one.circle in rule.circles and not one.ended
    return here and person.status is not PersonStatus.DECEASED


def _anchor(rule: OfferRule, incident: Incident, one: Affected | None) -> datetime | None:
    """The instant that the hours are counted from; None while nobody knows it: nothing is guessed."""
    known: Mapping[str, datetime | None] = {
        "logged": incident.logged_at if one is None else max(incident.logged_at, one.added_at),
        "incident_start": incident.occurred_at or incident.logged_at,
        "incident_end": incident.ended_at,
        "funeral": incident.funeral_at,
        "exposure_end": None if one is None else one.exposure_end,
    }
    return known[rule.anchor]


def _plan(
    rule: OfferRule,
    key: str,
    incident: Incident,
    since: datetime,
    now: datetime,
    *,
    person_id: str | None = None,
    session_id: str | None = None,
) -> OfferPlan:
    due, by = max(since + rule.after, now), since + rule.within
    return OfferPlan(
        key=key,
        rule=rule,
        person_id=person_id,
        session_id=session_id,
        since=since,
        due_at=due,
        by_at=by if by > now else due + rule.ack,
        blocked=_blocked(rule, incident, since, now, family=key.endswith("/F")),
    )


def _blocked(
    rule: OfferRule, incident: Incident, since: datetime, now: datetime, *, family: bool
) -> OfferBlocked | None:
    scene_over = incident.ended_at is not None and incident.ended_at <= now
    reasons = (
        (rule.kind is OfferKind.ON_SCENE_SUPPORT and scene_over, OfferBlocked.SCENE_OVER),
        (family and not incident.kin_notified, OfferBlocked.KIN_NOT_TOLD),
        (
            rule.kind is OfferKind.POST_ACTION_STAFF_SUPPORT and since + rule.within <= now,
            OfferBlocked.TOO_LATE,
        ),
    )
    return next((reason for holds, reason in reasons if holds), None)
