"""One person of the roster at a terminal: status, transfer, removal, the end of their contacts."""

from __future__ import annotations

from typing import Annotated

import typer

from cism.cli import ground, show
from cism.cli.staff import app
from cism.cli.viewer import AsId, Viewer, acting, somebody
from cism.domain.access import Act
from cism.domain.people import PersonStatus
from cism.services import mistaken_death, people, resting, roster_moves
from cism.services.roster_moves import NewPlace
from cism.store import owners
from cism.store.tables import Person

Who = Annotated[str, typer.Argument(metavar="ID", help="The roster's id; AGENCY:ID where several have it.")]


@app.command("status")
def status(
    who: Who,
    to: Annotated[PersonStatus, typer.Argument(help="What holds from now on.")],
    as_id: AsId = None,
) -> None:
    """Say at once, without a file, that somebody is on leave, is back, has left, or has died."""
    with acting(as_id, "roster status") as viewer:
        person = _one(viewer, who)
        roster_moves.set_status(viewer.session, person, to, by=viewer.person_id, now=viewer.now)
    show.line(f"{who}: {to.value}")


@app.command("not-deceased")
def not_deceased(who: Who, as_id: AsId = None) -> None:
    """Take back that somebody died: what was ended for them goes on, and somebody calls them first."""
    with acting(as_id, "roster not-deceased") as viewer:
        person = _one(viewer, who)
        mistaken_death.take_back(viewer.session, person, by=viewer.person_id, now=viewer.now)
    show.line(f"{who}: active; their number is unconfirmed, and a call to them waits in the queue")


@app.command("transfer")
def transfer(
    who: Who,
    agency: Annotated[str, typer.Argument(help="The agency that they belong to from now on.")],
    new_id: Annotated[str | None, typer.Option("--id", help="Their id there; without it the same.")] = None,
    unit: Annotated[str, typer.Option(help="Their unit there.")] = "",
    station: Annotated[str, typer.Option(help="Their station there.")] = "",
    reports_to: Annotated[str | None, typer.Option(metavar="ID", help="Who commands them there.")] = None,
    as_id: AsId = None,
) -> None:
    """Move somebody to another agency; what was promised to them goes on, and so does what they stopped."""
    new = NewPlace(agency=agency, roster_id=new_id, unit=unit, station=station, reports_to=reports_to)
    with acting(as_id, "roster transfer") as viewer:
        person = _one(viewer, who)
        roster_moves.transfer(viewer.session, person, new, by=viewer.person_id, now=viewer.now)
        key = f"{person.agency}:{person.roster_id}"
    show.line(f"{who}: {key} from now on")


@app.command("remove")
def remove(who: Who, as_id: AsId = None) -> None:
    """Take somebody off the roster: contacts end, name, number and address are forgotten."""
    with acting(as_id, "roster remove") as viewer:
        person = _one(viewer, who)
        roster_moves.remove(viewer.session, person, by=viewer.person_id, now=viewer.now)
    with ground.opened() as db:
        owners.scrub(db.engine)
    show.line(f"{who}: removed, their key is destroyed; `cism erasures` says which backups still have it")


@app.command("ready")
def ready(
    who: Who, as_id: Annotated[str, typer.Option("--as", metavar="ID", help="The peer, or a clinician.")]
) -> None:
    """Say that a peer can serve again after an incident of their own: the peer does, and a clinician."""
    with acting(as_id, "roster ready") as viewer:
        peer = somebody(viewer.session, who)
        viewer.object_id = peer.id
        by = people.get(viewer.session, viewer.person_id or "")
        both = resting.say_ready(viewer.session, peer, by, viewer.now)
    show.line(f"{who}: {'may be asked again' if both else 'noted; the other word is still to come'}")


def end_contacts(
    ref: Annotated[str, typer.Argument(help="The reference, like C-4K7QX.")], who: Who, as_id: AsId = None
) -> None:
    """End one person's contacts of one incident, because they told somebody so; no text is sent about it."""
    with acting(as_id, "end-contacts") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.END_CONTACTS, row.agency, incident=row)
        person = somebody(viewer.session, who, agency=row.agency)
        roster_moves.end_contacts(viewer.session, row, person, by=viewer.person_id, now=viewer.now)
    show.line(f"{row.ref}: contacts with {who} ended")


def _one(viewer: Viewer, who: str) -> Person:
    """Whom it is about, where the viewer's row grants changing that roster."""
    person = somebody(viewer.session, who)
    viewer.object_id = person.id
    viewer.require(Act.CHANGE_ROSTER, person.agency)
    return person
