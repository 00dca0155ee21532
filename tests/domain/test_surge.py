"""A large incident is reckoned by the real rules of planning, one sender and a team that has to rest."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.incident import Incident, Severity
from cism.domain.people import Person, SleepWindow
from cism.domain.protocol import load_protocol
from cism.domain.surge import FIRST, LATER, PAGE, Surge, Team, calculate
from cism.domain.surge_queues import Outgoing, send, work
from cism.domain.what_if import SenderClass, WhatIf, parse_what_if

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
SLOW = SenderClass(rate=1, price=0, surcharge=0)
SFA = load_protocol("sfa-follow-up")
INCIDENT = Incident(
    id="i", ref="C-AAAAA", agency="metro-pd", type="CHILD", severity=Severity.S3,
    logged_at=NOON, occurred_at=NOON - 2 * HOUR, ended_at=NOON - HOUR,
)  # fmt: skip
NIGHTS = SleepWindow(time(9, 0), time(16, 30))


def people(count: int, sleep: SleepWindow | None = None) -> list[Person]:
    """Somebody who sleeps at night, or in `sleep`."""
    return [Person(id=f"p{n}", agency="metro-pd", sleep=sleep or SleepWindow()) for n in range(count)]


def reckoned(text: str, helpers: int = 10, key: str = "sfa-follow-up", clinicians: int = 1) -> Surge:
    """The incident with so many helpers."""
    team = Team(people(3), people(helpers), people(clinicians))
    return calculate(INCIDENT, load_protocol(key), parse_what_if(text), team)


def test_a_sender_hands_over_one_text_after_the_other() -> None:
    found = send([Outgoing(NOON, 3, "a")] * 10, SLOW)
    assert (found.count, found.last["a"]) == (10, NOON + 9 * SECOND)
    assert found.longest["a"] == 9 * SECOND


def test_an_urgent_text_overtakes_those_that_wait_and_none_that_has_left() -> None:
    care = [Outgoing(NOON, 3, "care")] * 10
    found = send([*care, Outgoing(NOON + 3 * SECOND, 0, "page")], SLOW)
    assert (found.last["page"], found.last["care"]) == (NOON + 3 * SECOND, NOON + 10 * SECOND)


def test_a_sender_that_was_idle_takes_the_next_text_at_its_own_time() -> None:
    found = send([Outgoing(NOON, 3, "a"), Outgoing(NOON + HOUR, 3, "a")], SLOW)
    assert (found.last["a"], found.longest["a"]) == (NOON + HOUR, timedelta(0))
    assert send([], SLOW).count == 0


def test_what_waits_past_its_window_is_not_sent_and_takes_no_time() -> None:
    texts = [Outgoing(NOON, 3, "a", NOON + 2 * SECOND)] * 5 + [Outgoing(NOON, 4, "b")]
    found = send(texts, SLOW)
    assert (found.count, found.expired) == (4, 2)
    assert found.last["b"] == NOON + 3 * SECOND


def test_a_carrier_takes_so_much_a_day_and_more_the_next() -> None:
    capped = SLOW.model_copy(update={"per_day": 2})
    today = [Outgoing(NOON, 3, "a", None, True)] * 3
    found = send([*today, Outgoing(NOON, 3, "free"), Outgoing(NOON + 24 * HOUR, 3, "a", None, True)], capped)
    assert (found.count, found.refused) == (5, 1)
    assert found.last["a"] == NOON + 24 * HOUR


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), max_size=60), st.sampled_from([0.5, 1, 3]))
def test_no_text_is_lost_early_or_faster_than_the_sender_may(
    drawn: list[tuple[int, int]], rate: float
) -> None:
    texts = [Outgoing(NOON + second * SECOND, lane, str(n)) for n, (second, lane) in enumerate(drawn)]
    found = send(texts, SLOW.model_copy(update={"rate": rate}))
    left = sorted(found.last.values())
    assert len(left) == found.count == len(texts)
    assert all(found.last[item.name] >= item.at for item in texts)
    gap = timedelta(seconds=1 / rate) - timedelta(microseconds=5)
    assert all(later - earlier >= gap for earlier, later in pairwise(left))


def test_calls_beyond_what_the_team_can_do_wait_for_the_next_hour() -> None:
    hours = work([NOON] * 10, 15, [2] * 24, 100)
    assert [(hour.needed, hour.there, hour.short, hour.waiting) for hour in hours] == [
        (3, 2, 1, 2),
        (1, 2, 0, 0),
    ]
    assert hours[0].oldest == HOUR


def test_helpers_rest_when_their_day_of_work_is_over() -> None:
    hours = work([NOON] * 12, 60, [2] * 24, 4)
    worked = [hour.at for hour in hours if hour.there]
    assert worked == [
        NOON,
        NOON + HOUR,
        NOON + 24 * HOUR,
        NOON + 25 * HOUR,
        NOON + 48 * HOUR,
        NOON + 49 * HOUR,
    ]


def test_hours_in_which_nobody_waits_are_passed_over() -> None:
    hours = work([NOON, NOON + 50 * HOUR], 15, [1] * 24, 4)
    assert [hour.at for hour in hours] == [NOON, NOON + 50 * HOUR]
    assert work([], 15, [1] * 24, 4) == []


def test_what_nobody_serves_is_given_up_after_sixty_days_and_still_waits() -> None:
    hours = work([NOON], 15, [0] * 24, 0)
    assert (hours[-1].waiting, hours[-1].at) == (1, NOON + timedelta(days=60))


def test_a_surge_is_the_same_every_time() -> None:
    assert reckoned("affected=50") == reckoned("affected=50")


def test_everybody_silent_is_asked_at_every_point_and_called_by_a_peer() -> None:
    found = reckoned("affected=1,fine=0,call=0,now=0,end=0,keep=0,decline=0,sender=short-code")
    # five check-ins and an opt-in; four reminders; calls: f0, and after f3, f7 and f30
    assert found.sent.count - 2 * 4 - found.asked - found.found == 5 + 1 + 4
    assert found.clinicians == []


def test_whoever_keeps_in_touch_is_asked_until_the_anniversary() -> None:
    short, long = (
        reckoned(f"affected=1,fine=100,call=0,now=0,end=0,keep={share}").sent.last[LATER]
        for share in (0, 100)
    )
    assert ((short.date() - NOON.date()).days, (long.date() - NOON.date()).days) == (90, 358)


def test_whoever_ends_the_contacts_gets_one_answer_and_no_more() -> None:
    found = reckoned("affected=20,fine=0,call=0,now=0,end=100")
    assert LATER not in found.sent.last
    assert found.sent.last["answer"] >= found.sent.last[FIRST]


def test_calls_now_go_to_clinicians_and_calls_later_to_peers() -> None:
    now = reckoned("affected=20,fine=0,call=0,now=100,end=0")
    assert sum(hour.short for hour in now.clinicians) > 0
    later = reckoned("affected=20,fine=0,call=100,now=0,end=0")
    assert later.clinicians == []
    assert len(later.peers) > len(now.peers)


@pytest.mark.parametrize(
    ("decline", "helpers", "expected"),
    [(0, 100, (10, 11, 10)), (50, 100, (10, 21, 10)), (50, 10, (10, 10, 5)), (100, 10, (10, 10, 0))],
)
def test_helpers_are_asked_until_enough_said_yes_or_nobody_is_left(
    decline: int, helpers: int, expected: tuple[int, int, int]
) -> None:
    found = reckoned(f"affected=30,decline={decline}", helpers)
    assert (found.needed, found.asked, found.found) == expected
    assert PAGE in found.sent.last


def test_only_helpers_who_are_awake_call() -> None:
    asleep = Team(people(1), people(5, NIGHTS), people(1))
    found = calculate(INCIDENT, SFA, parse_what_if("affected=3,decline=0"), asleep)
    assert [hour.there for hour in found.peers if hour.at == NOON] == [0]


def test_individual_sessions_are_counted_and_segments_paid() -> None:
    assert reckoned("affected=10").sessions == 0
    found = reckoned("affected=10", key="iacp-ois")
    assert found.sessions == 30
    sender = parse_what_if("").sender
    assert found.cost == pytest.approx(found.sent.count * (sender.price + sender.surcharge))


def test_a_still_exposed_crowd_is_counted_from_the_logging() -> None:
    exposed = Incident(**{name: getattr(INCIDENT, name) for name in INCIDENT.__slots__} | {"ended_at": None})
    given_: WhatIf = parse_what_if("affected=1,fine=100,call=0,now=0,end=0")
    found = calculate(exposed, SFA, given_, Team(people(1), people(3), people(1)))
    assert found.sent.last[FIRST] == NOON + 24 * HOUR
