"""`cism paper`: the call tree and the open promises on paper, sealed for the coordinator."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cism.cli import show
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act
from cism.errors import BadInput
from cism.services import paper_seal, papers

app = typer.Typer(help="The paper that is left when the computer is gone.", no_args_is_help=True)

AgencyKey = Annotated[str, typer.Argument(metavar="AGENCY", help="The agency's key.")]


@app.command("passphrase")
def passphrase(
    agency: AgencyKey,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input.")] = False,
    as_id: AsId = None,
) -> None:
    """Set the passphrase that opens this agency's papers; keep it where no computer is needed."""
    if from_stdin:
        given = paper_seal.checked(sys.stdin.readline().rstrip("\n"))
    else:
        first = typer.prompt("Passphrase", hide_input=True)
        given = papers.read_passphrase(first, typer.prompt("Once more", hide_input=True))
    with acting(as_id, "paper passphrase") as viewer:
        viewer.object_id = agency
        viewer.require(Act.SET_AGENCY, agency)
        papers.set_passphrase(viewer.session, agency, given)
    show.line("set; older papers still open with the one before")


@app.command("make")
def make(
    agency: AgencyKey,
    out: Annotated[Path, typer.Option("--out", help="A new file, or a folder.")] = Path(),
    as_id: AsId = None,
) -> None:
    """Write this agency's paper as of now, sealed; it holds the names of people who are looked after."""
    with acting(as_id, "paper make") as viewer:
        viewer.object_id = agency
        viewer.require(Act.SEE_TIMELINE, agency)
        sealed = papers.make(viewer.session, agency)
    target = out / sealed.name if out.is_dir() else out
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        message = f"{target} is there already"
        raise BadInput(message) from None
    with os.fdopen(handle, "wb") as file:
        file.write(sealed.data)
    show.line(str(target))
    show.line(f"to open it: {paper_seal.command(target.name)}")


@app.command("check")
def check(file: Annotated[Path, typer.Argument(help="An opened paper.")]) -> None:
    """Say whether an opened paper is as it was sealed."""
    if not paper_seal.whole(file.read_text("utf-8", errors="replace")):
        message = "this paper was changed after it was sealed, or is not whole: trust no number on it"
        raise BadInput(message)
    show.line("whole")
