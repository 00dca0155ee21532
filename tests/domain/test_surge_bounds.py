"""Where the figures of a large incident just change, and whom each invented text is from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from cism.domain.incident import Incident, Severity
from cism.domain.people import Person, PersonStatus, SleepWindow
from cism.domain.protocol import load_protocol
from cism.domain.surge import FIRST, LATER, PAGE, Surge, Team, calculate
from cism.domain.surge_queues import Outgoing, send, work
from cism.domain.what_if import SenderClass, parse_what_if

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SLOW = SenderClass(rate=1, price=0, surcharge=0)
INCIDENT = Incident(
    id="i", ref="C-AAAAA", agency="metro-pd", type="CHILD", severity=Severity.S3,
    logged_at=NOON, occurred_at=NOON - 2 * HOUR, ended_at=NOON - HOUR,
)  # fmt: skip
SILENT = "fine=0,call=0,now=0,end=0,keep=0"


def people(count: int, sleep: SleepWindow | None = None) -> list[Person]:
    return [Person(id=f"p{n}", agency="metro-pd", sleep=sleep or SleepWindow()) for n in range(count)]


def reckoned(text: str, sender: SenderClass | None = None, *, helpers: list[Person] | None = None) -> Surge:
    given = parse_what_if(text)
    if sender is not None:
        given = given.model_copy(update={"senders": {given.assumed.sender: sender}})
    team = Team(people(1), helpers or people(10), people(5))
    return calculate(INCIDENT, load_protocol("sfa-follow-up"), given, team)


def test_a_case_belongs_to_the_hour_in_which_it_comes() -> None:
    odd = NOON + 30 * MINUTE + 30 * SECOND + timedelta(microseconds=5)
    assert [hour.at for hour in work([odd, odd + 50 * HOUR], 15, [1] * 24, 4)] == [NOON, NOON + 50 * HOUR]
    found = work([NOON, NOON + HOUR], 15, [1] * 24, 4)
    assert [(hour.at, hour.needed, hour.oldest) for hour in found] == [
        (NOON, 1, timedelta(0)),
        (NOON + HOUR, 1, timedelta(0)),
    ]


def test_an_hour_of_work_has_sixty_minutes() -> None:
    first, second = work([NOON] * 200, 60, [122] * 24, 122)[:2]
    assert (first.needed, first.there, first.waiting) == (200, 122, 78)
    assert (second.needed, second.there, second.waiting) == (78, 0, 78)


def test_what_the_carrier_refuses_is_counted_and_takes_its_time() -> None:
    capped = SLOW.model_copy(update={"per_day": 1})
    found = send([Outgoing(NOON, 3, "a", None, True)] * 4 + [Outgoing(NOON, 4, "b")], capped)
    assert (found.count, found.refused, found.last["b"]) == (5, 3, NOON + 4 * SECOND)


def test_the_longest_wait_of_a_name_is_kept_when_a_later_one_waits_less() -> None:
    found = send([*[Outgoing(NOON, 3, "a")] * 5, Outgoing(NOON + HOUR, 3, "a")], SLOW)
    assert found.longest == {"a": 4 * SECOND}


def test_every_text_has_its_name_and_its_lane() -> None:
    names = {PAGE, "assigned", FIRST, LATER, "answer", "opt-in", "reminder", "peer's task", "noted"}
    found = reckoned("affected=200,fine=20,call=20,now=20,end=20", SLOW.model_copy(update={"rate": 0.05}))
    assert set(found.sent.last) == names
    # care waits for whatever is urgent
    assert found.sent.longest[PAGE] < found.sent.longest[FIRST]
    assert found.sent.longest["answer"] < found.sent.longest[LATER]


def test_a_check_in_that_waits_past_its_window_is_not_sent() -> None:
    slowest = SLOW.model_copy(update={"rate": 0.001})
    assert reckoned("affected=200,fine=100,call=0,now=0,end=0", slowest).sent.expired > 0


@pytest.mark.parametrize(
    "shares",
    [
        "fine=100,call=0,now=0,end=0",
        "fine=50,call=0,now=50,end=0",
        "fine=0,call=50,now=0,end=50",
        "fine=0,call=0,now=100,end=0",
        "fine=25,call=25,now=25,end=25",
    ],
)
def test_nobody_is_reminded_where_the_shares_leave_nobody_silent(shares: str) -> None:
    found = reckoned(f"affected=60,{shares}")
    assert "reminder" not in found.sent.last
    assert ("answer" in found.sent.last) is not ("fine=100" in shares)


@pytest.mark.parametrize(
    ("shares", "texts"),
    # five check-ins and the opt-in; and four reminders, or five answers
    [(SILENT, 10), ("fine=0,call=0,now=100,end=0,keep=0", 11), ("fine=100,call=0,now=0,end=0,keep=0", 6)],
)
def test_every_text_of_a_person_counts_at_the_carrier_that_takes_only_so_many(
    shares: str, texts: int
) -> None:
    most = SLOW.model_copy(update={"per_day": 1, "capped_share": 100})
    one, two = (reckoned(f"affected={many},{shares}", most).sent.refused for many in (1, 2))
    assert two - one == texts


def test_the_first_check_in_is_counted_from_the_end_of_the_incident() -> None:
    assert reckoned("affected=1,fine=100,call=0,now=0,end=0").sent.last[FIRST] == NOON + 23 * HOUR


def test_an_invented_person_may_be_texted_whatever_their_model_on_the_roster_has_said() -> None:
    given = parse_what_if("affected=1,fine=100,call=0,now=0,end=0")
    out = [replace(one, opted_out=True) for one in people(1)]
    found = calculate(INCIDENT, load_protocol("sfa-follow-up"), given, Team(out, people(10), people(1)))
    assert found.sent.last == reckoned("affected=1,fine=100,call=0,now=0,end=0").sent.last


def test_helpers_work_their_hours_each_and_so_do_clinicians() -> None:
    calls = reckoned("affected=60,fine=0,call=100,now=0,end=0,decline=0")
    assert max(hour.there for hour in calls.peers) == calls.found == 10
    urgent = reckoned("affected=60,fine=0,call=0,now=100,end=0")
    assert max(hour.there for hour in urgent.clinicians) == 5


def test_whoever_sleeps_at_half_past_is_not_there_in_that_hour() -> None:
    asleep = people(10, SleepWindow(time(11, 20), time(16, 30)))
    found = reckoned("affected=9,fine=0,call=100,now=0,end=0,decline=0", helpers=asleep)
    there = {hour.at.hour for hour in found.peers if hour.there}
    seen = {hour.at.hour for hour in found.peers}
    assert seen - there == set(range(11, 16))


@pytest.mark.parametrize(("decline", "found"), [(80, 2), (90, 1), (70, 3), (99, 0)])
def test_of_ten_who_are_asked_as_many_come_as_do_not_decline(decline: int, found: int) -> None:
    assert reckoned(f"affected=30,decline={decline}").found == found


def test_with_nine_of_ten_declining_ten_are_asked_for_each_and_one_more() -> None:
    many = reckoned("affected=3,decline=90", helpers=people(100))
    assert (many.asked, many.found) == (10 * many.needed + 1, many.needed)


def test_a_share_of_one_in_a_hundred_comes_to_pass_and_one_of_all_to_everybody() -> None:
    some = reckoned("affected=400,fine=99,call=0,now=1,end=0,keep=1")
    assert some.clinicians
    assert (some.sent.last[LATER].date() - NOON.date()).days > 90
    all_ = reckoned("affected=200,fine=100,call=0,now=0,end=0,keep=100")
    assert (all_.sent.count - all_.asked - all_.found) % 200 == 0


def test_a_reminder_waits_in_the_lane_of_care() -> None:
    found = reckoned(f"affected=200,{SILENT}", SLOW.model_copy(update={"rate": 0.002}))
    assert found.sent.expired > 0
    assert found.sent.longest["peer's task"] < found.sent.longest["reminder"]


def test_an_invented_person_is_at_work_whatever_their_model_is() -> None:
    gone = [replace(one, status=PersonStatus.DECEASED) for one in people(1)]
    given = parse_what_if("affected=1,fine=100,call=0,now=0,end=0")
    found = calculate(INCIDENT, load_protocol("sfa-follow-up"), given, Team(gone, people(10), people(1)))
    assert FIRST in found.sent.last
