"""How a Prefect server of our own is started, and how our processes find it. Imports no Prefect.

The figures behind the server's settings (two cores, Prefect 3.8.8, SQLite): with the task run recorder's own
batch of one, its writes collide with the creation of runs about every third time; the server then answers 503
and its client waits two seconds (first lines after 2.0-3.0 s). In batches that is rare, and a Retry-After
header (flows/prefect_app.py) makes what is left short: first lines after 0.11-0.30 s.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cism.settings import is_loopback

HOST = "127.0.0.1"

_SERVER: Mapping[str, str] = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",
    # a run a minute is planned ahead for minutes, not for an hour
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT5M",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "2",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
_CLIENT: Mapping[str, str] = {
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_API_REQUEST_TIMEOUT": "5",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    # names, parameters and states are all that Prefect gets: no log lines, and none of its own on our stderr
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
}


def auth_string(home: Path) -> str:
    """The secret of our own server, made on first use (mode 0600)."""
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "auth"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    fresh = f"cism:{secrets.token_urlsafe(24)}"
    with os.fdopen(handle, "w") as file:
        file.write(fresh + "\n")
    return fresh


def server_env(home: Path) -> dict[str, str]:
    """The environment of `prefect server start`: own database, a secret, nothing told to anybody."""
    folder = (home / "prefect").absolute()
    return {
        **_SERVER,
        "PREFECT_HOME": str(folder),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        "PREFECT_SERVER_API_AUTH_STRING": auth_string(home),
        "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    }


def client_env(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What to add to a process's environment before it imports Prefect; what is set already wins."""
    wanted = {**_CLIENT, "PREFECT_HOME": str((home / "prefect").absolute())}
    url = given.get("PREFECT_API_URL")
    if url and is_loopback(url):
        wanted["PREFECT_API_AUTH_STRING"] = auth_string(home)
    return {name: value for name, value in wanted.items() if name not in given}


def serve(home: Path, port: int) -> None:
    """Be the Prefect server, until stopped; the environment is set before Prefect is imported."""
    for name in [name for name in os.environ if name.startswith("PREFECT_API_")]:
        del os.environ[name]  # they are for clients
    os.environ.update(server_env(home))
    app = importlib.import_module("flows.prefect_app")
    app.run(HOST, port)
