"""The whole product as its own processes: conductor, worker, Prefect, phone wall, webhooks, real database."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench import people, surge
from cism.domain.incident import Circle, Severity
from cism.services import clockwork, intake
from cism.settings import WALL_NUMBER, Settings
from cism.store.db import Database, now
from cism.store.states import OutboxState
from cism.store.tables import Counter as Figures
from cism.store.tables import Outbox
from cism.web import webhooks
from cism.web.backend import Backend
from notifications.phone_wall.records import Message
from notifications.phone_wall.server import RunningWall, running, running_wall
from tests.conftest import VAULT_KEY
from tests.flows.conftest import PrefectServer, eventually

_READY = {"conductor": b"prefect.ready", "worker": b"worker.ready"}


def _is_ready(part: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    """Whether it says so; one that has ended never will, and its last words tell why."""
    said = log.read_bytes()
    assert process.poll() is None, said[-2000:].decode()
    return _READY[part] in said


class Parts:
    """Up for one test. `people.NOON`, a Monday, is where the clock begins."""

    def __init__(self, db: Database, home: Path, wall: RunningWall, web: str, prefect: PrefectServer) -> None:
        self.db, self.wall, self.home = db, wall, home
        self._started: list[subprocess.Popen[bytes]] = []
        keep = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CISM_"))
        }
        auth = (prefect.home / "prefect" / "auth").read_text().strip()
        self._env = keep | {
            "CISM_HOME": str(home),
            "CISM_DATABASE_URL": db.url,
            "CISM_VAULT_KEYS": base64.urlsafe_b64encode(VAULT_KEY).decode(),
            "CISM_CLOCK": "movable",
            "CISM_WALL_URL": wall.url,
            "CISM_PUBLIC_URL": web,
            "CISM_PERFORM_DUE_SECONDS": "5",
            "PREFECT_API_URL": prefect.url,
            "PREFECT_API_AUTH_STRING": auth,
        }

    # --- processes

    def start(self, part: str, *, patient: bool = False, **env: str) -> subprocess.Popen[bytes]:
        """A part, once it is ready to work with Prefect; a patient one waits for each run."""
        log = self.home / f"{part}-{len(self._started)}.log"
        module = "tests.flows.patient" if patient else "flows"
        command = [sys.executable, "-m", module, *([part] if part == "worker" else [])]
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=self._env | env, stdout=out, stderr=out)
        self._started.append(process)
        eventually(lambda: _is_ready(part, process, log), 90, f"{part} is ready")
        return process

    def end(self) -> None:
        """Stop whatever is left, in order: the next test has the same Prefect server."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- what happens

    def wave(self, check_ins: int) -> None:
        """So many check-ins fall due at this moment."""
        with self.db.transaction() as session:
            surge.log_waiting(session, check_ins)
        self.go_on(timedelta(hours=24, minutes=1))

    def say(self, number: str, body: str) -> None:
        """A handset texts our number."""
        said = {"body": body, "to": WALL_NUMBER}
        answer = httpx.post(
            f"{self.wall.url}/wall/api/handsets/{number}/say", json=said, timeout=60, trust_env=False
        )
        answer.raise_for_status()

    def go_on(self, span: timedelta) -> None:
        """Product time jumps."""
        with self.db.transaction() as session:
            clockwork.move_to(session, now(session) + span, "test")

    def log(self, *affected: str) -> str:
        """A serious incident was logged; returns its id."""
        with self.db.transaction() as session:
            moment = now(session)
            rows = tuple(intake.AffectedInput(person_id=key, circle=Circle.A) for key in affected)
            report = intake.IncidentInput(
                type="THREAT",
                agency=people.AGENCY,
                severity=Severity.S2,
                occurred_at=moment - timedelta(hours=1),
                ended_at=moment - timedelta(minutes=30),
                affected=rows,
            )
            return intake.log(session, report).id

    # --- what is seen

    def texts(self) -> list[Message]:
        """What reached the provider."""
        return [one for one in list(self.wall.app_state.store.messages) if not one.is_inbound]

    def paged_for(self, incident_id: str) -> bool:
        """Whether a page for this incident was taken."""
        query = select(Outbox.id).where(
            Outbox.incident_id == incident_id, Outbox.kind == "page", Outbox.sid.is_not(None)
        )
        return self.see(lambda session: session.scalar(query.limit(1))) is not None

    def states(self, kind: str) -> Counter[OutboxState]:
        """How many messages of a kind are where."""
        query = select(Outbox.state).where(Outbox.kind == kind)
        return Counter(self.see(lambda session: session.scalars(query).all()))

    def orchestrated(self) -> tuple[int, int]:
        """Acts in Prefect runs, and all acts."""
        query = select(Figures).where(Figures.name == "cism_acts_total")
        found = self.see(lambda session: {row.label: row.value for row in session.scalars(query)})
        return found.get("true", 0), sum(found.values())

    def see(self, work: Callable[[Session], Any]) -> Any:
        """One reading transaction."""
        with self.db.read() as session:
            return work(session)

    def doubled(self) -> list[str]:
        """Bodies that one phone got twice in the same words."""
        seen = Counter((one.to, one.body) for one in self.texts())
        return [body for (_, body), times in seen.items() if times > 1]


@contextmanager
def parts(
    db: Database, home: Path, prefect: PrefectServer, responders: int, roster: str | None = None
) -> Iterator[Parts]:
    """Everything but conductor and worker is up; `roster` is a file of people instead of so many."""
    app = FastAPI(openapi_url=None)
    app.include_router(webhooks.router)
    with ExitStack() as stack:
        web = stack.enter_context(running(app))
        settings = Settings(home=home, public_url=web, clock="movable", _env_file=None)  # type: ignore[call-arg]
        app.state.backend = Backend(db, settings, None)
        account, token = settings.wall_credentials()
        wall = stack.enter_context(
            running_wall(
                inbound_url=f"{web}/twilio/sms", account_sid=account, auth_token=token, answer_seconds=0.02
            )
        )
        with db.transaction() as session:
            people.settle_in(session, roster or people.roster_file(12, responders))
        made = Parts(db, home, wall, web, prefect)
        stack.callback(made.end)
        yield made
