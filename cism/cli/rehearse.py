"""`cism rehearse`: prove a protocol, and play it in virtual time before anybody depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cism.cli import rehearse_input, rehearse_views, show
from cism.cli.loading import no_looking_for_garbage
from cism.cli.show import AsJson
from cism.clock import RealClock
from cism.domain.protocol import Protocol
from cism.domain.rehearsed import KEEP_IN_TOUCH, compare, parse_replies
from cism.services.rehearsal import Script
from cism.services.rehearsal import rehearse as play
from cism.services.rehearsal_ground import Fill


def rehearse(
    protocol: Annotated[str, typer.Argument(help="A protocol's key, or a file that ends in .yaml.")],
    incident: Annotated[
        Path | None,
        typer.Option(help="JSON as in POST /api/v1/incidents, with people of the roster."),
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="A roster, as `cism roster import` reads it.")] = None,
    own_roster: Annotated[
        bool, typer.Option("--own-roster", help="The people of this installation; only read.")
    ] = False,
    replies: Annotated[
        str | None,
        typer.Option(help="What people text back, as f1=2,P106:f3=3; by default opt_in=1 alone."),
    ] = None,
    diff: Annotated[
        str | None, typer.Option(metavar="OTHER", help="Another protocol: what it would change.")
    ] = None,
    what_if: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Reckon with many: affected=2000,decline=30%,sender=10dlc-low."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove a protocol, then play it in virtual time: who is texted what, and when. No phone is reached."""
    proved = rehearse_input.protocol(protocol)
    other = rehearse_input.protocol(diff) if diff else None
    said = KEEP_IN_TOUCH if replies is None else parse_replies(replies)
    sample = roster is None and not own_roster
    script = rehearse_input.script(incident, proved.key, RealClock().now(), sample=sample)
    fill = rehearse_input.roster(roster, proved.key if incident is None else "", own=own_roster)
    if what_if is not None:
        _reckon(what_if, proved, script, fill, as_json=as_json)
        return
    with show.progress("rehearsing"), no_looking_for_garbage():
        found = play(proved, script, fill, said)
        differs = compare(found, play(other, script, fill, said)) if other else []
    if other is not None:
        rehearse_views.tell_differences(differs, (proved, other), as_json=as_json)
    elif as_json:
        show.data(rehearse_views.document(proved, found))
    else:
        rehearse_views.tell(proved, found)


def _reckon(what_if: str, proved: Protocol, script: Script, fill: Fill, *, as_json: bool) -> None:
    """What many people would ask of the team."""
    # here, because a rehearsal that reckons nothing has no use for it
    from cism.cli import rehearse_surge
    from cism.domain.what_if import parse_what_if
    from cism.services.rehearsal_what_if import reckon

    given = parse_what_if(what_if)
    with show.progress("reckoning"):
        surge = reckon(proved, script, fill, given)
    rehearse_surge.tell(proved, given, surge, script.start, as_json=as_json)
