"""Two rare acts at a terminal: telling somebody outside, and looking although the table refuses it."""

from __future__ import annotations

import pytest

from cism.store.tables import Audit
from tests.cli.conftest import Cli

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_PROPOSED = ("--exception", "hi_statute", "--recipient", "court")


def test_the_exceptions_of_a_state_come_with_source_and_warning(cli: Cli) -> None:
    (row,) = cli.json("disclosure", "exceptions", "--jurisdiction", "hi")
    assert (row["key"], row["source"]) == ("hi_statute", "HRS 78-52")
    assert "unverified" in row["warning"]
    assert len(cli.json("disclosure", "exceptions")) > 15


def test_two_people_decide_and_whoever_selects_what_nobody_read_is_told(cli: Cli) -> None:
    cli.roster()
    said = cli.ok("disclosure", "propose", "P110", *_PROPOSED, "--as", "P101")
    assert "unverified: ask counsel" in said
    made = said.splitlines()[-1].split(":")[0]
    assert "you proposed it" in cli.refused("disclosure", "confirm", made, "--as", "P101")
    for command in ("P103", "P100"):  # a supervisor; the coordinator, to whom P110 reports in the end
        assert "in command" in cli.refused("disclosure", "confirm", made, "--as", command)
    assert "unverified" in cli.ok("disclosure", "confirm", made, "--as", "P102")
    (row,) = cli.json("disclosure", "list", "--as", "P100")
    assert "unverified" in row["warning"]  # as the API says it to whoever reads the list there
    assert (row["id"], row["state"]) == (made, "confirmed")
    assert "P110" not in str(row)
    cli.refused("disclosure", "list", "--as", "P103")
    with cli.database() as session:
        acts = [
            (one.act, one.allowed)
            for one in session.query(Audit).filter_by(object_id=made).order_by(Audit.id)
        ]
    assert acts == [
        ("cli disclosure propose", True),
        *[("cli disclosure confirm", False)] * 3,
        ("cli disclosure confirm", True),
    ]


def test_a_proposal_is_withdrawn_and_needs_somebody_by_name(cli: Cli) -> None:
    cli.roster()
    cli.refused("disclosure", "propose", "P110", *_PROPOSED, status=2)
    made = cli.ok("disclosure", "propose", "P110", *_PROPOSED, "--as", "P101").splitlines()[-1].split(":")[0]
    assert cli.ok("disclosure", "withdraw", made, "--as", "P101") == f"{made}: withdrawn\n"


def test_a_peer_looks_and_the_clinical_director_sees_that(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    rows = cli.json("break-glass", "open", ref, "--reason", "nobody_there", "--as", "P113")
    assert {row["person_id"] for row in rows} == {"P110", "P111"}
    assert all(row["phone"] for row in rows)
    (seen,) = cli.json("break-glass", "list", "--as", "P101")
    assert (seen["incident"], seen["by"], seen["reads"]) == (ref, "P113", 1)
    assert "P110" in cli.ok("break-glass", "look", seen["id"], "--as", "P113")
    assert cli.json("break-glass", "list", "--as", "P100")[0]["reads"] == 2
    for who in ("P103", "P107"):
        cli.refused("break-glass", "open", ref, "--reason", "danger", "--as", who)
        cli.refused("break-glass", "list", "--as", who)
    with cli.database() as session:
        refused = [one.act for one in session.query(Audit).filter_by(allowed=False)]
        looked = [one.act for one in session.query(Audit).filter_by(allowed=True)]
    assert refused == ["cli break-glass", "cli break-glass list"] * 2
    assert looked.count("cli look under glass") == 1


def test_an_incident_that_is_not_there_cannot_be_looked_at(cli: Cli) -> None:
    cli.roster()
    cli.refused("break-glass", "open", "X-NONE", "--reason", "danger", "--as", "P113")
