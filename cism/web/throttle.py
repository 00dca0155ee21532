"""A bound on how often one thing may be asked for in this process, in real time."""

from __future__ import annotations

from collections import OrderedDict, deque

from starlette.requests import Request

from cism import clock
from notifications.addresses import is_loopback


class Throttle:
    """At most `most` times in `seconds` for each name; remembers a bounded number of names."""

    def __init__(self, most: int, seconds: float, *, names: int = 10_000) -> None:
        self._most, self._seconds, self._names = most, seconds, names
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    def allow(self, name: str) -> bool:
        """Count one more, unless it would be too many."""
        now = clock.monotonic()
        times = self._taken.setdefault(name, deque())
        self._taken.move_to_end(name)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(self._taken) > self._names:
            self._taken.popitem(last=False)
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


def asker(request: Request) -> str:
    """The address that asks, for throttles alone: behind a proxy on this machine the one the proxy saw.

    Only the last address of X-Forwarded-For is the proxy's own word; those before it anybody can write.
    """
    peer = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told[:45] if told and is_loopback(peer) else peer
