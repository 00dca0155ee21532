"""`cism`: every command in one place; what they do is in the modules beside this one.

A module is loaded when its command is wanted: most of what a command takes on a small machine is loading.
"""

from __future__ import annotations

from typing import Any, Final

import typer

from cism.cli.loading import Commands
from cism.cli.root import OneLineGroup

_WHERE: Final = {
    "up": "parts:up",
    "web": "parts:web",
    "phones": "parts:phones",
    "log": "incidents:log",
    "accept": "incidents:accept",
    "stand-down": "incidents:stand_down",
    "close": "incidents:close",
    "end-contacts": "moves:end_contacts",
    "reopen": "incident_changes:reopen",
    "escalations": "care:list_escalations",
    "offers": "offering:list_offers",
    "refer": "offering:refer",
    "doctor": "upkeep:doctor",
    "purge": "keeping:purge",
    "rehearse": "rehearse:rehearse",
    "db": "upkeep:db",
    "backup": "backup:app",
    "keys": "keys:app",
    "erasures": "keys:list_erasures",
    "paper": "paper:app",
    "roster": "moves:app",
    "agency": "agency:app",
    "statistics": "statistics:statistics_",
    "on-call": "on_call:app",
    "incidents": "replay:listing",
    "incident": "incident_changes:app",
    "escalation": "care:escalation",
    "session": "care:session",
    "queue": "care:human_queue",
    "offer": "offering:offer",
    "audit": "auditing:app",
    "hold": "keeping:hold",
    "disclosure": "outside:disclosure",
    "break-glass": "outside:break_glass",
    "protocols": "rules:protocols",
    "types": "rules:types",
    "languages": "languages:app",
    "token": "staff:token",
    "clock": "clock:app",
}
"""Where each command is, in the order of `cism --help`: a module beside this one, and its name in it.

Where several modules add to a group, the one that is loaded last and so has it whole.
"""


class _Cism(OneLineGroup):
    """The top of the command line."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Commands(_WHERE)


app = typer.Typer(
    cls=_Cism,
    help="Critical incidents: who is asked, who is looked after, and when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _any() -> None:
    pass  # typer makes no group without one: the commands are not registered, they are loaded when wanted


if __name__ == "__main__":
    app()
