"""On-call calendars: whoever has the turn is asked first at any hour, swaps need both, gaps are seen."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import away, on_call, on_call_swaps, people
from cism.services.on_call import Calendar
from cism.store.tables import Person
from tests.services.world import World
from tests.stories.places import local, metro

PEERS = ("peer-1", "peer-2", "peer-3", "peer-4")
NIGHT = local("2026-03-03 23:30")


def calendar(world: World, role: Role = Role.PEER) -> Calendar:
    return Calendar(world.cast.agency, role)


def rotate(world: World, *members: str, role: Role = Role.PEER, days: int = 1) -> str:
    ids = [world.id_of(key) for key in members]
    return world.act(
        lambda session: (
            on_call.rotate(
                session,
                calendar(world, role),
                ids,
                zone="America/New_York",
                first_day=date(2026, 3, 2),
                handover=time(8),
                days=days,
                now=world.now(),
            ).id
        )
    )


def ready(world: World, role: Role = Role.PEER) -> list[str]:
    ids = world.see(lambda session: on_call.now_on_call(session, role, world.now()))
    return sorted(world.key_of(one) for one in ids)


def person(session: Session, world: World, key: str) -> Person:
    return people.get(session, world.id_of(key))


def day(number: int, hour: int = 8) -> datetime:
    return local(f"2026-03-{number:02} {hour:02}:00")


def ask(world: World, giver: str, taker: str, span: tuple[datetime, datetime], back: object = None) -> str:
    return world.act(
        lambda session: (
            on_call_swaps.ask(
                session,
                person(session, world, giver),
                Role.PEER,
                world.id_of(taker),
                span,
                world.now(),
                in_return=back,  # type: ignore[arg-type]
            ).id
        )
    )


@pytest.mark.parametrize("on_turn", PEERS)
def test_whoever_has_the_turn_is_asked_first(sqlite_url: str, on_turn: str) -> None:
    world = World(sqlite_url, metro("jordan"))
    rotate(world, on_turn)
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    asked = world.told("page")  # the first round: fewer than there are peers
    assert on_turn in asked
    assert len(asked) < len(PEERS)
    world.close()


def test_at_night_whoever_has_the_turn_is_asked_for_what_would_wake_nobody_else(sqlite_url: str) -> None:
    world = World(sqlite_url, metro("jordan"), NIGHT)
    rotate(world, "peer-3")
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    assert set(world.told("page")) == {"peer-3"}
    world.close()


def test_an_escalation_goes_to_the_peer_and_then_to_the_clinician_on_call(sqlite_url: str) -> None:
    cast = metro("jordan")
    cast.add("carl", roles="clinician")
    cast.add("cleo", roles="clinician")
    world = World(sqlite_url, cast, NIGHT)
    rotate(world, "peer-2")
    rotate(world, "cleo", role=Role.CLINICIAN)
    world.text("jordan", "3")
    world.advance(hours=1)
    asked = list(dict.fromkeys(world.told("escalation")))
    clinicians = [key for key in asked if key in {"clint", "carl", "cleo"}]
    assert asked[0] == "peer-2"
    assert clinicians[0] == "cleo"
    world.close()


def test_without_a_calendar_nobody_is_on_call_and_nothing_is_a_gap(world: World) -> None:
    assert ready(world) == []
    assert world.see(lambda s: on_call.gaps(s, world.cast.agency, day(1), day(30))) == {}


def test_a_turn_passes_on_at_the_handover(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    assert ready(world) == ["peer-2"]  # Tuesday noon; the first turn was Monday's
    world.advance(hours=20)
    assert ready(world) == ["peer-1"]


def test_a_rotation_that_cannot_be_is_refused_with_all_reasons(world: World) -> None:
    with pytest.raises(BadInput) as refusal:
        world.act(
            lambda session: on_call.rotate(
                session,
                calendar(world),
                [world.id_of("clint")],
                zone="Metro",
                first_day=date(2026, 3, 2),
                handover=time(8),
                days=0,
                now=world.now(),
            )
        )
    assert len(refusal.value.errors) == 3


def test_a_rotation_ends_when_it_is_told_to(world: World) -> None:
    rotation = rotate(world, "peer-1")
    world.act(on_call.end_rotation, rotation, world.now() + timedelta(hours=1))
    assert ready(world) == ["peer-1"]
    world.advance(hours=2)
    assert ready(world) == []
    with pytest.raises(NotFound):
        world.act(on_call.end_rotation, "nothing", world.now())


def test_an_order_puts_somebody_else_or_nobody_in_place(world: World) -> None:
    rotate(world, "peer-1")
    span = (day(3), day(4))
    world.act(
        lambda s: on_call.override(
            s, calendar(world), span, of=None, instead=world.id_of("peer-4"), now=world.now()
        )
    )
    assert ready(world) == ["peer-4"]
    world.act(lambda s: on_call.override(s, calendar(world), span, of=None, instead=None, now=world.now()))
    assert ready(world) == []
    found = world.see(lambda s: on_call.gaps(s, world.cast.agency, day(3), day(5)))
    assert [(gap.start, gap.end) for gap in found[Role.PEER]] == [span]


def test_whoever_has_the_turn_and_stopped_texts_leaves_a_gap(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    assert world.see(lambda s: on_call.gaps(s, world.cast.agency, day(2), day(6))) == {}
    world.text("peer-1", "STOP")
    found = world.see(lambda s: on_call.gaps(s, world.cast.agency, day(2), day(6)))
    assert [gap.start for gap in found[Role.PEER]] == [day(2), day(4)]


def test_whoever_rests_leaves_a_gap_until_they_are_back(world: World) -> None:
    rotate(world, "peer-1")
    back = day(5, 15)
    world.act(lambda s: away.say(s, person(s, world, "peer-1"), back, world.now()))
    found = world.see(lambda s: on_call.gaps(s, world.cast.agency, world.now(), day(9)))
    assert [(gap.start, gap.end) for gap in found[Role.PEER]] == [(world.now(), back)]


def test_a_colleague_who_says_yes_has_the_turn_and_gives_one_back(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    mine, theirs = (day(4), day(5)), (day(5), day(6))
    swap = ask(world, "peer-1", "peer-2", mine, theirs)
    before = world.see(lambda s: on_call.own_turns(s, world.id_of("peer-1"), day(4), day(6)))
    assert [turn.start for turn in before] == [day(4)]  # asking changes nothing
    world.act(on_call_swaps.accept, swap, world.id_of("peer-2"), world.now())
    one = world.see(lambda s: on_call.own_turns(s, world.id_of("peer-1"), day(4), day(6)))
    other = world.see(lambda s: on_call.own_turns(s, world.id_of("peer-2"), day(4), day(6)))
    assert [(turn.start, turn.end) for turn in one] == [theirs]
    assert [(turn.start, turn.end) for turn in other] == [mine]
    assert world.see(lambda s: on_call.gaps(s, world.cast.agency, day(2), day(9))) == {}


def test_only_whoever_was_asked_decides_and_once(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    swap = ask(world, "peer-1", "peer-2", (day(4), day(5)))
    for stranger in ("peer-1", "peer-3", "cora"):
        with pytest.raises(NotFound):
            world.act(on_call_swaps.accept, swap, world.id_of(stranger), world.now())
    with pytest.raises(NotFound):
        world.act(on_call_swaps.withdraw, swap, world.id_of("peer-2"), world.now())
    world.act(on_call_swaps.refuse, swap, world.id_of("peer-2"), world.now())
    with pytest.raises(AlreadyDone):
        world.act(on_call_swaps.accept, swap, world.id_of("peer-2"), world.now())
    assert [t.start for t in world.see(lambda s: on_call.own_turns(s, world.id_of("peer-1"), day(4), day(5)))]


def test_a_question_can_be_taken_back_and_ends_when_the_turn_begins(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    taken_back = ask(world, "peer-1", "peer-2", (day(4), day(5)))
    stays = ask(world, "peer-1", "peer-3", (day(4), day(5)))
    world.act(on_call_swaps.withdraw, taken_back, world.id_of("peer-1"), world.now())

    def seen(key: str) -> list[str]:
        return [
            one.id for one in world.see(lambda s: on_call_swaps.open_swaps(s, world.id_of(key), world.now()))
        ]

    assert seen("peer-2") == []
    assert seen("peer-1") == seen("peer-3") == [stays]
    world.advance(hours=24)
    assert seen("peer-3") == []
    with pytest.raises(AlreadyDone):
        world.act(on_call_swaps.accept, stays, world.id_of("peer-3"), world.now())


@pytest.mark.parametrize(
    ("giver", "taker", "span"),
    [
        ("peer-2", "peer-1", (day(4), day(5))),  # not theirs to give
        ("peer-1", "peer-1", (day(4), day(5))),
        ("peer-1", "clint", (day(4), day(5))),  # no peer
        ("peer-2", "peer-1", (day(3), day(4))),  # has begun
    ],
)
def test_what_is_not_ones_own_or_has_begun_is_not_given_away(
    world: World, giver: str, taker: str, span: tuple[datetime, datetime]
) -> None:
    rotate(world, "peer-1", "peer-2")
    with pytest.raises(BadInput):
        ask(world, giver, taker, span)


def test_a_swap_is_refused_where_the_turn_changed_hands_meanwhile(world: World) -> None:
    rotate(world, "peer-1", "peer-2")
    first = ask(world, "peer-1", "peer-3", (day(4), day(5)))
    second = ask(world, "peer-1", "peer-4", (day(4), day(5)))
    third = ask(world, "peer-1", "peer-4", (day(6), day(7)))
    world.act(on_call_swaps.accept, second, world.id_of("peer-4"), world.now())
    with pytest.raises(AlreadyDone):  # the other one is not asked any more
        world.act(on_call_swaps.accept, first, world.id_of("peer-3"), world.now())
    span = (day(6), day(7))
    world.act(
        lambda s: on_call.override(
            s, calendar(world), span, of=None, instead=world.id_of("peer-2"), now=world.now()
        )
    )
    with pytest.raises(BadInput):
        world.act(on_call_swaps.accept, third, world.id_of("peer-4"), world.now())
    names = world.see(
        lambda s: [
            one.roster_id for one in on_call_swaps.colleagues(s, person(s, world, "peer-1"), Role.PEER)
        ]
    )
    assert set(names) == {"peer-2", "peer-3", "peer-4"}
