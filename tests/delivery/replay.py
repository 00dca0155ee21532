"""Lets the model and an engine do the same, and compares what both say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from cism import chance
from tests.delivery.acts import Act
from tests.delivery.engine import Engine
from tests.delivery.model import Model


class _NoSpread(Random):
    """Draws ids as ever, and spreads no back-off: the model knows the floor of each wait."""

    def random(self) -> float:
        return 0.0


@contextmanager
def no_spread() -> Iterator[None]:
    """In this block no back-off is spread."""
    before = chance._SOURCE.set(_NoSpread(4))
    try:
        yield
    finally:
        chance._SOURCE.reset(before)


def follow(acts: list[Act], engine: Engine) -> None:
    """Let both worlds do the same, and compare them after every act."""
    model = Model()
    for number, act in enumerate(acts):
        model.do(act)
        engine.do(act)
        expected, found = model.view(), engine.view()
        assert found == expected, f"after {number}: {act}\n" + "\n".join(map(str, acts[: number + 1]))
