"""A helper who asks for rest is asked for nothing until then, and whoever needs somebody gets the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.errors import AlreadyDone, BadInput
from cism.services import away, engine, nightly, passing_on, people
from cism.store.db import now
from cism.store.staff_tables import Away
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Escalation, Question
from tests.services.world import World
from tests.stories.places import metro

WEEK = timedelta(days=7)


@pytest.fixture
def world(sqlite_url: str) -> World:
    return World(sqlite_url, metro("jordan", "sam"))


def _says(world: World, key: str, span: timedelta = WEEK) -> None:
    def act(session: Session) -> None:
        moment = now(session)
        away.say(session, people.get(session, world.id_of(key)), moment + span, moment)

    world.act(act)


def _asked(world: World, kind: str = "page") -> set[str]:
    return {world.key_of(row.person_id) for row in world.rows(Question, Question.kind == kind)}


def _peers(world: World) -> list[str]:
    return [key for key, row in world.cast.rows.items() if "peer" in row["roles"].split(";")]


def test_who_is_away_is_not_asked_to_serve_and_who_came_back_is(world: World) -> None:
    first, *others = _peers(world)
    for key in (first, *others):
        _says(world, key)
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    assert _asked(world) == set()

    def back(session: Session) -> None:
        away.come_back(session, people.get(session, world.id_of(first)), now(session))

    world.act(back)
    world.advance(hours=1, minutes=5)  # a team that is short looks again each hour
    assert _asked(world) == {first}
    with pytest.raises(AlreadyDone):
        world.act(back)


def test_it_ends_by_itself(world: World) -> None:
    for key in _peers(world):
        _says(world, key, timedelta(hours=1))
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    assert _asked(world) == set()
    world.advance(hours=2)
    assert _asked(world)


def test_a_call_for_somebody_goes_past_a_peer_who_is_away_to_the_clinician(world: World) -> None:
    world.text("jordan", "3")
    usual = _asked(world, "escalation")
    assert usual & set(_peers(world))
    for key in _peers(world):
        _says(world, key)
    world.text("sam", "3")
    (row,) = world.rows(Escalation, Escalation.person_id == world.id_of("sam"))
    asked = world.rows(Question, Question.subject_id == row.id)
    assert asked
    assert {world.key_of(item.person_id) for item in asked}.isdisjoint(_peers(world))


@pytest.mark.parametrize("span", [timedelta(0), timedelta(days=-1), away.LONGEST + timedelta(seconds=1)])
def test_a_time_that_has_passed_or_lies_beyond_a_year_is_refused(world: World, span: timedelta) -> None:
    with pytest.raises(BadInput, match="from tomorrow on"):
        _says(world, _peers(world)[0], span)
    assert world.rows(Away) == []


def test_said_twice_it_is_kept_once_without_any_reason(world: World) -> None:
    key = _peers(world)[0]

    def act(session: Session) -> None:
        person, moment = people.get(session, world.id_of(key)), now(session)
        for _ in range(2):
            away.say(session, person, moment + WEEK, moment)

    world.act(act)
    (row,) = world.rows(Away)
    assert set(Away.__table__.columns.keys()) == {"person_id", "since", "until"}
    assert row.until - row.since == WEEK


def test_what_is_over_is_forgotten(world: World) -> None:
    world.act(nightly.plan_first)
    _says(world, _peers(world)[0], timedelta(hours=1))
    world.advance(hours=26)
    assert world.rows(Away) == []


def test_what_was_asked_is_passed_on_and_what_is_theirs_only_if_they_say_so(world: World) -> None:
    world.log("THREAT", "jordan:A", "sam:A", severity="S2", ended_at=world.now())
    taker = world.answer("page")[0]
    world.rest()
    (mine,) = world.rows(
        Assignment,
        Assignment.peer_id == world.id_of(taker),
        Assignment.state == AssignmentState.ACCEPTED,
    )

    def hand_on(session: Session, *, taken: bool) -> None:
        person = people.get(session, world.id_of(taker))
        for question_id in passing_on.to_pass_on(session, person, taken=taken):
            passing_on.pass_on(session, person, question_id, now(session))
            passing_on.pass_on(session, person, question_id, now(session))  # answered meanwhile: nothing

    world.act(hand_on, taken=False)
    assert world.rows(Assignment, Assignment.id == mine.id)[0].state is AssignmentState.ACCEPTED
    world.act(hand_on, taken=True)
    world.rest()
    assert world.rows(Assignment, Assignment.id == mine.id)[0].state is AssignmentState.HANDED_BACK


def test_an_escalation_and_a_turn_that_are_theirs_go_to_the_next(world: World) -> None:
    world.text("jordan", "3")
    taker = world.answer("escalation")[0]
    (row,) = world.rows(Escalation)
    assert row.acked_by == world.id_of(taker)

    def hand_on(session: Session, *, taken: bool) -> list[str]:
        person = people.get(session, world.id_of(taker))
        found = passing_on.to_pass_on(session, person, taken=taken)
        for question_id in found:
            passing_on.pass_on(session, person, question_id, now(session))
        return found

    assert world.act(hand_on, taken=False) == []
    assert len(world.act(hand_on, taken=True)) == 1
    assert world.rows(Escalation)[0].acked_by is None
    world.act(engine.run_due)
    assert len(_asked(world, "escalation")) >= 2
