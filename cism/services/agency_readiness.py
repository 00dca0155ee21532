"""Whether an agency could answer tonight and in the weeks to come: phones, on-call gaps, certificates, load.

For whoever is in charge of it: who must do something is named, and nothing is told of what anybody answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, lazyload

from cism.domain.incident import IncidentState
from cism.domain.on_call import Gap
from cism.domain.people import PersonStatus, Role
from cism.domain.selection import SelectionPolicy
from cism.services import away, on_call, people, reach, readiness
from cism.services.choice import LOOKED_AFTER
from cism.store.tables import AffectedPerson, Incident, Person, PersonCert, PersonRole

AHEAD: Final = timedelta(days=14)  # design: on-call gaps; two weeks can still be filled
EXPIRES_WITHIN: Final = timedelta(days=60)  # design: as long as it takes to get a place in a course
MOST: Final = 50  # names of a kind
_HELPERS: Final = (Role.PEER, Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR)


@dataclass(frozen=True, slots=True)
class Phones:
    """Of those who agreed to care texts: how many, with a confirmed number, and who without."""

    asked: int
    confirmed: int
    unconfirmed: tuple[str, ...]
    stopped: int  # said STOP, or the number may not be theirs any more


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that is over, or soon will be."""

    name: str
    kind: str
    expires: date
    over: bool


@dataclass(frozen=True, slots=True)
class Load:
    """A helper who looks after as many people as one may, or nearly."""

    name: str
    people: int
    most: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """All of it, of one agency."""

    missing: tuple[Role, ...]  # nobody reachable holds it: no check-in goes out
    performing: bool  # steps are performed, and the provider was heard lately
    phones: Phones
    gaps: tuple[tuple[Role, Gap], ...]
    calendars: bool
    unreachable: tuple[str, ...]  # helpers whom no page can reach
    away: tuple[tuple[str, datetime], ...]
    certificates: tuple[Certificate, ...]
    loads: tuple[Load, ...]

    @property
    def good(self) -> bool:
        """Whether nothing here waits for anybody."""
        return not (
            self.missing
            or not self.performing
            or self.phones.unconfirmed
            or self.gaps
            or self.unreachable
            or self.certificates
            or self.loads
        )


def of_agency(session: Session, agency: str, now: datetime) -> Readiness:
    """Look at all of it; the same few queries however many people there are."""
    helpers = _helpers(session, agency)
    gaps = on_call.gaps(session, agency, now, now + AHEAD)
    resting = away.of_many(session, [one.id for one in helpers], now)
    return Readiness(
        missing=tuple(reach.missing_roles(session, agency)),
        performing=readiness.texts_leave(session),
        phones=_phones(session, agency),
        gaps=tuple((role, gap) for role, found in gaps.items() for gap in found),
        calendars=bool(on_call.kept(session, agency=agency)),
        unreachable=tuple(one.name for one in helpers if not people.reachable(one))[:MOST],
        away=tuple((one.name, resting[one.id]) for one in helpers if one.id in resting)[:MOST],
        certificates=tuple(_certificates(session, helpers, now.date()))[:MOST],
        loads=tuple(_loads(session, helpers, now))[:MOST],
    )


def _helpers(session: Session, agency: str) -> list[Person]:
    ids = select(PersonRole.person_id).where(PersonRole.role.in_(_HELPERS))
    query = (
        select(Person)
        .where(Person.agency == agency, Person.status == PersonStatus.ACTIVE, Person.id.in_(ids))
        .options(lazyload(Person.roles), lazyload(Person.certs), lazyload(Person.conflicts))
    )
    return sorted(session.scalars(query), key=lambda one: one.name)


def _phones(session: Session, agency: str) -> Phones:
    theirs = (
        Person.agency == agency,
        Person.status == PersonStatus.ACTIVE,
        Person.consent_care.is_(True),
        Person.revoked_care.is_(False),
    )
    silent = Person.opted_out_at.is_not(None) | Person.frozen_at.is_not(None)
    counts = select(func.count(), func.count(Person.phone_confirmed_at), func.count().filter(silent)).where(
        *theirs
    )
    asked, confirmed, stopped = session.execute(counts).one()
    names = session.scalars(
        select(Person.name).where(*theirs, ~silent, Person.phone_confirmed_at.is_(None)).limit(MOST)
    )
    return Phones(asked, confirmed, tuple(sorted(names)), stopped)


def _certificates(session: Session, helpers: Sequence[Person], today: date) -> list[Certificate]:
    names = {one.id: one.name for one in helpers}
    query = (
        select(PersonCert.person_id, PersonCert.name, PersonCert.expires)
        .where(PersonCert.person_id.in_(names), PersonCert.expires <= today + EXPIRES_WITHIN)
        .order_by(PersonCert.expires, PersonCert.person_id, PersonCert.name)
    )
    return [
        Certificate(names[person_id], kind, expires, expires < today)
        for person_id, kind, expires in session.execute(query)
    ]


def _loads(session: Session, helpers: Collection[Person], now: datetime) -> list[Load]:
    """Counted as the choice of helpers counts it; from one below the cap on somebody is named."""
    most = SelectionPolicy().max_open_persons
    counted = Counter(
        session.scalars(
            select(AffectedPerson.peer_id)
            .join(Incident, Incident.id == AffectedPerson.incident_id)
            .where(
                Incident.state == IncidentState.OPEN,
                AffectedPerson.peer_id.in_([one.id for one in helpers]),
                AffectedPerson.ended_at.is_(None),
                AffectedPerson.added_at > now - LOOKED_AFTER,
            )
        )
    )
    found = [Load(one.name, counted[one.id], most) for one in helpers if counted[one.id] >= most - 1]
    return sorted(found, key=lambda load: (-load.people, load.name))
