"""A time in which the provider is away: nothing is answered, and nobody is told anything."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePlan:
    """An outage that begins `after` so many seconds and lasts `seconds`, in real time."""

    after: float = 0.0
    seconds: float = 60.0
    how: str = "close"
    """What befalls a request: its connection is closed without a word, or it is answered with a 503."""
    afterwards: str = "come"
    """What becomes of webhooks: they come when the provider is back, or they are lost."""


class Outage:
    """Whether the provider is away, and until when. Belongs to one event loop."""

    def __init__(self) -> None:
        self.plan = OutagePlan()
        self._back: asyncio.Event | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """Whether it is now."""
        return self._back is not None

    @property
    def seconds_left(self) -> float:
        """How long it will last; 0 where there is none."""
        return max(0.0, self._until - asyncio.get_running_loop().time()) if self.is_on else 0.0

    def start(self, plan: OutagePlan, began: Callable[[], object] = bool) -> None:
        """Let it begin after the plan's pause; `began` is called when it does."""
        self.end()
        self.plan = plan
        loop = asyncio.get_running_loop()
        if plan.after:
            self._timers = [loop.call_later(plan.after, self._begin, began)]
        else:
            self._begin(began)

    def end(self) -> None:
        """The provider is back, or does not go away after all."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if self._back is not None:
            self._back.set()
            self._back = None

    async def over(self) -> None:
        """Return when the provider is back."""
        if self._back is not None:
            await self._back.wait()

    def _begin(self, began: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        self._back = asyncio.Event()
        self._until = loop.time() + self.plan.seconds
        self._timers = [loop.call_later(self.plan.seconds, self.end)]
        began()
