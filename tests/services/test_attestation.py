"""Each night the coordinator hears that nobody is forgotten; whoever is has a human from then on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from cism.domain.ledger import Owner
from cism.domain.plan import StepKind
from cism.services import engine, ledger, nightly, readiness
from cism.services.readiness import Check, Verdict
from cism.store.states import OutboxState, QueueState
from cism.store.tables import Event, Outbox, Person, QueueItem, Step
from notifications.messages import MessageKind, from_payload
from tests.services.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    found = World(database_url)
    found.act(nightly.plan_first)
    yield found
    found.close()


def logged(world: World) -> None:
    world.log("THREAT", "jordan:A", "sam:B", severity="S3", ended_at=world.now() - timedelta(minutes=30))
    world.answer("page")
    world.answer("contact_report", "4")


def night_passes(world: World) -> datetime:
    """Until the nightly work of the coming night is done; says when it was."""
    (step,) = world.rows(Step, Step.kind == StepKind.NIGHTLY, Step.state == "planned")
    world.advance(seconds=(step.due_at - world.now()).total_seconds())
    return step.due_at  # type: ignore[no-any-return]


def lose(session: Session) -> None:
    session.execute(delete(Step).where(Step.incident_id.is_not(None)))


def attested(world: World) -> list[tuple[Outbox, object]]:
    return [
        (row, from_payload(MessageKind(row.kind), json.loads(row.payload)))
        for row in world.sent("attestation")
    ]


def test_the_coordinator_hears_it_in_their_own_open_hours(world: World) -> None:
    logged(world)
    night = night_passes(world)
    ((row, message),) = attested(world)
    assert world.key_of(row.person_id) == "cora"
    assert (message.people, message.forgotten) == (2, 0)  # type: ignore[attr-defined]
    local = row.not_before.astimezone(ZoneInfo(world.rows(*_person(world, "cora"))[0].zone))
    assert row.not_before > night
    assert local.hour == 8
    assert [event.after for event in world.rows(Event, Event.kind == "ledger.attested")] == ["0"]


def test_nobody_hears_anything_while_nobody_is_looked_after(world: World) -> None:
    night_passes(world)
    assert attested(world) == []


def test_each_night_has_its_own(world: World) -> None:
    logged(world)
    night_passes(world)
    night_passes(world)
    assert len(attested(world)) == 2


def test_of_nights_in_which_nothing_left_the_last_alone_waits(world: World) -> None:
    logged(world)
    night_passes(world)
    last = night_passes(world)
    waiting = [row for row, _ in attested(world) if row.state is OutboxState.PENDING]
    assert [row.made_at for row in waiting] == [last]


def test_a_waiting_attestation_does_not_stop_the_clock(world: World) -> None:
    logged(world)
    night_passes(world)
    world.act(lose)
    world.act(_all_else_arrived)
    assert world.see(engine.next_due) is None


def test_whoever_is_forgotten_has_a_human_from_that_night_on(world: World) -> None:
    logged(world)
    world.act(lose)
    assert all(line.forgotten for line in world.see(ledger.lines))
    night_passes(world)
    items = world.rows(QueueItem, QueueItem.state == QueueState.OPEN)
    assert sorted(item.kind for item in items) == ["no_next_step", "no_next_step"]
    steps = [line.step for line in world.see(ledger.lines)]
    assert [step.owner for step in steps if step] == [Owner.COORDINATOR, Owner.COORDINATOR]
    ((_, message),) = attested(world)
    assert (message.people, message.forgotten) == (2, 2)  # type: ignore[attr-defined]
    assert not world.sent("queue_new")  # nobody is woken


def test_an_item_that_nobody_reads_goes_up_the_ladder(world: World) -> None:
    logged(world)
    world.act(lose)
    night_passes(world)
    world.advance(hours=13)
    assert {line.step.owner for line in world.see(ledger.lines) if line.step} == {Owner.LADDER}


def test_readiness_names_the_incident_and_counts_and_nobody(world: World) -> None:
    logged(world)
    assert _check(world).verdict is Verdict.GOOD
    world.act(lose)
    found = _check(world)
    assert found.verdict is Verdict.BAD
    assert "of 2 affected 2 without a next step" in found.text
    assert "C-" in found.text
    assert "Jordan" not in found.text


def _all_else_arrived(session: Session) -> None:
    session.execute(update(Outbox).where(Outbox.kind != "attestation").values(state=OutboxState.DELIVERED))


def _check(world: World) -> Check:
    checks = world.see(lambda session: readiness.of_database(session))
    return next(item for item in checks if item.name == "nobody forgotten")


def _person(world: World, key: str) -> tuple[object, object]:
    return Person, Person.id == world.id_of(key)
