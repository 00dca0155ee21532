"""Something is done in another transaction and not committed yet: what does whoever comes meanwhile see?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from cism.clock import wait
from tests.services.world import World

_OPEN_FOR = 0.5  # seconds: long enough for whoever comes meanwhile to reach the rows that are held


@contextmanager
def not_committed(world: World, act: Callable[[Session], object]) -> Iterator[None]:
    """The block begins when `act` was done; half a second later it is committed."""
    done = threading.Event()

    def work(session: Session) -> None:
        act(session)
        done.set()
        wait(_OPEN_FOR)

    other = threading.Thread(target=world.act, args=(work,))
    other.start()
    assert done.wait(10)
    try:
        yield
    finally:
        other.join()
