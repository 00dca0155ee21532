"""The notice of the limits of confidentiality: an agency's own words, and who was told which version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.consents import checked_notice, shipped_notice
from cism.services import events
from cism.store.tables import Event, GroupSession, Notice, NoticeGiven, Person

PAGE, ALOUD = "page", "aloud"
_READ_OUT = "session.limits_read"


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as it is shown: its version and its words."""

    version: str
    body: str
    own: bool  # the agency's own, not the one that comes with the product


def of(session: Session, agency: str, language: str) -> Shown:
    """The newest of the agency in this language, or in English; else the one that comes with the product."""
    for tag in dict.fromkeys((language, "en")):
        row = session.scalar(
            select(Notice)
            .where(Notice.agency == agency, Notice.language == tag)
            .order_by(Notice.version.desc())
            .limit(1)
        )
        if row is not None:
            return Shown(f"{agency}-{tag}-{row.version}", row.body, own=True)
    return Shown(*shipped_notice(language), own=False)


def put(session: Session, agency: str, language: str, body: str, *, by: str | None, now: datetime) -> Shown:
    """A new version; older ones stay, because people were told them. Raises BadInput for none or too much."""
    text = checked_notice(body)
    here = (Notice.agency == agency, Notice.language == language)
    last = int(session.scalar(select(func.max(Notice.version)).where(*here)) or 0)
    session.add(Notice(agency=agency, language=language, version=last + 1, body=text, set_at=now))
    session.flush()
    events.record(session, "agency.notice", now, subject_id=agency, actor_id=by, after=str(last + 1))
    return of(session, agency, language)


def given(session: Session, person: Person, how: str, now: datetime) -> Shown:
    """Keep that this person was told the present notice; once for each version and way."""
    shown = of(session, person.agency, person.language)
    same = (
        NoticeGiven.person_id == person.id,
        NoticeGiven.version == shown.version,
        NoticeGiven.how == how,
    )
    if session.scalar(select(NoticeGiven.id).where(*same).limit(1)) is None:
        session.add(NoticeGiven(person_id=person.id, version=shown.version, how=how, at=now))
    return shown


def read_out(session: Session, meeting: GroupSession, agency: str, leader: Person, now: datetime) -> None:
    """Keep that the leader read the notice out before a meeting; of nobody that they heard it."""
    if read_out_at(session, meeting) is None:
        version = of(session, agency, leader.language).version
        events.record(
            session,
            _READ_OUT,
            now,
            incident_id=meeting.incident_id,
            subject_id=meeting.id,
            actor_id=leader.id,
            after=version[-40:],
        )


def read_out_at(session: Session, meeting: GroupSession) -> datetime | None:
    """When that was said; None where it was not."""
    query = select(func.min(Event.at)).where(
        Event.incident_id == meeting.incident_id, Event.kind == _READ_OUT, Event.subject_id == meeting.id
    )
    return session.scalar(query)


def when_given(session: Session, person: Person) -> NoticeGiven | None:
    """When this person was first told the present notice; None if they never were."""
    shown = of(session, person.agency, person.language)
    query = select(NoticeGiven).where(
        NoticeGiven.person_id == person.id, NoticeGiven.version == shown.version
    )
    return session.scalar(query.order_by(NoticeGiven.id).limit(1))
