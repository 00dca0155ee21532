"""Performing what is due: each step once, with its whole effect, and none stands in another's way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.errors import NothingPlanned
from cism.services import clockwork, engine, people, steps
from cism.services.handlers import HANDLERS
from cism.store.db import real_now
from cism.store.tables import Outbox, Person, Step
from tests.services.world import World


def test_every_kind_of_step_has_exactly_one_performer() -> None:
    assert set(HANDLERS) == set(StepKind)


def _plan(world: World, kind: StepKind, key: str, **more: object) -> None:
    step = PlannedStep(kind=kind, due_at=world.now(), key=key, **more)  # type: ignore[arg-type]
    world.act(steps.plan, [step])


def test_nothing_is_performed_early(any_world: World) -> None:
    later = any_world.now() + timedelta(minutes=1)
    any_world.act(steps.plan, [PlannedStep(kind=StepKind.NIGHTLY, due_at=later, key="soon")])
    assert any_world.act(engine.run_due, kinds=[StepKind.NIGHTLY]).steps == 0
    any_world.act(clockwork.move_to, later, "test")
    assert any_world.act(engine.run_due, kinds=[StepKind.NIGHTLY]).steps == 1


def test_a_step_that_fails_leaves_the_others_alone_and_is_tried_again_in_real_time(any_world: World) -> None:
    _plan(any_world, StepKind.ESCALATE, "broken", subject_id="nobody", payload={"rung": 0})
    incident = any_world.log("THREAT", "jordan:A", ended_at=any_world.now())
    (broken,) = any_world.rows(Step, Step.key == "broken")
    assert (broken.state, broken.tries) == (StepState.PLANNED, 1)
    assert any_world.rows(Outbox, Outbox.incident_id == incident)
    assert any_world.act(engine.run_due).steps == 0
    any_world.db.clock.pass_real(seconds=6)  # type: ignore[attr-defined]
    any_world.act(engine.run_due)
    assert any_world.rows(Step, Step.key == "broken")[0].tries == 2


def test_a_step_that_the_database_refuses_does_not_stop_the_others(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constraint that one row breaks is that row's trouble, on PostgreSQL too."""

    def breaks(session: Session, step: Step, _now: object) -> str:
        session.add(
            Step(key=step.key, kind=step.kind, due_at=step.due_at, state=StepState.PLANNED, payload={})
        )
        session.flush()
        return "never"

    monkeypatch.setitem(HANDLERS, StepKind.CONFIRM_PHONE, breaks)
    _plan(any_world, StepKind.CONFIRM_PHONE, "refused")
    _plan(any_world, StepKind.NIGHTLY, "works")
    assert any_world.act(engine.run_due, kinds=[StepKind.CONFIRM_PHONE, StepKind.NIGHTLY]).steps == 1
    assert any_world.rows(Step, Step.key == "works")[0].state is StepState.DONE
    assert any_world.rows(Step, Step.key == "refused")[0].tries == 1


def test_what_is_past_its_moment_is_not_done_late(any_world: World) -> None:
    soon = any_world.now() + timedelta(minutes=5)
    _plan(any_world, StepKind.NIGHTLY, "stale", expires_at=soon)
    any_world.act(clockwork.move_to, soon, "test")
    any_world.rest()
    assert any_world.rows(Step, Step.key == "stale")[0].state is StepState.EXPIRED


def test_urgent_steps_come_first(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", ended_at=world.now())
    _plan(world, StepKind.NIGHTLY, "a-first-by-name")
    _plan(world, StepKind.ACTIVATE, "z-last-by-name", incident_id=incident)
    assert world.act(engine.run_due, limit=1).steps == 1
    assert world.rows(Step, Step.key == "z-last-by-name")[0].state is StepState.DONE


def test_planning_the_same_key_twice_adds_nothing(any_world: World) -> None:
    step = PlannedStep(kind=StepKind.NIGHTLY, due_at=any_world.now(), key="once")
    assert any_world.act(steps.plan, [step, step]) == 1
    assert any_world.act(steps.plan, [step]) == 0


def test_cancelling_needs_to_know_whose(world: World) -> None:
    with pytest.raises(ValueError, match="everybody"):
        world.act(steps.cancel, reason="oops", now=world.now())


def test_the_next_moment_leaves_recurring_work_out(world: World) -> None:
    soon = world.now() + timedelta(hours=1)
    world.act(steps.plan, [PlannedStep(kind=StepKind.NIGHTLY, due_at=soon, key="night")])
    with pytest.raises(NothingPlanned):
        world.act(clockwork.next_moment)


def test_the_clock_moves_forward_only_and_its_moves_are_kept(world: World) -> None:
    before = world.now()
    world.act(clockwork.move_to, before - timedelta(days=1), "test")
    assert world.now() == before
    world.act(clockwork.move_to, before + timedelta(days=1), "test")
    assert world.now() == before + timedelta(days=1)
    shown = world.see(clockwork.show)
    assert shown["now"] == clockwork.stamp(before + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "span"), [("72h", timedelta(days=3)), ("10m", timedelta(minutes=10)), ("2d", timedelta(days=2))]
)
def test_a_span_is_a_number_and_a_letter(text: str, span: timedelta) -> None:
    assert clockwork.parse_span(text) == span


def test_counters_add_up(any_world: World) -> None:
    for _ in range(3):
        any_world.act(engine.add, "cism_acts_total", "true", 2)
    from cism.store.tables import Counter

    assert [row.value for row in any_world.rows(Counter)] == [6]


def test_a_heartbeat_is_one_row(any_world: World) -> None:
    from cism.store.tables import Heartbeat

    for _ in range(2):
        any_world.act(engine.beat, "conductor")
    assert len(any_world.rows(Heartbeat)) == 1


def test_whoever_can_be_reached_is_the_same_for_the_rules_and_for_the_database(any_world: World) -> None:
    changes: list[dict[str, object]] = [
        {"consent_pages": False},
        {"revoked_pages": True},
        {"opted_out_at": any_world.now()},
        {"frozen_at": any_world.now()},
        {"phone": None},
        {"status": PersonStatus.LEAVE},
        {},
    ]

    def agree(session: Session, change: dict[str, object]) -> bool:
        row = session.get_one(Person, any_world.id_of("peer-1"))
        for name, value in change.items():
            setattr(row, name, value)
        session.flush()
        found = session.scalar(select(Person.id).where(Person.id == row.id, *people.REACHABLE)) is not None
        said = people.reachable(row)
        session.rollback()
        assert said is not bool(change)
        return found is said

    assert all(any_world.act(agree, change) for change in changes)


def test_the_clock_waits_for_a_step_that_failed_once_and_not_for_one_that_fails_on(world: World) -> None:
    _plan(world, StepKind.ESCALATE, "broken", subject_id="nobody", payload={"rung": 0})

    def failed(session: Session, tries: int) -> None:
        step = session.scalars(select(Step).where(Step.key == "broken")).one()
        step.tries, step.retry_real = tries, real_now(session) + timedelta(seconds=60)

    def waits(session: Session) -> bool:
        return engine.busy(session, timedelta(seconds=5))

    world.act(failed, 1)
    assert world.see(waits)
    world.act(failed, 2)
    assert not world.see(waits)
