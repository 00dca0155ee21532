"""When the watchdog pages: once, then at growing intervals, then once that all is well. No server needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from cism_watchdog import paging
from cism_watchdog.judging import TROUBLES, Verdicts
from cism_watchdog.paging import Alarm, Page
from cism_watchdog.settings import Rhythm

RHYTHM = Rhythm()
WELL: Verdicts = dict.fromkeys(TROUBLES, False)
SILENT: Verdicts = dict.fromkeys(TROUBLES, None) | {"silent": True}


def wrong(*keys: str) -> Verdicts:
    return WELL | dict.fromkeys(keys, True)


def played(
    looks: Sequence[Verdicts], rhythm: Rhythm = RHYTHM, alarm: Alarm | None = None, at: float = 1e9
) -> Iterator[tuple[float, Page | None, Alarm]]:
    """Look after look; every page is taken by the mail server."""
    alarm = alarm or Alarm()
    for turn, verdicts in enumerate(looks):
        now = at + turn * rhythm.every
        alarm = paging.note(alarm, verdicts, now, rhythm)
        page = paging.due(alarm, now, rhythm)
        if page is not None:
            alarm = paging.sent(alarm, page, now)
        yield turn * rhythm.every, page, alarm


def pages(looks: Sequence[Verdicts], rhythm: Rhythm = RHYTHM) -> list[tuple[float, Page]]:
    return [(at, page) for at, page, _ in played(looks, rhythm) if page is not None]


def looks(seconds: float, verdicts: Verdicts) -> list[Verdicts]:
    return [verdicts] * int(seconds / RHYTHM.every)


def test_a_trouble_is_paged_when_it_has_lasted_and_not_before() -> None:
    assert pages(looks(120, SILENT)) == []
    assert pages(looks(135, SILENT)) == [(120, Page.FIRST)]


def test_the_page_is_repeated_at_growing_intervals() -> None:
    found = pages(looks(12 * 3600, SILENT))
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(found)]
    assert gaps == [300, 900, 1800, 3600, 14_400, 14_400]
    assert {page for _, page in found[1:]} == {Page.AGAIN}


def test_it_is_said_once_that_all_is_well_and_only_when_it_has_stayed_so() -> None:
    found = pages(looks(135, SILENT) + looks(3600, WELL))
    assert found == [(120, Page.FIRST), (120 + 15 + 105 + 300, Page.WELL)]


def test_what_never_got_so_far_as_a_page_needs_no_word_that_it_is_over() -> None:
    assert pages(looks(90, SILENT) + looks(3600, WELL)) == []


def test_a_short_stumble_now_and_then_pages_nobody() -> None:
    assert pages((looks(30, SILENT) + looks(60, WELL)) * 100) == []


def test_what_is_more_often_wrong_than_right_is_paged_though_it_never_lasts() -> None:
    found = pages((looks(60, SILENT) + looks(30, WELL)) * 20)
    assert found[0][1] is Page.FIRST
    assert Page.WELL not in {page for _, page in found}


def test_a_second_trouble_is_news_but_not_in_the_same_minute() -> None:
    story = looks(135, wrong("human")) + looks(600, wrong("human", "conductor"))
    found = pages(story)
    assert found[0] == (120, Page.FIRST)
    assert found[1] == (240 + 15, Page.MORE)
    assert found[2][1] is Page.AGAIN


def test_one_good_look_does_not_end_an_alarm() -> None:
    *_, (_, _, alarm) = played(looks(300, SILENT) + looks(15, WELL))
    assert alarm.troubles == ["silent"]
    assert alarm.since["silent"] == 1e9


def test_a_silent_engine_does_not_make_its_other_troubles_good() -> None:
    story = looks(300, wrong("human")) + looks(3600, SILENT)
    *_, (_, _, alarm) = played(story)
    assert alarm.troubles == ["silent", "human"]


def test_time_in_which_the_watchdog_itself_was_away_counts_against_nobody() -> None:
    *_, (_, _, alarm) = played(looks(60, SILENT))
    later = paging.note(alarm, SILENT, 1e9 + 86_400, RHYTHM)
    assert paging.due(later, 1e9 + 86_400, RHYTHM) is None


def test_a_clock_that_was_put_back_silences_nothing() -> None:
    *_, (_, _, alarm) = played(looks(135, SILENT))
    back = 1e9 - 86_400
    found = list(played(looks(330, SILENT), alarm=alarm, at=back))
    assert [page for _, page, _ in found if page] == [Page.AGAIN]


def test_it_is_not_said_that_all_is_well_while_something_else_begins() -> None:
    story = looks(135, SILENT) + looks(120 + 225, WELL) + looks(600, wrong("human"))
    found = pages(story)
    assert [page for _, page in found] == [Page.FIRST, Page.AGAIN]


verdicts = st.sampled_from([WELL, SILENT, wrong("conductor"), wrong("human", "due")])
spans = st.lists(st.tuples(verdicts, st.integers(1, 400)), min_size=1, max_size=12)


@given(spans)
def test_whatever_comes_and_goes_pages_are_few_and_well_is_said_once_for_each_alarm(
    story: list[tuple[Verdicts, int]],
) -> None:
    whole = [one for verdict, count in story for one in [verdict] * count]
    found = pages(whole)
    for (at, page), (after, following) in itertools.pairwise(found):
        assert (page is Page.WELL) == (following is Page.FIRST)
        assert after - at >= (RHYTHM.after if following in {Page.FIRST, Page.MORE} else 300)
    if found:
        assert found[0][1] is Page.FIRST


@given(spans)
def test_nothing_is_paged_while_nothing_is_wrong_for_long(story: list[tuple[Verdicts, int]]) -> None:
    short = [one for verdict, _ in story for one in [verdict] * 7 + [WELL] * 8]
    assert pages(short) == []
