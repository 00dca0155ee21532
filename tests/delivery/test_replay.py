"""Traces of the model on the real engine: after every act both say the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, text, update
from sqlalchemy.orm import Session

from cism.services import delivery, second_tries, sending_order, settling
from cism.store import seal
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications import twilio_gateway
from notifications.gateway import ListedMessage, SendError, SendFailure
from tests.conftest import VAULT_KEY
from tests.delivery.engine import Engine
from tests.delivery.over_wall import over_wall
from tests.delivery.replay import follow, no_spread
from tests.delivery.strategies import trace
from tests.services.world import World

twilio_gateway_failure = twilio_gateway._failure
SHORT = range(24)  # in every run; `CISM_MODEL_SEEDS=0:3000` for as many as you like
FINDING = (19, 142, 330, 714)  # traces in which each planted bug would show
OVER_THE_WALL = range(6)  # `CISM_WALL_SEEDS=0:500` for more; `make faults` has a case of them
FOUND_OVER_THE_WALL = (0, 10)
ON_POSTGRESQL = range(500, 503)


@pytest.fixture(autouse=True)
def _no_spread() -> Iterator[None]:
    with no_spread():
        yield


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everybody on the roster."""
    seal.use(seal.Keyring([VAULT_KEY]))
    path = tmp_path_factory.mktemp("model") / "cism.db"
    shutil.copyfile(sqlite_template, path)
    world = World(f"sqlite:///{path}")
    with world.db.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    world.close()
    return path


def seeds() -> range:
    asked = os.environ.get("CISM_MODEL_SEEDS")
    return range(*map(int, asked.split(":"))) if asked else SHORT


def over_the_wall() -> range:
    asked = os.environ.get("CISM_WALL_SEEDS")
    return range(*map(int, asked.split(":"))) if asked else OVER_THE_WALL


@pytest.mark.parametrize("seed", seeds())
def test_the_engine_does_what_the_model_does(prepared: Path, tmp_path: Path, seed: int) -> None:
    world = _copy(prepared, tmp_path, seed)
    try:
        follow(trace(seed), Engine(world))
    finally:
        world.close()


@pytest.mark.parametrize("seed", ON_POSTGRESQL)
def test_and_so_it_does_on_postgresql(postgres_url: str, seed: int) -> None:
    world = World(postgres_url)
    try:
        follow(trace(seed), Engine(world))
    finally:
        world.close()


@pytest.mark.parametrize("seed", over_the_wall())
def test_and_so_it_does_over_http_with_the_phone_wall(prepared: Path, tmp_path: Path, seed: int) -> None:
    world = _copy(prepared, tmp_path, seed)
    try:
        with over_wall(world, tmp_path) as engine:
            follow(trace(seed), engine)
    finally:
        world.close()


def _copy(prepared: Path, folder: Path, seed: int) -> World:
    copy = folder / f"{seed}.db"
    shutil.copyfile(prepared, copy)
    return World(f"sqlite:///{copy}")


def _sends_again(session: Session) -> list[tuple[str, str, str, object]]:
    """A bug: what a dead process left is simply sent again."""
    stale = real_now(session) - delivery.SEND_TIME_OUT
    rows = (Outbox.state == OutboxState.SENDING, Outbox.claimed_real < stale)
    session.execute(update(Outbox).where(*rows).values(state=OutboxState.PENDING))
    return []


def _no_rivals(row: Outbox) -> tuple[ColumnElement[bool], ...]:
    """A bug: a listed message settles the first that it fits."""
    return (Outbox.id == row.id,)


def _never_tries_again(*_: object) -> None:
    """A bug: no second try."""


def _in_any_order(_session: Session, rows: list[Any], _real: object) -> list[Any]:
    """A bug: nothing waits for an earlier one."""
    return rows


@pytest.mark.parametrize(
    ("module", "name", "bug"),
    [
        (delivery, "_unsettled", _sends_again),
        (settling, "_may_be_its_copy", _no_rivals),
        (second_tries, "plan", _never_tries_again),
        (sending_order, "in_order", _in_any_order),
    ],
)
def test_a_bug_planted_in_the_engine_is_found(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, bug: object
) -> None:
    monkeypatch.setattr(module, name, bug)
    for seed in FINDING:
        world = _copy(prepared, tmp_path, seed)
        try:
            follow(trace(seed), Engine(world))
        except AssertionError:
            return
        finally:
            world.close()
    pytest.fail("nothing was found")


def _taken_for_refused(error: Exception) -> SendError:
    """A bug: what nobody knows is taken for what the provider surely did not take."""
    found = twilio_gateway_failure(error)
    return SendError(SendFailure.RETRY) if found.kind is SendFailure.UNKNOWN else found


async def _lists_nothing(*_: object) -> list[ListedMessage]:
    """A bug: what the provider lists is not read."""
    return []


@pytest.mark.parametrize(
    ("place", "name", "bug"),
    [
        (twilio_gateway, "_failure", _taken_for_refused),
        (twilio_gateway.TwilioGateway, "find", _lists_nothing),
    ],
)
def test_a_bug_planted_on_the_way_to_the_wall_is_found(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, name: str, bug: object
) -> None:
    monkeypatch.setattr(place, name, bug)
    for seed in FOUND_OVER_THE_WALL:
        world = _copy(prepared, tmp_path, seed)
        try:
            with over_wall(world, tmp_path) as engine:
                follow(trace(seed), engine)
        except AssertionError:
            return
        finally:
            world.close()
    pytest.fail("nothing was found")
