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


@dataclass(slots=True)
class Call:
    """A call that was asked for; `script` is the TwiML that it speaks, once that is known."""

    index: int
    sid: str
    from_: str
    to: str
    accepted_at: datetime
    twiml: str | None
    url: str | None
    status_callback: str | None
    events: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)
    script: str | None = None
    deleted: bool = False

    @property
    def status(self) -> str:
        """Where the call stands now."""
        return self.steps[-1].status

    def exported(self) -> dict[str, Any]:
        """The call for the export."""
        return {
            "sid": self.sid,
            "from": self.from_,
            "to": self.to,
            "accepted_at": stamp(self.accepted_at),
            "status": self.status,
            "history": [step.exported() for step in self.steps],
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
