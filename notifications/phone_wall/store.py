"""Everything that ever happened at the wall; each change is an event, applied and written in one place."""

import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from notifications.phone_wall.changes import Changes
from notifications.phone_wall.clock import real_now
from notifications.phone_wall.journal import Event, Journal
from notifications.phone_wall.records import Call, HandsetMode, Message, Said, Step, VoiceMode


def new_sid(prefix: str) -> str:
    """A SID as Twilio makes them: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)


class Store:
    """The wall's memory; all of it is changed by `record` alone, and only from the wall's own event loop."""

    def __init__(self, journal: Journal, now: Callable[[], datetime] = real_now) -> None:
        self.now = now
        self.changes = Changes()
        self.messages: list[Message] = []
        self.by_sid: dict[str, Message] = {}
        self.by_handset: defaultdict[str, list[Message]] = defaultdict(list)
        self.by_to: defaultdict[str, list[Message]] = defaultdict(list)
        self.arrivals: list[Message] = []
        self.calls: list[Call] = []
        self.calls_by_sid: dict[str, Call] = {}
        self.calls_by_handset: defaultdict[str, list[Call]] = defaultdict(list)
        self.rejected: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = []
        self.injected: list[dict[str, Any]] = []
        self.modes: dict[str, HandsetMode] = {}
        self.voices: dict[str, VoiceMode] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self._journal = journal
        self._appliers = self._all_appliers()

    def open(self) -> None:
        """Read what was written down before, and go on from there."""
        for event in self._journal.past():
            apply = self._appliers.get(event.get("event", ""))
            if apply is not None:
                apply(event)
        self._journal.open()

    def close(self) -> None:
        """Close what is written to."""
        self._journal.close()

    def record(self, event: str, **facts: Any) -> datetime:
        """Let something happen now; returns the moment, which is the `at` of the event."""
        now = self.now()
        happened = {"event": event, "at": now.isoformat(timespec="microseconds"), **facts}
        self._appliers[event](happened)
        self._journal.append(happened)
        self.changes.happened()
        return now

    def mode(self, handset: str) -> HandsetMode:
        """How this handset behaves."""
        return self.modes.get(handset, HandsetMode.OK)

    def voice(self, handset: str) -> VoiceMode:
        """What happens when a call rings at this handset."""
        return self.voices.get(handset, VoiceMode.RINGS)

    def _all_appliers(self) -> dict[str, Callable[[Event], None]]:
        return {
            "message": self._message,
            "status": self._status,
            "arrived": self._arrived,
            "redacted": self._redacted,
            "deleted": self._deleted,
            "call": self._call,
            "call_status": self._call_status,
            "script": self._script,
            "call_answered": self._call_answered,
            "call_waits": self._call_waits,
            "call_said": lambda event: self._heard(event, is_key=False),
            "call_key": lambda event: self._heard(event, is_key=True),
            "call_deleted": self._call_deleted,
            "rejected": lambda event: self.rejected.append(_without_event(event)),
            "webhook": lambda event: self.webhooks.append(_without_event(event)),
            "fault": lambda event: self.injected.append(_without_event(event)),
            "listed_late": self._listed_late,
            "mode": self._mode,
            "voice": self._voice,
            "opted_out": lambda event: self.opted_out.add((event["handset"], event["sender"])),
            "opted_in": lambda event: self.opted_out.discard((event["handset"], event["sender"])),
        }

    def _message(self, event: Event) -> None:
        message = Message(
            index=len(self.messages),
            sid=event["sid"],
            direction=event["direction"],
            from_=event["from"],
            to=event["to"],
            body=event["body"],
            accepted_at=_at(event),
            status_callback=event.get("status_callback"),
            service_sid=event.get("service_sid"),
            send_at=_moment(event.get("send_at")),
            steps=[Step(event["status"], _at(event))],
        )
        self.messages.append(message)
        self.by_sid[message.sid] = message
        self.by_handset[message.handset].append(message)
        self.by_to[message.to].append(message)

    def _status(self, event: Event) -> None:
        step = Step(event["status"], _at(event), event.get("error_code"))
        self.by_sid[event["sid"]].steps.append(step)

    def _arrived(self, event: Event) -> None:
        message = self.by_sid[event["sid"]]
        message.arrived_at = _at(event)
        self.arrivals.append(message)

    def _listed_late(self, event: Event) -> None:
        self.by_sid[event["sid"]].listed_from = _moment(event["until"])

    def _redacted(self, event: Event) -> None:
        self.by_sid[event["sid"]].redacted = True

    def _deleted(self, event: Event) -> None:
        self.by_sid[event["sid"]].deleted = True

    def _call(self, event: Event) -> None:
        call = Call(
            index=len(self.calls),
            sid=event["sid"],
            from_=event["from"],
            to=event["to"],
            accepted_at=_at(event),
            twiml=event.get("twiml"),
            url=event.get("url"),
            status_callback=event.get("status_callback"),
            events=tuple(event.get("events", ())),
            ring_seconds=event.get("ring_seconds", 60),
            detects=event.get("detects", False),
            steps=[Step("queued", _at(event))],
        )
        self.calls.append(call)
        self.calls_by_sid[call.sid] = call
        self.calls_by_handset[call.to].append(call)

    def _call_status(self, event: Event) -> None:
        call = self.calls_by_sid[event["sid"]]
        call.steps.append(Step(event["status"], _at(event)))
        call.waits_for = None

    def _call_answered(self, event: Event) -> None:
        self.calls_by_sid[event["sid"]].answered_by = event["by"]

    def _call_waits(self, event: Event) -> None:
        self.calls_by_sid[event["sid"]].waits_for = event["what"]

    def _heard(self, event: Event, *, is_key: bool) -> None:
        self.calls_by_sid[event["sid"]].heard.append(Said(event["text"], _at(event), is_key))

    def _script(self, event: Event) -> None:
        self.calls_by_sid[event["sid"]].script = event["script"]

    def _call_deleted(self, event: Event) -> None:
        self.calls_by_sid[event["sid"]].deleted = True

    def _mode(self, event: Event) -> None:
        self.modes[event["handset"]] = HandsetMode(event["mode"])

    def _voice(self, event: Event) -> None:
        self.voices[event["handset"]] = VoiceMode(event["voice"])


def _at(event: Event) -> datetime:
    return datetime.fromisoformat(event["at"])


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _without_event(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "event"}
