"""What agencies say of themselves, set and read at a terminal."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cism.store.tables import Agency, Audit, Event
from tests.cli.conftest import Cli

FACTS = {
    "key", "display", "protocol", "duty_phone", "crisis_line", "attests_command_blind", "mutual_aid", "keeps",
}  # fmt: skip


@pytest.fixture(autouse=True)
def roster(cli: Cli) -> None:
    """The sample roster."""
    cli.roster()


def test_agencies_are_listed_with_what_texts_say_of_them(cli: Cli) -> None:
    rows = cli.json("agency", "list")
    assert [row["key"] for row in rows] == ["county-ems", "harbor-fd", "metro-dispatch", "metro-pd"]
    assert all(set(row) == FACTS for row in rows)
    assert {row["attests_command_blind"] for row in rows} == {False}
    assert {row["mutual_aid"] for row in rows} == {None}
    assert "every agency here" in cli.ok("agency", "list")


def test_what_is_given_is_set_and_the_rest_stays(cli: Cli) -> None:
    before = cli.json("agency", "show", "metro-pd")
    found = cli.json(
        *("agency", "set", "metro-pd", "--display", "Metro Team", "--crisis-line", "call 1-800-555-0100"),
        *("--duty-phone", "(212) 555-0123", "--protocol", "iacp-ois", "--attest-command-blind"),
        *("--mutual-aid", "harbor-fd"),
    )
    assert found == before | {
        "display": "Metro Team",
        "crisis_line": "call 1-800-555-0100",
        "duty_phone": "+12125550123",
        "protocol": "iacp-ois",
        "attests_command_blind": True,
        "mutual_aid": ["harbor-fd"],
    }
    assert cli.json("agency", "show", "metro-pd") == found
    again = cli.json("agency", "set", "metro-pd", "--withdraw-command-blind", "--mutual-aid-of-all")
    assert again == found | {"attests_command_blind": False, "mutual_aid": None}
    assert cli.json("agency", "set", "metro-pd", "--no-mutual-aid")["mutual_aid"] == []
    assert "Mutual aid: none" in cli.ok("agency", "show", "metro-pd").splitlines()


def test_what_was_set_is_kept_with_who_did_it(cli: Cli) -> None:
    cli.ok("agency", "set", "metro-pd", "--attest-command-blind", "--as", "P101")
    with cli.database() as session:
        audited = session.scalars(select(Audit).where(Audit.act == "cli agency set")).one()
        event = session.scalars(select(Event).where(Event.kind == "agency.command_blind")).one()
        assert (audited.object_id, audited.allowed) == ("metro-pd", True)
        assert audited.actor.startswith(event.actor_id or "nobody")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--display", "The Metropolitan County Sheriff"), "1 to 20 plain characters"),
        (("--display", "Metro Crisis Team"), "crisis would stand on locked screens"),
        (("--display", "Métro \N{PILE OF POO}"), "plain characters"),
        (("--crisis-line", "call the state's own line at 1-800-555-0100"), "at most 20 plain"),
        (("--crisis-line", " "), "at most 20 plain"),
        (("--duty-phone", "555"), "can be called"),
        (("--protocol", "nothing"), "There is no protocol 'nothing'"),
        (("--mutual-aid", "nowhere"), "there is no agency nowhere; known: county-ems"),
        (("--mutual-aid", "harbor-fd", "--no-mutual-aid"), "give only one of"),
    ],
)
def test_what_no_text_could_say_is_refused_and_nothing_is_set(
    cli: Cli, given: tuple[str, ...], said: str
) -> None:
    before = cli.json("agency", "show", "metro-pd")
    assert said in cli.refused("agency", "set", "metro-pd", "--attest-command-blind", *given)
    assert cli.json("agency", "show", "metro-pd") == before


def test_only_those_in_charge_of_an_agency_set_what_it_says(cli: Cli) -> None:
    said = cli.refused("agency", "set", "metro-pd", "--attest-command-blind", "--as", "P103")
    assert "may not set agency of metro-pd" in said
    assert "may not set agency" in cli.refused("agency", "set", "harbor-fd", "--display", "X", "--as", "P101")
    assert cli.refused("agency", "set", "nowhere", "--display", "X").startswith(
        "there is no agency 'nowhere'"
    )
    with cli.database() as session:
        assert not any(row.command_blind for row in session.scalars(select(Agency)))
