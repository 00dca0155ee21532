"""Nightly work: it recurs by itself, catches up once, and forgets what is to be forgotten."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.plan import StepKind, StepState
from cism.services import clockwork, engine, nightly
from cism.store.db import Database, now
from cism.store.states import InboundState, QueueState
from cism.store.tables import InboundMessage, QueueItem, Step
from tests.conftest import FakeClock


def test_nightly_work_is_planned_once_and_plans_its_next_night(db: Database, clock: FakeClock) -> None:
    with db.transaction() as session:
        nightly.plan_first(session)
        nightly.plan_first(session)
    clock.advance(days=5)  # nobody ran for five nights: performed once
    with db.transaction() as session:
        assert engine.run_due(session).steps == 1
        assert engine.run_due(session).steps == 0
        rows = session.query(Step).filter_by(kind=StepKind.NIGHTLY).order_by(Step.due_at).all()
        assert [row.state for row in rows] == [StepState.DONE, StepState.PLANNED]
        assert rows[1].due_at > now(session)


def test_recurring_work_does_not_stop_the_clock(db: Database) -> None:
    with db.transaction() as session:
        nightly.plan_first(session)
        assert engine.next_due(session) is None


def test_setting_the_clock_takes_the_recurrence_along(movable_db: Database) -> None:
    with movable_db.transaction() as session:
        nightly.plan_first(session)
        start = now(session) - timedelta(days=200)
        clockwork.set_instant(session, start)
        due = session.query(Step.due_at).filter_by(kind=StepKind.NIGHTLY).scalar()
        assert start < due <= start + timedelta(days=1)


def test_words_are_forgotten_seventy_two_hours_after_a_human_handled_them(
    db: Database, clock: FakeClock
) -> None:
    with db.transaction() as session:
        at = now(session)
        session.add(
            InboundMessage(
                sid="SM1",
                from_number="+12125550101",
                from_hash="x",
                body="please call my wife",
                reading="free_text",
                state=InboundState.HANDLED,
                received_at=at,
                received_real=at,
            )
        )
        session.flush()
        session.add(
            QueueItem(
                kind="free_text",
                inbound_sid="SM1",
                received_at=at,
                deadline=at,
                state=QueueState.HANDLED,
                handled_at=at,
            )
        )
    clock.advance(hours=71)
    with db.transaction() as session:
        assert sum(nightly.purge(session, now(session), dry_run=False).values()) == 0
    clock.advance(hours=2)
    with db.transaction() as session:
        assert sum(nightly.purge(session, now(session), dry_run=True).values()) == 1
        assert session.get_one(InboundMessage, "SM1").body is not None  # counted, not done
        nightly.purge(session, now(session), dry_run=False)
        assert session.get_one(InboundMessage, "SM1").body is None
