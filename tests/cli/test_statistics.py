"""Statistics at a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from cism.store.db import now
from cism.store.tables import Audit, Incident
from tests.cli.conftest import Cli


def test_what_few_were_is_not_shown_not_even_to_the_owner_and_a_supervisor_is_refused(cli: Cli) -> None:
    cli.roster()
    cli.incident()
    with cli.database() as session:
        this = now(session).year
        for row in session.query(Incident):  # as if it were of the year before
            row.logged_at = datetime(this - 1, 6, 1, tzinfo=UTC)
    rows = {(row["table"], row["of"]): row["count"] for row in cli.json("statistics", "--agency", "metro-pd")}
    assert rows["incidents by severity", "all"] is None
    assert rows["people", "looked after"] is None
    assert ("people", "all") not in rows
    assert "not shown" in cli.ok("statistics", "--agency", "metro-pd")
    running = ("statistics", "--agency", "metro-pd", "--year", str(this))
    assert "once it is over" in cli.refused(*running)
    refused = ("statistics", "--agency", "metro-pd", "--as", "metro-pd:P110")
    assert "may not see statistics" in cli.refused(*refused)
    with cli.database() as session:
        acts = [row.act for row in session.query(Audit) if "statistics" in row.act]
    assert len(acts) == 3
