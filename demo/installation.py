"""A whole installation for the demonstration: `cism up` as a child process, and the command line."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cism.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
_CISM = (sys.executable, "-c", "from cism.cli.main import app; app()")
_READY_WITHIN = 60.0
_PREFECT_WITHIN = 90.0


class DemoError(RuntimeError):
    """The demonstration itself could not go on; its words say why."""


class Installation:
    """Use as a context manager; on leaving, everything that it started is stopped."""

    def __init__(self, *, broken: str | None, home: Path | None = None) -> None:
        self._temporary = home is None
        self.home = home or Path(tempfile.mkdtemp(prefix="cism-demo-"))
        self.home.mkdir(parents=True, exist_ok=True)
        self.port, self.wall_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.wall_url = f"http://127.0.0.1:{self.wall_port}"
        self.settings = Settings(
            _env_file=None, home=self.home, clock="movable", wall_url=self.wall_url, public_url=self.url
        )
        self._before = dict(os.environ)
        self._set_environment(broken)
        self._up: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(30)
            except subprocess.TimeoutExpired:
                self._up.kill()
        os.chdir(ROOT)
        os.environ.clear()
        os.environ.update(self._before)
        if self._temporary and kind is None:
            shutil.rmtree(self.home, ignore_errors=True)

    def _set_environment(self, broken: str | None) -> None:
        """Nothing of the caller's own settings may reach this installation: no Twilio, no other Prefect."""
        for name in [name for name in os.environ if name.startswith(("CISM_", "PREFECT_", "TWILIO_"))]:
            del os.environ[name]
        os.environ.update(
            CISM_HOME=str(self.home),
            CISM_CLOCK="movable",
            CISM_WALL_URL=self.wall_url,
            CISM_PUBLIC_URL=self.url,
            DO_NOT_TRACK="1",
            PYTHONPATH=str(ROOT),
        )
        if broken:
            os.environ["CISM_BREAK_PROMISE"] = broken
        os.chdir(self.home)  # and no `.env` of the folder that this was started in

    def start(self) -> None:
        """Start all parts, and return when the pages and the phones answer."""
        with (self.home / "up.log").open("wb") as log:
            self._up = subprocess.Popen(  # noqa: S603 - our own interpreter
                [*_CISM, "up", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await(f"{self.url}/readyz", _READY_WITHIN)
        self._await(f"{self.wall_url}/wall/api/version", _READY_WITHIN)

    def await_prefect(self) -> None:
        """Return when Prefect's server answers, and the conductor and the worker have seen it."""
        deadline = time.monotonic() + _PREFECT_WITHIN
        for part, word in (("conductor", "prefect.ready"), ("worker", "worker.ready")):
            log = self.home / "logs" / f"{part}.log"
            while not log.exists() or word not in log.read_text(errors="replace"):
                self._check(deadline, "Prefect")
                _pause(0.2)

    def _await(self, url: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            self._check(deadline, url)
            _pause(0.1)

    def _check(self, deadline: float, what: str) -> None:
        told = (self.home / "up.log").read_text(errors="replace")
        if self._up is None or self._up.poll() is not None:
            message = f"`cism up` ended early: {told[-600:]}"
            raise DemoError(message)
        if time.monotonic() > deadline:
            message = f"{what} did not answer in time; logs are in {self.home / 'logs'}"
            raise DemoError(message)

    def cism(self, *args: str) -> Any:
        """One command of the command line, in this process; its JSON where `--json` is given."""
        from cism.cli.main import app

        out, err = io.StringIO(), io.StringIO()
        status: object = 0
        try:
            with redirect_stdout(out), redirect_stderr(err):
                app(list(args))
        except SystemExit as left:
            status = left.code
        if status not in (0, None):
            message = f"cism {' '.join(args[:2])}: {err.getvalue().strip() or status}"
            raise DemoError(message)
        return json.loads(out.getvalue()) if "--json" in args else out.getvalue()

    def metrics(self) -> dict[str, int]:
        """cism_acts_total by whether a flow orchestrated it."""
        text = self.http.get("/metrics").raise_for_status().text
        found = re.findall(r'^cism_acts_total\{orchestrated="(\w+)"\} ([0-9.e+]+)$', text, re.MULTILINE)
        return {label: int(float(value)) for label, value in found}

    def flow_runs(self) -> dict[str, int]:
        """Prefect's own count of flow runs that were ever begun, by state."""
        found = re.search(r"prefect\s+(http://\S+)", (self.home / "up.log").read_text())
        if found is None:
            message = "`cism up` did not say where Prefect is"
            raise DemoError(message)
        name, _, secret = (self.home / "prefect" / "auth").read_text().strip().partition(":")
        counts: dict[str, int] = {}
        with httpx.Client(base_url=f"{found[1]}/api", auth=(name, secret), trust_env=False) as prefect:
            while True:
                asked = {"limit": 200, "offset": sum(counts.values()), "sort": "ID_DESC"}
                runs = prefect.post("/flow_runs/filter", json=asked).raise_for_status().json()
                for run in runs:
                    counts[run["state_type"]] = counts.get(run["state_type"], 0) + 1
                if len(runs) < asked["limit"]:
                    return counts


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - waits for another process, in real time
