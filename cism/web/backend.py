"""What every request works with: the database, the settings, and the way from a commit to the provider."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from cism.services import outbox
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import Database, in_transaction, installation_key
from cism.web.background import Handover
from cism.web.throttle import Throttle

T = TypeVar("T")


class Backend:
    """One per application."""

    def __init__(self, db: Database, settings: Settings, courier: Courier | None) -> None:
        self.db, self.settings = db, settings
        self.handover = Handover(courier)
        self.forged_webhooks = 0
        self.care_held = False  # after a restore; looked at with every heartbeat
        self.codes = Throttle(5, 15 * 60)  # one-time codes, by address
        self.phones = Throttle(3, 15 * 60)  # sign-ins, by number and the address that asks
        self.askers = Throttle(60, 15 * 60)  # sign-ins, by address: a carrier puts many people behind one
        self._signing: bytes | None = None

    async def act(self, work: Callable[[Session], T]) -> T:
        """One transaction; what it put into the outbox is handed over after the commit.

        Two requests that make the same thing at once: the second one is done again, and finds it made.
        """
        try:
            return await self._once(work)
        except IntegrityError:
            return await self._once(work)

    async def tried(self, work: Callable[[Session], T]) -> T:
        """One writing transaction of which nothing is kept."""

        def trying() -> T:
            with self.db.thrown_away() as session:
                self.db.same_version(session)
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self.db.pool, trying)

    async def read(self, work: Callable[[Session], T]) -> T:
        """One reading transaction."""

        def reading() -> T:
            with self.db.read() as session:
                self.db.same_version(session)
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self.db.pool, reading)

    def tell_held(self, held: bool) -> None:
        """Whether care texts wait for a coordinator's word."""
        self.care_held = held

    async def signing_key(self) -> bytes:
        """The key of form tokens, derived from the installation's: every web process has the same."""
        if self._signing is None:
            index = await self.read(lambda session: installation_key(session, "index"))
            self._signing = hmac.new(index, b"web forms", hashlib.sha256).digest()
        return self._signing

    async def _once(self, work: Callable[[Session], T]) -> T:
        def together(session: Session) -> tuple[T, list[str]]:
            value = work(session)
            return value, outbox.taken_messages(session)[0]

        value, messages = await in_transaction(self.db, together)
        self.handover.take(messages)
        return value


def backend_of(connection: HTTPConnection) -> Backend:
    """The backend of the application that serves this request."""
    found: Backend = connection.app.state.backend
    return found
