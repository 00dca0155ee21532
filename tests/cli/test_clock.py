"""The movable clock at a terminal: to the next due moment, over a span, never without somebody at work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from cism.cli import clock
from cism.domain.plan import PlannedStep, StepKind
from cism.services import engine, steps
from cism.store.db import now
from cism.store.states import QueueState
from cism.store.tables import QueueItem, Step
from tests.cli.conftest import Cli, Performer


def instant(text: str) -> datetime:
    """An instant as the command line writes it."""
    return datetime.fromisoformat(text)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "START_WITHIN", 0.2)
    monkeypatch.setattr(clock, "STUCK_AFTER", 1.0)


def test_the_clock_shows_now_the_offset_and_what_is_next(cli: Cli) -> None:
    found = cli.json("clock", "show")
    assert set(found) == {"now", "offset_seconds", "next_due"}
    assert found["now"].endswith("Z")
    assert (found["offset_seconds"], found["next_due"]) == (0.0, None)
    assert "nothing is planned" in cli.ok("clock", "show")


def test_it_is_set_once_and_only_on_an_empty_database(cli: Cli) -> None:
    found = cli.json("clock", "set", "2026-01-05T08:00:00-05:00")
    assert timedelta(0) <= instant(found["now"]) - instant("2026-01-05T13:00:00Z") < timedelta(seconds=20)
    assert found["offset_seconds"] != 0
    said = cli.refused("clock", "set", "2027-01-01T00:00Z")
    assert said == "`cism clock set` works once, on an empty database; use `cism clock advance` to go on"


def test_it_cannot_be_set_when_something_has_happened(cli: Cli) -> None:
    cli.roster()
    cli.incident()
    assert "works once, on an empty database" in cli.refused("clock", "set", "2026-01-05T13:00Z")


@pytest.mark.parametrize("command", [("set", "2026-01-05T13:00Z"), ("next",), ("advance", "1h")])
def test_a_real_clock_is_not_moved(cli: Cli, command: tuple[str, ...]) -> None:
    cli.set_env("CISM_CLOCK", "real")
    assert cli.refused("clock", *command).startswith("the clock is real; start with CISM_CLOCK=movable")


def test_a_database_whose_clock_ever_moved_refuses_the_real_one(cli: Cli) -> None:
    cli.ok("clock", "advance", "1s", "--outage")
    cli.set_env("CISM_CLOCK", "real")
    said = "this database's clock was moved once: set CISM_CLOCK=movable, or use another database"
    assert cli.refused("incidents") == said
    assert cli.refused("up", "--port", "1") == said


def test_next_with_nothing_planned_moves_nothing(cli: Cli) -> None:
    assert cli.refused("clock", "next") == "Nothing is planned: the clock was not moved."
    assert cli.json("clock", "show")["offset_seconds"] == 0


@pytest.mark.parametrize("command", [("next",), ("advance", "1h")])
def test_without_a_conductor_nothing_is_moved(cli: Cli, command: tuple[str, ...]) -> None:
    plan(cli, minutes=10)
    said = "no conductor is running, so nothing would be performed: start `cism up`; nothing was moved"
    assert cli.refused("clock", *command) == said
    assert cli.json("clock", "show")["offset_seconds"] == 0


def test_a_web_process_alone_performs_nothing(cli: Cli) -> None:
    plan(cli, minutes=10)
    with cli.database() as session:
        engine.beat(session, "web")
    assert cli.refused("clock", "next").startswith("no conductor is running")


def test_a_conductor_that_does_nothing_is_noticed(cli: Cli) -> None:
    plan(cli, minutes=10)
    with cli.database() as session:
        engine.beat(session, "conductor")
    said = cli.refused("clock", "next")
    assert said.startswith(
        "the clock was moved, but nothing was performed for 1 s: 1 steps and 0 messages wait"
    )


def test_next_returns_when_what_it_brought_is_done(cli: Cli, performer: Performer) -> None:
    cli.roster()
    due, later = plan(cli, hours=5), plan(cli, hours=9)
    before = cli.json("clock", "show")
    assert instant(before["next_due"]) == due
    after = cli.json("clock", "next")
    assert due <= instant(after["now"]) < due + timedelta(seconds=30)
    assert instant(after["next_due"]) == later
    assert states(cli) == ["done", "planned"]


def test_advance_goes_through_each_due_moment_in_order(cli: Cli, performer: Performer) -> None:
    first, second, third = plan(cli, hours=2), plan(cli, hours=50), plan(cli, hours=80)
    before = cli.json("clock", "show")
    after = cli.json("clock", "advance", "72h")
    assert instant(after["next_due"]) == third
    gone = instant(after["now"]) - instant(before["now"])
    assert timedelta(hours=72) <= gone < timedelta(hours=72, seconds=60)
    with cli.database() as session:
        done = {step.due_at: step.done_at for step in session.scalars(select(Step)) if step.done_at}
    assert set(done) == {first, second}
    assert all(moment - due < timedelta(seconds=30) for due, moment in done.items())


def test_an_outage_jumps_at_once_past_what_was_due(cli: Cli) -> None:
    due = plan(cli, hours=2)
    before = cli.json("clock", "show")
    after = cli.json("clock", "advance", "72h", "--outage")
    gone = instant(after["now"]) - instant(before["now"])
    assert timedelta(hours=72) <= gone < timedelta(hours=72, seconds=60)
    assert instant(after["next_due"]) == due
    assert states(cli) == ["planned"]


@pytest.mark.parametrize("span", ["72", "h", "3 weeks", "-1h", "1.5"])
def test_what_is_no_span_is_refused(cli: Cli, span: str) -> None:
    said = cli.refused("clock", "advance", "--", span)
    assert said.endswith("is not a span; write a number and one of s m h d, e.g. 72h")


def test_a_span_of_ages_is_refused(cli: Cli) -> None:
    said = cli.refused("clock", "advance", "999999999999d", "--outage")
    assert said == "'999999999999d' is too long: at most 36500d at once"


def test_what_is_no_instant_is_wrong_usage(cli: Cli) -> None:
    assert "'soon' is not an instant with a zone" in cli.refused("clock", "set", "soon", status=2)


def plan(cli: Cli, **ahead: float) -> datetime:
    """A step that has nothing left to do when it is due: a human has read the text meanwhile."""
    with cli.database() as session:
        due = (now(session) + timedelta(**ahead)).replace(microsecond=0)
        item = QueueItem(kind="free_text", received_at=due, deadline=due, state=QueueState.HANDLED)
        session.add(item)
        session.flush()
        step = PlannedStep(kind=StepKind.QUEUE_OVERDUE, key=f"test:{ahead}", due_at=due, subject_id=item.id)
        steps.plan(session, [step])
    return due


def states(cli: Cli) -> list[str]:
    """The states of all steps, in order."""
    with cli.database() as session:
        return [step.state.value for step in session.scalars(select(Step).order_by(Step.due_at))]
