"""Where things stand on the picture: hours and months on one line, and a window as wide as it is."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from cism.services.picture import Item, Lane, Standing
from cism.web.pages.drawing import draw
from cism.web.words import _
from tests.conftest import START

TITLES = {lane: _("Team") for lane in Lane}


def drawn(*items: Item, now: timedelta = timedelta(hours=30)):  # type: ignore[no-untyped-def]
    return draw([(item, _("Team"), _("Team")) for item in items], TITLES, START, START + now)


def test_time_runs_from_left_to_right_and_the_first_day_has_a_third_of_it() -> None:
    picture = drawn()
    places = [x for x, _words in picture.ticks]
    assert all(one < other for one, other in pairwise(places))
    assert 30 < places[3] < 40  # a day
    assert places[3] < picture.now < places[4]


def test_a_window_spans_from_its_beginning_to_its_end() -> None:
    day = timedelta(days=1)
    item = Item(Lane.CHECK_INS, "f1", Standing.PLANNED, START + day, START + day, START + 2 * day)
    (row,) = drawn(item).rows
    (mark,) = row.marks
    assert mark.window is not None
    assert mark.window[0] == mark.x
    assert mark.window[0] < mark.window[0] + mark.window[1] < 60


def test_what_was_before_the_end_of_exposure_stands_at_the_beginning() -> None:
    early = Item(Lane.TEAM, "logged", Standing.DONE, START - timedelta(hours=5))
    late = Item(Lane.TEAM, "ended", Standing.DONE, START + timedelta(days=900))
    (row,) = drawn(early, late).rows
    assert [mark.x for mark in row.marks] == [2.0, 97.0]


def test_what_is_not_to_happen_is_not_drawn_and_each_meeting_has_a_line() -> None:
    off = Item(Lane.MEETINGS, "cisd", Standing.OFF, START)
    meetings = [Item(Lane.MEETINGS, kind, Standing.PLANNED, START) for kind in ("cisd", "defusing")]
    assert [len(row.marks) for row in drawn(off, *meetings).rows] == [1, 1]


def test_a_title_that_no_phone_has_room_for_gets_two_lines_and_pushes_the_rest_down() -> None:
    day = timedelta(days=1)
    items = [Item(Lane.OFFERS, name, Standing.PLANNED, START + day) for name in ("one", "two")]
    short, long = _("Team"), _("An individual session with a mental-health professional")
    picture = draw(
        [(items[0], long, short), (items[1], short, short)], TITLES, START, START + timedelta(hours=1)
    )
    first, second = picture.rows
    plain = draw([(one, short, short) for one in items], TITLES, START, START + timedelta(hours=1))
    assert (first.long, second.long) == (True, False)
    assert first.room == 2 * second.room
    moved = first.room - second.room
    assert first.track == plain.rows[0].track + moved
    assert second.top == plain.rows[1].top + moved
    assert picture.height == plain.height + moved
