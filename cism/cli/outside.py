"""Two rare acts: telling somebody outside of the programme, and looking although the table refuses it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cism.cli import show
from cism.cli.show import AsJson, moment
from cism.cli.viewer import Viewer, acting, somebody
from cism.domain.access import Act
from cism.domain.break_glass import GlassReason
from cism.domain.disclosure import EXCEPTIONS, Recipient
from cism.errors import NotFound
from cism.services import disclosures, glass, intake
from cism.store.tables import Disclosure, Person

disclosure = typer.Typer(
    help="Telling somebody outside: by a code, by two people, without a word of it.", no_args_is_help=True
)
break_glass = typer.Typer(
    help="Look although the table refuses it: for an hour, and another hears of it.", no_args_is_help=True
)
Id = Annotated[str, typer.Argument(help="The id in the listing.")]
As = Annotated[str, typer.Option("--as", metavar="ID", help="Who decides: a person of the roster.")]


@disclosure.command("exceptions")
def exceptions(
    jurisdiction: Annotated[
        str | None, typer.Option(help="any, federal, or a state such as WA; without: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the grounds on which confidentiality ends, each with its source and how far it was checked."""
    rows = [
        {
            "key": item.key,
            "jurisdiction": item.jurisdiction,
            "says": item.says,
            "source": item.source,
            "warning": item.warning,
        }
        for item in EXCEPTIONS.values()
        if jurisdiction is None or item.jurisdiction.lower() == jurisdiction.lower()
    ]
    columns = {"key": "Exception", "jurisdiction": "Where", "says": "When", "source": "Source"}
    show.listing(
        rows, columns | {"warning": "Warning"}, title="Exceptions", empty="none there", as_json=as_json
    )


@disclosure.command("propose")
def propose(
    who: Annotated[str, typer.Argument(metavar="ID", help="Whom it is about, ID or AGENCY:ID.")],
    exception: Annotated[str, typer.Option(help="By which ground: a key of `disclosure exceptions`.")],
    recipient: Annotated[Recipient, typer.Option(help="To what kind of recipient.")],
    as_id: As,
) -> None:
    """Propose it. Nothing is told by this: another authorised person confirms it first."""
    with acting(as_id, "disclosure propose") as viewer:
        person = somebody(viewer.session, who)
        made = disclosures.propose(
            viewer.session,
            person,
            exception=exception,
            recipient=recipient,
            by=_human(viewer),
            now=viewer.now,
        )
        viewer.object_id = made.id
    _warn(exception)
    show.line(f"{made.id}: proposed; another authorised person confirms it within 72 hours")


@disclosure.command("confirm")
def confirm(id_: Id, as_id: As) -> None:
    """Agree, as another than whoever proposed it. Only then may it be told, by a human."""
    with acting(as_id, "disclosure confirm") as viewer:
        viewer.object_id = id_
        row = disclosures.confirm(viewer.session, id_, by=_human(viewer), now=viewer.now)
    _warn(row.exception)
    show.line(f"{id_}: confirmed")


@disclosure.command("withdraw")
def withdraw(id_: Id, as_id: As) -> None:
    """Not agreed to, or not needed any more."""
    with acting(as_id, "disclosure withdraw") as viewer:
        viewer.object_id = id_
        disclosures.withdraw(viewer.session, id_, by=_human(viewer), now=viewer.now)
    show.line(f"{id_}: withdrawn")


@disclosure.command("list")
def list_disclosures(as_id: As, as_json: AsJson = False) -> None:
    """List the agency's, newest first: codes and times, nobody's name."""
    with acting(as_id, "disclosure list") as viewer:
        rows = [_shown(row) for row in disclosures.listed(viewer.session, _human(viewer))]
    columns = {"id": "Disclosure", "exception": "Exception", "recipient": "Recipient", "state": "State"}
    columns |= {"proposed_at": "Proposed", "decided_at": "Decided", "warning": "Warning"}
    show.listing(rows, columns, title="Disclosures", empty="nothing was disclosed", as_json=as_json)


@break_glass.command("open")
def open_(
    ref: Annotated[str, typer.Argument(help="The incident's reference.")],
    reason: Annotated[GlassReason, typer.Option(help="Why: a code, never a story.")],
    as_id: As,
    as_json: AsJson = False,
) -> None:
    """Open an incident's list for an hour, and show it. The clinical director hears of it at once."""
    with acting(as_id, "break-glass") as viewer:
        row = intake.by_ref(viewer.session, ref)
        viewer.object_id = row.id
        if row.agency != _human(viewer).agency:
            message = f"there is no incident {ref!r}; `cism incidents` lists them"
            raise NotFound(message)
        made = glass.broken(viewer.session, row, reason=reason, by=_human(viewer), now=viewer.now)
        found = glass.look(viewer.session, made.id, by=_human(viewer))[1]
        id_, until = made.id, moment(glass.ends_at(viewer.session, made))
    _people(found, id_, until, as_json=as_json)


@break_glass.command("look")
def look(id_: Id, as_id: As, as_json: AsJson = False) -> None:
    """Look once more, within the hour; every look is audited."""
    with acting(as_id, "look under glass") as viewer:
        made, found = glass.look(viewer.session, id_, by=_human(viewer))
        viewer.object_id = made.incident_id
        until = moment(glass.ends_at(viewer.session, made))
    _people(found, id_, until, as_json=as_json)


@break_glass.command("list")
def list_broken(as_id: As, as_json: AsJson = False) -> None:
    """List who looked, when, why and how often; for the clinical director and the coordinator."""
    with acting(as_id, "break-glass list") as viewer:
        agency = _human(viewer).agency
        viewer.require(Act.LIST_BROKEN_GLASS, agency)
        rows = [
            {
                "id": made.id,
                "incident": row.ref,
                "by": who.roster_id,
                "reason": made.reason.value,
                "broken_at": moment(made.broken_at),
                "reads": made.reads,
            }
            for made, row, who in glass.listed(viewer.session, agency)
        ]
    columns = {"id": "Look-up", "incident": "Incident", "by": "By", "reason": "Reason"}
    columns |= {"broken_at": "When", "reads": "Looks"}
    show.listing(rows, columns, title="Broken glass", empty="nobody looked", as_json=as_json)


def _human(viewer: Viewer) -> Person:
    assert viewer.person is not None  # noqa: S101 - `--as` is required by the commands of this module
    return viewer.person


def _warn(exception: str) -> None:
    warning = EXCEPTIONS[exception].warning
    if warning is not None:
        show.line(f"{exception}: {warning}")


def _people(found: list[glass.Reachable], id_: str, until: str | None, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"person_id": one.person_id, "circle": one.circle, "name": one.name, "phone": one.phone}
        for one in found
    ]
    columns = {"person_id": "ID", "circle": "Circle", "name": "Name", "phone": "Phone"}
    show.listing(
        rows, columns, title=f"{id_}, open until {until}", empty="nobody is on the list", as_json=as_json
    )


def _shown(row: Disclosure) -> dict[str, Any]:
    return {
        "id": row.id,
        "exception": row.exception,
        "recipient": row.recipient.value,
        "state": row.state.value,
        "proposed_at": moment(row.proposed_at),
        "decided_at": moment(row.decided_at),
        "warning": EXCEPTIONS[row.exception].warning,
    }
