"""Recurring work as a recurring step: words are forgotten, people are not, and the next night is planned."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.services import attestation, audit, audit_heads, away, events, numbers, paper_due, retention, steps
from cism.store.db import now as product_now
from cism.store.tables import Step

NIGHT_HOUR = 8  # UTC: night in the Americas


def plan_first(session: Session) -> None:
    """Start the recurrence, once; occurrences missed while nothing ran are performed once."""
    now = product_now(session)
    if session.scalar(select(Step.id).where(Step.kind == StepKind.NIGHTLY).limit(1)) is None:
        _plan_next(session, now)


def on_nightly(session: Session, step: Step, now: datetime) -> str | None:
    """Forget what is to be forgotten, attest that nobody is, ask whose numbers the old ones still are."""
    attestation.attest(session, now)
    done = retention.run(session, now, dry_run=False)
    numbers.look_through(session, now)
    paper_due.ask(session, now)
    away.forget(session, now)
    retention.plan_next(session, now, _plan_next(session, now))
    events.record(session, "nightly.done", now)
    audit.write(session, "system", "retention", retention.record(session, now, done))
    audit_heads.ask(session)
    return f"purged {sum(item.count for item in done.values())}"


def _plan_next(session: Session, now: datetime) -> datetime:
    due = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    while due <= now:
        due += timedelta(days=1)
    key = f"{StepKind.NIGHTLY.value}:{due.date().isoformat()}"
    steps.plan(session, [PlannedStep(kind=StepKind.NIGHTLY, due_at=due, key=key)])
    return due
