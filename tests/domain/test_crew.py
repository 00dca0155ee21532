"""Who was probably there: what stands in for the shifts that a roster does not have."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from cism.domain.crew import MOST_OFFERED, on_shift
from cism.domain.people import Person, PersonStatus, SleepWindow

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # in New York
MIDNIGHT = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
BY_DAY = SleepWindow(time(9), time(17))


def somebody(key: str, **changed: Any) -> Person:
    given = {"agency": "metro-pd", "unit": "Patrol", "station": "East", "zone": "America/New_York"}
    return Person(id=key, **(given | changed))


ME = somebody("me")


def test_those_of_the_last_incident_come_first_then_reports_then_unit_then_station() -> None:
    people = [
        somebody("far", unit="K9", station="South"),
        somebody("station", unit="K9"),
        somebody("unit", station="West"),
        somebody("both"),
        somebody("report", unit="Traffic", station="North", reports_to="me"),
        somebody("two ago", unit="Harbor", station="South"),
        somebody("last", unit="Harbor", station="South"),
        ME,
    ]
    found = on_shift(people, ME, at=NOON, recent={"last": 0, "two ago": 1})
    assert found == ("last", "two ago", "report", "both", "unit", "station")


def test_whoever_was_asleep_when_it_ended_comes_last_and_is_still_there() -> None:
    people = [somebody("by day", sleep=BY_DAY), somebody("by night"), somebody("last", sleep=BY_DAY)]
    recent = {"last": 0}
    assert on_shift(people, ME, at=NOON, recent=recent) == ("by night", "last", "by day")
    assert on_shift(people, ME, at=MIDNIGHT, recent=recent) == ("last", "by day", "by night")


def test_asleep_is_by_each_persons_own_wall_clock() -> None:
    people = [somebody("east"), somebody("west", zone="America/Los_Angeles")]
    ten_in_the_evening = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)  # seven in Los Angeles
    assert on_shift(people, ME, at=ten_in_the_evening) == ("west", "east")


@pytest.mark.parametrize("status", [PersonStatus.LEAVE, PersonStatus.RETIRED, PersonStatus.DECEASED])
def test_nobody_is_offered_who_cannot_have_been_on_shift(status: PersonStatus) -> None:
    people = [somebody("gone", status=status, reports_to="me"), somebody("here")]
    assert on_shift(people, ME, at=NOON, recent={"gone": 0}) == ("here",)


def test_an_empty_unit_or_station_is_no_common_one() -> None:
    alone = somebody("me", unit="", station="")
    assert on_shift([somebody("other", unit="", station="")], alone, at=NOON) == ()


def test_no_more_are_offered_than_a_thumb_runs_over_and_equals_keep_their_order() -> None:
    given = [f"{number:02}" for number in range(MOST_OFFERED + 5)][::-1]
    assert on_shift([somebody(key) for key in given], ME, at=NOON) == tuple(given[:MOST_OFFERED])
