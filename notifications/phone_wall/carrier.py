"""The way of a message from the wall to a handset, and of what is said about it on the way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from notifications.phone_wall.clock import real_now
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Faults
from notifications.phone_wall.records import CALL_ENDED, DELIVERY_ERRORS, ENDED, Call, HandsetMode, Message
from notifications.phone_wall.store import Store
from notifications.phone_wall.webhooks import Answer, Webhooks

API_VERSION: Final = "2010-04-01"

CALL_ENDINGS: Final = {HandsetMode.UNREACHABLE: "no-answer", HandsetMode.UNKNOWN: "failed"}
_CALL_EVENTS: Final = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}


class Carrier:
    """Carries messages and calls, each in a task of its own."""

    def __init__(self, config: WallConfig, store: Store, webhooks: Webhooks, faults: Faults) -> None:
        self._config = config
        self._store = store
        self._webhooks = webhooks
        self._faults = faults
        self._tasks: set[asyncio.Task[Any]] = set()

    def carry(self, message: Message) -> None:
        """Take a message on its way."""
        self._spawn(self._carry(message))

    def dial(self, call: Call) -> None:
        """Start a call."""
        self._spawn(self._dial(call))

    def resume(self) -> None:
        """Take up what was on its way when the wall went down."""
        for message in self._store.messages:
            if not message.is_inbound and message.arrived_at is None and message.status not in ENDED:
                self.carry(message)

    async def aclose(self) -> None:
        """Stop; what is on its way stays where it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self, message: Message) -> None:
        """Take a message back that has not left."""
        self._become(message, "canceled")

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, message: Message) -> None:
        if message.send_at is not None:
            await asyncio.sleep((message.send_at - real_now()).total_seconds())
        await self._step()
        for status in ("queued", "sending", "sent"):
            if message.status == "canceled":
                return
            if status not in {step.status for step in message.steps}:
                self._become(message, status)
                await self._step()
        self._finish(message)

    def _finish(self, message: Message) -> None:
        mode = self._store.mode(message.to)
        if mode in DELIVERY_ERRORS:
            self._become(message, "undelivered", DELIVERY_ERRORS[mode])
            return
        self._store.record("arrived", sid=message.sid)
        if mode is not HandsetMode.NO_RECEIPTS:
            self._become(message, "delivered")

    def _become(self, message: Message, status: str, error_code: int | None = None) -> None:
        self._store.record("status", sid=message.sid, status=status, error_code=error_code)
        if message.status_callback and status in self._config.callback_statuses:
            form = self._status_form(message, status, error_code)
            self._tell(message.sid, message.status_callback, form)

    def _status_form(self, message: Message, status: str, error_code: int | None) -> list[tuple[str, str]]:
        form = [
            ("MessageSid", message.sid),
            ("SmsSid", message.sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("To", message.to),
            ("From", message.from_),
            ("AccountSid", self._config.account_sid),
            ("ApiVersion", API_VERSION),
        ]
        if message.service_sid:
            form.append(("MessagingServiceSid", message.service_sid))
        if error_code is not None:
            form.append(("ErrorCode", str(error_code)))
        if status in ("delivered", "undelivered"):
            form.append(("RawDlrDoneDate", f"{real_now():%y%m%d%H%M}"))
        return form

    async def _dial(self, call: Call) -> None:
        ending = CALL_ENDINGS.get(self._store.mode(call.to))
        self._announce(call)
        for status in ("ringing",) if ending else ("ringing", "in-progress"):
            await self._step()
            self.move_call(call, status)
        if not ending and call.status not in CALL_ENDED:
            await self._fetch_script(call)
        await self._step()
        self.move_call(call, ending or "completed")

    def move_call(self, call: Call, status: str) -> None:
        """Let a call go on; one that has ended stays as it is."""
        if call.status not in CALL_ENDED:
            self._store.record("call_status", sid=call.sid, status=status)
            self._announce(call)

    async def _fetch_script(self, call: Call) -> None:
        script = call.twiml
        if call.url:
            answer = await self._webhooks.post(call.url, self._call_form(call))
            self._log(call.sid, call.url, answer)
            script = answer.text
        self._store.record("script", sid=call.sid, script=script)

    def _announce(self, call: Call) -> None:
        if call.status_callback and _CALL_EVENTS.get(call.status, "completed") in call.events:
            self._tell(call.sid, call.status_callback, self._call_form(call))

    def _call_form(self, call: Call) -> list[tuple[str, str]]:
        return [
            ("CallSid", call.sid),
            ("CallStatus", call.status),
            ("To", call.to),
            ("From", call.from_),
            ("Direction", "outbound-api"),
            ("AccountSid", self._config.account_sid),
            ("ApiVersion", API_VERSION),
        ]

    def _tell(self, sid: str, url: str, form: list[tuple[str, str]]) -> None:
        # Not awaited by the message's own way: callbacks come late and out of order, as Twilio's do.
        if not self._faults.loses_status_callback():
            self._spawn(self._post(sid, url, form))

    async def _post(self, sid: str, url: str, form: list[tuple[str, str]]) -> None:
        self._log(sid, url, await self._webhooks.post(url, form))

    def _log(self, sid: str, url: str, answer: Answer) -> None:
        if answer.status is None or answer.status >= 400:
            self._store.record("webhook", sid=sid, url=url, **answer.exported())

    async def _step(self) -> None:
        await asyncio.sleep(self._config.step_seconds)
