"""The parts of one wall, put together."""

from collections.abc import Mapping
from typing import Any

from notifications.phone_wall.accept import MAGIC_GOOD, judge
from notifications.phone_wall.calls import judge_call
from notifications.phone_wall.carrier import Carrier
from notifications.phone_wall.clock import real_now
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.exchange import Exchange
from notifications.phone_wall.faults import Fault, Faults, SwitchedFaults
from notifications.phone_wall.handsets import Handsets
from notifications.phone_wall.journal import Journal
from notifications.phone_wall.records import Call, Message, stamp
from notifications.phone_wall.refusals import Refusal
from notifications.phone_wall.store import Store, new_sid
from notifications.phone_wall.webhooks import Webhooks


class Wall:
    """One phone wall: what it remembers, and the parts that act. Used from its own event loop."""

    def __init__(self, config: WallConfig, faults: Faults | None = None) -> None:
        self.config = config
        self.switched_faults = SwitchedFaults()
        self.faults: Faults = self.switched_faults if faults is None else faults
        self.store = Store(Journal(config.state_file))
        self.webhooks = Webhooks(config.auth_token)
        self.carrier = Carrier(config, self.store, self.webhooks, self.faults)
        self.exchange = Exchange(config, self.store, self.webhooks, self.carrier)
        self.handsets = Handsets(config, self.store, self.carrier, self.webhooks, self.faults)

    def open(self) -> None:
        """Remember what was, and carry on with it."""
        self.store.open()
        self.webhooks.open()
        self.carrier.resume()
        self.exchange.resume()

    async def aclose(self) -> None:
        """Stop; nothing that was accepted is forgotten where there is a state file."""
        await self.carrier.aclose()
        await self.webhooks.aclose()
        self.store.close()

    def create_message(self, form: Mapping[str, str]) -> Message:
        """Accept a message and take it on its way, or raise the Refusal."""
        try:
            self._misbehave()
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
        if draft.from_ != MAGIC_GOOD:  # the test number: accepted, and nothing ever happens to it
            self.carrier.carry(message)
        return message

    def create_call(self, pairs: Mapping[str, str], events: tuple[str, ...]) -> Call:
        """Accept a call and start it, or raise the Refusal."""
        try:
            self._misbehave()
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

    def export(self) -> dict[str, Any]:
        """Everything that ever happened here, as evidence: what was accepted, and when it really was."""
        messages = [message.exported() for message in self.store.messages]
        return {
            "exported_at": stamp(real_now()),
            "messages": [message for message in messages if message["direction"] != "inbound"],
            "inbound": [message for message in messages if message["direction"] == "inbound"],
            "calls": [call.exported() for call in self.store.calls],
            "rejected": list(self.store.rejected),
            "failed_webhooks": list(self.store.webhooks),
            "opted_out": [
                {"handset": handset, "sender": sender} for handset, sender in sorted(self.store.opted_out)
            ],
        }

    def _misbehave(self) -> None:
        fault = self.faults.before_accept()
        if fault is not None:
            raise Refusal(20429 if fault is Fault.THROTTLED else 20500)

    def _reject(self, refusal: Refusal, form: Mapping[str, str]) -> None:
        self.store.record(
            "rejected",
            code=refusal.code,
            body=form.get("Body"),
            status_callback=form.get("StatusCallback"),
            **{"from": form.get("From"), "to": form.get("To")},
        )
