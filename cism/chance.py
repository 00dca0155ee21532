"""Chance: where ids, codes and references come from. A rehearsal seeds it, so that it plays alike every time.

Secrets (keys, tokens, links, sign-in codes) are never drawn here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random, SystemRandom

_SYSTEM = SystemRandom()
_SOURCE: ContextVar[Random] = ContextVar("chance", default=_SYSTEM)


def source() -> Random:
    """The operating system's own chance, or the seeded one of a rehearsal that runs here."""
    return _SOURCE.get()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw alike every time in this block; other threads and tasks draw as before."""
    before = _SOURCE.set(Random(seed))
    try:
        yield
    finally:
        _SOURCE.reset(before)
