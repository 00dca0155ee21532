"""The human queue: what only a person may read or decide, each with a deadline and a ladder behind it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation_level import EscalationLevel
from cism.domain.people import Role, SleepWindow
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.quiet_hours import is_open
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import (
    escalations,
    events,
    held,
    lateness,
    notify,
    people,
    queue_peers,
    queue_rows,
    steps,
    telling,
)
from cism.services.queue_readers import readers
from cism.store.states import QueueState
from cism.store.tables import Agency, Outbox, Person, QueueItem, Step

TELL_AGAIN = timedelta(hours=12)  # design: news that nobody has read is told again after this long
_READ_BY_CHARGE = timedelta(minutes=15)  # design: as soon as an urgent call is to be taken
LIST_ASKED_AGAIN = timedelta(hours=2)  # as often as for an end of exposure: windows run meanwhile
_TOLD_AGAIN = dict.fromkeys(
    ("person_died", "filtered", "too_many_texts", "runaway", "paper_failed"), TELL_AGAIN
) | {notify.LIST_MISSING: LIST_ASKED_AGAIN}


def add(
    session: Session,
    kind: str,
    *,
    now: datetime,
    within: timedelta,
    agency: str | None = None,
    person: Person | None = None,
    incident_id: str | None = None,
    inbound_sid: str | None = None,
    outbox_id: str | None = None,
    tell: bool = True,
    together: bool = False,
) -> QueueItem:
    """Put something before a human; past its deadline it goes up the URGENT ladder. `tell`: by text.

    `together`: in one text with others like it; so are all calls that are needed after an outage.
    """
    row = QueueItem(
        kind=kind,
        agency=agency or (person.agency if person else None),
        person_id=person.id if person else None,
        incident_id=incident_id,
        inbound_sid=inbound_sid,
        outbox_id=outbox_id,
        received_at=now,
        deadline=now + within,
        state=QueueState.OPEN,
    )
    session.add(row)
    session.flush()
    events.record(session, "queue.added", now, subject_id=row.id, after=kind)
    steps.plan(session, [_overdue(row)])
    if row.agency is not None and (together or _many_at_once(session, kind, now)):
        row.untold = True
        telling.plan(session, row.agency, now)
    elif tell:
        notify.queue_new(session, readers(session, row), row, now)
    return row


def _many_at_once(session: Session, kind: str, now: datetime) -> bool:
    return kind in notify.CALLS and lateness.is_late(lateness.owed_since(session, now), now)


def reading_time(person: Person | None, now: datetime, day: timedelta, night: timedelta) -> timedelta:
    """How long a text may lie unread: by day in the sender's own hours, or by night."""
    if person is None:
        return day
    awake = is_open(now, person.zone, SleepWindow(person.sleep_start, person.sleep_end))
    return day if awake else night


def on_overdue(session: Session, step: Step, now: datetime) -> str | None:
    """Nobody has read it in time: it goes up a ladder, which only a human ends."""
    row = session.execute(
        select(QueueItem).where(QueueItem.id == (step.subject_id or "")).with_for_update()
    ).scalar_one()
    if row.state is QueueState.HANDLED:
        return "handled meanwhile"
    events.record(session, "queue.overdue", now, subject_id=row.id, after=row.kind)
    if row.kind in _TOLD_AGAIN:
        return _tell_again(session, row, now)
    escalate(session, row, now)
    _tell_in_charge(session, row, now)
    return "on the ladder"


def _tell_in_charge(session: Session, row: QueueItem, now: datetime) -> None:
    """The sender's peer did not read it in time: beside the ladder, whoever is in charge reads it now."""
    told, charge = notify.told_of(session, row), readers(session, row)
    if row.kind in queue_peers.TO_PEER and told and told.isdisjoint(item.id for item in charge):
        by = now + _READ_BY_CHARGE
        notify.queue_new(session, charge, row, now, by=by)


def _tell_again(session: Session, row: QueueItem, now: datetime) -> str:
    """It is about nobody who could be called: whoever reads the queue is told again until one has."""
    row.deadline = now + _TOLD_AGAIN[row.kind]
    notify.queue_new(session, readers(session, row), row, now, again=True)
    steps.plan(session, [_overdue(row)])
    return "told again"


def _overdue(row: QueueItem) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.QUEUE_OVERDUE,
        due_at=row.deadline,
        key=f"queue:{row.id}:{int(row.deadline.timestamp())}",
        subject_id=row.id,
    )


def handle(
    session: Session, item_id: str, *, by: str | None, now: datetime, right_number: bool = False
) -> QueueItem:
    """A human has read it and acted. `right_number`: they asked, and the doubted number is the person's."""
    row = session.execute(
        select(QueueItem).where(QueueItem.id == item_id).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        message = f"there is no item {item_id!r} in the queue; `cism queue list` lists them"
        raise NotFound(message)
    if row.state is QueueState.HANDLED:
        raise AlreadyDone
    if right_number:
        _trust_again(session, row, by, now)
    queue_rows.mark_handled(session, row, by, now)
    return row


def _trust_again(session: Session, row: QueueItem, by: str | None, now: datetime) -> None:
    person = people.get(session, row.person_id) if row.person_id else None
    if row.kind != "who_is_this" or person is None:
        message = "nobody's number is in doubt here: leave --right-number out"
        raise BadInput(message)
    person.frozen_at = None
    held.resume(session, person.id, held.SILENCED, now)
    events.record(session, "phone.trusted", now, subject_id=person.id, actor_id=by)


def open_items(session: Session) -> list[QueueItem]:
    """What waits for a human, the nearest deadline first."""
    return list(
        session.scalars(
            select(QueueItem).where(QueueItem.state == QueueState.OPEN).order_by(QueueItem.deadline)
        )
    )


def tell_others(session: Session, item_id: str, now: datetime) -> None:
    """A reader's phone did not take the text: whoever comes next, each at most once.

    It is no item of its own: two dead phones would tell of each other for ever. This one has its deadline and
    its ladder.
    """
    row = session.get_one(QueueItem, item_id)
    if row.state is QueueState.OPEN:
        notify.queue_new(session, readers(session, row, notify.told_of(session, row)), row, now)


def phone_trouble(session: Session, text: Outbox, person: Person, now: datetime, within: timedelta) -> None:
    """A text to somebody of the team did not arrive: one item says so, however many are lost."""
    known = select(QueueItem.id).where(
        QueueItem.kind == "unsettled_send",
        QueueItem.person_id == person.id,
        QueueItem.state == QueueState.OPEN,
    )
    if session.scalar(known.limit(1)) is None:
        incident_id = text.incident_id
        add(
            session,
            "unsettled_send",
            now=now,
            within=within,
            person=person,
            incident_id=incident_id,
            outbox_id=text.id,
        )


def alarm(
    session: Session,
    kind: str,
    agency: str | None,
    now: datetime,
    within: timedelta,
    person: Person | None = None,
    inbound_sid: str | None = None,
) -> None:
    """The texting itself is in trouble: one open item says so, and is told until it is read."""
    known = select(QueueItem.id).where(
        QueueItem.kind == kind,
        QueueItem.state == QueueState.OPEN,
        QueueItem.agency == agency,
        QueueItem.person_id == (person.id if person else None),
    )
    if session.scalar(known.limit(1)) is None:
        add(session, kind, now=now, within=within, agency=agency, person=person, inbound_sid=inbound_sid)


# What nobody has read in time goes up this ladder; a call that nobody made is less pressing than words
# unread.
_LEVELS = {"call_needed": EscalationLevel.ROUTINE, "call_unreported": EscalationLevel.ROUTINE}
_LEVELS |= {"contact_missed": EscalationLevel.ROUTINE, "unsettled_send": EscalationLevel.ROUTINE}
_LEVELS |= {"no_next_step": EscalationLevel.ROUTINE, "restored": EscalationLevel.ROUTINE}


def escalate(session: Session, row: QueueItem, now: datetime) -> None:
    """Open an escalation about whoever this item is about, known or not."""
    person = people.get(session, row.person_id) if row.person_id else None
    escalations.open_for(
        session,
        person=person,
        agency=row.agency or duty_agency(session),
        level=_LEVELS.get(row.kind, EscalationLevel.URGENT),
        reason=f"unread_{row.kind}",
        now=now,
        incident_id=row.incident_id,
        inbound_sid=row.inbound_sid,
        queue_id=row.id,
    )


def duty_agency(session: Session) -> str:
    """Whose helpers read what a stranger wrote: the first agency that has somebody to read it."""
    keys = list(session.scalars(select(Agency.key).order_by(Agency.key)))
    for key in keys:
        if people.with_role(session, [Role.CLINICIAN, Role.COORDINATOR], key):
            return key
    if not keys:
        raise NotFound
    return keys[0]
