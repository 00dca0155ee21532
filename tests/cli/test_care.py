"""Escalations, sessions and the human queue at a terminal, each within the row of whoever acts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.escalation_level import EscalationLevel
from cism.services import escalations, intake, people, queue
from cism.store.db import now
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, Escalation, GroupSession, Person
from tests.cli.conftest import Cli

FIELDS = {"id", "level", "agency", "state", "opened_at", "acked_at", "closed_at"}


def person(session: Session, roster_id: str) -> Person:
    """Somebody of the city's police."""
    row = people.by_roster_id(session, "metro-pd", roster_id)
    assert row is not None
    return row


def opened(cli: Cli, about: str = "P110") -> str:
    """Somebody asked for a call."""
    with cli.database() as session:
        row = escalations.open_for(
            session,
            person=person(session, about),
            agency="metro-pd",
            level=EscalationLevel.URGENT,
            reason="call_now",
            now=now(session),
        )
        return row.id


def escalation(cli: Cli, id_: str) -> tuple[EscalationState, str | None, str | None]:
    """State, who took it and the outcome."""
    with cli.database() as session:
        row = session.get_one(Escalation, id_)
        taker = session.get(Person, row.acked_by) if row.acked_by else None
        return row.state, taker.roster_id if taker else None, row.outcome


def proposed(cli: Cli, ref: str, state: SessionState = SessionState.PROPOSED) -> str:
    """A debriefing that waits for a clinician, or was approved."""
    with cli.database() as session:
        start = now(session) + timedelta(hours=30)
        row = GroupSession(
            incident_id=intake.by_ref(session, ref).id,
            kind="cisd",
            group_key="A",
            state=state,
            window_from=start,
            window_to=start + timedelta(days=3),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            team_size=2,
        )
        session.add(row)
        session.flush()
        return row.id


def meeting(cli: Cli, id_: str) -> tuple[SessionState, int | None]:
    """State and headcount."""
    with cli.database() as session:
        row = session.get_one(GroupSession, id_)
        return row.state, row.headcount


# Escalations.


@pytest.mark.parametrize("as_id", [(), ("--as", "P100"), ("--as", "P101"), ("--as", "P102")])
def test_those_who_answer_see_escalations_and_nothing_of_what_was_said(
    cli: Cli, as_id: tuple[str, ...]
) -> None:
    cli.roster()
    id_ = opened(cli)
    [row] = cli.json("escalations", *as_id)
    assert set(row) == FIELDS
    assert (row["id"], row["level"], row["state"]) == (id_, "URGENT", "open")
    assert id_ in cli.ok("escalations", *as_id)


@pytest.mark.parametrize("as_id", ["P103", "P113", "P106"])
def test_nobody_else_learns_that_there_is_one(cli: Cli, as_id: str) -> None:
    cli.roster()
    opened(cli)
    assert "may not list escalations" in cli.refused("escalations", "--as", as_id)


def test_nobody_reads_the_escalation_about_themselves(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli, about="P102")
    assert cli.json("escalations", "--as", "P102") == []
    said = cli.refused("escalation", "ack", id_, "--as", "P102")
    assert said == f"there is no escalation '{id_}'; `cism escalations` lists them"


def test_nobody_reads_what_is_about_somebody_on_a_list_with_them(cli: Cli) -> None:
    cli.roster()
    cli.ok("log", "--type", "THREAT", "--agency", "metro-pd", "--affected", "P110:A", "--affected", "P102:B")
    id_ = opened(cli)
    with cli.database() as session:
        within, who = timedelta(hours=1), person(session, "P110")
        item = queue.add(session, "free_text", now=now(session), within=within, person=who).id
    assert cli.json("escalations", "--as", "P102") == []
    assert cli.json("queue", "list", "--as", "P102") == []
    assert "there is no escalation" in cli.refused("escalation", "ack", id_, "--as", "P102")
    assert "there is no item" in cli.refused("queue", "handle", item, "--as", "P102")
    assert [row["id"] for row in cli.json("escalations", "--as", "P101")] == [id_]
    assert [row["id"] for row in cli.json("queue", "list", "--as", "P101")] == [item]


def test_a_clinician_takes_one_and_says_how_it_ended(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    assert cli.ok("escalation", "ack", id_, "--as", "P102") == f"{id_}: taken by P102\n"
    assert cli.ok("escalation", "close", id_, "--outcome", "reached", "--as", "P102") == f"{id_}: reached\n"
    assert escalation(cli, id_) == (EscalationState.CLOSED, "P102", "reached")
    assert cli.refused("escalation", "close", id_, "--outcome", "declined", "--as", "P102")


def test_the_owner_takes_one_for_the_coordinator_and_closes_it_for_whoever_took_it(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    assert cli.ok("escalation", "ack", id_) == f"{id_}: taken by P100\n"
    cli.ok("escalation", "close", id_, "--outcome", "declined")
    assert escalation(cli, id_) == (EscalationState.CLOSED, "P100", "declined")


def test_the_owner_cannot_close_what_nobody_has_taken(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    said = cli.refused("escalation", "close", id_, "--outcome", "reached")
    assert said == "nobody has taken it yet: say who made the call, with --as ID"
    assert escalation(cli, id_)[0] is EscalationState.OPEN


def test_one_that_somebody_has_is_not_taken_again(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    cli.ok("escalation", "ack", id_, "--as", "P102")
    said = cli.refused("escalation", "ack", id_, "--as", "P101")
    assert said == "somebody else has it already; nothing was changed"


def test_another_clinician_does_not_close_what_a_colleague_took(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    cli.ok("escalation", "ack", id_, "--as", "P101")
    said = cli.refused("escalation", "close", id_, "--outcome", "reached", "--as", "P102")
    assert said.startswith("only the helper who took it and made the call, or the clinical director")


def test_not_reached_ends_the_calling_and_opens_a_welfare_case(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    cli.ok("escalation", "ack", id_, "--as", "P102")
    cli.ok("escalation", "close", id_, "--outcome", "not_reached", "--as", "P102")
    [welfare] = [row for row in cli.json("escalations") if row["state"] == "open"]
    assert welfare["level"] == "EMERGENCY"
    usual = ("escalation", "close", welfare["id"], "--as", "P101", "--outcome")
    assert "does not end a welfare case" in cli.refused(*usual, "declined")
    assert cli.refused(*usual, "handed_to_emergency_services") == "say who handed over: --handed-to NAME"
    cli.ok(*usual, "handed_to_emergency_services", "--handed-to", "T. Renfrow")
    assert escalation(cli, welfare["id"])[0] is EscalationState.CLOSED


def test_an_escalation_of_another_agency_is_not_there(cli: Cli) -> None:
    cli.roster()
    id_ = opened(cli)
    assert cli.json("escalations", "--as", "F201") == []
    assert "there is no escalation" in cli.refused("escalation", "ack", id_, "--as", "F201")


def test_an_unknown_outcome_is_wrong_usage(cli: Cli) -> None:
    assert "'fine' is not one of" in cli.refused("escalation", "close", "x", "--outcome", "fine", status=2)
    assert (
        cli.refused("escalation", "ack", "x") == "there is no escalation 'x'; `cism escalations` lists them"
    )


# Sessions.


@pytest.mark.parametrize("as_id", [(), ("--as", "P102"), ("--as", "P100")])
def test_a_debriefing_is_refused_by_a_clinician_or_entered_for_one(cli: Cli, as_id: tuple[str, ...]) -> None:
    cli.roster()
    id_ = proposed(cli, cli.incident())
    assert cli.ok("session", "refuse", id_, *as_id) == f"{id_}: refused\n"
    assert meeting(cli, id_) == (SessionState.REFUSED, None)
    assert cli.refused("session", "approve", id_, *as_id) == "this session is refused already"


def test_a_debriefing_is_approved_by_a_clinician(cli: Cli) -> None:
    cli.roster()
    id_ = proposed(cli, cli.incident())
    assert cli.ok("session", "approve", id_, "--as", "P102") == f"{id_}: approved\n"
    assert meeting(cli, id_)[0] is SessionState.APPROVED


@pytest.mark.parametrize("as_id", ["P103", "P113", "F201"])
def test_nobody_else_approves_a_debriefing(cli: Cli, as_id: str) -> None:
    cli.roster()
    id_ = proposed(cli, cli.incident())
    # not "you may not": that there is a session at all is not theirs to know
    assert f"there is no session {id_!r}" in cli.refused("session", "approve", id_, "--as", as_id)
    assert meeting(cli, id_)[0] is SessionState.PROPOSED


def test_of_a_session_that_was_held_only_the_headcount_is_kept(cli: Cli) -> None:
    cli.roster()
    id_ = proposed(cli, cli.incident(), SessionState.APPROVED)
    assert cli.ok("session", "held", id_, "--headcount", "6") == f"{id_}: held with 6\n"
    assert meeting(cli, id_) == (SessionState.HELD, 6)
    assert cli.refused("session", "held", id_, "--headcount", "7").startswith("this session is held")


def test_a_session_that_is_not_there_is_refused(cli: Cli) -> None:
    said = cli.refused("session", "approve", "x")
    assert said == "there is no session 'x'; `cism incident REF` lists an incident's sessions"
    assert "Invalid value for '--headcount'" in cli.refused(
        "session", "held", "x", "--headcount", "-1", status=2
    )


# The human queue.


def waiting(cli: Cli, about: str | None = "P110") -> str:
    """Somebody wrote something that only a human may read; None: a stranger."""
    with cli.database() as session:
        row = queue.add(
            session,
            "free_text" if about else "unknown_sender",
            now=now(session),
            within=timedelta(minutes=30),
            person=person(session, about) if about else None,
        )
        return row.id


def test_the_queue_lists_what_waits_by_its_deadline(cli: Cli) -> None:
    cli.roster()
    first, second = waiting(cli), waiting(cli, None)
    rows = cli.json("queue", "list")
    assert [set(row) for row in rows] == [{"id", "received_at", "kind", "deadline"}] * 2
    assert [row["id"] for row in rows] == [first, second]
    assert cli.ok("queue", "handle", first) == f"{first}: handled\n"
    assert [row["id"] for row in cli.json("queue", "list", "--as", "P102")] == [second]
    assert cli.refused("queue", "handle", first)


def test_a_peer_lists_and_handles_what_people_wrote_whom_they_look_after_and_nothing_else(cli: Cli) -> None:
    cli.roster()
    cli.ok("log", "--type", "THREAT", "--agency", "metro-pd", "--affected", "P110:A")
    with cli.database() as session:
        session.scalars(select(AffectedPerson)).one().peer_id = person(session, "P113").id
    theirs, other = waiting(cli, "P110"), waiting(cli, "P111")
    assert [row["id"] for row in cli.json("queue", "list", "--as", "P113")] == [theirs]
    assert cli.json("queue", "list", "--as", "P114") == []
    assert "there is no item" in cli.refused("queue", "handle", other, "--as", "P113")
    assert "there is no item" in cli.refused("queue", "handle", theirs, "--as", "P114")
    assert cli.ok("queue", "handle", theirs, "--as", "P113") == f"{theirs}: handled\n"
    assert cli.json("queue", "list", "--as", "P113") == []


def test_nobody_handles_their_own_words_or_another_agencys(cli: Cli) -> None:
    cli.roster()
    own, other = waiting(cli, "P102"), waiting(cli, "P110")
    said = f"there is no item '{own}' in the queue; `cism queue list` lists them"
    assert cli.refused("queue", "handle", own, "--as", "P102") == said
    assert cli.json("queue", "list", "--as", "F200") == []
    assert "there is no item" in cli.refused("queue", "handle", other, "--as", "F200")
    assert "may not list queue" in cli.refused("queue", "list", "--as", "P103")
    with cli.database() as session:
        assert session.scalars(select(Escalation)).all() == []
