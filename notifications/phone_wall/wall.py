"""The parts of one wall, put together."""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from notifications.phone_wall.accept import MAGIC_GOOD, judge
from notifications.phone_wall.calls import judge_call
from notifications.phone_wall.carrier import Carrier
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.exchange import Exchange
from notifications.phone_wall.fault_plan import FaultPlan
from notifications.phone_wall.faults import (
    BEFORE,
    AllFaults,
    Fault,
    Faults,
    Occasion,
    SeededFaults,
    Strike,
    SwitchedFaults,
)
from notifications.phone_wall.handsets import Handsets
from notifications.phone_wall.injector import Injector
from notifications.phone_wall.journal import Journal
from notifications.phone_wall.records import Call, Message, callback_id, stamp
from notifications.phone_wall.refusals import NoAnswer, Refusal, Silence
from notifications.phone_wall.store import Store, new_sid
from notifications.phone_wall.webhooks import Webhooks


class Wall:
    """One phone wall: what it remembers, and the parts that act. Used from its own event loop."""

    def __init__(self, config: WallConfig, faults: Faults | None = None) -> None:
        self.config = config
        self.switched_faults = SwitchedFaults()
        self.plan = config.fault_plan or FaultPlan({})
        self.faults: Faults = self._layers(config.seed) if faults is None else faults
        self.store = Store(Journal(config.state_file), config.clock)
        self.webhooks = Webhooks(config.auth_token)
        self.injector = Injector(self.store, self)
        self.carrier = Carrier(config, self.store, self.webhooks, self.injector)
        self.exchange = Exchange(config, self.store, self.webhooks, self.carrier)
        self.handsets = Handsets(config, self.store, self.carrier, self.webhooks, self.injector)
        self._at_once = self.most_at_once = 0

    def open(self) -> None:
        """Remember what was, and carry on with it."""
        self.store.open()
        self.webhooks.open()
        self.carrier.resume()
        self.exchange.resume()
        if self.plan.outage is not None:
            self.injector.go_away(self.plan.outage)

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        """What goes wrong now, by the layers that are in force at this moment."""
        return self.faults.befall(occasion)

    def follow(self, plan: FaultPlan, seed: int) -> None:
        """Let things go wrong by another plan from now on; what is switched on by hand stays."""
        self.plan, self.seed = plan, seed
        self.faults = self._layers(seed)
        self.injector.outage.end()
        if plan.outage is not None:
            self.injector.go_away(plan.outage)

    def _layers(self, seed: int) -> Faults:
        self.seed = seed
        return AllFaults(self.switched_faults, SeededFaults(self.plan.rules, seed))

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request to create something while it is on; `most_at_once` is the most there ever were."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            self._at_once -= 1

    async def aclose(self) -> None:
        """Stop; nothing that was accepted is forgotten where there is a state file."""
        self.injector.outage.end()
        await self.carrier.aclose()
        await self.webhooks.aclose()
        self.store.close()

    def create_message(self, form: Mapping[str, str]) -> Message:
        """Accept a message and take it on its way, or raise the Refusal."""
        try:
            draft = judge(form, self.config, self.store)
        except Refusal as refusal:
            self._reject(refusal, form)
            raise
        sid = new_sid("SM")
        self.store.record(
            "message",
            sid=sid,
            direction="outbound-api",
            status=draft.status,
            body=draft.body,
            status_callback=draft.status_callback,
            service_sid=draft.service_sid,
            send_at=stamp(draft.send_at),
            **{"from": draft.from_, "to": draft.to},
        )
        message = self.store.by_sid[sid]
        self._list(message)
        if draft.from_ != MAGIC_GOOD:  # the test number: accepted, and nothing ever happens to it
            self.carrier.carry(message)
        return message

    def create_call(self, pairs: Mapping[str, str], events: tuple[str, ...]) -> Call:
        """Accept a call and start it, or raise the Refusal."""
        try:
            judge_call(pairs, self.config)
        except Refusal as refusal:
            self._reject(refusal, pairs)
            raise
        sid = new_sid("CA")
        self.store.record(
            "call",
            sid=sid,
            twiml=pairs.get("Twiml"),
            url=pairs.get("Url"),
            status_callback=pairs.get("StatusCallback"),
            events=list(events or ("completed",)),
            ring_seconds=int(pairs.get("Timeout") or 60),
            detects=pairs.get("MachineDetection") in ("Enable", "DetectMessageEnd"),
            **{"from": pairs["From"], "to": pairs["To"]},
        )
        call = self.store.calls_by_sid[sid]
        if pairs["From"] != MAGIC_GOOD:
            self.exchange.dial(call)
        return call

    def knows(self, number: str) -> bool:
        """Whether a text or a call ever went to or came from this number."""
        return number in self.store.by_handset or number in self.store.calls_by_handset

    def export(self) -> dict[str, Any]:
        """Everything that ever happened here, as evidence: what was accepted, and when it really was."""
        messages = [message.exported() for message in self.store.messages]
        return {
            "exported_at": stamp(self.store.now()),
            "messages": [message for message in messages if message["direction"] != "inbound"],
            "inbound": [message for message in messages if message["direction"] == "inbound"],
            "calls": [call.exported() for call in self.store.calls],
            "rejected": list(self.store.rejected),
            "failed_webhooks": list(self.store.webhooks),
            "webhooks_on_their_way": self.webhooks.on_their_way,
            "injected": list(self.store.injected),
            "opted_out": [
                {"handset": handset, "sender": sender} for handset, sender in sorted(self.store.opted_out)
            ],
        }

    async def misbehave(self, form: Mapping[str, str]) -> float:
        """Let go wrong what befalls a request before it is looked at: a Refusal, or NoAnswer.

        Returns how many seconds its answer is to be late, where only that befalls it.
        """
        facts = {"to": form.get("To"), "d": callback_id(form.get("StatusCallback"))}
        befalls = self.injector.befall(Occasion.CREATE, **facts)
        slow = befalls.get(Fault.SLOW)
        seconds = slow.seconds if slow else 0.0
        struck = next((befalls[fault] for fault in BEFORE if fault in befalls), None)
        if struck is None:
            return seconds
        if seconds:
            await asyncio.sleep(seconds)
        if struck.fault in (Fault.RESET_BEFORE, Fault.HANG_BEFORE):
            raise NoAnswer(Silence.RESET if struck.fault is Fault.RESET_BEFORE else Silence.HANG)
        refusal = refusal_of(struck)
        self._reject(refusal, form)
        raise refusal

    def _list(self, message: Message) -> None:
        late = self.injector.befall(Occasion.LISTED, sid=message.sid).get(Fault.LISTED_LATE)
        if late is not None:
            until = self.store.now() + timedelta(seconds=late.seconds)
            self.store.record("listed_late", sid=message.sid, until=stamp(until))

    def _reject(self, refusal: Refusal, form: Mapping[str, str]) -> None:
        self.store.record(
            "rejected",
            code=refusal.code,
            body=form.get("Body"),
            status_callback=form.get("StatusCallback"),
            **{"from": form.get("From"), "to": form.get("To")},
        )


def refusal_of(strike: Strike) -> Refusal:
    """What a request that is struck is answered with."""
    if strike.fault in (Fault.THROTTLED, Fault.READ_THROTTLED):
        return Refusal(20429, retry_after=math.ceil(strike.seconds))
    return Refusal(strike.code or 20500)
