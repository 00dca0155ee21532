"""One incident: shown by its reference alone; opened again; its list and its dates."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cism.cli import incidents, reading, show
from cism.cli.incidents import Ref
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act
from cism.domain.sensitive_dates import DateKind
from cism.errors import BadInput
from cism.services import intake, removal, reopening, sensitive_dates

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


dates = typer.Typer(help="Days on which nothing automatic goes to its people.", no_args_is_help=True)
app.add_typer(dates, name="dates")
Day = Annotated[date, typer.Argument(parser=reading.day, metavar="DATE", help="Like 2026-10-15.")]
_HOURS = "Where only some hours of the day matter."


@dates.command("add")
def add_date(
    ref: Ref,
    day: Day,
    kind: Annotated[DateKind, typer.Option(help="What the day is; no text ever says it.")],
    start: Annotated[
        time | None, typer.Option("--from", parser=reading.wall, metavar="HH:MM", help=_HOURS)
    ] = None,
    until: Annotated[time | None, typer.Option(parser=reading.wall, metavar="HH:MM", help=_HOURS)] = None,
    as_id: AsId = None,
) -> None:
    """Keep a day free of automatic texts, and have each person's peer call on the day before."""
    if (start is None) != (until is None):
        message = "give both --from and --until, or neither"
        raise BadInput(message)
    hours = (start, until) if start is not None and until is not None else None
    with acting(as_id, "incident dates add") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.KEEP_DATES, row.agency, incident=row)
        sensitive_dates.add(
            viewer.session, row.id, day, kind, hours=hours, by=viewer.person_id, now=viewer.now
        )
    show.line(f"{row.ref}: {day} is kept")


@dates.command("list")
def list_dates(ref: Ref, as_id: AsId = None, as_json: AsJson = False) -> None:
    """List an incident's days, the next one first."""
    with acting(as_id, "incident dates list") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.KEEP_DATES, row.agency, incident=row)
        rows = sensitive_dates.listed(row)
    columns = {"day": "Day", "kind": "Kind", "from": "From", "until": "Until"}
    show.listing(rows, columns, title="Dates", empty="no dates are kept", as_json=as_json)


@dates.command("remove")
def remove_date(ref: Ref, day: Day, as_id: AsId = None) -> None:
    """Forget a day; calls that were asked for already go on."""
    with acting(as_id, "incident dates remove") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.KEEP_DATES, row.agency, incident=row)
        sensitive_dates.remove(viewer.session, row.id, day, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: {day} is not kept any more")


def reopen(ref: Ref, as_id: AsId = None) -> None:
    """Open again what was stood down or closed: what was promised and is still to come comes back, once."""
    with acting(as_id, "reopen") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.REOPEN_INCIDENT, row.agency, incident=row)
        reopening.reopen(viewer.session, row.id, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: open again")
