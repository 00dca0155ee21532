"""Figures of a year at a terminal: what may leave the team, and nothing by which somebody could be told."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cism.cli import show
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act
from cism.services import agencies, statistics

_COLUMNS = {"table": "Table", "of": "Of", "count": "Count"}
_HIDDEN = "not shown"


def statistics_(
    agency: Annotated[str, typer.Option(help="The agency's key, like metro-pd.")],
    year: Annotated[
        int | None, typer.Option(help="Which year, in UTC, that is over; without: the last one.")
    ] = None,
    as_id: AsId = None,
    as_json: AsJson = False,
) -> None:
    """Count a year for a report. Of 1 to 10, and of what would tell them, no figure is shown."""
    with acting(as_id, "statistics") as viewer:
        viewer.require(Act.SEE_STATISTICS, agency)
        viewer.object_id = agencies.get(viewer.session, agency).key
        found = statistics.report(viewer.session, agency, year)
    rows: list[dict[str, Any]] = [
        {"table": name, "of": of, "count": count}
        for name, table in found.tables.items()
        for of, count in (
            *table.cells.items(),
            *([] if name == statistics.PEOPLE else [("all", table.total)]),
        )
    ]
    if not as_json:
        rows = [row | {"count": _HIDDEN if row["count"] is None else row["count"]} for row in rows]
    show.listing(rows, _COLUMNS, title=f"{agency}, {found.year}", empty="nothing", as_json=as_json)
