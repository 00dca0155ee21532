"""What is said when somebody needs a human: one short function a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel, RungPlan
from cism.services import lateness, words
from cism.services.links import link_for
from cism.store.db import database_of
from cism.store.tables import Escalation, Incident, Outbox, Person, Question, QueueItem
from notifications import messages as m

UNSETTLED_ONCE_IN = timedelta(minutes=10)  # design: who reads one text of these looks at all of them

# Reasons for an escalation that the person knows of, because they wrote; of others they hear from the caller.
CALLS = frozenset(
    {"call_needed", "call_unreported", "contact_missed", "unsettled_send", "care_held", "no_next_step"}
)
LIST_MISSING = "list_missing"  # the kind of the item: nobody has said who was there
_UNREAD_WORDS = frozenset({"unread_free_text", "unread_who_is_this", "unread_answer_refused"})
ASKED_THEMSELVES = frozenset(
    {
        "call_later",
        "call_later_again",
        "call_now",
        "screening_shared",
        "crisis_words",
        "unread_free_text",
        "unread_help",
        "unread_crisis",
    }
)

_QUEUE = "queue"  # what the keys of texts about the human queue begin with


def escalation(
    session: Session,
    helper: Person,
    question: Question,
    row: Escalation,
    rung: int,
    plan: RungPlan,
    now: datetime,
) -> None:
    """Somebody asks for a call: will you take it?"""
    owed = lateness.owed_since(session, now)
    since = min(row.opened_at, owed)
    waited = int((now - since).total_seconds() // 60) if plan.repeat or lateness.is_late(owed, now) else 0
    agency, by = words.agency_name(session, row.agency), words.deadline(plan.ack_deadline, now, helper)
    link = link_for(session, helper, "escalation", row.id)
    code = question.code or ""
    message: m.Message
    if row.welfare:
        message = m.Welfare(agency=agency, code=code, by=by, waiting=waited, link=link)
    elif row.reason in _UNREAD_WORDS:
        unread = int((now - row.opened_at).total_seconds() // 60) + _unread_before(session, row)
        message = m.QueueOverdue(agency=agency, code=code, by=by, waiting=unread, link=link)
    else:
        urgent = row.level is not EscalationLevel.ROUTINE
        message = m.Escalation(agency=agency, code=code, by=by, now=urgent, waiting=waited, link=link)
    key = f"escalation:{row.id}:{rung}:{helper.id}:{int(row.opened_at.timestamp())}:{row.level.value}"
    # past its deadline the next rung is asked: an old request must not arrive in a heap after an outage
    until = plan.ack_deadline
    words.put(session, message, key, now, helper, question, not_before=plan.ask_at, expires_at=until)


def _unread_before(session: Session, row: Escalation) -> int:
    """Minutes that the words had waited when they went up the ladder."""
    item = session.get(QueueItem, row.queue_id) if row.queue_id else None
    return 0 if item is None else int((row.opened_at - item.received_at).total_seconds() // 60)


def escalation_yours(
    session: Session, helper: Person, question: Question, row: Escalation, now: datetime
) -> None:
    """It is yours; call by then."""
    message = m.EscalationAssigned(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        by=words.deadline(row.voice_by or now, now, helper),
        welfare=row.welfare,
        link=link_for(session, helper, "escalation", row.id),
    )
    words.put(session, message, f"taken:{row.id}:{helper.id}:{now.timestamp():.3f}", now, helper, question)


def escalation_covered(
    session: Session, helper: Person, question: Question, taker: Person, now: datetime
) -> None:
    """Somebody took it before you."""
    name = m.short_name(taker.name)
    message = m.EscalationCovered(
        agency=words.agency_of(session, helper, question), code=question.code or "", helper=name
    )
    words.put(session, message, f"esccovered:{question.id}:{now.timestamp():.3f}", now, helper)


def escalation_overdue(
    session: Session, helper: Person, question: Question, row: Escalation, now: datetime
) -> None:
    """You took it and have not said how it ended."""
    message = m.EscalationOverdue(
        agency=words.agency_name(session, row.agency), code=question.code or "", welfare=row.welfare
    )
    words.put(session, message, f"overdue:{row.id}:{now.timestamp():.3f}", now, helper, question)


def helper_will_call(
    session: Session, person: Person, helper: Person, row: Escalation, now: datetime
) -> None:
    """Who calls: told once somebody took it. After a `2` it waits for open hours; a worry of others is not
    told.
    """
    if row.welfare or row.reason not in ASKED_THEMSELVES:
        return
    by = words.deadline(row.voice_by or now, now, person)
    name = m.short_name(helper.name)
    agency = words.agency_name(session, row.agency)
    message: m.Message
    if row.level is EscalationLevel.ROUTINE:
        message = m.CallArranged(agency=agency, name=m.short_name(person.name), helper=name, by=by)
    else:
        duty, line = words.lines(session, person.agency)
        message = m.EscalationTaken(agency=agency, helper=name, by=by, duty=duty, line=line)
    words.put(session, message, f"willcall:{row.id}:{helper.id}", now, person)


def queue_new(
    session: Session,
    readers: Sequence[Person],
    row: QueueItem,
    now: datetime,
    *,
    again: bool = False,
    by: datetime | None = None,
) -> None:
    """Somebody wrote in words, or something needs a decision: read it by then (`by`, else its deadline)."""
    turn = f":{int(now.timestamp())}" if again else ""
    for helper in readers:
        message = m.QueueNew(
            agency=words.agency_name(session, helper.agency),
            by=words.deadline(by or row.deadline, now, helper),
            call=row.kind in CALLS,
            crew=_ref_of(session, row) if row.kind == LIST_MISSING else "",
            link=link_for(session, helper, "queue", row.id),
        )
        words.put(session, message, f"{key_of_item(row)}{helper.id}{turn}", now, helper)


def list_missing(
    session: Session,
    logger: Person,
    row: QueueItem,
    incident: Incident,
    now: datetime,
    *,
    not_before: datetime,
    by: datetime,
) -> None:
    """To whoever logged it: who was there? It leaves then, unless the list is known before."""
    message = m.QueueNew(
        agency=words.agency_name(session, logger.agency),
        by=words.deadline(by, not_before, logger),
        crew=incident.ref,
        link=f"{database_of(session).public_url}/log/{incident.ref}/crew",
    )
    words.put(session, message, f"{key_of_item(row)}{logger.id}", now, logger, not_before=not_before)


def _ref_of(session: Session, row: QueueItem) -> str:
    incident = session.get(Incident, row.incident_id) if row.incident_id else None
    return incident.ref if incident is not None else ""


def key_of_item(row: QueueItem) -> str:
    """What the keys of all texts that tell of an item of the human queue begin with."""
    return f"{_QUEUE}:{row.id}:"


def queue_missed(session: Session, reader: Person, rows: Sequence[QueueItem], now: datetime) -> None:
    """Calls are needed, told of in one text; the nearest deadline counts."""
    first = rows[0]
    message = m.QueueNew(
        agency=words.agency_name(session, reader.agency),
        by=words.deadline(first.deadline, now, reader),
        call=True,
        calls=len(rows) if len(rows) > 1 else 0,
        link=link_for(session, reader, "queue", first.id),
    )
    # one that was written for this item alone may have been taken back for this
    words.put(session, message, f"{_QUEUE}:{first.id}:{reader.id}:{int(now.timestamp())}", now, reader)


def queue_item_of(text: Outbox) -> str:
    """Which item of the human queue a text told of."""
    return text.key.split(":")[1]


def told_of(session: Session, row: QueueItem) -> set[str]:
    """Whose phones were told of an item of the human queue."""
    query = select(Outbox.person_id).where(Outbox.key.startswith(key_of_item(row)))
    return {person_id for person_id in session.scalars(query) if person_id}


def unsettled(session: Session, readers: Iterable[Person], sent: Outbox, now: datetime) -> None:
    """Nobody can say whether a text arrived, and it is not sent twice."""
    row = session.get(Incident, sent.incident_id) if sent.incident_id else None
    for helper in readers:
        about = f"unsettled:{sent.incident_id or sent.id}:{helper.id}:"
        if _told_lately(session, about, now):
            continue  # several texts of one incident are lost together: the same words would tell of each
        message = m.UnsettledSend(
            agency=words.agency_name(session, helper.agency), ref=row.ref if row else ""
        )
        words.put(session, message, f"{about}{sent.id}", now, helper)


def _told_lately(session: Session, about: str, now: datetime) -> bool:
    query = select(Outbox.id).where(Outbox.key.startswith(about), Outbox.made_at > now - UNSETTLED_ONCE_IN)
    return session.scalar(query.limit(1)) is not None
