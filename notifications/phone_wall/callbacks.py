"""Tells the product what became of a message or call, with everything that can go wrong on that way."""

import asyncio
import math
from collections.abc import Sequence
from itertools import islice, permutations

from notifications.phone_wall.faults import Fault, Occasion, Strike
from notifications.phone_wall.injector import Injector
from notifications.phone_wall.store import Store
from notifications.phone_wall.webhooks import Answer, Webhooks, new_token

Form = list[tuple[str, str]]


class Callbacks:
    """Posts statuses."""

    def __init__(self, store: Store, webhooks: Webhooks, injector: Injector) -> None:
        self._store = store
        self._webhooks = webhooks
        self._injector = injector

    async def tell(self, sid: str, url: str, form: Form) -> None:
        """Post one status: at once or late, once or several times, or never."""
        befalls = self._injector.befall(Occasion.CALLBACK, sid=sid, status=status_in(form))
        if Fault.CALLBACK_LOST in befalls:
            return
        if Fault.CALLBACK_LATE in befalls:
            await asyncio.sleep(befalls[Fault.CALLBACK_LATE].seconds)
        if not await self._injector.passes_outage("status_callback", sid):
            return
        repeated = befalls.get(Fault.CALLBACK_REPEATED)
        token = new_token()  # one for all copies, as Twilio's retries have
        posts = [self._post(sid, url, form, token) for _ in range(repeated.copies if repeated else 1)]
        await asyncio.gather(*posts)

    async def tell_in_another_order(self, sid: str, kept: Sequence[tuple[str, Form]], strike: Strike) -> None:
        """Post all statuses of a message, one after the other, in the order that the strike asks for."""
        ordered = in_order(kept, strike)
        told = [status_in(form) for _, form in ordered]
        self._injector.write(strike.fault, sid=sid, order=told)
        for url, form in ordered:
            await self.tell(sid, url, form)

    async def _post(self, sid: str, url: str, form: Form, token: str) -> None:
        self.log(sid, url, await self._webhooks.post(url, form, token))

    def log(self, sid: str, url: str, answer: Answer) -> None:
        """Remember a webhook that failed."""
        if answer.status is None or answer.status >= 400:
            self._store.record("webhook", sid=sid, url=url, **answer.exported())


def in_order(kept: Sequence[tuple[str, Form]], strike: Strike) -> Sequence[tuple[str, Form]]:
    """The order of the strike's rank; where it names none, any but the one in which things happened."""
    many = math.factorial(len(kept))
    rank = 1 + int(strike.draw * (many - 1)) if strike.rank is None else strike.rank
    return next(islice(permutations(kept), rank % many, None))


def status_in(form: Form) -> str:
    """The status that a callback tells."""
    told = dict(form)
    return told.get("MessageStatus") or told.get("CallStatus", "")
