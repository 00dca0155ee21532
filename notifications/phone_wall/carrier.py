"""The way of a text from the wall to a handset, and of what is said about it on the way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from notifications.phone_wall.callbacks import Callbacks
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Fault, Occasion, Strike
from notifications.phone_wall.injector import Injector
from notifications.phone_wall.records import DELIVERY_ERRORS, ENDED, HandsetMode, Message
from notifications.phone_wall.store import Store
from notifications.phone_wall.webhooks import Answer, Webhooks

API_VERSION: Final = "2010-04-01"
NEVER_LEFT: Final = frozenset({30001, 30002, 30036})
"""With these codes a message ends as `failed`, and with all others as `undelivered`: it never left Twilio."""

Form = list[tuple[str, str]]


class Carrier:
    """Carries messages, each in a task of its own; calls use its tasks and callbacks too."""

    def __init__(self, config: WallConfig, store: Store, webhooks: Webhooks, injector: Injector) -> None:
        self._config = config
        self._store = store
        self._injector = injector
        self._callbacks = Callbacks(store, webhooks, injector)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._kept: dict[str, list[tuple[str, Form]]] = {}

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
            await asyncio.sleep((message.send_at - self._store.now()).total_seconds())
        befalls = self._injector.decide(Occasion.CARRIED)
        if Fault.CALLBACKS_REORDERED in befalls:
            self._kept[message.sid] = []
        await self._step()
        fate = befalls.get(Fault.NOT_DELIVERED)
        fails = fate is not None and fate.code in NEVER_LEFT
        for status in ("queued", "sending") if fails else ("queued", "sending", "sent"):
            if message.status == "canceled":
                return
            if status not in {step.status for step in message.steps}:
                self._become(message, status)
                await self._step()
        self._finish(message, fate)
        if Fault.CALLBACKS_REORDERED in befalls:
            self._tell_kept(message, befalls[Fault.CALLBACKS_REORDERED])

    def _finish(self, message: Message, fate: Strike | None) -> None:
        mode = self._store.mode(message.to)
        if fate is None and mode in DELIVERY_ERRORS:
            self._become(message, "undelivered", DELIVERY_ERRORS[mode])
            return
        if fate is None or fate.arrives:
            self._store.record("arrived", sid=message.sid)
        if fate is not None:
            self._injector.note(fate, sid=message.sid, arrives=fate.arrives)
            self._become(message, "failed" if fate.code in NEVER_LEFT else "undelivered", fate.code)
        elif mode is not HandsetMode.NO_RECEIPTS:
            self._become(message, "delivered")

    def _become(self, message: Message, status: str, error_code: int | None = None) -> None:
        self._store.record("status", sid=message.sid, status=status, error_code=error_code)
        if message.status_callback and status in self._config.callback_statuses:
            form = self.status_form(message, status, error_code)
            if message.sid in self._kept:
                self._kept[message.sid].append((message.status_callback, form))
            else:
                self.tell(message.sid, message.status_callback, form)

    def _tell_kept(self, message: Message, strike: Strike) -> None:
        kept = self._kept.pop(message.sid)
        self.spawn(self._callbacks.tell_in_another_order(message.sid, kept, strike))

    def status_form(self, message: Message, status: str, error_code: int | None) -> Form:
        """What a status callback says."""
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
            form.append(("RawDlrDoneDate", f"{self._store.now():%y%m%d%H%M}"))
        return form

    def tell(self, sid: str, url: str, form: Form) -> None:
        """Post a status callback, unless it is to be lost."""
        # Not awaited by the message's own way: callbacks come late and out of order, as Twilio's do.
        self.spawn(self._callbacks.tell(sid, url, form))

    def log(self, sid: str, url: str, answer: Answer) -> None:
        """Remember a webhook that failed."""
        self._callbacks.log(sid, url, answer)

    async def _step(self) -> None:
        await asyncio.sleep(self._config.step_seconds)
