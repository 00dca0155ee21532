"""What a single cell may just hold and what it just may not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cism.domain.incident_files import cells
from cism.domain.incident_files.us_zones import Box


def test_an_empty_coordinate_leaves_the_place_unknown() -> None:
    assert cells.coordinates("", "-80.3") is None
    assert cells.coordinates("25.1", "") is None


def test_the_poles_and_the_line_of_dates_are_on_earth_and_nothing_beyond() -> None:
    assert cells.coordinates("90", "-180") == (90, -180)
    assert cells.coordinates("-90", "180") == (-90, 180)
    for lat, lng in (("90.1", "0"), ("-90.1", "0"), ("0", "180.1"), ("0", "-180.1")):
        with pytest.raises(cells.RowRefusedError, match="not on earth"):
            cells.coordinates(lat, lng)


def test_a_text_may_have_two_hundred_characters() -> None:
    assert cells.words("agency", "x" * 200) == "x" * 200
    with pytest.raises(cells.RowRefusedError, match="agency is longer than 200"):
        cells.words("agency", "x" * 201)


def test_a_date_is_written_in_one_way() -> None:
    for text in ("20091129", "2009-W48-7"):
        with pytest.raises(cells.RowRefusedError, match="not a possible date"):
            cells.day("date", text)


def test_dates_and_times_begin_with_1900_and_end_with_2199() -> None:
    for text in ("1900-01-01", "2199-12-31"):
        assert cells.day("date", text) == date.fromisoformat(text)
        assert cells.stamp("time", f"{text}T23:59") == datetime.fromisoformat(f"{text}T23:59")
    for text in ("1899-12-31", "2200-01-01"):
        with pytest.raises(cells.RowRefusedError, match=f"date '{text}' is not a possible date"):
            cells.day("date", text)
        with pytest.raises(cells.RowRefusedError, match=f"time '{text}T00:00' is not a possible time"):
            cells.stamp("time", f"{text}T00:00")


def test_tomorrow_is_no_future_and_the_day_after_is() -> None:
    today = date(2026, 11, 24)
    cells.not_in_future(today + timedelta(days=1), today)
    with pytest.raises(cells.RowRefusedError, match="2026-11-26 lies in the future"):
        cells.not_in_future(today + timedelta(days=2), today)


def test_a_time_that_came_twice_is_the_first_where_that_is_not_too_early() -> None:
    # Clocks in Toronto went back from 02:00 to 01:00 on 2013-11-03.
    local = datetime(2013, 11, 3, 1, 30)  # noqa: DTZ001
    first = datetime(2013, 11, 3, 5, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    for not_before, taken in ((None, first), (first, first), (first + timedelta(seconds=1), second)):
        assert cells.from_local("time", local, "America/Toronto", not_before=not_before) == taken


def test_only_a_time_of_the_hour_that_was_repeated_came_twice() -> None:
    for hour, twice in ((0, False), (1, True), (2, False)):
        assert cells.came_twice(datetime(2013, 11, 3, hour, 30), "America/Toronto") is twice  # noqa: DTZ001
    assert not cells.came_twice(datetime(2013, 3, 10, 2, 30), "America/Toronto")  # noqa: DTZ001


def test_a_box_of_one_zone_holds_its_edges_and_nothing_beyond() -> None:
    box = Box("America/Chicago", 30.0, -87.0, 31.0, -85.0)
    assert all(box.holds(lat, lng) for lat in (30.0, 31.0) for lng in (-87.0, -85.0))
    assert not any(box.holds(*place) for place in ((29.9, -86), (31.1, -86), (30.5, -87.1), (30.5, -84.9)))
