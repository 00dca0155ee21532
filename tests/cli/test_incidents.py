"""Logging incidents at a terminal, seeing them, ending them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer
from sqlalchemy import func, select

from cism.cli import reading
from cism.domain.incident import Circle, IncidentState
from cism.domain.people import Role
from cism.services import engine, intake, people
from cism.store.db import now, real_now
from cism.store.tables import AffectedPerson, Audit, Heartbeat, Incident, Step
from tests.cli.conftest import LODD, Cli


def count(cli: Cli, table: type) -> int:
    """How many rows there are."""
    with cli.database() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def ago(**span: float) -> str:
    """An instant before now."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat()  # noqa: TID251 - the command line's own clock


# Reading what is written.


@pytest.mark.parametrize(
    ("text", "who", "circle", "end"),
    [
        ("P104:A", "P104", Circle.A, None),
        ("P104:b", "P104", Circle.B, None),
        ("harbor-fd:F201:C", "harbor-fd:F201", Circle.C, None),
        ("P104:B:2026-03-02T14:30-05:00", "P104", Circle.B, datetime(2026, 3, 2, 19, 30, tzinfo=UTC)),
        (
            "harbor-fd:F201:D:2026-03-02T19:30:00Z",
            "harbor-fd:F201",
            Circle.D,
            datetime(2026, 3, 2, 19, 30, tzinfo=UTC),
        ),
        ("metro-pd:B:A", "metro-pd:B", Circle.A, None),
        ("metro-pd:B:2026-03-02T19:30Z", "metro-pd", Circle.B, datetime(2026, 3, 2, 19, 30, tzinfo=UTC)),
        ("f.ortiz@hq:E", "f.ortiz@hq", Circle.E, None),
    ],
)
def test_an_affected_person_is_read_in_one_way_only(
    text: str, who: str, circle: Circle, end: datetime | None
) -> None:
    found = reading.affected(text)
    assert (found.person_id, found.circle, found.exposure_end) == (who, circle, end)


@pytest.mark.parametrize(
    "text", ["P104", "P104:G", "P104:A:later", ":A", "P104:A:2026-03-02T14:30", "a b:A", "P104:A:"]
)
def test_what_is_no_affected_person_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        reading.affected(text)


# Logging.


def test_logging_gives_a_reference_and_says_whether_anybody_works(cli: Cli) -> None:
    cli.roster()
    cli.conductor()
    said = cli.ok(
        *("log", "--type", "OIS_SHOOTER", "--severity", "S4", "--agency", "metro-pd"),
        *("--occurred-at", ago(hours=2), "--ended-at", ago(hours=1)),
        *(
            "--affected",
            "P110:A",
            "--affected",
            f"P111:B:{ago(minutes=30)}",
            "--affected",
            "metro-dispatch:D401:C",
        ),
    )
    ref, _, state = said.strip().partition(": ")
    assert state == "the team is working; phone wall: no real phone is reached"
    with cli.database() as session:
        row = intake.by_ref(session, ref)
        ends = {item.circle.value: item.exposure_end for item in row.affected}
        assert ends["A"] == ends["C"] == row.ended_at
        assert ends["B"] not in {None, row.ended_at}
        assert session.scalar(select(func.count()).select_from(Step)) == 2


def test_a_receipt_never_says_that_a_team_works_where_no_text_leaves(cli: Cli) -> None:
    cli.roster()
    logged = ("log", "--type", "OTHER", "--agency", "metro-pd")
    nothing = "nobody yet, and no text leaves this installation: call the coordinator yourself, now; "
    assert cli.json(*logged)["team_state"].startswith(nothing)  # nobody performs
    cli.conductor()
    assert cli.json(*logged)["team_state"].startswith("the team is working")
    with cli.database() as session:
        session.add(Heartbeat(name=engine.PROVIDER, seen_real=real_now(session) - timedelta(minutes=6)))
    assert cli.json(*logged)["team_state"].startswith(nothing)  # nobody takes the texts
    with cli.database() as session:
        engine.beat(session, engine.PROVIDER)
    assert cli.json(*logged)["team_state"].startswith("the team is working")


def test_the_same_key_logs_one_incident(cli: Cli) -> None:
    cli.roster()
    first = cli.json("log", "--type", "LODD", "--agency", "metro-pd", "--key", "k1")
    again = cli.json("log", "--type", "LODD", "--agency", "metro-pd", "--key", "k1")
    assert first["id"] == again["id"]
    assert count(cli, Incident) == 1
    said = cli.refused("log", "--type", "MCI", "--agency", "metro-pd", "--key", "k1")
    assert said.startswith("This Idempotency-Key was used with another body")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--type", "OIS_SHOTER"), "There is no incident type 'OIS_SHOTER'. Did you mean OIS_SHOOTER or "),
        (
            ("--affected", "P110:A", "--affected", "P110:B"),
            "affected: P110 is named twice; name each person once",
        ),
        (("--affected", "P999:A"), "affected: nobody 'P999' is on the roster of metro-pd; write AGENCY:ID"),
        (("--occurred-at", "2100-01-01T00:00Z"), "occurred_at lies in the future; give the time it happened"),
        (
            ("--affected", "P110:A:2100-01-01T00:00Z"),
            "affected: P110: exposure_end lies in the future; leave it out while still exposed",
        ),
        (
            ("--occurred-at", "2026-03-02T12:00Z", "--ended-at", "2026-03-02T11:00Z"),
            "ended_at is before occurred_at; swap them or correct one",
        ),
        (("--protocol", "sfa-followup"), "There is no protocol 'sfa-followup'."),
        (
            ("--agency", "metro"),
            "there is no agency 'metro'; known: county-ems, harbor-fd, metro-dispatch, metro-pd",
        ),
    ],
)
def test_a_wrong_report_is_refused_in_one_line_and_nothing_is_saved(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    cli.roster()
    usual = () if "--type" in arguments else ("--type", "OIS_SHOOTER")
    where = () if "--agency" in arguments else ("--agency", "metro-pd")
    assert said in cli.refused("log", *usual, *where, *arguments)
    assert (count(cli, Incident), count(cli, AffectedPerson), count(cli, Step)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing option '--type'"),
        (("--type", "LODD"), "Missing option '--agency'"),
        (
            ("--type", "LODD", "--agency", "metro-pd", "--severity", "S9"),
            "'S9' is not one of 'S1', 'S2', 'S3', 'S4'",
        ),
        (
            ("--type", "LODD", "--agency", "metro-pd", "--occurred-at", "noon"),
            "'noon' is not an instant with a zone",
        ),
        (("--type", "LODD", "--agency", "metro-pd", "--affected", "P1"), "'P1' is not an affected person"),
        (("--type", "LODD", "--agency", "metro-pd", "--witness", "P1"), "No such option"),
    ],
)
def test_wrong_usage_exits_with_two_and_one_line(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    assert said in cli.refused("log", *arguments, status=2)


def test_wrong_usage_is_told_in_our_words_alone(cli: Cli) -> None:
    said = cli.refused("log", "--type", "OTHER", "--agency", "metro-pd", "--severity", "S9", status=2)
    assert "'--severity': 'S9' is not one of 'S1', 'S2', 'S3', 'S4'" in said


def test_an_agency_without_anybody_to_answer_is_told_in_the_receipt(cli: Cli) -> None:
    cli.roster()
    with cli.database() as session:
        for row in people.with_role(session, [Role.COORDINATOR, Role.CLINICIAN]):
            row.opted_out_at = now(session)
    found = cli.json("log", "--type", "LODD", "--agency", "metro-pd")
    assert "no check-ins: the agency has no reachable coordinator and clinician" in found["team_state"]


# Looking.


def test_incidents_are_listed_with_what_a_coordinator_may_see(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    [row] = cli.json("incidents")
    assert (row["ref"], row["agency"], row["type"], row["state"]) == (ref, "metro-pd", "OIS_SHOOTER", "open")
    assert ref in cli.ok("incidents")


def test_one_incident_shows_what_has_happened_and_what_is_planned(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident("--ended-at", ago(minutes=5))
    found = cli.json("incident", ref)
    assert [item["what"] for item in found["past"]] == ["incident.logged"]
    assert {item["what"] for item in found["planned"]} == {"activate", "plan_response"}
    assert [item["person_id"] for item in found["affected"]] == ["P110", "P111"]
    text = cli.ok("incident", ref.lower())
    for part in ("Affected", "Past", "Planned", "incident.logged", "plan_response"):
        assert part in text


def test_a_supervisor_sees_seven_fields_and_no_more(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident("--as", "P103")
    fields = {"ref", "type", "severity", "agency", "occurred_at", "logged_at", "state"}
    assert set(cli.json("incident", ref, "--as", "P103")) == fields
    [row] = cli.json("incidents", "--as", "P103")
    assert set(row) == fields
    assert row["state"] == "offered"
    cli.ok("close", ref)
    assert cli.json("incident", ref, "--as", "P103")["state"] == "offered"


def test_somebody_of_another_agency_is_told_that_there_is_nothing(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    assert cli.json("incidents", "--as", "harbor-fd:F200") == []
    said = cli.refused("incident", ref, "--as", "harbor-fd:F200")
    assert said == f"there is no incident '{ref}'; `cism incidents` lists them"
    assert cli.refused("incident", "C-XXXXX") == "there is no incident 'C-XXXXX'; `cism incidents` lists them"


def test_an_affected_person_sees_that_it_is_theirs_and_no_timeline(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    assert "past" not in cli.json("incident", ref, "--as", "P110")


@pytest.mark.parametrize(
    ("as_id", "said"),
    [
        ("P999", "nobody 'P999' is on the roster; --as takes ID or AGENCY:ID"),
        ("harbor-fd:P100", "nobody 'harbor-fd:P100' is on the roster; --as takes ID or AGENCY:ID"),
    ],
)
def test_acting_as_nobody_is_refused(cli: Cli, as_id: str, said: str) -> None:
    cli.roster()
    assert cli.refused("incidents", "--as", as_id) == said


# Acting.


@pytest.mark.parametrize("as_id", [(), ("--as", "P100"), ("--as", "metro-pd:P101")])
def test_those_in_charge_take_over_and_end_an_incident(cli: Cli, as_id: tuple[str, ...]) -> None:
    cli.roster()
    ref = cli.incident()
    assert cli.ok("accept", ref, *as_id) == f"{ref}: taken over\n"
    assert cli.refused("accept", ref, *as_id) == "somebody has taken over already"
    assert cli.ok("close", ref, *as_id) == f"{ref}: closed\n"
    assert cli.refused("stand-down", ref, *as_id) == "the incident is closed already"
    assert cli.json("incident", ref)["state"] == "closed"


def test_a_stood_down_incident_plans_nothing_more(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    cli.ok("stand-down", ref)
    found = cli.json("incident", ref)
    assert (found["state"], found["planned"]) == ("stood_down", [])


@pytest.mark.parametrize("command", ["accept", "stand-down", "close"])
def test_a_supervisor_may_not_end_or_take_over(cli: Cli, command: str) -> None:
    cli.roster()
    ref = cli.incident()
    said = cli.refused(command, ref, "--as", "P103")
    assert "may not" in said
    assert said.endswith("of metro-pd; ask its coordinator")
    with cli.database() as session:
        row = intake.by_ref(session, ref)
        assert (row.state, row.accepted_at) == (IncidentState.OPEN, None)


def test_a_coordinator_on_the_list_leaves_it_to_the_deputy(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident("--affected", "P100:D")
    assert (
        cli.refused("accept", ref, "--as", "P100") == "you are on this incident's list: your deputy does this"
    )


def test_what_is_done_and_what_is_refused_is_audited_with_who_and_the_systems_user(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    cli.ok("incident", ref, "--as", "P100")
    cli.refused("close", ref, "--as", "P103")
    with cli.database() as session:
        row = intake.by_ref(session, ref)
        chief = people.by_roster_id(session, "metro-pd", "P100")
        sergeant = people.by_roster_id(session, "metro-pd", "P103")
        assert chief is not None
        assert sergeant is not None
        seen, tried = session.scalars(select(Audit).order_by(Audit.id.desc()).limit(2)).all()[::-1]
        assert (seen.actor.split()[0], seen.act, seen.object_id, seen.allowed) == (
            chief.id,
            "cli incident",
            row.id,
            True,
        )
        assert (tried.actor.split()[0], tried.act, tried.object_id, tried.allowed) == (
            sergeant.id,
            "cli close",
            row.id,
            False,
        )
        assert all(len(item.actor.split()) == 2 for item in (seen, tried))
    assert cli.ok("audit", "verify").endswith("rows, unbroken\n")


# Files of real incidents.


def test_a_file_is_reported_row_by_row_and_ends_with_a_count(cli: Cli) -> None:
    lines = cli.ok("incidents", "import", str(LODD)).splitlines()
    rows = len(lines) - 1
    assert lines[-1] == f"{rows} rows: {rows} imported, 0 not critical, 0 refused"
    assert lines[0].startswith("line 2: imported: H-")
    again = cli.ok("incidents", "import", str(LODD)).splitlines()
    assert again[-1] == f"{rows} rows: 0 imported, 0 not critical, {rows} refused"
    assert "imported already as H-" in again[0]
    assert len(cli.json("incidents")) == rows


def test_a_dry_run_of_a_file_keeps_nothing(cli: Cli) -> None:
    found = cli.json("incidents", "import", str(LODD), "--dry-run")
    assert found["summary"].endswith("imported, 0 not critical, 0 refused")
    assert {row["ref"] for row in found["rows"]} == {None}
    assert count(cli, Incident) == 0


def test_responding_to_old_events_is_refused_row_by_row(cli: Cli) -> None:
    cli.roster()
    lines = cli.ok("incidents", "import", str(LODD), "--respond", "--agency", "metro-pd").splitlines()
    assert lines[0] == "line 2: refused: more than 72 h old: import it as history, or log it by hand"
    assert count(cli, Incident) == 0


def test_nobody_takes_over_what_is_history_or_over(cli: Cli) -> None:
    cli.ok("incidents", "import", str(LODD))
    old = cli.json("incidents")[0]["ref"]
    assert cli.refused("accept", old) == "the incident is history already"
    cli.roster()
    ref = cli.incident()
    cli.ok("close", ref)
    assert cli.refused("accept", ref) == "the incident is closed already"


def test_a_file_that_is_not_there_is_refused(cli: Cli) -> None:
    said = cli.refused("incidents", "import", "nowhere.csv")
    assert said == "nowhere.csv cannot be read: No such file or directory; give the path of a readable file"
