"""`cism`: every command in one place; what they do is in the modules beside this one."""

from __future__ import annotations

import typer

from cism.cli import (
    agency,
    auditing,
    backup,
    care,
    clock,
    incident_changes,
    incidents,
    languages,
    moves,
    offering,
    paper,
    parts,
    rehearse,
    replay,
    rules,
    staff,
    upkeep,
)
from cism.cli.root import OneLineGroup

app = typer.Typer(
    cls=OneLineGroup,
    help="Critical incidents: who is asked, who is looked after, and when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("up")(parts.up)
app.command("web")(parts.web)
app.command("phones")(parts.phones)
app.add_typer(upkeep.db, name="db")
app.add_typer(backup.app, name="backup")
app.add_typer(paper.app, name="paper")
app.add_typer(staff.app, name="roster")
app.add_typer(agency.app, name="agency")
app.command("log")(incidents.log)
incidents.listing.command("replay")(replay.replay)
app.add_typer(incidents.listing, name="incidents")
app.add_typer(incident_changes.app, name="incident")
app.command("accept")(incidents.accept)
app.command("stand-down")(incidents.stand_down)
app.command("close")(incidents.close)
app.command("end-contacts")(moves.end_contacts)
app.command("reopen")(incident_changes.reopen)
app.command("escalations")(care.list_escalations)
app.add_typer(care.escalation, name="escalation")
app.add_typer(care.session, name="session")
app.add_typer(care.human_queue, name="queue")
app.command("offers")(offering.list_offers)
app.add_typer(offering.offer, name="offer")
app.command("refer")(offering.refer)
app.command("doctor")(upkeep.doctor)
app.add_typer(auditing.app, name="audit")
app.command("purge")(upkeep.purge)
app.add_typer(upkeep.protocols, name="protocols")
app.add_typer(rules.types, name="types")
app.add_typer(languages.app, name="languages")
app.command("rehearse")(rehearse.rehearse)
app.add_typer(staff.token, name="token")
app.add_typer(clock.app, name="clock")

if __name__ == "__main__":
    app()
