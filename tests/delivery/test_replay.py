"""Traces of the model on the real engine: after every act both say the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text

from cism import chance
from tests.delivery.acts import Act
from tests.delivery.engine import Engine
from tests.delivery.model import Model
from tests.delivery.strategies import trace
from tests.services.world import World

SHORT = range(60)  # in every run; `CISM_MODEL_SEEDS=0:3000` for as many as you like
ON_POSTGRESQL = range(500, 506)


class _NoSpread(Random):
    """Draws ids as ever, and spreads no back-off: the model knows the floor of each wait."""

    def random(self) -> float:
        return 0.0


@pytest.fixture(autouse=True)
def _no_spread() -> Iterator[None]:
    before = chance._SOURCE.set(_NoSpread(4))
    yield
    chance._SOURCE.reset(before)


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everybody on the roster."""
    from cism.store import seal
    from tests.conftest import VAULT_KEY

    seal.use(seal.Keyring([VAULT_KEY]))
    path = tmp_path_factory.mktemp("model") / "cism.db"
    shutil.copyfile(sqlite_template, path)
    world = World(f"sqlite:///{path}")
    with world.db.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    world.close()
    return path


def follow(acts: list[Act], world: World) -> None:
    """Let both worlds do the same, and compare them after every act."""
    model, engine = Model(), Engine(world)
    for number, act in enumerate(acts):
        model.do(act)
        engine.do(act)
        expected, found = model.view(), engine.view()
        assert found == expected, f"after {number}: {act}\n" + "\n".join(map(str, acts[: number + 1]))


def seeds() -> range:
    asked = os.environ.get("CISM_MODEL_SEEDS")
    return range(*map(int, asked.split(":"))) if asked else SHORT


@pytest.mark.parametrize("seed", seeds())
def test_the_engine_does_what_the_model_does(prepared: Path, tmp_path: Path, seed: int) -> None:
    copy = tmp_path / "cism.db"
    shutil.copyfile(prepared, copy)
    world = World(f"sqlite:///{copy}")
    try:
        follow(trace(seed), world)
    finally:
        world.close()


@pytest.mark.parametrize("seed", ON_POSTGRESQL)
def test_and_so_it_does_on_postgresql(postgres_url: str, seed: int) -> None:
    world = World(postgres_url)
    try:
        follow(trace(seed), world)
    finally:
        world.close()
