"""Performs what is due. The flows orchestrate it; rehearsal, tests and a dead Prefect call it bare.

Taking a step and its whole effect are one transaction of the caller. A step needs no lease: whoever
comes second finds it done. Each step runs inside a savepoint, so that one that fails leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    TextClause,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from cism import log
from cism.domain.incident import IncidentState
from cism.domain.plan import OUTLIVES, RECURRING, URGENT, StepKind, StepState
from cism.errors import CismError
from cism.services import at_hand, crash, dialling, events, hold, lateness, outbox, sabotage, steps
from cism.services.handlers import HANDLERS
from cism.services.hold import Moment
from cism.store.db import now as product_now
from cism.store.db import real_now, tick
from cism.store.partial import PENDING
from cism.store.states import OutboxState
from cism.store.tables import Counter, Heartbeat, Incident, Outbox, Step
from notifications.message_kinds import MessageKind

PROVIDER = "provider"  # the heartbeat that says when the provider was last heard
STARTING = "up"  # the one that says that all parts are just being started
# the sum is no lane: else SQLite groups by reading the whole history in that order
_LANE = literal_column("outbox.lane + 0", Integer)
_FAILED_WAIT = (5, 15, 60, 300)  # seconds of real time after the first, second … failure of a step
# what is asked at every look is built once: building a query takes longer than SQLite takes to answer it
_WAITED_SINCE: BindParameter[datetime] = bindparam("waited_since")
_NEXT_STEP = select(func.min(Step.due_at)).where(
    Step.state == StepState.PLANNED, Step.kind.not_in(list(RECURRING)), Step.retry_real.is_(None)
)
_NEXT_MESSAGE = select(func.min(Outbox.not_before)).where(
    Outbox.state == OutboxState.PENDING,
    Outbox.retry_real.is_(None),
    Outbox.kind != MessageKind.ATTESTATION,  # recurring too: it waits for a morning
    *hold.may_leave_after(_WAITED_SINCE),
)


@dataclass(frozen=True, slots=True)
class DueNow:
    """What a look at the due index found; calls that wait count as urgent messages."""

    kinds: dict[StepKind, int] = field(default_factory=dict)
    fresh_incidents: tuple[str, ...] = ()
    urgent_messages: int = 0
    messages: int = 0
    unsettled: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is work."""
        return bool(self.kinds or self.fresh_incidents or self.messages or self.unsettled)


@dataclass(frozen=True, slots=True)
class Performed:
    """What one call did: steps taken, and the messages they caused."""

    steps: int = 0
    messages: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()


def due(session: Session) -> DueNow:
    """A cheap indexed look at what waits; changes nothing."""
    now, real = product_now(session), real_now(session)
    rows = session.execute(
        select(Step.kind, func.count()).where(*_ready(session, now, real)).group_by(Step.kind)
    )
    kinds = {kind: int(count) for kind, count in rows}
    fresh: tuple[str, ...] = ()
    if StepKind.PLAN_RESPONSE in kinds:
        found = session.scalars(
            select(Step.incident_id)
            .where(*_ready(session, now, real), Step.kind == StepKind.PLAN_RESPONSE)
            .order_by(Step.due_at)
        )
        fresh = tuple(item for item in found if item)
    lanes = session.execute(
        select(_LANE, func.count()).where(*outbox_ready(now, real), Outbox.lane >= 0).group_by(_LANE)
    ).all()
    calls = dialling.waiting(session)
    unsettled = session.scalar(select(func.count()).where(Outbox.state == OutboxState.UNKNOWN))
    return DueNow(
        kinds=kinds,
        fresh_incidents=fresh,
        urgent_messages=calls + sum(int(count) for lane, count in lanes if lane <= outbox.LANE_ANSWER),
        messages=calls + sum(int(count) for _, count in lanes),
        unsettled=int(unsettled or 0),
    )


def run_due(
    session: Session,
    *,
    kinds: Collection[StepKind] | None = None,
    incident_id: str | None = None,
    limit: int = 50,
) -> Performed:
    """Take up to `limit` due steps, urgent kinds first, oldest first, and do what they say."""
    now, real = product_now(session), real_now(session)
    query = select(Step).where(*_ready(session, now, real))
    if kinds is not None:
        query = query.where(Step.kind.in_(list(kinds)))
    if incident_id is not None:
        query = query.where(Step.incident_id == incident_id)
    urgent_first = case((Step.kind.in_(list(URGENT)), 0), else_=1)
    query = query.order_by(urgent_first, Step.due_at, Step.key).limit(limit).with_for_update(skip_locked=True)
    ready = session.scalars(query).all()
    with at_hand.gathered(session, ready):
        taken = sum(_perform(session, step, now, real) for step in ready)
    messages, urgent = outbox.taken_messages(session)
    if taken:
        crash.passing(session, crash.Point.STEP_WRITTEN)
    return Performed(taken, tuple(messages), tuple(urgent))


def next_due(session: Session) -> datetime | None:
    """The next planned moment of product time; recurring work does not count."""
    step = session.scalar(_NEXT_STEP)
    message = session.scalar(_NEXT_MESSAGE, {"waited_since": real_now(session) - hold.URGENT_WAITS})
    found = [moment for moment in (step, message) if moment is not None]
    return min(found) if found else None


def busy(session: Session, receipts_within: timedelta) -> bool:
    """Whether something is due, claimed, unsent, or waits (for a bounded real time) for a receipt."""
    now, real = product_now(session), real_now(session)
    # a step that has failed once is done again within seconds; one that fails on is not waited for
    again = (Step.state == StepState.PLANNED) & (Step.due_at <= now) & (Step.tries == 1)
    if session.scalar(select(Step.id).where(or_(and_(*_ready(session, now, real)), again)).limit(1)):
        return True
    moving = or_(
        and_(Outbox.state == OutboxState.PENDING, Outbox.not_before <= now, *hold.may_leave(real)),
        Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN]),
        (Outbox.state == OutboxState.SENT) & (Outbox.sent_real > real - receipts_within),
    )
    if session.scalar(select(Outbox.id).where(moving).limit(1)) is not None:
        return True
    return dialling.on_the_way(session)  # a phone that rings is not waited for


def beat(session: Session, name: str) -> None:
    """Say that a part is alive, or that the provider was heard, in real time."""
    tick(session)
    real = real_now(session)
    row = session.get(Heartbeat, name)
    if row is None:
        session.add(Heartbeat(name=name, seen_real=real))
    else:
        row.seen_real = real


def count_acts(session: Session, n: int, *, orchestrated: bool) -> None:
    """Add to cism_acts_total."""
    add(session, "cism_acts_total", "true" if orchestrated else "false", n)


def add(session: Session, name: str, label: str, n: int) -> None:
    """Add to a counter that several processes share."""
    if n == 0:
        return
    changed = session.execute(
        update(Counter).where(Counter.name == name, Counter.label == label).values(value=Counter.value + n)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        session.add(Counter(name=name, label=label, value=n))
        session.flush()


def outbox_ready(now: datetime, real: datetime) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """Messages that may be handed over now."""
    return outbox_ready_after(now, real, real - hold.URGENT_WAITS)


def outbox_ready_after(
    now: Moment, real: Moment, waited_since: Moment
) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """The same where the moments are parameters: of product time, of real time, and as `hold` takes it."""
    return (
        PENDING,
        Outbox.state == OutboxState.PENDING,
        Outbox.not_before <= now,
        or_(Outbox.retry_real.is_(None), Outbox.retry_real <= real),
        *hold.may_leave_after(waited_since),
    )


def _ready(session: Session, now: datetime, real: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Step.state == StepState.PLANNED,
        sabotage.has_come(session, now),
        or_(Step.retry_real.is_(None), Step.retry_real <= real),
    )


def _perform(session: Session, step: Step, now: datetime, real: datetime) -> int:
    """One step inside a savepoint: its effect and its state together, or neither."""
    if step.incident_id is not None and _incident_is_over(session, step):
        step.state, step.outcome, step.done_at = StepState.CANCELLED, steps.OVER, now
        return 1
    if step.expires_at is not None and step.expires_at <= now:
        _expire(session, step, now)
        return 1
    try:
        with session.begin_nested(), lateness.of_step(session, step):
            outcome = HANDLERS[step.kind](session, step, now)
            step.state, step.outcome, step.done_at = StepState.DONE, outcome or "done", now
    except (OperationalError, InterfaceError):
        raise  # the database itself: the whole transaction is given up and tried again
    except (CismError, DBAPIError, ValueError, LookupError, TypeError, AttributeError) as error:
        # one bad row must not stop the sweep; it waits, and the health check shows it
        session.refresh(step)
        step.tries += 1
        step.retry_real = real + timedelta(seconds=_FAILED_WAIT[min(step.tries, len(_FAILED_WAIT)) - 1])
        log.failure("step.failed", error, step=step.id, kind=step.kind.value, tries=step.tries)
        return 0
    return 1


def _expire(session: Session, step: Step, now: datetime) -> None:
    step.state, step.outcome, step.done_at = StepState.EXPIRED, "its moment passed", now
    events.record(
        session, "step.expired", now, incident_id=step.incident_id, subject_id=step.id, after=step.kind.value
    )
    expired = HANDLERS.on_expired.get(step.kind)
    if expired is not None:
        expired(session, step, now)


def _incident_is_over(session: Session, step: Step) -> bool:
    if step.kind in OUTLIVES:
        return False
    state = session.scalar(select(Incident.state).where(Incident.id == step.incident_id))
    return state in {IncidentState.STOOD_DOWN, IncidentState.HISTORY, IncidentState.CLOSED}
