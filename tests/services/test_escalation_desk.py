"""Who sees which call for help: on the clinician's page, over HTTP and in the banner on every page alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import escalation_desk, escalations, people, rungs
from cism.services.escalation_desk import Line
from cism.store.db import now
from cism.store.tables import Escalation, Question
from tests.services.world import World
from tests.stories.places import metro


@pytest.fixture
def world(sqlite_url: str) -> World:
    return World(sqlite_url, metro("jordan", "sam"))


def _with(world: World, role: str) -> str:
    return next(key for key, row in world.cast.rows.items() if role in row["roles"].split(";"))


def _lines(world: World, key: str) -> list[Line]:
    def look(session: Session) -> list[Line]:
        return escalation_desk.open_lines(session, people.get(session, world.id_of(key)))

    return world.see(look)


def _pressing(world: World, key: str) -> int:
    def look(session: Session) -> int:
        person = people.get(session, world.id_of(key))
        roles = [item.role for item in person.roles]
        return escalation_desk.pressing(session, person.agency, roles, person.id)

    return world.see(look)


def _take(world: World, key: str, row: Escalation) -> None:
    def act(session: Session) -> None:
        found = rungs.locked(session, row.id)
        escalations.acknowledge(session, found, people.get(session, world.id_of(key)), now(session))

    world.act(act)
    world.rest()


def test_what_nobody_has_taken_stands_first_and_the_nearest_deadline_before_the_others(world: World) -> None:
    clinician = _with(world, "clinician")
    world.text("jordan", "2")  # routine
    world.advance(minutes=1)
    world.text("sam", "I want to kill myself")
    world.advance(minutes=1)
    levels = [line.level.value for line in _lines(world, clinician)]
    assert levels == ["EMERGENCY", "ROUTINE"]
    (first, _) = _lines(world, clinician)
    (row,) = world.rows(Escalation, Escalation.id == first.id)
    assert first.by == row.level_at + timedelta(minutes=5)
    _take(world, clinician, row)
    found = {line.id: line for line in _lines(world, clinician)}
    assert (found[row.id].taken, found[row.id].mine) == (True, True)
    assert found[row.id].by == world.rows(Escalation, Escalation.id == row.id)[0].voice_by


def test_nobody_sees_a_call_about_themselves_not_even_one_that_they_were_asked_to_take(world: World) -> None:
    clinician = _with(world, "clinician")
    world.text(clinician, "2")
    (row,) = world.rows(Escalation)
    mine = Question(
        person_id=world.id_of(clinician), kind="escalation", subject_id=row.id, asked_at=world.now()
    )
    world.act(lambda session: session.add(mine))
    assert _lines(world, clinician) == []
    seen = world.see(
        lambda session: session.scalars(
            escalation_desk.visible(session, world.cast.agency, world.id_of(clinician))
        ).all()
    )
    assert seen == []


def test_the_banner_counts_what_nobody_has_taken_for_whoever_answers_alone(world: World) -> None:
    clinician, coordinator = _with(world, "clinician"), _with(world, "coordinator")
    assert [_pressing(world, key) for key in (clinician, coordinator)] == [0, 0]
    world.text("jordan", "3")
    (asked,) = world.rows(Question, Question.kind == "escalation")
    assert [_pressing(world, key) for key in (clinician, coordinator)] == [1, 1]
    assert _pressing(world, world.key_of(asked.person_id)) == 1  # the peer who is asked
    assert _pressing(world, "sam") == _pressing(world, "jordan") == 0
    _take(world, clinician, world.rows(Escalation)[0])
    everybody = (clinician, coordinator, world.key_of(asked.person_id))
    assert [_pressing(world, key) for key in everybody] == [0, 0, 0]


def test_nobody_sees_one_about_themselves(world: World) -> None:
    clinician = _with(world, "clinician")
    world.text(clinician, "3")
    assert _lines(world, clinician) == []
    assert _pressing(world, clinician) == 0
    assert len(_lines(world, _with(world, "coordinator"))) == 1


def test_who_has_it_is_told_to_whom_the_table_lets_know_more_than_that_it_is_taken(world: World) -> None:
    clinician, director = _with(world, "clinician"), _with(world, "clinical_director")
    world.text("jordan", "3")
    _take(world, clinician, world.rows(Escalation)[0])
    assert _lines(world, director)[0].taker is not None
    (line,) = _lines(world, _with(world, "coordinator"))
    assert (line.taken, line.taker) == (True, None)


def test_a_token_without_a_person_counts_by_its_role_alone(world: World) -> None:
    world.text("jordan", "3")
    agency = world.rows(Escalation)[0].agency

    def look(session: Session) -> tuple[int, int]:
        counts = [escalation_desk.pressing(session, agency, [role], None) for role in _ROLES]
        return counts[0], counts[1]

    assert world.see(look) == (1, 0)


_ROLES = (Role.COORDINATOR, Role.SUPERVISOR)
