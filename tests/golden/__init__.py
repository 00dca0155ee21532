"""Golden rehearsals: what each protocol does with its own incident, written down to be read by people.

`make golden` writes them anew; a change of them is reviewed by reading it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cism.cli import rehearse_input
from cism.cli.rehearse_views import header, local, summary, what
from cism.domain.protocol import load_protocol
from cism.domain.rehearsed import Met, Rehearsed, Said, Taken, masked, parse_replies
from cism.services.rehearsal import Script, rehearse
from tests.conftest import START

REPLIES = "invitation=1,opt_in=1"
"""What people say: they come to what they are invited to, and keep in touch; they let check-ins be."""
FOLDER = Path(__file__).parent
SILENT = frozenset({"contact", "contact_reminder", "contact_close", "peer_task", "peer_task_deadline"})
"""Steps that the texts tell already."""


def golden(key: str) -> str:
    """The rehearsal of a protocol with its own incident, as text."""
    protocol = load_protocol(key)
    script = rehearse_input.script(None, key, START, sample=True)
    found = rehearse(protocol, script, rehearse_input.roster(None, key, own=False), parse_replies(REPLIES))
    return "\n".join([*header(protocol), "", *_incident(script), *_texts(found), *_rest(found), ""])


def _incident(script: Script) -> Iterator[str]:
    report = script.report
    assert report is not None
    yield f"Incident: {report.type} {report.severity}, {report.agency}, logged {local(script.start, 'UTC')}"
    yield "Affected: " + ", ".join(f"{item.person_id} ({item.circle})" for item in report.affected)
    yield f"Replies: {REPLIES}"
    for item in script.later:
        told = ", ".join(f"{name} {value}" for name, value in item.changes.items())
        yield f"Later: {local(item.at, 'UTC')}: {told}"


def _texts(found: Rehearsed) -> Iterator[str]:
    day = ""
    for item in found.said:
        at = local(item.at, item.zone)
        if at[:14] != day:
            day = at[:14]
            yield ""
            yield day
        said = "answers" if item.answer else _said(item)
        yield f"  {at[15:]} {item.person} {said}"
        yield f"      {masked(item.text)}"


def _said(item: Said) -> str:
    night = ", asleep" if item.asleep else ""
    return f"{what(item.kind, item.point)} [{item.segments} {item.language}{night}]"


def _rest(found: Rehearsed) -> Iterator[str]:
    yield ""
    yield "Group sessions"
    yield from (f"  {_session(item)}" for item in found.met)
    yield ""
    yield "Steps beside the contacts"
    yield from (f"  {_step(item)}" for item in found.taken if item.kind not in SILENT)
    yield ""
    yield summary(found)


def _session(item: Met) -> str:
    at = f", {local(item.starts_at, 'UTC')}" if item.starts_at else ""
    reason = f", {item.reason}" if item.reason else ""
    return f"{item.kind}: {item.state}{at}{reason}"


def _step(item: Taken) -> str:
    about = f" {item.person}" if item.person else ""
    return f"{local(item.due_at, 'UTC')} {what(item.kind, item.point)}{about}: {item.outcome}"
