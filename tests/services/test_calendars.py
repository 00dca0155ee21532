"""Calendars in and out: repetitions across a change of clocks, whose turns, what is never fetched."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from icalendar import Calendar as ICalendar

from cism.domain.people import Role
from cism.errors import BadInput, NotFound
from cism.services import calendar_feeds, ical_fetch, ical_in, on_call, on_call_reading, people, roster_moves
from cism.services.on_call import Calendar
from cism.settings import Settings
from cism.store.on_call_tables import CalendarFeed, OnCallCalendar
from tests.services.world import World
from tests.stories.places import local

START = datetime(2026, 3, 3, 17, tzinfo=UTC)


def ics(*events: str) -> bytes:
    body = "".join(
        f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events)
    )
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


WEEKLY = (
    "DTSTART;TZID=America/New_York:20260302T080000\nDTEND;TZID=America/New_York:20260309T080000\n"
    "RRULE:FREQ=WEEKLY;INTERVAL=2\nSUMMARY:On call: {who}"
)
NEXT_WEEK = (
    "DTSTART;TZID=America/New_York:20260309T080000\nDTEND;TZID=America/New_York:20260316T080000\n"
    "RRULE:FREQ=WEEKLY;INTERVAL=2\nEXDATE;TZID=America/New_York:20260323T080000\nSUMMARY:{who}"
)


def added(world: World, role: Role = Role.PEER, url: str | None = None) -> str:
    calendar = Calendar(world.cast.agency, role)
    return world.act(lambda s: on_call_reading.add(s, calendar, "America/New_York", url).id)


def taken(world: World, calendar_id: str, data: bytes) -> on_call_reading.Report:
    return world.act(
        lambda s: on_call_reading.take(s, on_call_reading.get(s, calendar_id), data, world.now())
    )


def turns(world: World, since: str, until: str) -> list[tuple[str, datetime, datetime]]:
    calendar = Calendar(world.cast.agency, Role.PEER)
    found = world.see(lambda s: on_call.turns(s, calendar, local(since), local(until)))
    return [(world.key_of(one.person), one.start, one.end) for one in found]


def test_a_calendar_that_repeats_begins_at_the_same_wall_time_when_clocks_change(world: World) -> None:
    report = taken(world, added(world), ics(WEEKLY.format(who="peer-1"), NEXT_WEEK.format(who="peer-2")))
    assert report.strangers == ()
    assert turns(world, "2026-03-03 08:00", "2026-04-06 08:00") == [
        ("peer-1", local("2026-03-02 08:00"), local("2026-03-09 08:00")),
        ("peer-2", local("2026-03-09 08:00"), local("2026-03-16 08:00")),
        ("peer-1", local("2026-03-16 08:00"), local("2026-03-23 08:00")),
        ("peer-1", local("2026-03-30 08:00"), local("2026-04-06 08:00")),  # the 23rd is excepted: a gap
    ]
    gaps = world.see(
        lambda s: on_call.gaps(s, world.cast.agency, local("2026-03-03 08:00"), local("2026-04-06 08:00"))
    )
    assert [(one.start, one.end) for one in gaps[Role.PEER]] == [
        (local("2026-03-23 08:00"), local("2026-03-30 08:00"))
    ]


def test_whose_turn_it_is_stands_in_an_address_an_id_or_a_name(world: World) -> None:
    email = world.see(lambda s: people.get(s, world.id_of("peer-3")).email)
    name = world.see(lambda s: people.get(s, world.id_of("peer-2")).name)
    rows = [f"SUMMARY:{name}", f"ATTENDEE;CN=x:MAILTO:{(email or 'none').upper()}\nSUMMARY:Duty"]
    days = [f"DTSTART;VALUE=DATE:2026030{4 + n}\n{row}" for n, row in enumerate(rows)]
    if not email:
        days = days[:1]
    taken(world, added(world), ics(*days))
    found = turns(world, "2026-03-04 00:00", "2026-03-09 00:00")
    assert found[0] == ("peer-2", local("2026-03-04 00:00"), local("2026-03-05 00:00"))
    assert [who for who, *_ in found] == ["peer-2", "peer-3"][: len(days)]


def test_turns_of_nobody_here_are_told_and_not_taken(world: World) -> None:
    strange = "DTSTART:20260310T130000Z\nDTEND:20260311T130000Z\nSUMMARY:Somebody Else"
    report = taken(world, added(world), ics(WEEKLY.format(who="peer-1"), strange))
    assert report.strangers == (datetime(2026, 3, 10, 13, tzinfo=UTC),)
    clinician = "DTSTART:20260310T130000Z\nDTEND:20260311T130000Z\nSUMMARY:clint"
    with pytest.raises(BadInput, match="nobody in this calendar"):
        taken(world, added(world), ics(clinician))  # no peer


def test_a_second_reading_puts_what_is_new_in_place_of_what_was(world: World) -> None:
    calendar = added(world)
    taken(world, calendar, ics(WEEKLY.format(who="peer-1")))
    taken(world, calendar, ics(WEEKLY.format(who="peer-4")))
    assert {who for who, *_ in turns(world, "2026-03-03 08:00", "2026-03-09 08:00")} == {"peer-4"}
    world.act(on_call_reading.remove, calendar)
    assert turns(world, "2026-03-03 08:00", "2026-03-09 08:00") == []


@pytest.mark.parametrize(
    "data", [b"", b"no calendar", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\xff\xfe", ics("DTSTART:never")]
)
def test_what_is_no_calendar_is_refused_and_what_was_known_stays(world: World, data: bytes) -> None:
    calendar = added(world)
    taken(world, calendar, ics(WEEKLY.format(who="peer-1")))
    try:
        taken(world, calendar, data)
    except BadInput:
        assert turns(world, "2026-03-03 08:00", "2026-03-09 08:00")
    else:
        assert data == b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"


def test_a_rule_that_repeats_beyond_measure_is_refused() -> None:
    event = "DTSTART:20260303T000000Z\nDTEND:20260303T000001Z\nRRULE:FREQ={rule}\nSUMMARY:a"
    for rule in ("SECONDLY", "MINUTELY", "DAILY;BYMINUTE=1,2", "DAILY;BYSECOND=1,2,3"):
        with pytest.raises(BadInput, match="within the hour"):
            ical_in.read(ics(event.format(rule=rule)), zone="UTC", since=START)
    with pytest.raises(BadInput, match="more than 2000 turns"):
        ical_in.read(ics(*[event.format(rule="HOURLY")] * 2), zone="UTC", since=START)


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(self: object, host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", found)


async def fetched(
    answer: Any, url: str = "https://cal.example.org/x.ics?key=1", *, private: bool = False
) -> bytes:
    return await ical_fetch.fetch(url, private=private, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.9", "169.254.169.254", "172.16.0.1", "0.0.0.1", "::1", "fd00::1",
     "fe80::1%eth0", "::ffff:10.0.0.1", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
async def test_nothing_is_fetched_from_a_private_network_unless_it_is_configured(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=b"x")

    resolves(monkeypatch, "8.8.8.8", address)
    with pytest.raises(BadInput, match="private network"):
        await fetched(answer)
    assert asked == []
    assert await fetched(answer, private=True) == b"x"


async def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=b"calendar")

    resolves(monkeypatch, "8.8.8.8")
    assert await fetched(answer) == b"calendar"
    (request,) = asked
    assert (request.url.host, request.headers["host"]) == ("8.8.8.8", "cal.example.org")
    assert request.extensions["sni_hostname"] == "cal.example.org"
    assert request.url.raw_path == b"/x.ics?key=1"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: httpx.Response(302, headers={"location": "http://10.0.0.1/"}), "answers 302; enter"),
        (lambda _: httpx.Response(404), "answers 404"),
        (lambda _: httpx.Response(200, content=b"x" * (ical_fetch.MOST_BYTES + 1)), "larger than 2 MB"),
    ],
)
async def test_a_redirect_an_error_and_a_flood_are_refused_without_the_address(
    monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    resolves(monkeypatch, "8.8.8.8")
    with pytest.raises(BadInput, match=words) as refusal:
        await fetched(answer)
    assert "key=1" not in str(refusal.value)


@pytest.mark.parametrize("url", ["http://cal.example.org/", "gopher://x/", "ftp://x/", "https://", "x"])
async def test_only_encrypted_addresses_are_fetched(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    resolves(monkeypatch, "8.8.8.8")
    with pytest.raises(BadInput):
        await fetched(lambda _: httpx.Response(200), url)


async def test_a_calendar_that_cannot_be_fetched_keeps_its_turns_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = added(world, url="https://cal.example.org/secret.ics")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    data = ics(WEEKLY.format(who="peer-1"))

    async def fetch(_url: str, *, private: bool) -> bytes:
        if data is None:
            raise BadInput
        return data

    monkeypatch.setattr(ical_fetch, "fetch", fetch)
    wanted = world.see(lambda s: on_call_reading.due(s, world.now()))
    assert await on_call_reading.refresh(world.db, settings, wanted) == {calendar: None}
    assert world.see(lambda s: on_call_reading.due(s, world.now())) == []
    world.advance(hours=7)
    data = None  # type: ignore[assignment]
    wanted = world.see(lambda s: on_call_reading.due(s, world.now()))
    found = await on_call_reading.refresh(world.db, settings, wanted)
    assert list(found) == [calendar]
    assert found[calendar]
    assert [row.problem for row in world.rows(OnCallCalendar)] == [on_call_reading.UNREADABLE]
    assert turns(world, "2026-03-03 08:00", "2026-03-09 08:00")


def test_the_conductor_reads_what_is_due_from_a_thread_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert on_call_reading.refresh_due(world.db, settings) == {}
    calendar = added(world, url="https://cal.example.org/secret.ics")

    async def fetch(_url: str, *, private: bool) -> bytes:
        assert not private
        return ics(WEEKLY.format(who="peer-1"))

    monkeypatch.setattr(ical_fetch, "fetch", fetch)
    assert on_call_reading.refresh_due(world.db, settings) == {calendar: None}
    assert turns(world, "2026-03-03 08:00", "2026-03-09 08:00")
    assert on_call_reading.refresh_due(world.db, settings) == {}  # read again in six hours


def feed(world: World, key: str = "peer-1") -> str:
    return world.act(lambda s: calendar_feeds.make(s, people.get(s, world.id_of(key)), world.now()))


def test_an_own_calendar_says_on_call_and_nothing_else(world: World) -> None:
    taken(world, added(world), ics(WEEKLY.format(who="peer-1")))
    secret, now = feed(world), world.now()
    data = world.see(lambda s: calendar_feeds.calendar(s, calendar_feeds.owner(s, secret), now))
    events = ICalendar.from_ical(data).walk("VEVENT")
    assert events
    assert {str(event["SUMMARY"]) for event in events} == {"On call"}
    assert all(set(event) <= {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "CLASS"} for event in events)
    name = world.see(lambda s: people.get(s, world.id_of("peer-1")).name)
    assert name.encode() not in data
    assert world.cast.agency.encode() not in data


def test_an_own_calendar_is_off_until_it_is_made_and_ends_with_a_new_one(world: World) -> None:
    who = world.id_of("peer-1")
    assert world.see(lambda s: calendar_feeds.made_at(s, who)) is None
    first = feed(world)
    second = feed(world)
    assert world.rows(CalendarFeed)[0].hash not in {first, second}
    with pytest.raises(NotFound):
        world.see(lambda s: calendar_feeds.owner(s, first))
    assert world.see(lambda s: calendar_feeds.owner(s, second)).id == who
    world.act(calendar_feeds.revoke, who)
    with pytest.raises(NotFound):
        world.see(lambda s: calendar_feeds.owner(s, second))


def test_whoever_is_removed_leaves_no_address_and_a_gap(world: World) -> None:
    who = world.id_of("peer-1")
    taken(world, added(world), ics(WEEKLY.format(who="peer-1")))
    secret = feed(world)
    week = (local("2026-03-03 08:00"), local("2026-03-09 08:00"))
    assert world.see(lambda s: on_call.gaps(s, world.cast.agency, *week)) == {}
    world.act(lambda s: roster_moves.remove(s, people.get(s, who), by=None, now=world.now()))
    assert world.rows(CalendarFeed) == []
    with pytest.raises(NotFound):
        world.see(lambda s: calendar_feeds.owner(s, secret))
    assert list(world.see(lambda s: on_call.gaps(s, world.cast.agency, *week))) == [Role.PEER]
