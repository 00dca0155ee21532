"""The web part as a process, and the one place that builds the way to the provider."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cism.clock import wait
from cism.services import clockwork
from cism.services.gateway import build_gateway
from cism.settings import Settings
from cism.store import migrate
from cism.store.db import Database
from notifications.twilio_gateway import TwilioGateway


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CISM_")}
    return kept | {"CISM_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def test_the_process_says_where_it_is_serves_on_loopback_and_ends_in_order(tmp_path: Path) -> None:
    db = Database.from_settings(Settings(home=tmp_path))
    migrate.upgrade(db)
    db.close()
    command = [sys.executable, "-m", "cism.web", "--port", "0"]
    process = subprocess.Popen(command, env=_environment(tmp_path), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.fullmatch(r"cism web at (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found is not None
        assert httpx.get(f"{found[1]}/healthz", timeout=60).json() == {"alive": True}
        assert httpx.get(f"{found[1]}/readyz", timeout=60).json()["migrations"] == "ok"
        assert _answers_after_a_pause(found[1], 6.0)  # a server's own habit is five seconds
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def _answers_after_a_pause(address: str, seconds: float) -> bool:
    """Whether a connection that lay idle for so long still takes a request, as a provider's may."""
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        for pause in (0.0, seconds):
            wait(pause)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.auto_open = 0  # never a second connection
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
    return True


def test_a_database_that_is_not_migrated_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cism.web", "--port", "0"]
    done = subprocess.run(
        command, env=_environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "cism web: The database is not migrated: run `cism db upgrade`."
    ]


def test_a_database_whose_clock_was_moved_is_not_served_in_real_time(tmp_path: Path) -> None:
    db = Database.from_settings(Settings(home=tmp_path, clock="movable"))
    migrate.upgrade(db)
    with db.transaction() as session:
        clockwork.set_instant(session, datetime(2026, 3, 2, 12, tzinfo=UTC))
    db.close()
    command = [sys.executable, "-m", "cism.web", "--port", "0"]
    done = subprocess.run(
        command, env=_environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("cism web: this database's clock was moved once: set CISM_CLOCK=movable")


async def test_without_twilio_the_gateway_speaks_to_the_phone_wall(tmp_path: Path) -> None:
    gateway = build_gateway(Settings(home=tmp_path, wall_url="http://127.0.0.1:18090"))
    try:
        assert isinstance(gateway, TwilioGateway)
        assert gateway._client.api.base_url == "http://127.0.0.1:18090"
        assert gateway._sender == "+12025550100"
        assert gateway._callback_base == "http://127.0.0.1:8080"
    finally:
        await gateway.aclose()


async def test_with_twilio_the_gateway_is_its_account_at_its_own_address(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        twilio_account_sid="AC" + "2" * 32,
        twilio_auth_token="secret-for-tests",
        twilio_from="+12025550111",
        twilio_urgent_from="+12025550112",
        public_url="https://cism.example.org",
    )
    gateway = build_gateway(settings)
    try:
        assert isinstance(gateway, TwilioGateway)
        assert gateway._client.api.base_url == "https://api.twilio.com"
        assert (gateway._sender, gateway._urgent_sender) == ("+12025550111", "+12025550112")
    finally:
        await gateway.aclose()


@pytest.mark.parametrize("port", ["65536", "99999999999999999999"])
def test_a_port_that_is_none_is_one_clear_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    from cism.web.__main__ import main

    assert main(["--port", port]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
