"""A department in one process: the real application over a file of its own; texts arrive, time passes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cism.services import engine, outbox, roster
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store import seal
from cism.store.db import Database, now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Question
from cism.web.app import create_app
from notifications.render import render
from tests.conftest import START, VAULT_KEY, FakeClock
from tests.web.conftest import ROSTER, TOKEN, RememberingCourier, Site

_ROUNDS = 500


def wall_settings(home: Path, **more: Any) -> Settings:
    """Settings of a trial: the phone wall, with a token that the tests know; nothing of this machine."""
    home.mkdir(exist_ok=True)
    (home / "wall.credentials").write_text(f"AC{'1' * 32}:{TOKEN}\n")
    return Settings(home=home, public_url="http://cism.test", _env_file=None, **more)  # type: ignore[call-arg]


def settle(db: Database, roster_text: str = ROSTER) -> None:
    """Everybody is on the roster, and their numbers were confirmed long ago."""
    with db.transaction() as session:
        roster.import_file(session, roster_text, START)
        engine.beat(session, "worker")
        for row in session.scalars(select(Person)):
            row.phone_confirmed_at = row.first_text_at = START - timedelta(days=90)


@asynccontextmanager
async def opened(url: str, clock: FakeClock, home: Path) -> AsyncIterator[Site]:
    """The application over this database; closed at the end."""
    db = Database(url, clock=clock, threads=2)
    fast(db)
    settings = wall_settings(home)
    db.public_url = settings.public_url
    courier = RememberingCourier()
    app = create_app(db, settings, cast(Courier, courier))
    app.router.lifespan_context = without_heartbeat  # it beats in real time, between whatever is asked
    transport = httpx.ASGITransport(app=app)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://cism.test") as client,
        ):
            yield Site(db, settings, courier, client, clock, app.state.backend)
    finally:
        await app.state.backend.handover.finish()
        db.close()


def go_to(site: Site, moment: datetime, humans: Callable[[Site], None] = lambda _site: None) -> None:
    """Let time pass, from one due moment to the next; every text arrives, and the humans do their part."""
    while True:
        rest(site)
        humans(site)
        rest(site)
        with site.db.read() as session:
            following = engine.next_due(session)
        if following is None or following > moment:
            break
        site.clock.set(max(following, site.clock.at))
    site.clock.set(moment)
    rest(site)


def rest(site: Site) -> None:
    """Perform what is due and let what leaves arrive, until nothing is left to do."""
    for _ in range(_ROUNDS):
        with site.db.transaction() as session:
            steps = engine.run_due(session).steps
            sent = _arrive(session)
        if not steps and not sent:
            return
    raise AssertionError("it never comes to rest")


def _arrive(session: Session) -> int:
    ready = list(session.scalars(select(Outbox).where(*engine.outbox_ready(now(session), real_now(session)))))
    for row in ready:
        row.state, row.sent_at = OutboxState.DELIVERED, now(session)
        row.sent_real = row.claimed_real = real_now(session)
    return len(ready)


def open_questions(site: Site, kind: str, key: str | None = None) -> list[Question]:
    """What is asked of people and not answered yet."""
    found = site.rows(select(Question).where(Question.kind == kind, Question.state == "open"))
    return [row for row in found if key is None or row.person_id == site.id_of(key)]


async def answer(site: Site, key: str, kind: str, digit: str) -> None:
    """Somebody answers the newest question of this kind that is open to them; nothing where there is none."""
    asked = open_questions(site, kind, key)
    if asked:
        await site.text(key, f"{digit} {asked[-1].code}" if asked[-1].code else digit)
        rest(site)


def texts_to(site: Site, key: str) -> list[tuple[str, str, datetime]]:
    """Every text that reached somebody, as the handset shows it: kind, words, when."""
    rows = site.rows(
        select(Outbox).where(Outbox.person_id == site.id_of(key), Outbox.state == OutboxState.DELIVERED)
    )
    rows.sort(key=lambda row: (row.sent_at or row.made_at, row.id))
    return [(row.kind, words_of(row), row.sent_at or row.made_at) for row in rows]


def words_of(row: Outbox) -> str:
    """The words of a text; of one whose fields are gone already, nothing."""
    if row.redacted:
        return ""
    return render(outbox.message_of(row), row.language)


@contextlib.contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """Every statement that the database is given in this block: an answer waits for these."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@asynccontextmanager
async def without_heartbeat(_app: FastAPI) -> AsyncIterator[None]:
    """The application without what it does by itself."""
    yield


def fast(db: Database) -> None:
    """Nothing here must survive a power cut."""
    if db.is_sqlite:
        event.listen(db.engine, "connect", _no_sync)


@contextlib.contextmanager
def keys() -> Iterator[None]:
    """The vault keys of tests, for a fixture that is wider than one test."""
    seal.use(seal.Keyring([VAULT_KEY]))
    yield


def _no_sync(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()
