"""Asking a team: at night, and when an incident turns out to be graver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cism.domain.caps import CAPS, Purpose
from cism.domain.incident import Severity
from cism.services import intake
from cism.store.states import OutboxState
from tests.services.sending import claim
from tests.services.world import World
from tests.stories.places import local, metro


@pytest.fixture
def night(sqlite_url: str) -> Iterator[World]:
    """Three in the morning: everybody sleeps."""
    made = World(sqlite_url, metro("jordan"), local("2026-03-03 03:00"))
    yield made
    made.close()


def test_a_lesser_incident_of_the_night_wakes_those_in_charge_and_asks_the_team_in_the_morning(
    night: World,
) -> None:
    night.log("THREAT", "jordan:A", severity="S2", ended_at=night.now())
    assert sorted(night.told("team_notice")) == ["clint", "cora"]
    assert night.sent("page") == []
    night.advance(hours=5)
    assert {row.made_at for row in night.sent("page")} == {local("2026-03-03 08:00")}
    assert night.answer("page")
    night.advance(days=2)
    assert len(night.told("team_notice")) == 2


def test_a_grave_incident_of_the_night_wakes_the_team(night: World) -> None:
    night.log("THREAT", "jordan:A", severity="S3", ended_at=night.now())
    assert {row.made_at for row in night.sent("page")} == {night.now()}


def test_an_incident_that_turns_out_to_be_graver_is_told_to_a_clinician_once(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    assert world.told("team_notice") == ["cora"]
    for severity in (Severity.S3, Severity.S4, Severity.S4):
        world.act(intake.change, incident, {"severity": severity})
        world.rest()
    assert sorted(world.told("team_notice")) == ["clint", "cora"]
    assert len(world.told("page")) == 3  # two more places than at first, one of them was asked already


def test_pages_leave_before_what_tells_the_coordinator_of_them(any_world: World) -> None:
    for _ in range(2):
        any_world.log("THREAT", "jordan:A", severity="S1", ended_at=any_world.now())
        any_world.advance(seconds=1)
    order = {item.id: place for place, item in enumerate(claim(any_world))}
    pages = [order[row.id] for row in any_world.sent("page")]
    notices = [order[row.id] for row in any_world.sent("team_notice")]
    assert pages
    assert notices
    assert max(pages) < min(notices)


def test_how_the_asking_stands_takes_no_room_of_what_is_urgent_to_the_same_phone(world: World) -> None:
    for _ in range(CAPS[Purpose.URGENT].an_hour + 1):
        world.log("THREAT", "jordan:A", severity="S1", ended_at=world.now())
    while claim(world):
        pass
    assert {row.state for row in world.sent("team_notice")} == {OutboxState.SENDING}


def test_that_nobody_is_left_to_ask_is_not_followed_by_that_others_are_asked(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1", ended_at=any_world.now())
    any_world.advance(days=1)  # nothing leaves: the provider is away; everybody who was asked stays silent
    told = sorted((row.person_id, row.made_at, row.state) for row in any_world.sent("team_notice"))
    last = {who: (state, moment) for who, moment, state in told}
    assert len(told) > len(last), "somebody was told twice"
    for who, moment, state in told:
        assert state is (OutboxState.PENDING if (state, moment) == last[who] else OutboxState.CANCELLED)
