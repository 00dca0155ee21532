"""Lets faults happen, and writes down each one that does: what was injected is counted from here."""

from typing import Any

from notifications.phone_wall.faults import Fault, Faults, Occasion, Strike
from notifications.phone_wall.outage import Outage, OutagePlan
from notifications.phone_wall.store import Store

_LOSSES = (Fault.CALLBACK_LOST, Fault.WEBHOOK_LOST)


class Injector:
    """The one way from a fault that is decided to one that happens."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self.outage = Outage()

    def befall(self, occasion: Occasion, **facts: Any) -> dict[Fault, Strike]:
        """What goes wrong now, written down with what it befell."""
        happens = self.decide(occasion)
        for strike in happens.values():
            self.note(strike, occasion=occasion, **facts)
        return happens

    def decide(self, occasion: Occasion) -> dict[Fault, Strike]:
        """What is to go wrong; whoever lets it happen notes it then."""
        told = {strike.fault: strike for strike in self._faults.befall(occasion)}
        lost = next((fault for fault in _LOSSES if fault in told), None)
        if lost is not None:  # what never comes is neither late nor repeated
            return {lost: told[lost]}
        return {fault: strike for fault, strike in told.items() if not _is_no_repeat(strike)}

    def note(self, strike: Strike, **facts: Any) -> None:
        """Write down that a fault happened, with what of it is not as usual."""
        told = {"seconds": strike.seconds, "copies": strike.copies, "code": strike.code}
        shown = {name: told[name] for name in _SHOWN.get(strike.fault, ())}
        self.write(strike.fault, **shown, **facts)

    def write(self, fault: Fault, **facts: Any) -> None:
        """Write down that a fault happened."""
        self._store.record("fault", kind=fault, **facts)

    def go_away(self, plan: OutagePlan) -> None:
        """Let an outage begin as planned; it is written down when it does."""
        self.outage.start(
            plan,
            lambda: self.write(Fault.OUTAGE, seconds=plan.seconds, how=plan.how, afterwards=plan.afterwards),
        )

    async def passes_outage(self, what: str, sid: str) -> bool:
        """Wait for the end of an outage before somebody is told; False: they are never told."""
        if not self.outage.is_on:
            return True
        comes = self.outage.plan.afterwards == "come"
        self.write(Fault.OUTAGE, befell=what, sid=sid, how="held" if comes else "lost")
        if comes:
            await self.outage.over()
        return comes


_SHOWN = {
    Fault.THROTTLED: ("seconds",),
    Fault.SLOW: ("seconds",),
    Fault.REFUSED: ("code",),
    Fault.NOT_DELIVERED: ("code",),
    Fault.LISTED_LATE: ("seconds",),
    Fault.CALLBACK_LATE: ("seconds",),
    Fault.CALLBACK_REPEATED: ("copies",),
    Fault.WEBHOOK_LATE: ("seconds",),
    Fault.WEBHOOK_REPEATED: ("copies",),
    Fault.READ_THROTTLED: ("seconds",),
}


def _is_no_repeat(strike: Strike) -> bool:
    return strike.fault in (Fault.CALLBACK_REPEATED, Fault.WEBHOOK_REPEATED) and strike.copies < 2
