"""Where a wall can be made to misbehave: one seam, asked once for each occasion.

What can go wrong is what Twilio says goes wrong: a 429 was never processed, after a 5xx, a reset or a
time-out nobody knows, callbacks come late, twice, out of order or never, and a webhook that failed is
not repeated.
Source: twilio.com/docs/api/errors, .../messaging/guides/track-outbound-message-status, .../usage/webhooks.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class Occasion(StrEnum):
    """When a wall asks whether something goes wrong."""

    CREATE = "create"  # a message or call is asked for, and has not been looked at
    ACCEPTED = "accepted"  # it exists, and its answer is about to leave
    LISTED = "listed"  # a new message comes into the list
    CARRIED = "carried"  # a message starts on its way
    CALLBACK = "callback"  # a status is about to be posted
    INBOUND = "inbound"  # a text from a handset is about to be posted
    READ = "read"  # a message or call, or the list of them, is asked for


class Fault(StrEnum):
    """What goes wrong."""

    THROTTLED = "429"  # refused, never processed; the answer says how long to wait
    ERROR_BEFORE = "500_before"  # an error, and nothing was accepted
    RESET_BEFORE = "reset_before"  # the connection is reset, and nothing was accepted
    HANG_BEFORE = "hang_before"  # no answer ever comes, and nothing was accepted
    REFUSED = "refused"  # an error code, as of somebody who said STOP
    SLOW = "slow_answer"  # the answer comes late
    ERROR_AFTER = "500_after_accept"  # an error, although the message was accepted and goes out
    CUT_AFTER = "lose_answer_after_accept"  # accepted; the connection is closed in the middle of the answer
    RESET_AFTER = "reset_after_accept"  # accepted; the connection is reset, and nothing of the answer comes
    HANG_AFTER = "hang_after_accept"  # accepted; the answer never comes
    LISTED_LATE = "list_late"  # a message that exists is missing from the list for a while
    NOT_DELIVERED = "not_delivered"  # the message ends as failed or undelivered, with a code
    CALLBACKS_REORDERED = "reorder_status_callbacks"  # all of a message's statuses, in another order
    CALLBACK_LOST = "lose_status_callback"  # a status changes, and nobody is told
    CALLBACK_LATE = "delay_status_callback"
    CALLBACK_REPEATED = "repeat_status_callback"
    WEBHOOK_LOST = "lose_inbound_webhook"  # a text from a handset is in the list, and nobody is told
    WEBHOOK_LATE = "delay_inbound_webhook"
    WEBHOOK_REPEATED = "repeat_inbound_webhook"  # several at the same moment
    READ_THROTTLED = "429_read"
    READ_ERROR = "500_read"
    OUTAGE = "outage"  # for a time nothing is answered, and nobody is told anything
    TOLD = "told"  # statuses that somebody at the wall had told, whatever became of the message
    FORGED = "forged"  # a webhook that somebody at the wall had posted by hand


BEFORE: Final = (
    Fault.THROTTLED,
    Fault.ERROR_BEFORE,
    Fault.RESET_BEFORE,
    Fault.HANG_BEFORE,
    Fault.REFUSED,
)
AFTER: Final = (Fault.ERROR_AFTER, Fault.CUT_AFTER, Fault.RESET_AFTER, Fault.HANG_AFTER)

GROUPS: Final[Mapping[Occasion, Sequence[Sequence[Fault]]]] = {
    Occasion.CREATE: (BEFORE, (Fault.SLOW,)),
    Occasion.ACCEPTED: (AFTER,),
    Occasion.LISTED: ((Fault.LISTED_LATE,),),
    Occasion.CARRIED: ((Fault.NOT_DELIVERED,), (Fault.CALLBACKS_REORDERED,)),
    Occasion.CALLBACK: ((Fault.CALLBACK_LOST,), (Fault.CALLBACK_LATE,), (Fault.CALLBACK_REPEATED,)),
    Occasion.INBOUND: ((Fault.WEBHOOK_LOST,), (Fault.WEBHOOK_LATE,), (Fault.WEBHOOK_REPEATED,)),
    Occasion.READ: ((Fault.READ_THROTTLED, Fault.READ_ERROR),),
}
"""What may befall each occasion: of one group at most one, of several groups one each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How often a fault strikes, and how hard; of two numbers each value between them may come."""

    chance: float = 1.0
    """Of each occasion; 0 to 1."""
    burst: tuple[int, int] = (1, 1)
    """How many occasions in a row, once it strikes."""
    seconds: tuple[float, float] = (1.0, 1.0)
    """How late, how long; for a 429 what Retry-After says."""
    copies: tuple[int, int] = (2, 5)
    """How often a repeated webhook is posted in all."""
    codes: tuple[int, ...] = ()
    """Twilio's error codes, of which one is taken."""
    rank: int | None = None
    """Which order, of all in which callbacks can come: 0 is as they happened, the last one is backwards."""
    arrives: bool = False
    """Whether what is said not to be delivered is on the handset all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault that happens now. `draw` in [0, 1) decides what else is left to chance."""

    fault: Fault
    seconds: float = 0.0
    copies: int = 1
    code: int | None = None
    rank: int | None = None
    arrives: bool = False
    draw: float = 0.0


DEFAULTS: Final[Mapping[Fault, Rule]] = {
    Fault.SLOW: Rule(seconds=(2.0, 2.0)),
    Fault.REFUSED: Rule(codes=(21610,)),
    Fault.NOT_DELIVERED: Rule(codes=(30003,)),
    Fault.LISTED_LATE: Rule(seconds=(10.0, 10.0)),
}
"""Where a fault's own rule differs from the usual one."""


class Faults(Protocol):
    """Decides what goes wrong. Asked once for each occasion, and may count them."""

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        """What befalls this occasion: at most one of each of its groups."""
        ...


class SwitchedFaults:
    """Faults that are switched on by hand, for so many times each."""

    def __init__(self) -> None:
        self.left: Counter[Fault] = Counter()
        self._rules: dict[Fault, Rule] = {}

    def switch(self, fault: Fault, times: int, rule: Rule | None = None) -> None:
        """Let the fault happen the next so many times; 0 switches it off."""
        self.left[fault] = times
        self._rules[fault] = rule or DEFAULTS.get(fault, Rule())

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        """The first of each group that is switched on."""
        taken = [next((fault for fault in group if self._take(fault)), None) for group in GROUPS[occasion]]
        return [
            struck(fault, self._rules[fault], f"switched:{fault}:{self.left[fault]}")
            for fault in taken
            if fault is not None
        ]

    def _take(self, fault: Fault) -> bool:
        if self.left[fault] <= 0:
            return False
        self.left[fault] -= 1
        return True


class SeededFaults:
    """Faults by chance: the same seed, rules and sequence of occasions make the same faults.

    Each draw depends on the seed, the group and the number of the occasion alone, so that the faults of
    texts are the same however the callbacks fall between them.
    """

    def __init__(self, rules: Mapping[Fault, Rule], seed: int = 0) -> None:
        self.rules, self.seed = dict(rules), seed
        self._asked: Counter[Occasion] = Counter()
        self._bursts: Counter[Fault] = Counter()

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        """What the seed says about the next occasion of this kind."""
        number = self._asked[occasion]
        self._asked[occasion] += 1
        found = []
        for group in GROUPS[occasion]:
            key = f"{self.seed}:{occasion}:{group[0]}:{number}"
            fault = self._in_burst(group) or self._struck(group, key)
            if fault is not None:
                found.append(struck(fault, self.rules[fault], key))
        return found

    def _in_burst(self, group: Sequence[Fault]) -> Fault | None:
        running = next((fault for fault in group if self._bursts[fault] > 0), None)
        if running is not None:
            self._bursts[running] -= 1
        return running

    def _struck(self, group: Sequence[Fault], key: str) -> Fault | None:
        left = drawn(key)
        for fault in group:
            rule = self.rules.get(fault)
            if rule is None:
                continue
            if left < rule.chance:
                self._bursts[fault] = _between(rule.burst, drawn(key + ":burst")) - 1
                return fault
            left -= rule.chance
        return None


class AllFaults:
    """Several layers as one: of each group the first that strikes counts; every layer is asked."""

    def __init__(self, *layers: Faults) -> None:
        self.layers = layers

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        """What all of them say."""
        said = [strike for layer in self.layers for strike in layer.befall(occasion)]
        return list(_first_of_each(said, GROUPS[occasion]))


def struck(fault: Fault, rule: Rule, key: str) -> Strike:
    """A strike of a rule, with what it leaves to chance drawn from the key."""
    low, high = rule.seconds
    return Strike(
        fault=fault,
        seconds=low + (high - low) * drawn(key + ":seconds"),
        copies=_between(rule.copies, drawn(key + ":copies")),
        code=rule.codes[int(len(rule.codes) * drawn(key + ":code"))] if rule.codes else None,
        rank=rule.rank,
        arrives=rule.arrives,
        draw=drawn(key + ":draw"),
    )


def drawn(key: str) -> float:
    """A number in [0, 1) that depends on the key alone, on every machine and version."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]) / 2**48


def _between(bounds: tuple[int, int], draw: float) -> int:
    return bounds[0] + int((bounds[1] - bounds[0] + 1) * draw)


def _first_of_each(said: Sequence[Strike], groups: Sequence[Sequence[Fault]]) -> Iterator[Strike]:
    for group in groups:
        mine = [strike for strike in said if strike.fault in group]
        yield from mine[:1]
