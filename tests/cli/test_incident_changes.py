"""One incident at a terminal: shown by its reference, opened again, its list changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cism.services import intake
from cism.store.tables import AffectedPerson, Audit
from tests.cli.conftest import Cli


@pytest.mark.parametrize("words", [("incident",), ("incident", "show")])
def test_an_incident_is_shown_by_its_reference_alone(cli: Cli, words: tuple[str, ...]) -> None:
    cli.roster()
    ref = cli.incident()
    assert cli.json(*words, ref)["ref"] == ref
    assert cli.refused(*words, "C-ZZZZZ").startswith("there is no incident")


def test_what_was_stood_down_is_opened_again_by_those_in_charge_and_audited(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    cli.ok("stand-down", ref)
    assert cli.json("incident", ref)["state"] == "stood_down"
    assert "may not reopen incident" in cli.refused("reopen", ref, "--as", "P103")
    assert cli.ok("reopen", ref) == f"{ref}: open again\n"
    assert cli.json("incident", ref)["state"] == "open"
    assert "is open" in cli.refused("reopen", ref)
    with cli.database() as session:
        acts = [row.act for row in session.scalars(select(Audit)) if row.act == "cli reopen" and row.allowed]
        assert len(acts) == 1


def test_somebody_named_by_mistake_is_taken_off_the_list(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    assert cli.ok("incident", "remove", ref, "P111") == f"{ref}: P111 is off the list\n"
    with cli.database() as session:
        row = intake.by_ref(session, ref)
        reasons = session.scalars(
            select(AffectedPerson.ended_reason).where(AffectedPerson.incident_id == row.id)
        )
        assert sorted(reason or "" for reason in reasons) == ["", "removed"]
    assert "have ended already" in cli.refused("incident", "remove", ref, "P111")
    assert "nobody 'P999'" in cli.refused("incident", "remove", ref, "P999")
    assert "not on this incident's list" in cli.refused("incident", "remove", ref, "P105")


def test_days_that_matter_are_kept_listed_and_forgotten(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()  # noqa: TID251 - the command line's clock
    assert cli.ok("incident", "dates", "add", ref, day, "--kind", "birthday") == f"{ref}: {day} is kept\n"
    cli.ok("incident", "dates", "add", ref, day, "--kind", "trial", "--from", "09:00", "--until", "12:30")
    listed = [(one["kind"], one["from"], one["until"]) for one in cli.json("incident", "dates", "list", ref)]
    assert listed == [("birthday", None, None), ("trial", "09:00", "12:30")]
    assert "give both" in cli.refused(
        "incident", "dates", "add", ref, day, "--kind", "memorial", "--from", "09:00"
    )
    assert "write it like 2026-10-15" in cli.refused(
        "incident", "dates", "add", ref, "soon", "--kind", "trial", status=2
    )
    assert "may not keep dates" in cli.refused("incident", "dates", "list", ref, "--as", "P103")
    cli.ok("incident", "dates", "remove", ref, day)
    assert cli.json("incident", "dates", "list", ref) == []
    assert "not among this incident's dates" in cli.refused("incident", "dates", "remove", ref, day)
