"""Starting the parts: all of them together, or one process each."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cism.cli import ground, show
from cism.cli import up as supervisor
from cism.errors import DatabaseNotReady
from cism.services import clockwork
from cism.settings import WALL_NUMBER, Settings, load
from cism.store import migrate

Port = Annotated[int, typer.Option(min=1, max=65535, help="Where the pages and the API are served.")]


def up(port: Port = 8080) -> None:
    """Start all of it: database, Prefect, conductor, worker, web, and the phone wall without Twilio."""
    settings = load()
    with ground.unchecked(settings) as db, suppress(DatabaseNotReady):
        migrate.check(db)
        clockwork.refuse_real_clock(db)
    ground.refuse_bad_credentials(settings)
    raise typer.Exit(supervisor.up(settings, port, show.line))


def web(
    port: Port = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the pages, the API and the provider's webhooks: one process."""
    load()
    # in this process's place, so that a supervisor's signals reach it
    os.execv(  # noqa: S606 - our own module, no shell
        sys.executable, [sys.executable, "-m", "cism.web", "--host", host, "--port", str(port)]
    )


def phones(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="As in the address it is set to.")
    ] = None,
    faults: Annotated[
        str | None, typer.Option(help="For trials: what goes wrong by chance, as JSON or a file of it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What that chance is drawn from.")] = 0,
) -> None:
    """Put up the phone wall: it speaks Twilio's API, on this machine only; no real phone is reached."""
    settings = load()
    account, token = settings.wall_credentials()
    os.environ["WALL_AUTH_TOKEN"] = token  # an argument could be read by everybody on this machine
    # here, because a server takes half a second to import, and every other command does without it
    from notifications.phone_wall.__main__ import main as wall_main

    by_chance = () if faults is None else ("--faults", faults, "--seed", str(seed))
    raise typer.Exit(wall_main([*wall_arguments(settings, account, port), *by_chance]))


def wall_arguments(settings: Settings, account: str, port: int | None = None) -> list[str]:
    """The wall's own command line, without the token."""
    state: Path = settings.home / "wall.jsonl"
    listen = port or settings.wall_port
    return [
        *("--port", str(listen), "--account-sid", account, "--number", WALL_NUMBER),
        *("--inbound-url", f"{settings.public_url}/twilio/sms", "--state", str(state)),
        *("--help-answer", "twilio" if settings.help_answer == "twilio" else "none"),
    ]
