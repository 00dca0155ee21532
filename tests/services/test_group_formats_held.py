"""Formats beside defusing and debriefing are planned, led, held and reported by the same services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from cism.domain.incident import Severity
from cism.services import intake, meetings
from cism.store.tables import GroupSession, Question
from tests.services.world import World
from tests.stories.places import NOON, local, metro
from tests.stories.roster import Cast

CREW = tuple(f"crew-{number:02}" for number in range(12))
FAR = "2031-12-31"
Make = Callable[..., World]


def engine_crew() -> Cast:
    """Twelve of one unit, and a team large enough for them."""
    cast = metro(*CREW, peers=14)
    for key in CREW:
        cast.rows[key]["unit"] = "engine-7"
    return cast


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    made: list[World] = []

    def world(start: datetime = NOON) -> World:
        made.append(World(sqlite_url, engine_crew(), start))
        return made[0]

    yield world
    made[0].close()


def of_kind(world: World, kind: str) -> list[tuple[str, str | None]]:
    """State and reason of every session of a kind, in order of time."""
    rows = world.rows(GroupSession, GroupSession.kind == kind)
    return [(row.state.value, row.reason) for row in sorted(rows, key=lambda row: row.starts_at or NOON)]


def only(world: World, kind: str) -> GroupSession:
    (row,) = world.rows(GroupSession, GroupSession.kind == kind, GroupSession.state == "approved")
    return row


def test_a_unit_that_is_released_rests_within_the_hour_and_only_its_headcount_is_kept(make: Make) -> None:
    world = make()
    world.log("RIOT", *(f"{key}:B" for key in CREW), protocol="mass-casualty", ended_at=world.now())
    world.answer("page")
    row = only(world, "demobilization")
    assert row.starts_at is not None
    assert NOON < row.starts_at <= NOON + timedelta(hours=1)
    invited = world.rows(Question, Question.kind == "invitation", Question.subject_id == row.id)
    assert sorted(world.key_of(item.person_id) for item in invited) == sorted(CREW)  # each alone
    world.answer("invitation")
    world.advance(hours=2)
    leader = world.key_of(only(world, "demobilization").leader_id)
    assert leader.startswith("peer-")  # no clinician is needed for information and rest
    world.act(meetings.held, row.id, 12, by=None, now=world.now())
    assert of_kind(world, "demobilization") == [("held", None)]


def test_a_briefing_is_held_on_the_day_and_again_when_more_is_known(make: Make) -> None:
    world = make()
    world.log(
        "RIOT",
        *(f"{key}:B" for key in CREW),
        protocol="mass-casualty",
        occurred_at=NOON - timedelta(hours=1),
        ended_at=NOON,
    )
    rows = world.rows(GroupSession, GroupSession.kind == "crisis_management_briefing")
    starts = sorted(row.starts_at for row in rows)
    assert [row.state.value for row in rows] == ["approved", "approved"]
    assert starts[0] <= NOON + timedelta(hours=2)
    assert starts[1] >= NOON + timedelta(hours=23)
    assert sorted(world.told("invitation")) == sorted(CREW)  # to the rest on release, and one at a time
    world.advance(hours=20)
    assert len(world.told("invitation")) == 3 * len(CREW)


def test_raising_the_severity_adds_the_formats_of_the_gravest_and_keeps_what_was_planned(make: Make) -> None:
    world = make()
    incident = world.log(
        "MCI",
        *(f"{key}:B" for key in CREW),
        severity="S3",
        protocol="mass-casualty",
        ended_at=NOON,
        occurred_at=NOON - timedelta(hours=1),
    )
    before = {row.id for row in world.rows(GroupSession)}
    assert of_kind(world, "demobilization") == []
    assert of_kind(world, "crisis_management_briefing") == []
    world.advance(hours=5)
    world.act(intake.change, incident, {"severity": Severity.S4})
    world.rest()
    assert of_kind(world, "demobilization") == [("blocked", "window_closed")]  # five hours after the release
    assert [state for state, _ in of_kind(world, "crisis_management_briefing")] == ["approved", "approved"]
    assert before <= {row.id for row in world.rows(GroupSession)}


def test_after_a_death_groups_wait_for_the_next_of_kin_then_for_a_clinician_and_then_for_the_funeral(
    make: Make,
) -> None:
    world = make()
    incident = world.log("LODD", *(f"{key}:D" for key in CREW), protocol="lodd", ended_at=NOON)
    world.answer("page")
    assert of_kind(world, "lodd_group") == [("blocked", "kin_not_told")]
    assert of_kind(world, "crisis_management_briefing") == [("blocked", "kin_not_told")]
    assert of_kind(world, "cisd") == [("blocked", "funeral_unknown")]
    assert world.told("invitation") == []

    world.advance(hours=1)
    world.act(intake.change, incident, {"kin_notified": True})
    world.rest()
    assert of_kind(world, "lodd_group") == [("proposed", None)]
    assert [state for state, _ in of_kind(world, "crisis_management_briefing")] == ["approved"]
    (who,) = world.answer("approval")
    group = only(world, "lodd_group")
    assert world.key_of(group.leader_id) == who  # a clinician leads it
    assert group.starts_at is not None
    assert group.starts_at < local("2026-03-03 23:59")  # on the same day

    world.advance(hours=20)
    world.act(intake.change, incident, {"funeral_at": local("2026-03-08 11:00")})
    world.rest()
    assert of_kind(world, "cisd") == [("proposed", None)]
    world.answer("approval")
    start = only(world, "cisd").starts_at
    assert start is not None
    assert local("2026-03-11 11:00") <= start <= local("2026-03-15 11:00")


def test_a_mistake_about_the_next_of_kin_calls_the_group_off_and_tells_nobody_but_the_team(
    make: Make,
) -> None:
    world = make()
    incident = world.log(
        "LODD", *(f"{key}:D" for key in CREW), protocol="lodd", ended_at=NOON, kin_notified=True
    )
    world.answer("page")
    world.answer("approval")
    invited = len(world.told("invitation"))
    world.act(intake.change, incident, {"kin_notified": False})
    world.rest()
    assert ("cancelled", "kin_not_told") in of_kind(world, "lodd_group")
    assert world.told("session_off")
    assert set(world.told("session_off")).isdisjoint(CREW)
    assert len(world.told("invitation")) == invited


@pytest.mark.parametrize("protocol", ["trim", "second-victim"])
def test_a_protocol_without_groups_plans_none_and_everybody_has_a_peer(make: Make, protocol: str) -> None:
    world = make()
    world.log("CHILD", *(f"{key}:B" for key in CREW), protocol=protocol, ended_at=NOON)
    world.answer("page")
    assert world.rows(GroupSession) == []
