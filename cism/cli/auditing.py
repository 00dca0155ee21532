"""The audit log: whether it is whole, and its head to be kept elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cism.cli import ground, reading, show
from cism.cli.show import AsJson
from cism.errors import BadInput, CismError
from cism.services import audit_heads
from cism.services.audit_heads import Head

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.command("head")
def head(
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there: best another machine's, never this database's."),
    ] = None,
) -> None:
    """Give the log's head: how many rows, and which is the last, under a MAC. Keep it elsewhere."""
    with ground.opened() as database, database.read() as session:
        made = audit_heads.head(session)
    if to is None:
        show.line(made.text())
        return
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(made.text() + "\n")
    except FileExistsError:
        message = f"{to} is there already: a head is never written over"
        raise BadInput(message) from None
    show.line(f"{to}: {made.rows} rows")


@app.command("verify")
def verify(
    heads: Annotated[
        list[Path] | None,
        typer.Option("--head", metavar="FILE", help="A head that was kept elsewhere, or a folder of them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no row was altered, removed or put elsewhere; with a head also that none was made anew."""
    kept = _read(heads or [])
    with ground.opened() as database, database.read() as session:
        rows, broken = audit_heads.verify(session, kept)
    if as_json:
        show.data({"rows": rows, "broken_at": broken, "heads": len(kept)})
    if broken is not None:
        message = f"the audit log is broken at row {broken}: it was altered, or rows are missing there"
        raise CismError(message)
    if not as_json:
        told = "" if not kept else ", as the head says" if len(kept) == 1 else f", as {len(kept)} heads say"
        show.line(f"{rows} rows, unbroken{told}")


def _read(paths: list[Path]) -> list[Head]:
    found: list[Head] = []
    for path in paths:
        inside = audit_heads.files(path)
        if not inside:
            message = f"{path} holds no heads; `cism audit head --to FILE` writes one"
            raise BadInput(message)
        for one in inside:
            found += audit_heads.read(reading.file(one))
    return found
