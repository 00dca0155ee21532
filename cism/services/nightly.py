"""Recurring work as a recurring step: words are forgotten, people are not, and the next night is planned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.services import attestation, audit, audit_heads, events, numbers, paper_due, steps
from cism.store.db import now as product_now
from cism.store.db import real_now
from cism.store.states import InboundState, QueueState
from cism.store.tables import InboundMessage, Link, Outbox, PhoneCall, Question, QueueItem, Step
from cism.store.types import nobodys

FREE_TEXT_KEPT = timedelta(hours=72)  # after it was handled (domain.md 7.4)
PAYLOADS_KEPT = timedelta(days=30)  # design: what a text said, once nobody can ask about it any more
NIGHT_HOUR = 8  # UTC: night in the Americas


def plan_first(session: Session) -> None:
    """Start the recurrence, once; occurrences missed while nothing ran are performed once."""
    now = product_now(session)
    if session.scalar(select(Step.id).where(Step.kind == StepKind.NIGHTLY).limit(1)) is None:
        _plan_next(session, now)


def on_nightly(session: Session, step: Step, now: datetime) -> str | None:
    """Forget what is to be forgotten, attest that nobody is, ask whose numbers the old ones still are."""
    attestation.attest(session, now)
    done = purge(session, now, dry_run=False)
    numbers.look_through(session, now)
    paper_due.ask(session, now)
    _plan_next(session, now)
    events.record(session, "nightly.done", now)
    audit.write(session, "system", "purge")
    audit_heads.ask(session)
    return f"purged {sum(done.values())}"


def purge(session: Session, now: datetime, *, dry_run: bool) -> dict[str, int]:
    """What retention removes now, by class; with `dry_run` only counted."""
    return {name: act(session, now, dry_run) for name, act in _CLASSES.items()}


def _free_text(session: Session, now: datetime, dry_run: bool) -> int:
    handled = (
        select(QueueItem.inbound_sid)
        .where(QueueItem.state == QueueState.HANDLED, QueueItem.handled_at <= now - FREE_TEXT_KEPT)
        .scalar_subquery()
    )
    where: tuple[ColumnElement[bool], ...] = (
        InboundMessage.body.is_not(None),
        InboundMessage.sid.in_(handled) | (InboundMessage.state == InboundState.ACTED),
    )
    if dry_run:
        return int(session.scalar(select(func.count()).select_from(InboundMessage).where(*where)) or 0)
    done = session.execute(update(InboundMessage).where(*where).values(body=None))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _payloads(session: Session, now: datetime, dry_run: bool) -> int:
    where: tuple[ColumnElement[bool], ...] = (
        Outbox.state.not_in(["pending", "sending", "unknown"]),
        Outbox.made_at <= now - PAYLOADS_KEPT,
        Outbox.redacted.is_(False),
    )
    if dry_run:
        return int(session.scalar(select(func.count()).select_from(Outbox).where(*where)) or 0)
    empty = {"payload": nobodys("{}"), "to_number": None, "redacted": True}
    done = session.execute(update(Outbox).where(*where).values(**empty))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _links(session: Session, now: datetime, dry_run: bool) -> int:
    where = Link.expires_real <= real_now(session) - timedelta(days=7)
    if dry_run:
        return int(session.scalar(select(func.count()).select_from(Link).where(where)) or 0)
    return int(session.execute(delete(Link).where(where)).rowcount)  # type: ignore[attr-defined]


def _calls(session: Session, now: datetime, dry_run: bool) -> int:
    """Not while its question is open: the row is what keeps it from being dialled twice."""
    is_open = select(Question.id).where(Question.id == PhoneCall.question_id, Question.state == "open")
    where = (PhoneCall.made_at <= now - PAYLOADS_KEPT, ~is_open.exists())
    if dry_run:
        return int(session.scalar(select(func.count()).select_from(PhoneCall).where(*where)) or 0)
    return int(session.execute(delete(PhoneCall).where(*where)).rowcount)  # type: ignore[attr-defined]


_CLASSES: dict[str, Callable[[Session, datetime, bool], int]] = {
    "free text, 72 h after it was handled": _free_text,
    "fields of sent texts, after 30 days": _payloads,
    "calls, after 30 days": _calls,
    "expired links, after a week": _links,
}


def _plan_next(session: Session, now: datetime) -> None:
    due = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    while due <= now:
        due += timedelta(days=1)
    key = f"{StepKind.NIGHTLY.value}:{due.date().isoformat()}"
    steps.plan(session, [PlannedStep(kind=StepKind.NIGHTLY, due_at=due, key=key)])
