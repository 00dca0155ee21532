"""Asking a team: at night, and when an incident turns out to be graver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cism.domain.incident import Severity
from cism.services import intake
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
