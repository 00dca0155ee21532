"""Break-glass: an hour, a code, never command, and somebody else hears of it at once."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from cism.domain.break_glass import GlassReason
from cism.domain.people import Role
from cism.errors import NotAllowed, NotFound
from cism.services import glass, people
from cism.services.glass import Reachable
from cism.store.db import now
from cism.store.tables import BrokenGlass, Incident, PersonRole
from tests.services.world import World


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def _logged(world: World) -> str:
    return world.log("THREAT", "jordan:A", "sam:B", severity="S2", ended_at=world.now())


def _break(world: World, incident: str, by: str) -> str:
    def work(session: Session) -> str:
        row, who = session.get_one(Incident, incident), people.get(session, world.id_of(by))
        return glass.broken(session, row, reason=GlassReason.DANGER, by=who, now=now(session)).id

    return world.act(work)


def _look(world: World, id_: str, by: str) -> list[Reachable]:
    return world.act(lambda s: glass.look(s, id_, by=people.get(s, world.id_of(by)))[1])


def test_it_shows_who_is_on_the_list_and_how_to_reach_them_and_each_look_counts(any_world: World) -> None:
    made = _break(any_world, _logged(any_world), "peer-1")
    for _ in range(2):
        found = _look(any_world, made, "peer-1")
        assert {(one.person_id, one.phone) for one in found} == {
            (key, any_world.cast.phone(key)) for key in ("jordan", "sam")
        }
    (row,) = any_world.rows(BrokenGlass)
    assert (row.reads, row.reason) == (2, GlassReason.DANGER)
    assert any_world.cast.phone("jordan") not in repr(found)


def test_the_clinical_director_hears_of_it_at_once_and_in_words_for_a_locked_screen(world: World) -> None:
    _break(world, _logged(world), "peer-1")
    assert world.told("looked") == ["dina"]


def test_of_the_clinical_director_s_own_looking_the_coordinator_hears(world: World) -> None:
    _break(world, _logged(world), "dina")
    assert world.told("looked") == ["cora"]


def test_it_lasts_an_hour_of_real_time_and_is_nobody_else_s(world: World) -> None:
    made = _break(world, _logged(world), "peer-1")
    with pytest.raises(NotFound):
        _look(world, made, "peer-2")
    world.db.clock.pass_real(minutes=59)  # type: ignore[attr-defined]
    assert _look(world, made, "peer-1")
    world.db.clock.pass_real(minutes=1)  # type: ignore[attr-defined]
    with pytest.raises(NotFound, match="hour is over"):
        _look(world, made, "peer-1")


def _promoted(world: World, key: str) -> None:
    world.act(lambda s: s.add(PersonRole(person_id=world.id_of(key), role=Role.SUPERVISOR)))


def test_nobody_in_command_breaks_it_whatever_else_they_are(world: World) -> None:
    incident = _logged(world)
    made = _break(world, incident, "peer-1")
    _promoted(world, "peer-1")
    with pytest.raises(NotAllowed, match="not even in an emergency"):
        _look(world, made, "peer-1")  # and who becomes command within the hour looks no more
    _promoted(world, "cora")
    with pytest.raises(NotAllowed, match="not even in an emergency"):
        _break(world, incident, "cora")
    assert world.told("looked") == ["dina"]


def test_nobody_looks_at_a_list_that_they_are_on(world: World) -> None:
    incident = world.log("THREAT", "peer-1:A", "jordan:A", severity="S2", ended_at=world.now())
    with pytest.raises(NotAllowed, match="your deputy"):
        _break(world, incident, "peer-1")


def test_nobody_without_a_part_in_the_programme_breaks_it(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    with pytest.raises(NotAllowed, match="duty phone"):
        _break(world, incident, "sam")


def test_the_list_says_who_looked_when_and_why(world: World) -> None:
    incident = _logged(world)
    _break(world, incident, "peer-1")
    ((made, row, who),) = world.see(lambda s: list(glass.listed(s, world.cast.agency)))
    assert (row.id, who.id, made.reason) == (incident, world.id_of("peer-1"), GlassReason.DANGER)
