"""A call that somebody took goes over to a colleague who says so; until then, and else, it stays theirs."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.errors import NotAllowed
from cism.services import escalations, people, rungs, warm_hand_over
from cism.store.db import now
from cism.store.staff_tables import HandingOn
from cism.store.tables import Escalation, Question
from tests.services.world import World
from tests.stories.places import metro


@pytest.fixture
def world(sqlite_url: str) -> World:
    made = World(sqlite_url, metro("jordan", "sam"))
    made.text("jordan", "3")
    made.advance(minutes=20)  # past the peer: a clinician is asked
    return made


def _row(world: World) -> Escalation:
    return world.rows(Escalation)[0]


def _take(world: World, key: str) -> None:
    def act(session: Session) -> None:
        row = rungs.locked(session, _row(world).id)
        escalations.acknowledge(session, row, people.get(session, world.id_of(key)), now(session))

    world.act(act)
    world.rest()


def _colleagues(world: World, key: str) -> list[str]:
    def look(session: Session) -> list[str]:
        row = session.get_one(Escalation, _row(world).id)
        holder = people.get(session, world.id_of(key))
        return [one.id for one in warm_hand_over.colleagues(session, row, holder)]

    return [world.key_of(one) for one in world.see(look)]


def _ask(world: World, holder: str, colleague: str) -> None:
    def act(session: Session) -> None:
        row = rungs.locked(session, _row(world).id)
        giver = people.get(session, world.id_of(holder))
        warm_hand_over.ask(session, row, giver, world.id_of(colleague), now(session))

    world.act(act)
    world.rest()


def _code(world: World, key: str) -> str:
    (question,) = world.rows(
        Question, Question.person_id == world.id_of(key), Question.subject_id == _row(world).id
    )
    return f"{question.code}"


def _two(world: World) -> tuple[str, str]:
    """Two who may have it: the first takes it."""
    first = next(key for key, row in world.cast.rows.items() if "clinician" in row["roles"].split(";"))
    _take(world, first)
    return first, _colleagues(world, first)[0]


def test_until_the_colleague_has_it_it_stays_and_then_goes_over_without_more_time(world: World) -> None:
    first, second = _two(world)
    by = _row(world).voice_by
    _ask(world, first, second)
    assert _row(world).acked_by == world.id_of(first)
    world.advance(minutes=2)
    world.text(second, f"1 {_code(world, second)}")
    row = _row(world)
    assert (row.acked_by, row.state, row.voice_by) == (world.id_of(second), EscalationState.ACKED, by)
    assert world.told("escalation_covered")[-1] == first  # received
    assert world.rows(HandingOn) == []
    world.text(second, f"4 {_code(world, second)}")
    assert _row(world).outcome == "reached"


def test_a_colleague_who_passes_leaves_it_where_it_is_and_that_is_said(world: World) -> None:
    first, second = _two(world)
    _ask(world, first, second)
    before = len(world.sent("escalation_assigned"))
    world.advance(minutes=1)
    world.text(second, f"0 {_code(world, second)}")
    assert _row(world).acked_by == world.id_of(first)
    assert world.told("escalation_assigned")[before:] == [first]
    assert world.rows(HandingOn) == []


def test_a_colleague_who_is_silent_leaves_it_too_and_the_voice_target_still_holds(world: World) -> None:
    first, second = _two(world)
    by = _row(world).voice_by
    assert by is not None
    _ask(world, first, second)
    before = len(world.sent("escalation_assigned"))
    world.advance(minutes=16)
    assert world.told("escalation_assigned")[before:] == [first]
    assert _row(world).acked_by == world.id_of(first)
    world.advance(seconds=(by - world.now()).total_seconds() + 1)
    assert _row(world).state is EscalationState.OPEN  # back on the ladder


def test_an_answer_after_it_was_closed_takes_nothing(world: World) -> None:
    first, second = _two(world)
    _ask(world, first, second)
    _ask(world, first, second)  # pressed twice: one text
    assert world.told("escalation").count(second) <= 2
    world.text(first, f"4 {_code(world, first)}")
    world.text(second, f"1 {_code(world, second)}")
    assert (_row(world).outcome, _row(world).closed_by) == ("reached", world.id_of(first))
    assert world.rows(HandingOn) == []


def test_only_whoever_has_it_asks_and_only_who_may_help_is_asked(world: World) -> None:
    first, second = _two(world)
    assert "jordan" not in _colleagues(world, first)
    with pytest.raises(NotAllowed, match="Only whoever has it"):
        _ask(world, second, first)
    with pytest.raises(NotAllowed, match="cannot take it"):
        _ask(world, first, "jordan")
