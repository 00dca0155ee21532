"""Two decide on the same thing at the same moment: the second sees what the first did and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.errors import AlreadyDone
from cism.services import meetings, offers, people, sessions
from cism.services.offers import Made
from cism.store.tables import GroupSession, Offer, Question
from tests.services.meanwhile import not_committed
from tests.services.test_group_sessions import change, crew_cast, crew_logs, of_kind
from tests.services.world import World
from tests.stories.places import NOON, local

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer


@pytest.fixture
def crew(database_url: str) -> Iterator[World]:
    made = World(database_url, crew_cast(), NOON)
    yield made
    made.close()


def meanwhile(world: World, first: Callable[[Session], object], second: Callable[[Session], object]) -> None:
    """`second` begins when `first` has done its part and has not committed; it is told that it came late."""
    with not_committed(world, first), pytest.raises(AlreadyDone):
        world.act(second)


def test_a_debriefing_that_one_approves_is_not_refused_by_who_answered_a_moment_later(crew: World) -> None:
    incident = crew_logs(crew, "LODD", "D")
    change(crew, incident, kin_notified=True, funeral_at=local("2026-03-08 11:00"))
    crew.advance(hours=3)
    (meeting,) = of_kind(crew, "cisd", "proposed")
    by = crew.rows(Question, Question.kind == "approval")[0].person_id

    def decides(approve: bool) -> Callable[[Session], object]:
        return lambda session: sessions.decide(session, meeting.id, approve, by=by, now=crew.db.clock.now())

    meanwhile(crew, decides(True), decides(False))
    assert [row.id for row in of_kind(crew, "cisd", "approved")] == [meeting.id]
    starts = crew.rows(GroupSession, GroupSession.id == meeting.id)[0].starts_at
    crew.advance(seconds=(starts - crew.now()).total_seconds() + timedelta(hours=2).total_seconds())

    def held(count: int) -> Callable[[Session], object]:
        return lambda session: meetings.held(session, meeting.id, count, by=by, now=crew.db.clock.now())

    meanwhile(crew, held(4), held(5))
    assert crew.rows(GroupSession, GroupSession.id == meeting.id)[0].headcount == 4


def test_an_offer_that_is_called_off_is_not_made_a_moment_later(crew: World) -> None:
    incident = crew_logs(crew, "TRESPASSER_STRIKE", protocol="fra-272")
    offer = next(row for row in crew.rows(Offer, Offer.incident_id == incident) if row.state.value == "open")

    def calls_off(session: Session) -> None:
        row = people.lock_incident(session, incident)
        offers.call_off(session, row, crew.db.clock.now())

    def makes(session: Session) -> None:
        offers.make(session, offer.id, Made.MADE, by=None, now=crew.db.clock.now())

    meanwhile(crew, calls_off, makes)
    assert crew.rows(Offer, Offer.id == offer.id)[0].state.value == "cancelled"
