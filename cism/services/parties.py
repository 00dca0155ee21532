"""Who had a part in an incident without being on its list: nobody of them serves in it (domain.md 6).

`on_scene`: initial responders, witnesses and parties, whose serving could cost the privilege; `reviewer`: who
investigates, reviews or represents in this event. Kept for the choice of helpers, and shown to nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.errors import BadInput
from cism.services import events, people, stepping_back
from cism.services.party_rows import ON_SCENE, REVIEWER
from cism.store.tables import Incident, IncidentParty


def name(
    session: Session, row: Incident, *, on_scene: Collection[str], reviewers: Collection[str], now: datetime
) -> int:
    """Add people by the roster's ids (`AGENCY:ID` of another agency); returns how many are new.

    Raises BadInput with everybody whom no roster knows.
    """
    wanted = [(ON_SCENE, key) for key in on_scene] + [(REVIEWER, key) for key in reviewers]
    found = {key: _by_key(session, row.agency, key) for _, key in wanted}
    unknown = [f"nobody {key!r} is on the roster" for key, person_id in found.items() if person_id is None]
    if unknown:
        raise BadInput("; ".join(unknown), errors=unknown)
    fresh = [(part, person_id) for part, key in wanted if (person_id := found[key]) is not None]
    return sum(_add(session, row, part, person_id, now) for part, person_id in dict.fromkeys(fresh))


def add_later(
    session: Session, incident_id: str, *, on_scene: Iterable[str], reviewers: Iterable[str], now: datetime
) -> int:
    """The same while the response goes on: whoever serves and is named steps back, and another is asked."""
    row = people.lock_incident(session, incident_id)
    added = name(session, row, on_scene=list(on_scene), reviewers=list(reviewers), now=now)
    session.flush()
    if added and row.state is IncidentState.OPEN:
        stepping_back.step_back(session, row, now)
        fresh = session.scalars(select(IncidentParty.person_id).where(IncidentParty.incident_id == row.id))
        stepping_back.plan_step_back(session, row, fresh, now)  # also where the same people are looked after
    return added


def _by_key(session: Session, agency: str, key: str) -> str | None:
    other, _, roster_id = key.rpartition(":")
    person = people.by_roster_id(session, other or agency, roster_id)
    return person.id if person is not None else None


def _add(session: Session, row: Incident, part: str, person_id: str, now: datetime) -> bool:
    if session.get(IncidentParty, (row.id, person_id, part)) is not None:
        return False
    session.add(IncidentParty(incident_id=row.id, person_id=person_id, part=part))
    events.record(session, "party.named", now, incident_id=row.id, subject_id=person_id, after=part)
    return True
