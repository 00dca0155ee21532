"""Retention: what is forgotten when, what a legal hold keeps, and proof of what was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.domain.retention import CLASSES, Kept
from cism.services import audit, legal_holds, retention_consents, retention_long, retention_short, steps
from cism.services.legal_holds import Held
from cism.services.retention_short import Due
from cism.store.tables import (
    Escalation,
    GroupSession,
    InboundMessage,
    Invitation,
    QueueItem,
    RetentionRun,
    Step,
)

_Find = Callable[[Session, datetime, Held], Due]
_Forget = Callable[[Session, Sequence[str]], None]
_RULES: Final[Mapping[Kept, tuple[_Find, _Forget]]] = MappingProxyType(
    {
        Kept.WORDS: (retention_short.words, retention_short.forget_words),
        Kept.INVITATIONS: (retention_short.invitations, retention_short.forget_invitations),
        Kept.SENT: (retention_short.sent, retention_short.forget_sent),
        Kept.CALLS: (retention_short.calls, retention_short.forget_calls),
        Kept.LINKS: (retention_short.links, retention_short.forget_links),
        Kept.CONTACTS: (retention_long.contacts, retention_long.forget_contacts),
        Kept.ESCALATIONS: (retention_long.escalations, retention_long.forget_escalations),
        Kept.CONSENTS: (retention_consents.consents, retention_consents.forget_consents),
        Kept.SHELLS: (retention_short.shells, retention_short.forget_shells),
    }
)
_BETWEEN_NIGHTS: Final = (Kept.WORDS, Kept.INVITATIONS)  # hours matter: a night would be up to a day late


@dataclass(frozen=True, slots=True)
class Done:
    """One class: how many rows, and from when the time of the oldest and the newest was counted."""

    count: int
    oldest: datetime | None = None
    newest: datetime | None = None

    def facts(self) -> dict[str, Any]:
        """For the record."""
        stamps = {"oldest": self.oldest, "newest": self.newest}
        told = {
            name: moment.isoformat(timespec="seconds") if moment else None for name, moment in stamps.items()
        }
        return {"count": self.count, **told}


@dataclass(frozen=True, slots=True)
class Proof:
    """One record of what was removed; `holds`: it is as it was written."""

    at: datetime
    facts: Mapping[str, Any]
    holds: bool


def run(
    session: Session, now: datetime, *, dry_run: bool, classes: Collection[Kept] = tuple(Kept)
) -> dict[Kept, Done]:
    """Forget what is due, class by class; with `dry_run` it is only found. What is held stays."""
    done = {}
    for kept in classes:
        find, forget = _RULES[kept]
        held = legal_holds.held(session, kept)
        due = [] if held.whole else find(session, now, held)
        if due and not dry_run:
            forget(session, [row_id for row_id, _ in due])
            session.flush()
        moments = [moment for _, moment in due]
        done[kept] = Done(len(due), min(moments, default=None), max(moments, default=None))
    return done


def record(session: Session, now: datetime, done: Mapping[Kept, Done]) -> str:
    """Write down what was removed, under the audit log's MAC; returns the record's id. No id of anybody."""
    facts = {
        "removed": {kept.value: item.facts() for kept, item in done.items()},
        "holds": len(legal_holds.open_holds(session)),
    }
    row = RetentionRun(at=now, facts=facts, mac=audit.mac_of(_signed(now, facts)))
    session.add(row)
    session.flush()
    return row.id


def proofs(session: Session) -> list[Proof]:
    """Every record, newest first."""
    holds = audit.judge(session)
    rows = session.scalars(select(RetentionRun).order_by(RetentionRun.at.desc(), RetentionRun.id))
    return [Proof(row.at, row.facts, holds(_signed(row.at, row.facts), row.mac)) for row in rows]


def plan_next(session: Session, now: datetime, before: datetime) -> None:
    """What is due between the nights gets a moment of its own."""
    due = _next(session)
    if due is not None and now < due < before:
        due = due.replace(second=0, microsecond=0) + timedelta(minutes=1)
        key = f"{StepKind.FORGET.value}:{due.isoformat()}"
        steps.plan(session, [PlannedStep(kind=StepKind.FORGET, due_at=due, key=key)])


def on_forget(session: Session, step: Step, now: datetime) -> str | None:
    """Between two nights: words and invitations whose hours are over."""
    done = run(session, now, dry_run=False, classes=_BETWEEN_NIGHTS)
    count = sum(item.count for item in done.values())
    if count:
        audit.write(session, "system", "retention", record(session, now, done))
    night = session.scalar(
        select(func.min(Step.due_at)).where(Step.kind == StepKind.NIGHTLY, Step.due_at > now)
    )
    plan_next(session, now, night or now)
    return f"forgot {count}"


def _next(session: Session) -> datetime | None:
    """When the next words or invitations are due, as things stand."""
    with_words = InboundMessage.body.is_not(None)
    handled = select(func.min(QueueItem.handled_at)).join(
        InboundMessage, InboundMessage.sid == QueueItem.inbound_sid
    )
    closed = select(func.min(Escalation.closed_at)).join(
        InboundMessage, InboundMessage.sid == Escalation.inbound_sid
    )
    ended = select(func.min(GroupSession.ends_at)).join(Invitation, Invitation.session_id == GroupSession.id)
    moments = [
        (session.scalar(handled.where(with_words)), Kept.WORDS),
        (session.scalar(closed.where(with_words)), Kept.WORDS),
        (session.scalar(ended), Kept.INVITATIONS),
    ]
    return min((moment + CLASSES[kept].kept for moment, kept in moments if moment is not None), default=None)


def _signed(at: datetime, facts: Mapping[str, Any]) -> str:
    return json.dumps(["retention", at.isoformat(), facts], sort_keys=True)
