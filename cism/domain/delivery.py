"""One text's life: the states it moves through, and what moves it (ADR 0003, 0014).

The services move texts by this table alone, and a model that tries any order of events is held against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class OutboxState(StrEnum):
    """A message on its way out; each member says what it means to the person."""

    PENDING = "pending"  # not handed over yet
    SENDING = "sending"  # being handed over right now
    SENT = "sent"  # the provider has it
    DELIVERED = "delivered"  # the carrier says it arrived
    UNDELIVERED = "undelivered"  # it did not arrive
    FAILED = "failed"  # the provider refused it for good
    UNKNOWN = "unknown"  # handed over or not: being settled with the provider
    UNSETTLED = "unsettled"  # could not be settled: in the hands of a human
    SUPPRESSED = "suppressed"  # not sent: consent, opt-out or state forbade it at the last moment
    EXPIRED = "expired"  # not sent: its moment passed
    CANCELLED = "cancelled"  # not sent: no longer wanted


class Happening(StrEnum):
    """What can happen to a message."""

    CLAIMED = "claimed"  # one process alone may hand it over now
    FORBIDDEN = "forbidden"  # consent, opt-out or a frozen number, at the last moment
    UNWANTED = "unwanted"  # its question is over, or its incident
    TOO_LATE = "too_late"  # it expired before it could leave
    TAKEN = "taken"  # the provider says that it has it: by its answer, a callback, or its list
    NOT_TAKEN = "not_taken"  # surely not: a 429, no connection
    REFUSED = "refused"  # surely not, and never will be
    LOST = "lost"  # a time-out, a reset, a 5xx, a process that died: nobody knows
    GIVEN_UP = "given_up"  # the time for settling is over
    ARRIVED = "arrived"  # the carrier says so
    NOT_ARRIVED = "not_arrived"  # the carrier says so
    CARRIER_SILENT = "carrier_silent"  # the carrier never answered the provider: nobody knows


_S, _H = OutboxState, Happening
_NOT_KNOWN_SENT: Final = (_S.PENDING, _S.SENDING, _S.UNKNOWN, _S.UNSETTLED)

# What is not here moves nothing: callbacks come late, twice and in any order. `pending` moves on proof that
# the provider has it all the same: what a process surely did not send, another may have. The one way out of
# `delivered` is worse news of the same message (several segments with different fates): a person then looks.
_MOVES: Final[dict[tuple[OutboxState, Happening], OutboxState]] = {
    (_S.PENDING, _H.CLAIMED): _S.SENDING,
    (_S.PENDING, _H.FORBIDDEN): _S.SUPPRESSED,
    (_S.PENDING, _H.UNWANTED): _S.CANCELLED,
    (_S.PENDING, _H.TOO_LATE): _S.EXPIRED,
    (_S.SENDING, _H.LOST): _S.UNKNOWN,
    (_S.UNKNOWN, _H.GIVEN_UP): _S.UNSETTLED,
    # whoever was taken for dead and says that it surely did not send is believed
    **{(state, _H.NOT_TAKEN): _S.PENDING for state in (_S.SENDING, _S.UNKNOWN)},
    **{(state, _H.REFUSED): _S.FAILED for state in (_S.SENDING, _S.UNKNOWN)},
    **dict.fromkeys([(state, _H.TAKEN) for state in _NOT_KNOWN_SENT], _S.SENT),
    **dict.fromkeys([(state, _H.ARRIVED) for state in (*_NOT_KNOWN_SENT, _S.SENT)], _S.DELIVERED),
    **dict.fromkeys(
        [(state, _H.NOT_ARRIVED) for state in (*_NOT_KNOWN_SENT, _S.SENT, _S.DELIVERED)], _S.UNDELIVERED
    ),
    **dict.fromkeys(
        [(state, _H.CARRIER_SILENT) for state in (_S.PENDING, _S.SENDING, _S.UNKNOWN, _S.SENT)], _S.UNSETTLED
    ),
}
MOVES: Final[Mapping[tuple[OutboxState, Happening], OutboxState]] = MappingProxyType(_MOVES)
"""Every allowed move."""

TERMINAL: Final = frozenset(
    {_S.DELIVERED, _S.UNDELIVERED, _S.FAILED, _S.SUPPRESSED, _S.EXPIRED, _S.CANCELLED}
)
"""What nothing leaves, but for worse news of what had arrived."""

HANDED: Final = frozenset({_S.SENDING, _S.SENT, _S.DELIVERED, _S.UNDELIVERED, _S.UNKNOWN, _S.UNSETTLED})
"""What the provider has, or may have: it counts against a phone's caps."""


def after(state: OutboxState, happening: Happening) -> OutboxState:
    """Where a message stands after something happened to it; the same where that moves nothing."""
    return MOVES.get((state, happening), state)
