"""The ledger over real rows: what the query finds is what the rule says, and what is lost is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.ledger import NoStep, Owner, Source, earliest
from cism.domain.people import PersonStatus
from cism.domain.plan import StepKind, StepState
from cism.services import intake, ledger
from cism.services.ledger import Line
from cism.store.tables import Incident, Person, Step
from tests.services.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    found = World(database_url)
    yield found
    found.close()


def logged(world: World, *affected: str, **details: object) -> str:
    details = {"ended_at": world.now() - timedelta(minutes=30)} | details
    return world.log("THREAT", *(affected or ("jordan:A",)), severity="S3", **details)


def served(world: World, *affected: str, **details: object) -> str:
    """Logged, with a team that has made its first calls."""
    incident = logged(world, *affected, **details)
    world.answer("page")
    world.answer("contact_report", "4")
    return incident


def days_pass(world: World, days: int) -> None:
    """Everybody answers what they are asked."""
    for _ in range(days):
        world.advance(days=1)
        world.answer("contact_report", "4")
        world.answer("check_in", "1")


def line(world: World, key: str = "jordan") -> Line:
    found = [item for item in world.see(ledger.lines) if item.person_id == world.id_of(key)]
    assert len(found) == 1, "one person of one incident is one line"
    return found[0]


def test_right_after_logging_a_team_is_being_found_for_everybody(world: World) -> None:
    logged(world, "jordan:A", "sam:B")
    for key in ("jordan", "sam"):
        step = line(world, key).step
        assert step is not None
        assert (step.kind, step.source, step.owner) == (StepKind.ACTIVATE, Source.WHOLE, Owner.ENGINE)


def test_a_call_that_a_peer_was_asked_for_is_that_peers(world: World) -> None:
    logged(world)
    world.answer("page")
    step = line(world).step
    assert step is not None
    assert (step.source, step.owner) == (Source.CALL, Owner.PEER)
    assert world.key_of(step.owner_id).startswith("peer-")


def test_whoever_asks_for_a_call_has_the_ladder_and_then_the_helper_who_took_it(world: World) -> None:
    served(world)
    world.text("jordan", "3")
    step = line(world).step
    assert step is not None
    assert step.owner is Owner.LADDER
    world.answer("escalation")
    step = line(world).step
    assert step is not None
    assert step.owner is Owner.HELPER
    assert step.owner_id is not None


def test_what_waits_in_the_queue_is_the_coordinators(world: World) -> None:
    served(world)
    world.text("jordan", "I have a question about next week")
    step = line(world).step
    assert step is not None
    assert (step.source, step.owner) == (Source.QUEUE, Owner.COORDINATOR)


def test_the_end_of_an_exposure_that_nobody_knows_is_asked_of_the_coordinator(world: World) -> None:
    served(world, ended_at=None)
    step = line(world).step
    assert step is not None
    assert (step.kind, step.owner) == (StepKind.ASK_EXPOSURE_END, Owner.COORDINATOR)


def test_a_person_who_declines_has_a_reason_instead(world: World) -> None:
    logged(world)
    world.advance(hours=24)
    world.text("jordan", "0")
    assert line(world).reason is NoStep.DECLINED


def test_the_dead_have_a_reason_and_no_step(world: World) -> None:
    incident = logged(world)
    world.act(_becomes_deceased, world.id_of("jordan"), incident)
    assert line(world).reason is NoStep.DECEASED


def test_colleagues_of_the_dead_wait_until_next_of_kin_were_told(world: World) -> None:
    world.log("LODD", "sam:D", ended_at=world.now() - timedelta(minutes=30))
    world.answer("page")
    world.answer("contact_report", "4")
    days_pass(world, 100)
    assert line(world, "sam").reason is NoStep.AWAITING_KIN


def test_when_every_point_has_been_the_plan_is_over(world: World) -> None:
    served(world)
    days_pass(world, 110)
    assert line(world).reason is NoStep.PLAN_OVER
    assert line(world).step is None


def test_a_plan_that_was_lost_leaves_somebody_forgotten(world: World) -> None:
    logged(world)
    world.act(_lose, world.id_of("jordan"))
    assert line(world).forgotten
    counts = world.see(lambda session: ledger.by_incident(session, ledger.lines(session)))
    (ref, found), *_ = counts.items()
    assert (found.people, found.forgotten, found.good) == (1, 1, False)
    assert ref == world.rows(Incident)[0].ref


def test_a_check_in_that_is_held_for_nothing_leaves_somebody_forgotten(world: World) -> None:
    logged(world)
    world.advance(hours=30)
    world.act(_hold_what_is_left, world.id_of("jordan"))
    assert line(world).forgotten


def test_a_step_that_nothing_performs_is_overdue(world: World) -> None:
    logged(world)
    step = line(world).step
    assert step is not None
    late = world.see(lambda session: ledger.count(ledger.lines(session), step.at + timedelta(hours=1)))
    assert (late.overdue, late.forgotten) == (1, 0)


def test_the_query_chooses_as_the_rule_does(world: World) -> None:
    served(world, "jordan:A", "sam:B")
    logged(world, "jordan:B")
    world.text("jordan", "3")
    world.text("sam", "who reads this?")
    for hours in (0, 0.5, 2):
        world.advance(hours=hours)
        world.see(_same_as_the_rule)


def test_an_incident_that_is_over_has_no_lines(world: World) -> None:
    incident = logged(world)
    world.act(intake.change, incident, {"kin_notified": True})
    assert world.see(ledger.lines)
    world.act(_is_over, incident)
    assert world.see(ledger.lines) == []


def test_lines_can_be_asked_for_of_one_incident_or_one_person(world: World) -> None:
    first = logged(world, "jordan:A", "sam:B")
    logged(world, "jordan:A")
    of_one = world.see(lambda session: ledger.lines(session, incident_ids=[first]))
    assert {item.incident_id for item in of_one} == {first}
    jordan = world.id_of("jordan")
    of_jordan = world.see(lambda session: ledger.lines(session, person_ids=[jordan]))
    assert [item.person_id for item in of_jordan] == [jordan, jordan]


def _same_as_the_rule(session: Session) -> None:
    scope = ledger.everybody()
    found: dict[str, list[object]] = {}
    for row in session.execute(select(ledger.candidates(scope).subquery())):
        found.setdefault(row.affected, []).append(ledger.step_of(row))
    assert found
    expected = {key: earliest(steps) for key, steps in found.items()}  # type: ignore[arg-type]
    assert ledger.next_steps(session) == expected


def _becomes_deceased(session: Session, person_id: str, incident_id: str) -> None:
    session.get_one(Person, person_id).status = PersonStatus.DECEASED
    session.execute(delete(Step).where(Step.incident_id == incident_id))


def _lose(session: Session, person_id: str) -> None:
    theirs = (Step.person_id == person_id) | (Step.kind == StepKind.ACTIVATE)
    session.execute(delete(Step).where(theirs))


def _hold_what_is_left(session: Session, person_id: str) -> None:
    left = (Step.person_id == person_id) | (Step.kind == StepKind.ACTIVATE)
    session.execute(
        update(Step)
        .where(left, Step.state == StepState.PLANNED)
        .values(state=StepState.DONE, outcome="held: a human is being found")
    )


def _is_over(session: Session, incident_id: str) -> None:
    session.get_one(Incident, incident_id).state = IncidentState.CLOSED
