"""How long a message or call that the provider surely did not take waits for its next attempt.

In real time and in seconds: it is the provider that needs the rest, whatever the product's clock says.
"""

from __future__ import annotations

from typing import Final

_WAITS: Final = (2.0, 5.0, 15.0, 60.0, 180.0)  # design: a burst is over in seconds, an outage is not
_URGENT_AT_MOST: Final = 15.0  # after an outage a page does not wait for minutes more
_SPREAD: Final = 0.25  # so that what was refused together does not come back together
_SPREAD_BEYOND: Final = 0.1  # a provider that said how long is asked no earlier than that


def wait_for_attempt(attempts: int, *, urgent: bool, retry_after: float | None, chance: float) -> float:
    """Seconds until the attempt after `attempts` (1 or more); `chance` is of [0, 1) and spreads the waits.

    `retry_after`: what the provider asked for, in seconds; never earlier than that.
    """
    if retry_after is not None:
        return retry_after * (1 + _SPREAD_BEYOND * chance)
    wait = _WAITS[min(attempts, len(_WAITS)) - 1]
    if urgent:
        wait = min(wait, _URGENT_AT_MOST)
    return wait * (1 - _SPREAD * chance)
