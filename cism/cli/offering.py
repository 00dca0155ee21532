"""Offers beside the groups, at a terminal: what is to be offered, that it was, and handing a person over."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from cism.cli import show
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting, somebody
from cism.domain.access import Act, Datum
from cism.domain.offer_kinds import OfferKind
from cism.services import offer_rows, offer_views, offers, people, turns
from cism.services.offers import Made
from cism.store.tables import Incident, Person

offer = typer.Typer(help="Say that something was offered, and what is wanted.", no_args_is_help=True)
Ref = Annotated[str, typer.Argument(help="The reference, like C-4K7QX.")]
_COLUMNS = {
    "id": "Offer",
    "kind": "Kind",
    "person_id": "Person",
    "state": "State",
    "by": "By",
    "offered_at": "Offered",
    "minutes": "After min",
    "accepted": "Accepted",
    "reason": "Why not",
    "instead": "Instead",
}


class To(StrEnum):
    """Whose a person who is handed over becomes."""

    CLINICIAN = "clinician"
    CHAPLAIN = "chaplain"


_KINDS = {To.CLINICIAN: OfferKind.REFERRAL, To.CHAPLAIN: OfferKind.PASTORAL}


def list_offers(ref: Ref, as_id: AsId = None, as_json: AsJson = False) -> None:
    """List what an incident calls for beside the groups: made, to be made, or why not and what instead."""
    with acting(as_id, "offers") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.SEE_TIMELINE, row.agency, incident=row)
        found = offer_views.listed(viewer.session, row)
        known = people.by_ids(viewer.session, {one.person_id for one, _ in found if one.person_id})
        named = viewer.sees(row, Datum.OFFER_MADE)
        rows: list[dict[str, Any]] = [
            shown | {"person_id": _key(known.get(one.person_id or "") if named else None, row)}
            for one, shown in found
        ]
    if as_json:
        show.data(rows)
    else:
        show.table(f"Offers of {row.ref}", _COLUMNS, rows, "nothing is to be offered beside the groups")


@offer.command("made")
def made(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `cism offers REF` lists it.")],
    how: Annotated[Made, typer.Option(help="Accepted, declined: of relief and leave alone.")] = Made.MADE,
    as_id: AsId = None,
) -> None:
    """Say that it was offered; with `--how wanted` whoever does it is asked at once."""
    with acting(as_id, "offer made") as viewer:
        viewer.require(
            Act.MAKE_OFFER, viewer.person.agency if viewer.person else None
        )  # before one is looked for
        row = viewer.session.get_one(Incident, offer_rows.get(viewer.session, id_).incident_id)
        viewer.object_id = id_
        viewer.require(Act.MAKE_OFFER, row.agency, incident=row)
        offers.make(viewer.session, id_, how, by=viewer.person_id, now=viewer.now)
    show.line(f"{id_}: {how.value}")


def refer(
    ref: Ref,
    who: Annotated[str, typer.Argument(metavar="ID", help="Who agreed to it: the roster's id.")],
    to: Annotated[To, typer.Option(help="Whose it becomes.")] = To.CLINICIAN,
    as_id: AsId = None,
) -> None:
    """Hand one person over, who agreed to it. Nothing is urgent here: for that, an escalation is opened."""
    with acting(as_id, "refer") as viewer:
        row = viewer.incident(ref)
        viewer.require(Act.MAKE_OFFER, row.agency, incident=row)
        person = somebody(viewer.session, who, agency=row.agency)
        people.lock_incident(viewer.session, row.id)
        turns.refer(viewer.session, row, person.id, by=viewer.person_id, now=viewer.now, to=_KINDS[to])
    show.line(f"{row.ref}: a {to.value} is asked to take over {who}")


def _key(person: Person | None, row: Incident) -> str | None:
    if person is None:
        return None
    return person.roster_id if person.agency == row.agency else f"{person.agency}:{person.roster_id}"
