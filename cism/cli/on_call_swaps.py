"""Swaps at a terminal: each command is an act of the person given by `--as`, about their own turns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cism.cli import reading, show
from cism.cli.show import AsJson, moment
from cism.cli.viewer import Viewer, acting, somebody
from cism.domain.people import Role
from cism.errors import BadInput
from cism.services import on_call_swaps, people
from cism.store.tables import Person

As = Annotated[str, typer.Option("--as", metavar="ID", help="Who acts: a person of the roster.")]
SwapId = Annotated[str, typer.Argument(metavar="SWAP", help="From `cism on-call swaps`.")]
From = Annotated[str, typer.Option("--from", metavar="INSTANT", help="From when, with its zone.")]
Until = Annotated[str, typer.Option(metavar="INSTANT", help="Until just before then.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others of `cism on-call`."""
    for name, command in (("ask", ask), ("swaps", swaps), ("accept", accept), ("refuse", refuse)):
        app.command(name)(command)
    app.command("withdraw")(withdraw)


def ask(
    role: Annotated[Role, typer.Argument(help="In which role.")],
    colleague: Annotated[str, typer.Argument(metavar="ID", help="Who is to take the turn.")],
    start: From,
    until: Until,
    as_id: As,
    back_from: Annotated[str | None, typer.Option(metavar="INSTANT", help="Their turn in return.")] = None,
    back_until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Until then.")] = None,
) -> None:
    """Ask a colleague to take your turn, perhaps for one of theirs; nothing changes before they say yes."""
    span = reading.instant(start), reading.instant(until)
    back = _back(back_from, back_until)
    with acting(as_id, "on-call ask") as viewer:
        me = _me(viewer)
        other = somebody(viewer.session, colleague, agency=me.agency)
        row = on_call_swaps.ask(viewer.session, me, role, other.id, span, viewer.now, in_return=back)
        made = row.id
    show.line(f"{made}: asked")


def swaps(as_id: As, as_json: AsJson = False) -> None:
    """List what you have asked or are asked."""
    with acting(as_id, "on-call swaps") as viewer:
        me = _me(viewer)
        rows = [
            {
                "id": one.id,
                "role": one.role.value,
                "from": moment(one.span[0]),
                "until": moment(one.span[1]),
                "asks": people.get(viewer.session, one.from_id).roster_id,
                "asked": people.get(viewer.session, one.to_id).roster_id,
                "back_from": moment(one.in_return[0]) if one.in_return else None,
                "back_until": moment(one.in_return[1]) if one.in_return else None,
            }
            for one in on_call_swaps.open_swaps(viewer.session, me.id, viewer.now)
        ]
    columns = {
        "id": "Swap",
        "role": "Role",
        "from": "From",
        "until": "Until",
        "asks": "Asks",
        "asked": "Asked",
    }
    show.listing(
        rows, columns | {"back_from": "For"}, title="Swaps", empty="nothing is asked", as_json=as_json
    )


def accept(swap: SwapId, as_id: As) -> None:
    """Take the turn."""
    with acting(as_id, "on-call accept") as viewer:
        viewer.object_id = swap[:60]
        on_call_swaps.accept(viewer.session, swap, _me(viewer).id, viewer.now)
    show.line("yours")


def refuse(swap: SwapId, as_id: As) -> None:
    """Do not take it."""
    with acting(as_id, "on-call refuse") as viewer:
        viewer.object_id = swap[:60]
        on_call_swaps.refuse(viewer.session, swap, _me(viewer).id, viewer.now)
    show.line("refused")


def withdraw(swap: SwapId, as_id: As) -> None:
    """Take your question back."""
    with acting(as_id, "on-call withdraw") as viewer:
        viewer.object_id = swap[:60]
        on_call_swaps.withdraw(viewer.session, swap, _me(viewer).id, viewer.now)
    show.line("withdrawn")


def _me(viewer: Viewer) -> Person:
    if viewer.person is None:
        message = "say whose turn it is: --as ID"
        raise BadInput(message)
    return viewer.person


def _back(start: str | None, until: str | None) -> tuple[datetime, datetime] | None:
    if start is None and until is None:
        return None
    if start is None or until is None:
        message = "a turn in return has both --back-from and --back-until"
        raise BadInput(message)
    return reading.instant(start), reading.instant(until)
