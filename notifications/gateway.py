"""What the product asks of whoever carries its messages: the port that a provider or a test double fills.

Nothing here knows a provider. Numbers and texts are kept out of every repr, because a repr ends in a log.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol


class MessageStatus(StrEnum):
    """What the provider last said about a message; the names are those of Twilio's resource."""

    ACCEPTED = "accepted"  # taken, a sender is still to be chosen
    SCHEDULED = "scheduled"  # held by the provider until a time
    QUEUED = "queued"  # waiting for its turn at the sender
    SENDING = "sending"  # being handed to the carrier
    SENT = "sent"  # the carrier has it; some carriers never say more
    RECEIVING = "receiving"  # inbound, not whole yet
    RECEIVED = "received"  # inbound, whole
    CANCELED = "canceled"  # taken back before it left
    DELIVERED = "delivered"  # the carrier says that the handset has it; nobody need have read it
    READ = "read"  # the handset says that it was opened
    PARTIALLY_DELIVERED = "partially_delivered"  # some segments arrived
    FAILED = "failed"  # never left the provider
    UNDELIVERED = "undelivered"  # the carrier or the handset refused it

    @property
    def rank(self) -> int:
        """The place in the one order that statuses move along, and never back."""
        return _RANKS[self]

    @property
    def is_terminal(self) -> bool:
        """Whether no further status is to be waited for."""
        return self in TERMINAL


# Callbacks come late, twice and in any order, so the outcome must not depend on the order of arrival: a total
# order and its maximum give that. Between two terminal statuses (several segments with different fates) the
# one that tells of trouble ranks higher: a person then looks, instead of nobody.
_RANKS: Final = {status: place for place, status in enumerate(MessageStatus)}

TERMINAL: Final = frozenset(
    status
    for status in MessageStatus
    if _RANKS[status] >= _RANKS[MessageStatus.CANCELED] or status is MessageStatus.RECEIVED
)


def furthest(known: MessageStatus, told: MessageStatus) -> MessageStatus:
    """The status to keep of two: only forward, and a terminal one never gives way to one that is not."""
    return max(known, told, key=lambda status: (status.is_terminal, status.rank))


def is_contradiction(known: MessageStatus, told: MessageStatus) -> bool:
    """Whether two terminal statuses exclude each other: fetch the message and trust that."""
    agreeing = {MessageStatus.DELIVERED, MessageStatus.READ}
    both_terminal = known.is_terminal and told.is_terminal
    return both_terminal and known is not told and {known, told} != agreeing


class SendFailure(StrEnum):
    """Why a message did not go out, as far as it decides what to do next."""

    PERMANENT = "permanent"  # never again to this number on this channel; the next channel or a person
    RETRY = "retry"  # certainly not sent; the same again, later
    UNKNOWN = "unknown"  # perhaps sent; ask before anything is sent again
    OPTED_OUT = "opted_out"  # the person said STOP; never again until START
    CONFIGURATION = "configuration"  # no message goes out like this; stop and tell the operator


class SendError(Exception):
    """A message, call or question that the provider did not take.

    Its message names the kind and the provider's code, never a number, a text or the provider's words.
    `retry_after` is in seconds, where the provider gave it.
    """

    def __init__(self, kind: SendFailure, code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"not sent: {kind}" + (f" (provider code {code})" if code is not None else ""))
        self.kind = kind
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """A text to one phone.

    `message_id` is our own id and comes back with every status; the provider is to give up after
    `validity_seconds` (1 to 36,000; what lies outside is brought inside).
    """

    message_id: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    urgent: bool
    validity_seconds: int


class CallStatus(StrEnum):
    """What the provider last said about a call; the names are those of Twilio's resource."""

    QUEUED = "queued"  # taken, waiting for its turn
    INITIATED = "initiated"  # being dialled
    RINGING = "ringing"  # the phone rings
    IN_PROGRESS = "in-progress"  # somebody, or a machine, has picked up
    COMPLETED = "completed"  # it was picked up and is over; nobody need have listened
    BUSY = "busy"  # the line was taken
    NO_ANSWER = "no-answer"  # it rang, and nobody picked up
    FAILED = "failed"  # it could not be connected: often no such number
    CANCELED = "canceled"  # taken back before it was picked up

    @property
    def is_terminal(self) -> bool:
        """Whether the call is over."""
        return _CALL_RANKS[self] >= _CALL_RANKS[CallStatus.COMPLETED]


_CALL_RANKS: Final = {status: place for place, status in enumerate(CallStatus)}


def further(known: CallStatus, told: CallStatus) -> CallStatus:
    """The status of a call to keep of two: only forward, and of two ends the one that was told first."""
    return known if known.is_terminal or _CALL_RANKS[told] < _CALL_RANKS[known] else told


class AnsweredBy(StrEnum):
    """Who picked up, as far as the provider can hear; only a pressed key proves a person."""

    PERSON = "person"  # also where the provider cannot tell: then the menu is spoken, and a key decides
    MACHINE = "machine"  # voicemail, or a fax


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call to one phone that rings for `ring_seconds`; once it is picked up, `url` is asked for the words.

    25 seconds end before most voicemails answer. `call_id` is our own id and comes back with every status.
    """

    call_id: str
    to: str = field(repr=False)
    url: str
    ring_seconds: int = 25


@dataclass(frozen=True, slots=True)
class CallReceipt:
    """What the provider says about one call of ours."""

    sid: str
    status: CallStatus


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One outbound call found in the provider's list."""

    sid: str
    status: CallStatus
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HeardOnCall:
    """What the provider tells while a call is up: who answers, and the keys pressed (None: none was)."""

    sid: str
    status: CallStatus | None
    answered_by: AnsweredBy
    keys: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider says about one message of ours."""

    sid: str
    status: MessageStatus
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """One outbound message found in the provider's list; its text only as a digest (see `body_digest`)."""

    sid: str
    to: str = field(repr=False)
    status: MessageStatus
    error_code: int | None
    created_at: datetime
    body_digest: str = field(repr=False)


class OptOutType(StrEnum):
    """What the provider made of a reserved word, where it answers them itself."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A text from a phone; `body` may be empty and is never to be trusted.

    `received_at` is known for a listed message only, a webhook does not say. Where there is an `opt_out_type`
    the provider has answered already.
    """

    sid: str
    from_: str = field(repr=False)
    to: str = field(repr=False)
    body: str = field(repr=False)
    num_media: int = 0
    opt_out_type: OptOutType | None = None
    received_at: datetime | None = None


def body_digest(body: str) -> str:
    """SHA-256 of a text, in hex: enough to recognise it, nothing to read."""
    return hashlib.sha256(body.encode()).hexdigest()


class Gateway(Protocol):
    """Carries messages. Every method raises SendError, and nothing else, when the provider does not do it."""

    async def send(self, sms: OutgoingSms) -> Receipt:
        """Hand one text to the provider, once: it is never repeated in here."""
        ...

    async def call(self, call: OutgoingCall) -> CallReceipt:
        """Start one call, once: it is never repeated in here."""
        ...

    async def fetch_call(self, sid: str) -> CallReceipt:
        """Ask what became of a call."""
        ...

    async def find_calls(self, to: str, made_after: datetime) -> Sequence[ListedCall]:
        """Our recent calls to a number, to settle one of unknown outcome."""
        ...

    async def fetch(self, sid: str) -> Receipt:
        """Ask what became of a message."""
        ...

    async def find(
        self, to: str, sent_after: datetime, body_digest: str | None = None
    ) -> Sequence[ListedMessage]:
        """Our recent outbound messages to a number, newest first, to settle a send of unknown outcome."""
        ...

    async def outbound_since(self, since: datetime) -> Sequence[ListedMessage]:
        """Every text of ours since then, oldest first: what a restored database knows nothing of."""
        ...

    async def inbound_since(self, since: datetime) -> Sequence[InboundSms]:
        """Every text that came in to our numbers since then, oldest first."""
        ...

    async def redact(self, sid: str) -> None:
        """Make the provider forget the text of a message; only once it is terminal and settled."""
        ...

    async def aclose(self) -> None:
        """Close the connections; the gateway is not used afterwards."""
        ...
