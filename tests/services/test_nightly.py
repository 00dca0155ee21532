"""Nightly work: it recurs by itself, catches up once, and forgets what is to be forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.domain.retention import Kept
from cism.services import clockwork, engine, nightly, people, questions, readiness, retention
from cism.store.db import Database, now
from cism.store.states import CallState, InboundState, QueueState
from cism.store.tables import Agency, InboundMessage, PhoneCall, QueueItem, Step
from tests.conftest import FakeClock
from tests.services.world import World


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


def _count(session: Session, *, dry_run: bool) -> int:
    return sum(item.count for item in retention.run(session, now(session), dry_run=dry_run).values())


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
        assert _count(session, dry_run=False) == 0
    clock.advance(hours=2)
    with db.transaction() as session:
        assert _count(session, dry_run=True) == 1
        assert session.get_one(InboundMessage, "SM1").body is not None  # counted, not done
        retention.run(session, now(session), dry_run=False)
        assert session.get_one(InboundMessage, "SM1").body is None


@pytest.mark.parametrize("open_still", [True, False])
def test_calls_are_forgotten_after_a_month_but_not_while_their_question_is_open(
    world: World, open_still: bool
) -> None:
    helper = world.id_of("clint")

    def ring(session: Session) -> None:
        at, peer = now(session), people.get(session, helper)
        question = questions.ask(session, person_id=peer.id, kind="escalation", now=at)
        question.state = "open" if open_still else "expired"
        call = PhoneCall(key="k", reason="r", agency=peer.agency, question_id=question.id)
        call.state, call.made_at, call.expires_at = CallState.NOT_ANSWERED, at, at
        session.add(call)

    def purged(session: Session, days: int) -> int:
        later = now(session) + timedelta(days=days)
        return retention.run(session, later, dry_run=False)[Kept.CALLS].count

    world.act(ring)
    assert world.act(purged, 29) == 0
    assert world.act(purged, 31) == (0 if open_still else 1)


def test_the_doctor_names_an_agency_whose_protocol_is_gone(world: World) -> None:
    def gone(session: Session) -> None:
        session.get_one(Agency, world.cast.agency).protocol = "ours-v2"

    world.act(gone)
    found = [check for check in world.see(readiness.of_database) if "ours-v2" in check.text]
    assert [check.verdict for check in found] == [readiness.Verdict.BAD]
    assert "cism agency set" in found[0].text
