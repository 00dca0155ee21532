"""The way of a text from the wall to a handset, and of what is said about it on the way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from notifications.phone_wall.clock import real_now
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Faults
from notifications.phone_wall.records import DELIVERY_ERRORS, ENDED, HandsetMode, Message
from notifications.phone_wall.store import Store
from notifications.phone_wall.webhooks import Answer, Webhooks

API_VERSION: Final = "2010-04-01"


class Carrier:
    """Carries messages, each in a task of its own; calls use its tasks and callbacks too."""

    def __init__(self, config: WallConfig, store: Store, webhooks: Webhooks, faults: Faults) -> None:
        self._config = config
        self._store = store
        self._webhooks = webhooks
        self._faults = faults
        self._tasks: set[asyncio.Task[Any]] = set()

    def carry(self, message: Message) -> None:
        """Take a message on its way."""
        self.spawn(self._carry(message))

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

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something happen beside everything else, until the wall closes."""
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
            self.tell(message.sid, message.status_callback, form)

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

    def tell(self, sid: str, url: str, form: list[tuple[str, str]]) -> None:
        """Post a status callback, unless it is to be lost."""
        # Not awaited by the message's own way: callbacks come late and out of order, as Twilio's do.
        if not self._faults.loses_status_callback():
            self.spawn(self._post(sid, url, form))

    async def _post(self, sid: str, url: str, form: list[tuple[str, str]]) -> None:
        self.log(sid, url, await self._webhooks.post(url, form))

    def log(self, sid: str, url: str, answer: Answer) -> None:
        """Remember a webhook that failed."""
        if answer.status is None or answer.status >= 400:
            self._store.record("webhook", sid=sid, url=url, **answer.exported())

    async def _step(self) -> None:
        await asyncio.sleep(self._config.step_seconds)
