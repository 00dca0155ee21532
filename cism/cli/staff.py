"""Rosters and tokens: who the programme serves, and who may call its API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cism.cli import reading, show
from cism.cli.show import AsJson
from cism.cli.viewer import acting
from cism.domain.people import Role
from cism.domain.scopes import Scope
from cism.errors import BadInput
from cism.services import roster, tokens
from cism.services.roster import ImportReport
from cism.services.tokens import LIFETIME, LONGEST

app = typer.Typer(help="Import rosters, and ask for confirmation of phones.", no_args_is_help=True)
token = typer.Typer(help="Tokens for the API.", no_args_is_help=True)
_TOKENS = {
    "id": "Token",
    "role": "Role",
    "agency": "Agency",
    "person": "Person",
    "scopes": "Opens",
    "expires_at": "Until",
    "state": "State",
}


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The roster, CSV in UTF-8.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    region: Annotated[
        str | None, typer.Option(help="Country of national phone numbers, like US; new agencies get it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a roster: every row is checked first, then all are taken or none."""
    text = reading.file(file)
    try:
        with acting(None, "roster import", keep=not dry_run) as viewer, show.progress("importing"):
            report = roster.import_file(viewer.session, text, viewer.now, region=_region(region))
    except BadInput as error:
        _errors(error, as_json=as_json)
        raise
    if as_json:
        show.data(_plain(report, dry_run=dry_run))
        return
    _tell(report, dry_run=dry_run)


@app.command("confirm")
def confirm(
    agency: Annotated[str | None, typer.Option(help="Only people of this agency.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask everybody with care consent, once and in their open hours, whether the number is theirs."""
    with acting(None, "roster confirm") as viewer:
        count = roster.confirm(viewer.session, agency, viewer.now)
    if as_json:
        show.data({"planned": count})
        return
    show.line(f"{count} confirming texts planned, each in the person's open hours")


@token.command("create")
def create(
    role: Annotated[Role, typer.Option(help="What the caller may do.")],
    agency: Annotated[str, typer.Option(help="The agency's key.")],
    person: Annotated[str | None, typer.Option(metavar="ID", help="Whose token it is.")] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="Once for each thing it may do; without: all that its role may."),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it works.", min=1, max=LONGEST.days)] = LIFETIME.days,
    as_json: AsJson = False,
) -> None:
    """Make an API token. It is shown once and kept by its hash alone."""
    lasts = timedelta(days=days)
    with acting(None, "token create") as viewer:
        secret = tokens.create(
            viewer.session, role=role, agency=agency, roster_id=person, scopes=scope or (), lasts=lasts
        )
    if as_json:
        show.data({"token": secret, "role": role.value, "agency": agency})
        return
    show.line(secret)


@token.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens: for whom, what they open, until when; never a secret."""
    with acting(None, "token list") as viewer:
        rows = tokens.listed(viewer.session)
    shown = rows if as_json else [{**row, "scopes": " ".join(row["scopes"])} for row in rows]
    show.listing(shown, _TOKENS, title="Tokens", empty="no tokens", as_json=as_json)


@token.command("revoke")
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID", help="From `cism token list`.")]) -> None:
    """End a token at once, and every browser that was signed in with it."""
    with acting(None, "token revoke") as viewer:
        viewer.object_id = token_id[:60]
        tokens.revoke(viewer.session, token_id)
    show.line("revoked")


def _region(given: str | None) -> str | None:
    if given is None:
        return None
    if len(given) != 2 or not given.isalpha():
        message = f"{given!r} is not a country; write two letters, like US"
        raise typer.BadParameter(message)
    return given.upper()


def _errors(error: BadInput, *, as_json: bool) -> None:
    """Every error by line on standard output; standard error has the one line that says how it ended."""
    if as_json:
        show.data({"errors": error.errors})
        return
    for text in error.errors:
        show.line(text)


def _plain(report: ImportReport, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "agencies_made": list(report.agencies),
        "missing": list(report.missing),
        "warnings": list(report.warnings),
        "lines": [{"line": item.line, "person": item.key, "what": item.what} for item in report.lines],
    }


def _tell(report: ImportReport, *, dry_run: bool) -> None:
    for item in report.lines:
        show.line(f"line {item.line}: {item.key} {item.what}")
    for key in report.agencies:
        show.line(f"agency made: {key}")
    for key in report.missing:
        show.line(f"not in the file, stays: {key}")
    for warning in report.warnings:
        show.line(f"warning: {warning}")
    said = f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged"
    show.line(f"{said}{'; dry run: nothing was saved' if dry_run else ''}")
