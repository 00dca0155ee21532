"""`cism types list`, `cism protocols list`: what can be chosen, and what stands behind it."""

from __future__ import annotations

from typing import Annotated

import typer

from cism.cli import ground, show
from cism.cli.show import AsJson
from cism.cli.upkeep import protocols
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.people import Discipline
from cism.domain.protocol import load_protocol, protocol_keys, shipped_keys

types = typer.Typer(help="Types of critical incident.", no_args_is_help=True)
_TYPE = {
    "type": "Type",
    "label": "What it is",
    "severity": "Severity",
    "interventions": "Meant for it",
    "protocol": "Suggested protocol",
    "basis": "Basis",
}
_PROTOCOL = {"key": "Protocol", "version": "Version", "title": "Title", "evidence_note": "Evidence"}


@types.command("list")
def list_types(
    discipline: Annotated[Discipline | None, typer.Option(help="Of one discipline alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every type, also the installation's own: severity, what is meant for it, and what stands behind it."""
    with ground.unchecked():
        rows = [
            {
                "type": kind.code,
                "label": kind.label,
                "severity": kind.severity.value,
                "disciplines": sorted(kind.disciplines),
                "interventions": ", ".join(sorted(kind.interventions)),
                "protocol": kind.protocol,
                "basis": kind.basis.value,
                "sources": list(kind.sources),
            }
            for kind in INCIDENT_TYPES.values()
            if discipline is None or discipline in kind.disciplines
        ]
    show.listing(rows, _TYPE, title="Types of incident", empty="none", as_json=as_json)
    if not as_json:
        show.line("severities are a design of this product: no authority publishes a scale")


@protocols.command("list")
def list_protocols(as_json: AsJson = False) -> None:
    """Every protocol that can be chosen, also the installation's own, with its evidence."""
    with ground.unchecked():
        rows = [
            {
                "key": found.key,
                "version": found.version,
                "title": found.title,
                "origin": "shipped" if found.key in shipped_keys() else "own",
                "evidence_note": found.evidence_note,
                "sources": list(found.sources),
            }
            for found in map(load_protocol, protocol_keys())
        ]
    show.listing(rows, _PROTOCOL, title="Protocols", empty="none", as_json=as_json)
