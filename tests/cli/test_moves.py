"""One person of the roster at a terminal: status, transfer, removal, the end of an incident's contacts."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import people
from cism.store.tables import AffectedPerson, Audit, IncidentParty, Person
from tests.cli.conftest import Cli


def person(session: Session, roster_id: str, agency: str = "metro-pd") -> Person:
    """Somebody's row."""
    row = people.by_roster_id(session, agency, roster_id)
    assert row is not None
    return row


@pytest.fixture(autouse=True)
def roster(cli: Cli) -> None:
    """The sample roster."""
    cli.roster()


def test_a_status_is_set_without_a_file_and_audited(cli: Cli) -> None:
    assert cli.ok("roster", "status", "P110", "leave", "--as", "P101").strip() == "P110: leave"
    with cli.database() as session:
        row = person(session, "P110")
        assert row.status.value == "leave"
        audited = session.scalars(select(Audit).where(Audit.act == "cli roster status")).one()
        assert audited.object_id == row.id
    assert cli.refused("roster", "status", "P110", "leave") == "this person is leave already"
    assert "on the roster; write ID or AGENCY:ID" in cli.refused("roster", "status", "X9", "leave")


def test_a_death_is_taken_back_by_a_command_of_its_own_and_by_nothing_else(cli: Cli) -> None:
    assert "there is no death to take back" in cli.refused("roster", "not-deceased", "P110")
    cli.ok("roster", "status", "P110", "deceased")
    assert "`cism roster not-deceased`" in cli.refused("roster", "status", "P110", "active")
    assert cli.ok("roster", "not-deceased", "P110").startswith("P110: active")
    with cli.database() as session:
        row = person(session, "P110")
        assert (row.status.value, row.phone_confirmed_at) == ("active", None)


def test_somebody_moves_to_another_agency_and_stays_the_same_person(cli: Cli) -> None:
    with cli.database() as session:
        before = person(session, "P110").id
    assert cli.ok("roster", "transfer", "P110", "harbor-fd", "--id", "H990", "--unit", "E9").strip() == (
        "P110: harbor-fd:H990 from now on"
    )
    with cli.database() as session:
        row = person(session, "H990", "harbor-fd")
        assert (row.id, row.unit, row.reports_to) == (before, "E9", None)
    assert cli.refused("roster", "transfer", "P111", "nowhere").startswith("there is no agency 'nowhere'")


def test_whoever_is_removed_is_known_by_nothing_but_the_roster_s_id(cli: Cli) -> None:
    assert cli.ok("roster", "remove", "P110").startswith("P110: removed, their key is destroyed")
    with cli.database() as session:
        row = person(session, "P110")
        assert (row.name, row.phone, row.email, row.revoked_care) == ("removed", None, None, True)


def test_one_person_s_contacts_end_and_the_others_stay(cli: Cli) -> None:
    ref = cli.incident()
    assert cli.ok("end-contacts", ref, "P110").strip() == f"{ref}: contacts with P110 ended"
    with cli.database() as session:
        ended = {row.person_id: row.ended_reason for row in session.scalars(select(AffectedPerson))}
        assert ended == {person(session, "P110").id: "asked_by_voice", person(session, "P111").id: None}
    assert cli.refused("end-contacts", ref, "P110") == "this person's contacts have ended already"
    assert cli.refused("end-contacts", ref, "P101") == "this person is not on the incident's list"


def test_who_had_a_part_in_it_is_named_when_it_is_logged(cli: Cli) -> None:
    cli.incident("--on-scene", "P105", "--reviewer", "harbor-fd:F201")
    with cli.database() as session:
        found = {row.person_id: row.part for row in session.scalars(select(IncidentParty))}
        guest = person(session, "F201", "harbor-fd").id
        assert found == {person(session, "P105").id: "on_scene", guest: "reviewer"}
    said = cli.refused("log", "--type", "THREAT", "--agency", "metro-pd", "--on-scene", "X9")
    assert said == "nobody 'X9' is on the roster"


def test_a_peer_and_a_clinician_say_that_the_peer_can_serve_again(cli: Cli) -> None:
    cli.ok("log", "--type", "THREAT", "--agency", "metro-pd", "--affected", "P110:A")
    assert "is still to come" in cli.ok("roster", "ready", "P110", "--as", "P110")
    assert "only the peer, and a clinician" in cli.refused("roster", "ready", "P110", "--as", "P100")
    assert cli.ok("roster", "ready", "P110", "--as", "P102").strip() == "P110: may be asked again"
    assert "does not rest" in cli.refused("roster", "ready", "P111", "--as", "P111")


def test_only_those_in_charge_of_an_agency_change_its_roster(cli: Cli) -> None:
    ref = cli.incident()
    for line in (
        ("roster", "status", "P110", "deceased"),
        ("roster", "remove", "P110"),
        ("roster", "transfer", "P110", "harbor-fd"),
    ):
        assert "may not change roster of metro-pd" in cli.refused(*line, "--as", "P103")
    assert "may not end contacts" in cli.refused("end-contacts", ref, "P110", "--as", "P103")
    with cli.database() as session:
        assert person(session, "P110").status.value == "active"
