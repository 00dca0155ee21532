"""What the wall remembers: messages, calls, handsets, and requests that it turned down."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from notifications.gsm import segments

ENDED: Final = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})


CALL_ENDED: Final = frozenset({"completed", "no-answer", "failed", "busy", "canceled"})


class HandsetMode(StrEnum):
    """How a handset, or the way to it, behaves."""

    OK = "ok"  # texts arrive, and the carrier says so
    UNREACHABLE = "unreachable"  # off, or without signal: 30003
    UNKNOWN = "unknown"  # nobody has this number: 30005
    LANDLINE = "landline"  # no texts: 30006
    NO_RECEIPTS = "no_receipts"  # texts arrive, and the carrier never says so
    FILTERED = "filtered"  # the carrier throws them away: 30007


class VoiceMode(StrEnum):
    """What happens when a call rings at a handset."""

    RINGS = "rings"  # until somebody answers it on the page, or by the wall's API
    LISTENS = "listens"  # somebody picks up, listens, and presses nothing
    MACHINE = "machine"  # voicemail picks up
    BUSY = "busy"  # the line is taken
    NO_ANSWER = "no_answer"  # nobody picks up


DELIVERY_ERRORS: Final = {
    HandsetMode.UNREACHABLE: 30003,
    HandsetMode.UNKNOWN: 30005,
    HandsetMode.LANDLINE: 30006,
    HandsetMode.FILTERED: 30007,
}


@dataclass(slots=True)
class Step:
    """One status of a message or call, and when it came to be."""

    status: str
    at: datetime
    error_code: int | None = None

    def exported(self) -> dict[str, Any]:
        """The step for the export."""
        return {"status": self.status, "at": stamp(self.at), "error_code": self.error_code}


@dataclass(slots=True)
class Message:
    """A text in either direction. `body` stays what it was: redacting hides it from the REST API only."""

    index: int
    sid: str
    direction: str
    from_: str
    to: str
    body: str
    accepted_at: datetime
    status_callback: str | None = None
    service_sid: str | None = None
    send_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    arrived_at: datetime | None = None
    listed_from: datetime | None = None
    """From when on the list shows it; None: at once. Whoever knows its SID may ask for it sooner."""
    redacted: bool = False
    deleted: bool = False

    @property
    def status(self) -> str:
        """Where the message stands now."""
        return self.steps[-1].status

    @property
    def error_code(self) -> int | None:
        """Why it did not arrive, where that is known."""
        return self.steps[-1].error_code

    @property
    def is_inbound(self) -> bool:
        """Whether a handset sent it."""
        return self.direction == "inbound"

    @property
    def handset(self) -> str:
        """The number at the handset's end."""
        return self.from_ if self.is_inbound else self.to

    @property
    def sent_at(self) -> datetime | None:
        """When it was handed to the carrier; for an inbound text, when it came in."""
        if self.is_inbound:
            return self.accepted_at
        return next((step.at for step in self.steps if step.status == "sent"), None)

    @property
    def segments(self) -> int:
        """Billed segments, at least one."""
        return max(segments(self.body), 1)

    def exported(self) -> dict[str, Any]:
        """The message for the export, with the query of its StatusCallback as it was given."""
        return {
            "sid": self.sid,
            "direction": self.direction,
            "from": self.from_,
            "to": self.to,
            "body": self.body,
            "segments": self.segments,
            "accepted_at": stamp(self.accepted_at),
            "arrived_at": stamp(self.arrived_at),
            "status": self.status,
            "error_code": self.error_code,
            "history": [step.exported() for step in self.steps],
            "status_callback": self.status_callback,
            "d": callback_id(self.status_callback),
            "messaging_service_sid": self.service_sid,
            "redacted": self.redacted,
            "deleted": self.deleted,
        }


@dataclass(frozen=True, slots=True)
class Said:
    """Words that a call spoke, or keys that were pressed on it, and when."""

    text: str
    at: datetime
    is_key: bool

    def exported(self) -> dict[str, Any]:
        """For the export."""
        return {"key" if self.is_key else "said": self.text, "at": stamp(self.at)}


@dataclass(slots=True)
class Call:
    """A call that was asked for; `script` is the TwiML that it last played, once that is known."""

    index: int
    sid: str
    from_: str
    to: str
    accepted_at: datetime
    twiml: str | None
    url: str | None
    status_callback: str | None
    events: tuple[str, ...]
    ring_seconds: int
    detects: bool
    """Whether who answers is to be told apart from a machine."""
    steps: list[Step] = field(default_factory=list)
    script: str | None = None
    answered_by: str | None = None
    heard: list[Said] = field(default_factory=list)
    waits_for: str | None = None
    """What the call waits for from its handset: "answer", "key" or nothing."""
    deleted: bool = False

    @property
    def status(self) -> str:
        """Where the call stands now."""
        return self.steps[-1].status

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in CALL_ENDED

    @property
    def words(self) -> list[str]:
        """Everything that it has spoken, in order."""
        return [one.text for one in self.heard if not one.is_key]

    def exported(self) -> dict[str, Any]:
        """The call for the export."""
        return {
            "sid": self.sid,
            "from": self.from_,
            "to": self.to,
            "accepted_at": stamp(self.accepted_at),
            "status": self.status,
            "history": [step.exported() for step in self.steps],
            "answered_by": self.answered_by,
            "waits_for": self.waits_for,
            "heard": [one.exported() for one in self.heard],
            "script": self.script,
            "url": self.url,
            "status_callback": self.status_callback,
            "d": callback_id(self.status_callback),
        }


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 with microseconds, always."""
    return None if moment is None else moment.isoformat(timespec="microseconds")


def callback_id(status_callback: str | None) -> str | None:
    """The value of `d` in a StatusCallback's query, byte for byte as it stands there."""
    _, _, query = (status_callback or "").partition("#")[0].partition("?")
    return next((pair[2:] for pair in query.split("&") if pair.startswith("d=")), None)
