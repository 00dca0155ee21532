"""Where a wall can be made to misbehave: one seam, asked before and after a request is accepted."""

from collections import Counter
from enum import StrEnum
from typing import Protocol


class Fault(StrEnum):
    """What goes wrong with the next request or webhook."""

    THROTTLED = "429"  # refused, never processed
    ERROR_BEFORE = "500_before"  # an error, and nothing was accepted
    ERROR_AFTER = "500_after_accept"  # an error, although the message was accepted and goes out
    CUT_AFTER = "lose_answer_after_accept"  # accepted; the connection is closed in the middle of the answer
    HANG_AFTER = "hang_after_accept"  # accepted; the answer never comes
    WEBHOOK_LOST = "lose_inbound_webhook"  # a text from a handset is in the list, and nobody is told
    CALLBACK_LOST = "lose_status_callback"  # a status changes, and nobody is told


BEFORE = (Fault.THROTTLED, Fault.ERROR_BEFORE)
AFTER = (Fault.ERROR_AFTER, Fault.CUT_AFTER, Fault.HANG_AFTER)


class Faults(Protocol):
    """Decides what goes wrong. Every method is asked once for each occasion, and may count them."""

    def before_accept(self) -> Fault | None:
        """What befalls a request to create a message or call before it is looked at: one of BEFORE."""
        ...

    def after_accept(self) -> Fault | None:
        """What befalls the answer to a request that was accepted: one of AFTER."""
        ...

    def loses_inbound_webhook(self) -> bool:
        """Whether the webhook of this text from a handset is lost."""
        ...

    def loses_status_callback(self) -> bool:
        """Whether this status callback is lost."""
        ...


class SwitchedFaults:
    """Faults that are switched on by hand, for so many times each."""

    def __init__(self) -> None:
        self.left: Counter[Fault] = Counter()

    def switch(self, fault: Fault, times: int) -> None:
        """Let the fault happen the next so many times; 0 switches it off."""
        self.left[fault] = times

    def before_accept(self) -> Fault | None:
        """The first of BEFORE that is switched on."""
        return next((fault for fault in BEFORE if self._take(fault)), None)

    def after_accept(self) -> Fault | None:
        """The first of AFTER that is switched on."""
        return next((fault for fault in AFTER if self._take(fault)), None)

    def loses_inbound_webhook(self) -> bool:
        """Whether WEBHOOK_LOST is switched on."""
        return self._take(Fault.WEBHOOK_LOST)

    def loses_status_callback(self) -> bool:
        """Whether CALLBACK_LOST is switched on."""
        return self._take(Fault.CALLBACK_LOST)

    def _take(self, fault: Fault) -> bool:
        if self.left[fault] <= 0:
            return False
        self.left[fault] -= 1
        return True
