"""Traces of the delivery model over HTTP: real services, gateway, webhooks and phone wall."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from tests.delivery.over_wall import over_wall
from tests.delivery.replay import follow, no_spread
from tests.delivery.strategies import trace
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.services.world import World

_FROM = 10_000  # other traces than those of the tests
_LENGTH = 120  # acts


def replayed(seed: int, ground: Ground) -> Outcome:
    """One trace; after each of them the model and the product say the same."""
    url = ground.empty("postgresql" if seed % 10 == 9 else "sqlite")
    world = World(url)
    ground.at_end(world.close)
    broken = []
    home = Path(tempfile.mkdtemp(dir=ground.home))
    with no_spread(), over_wall(world, home) as engine:
        try:
            follow(trace(_FROM + seed, _LENGTH), engine)
        except AssertionError as differ:
            broken.append(str(differ).partition("\n")[0])  # the acts before it are those of the seed
        wall = engine.wall.app_state.store
        texts = [one for one in wall.messages if not one.is_inbound]
        ids = Counter(one.status_callback for one in texts)
        return Outcome(
            injected=len(wall.injected),
            sent=len(texts),
            doubled=sum(count - 1 for count in ids.values()),
            broken=tuple(broken),
        )


CASES = (
    Case("F8-traces", "traces of the delivery model over HTTP with the phone wall", replayed, seeds=200),
)
