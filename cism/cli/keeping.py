"""How long things are kept: what the night will remove, what it removed, and what a legal hold keeps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cism.cli import show
from cism.cli.show import AsJson, moment
from cism.cli.viewer import AsId, Viewer, acting
from cism.domain.access import Act
from cism.domain.retention import CLASSES, HoldReason, Kept, LiftReason
from cism.errors import BadInput, CismError
from cism.services import legal_holds, retention
from cism.store.tables import Incident, LegalHold

hold = typer.Typer(help="Legal holds: records that retention leaves as they are.", no_args_is_help=True)
_COLUMNS = {"what": "What", "count": "Rows", "oldest": "Oldest", "newest": "Newest", "says": "Which is"}


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; the nights do the rest.")] = False,
    proof: Annotated[bool, typer.Option("--proof", help="What the nights removed, newest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count what retention would remove now, or show what it removed. It runs every night by itself."""
    if dry_run == proof:
        message = (
            "retention runs by itself every night; `cism purge --dry-run` counts what it would remove now, "
            "`cism purge --proof` shows what it removed"
        )
        raise CismError(message)
    if proof:
        _proofs(as_json=as_json)
        return
    with acting(None, "purge --dry-run") as viewer:
        found = retention.run(viewer.session, viewer.now, dry_run=True)
    rows = [{"what": kept.value, **item.facts(), "says": CLASSES[kept].says} for kept, item in found.items()]
    show.listing(rows, _COLUMNS, title="Retention", empty="nothing", as_json=as_json)


def _proofs(*, as_json: bool) -> None:
    with acting(None, "purge --proof") as viewer:
        found = retention.proofs(viewer.session)
    rows = [
        {"at": moment(one.at), "what": name, **facts, "holds": one.holds}
        for one in found
        for name, facts in one.facts["removed"].items()
        if facts["count"] or as_json
    ]
    columns = {"at": "Night", "what": "What", "count": "Rows", "oldest": "Oldest", "newest": "Newest"}
    show.listing(
        rows, columns | {"holds": "As written"}, title="Removed", empty="nothing yet", as_json=as_json
    )
    if not all(one.holds for one in found):
        message = "a record of what was removed was altered; `cism audit verify` says more"
        raise CismError(message)


@hold.command("list")
def list_holds(as_json: AsJson = False) -> None:
    """List the holds that are not lifted."""
    with acting(None, "hold list") as viewer:
        rows = [_shown(viewer, row) for row in legal_holds.open_holds(viewer.session)]
    columns = {"id": "Hold", "incident": "Incident", "class": "Class", "reason": "Reason", "set_at": "Since"}
    show.listing(rows, columns, title="Legal holds", empty="nothing is held", as_json=as_json)


@hold.command("set")
def set_hold(
    reason: Annotated[HoldReason, typer.Option(help="Why: a code, never a story.")],
    incident: Annotated[
        str | None, typer.Option(metavar="REF", help="Everything of this incident and its people.")
    ] = None,
    kept: Annotated[
        Kept | None, typer.Option("--class", help="Of it, or of the whole installation, this class alone.")
    ] = None,
    as_id: AsId = None,
) -> None:
    """Keep records as they are until the hold is lifted. Who may see them does not change."""
    with acting(as_id, "hold set") as viewer:
        if incident is None and kept is None:
            message = "say what is held: --incident REF, --class CLASS, or both"
            raise BadInput(message)
        row = viewer.incident(incident) if incident is not None else None
        viewer.require(Act.HOLD_RECORDS, row.agency if row is not None else _own(viewer), incident=row)
        made = legal_holds.begin(
            viewer.session,
            incident_id=row.id if row is not None else None,
            kept=kept,
            reason=reason,
            by=viewer.person_id,
            now=viewer.now,
        )
        viewer.object_id = made.id
    show.line(f"{made.id}: held")


@hold.command("lift")
def lift(
    id_: Annotated[str, typer.Argument(help="The id in the listing.")],
    reason: Annotated[LiftReason, typer.Option(help="Why: a code, never a story.")],
    as_id: AsId = None,
) -> None:
    """End a hold: what is past its time goes in the next night."""
    with acting(as_id, "hold lift") as viewer:
        viewer.object_id = id_
        row = viewer.session.get(LegalHold, id_)
        found = viewer.session.get(Incident, row.incident_id) if row is not None and row.incident_id else None
        viewer.require(Act.HOLD_RECORDS, found.agency if found is not None else _own(viewer), incident=found)
        legal_holds.lift(viewer.session, id_, reason=reason, by=viewer.person_id, now=viewer.now)
    show.line(f"{id_}: lifted")


def _own(viewer: Viewer) -> str | None:
    return viewer.person.agency if viewer.person is not None else None


def _shown(viewer: Viewer, row: LegalHold) -> dict[str, Any]:
    found = viewer.session.get(Incident, row.incident_id) if row.incident_id else None
    return {
        "id": row.id,
        "incident": found.ref if found is not None else None,
        "class": row.kept.value if row.kept else None,
        "reason": row.reason.value,
        "set_at": moment(row.set_at),
    }
