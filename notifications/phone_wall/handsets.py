"""What comes from a handset: a text, perhaps with a word that the carrier keeps for itself.

Source of the words: twilio.com/docs/messaging/tutorials/advanced-opt-out.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from notifications.phone_wall.accept import E164, pool_of
from notifications.phone_wall.carrier import API_VERSION, Carrier
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Fault, Occasion
from notifications.phone_wall.injector import Injector
from notifications.phone_wall.records import Message
from notifications.phone_wall.store import Store, new_sid
from notifications.phone_wall.twiml import root_of
from notifications.phone_wall.webhooks import Answer, Webhooks, new_token
from notifications.phone_wall.words import WrongActError, _

STOP_WORDS: Final = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"])
START_WORDS: Final = frozenset(["START", "YES", "UNSTOP"])
HELP_WORDS: Final = frozenset(["HELP", "INFO"])

_NO_NUMBER: Final = _("not a phone number in E.164 form such as +12125550123: %(number)s")
_NO_SENDER: Final = _("this handset never got a text, so say which number it writes to")

STOPPED: Final = "You will get no more texts from this number. Reply START to get them again."
STARTED: Final = "You will get texts from this number again. Reply STOP to end them, HELP for help."
HELPED: Final = "This number sends texts that were asked for. Reply STOP to end them. Rates may apply."


@dataclass(frozen=True, slots=True)
class Said:
    """A text from a handset, what the product's webhook answered (None: nobody was told), and the replies."""

    message: Message
    webhook: Answer | None
    replies: list[Message]

    def exported(self) -> dict[str, Any]:
        """The outcome for the wall's own API."""
        return {
            "sid": self.message.sid,
            "webhook": None if self.webhook is None else self.webhook.exported(),
            "replies": [reply.sid for reply in self.replies],
        }


def kept_word(body: str) -> str | None:
    """STOP, START or HELP, where the text is exactly one of the reserved words."""
    word = body.strip().upper()
    kinds = {"STOP": STOP_WORDS, "START": START_WORDS, "HELP": HELP_WORDS}
    return next((kind for kind, words in kinds.items() if word in words), None)


class Handsets:
    """Every phone in the world, as far as this wall is concerned."""

    def __init__(
        self, config: WallConfig, store: Store, carrier: Carrier, webhooks: Webhooks, injector: Injector
    ) -> None:
        self._config = config
        self._store = store
        self._carrier = carrier
        self._webhooks = webhooks
        self._injector = injector

    async def say(self, handset: str, body: str, to: str | None = None) -> Said:
        """Let a handset text one of our senders: the one given, or the one that it heard from last.

        A WrongActError says what is wrong with the numbers.
        """
        sender = to or self._last_heard(handset)
        for number in (handset, sender):
            if not E164.fullmatch(number):
                raise WrongActError(_NO_NUMBER, number=repr(number))
        word = kept_word(body)
        message = self._receive(handset, sender, body)
        replies = self._obey(word, handset, sender)
        answers = await self._tell(message, word)
        replies += self._reply_to(message, answers)
        return Said(message, answers[0] if answers else None, replies)

    def _last_heard(self, handset: str) -> str:
        for message in reversed(self._store.by_handset.get(handset, [])):
            if not message.is_inbound:
                return message.from_
        if not self._config.numbers:
            raise WrongActError(_NO_SENDER)
        return self._config.numbers[0]

    def _receive(self, handset: str, sender: str, body: str) -> Message:
        return self._create(
            direction="inbound", status="received", body=body, **{"from": handset, "to": sender}
        )

    def _create(self, **facts: Any) -> Message:
        sid = new_sid("SM")
        self._store.record("message", sid=sid, service_sid=self._config.messaging_service_sid, **facts)
        return self._store.by_sid[sid]

    def _obey(self, word: str | None, handset: str, sender: str) -> list[Message]:
        pair = (handset, pool_of(sender, self._config))
        was_out = pair in self._store.opted_out
        facts = {"handset": pair[0], "sender": pair[1]}
        if word == "STOP" and not was_out:
            self._store.record("opted_out", **facts)
            return self._answer_word(self._config.opt_out_answer, handset, sender, STOPPED)
        if word == "START" and was_out:
            self._store.record("opted_in", **facts)
            return self._answer_word(self._config.opt_out_answer, handset, sender, STARTED)
        if word == "HELP":
            return self._answer_word(self._config.help_answer, handset, sender, HELPED)
        return []

    def _answer_word(self, answerer: str, handset: str, sender: str, text: str) -> list[Message]:
        # The carrier's own answer goes out even to a person who has just said STOP.
        return [self._reply(handset, sender, text)] if answerer == "twilio" else []

    async def _tell(self, message: Message, word: str | None) -> list[Answer]:
        """Post a text at once, once or several times; no answers where it comes later, or never."""
        if self._config.inbound_url is None:
            return []
        befalls = self._injector.befall(Occasion.INBOUND, sid=message.sid)
        if Fault.WEBHOOK_LOST in befalls:
            return []
        repeated = befalls.get(Fault.WEBHOOK_REPEATED)
        copies = repeated.copies if repeated else 1
        late = befalls.get(Fault.WEBHOOK_LATE)
        if late is not None or self._injector.outage.is_on:
            self._carrier.spawn(self._tell_later(message, word, copies, late.seconds if late else 0.0))
            return []
        return await self._post(message, word, copies)

    async def _tell_later(self, message: Message, word: str | None, copies: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if await self._injector.passes_outage("inbound_webhook", message.sid):
            self._reply_to(message, await self._post(message, word, copies))

    async def _post(self, message: Message, word: str | None, copies: int) -> list[Answer]:
        form = self.form(message, word)
        url, token = str(self._config.inbound_url), new_token()
        answers = await asyncio.gather(*(self._webhooks.post(url, form, token) for _ in range(copies)))
        for answer in answers:
            if answer.status != 200:
                self._store.record("webhook", sid=message.sid, url=url, **answer.exported())
        return list(answers)

    def form(self, message: Message, word: str | None = None) -> list[tuple[str, str]]:
        """What the webhook of a text says."""
        form = [
            ("ToCountry", "US"),
            ("MessageSid", message.sid),
            ("SmsSid", message.sid),
            ("SmsMessageSid", message.sid),
            ("SmsStatus", "received"),
            ("From", message.from_),
            ("To", message.to),
            ("Body", message.body),
            ("NumMedia", "0"),
            ("NumSegments", str(message.segments)),
            ("AccountSid", self._config.account_sid),
            ("ApiVersion", API_VERSION),
        ]
        if message.service_sid:
            form.append(("MessagingServiceSid", message.service_sid))
        if word and self._config.advanced_opt_out:
            form.append(("OptOutType", word))
        return form

    def _reply_to(self, message: Message, answers: Sequence[Answer]) -> list[Message]:
        # Each copy's answer counts: whoever answers two copies of one text has said it twice.
        told = [answer.text for answer in answers if answer.status == 200]
        return [reply for twiml in told for reply in self._reply_all(message, twiml)]

    def _reply_all(self, message: Message, twiml: str) -> list[Message]:
        replies = []
        for to, text in _texts_in(twiml):
            handset = to or message.from_
            if (handset, pool_of(message.to, self._config)) in self._store.opted_out:
                self._store.record("rejected", code=21610, body=text, **{"from": message.to, "to": handset})
            else:
                replies.append(self._reply(handset, message.to, text))
        return replies

    def _reply(self, handset: str, sender: str, text: str) -> Message:
        reply = self._create(
            direction="outbound-reply", status="queued", body=text, **{"from": sender, "to": handset}
        )
        self._carrier.carry(reply)
        return reply


def _texts_in(twiml: str) -> Iterator[tuple[str | None, str]]:
    """The Message verbs of an answer: to whom (None: the one who wrote), and what."""
    root = root_of(twiml)
    if root is None:  # Twilio's 12100: nothing is sent
        return
    for verb in root.iter("Message"):
        text = verb.findtext("Body") or verb.text or ""
        if text.strip():
            yield verb.get("to"), text.strip()
