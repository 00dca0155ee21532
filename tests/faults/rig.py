"""The real performer and courier in this process, between a real phone wall and real webhooks over HTTP.

Real time can be skipped, for the product and for the provider at once: what both agree on passes, without
that anybody waits for it. Product time goes with it. Processes of their own are for other cases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench import people, surge
from cism.cli.up import free_port
from cism.clock import RealClock, monotonic, wait
from cism.services import engine
from cism.services import people as roster
from cism.services.delivery import Courier
from cism.settings import WALL_NUMBER
from cism.store.db import Database, now
from cism.store.states import CallState, OutboxState
from cism.store.tables import Outbox, PhoneCall
from cism.web import webhooks
from cism.web.backend import Backend
from demo.checking.words import Kind, kind_of
from notifications.gateway import SendError
from notifications.phone_wall.fault_plan import FaultPlan
from notifications.phone_wall.server import running
from notifications.twilio_gateway import TwilioGateway
from tests.faults.ground import Ground
from tests.faults.ground import Kind as Store

PATIENCE = 10.0  # seconds until an answer that never comes is given up, as in earnest
GIVEN_UP_SOON = 1.5  # the same where answers are lost on purpose; elsewhere a busy machine is no fault
_STEP = 2.0  # seconds that are skipped at a time, where nothing is to be done
_SETTLE_EVERY, _SWEEP_EVERY, _SWEEP_RETRY = 5.0, 60.0, 5.0  # as the conductor does
_ON_ITS_WAY = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)
_CALLS_ON_THEIR_WAY = (CallState.PENDING, CallState.DIALING, CallState.UNKNOWN)


class SkippedClock:
    """The machine's clock, and what was skipped."""

    def __init__(self) -> None:
        self._real = RealClock()
        self.skipped = timedelta(0)

    def now(self) -> datetime:
        """The present instant of real time, as product and provider know it."""
        return self._real.now() + self.skipped


class Rig:
    """One seed's product and provider."""

    def __init__(
        self,
        ground: Ground,
        store: Store,
        *,
        check_ins: int = 0,
        rate: float | None = None,
        at_once: int = 20,
        web_process: bool = False,
        time_out: float = PATIENCE,
        **wall: Any,
    ) -> None:
        """`web_process`: webhooks are received by the real web process, and no real time is skipped.

        `time_out`: seconds until an answer of the provider is given up.
        """
        self.clock = SkippedClock()
        self.url = ground.prepared(store, lambda db: _settle_in(db, check_ins), "rig", check_ins)
        self.ground = ground
        self.db: Database = ground.open(self.url, clock=self.clock)
        if web_process:
            self._beside_a_web_process(wall)
        else:
            self._with_webhooks_here(rate, wall)
        self._runner = ground.enter(asyncio.Runner())
        self.courier = Courier(self.db, self._gateway(time_out), self.settings, at_once=at_once)
        ground.on_end(lambda: self._runner.run(self.courier.aclose()))
        self._settled = self.clock.now() - timedelta(hours=1)
        self._sweep_from, self._unread = self._settled, False

    def _with_webhooks_here(self, rate: float | None, wall: dict[str, Any]) -> None:
        app = FastAPI(openapi_url=None)
        app.include_router(webhooks.router)
        web_url = self.ground.enter(running(app))
        self.settings = self.ground.settings(public_url=web_url, sms_rate=rate)
        app.state.backend = Backend(self.db, self.settings, None)
        self.db.public_url = web_url
        self.wall = self.ground.wall(**self._config(web_url), **wall)

    def _beside_a_web_process(self, wall: dict[str, Any]) -> None:
        port = free_port()
        web_url = f"http://127.0.0.1:{port}"
        self.settings = self.ground.settings(public_url=web_url)
        self.db.public_url = web_url
        self.wall = self.ground.wall(**self._config(web_url), **wall)
        for mark in self.settings.home.glob("*.seen"):  # of another copy of the same prepared database
            mark.unlink()
        self.ground.web(self.url, self.wall.url, port=port)

    def _config(self, web_url: str) -> dict[str, Any]:
        return {"step_seconds": 0.0, "inbound_url": f"{web_url}/twilio/sms", "clock": self.clock.now}

    # --- what goes wrong

    def faults(self, plan: dict[str, Any], seed: int = 0) -> None:
        """Let things go wrong by this plan from now on."""
        FaultPlan(plan)  # says what is wrong with it in words
        self.wall.ask("POST", "/faults", {"plan": plan, "seed": seed})

    def injected(self) -> dict[str, Any]:
        """What the wall says that it injected."""
        return self.wall.ask("GET", "/injected")

    # --- time

    def skip(self, seconds: float) -> None:
        """Let so much real time have passed."""
        self.clock.skipped += timedelta(seconds=seconds)

    def product_now(self) -> datetime:
        """Product time."""
        with self.db.read() as session:
            return now(session)

    # --- work

    def turn(self) -> int:
        """What a conductor does in one round; returns how much was done."""
        done = 0
        with self.db.transaction() as session:
            done += engine.run_due(session).steps
        done += self._run(self.courier.deliver())
        if self.clock.now() - self._settled >= timedelta(seconds=_SETTLE_EVERY):
            self._settled = self.clock.now()
            done += self._run(self.courier.settle())
        if self.clock.now() >= self._sweep_from:
            done += self._sweep()
        return done

    def _sweep(self) -> int:
        self._unread = True  # until it was listed, there may be texts that nobody has read: no rest yet
        self._sweep_from = self.clock.now() + timedelta(seconds=_SWEEP_RETRY)
        with suppress(SendError):  # a provider that is away is listed again soon, as the house does
            done = self._run(self.courier.sweep_inbound())
            self._unread = False
            self._sweep_from += timedelta(seconds=_SWEEP_EVERY - _SWEEP_RETRY)
            return done
        return 0

    def until_rest(self, within: float = 900.0) -> float:
        """Go on until nothing is on its way, skipping where there is only to wait; the seconds it took.

        `within`: seconds of that time, after which whatever is still on its way stays there.
        """
        begun = self.clock.now()
        while True:
            done = self.turn()
            passed = (self.clock.now() - begun).total_seconds()
            if not done and not self._on_its_way():
                self._let_arrive()
                if not self.turn() and not self._on_its_way():
                    return passed
            if passed > within:
                return passed
            if not done:
                self.skip(_STEP)

    def for_seconds(self, seconds: float) -> None:
        """Go on for so long, skipping where there is only to wait."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < until:
            if not self.turn():
                self.skip(_STEP)

    def _run(self, work: Any) -> int:
        return int(self._runner.run(work))

    def _on_its_way(self) -> bool:
        if self._unread:
            return True
        with self.db.read() as session:
            moment = now(session)
            texts = select(Outbox.id).where(Outbox.state.in_(_ON_ITS_WAY), Outbox.not_before <= moment)
            calls = select(PhoneCall.id).where(PhoneCall.state.in_(_CALLS_ON_THEIR_WAY))
            return session.scalar(texts.limit(1)) is not None or session.scalar(calls.limit(1)) is not None

    def _let_arrive(self, within: float = 10.0) -> None:
        """Until the wall has nothing under way any more, and all that it told was answered."""
        until = monotonic() + within
        while monotonic() < until and self._wall_is_at_it():
            wait(0.02)
        wait(0.1)

    def _wall_is_at_it(self) -> bool:
        seen = self.wall.export()
        moving = ("accepted", "queued", "sending")
        return bool(seen["webhooks_on_their_way"]) or any(one["status"] in moving for one in seen["messages"])

    def _gateway(self, time_out: float) -> TwilioGateway:
        account, token = self.settings.wall_credentials()
        return TwilioGateway(
            account_sid=account,
            auth_token=token,
            sender=WALL_NUMBER,
            messaging_service_sid=None,
            urgent_sender=None,
            base_url=self.wall.url,
            status_callback_base=self.settings.public_url,
            timeout=time_out,
        )

    def states(self) -> dict[str, int]:
        """What the product knows of its texts, by state: for what is about knowing, never for counting."""
        with self.db.read() as session:
            rows = session.execute(select(Outbox.state, func.count()).group_by(Outbox.state))
            return {state.value: count for state, count in rows}

    # --- who and what

    def phone(self, key: str) -> str:
        """Somebody's number."""
        return self.phones([key])[key]

    def phones(self, keys: Iterable[str]) -> dict[str, str]:
        """Numbers by key."""
        with self.db.read() as session:
            found = {key: roster.by_roster_id(session, people.AGENCY, key) for key in keys}
            return {key: row.phone for key, row in found.items() if row is not None and row.phone}

    def check_ins_due(self, minutes: int = 2) -> None:
        """Go to where the check-ins of the prepared people are due."""
        surge.move(self.db, minutes)

    def got(self, kind: Kind, but: Collection[str] = ()) -> list[dict[str, Any]]:
        """Texts of this kind that the provider accepted and a handset got."""
        return [
            one
            for one in self.wall.texts()
            if kind_of(one["body"]) is kind and one["arrived_at"] and one["to"] not in but
        ]


def _settle_in(db: Database, check_ins: int) -> None:
    def write(session: Session) -> None:
        people.settle_in(session, people.roster_file(12, max(12, check_ins)))
        if check_ins:
            surge.log_waiting(session, check_ins)

    with db.transaction() as session:
        write(session)
