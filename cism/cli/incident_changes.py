"""One incident: shown by its reference alone; opened again; its list and its dates."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cism.cli import incidents, show
from cism.cli.incidents import Ref
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act
from cism.services import intake, removal, reopening

_SHOW = "show"


class ShownByReference(TyperGroup):
    """`cism incident REF` shows it; a known word instead of the reference does something else."""

    default_command = _SHOW

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; without a known word in front they are those of `show`."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_SHOW, *args]
        found: Any = super().parse_args(ctx, args)
        return list(found)


app = typer.Typer(cls=ShownByReference, help="Show one incident; change its list.", no_args_is_help=True)
app.command(_SHOW)(incidents.incident)
WhoId = Annotated[str, typer.Argument(metavar="ID", help="The roster's id (AGENCY:ID for another agency).")]


@app.command("remove")
def remove(ref: Ref, person_id: WhoId, as_id: AsId = None) -> None:
    """Take somebody off the list who was named by mistake; nothing more goes to them, and no explanation."""
    with acting(as_id, "incident remove") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.REMOVE_AFFECTED, row.agency, incident=row)
        person = intake.listed(viewer.session, row, person_id)
        removal.remove(viewer.session, row.id, person.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: {person_id} is off the list")


def reopen(ref: Ref, as_id: AsId = None) -> None:
    """Open again what was stood down or closed: what was promised and is still to come comes back, once."""
    with acting(as_id, "reopen") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.REOPEN_INCIDENT, row.agency, incident=row)
        reopening.reopen(viewer.session, row.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: open again")
