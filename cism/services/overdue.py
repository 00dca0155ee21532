"""What waits longer than it may: the figures that `/metrics`, the alert rules and `cism doctor` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, lazyload

from cism.domain.escalation import EscalationState, voice_target
from cism.domain.plan import RECURRING, StepState
from cism.services import outbox, rungs
from cism.store.db import database_of, now, real_now
from cism.store.partial import EVER, MOVING, PENDING
from cism.store.states import OutboxState, QueueState
from cism.store.tables import Agency, Escalation, Incident, Outbox, QueueItem, Step

DUE_STEP: Final = timedelta(seconds=90)  # what the conductor leaves, Prefect's schedule performs each minute
URGENT_UNSENT: Final = timedelta(seconds=60)  # design: with a dead conductor the worker's sweep is that often
UNSETTLED: Final = timedelta(minutes=5)  # settling takes 30 s or 120 s; then the send is a human's
_NONE: Final = timedelta()
_LADDERS: Final = "ladders of open escalations"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long the oldest of each kind has waited, and how many are past their clock; nothing of a person.

    Times are product time but for unsettled sends. `clock_skew` is by how much this machine's clock is ahead
    of the database's.
    """

    due_step: timedelta = _NONE
    urgent_unsent: timedelta = _NONE
    unsettled: timedelta = _NONE
    unread: timedelta = _NONE
    unread_past: int = 0
    escalations_past: int = 0
    clock_skew: timedelta = _NONE

    @property
    def overdue(self) -> Mapping[str, bool]:
        """Yes or no for each of four things.

        What humans left undone is one answer, and no count or age: in a small agency "one escalation, since
        02:41" says who asked for a call.
        """
        return {
            "due_step": self.due_step > DUE_STEP,
            "urgent_unsent": self.urgent_unsent > URGENT_UNSENT,
            "unsettled_send": self.unsettled > UNSETTLED,
            "human": bool(self.unread_past or self.escalations_past),
        }


def read(session: Session) -> Waiting:
    """Look at all of it in one reading transaction."""
    current, real = now(session), real_now(session)
    return Waiting(
        due_step=_age(oldest_due(session, current), current),
        urgent_unsent=_age(_oldest_urgent(session), current),
        unsettled=_age(_oldest_unsettled(session), real),
        unread=_age(session.scalar(select(func.min(QueueItem.received_at)).where(_UNREAD)), current),
        unread_past=int(
            session.scalar(select(func.count()).where(_UNREAD, QueueItem.deadline <= current)) or 0
        ),
        escalations_past=sum(1 for row in _open(session) if _past(session, row, current)),
        clock_skew=database_of(session).clock.now().astimezone(UTC) - real,
    )


def oldest_due(session: Session, current: datetime) -> datetime | None:
    """Since when the oldest step waits that is due and not done; recurring work does not count."""
    return session.scalar(
        select(func.min(Step.due_at)).where(
            Step.state == StepState.PLANNED, Step.due_at <= current, Step.kind.not_in(list(RECURRING))
        )
    )


_UNREAD: Final = QueueItem.state == QueueState.OPEN


def _oldest_urgent(session: Session) -> datetime | None:
    """Pages, escalations and direct answers that have not left; before its time one has no age."""
    oldest = select(func.min(Outbox.not_before)).where(Outbox.lane <= outbox.LANE_ANSWER)
    waiting = session.scalar(oldest.where(PENDING))
    moving = session.scalar(
        oldest.where(MOVING, Outbox.state == OutboxState.SENDING, Outbox.claimed_real > EVER)
    )
    return min((moment for moment in (waiting, moving) if moment is not None), default=None)


def _oldest_unsettled(session: Session) -> datetime | None:
    """Those that a process died over count too: they stay in `sending` until somebody settles them."""
    return session.scalar(select(func.min(Outbox.claimed_real)).where(MOVING, Outbox.claimed_real > EVER))


def _open(session: Session) -> list[Escalation]:
    """Open escalations, with what their ladders stand in.

    Always the same three statements: how long `/metrics` takes must not tell how many there are.
    """
    is_open = Escalation.state != EscalationState.CLOSED
    of_incident = Incident.id.in_(select(Escalation.incident_id).where(is_open))
    of_agency = Agency.key.in_(select(Escalation.agency).where(is_open))
    session.info[_LADDERS] = (
        session.scalars(select(Incident).where(of_incident).options(lazyload(Incident.affected))).all(),
        session.scalars(select(Agency).where(of_agency)).all(),
    )  # held, so that the session does not forget them
    return list(session.scalars(select(Escalation).where(is_open)))


def _past(session: Session, row: Escalation, current: datetime) -> bool:
    """Whether a human should have spoken with the person by now."""
    if row.state is EscalationState.ACKED and row.voice_by is not None:
        return row.voice_by <= current
    return voice_target(rungs.rule_of(session, row), row.level_at) <= current


def _age(since: datetime | None, current: datetime) -> timedelta:
    return max(_NONE, current - since) if since is not None else _NONE
