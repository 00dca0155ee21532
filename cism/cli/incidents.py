"""Logging incidents, looking at them, ending them, and reading files of real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from cism.cli import incident_views, reading, show
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act, Datum
from cism.domain.incident import Severity
from cism.services import importing, intake, response
from cism.services.importing import LineResult, Outcome
from cism.services.intake import AffectedInput, IncidentInput
from cism.store.tables import Incident

listing = typer.Typer(help="List incidents; read files of real ones.", no_args_is_help=False)
_SHOWN_ROWS = 100
_COLUMNS = {
    "ref": "Ref",
    "type": "Type",
    "severity": "Severity",
    "agency": "Agency",
    "when": "Occurred",
    "logged_at": "Logged",
    "state": "State",
}
Ref = Annotated[str, typer.Argument(help="The reference, like C-4K7QX.")]
Instant = Annotated[
    datetime | None, typer.Option(parser=reading.instant, metavar="INSTANT", help="With zone, or Z.")
]


def log(
    type_: Annotated[str, typer.Option("--type", help="The kind of incident, like OIS_SHOOTER.")],
    agency: Annotated[str, typer.Option(help="The agency's key.")],
    severity: Annotated[Severity | None, typer.Option(help="S1 to S4; without it the type's own.")] = None,
    occurred_at: Instant = None,
    ended_at: Instant = None,
    affected: Annotated[
        list[AffectedInput] | None,
        typer.Option(
            parser=reading.affected,
            metavar="ID:CIRCLE[:EXPOSURE_END]",
            help="Once a person: the roster's id (AGENCY:ID for another agency), a circle from A to F, and "
            "when they left it (without: when it ended).",
        ),
    ] = None,
    place_code: Annotated[str | None, typer.Option(help="A code for the place, never an address.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Instead of the agency's own.")] = None,
    kin_notified: Annotated[bool, typer.Option("--kin-notified", help="The family knows.")] = False,
    funeral_at: Instant = None,
    on_scene: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Once for each who was there and is not affected: never a helper."),
    ] = None,
    reviewer: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Once for each who investigates, reviews or represents in it."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="The same key logs one incident, once.")] = None,
    as_id: AsId = None,
    as_json: AsJson = False,
) -> None:
    """Log an incident: the team is asked at once."""
    with acting(as_id, "log") as viewer:
        viewer.require(Act.LOG_INCIDENT, agency)
        report = IncidentInput(
            type=type_,
            agency=agency,
            severity=severity,
            occurred_at=occurred_at,
            ended_at=ended_at,
            place_code=place_code,
            protocol=protocol,
            kin_notified=kin_notified,
            funeral_at=funeral_at,
            affected=tuple(affected or ()),
            on_scene=tuple(on_scene or ()),
            reviewers=tuple(reviewer or ()),
            logged_by=viewer.person_id,
        )
        logged = intake.log_once(viewer.session, report, caller="cli", key=key)
        viewer.object_id = logged.id
    if as_json:
        show.data({"id": logged.id, "ref": logged.ref, "team_state": logged.team_state})
        return
    show.line(f"{logged.ref}: {logged.team_state}")


@listing.callback(invoke_without_command=True)
def incidents(context: typer.Context, as_id: AsId = None, as_json: AsJson = False) -> None:
    """List incidents, the newest first."""
    if context.invoked_subcommand is not None:
        return
    with acting(as_id, "incidents") as viewer:
        query = select(Incident).order_by(
            Incident.logged_at.desc(), Incident.occurred_on.desc(), Incident.ref
        )
        rows: list[dict[str, Any]] = [
            incident_views.header(viewer, row)
            for row in viewer.session.scalars(query)
            if viewer.sees(row, Datum.INCIDENT_HEADER)
        ]
    if as_json:
        show.data(rows)
        return
    for item in rows:
        item["when"] = item["occurred_at"] or item.get("occurred_on")
    show.table("Incidents", _COLUMNS, rows[:_SHOWN_ROWS], "no incidents")
    if len(rows) > _SHOWN_ROWS:
        show.line(f"{len(rows) - _SHOWN_ROWS} more; --json lists all")


@listing.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file in a known format.")],
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Told from the header.")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Whose they are; else as the row says.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    respond: Annotated[bool, typer.Option("--respond", help="Open responses; not after 72 h.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a file of real incidents, row by row. They are history and text nobody, unless --respond."""
    text = reading.file(file)
    with acting(None, "incidents import", keep=not dry_run) as viewer, show.progress("reading") as bar:
        task = bar.task_ids[0]
        results = importing.import_incidents(
            viewer.session,
            text,
            format_name=format_name,
            respond=respond,
            agency=agency,
            now=viewer.now,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if dry_run:  # what was not saved has no reference
        results = [replace(item, ref=None) if item.outcome is Outcome.IMPORTED else item for item in results]
    _report(results, as_json=as_json)


def incident(ref: Ref, as_id: AsId = None, as_json: AsJson = False) -> None:
    """Show one incident with its whole timeline, past and planned."""
    with acting(as_id, "incident") as viewer:
        row = viewer.incident(ref)
        found = incident_views.whole(viewer, row)
    if as_json:
        show.data(found)
        return
    parts = {
        name: found.pop(name, None) for name in ("affected", "team", "sessions", "offers", "past", "planned")
    }
    show.table(found["ref"], {"name": "", "value": ""}, [*_facts(found, parts["team"])], "")
    if parts["past"] is None:
        return
    _show_parts(parts)


def accept(ref: Ref, as_id: AsId = None) -> None:
    """The coordinator takes over an incident."""
    with acting(as_id, "accept") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.ACCEPT_INCIDENT, row.agency, incident=row)
        response.accept(viewer.session, row.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: taken over")


def stand_down(ref: Ref, as_id: AsId = None) -> None:
    """A false alarm or a duplicate: nothing unsent goes out, opened escalations go on."""
    with acting(as_id, "stand-down") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.STAND_DOWN, row.agency, incident=row)
        response.stand_down(viewer.session, row.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: stood down")


def close(ref: Ref, as_id: AsId = None) -> None:
    """End an incident before its plan has run its length; opened escalations go on."""
    with acting(as_id, "close") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.CLOSE_INCIDENT, row.agency, incident=row)
        response.close(viewer.session, row.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: closed")


def _report(results: list[LineResult], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"line": item.line, "outcome": item.outcome.value, "reason": item.reason, "ref": item.ref}
            for item in results
        ]
        show.data({"rows": rows, "summary": importing.summary(results)})
        return
    for item in results:
        about = ": ".join(part for part in (item.outcome.value, item.ref or "", item.reason) if part)
        show.line(f"line {item.line}: {about}")
    show.line(importing.summary(results))


def _facts(found: dict[str, Any], team: dict[str, int] | None) -> list[dict[str, Any]]:
    rows = [
        {"name": name.replace("_", " "), "value": value} for name, value in found.items() if value is not None
    ]
    if team is not None:
        said = f"{team['accepted']} of {team['needed']} ({team['asked']} asked)"
        rows.append({"name": "team", "value": said})
    return rows


def _show_parts(parts: dict[str, Any]) -> None:
    people = {"person_id": "Person", "circle": "Circle", "exposure_end": "Exposed until"}
    show.table("Affected", people, parts["affected"], "nobody is on the list")
    meetings = {"id": "Session", "kind": "Kind", "state": "State", "starts_at": "From", "ends_at": "To"}
    if parts["sessions"]:
        show.table("Sessions", {**meetings, "headcount": "Headcount"}, parts["sessions"], "")
    if parts["offers"]:
        offered = {"id": "Offer", "kind": "Kind", "state": "State", "by": "By", "offered_at": "Offered"}
        show.table("Offers", {**offered, "reason": "Why not", "instead": "Instead"}, parts["offers"], "")
    past = {"at": "At", "what": "What", "before": "Before", "after": "After"}
    show.table("Past", past, parts["past"], "nothing has happened yet")
    planned = {"due_at": "Due", "what": "What", "person_id": "Person", "expires_at": "Not after"}
    show.table("Planned", planned, parts["planned"], "nothing is planned")
