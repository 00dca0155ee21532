"""A refusal tells nothing: the same words whether somebody escalated, meets, was offered something or not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cism.domain.escalation_level import EscalationLevel
from cism.services import escalations, people
from cism.store.states import OfferState, SessionState
from cism.store.tables import GroupSession, Incident, Offer
from tests.cli.conftest import Cli

NOBODY = "0" * 20
SUPERVISOR, HELPER = "P104", "P118"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Words are the same on every database."""
    return sqlite_url


@pytest.fixture
def something(cli: Cli) -> dict[str, str]:
    """An escalation, a proposed debriefing and an offer that are there, by their ids."""
    cli.roster()
    cli.incident()
    with cli.database() as session:
        row = session.scalars(select(Incident)).one()
        affected = people.by_roster_id(session, "metro-pd", "P110")
        escalation = escalations.open_for(
            session,
            person=affected,
            agency="metro-pd",
            level=EscalationLevel.URGENT,
            reason="asked",
            now=row.logged_at,
            incident_id=row.id,
        )
        meeting = GroupSession(
            incident_id=row.id, kind="cisd", group_key="B", state=SessionState.PROPOSED, team_size=2
        )
        offer = Offer(
            incident_id=row.id,
            key="one",
            kind="one_on_one",
            state=OfferState.OPEN,
            since=row.logged_at,
            due_at=row.logged_at,
            by_at=row.logged_at,
        )
        session.add_all([meeting, offer])
        session.flush()
        return {"escalation": escalation.id, "session": meeting.id, "offer": offer.id}


COMMANDS = (
    ("escalation", "escalation ack ID"),
    ("escalation", "escalation close ID --outcome reached"),
    ("session", "session approve ID"),
    ("session", "session refuse ID"),
    ("session", "session brief ID"),
    ("session", "session held ID --headcount 4"),
    ("offer", "offer made ID"),
)


@pytest.mark.parametrize(("what", "line"), COMMANDS, ids=[line for _, line in COMMANDS])
@pytest.mark.parametrize("who", [SUPERVISOR, HELPER])
def test_what_is_there_is_refused_in_the_words_of_what_is_not(
    cli: Cli, something: dict[str, str], what: str, line: str, who: str
) -> None:
    there = cli.refused(*line.replace("ID", something[what]).split(), "--as", who)
    nowhere = cli.refused(*line.replace("ID", NOBODY).split(), "--as", who)
    assert there.replace(something[what], NOBODY) == nowhere
