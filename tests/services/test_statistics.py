"""Figures of a year: what may leave the team; an erasure and retention leave them as they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.errors import WindowClosed
from cism.services import people, response, retention, roster_moves, statistics
from cism.services.statistics import Year
from cism.store.db import now
from cism.store.tables import AffectedPerson, Escalation, Incident, Person
from tests.services.test_retention import _all_done
from tests.services.world import World


def _of(world: World, year: int) -> Year:
    return world.see(lambda session: statistics.of_year(session, world.cast.agency, year))


def _many(world: World) -> int:
    """Twelve incidents of two people each, in which all is done; returns their year."""
    for _ in range(12):
        world.log("THREAT", "jordan:A", "sam:B", severity="S2", ended_at=world.now())
    world.text("jordan", "3")
    world.act(_all_done)
    return world.now().year


def _remove(session: Session, person_id: str) -> None:
    roster_moves.remove(session, people.get(session, person_id), by=None, now=now(session))


def test_a_year_is_counted_and_what_few_were_is_not_shown(any_world: World) -> None:
    year = _many(any_world)
    found = _of(any_world, year)
    severities = found.tables["incidents by severity"]
    assert (severities.cells["S2"], severities.cells["S1"], severities.total) == (12, 0, 12)
    assert found.tables["incidents by kind"].cells == {"THREAT": 12}
    assert found.tables["people"].cells["looked after"] == 24
    calls = found.tables["escalations by level"]
    assert calls.total is None, "one call was asked for: how many there were would tell it"
    assert not any(calls.cells.values())
    empty = _of(any_world, year - 1).tables
    assert {count for table in empty.values() for count in table.cells.values()} == {0}


def test_a_year_that_is_not_over_is_not_counted(any_world: World) -> None:
    """Yesterday eleven calls, today twelve: the twelfth would be known by its day."""
    agency, year = any_world.cast.agency, any_world.now().year
    for running in (year, year + 1):
        with pytest.raises(WindowClosed, match=f"once it is over.* {year - 1} is"):
            any_world.see(lambda session, of=running: statistics.report(session, agency, of))
    assert any_world.see(lambda session: statistics.report(session, agency)).year == year - 1
    assert any_world.see(lambda session: statistics.report(session, agency, year - 2)).year == year - 2


def test_an_erasure_leaves_the_statistics_and_the_person_is_gone(any_world: World) -> None:
    year, jordan = _many(any_world), any_world.id_of("jordan")
    before = _of(any_world, year)
    any_world.act(_remove, jordan)
    any_world.db.keys.forget()
    assert _of(any_world, year) == before
    (row,) = any_world.rows(Person, Person.id == jordan)
    assert (row.name, row.phone, row.phone_hash) == ("removed", None, None)


def test_what_retention_forgets_stays_counted(any_world: World) -> None:
    year = _many(any_world)
    for incident in [row.id for row in any_world.rows(Incident)]:
        any_world.act(lambda s, one=incident: response.close(s, one, by=None, now=now(s)))
    any_world.act(_all_done)
    any_world.act(lambda s: s.execute(update(Escalation).values(state=EscalationState.CLOSED)))
    before = _of(any_world, year)
    any_world.act(lambda s: retention.run(s, now(s) + timedelta(days=500), dry_run=False))
    assert any_world.rows(AffectedPerson) == []
    assert any_world.rows(Escalation) == []
    assert _of(any_world, year) == before
