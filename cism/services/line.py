"""Whether the provider takes anything, as far as this process has seen: what is held costs nothing, and what
is handed to a provider that only fails is lost to whoever it was for, since it may not be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from notifications.gateway import Gateway, SendError, SendFailure

AWAY_AFTER: Final = 3  # sends in a row of which nobody knows; fewer may be chance
WAITS: Final = (2.0, 5.0, 10.0, 15.0)  # real seconds between two questions; a page waits no longer (ADR 0014)
_ANSWERED: Final = frozenset({SendFailure.PERMANENT, SendFailure.OPTED_OUT})


class Line:
    """Open, or held: then a question that harms nothing is asked first, and one text goes ahead."""

    def __init__(self, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._now = now
        self._unclear = 0
        self._failed = 0
        self._since: datetime | None = None
        self._waited_since: datetime | None = None
        self._on_trial = False
        self._refusal: SendError | None = None

    @property
    def is_held(self) -> bool:
        """Whether nothing but a text on trial is handed over."""
        return self._since is not None

    @property
    def turns_away(self) -> bool:
        """Whether what was claimed before is to be put back."""
        return self.is_held and not self._on_trial

    def note(self, error: SendError | None) -> None:
        """What became of a send; None: it was taken."""
        self._on_trial = False
        if error is None or error.kind in _ANSWERED:
            self._unclear = self._failed = 0
            self._since = None
        elif error.kind is SendFailure.UNKNOWN:
            self._unclear += 1
            if self._unclear >= AWAY_AFTER:
                self._hold()
        elif self._since is not None:  # too much at once, or no connection: still not open
            self._hold()

    async def room(self, limit: int) -> int:
        """How many texts may be claimed now: all, one on trial, or none."""
        if self._since is None:
            return limit
        if not self._has_waited():
            return 0
        self._on_trial, self._waited_since = True, self._since
        self._since = self._now()  # a trial of which nothing is heard again is followed by another
        try:
            await self._gateway.inbound_since(self._now())
        except SendError as error:
            self._on_trial, self._refusal = False, error
            self._hold()
            return 0
        return min(limit, 1)

    def refusal(self) -> SendError | None:
        """How a question failed since this was last asked: of what is held nothing else tells."""
        found, self._refusal = self._refusal, None
        return found

    def untried(self) -> None:
        """There was nothing to try it with: the next text need not wait again."""
        if self._on_trial:
            self._on_trial, self._since = False, self._waited_since

    def _hold(self) -> None:
        self._since = self._now()
        self._failed += 1

    def _has_waited(self) -> bool:
        since = self._since or self._now()
        waited = self._now() - since
        # a clock that was set back must not hold anything for as long as it was set back by
        return not timedelta(0) <= waited < timedelta(seconds=WAITS[min(self._failed, len(WAITS)) - 1])
