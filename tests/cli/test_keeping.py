"""`cism purge` and `cism hold`: what the night removes, what it removed, what a hold keeps."""

from __future__ import annotations

from sqlalchemy import update

from cism.services import nightly
from cism.services.engine import run_due
from cism.store.db import now
from cism.store.tables import Audit, RetentionRun, Step
from tests.cli.conftest import Cli
from tests.cli.test_offering import logged


def test_the_proof_says_what_the_nights_removed_and_whether_it_is_as_written(cli: Cli) -> None:
    cli.roster()
    assert cli.json("purge", "--proof") == []
    with cli.database() as session:
        nightly.plan_first(session)
        session.query(Step).filter_by(kind="nightly").one().due_at = now(session)
    with cli.database() as session:
        run_due(session)
    rows = cli.json("purge", "--proof")
    assert {row["what"] for row in rows} >= {"words", "contacts", "escalations"}
    assert all(row["holds"] for row in rows)
    with cli.database() as session:
        session.execute(update(RetentionRun).values(facts={"removed": {}, "holds": 1}))
    assert "was altered" in cli.refused("purge", "--proof")


def test_a_hold_is_set_listed_and_lifted_and_both_are_audited(cli: Cli) -> None:
    cli.roster()
    ref = logged(cli)
    assert "say what is held" in cli.refused("hold", "set", "--reason", "subpoena")
    hold = cli.ok("hold", "set", "--incident", ref, "--reason", "subpoena", "--as", "P100").split(":")[0]
    (row,) = cli.json("hold", "list")
    assert (row["id"], row["incident"], row["class"], row["reason"]) == (hold, ref, None, "subpoena")
    assert "held already" in cli.refused("hold", "set", "--incident", ref, "--reason", "counsel")
    cli.refused("hold", "lift", hold, "--reason", "over", "--as", "P103")  # a supervisor
    cli.ok("hold", "lift", hold, "--reason", "over", "--as", "P100")
    assert cli.json("hold", "list") == []
    with cli.database() as session:
        acts = [
            (one.act, one.allowed)
            for one in session.query(Audit).filter_by(object_id=hold).order_by(Audit.id)
        ]
    assert acts == [("cli hold set", True), ("cli hold lift", False), ("cli hold lift", True)]


def test_a_supervisor_holds_nothing_and_lifts_nothing(cli: Cli) -> None:
    cli.roster()
    for words in (("hold", "set", "--class", "contacts"), ("hold", "set", "--class", "words")):
        cli.refused(*words, "--reason", "counsel", "--as", "P103")


def test_an_agency_says_how_long_it_keeps_what_it_may_choose(cli: Cli) -> None:
    cli.roster()
    assert "Keeps: contacts 120d" in cli.ok("agency", "set", "metro-pd", "--keep", "contacts=120d")
    assert cli.json("agency", "show", "metro-pd")["keeps"] == {"contacts": "120d"}
    assert "between" in cli.refused("agency", "set", "metro-pd", "--keep", "contacts=1d")
    assert "an agency chooses" in cli.refused("agency", "set", "metro-pd", "--keep", "words=900d")
