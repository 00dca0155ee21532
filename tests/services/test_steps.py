"""Steps: planning twice adds nothing, and nobody cancels everything by accident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import steps
from cism.services.handlers import HANDLERS
from cism.store.db import Database, now
from cism.store.tables import Step


def _step(db: Database, key: str, subject: str = "x") -> PlannedStep:
    with db.read() as session:
        due = now(session) + timedelta(hours=1)
    return PlannedStep(kind=StepKind.ESCALATE, due_at=due, key=key, subject_id=subject)


def test_planning_twice_adds_nothing_and_says_so(db: Database) -> None:
    planned = [_step(db, "one"), _step(db, "two")]
    with db.transaction() as session:
        assert steps.plan(session, planned) == 2
    with db.transaction() as session:
        assert steps.plan(session, [*planned, _step(db, "three")]) == 1
        assert len(session.query(Step).all()) == 3


def test_a_cancelled_step_stays_cancelled_when_it_is_planned_again(db: Database) -> None:
    planned = [_step(db, "one")]
    with db.transaction() as session:
        steps.plan(session, planned)
        assert steps.cancel(session, reason="taken", now=now(session), subject_id="x") == 1
        steps.plan(session, planned)
    with db.read() as session:
        row = session.query(Step).one()
        assert (row.state, row.outcome) == (StepState.CANCELLED, "taken")


def test_nothing_cancels_the_steps_of_everybody(db: Database) -> None:
    with db.transaction() as session, pytest.raises(ValueError, match="everybody"):
        steps.cancel(session, reason="oops", now=now(session))


def test_every_kind_of_step_has_exactly_one_handler() -> None:
    assert set(HANDLERS) == set(StepKind)
