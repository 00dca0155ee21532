"""What a helper carries and when they rest, for that helper alone (domain.md 6, 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.selection import SelectionPolicy
from cism.services import away, choice
from cism.store.tables import AffectedPerson, Person

_NO_INCIDENT = ""  # of all incidents alike


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLoad:
    """Whom they look after of how many at most, and until when they are not asked, by what."""

    persons: int
    most_persons: int
    often: bool  # activated as often as one may be in 30 days
    rests_until: datetime | None  # after a serious or grave incident in which they served
    own_until: datetime | None  # after an incident of their own
    said_ready: bool  # they have said that they can serve again, and a clinician has not yet
    away_until: datetime | None  # by their own word


def of(session: Session, person: Person, now: datetime) -> OwnLoad:
    """What one helper carries now."""
    policy, load = SelectionPolicy(), choice.loads(session, _NO_INCIDENT, now, only=person.id).get(person.id)
    after = []
    if load is not None and load.last_s3_end is not None:
        after.append(load.last_s3_end + policy.rest_after_s3)
    if load is not None and load.last_s2_end is not None:
        after.append(load.last_s2_end + policy.rest_after_s2)
    own = load.own_critical_incident_until if load is not None else None
    return OwnLoad(
        persons=load.open_persons if load is not None else 0,
        most_persons=policy.max_open_persons,
        often=load is not None and load.activations_30d >= policy.max_activations_30d,
        rests_until=_later(max(after, default=None), now),
        own_until=_later(own, now),
        said_ready=_said_ready(session, person),
        away_until=away.until(session, person.id, now),
    )


def _later(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment > now else None


def _said_ready(session: Session, person: Person) -> bool:
    query = select(AffectedPerson.id).where(
        AffectedPerson.person_id == person.id,
        AffectedPerson.ready_self_at.is_not(None),
        AffectedPerson.ready_clinician_at.is_(None),
    )
    return session.scalar(query.limit(1)) is not None
