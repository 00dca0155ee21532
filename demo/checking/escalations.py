"""Chains of asking: from the words that began one, helper by helper, to the human who ended it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.checking.evidence import Evidence, Said, Text
from demo.checking.hours import after_open_minutes, next_open
from demo.checking.words import ASKS_FOR_HELP, Kind, code_of, digit_and_code

SLACK = timedelta(seconds=90)
AT_ONCE = timedelta(seconds=30)
ACK = {"EMERGENCY": timedelta(minutes=5), "URGENT": timedelta(minutes=15), "ROUTINE": timedelta(hours=4)}
VOICE = {"EMERGENCY": timedelta(minutes=15), "URGENT": timedelta(hours=1), "ROUTINE": timedelta(hours=24)}
A_DAY = timedelta(hours=24)
REPEAT = timedelta(minutes=15)
_LEVELS = {"crisis": "EMERGENCY", "call now": "URGENT", "call later": "ROUTINE", "help": "URGENT"}
UNREAD = (timedelta(minutes=30), timedelta(minutes=60))


@dataclass
class Chain:
    """One escalation as it can be seen from outside."""

    level: str
    opened: datetime
    person: str | None = None
    asks: list[Text] = field(default_factory=list)
    keys: set[tuple[str, str | None]] = field(default_factory=set)
    due: datetime | None = None  # by when the next is asked, or an outcome told
    acked: datetime | None = None
    acked_by: str | None = field(default=None, repr=False)
    closed: datetime | None = None
    turned: datetime | None = None  # handed on, so that somebody else is asked at once
    problems: list[str] = field(default_factory=list)


def chains_of(evidence: Evidence) -> list[Chain]:
    """Every escalation, in order of beginning."""
    return _Reader(evidence).read()


class _Reader:
    """Goes through all that was said and sent, in order."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.chains: list[Chain] = []
        self.last: dict[str, str] = {}  # the last digit about themselves, by phone
        self.unread: list[Said] = []

    def read(self) -> list[Chain]:
        for event in self._events():
            self._late(event.at)
            if isinstance(event, Said):
                self._said(event)
            elif event.kind in ASKS_FOR_HELP:
                self._asked(event)
            elif event.kind is Kind.ESCALATION_OVERDUE:
                self._overdue(event)
        self._late(self.evidence.until)
        return self.chains

    def _events(self) -> Iterator[Said | Text]:
        yield from sorted([*self.evidence.said, *self.evidence.texts], key=lambda event: event.real)

    def _late(self, now: datetime) -> None:
        for chain in self.chains:
            slack = A_DAY if chain.level == "ROUTINE" else SLACK  # waking hours of whoever comes next
            if chain.closed is None and chain.due is not None and now > chain.due + slack:
                what = "no outcome and nobody asked again" if chain.acked else "nobody was asked next"
                chain.problems.append(f"{chain.level}: {what} by {chain.due:%a %d %b %H:%M}Z")
                chain.due = None

    def _said(self, said: Said) -> None:
        digit, code = digit_and_code(said.body)
        chain = self._by_key(said.handset, code) if code else None
        if chain is not None and digit is not None:
            self._helper(chain, said, digit)
        elif said.means in _LEVELS:
            self._begin(said)
        elif said.means in {"words", "wrong number"}:
            self.unread.append(said)
        if said.means == "check-in answer":
            self.last[said.handset] = digit or ""

    def _begin(self, said: Said) -> None:
        person = self.evidence.by_phone.get(said.handset)
        key = person.key if person else None
        level = _LEVELS[said.means]
        if said.means == "call later" and self.last.get(said.handset) == "2":
            level = "URGENT"
        if said.means == "call later":
            self.last[said.handset] = "2"
        if said.means in {"crisis", "help"}:
            self.unread.append(said)
        running = next((c for c in self.chains if key and c.person == key and c.closed is None), None)
        if running is None:
            self.chains.append(Chain(level, said.at, key))
        elif running.acked is None and list(ACK).index(level) < list(ACK).index(running.level):
            running.level, running.turned = level, said.at

    def _helper(self, chain: Chain, said: Said, digit: str) -> None:
        if digit == "1" and chain.acked is None and chain.closed is None:
            chain.acked, chain.acked_by = said.at, said.handset
            chain.due = self._voice_by(chain, said)
        elif digit in "45":
            chain.closed, chain.due = said.at, None
        elif digit == "6":
            chain.closed, chain.due = said.at, None
            self.chains.append(Chain("EMERGENCY", said.at, chain.person))
        elif digit in "09" and chain.closed is None and chain.acked_by in {None, said.handset}:
            chain.turned, chain.acked, chain.acked_by, chain.due = said.at, None, None, said.at

    def _voice_by(self, chain: Chain, said: Said) -> datetime:
        voice = VOICE[chain.level]
        due = max(chain.opened + voice, said.at + voice - ACK[chain.level])
        helper = self.evidence.by_phone.get(said.handset)
        return next_open(due, helper.hours) if chain.level == "ROUTINE" and helper else due

    def _asked(self, text: Text) -> None:
        chain = self._by_key(text.to, text.code) or self._expecting(text) or self._orphan(text)
        chain.asks.append(text)
        chain.keys.add((text.to, text.code))
        if chain.acked is not None and chain.due is not None and text.at >= chain.due - SLACK:
            chain.acked, chain.acked_by, chain.due = None, None, None  # taken, and nothing heard since
        if chain.acked is None and chain.closed is None:
            chain.due = max(chain.due or text.at, self._next_by(chain, text))

    def _next_by(self, chain: Chain, text: Text) -> datetime:
        helper = self.evidence.by_phone.get(text.to)
        repeated = "has waited" in text.body or "is still not" in text.body
        span = REPEAT if repeated else ACK[chain.level]
        if chain.level == "ROUTINE" and helper is not None:
            return after_open_minutes(text.at, span, helper.hours)
        return text.at + span

    def _expecting(self, text: Text) -> Chain | None:
        """The chain that waits for this: just begun or handed on, or whose last helper's time is over."""
        waiting = [c for c in self.chains if c.closed is None and _fits(text, c) and not self._busy(text, c)]
        fresh = [c for c in waiting if not c.asks and _near(text.at, c.opened)]
        turned = [c for c in waiting if c.turned and _near(text.at, c.turned)]
        timed = [c for c in waiting if c.due and self._is_time(text, c.due, c)]
        beside = [c for c in waiting if c.asks and _is_beside(text, c.asks[-1])]
        asleep = [c for c in waiting if not c.asks and self._woke(text, c)]
        found = [*fresh, *turned, *timed, *asleep, *beside]
        return found[0] if found else None

    def _busy(self, text: Text, chain: Chain) -> bool:
        """Taken, and the time to call is not over."""
        return chain.acked is not None and (chain.due is None or not self._is_time(text, chain.due, chain))

    def _is_time(self, text: Text, due: datetime, chain: Chain) -> bool:
        helper = self.evidence.by_phone.get(text.to)
        if chain.level == "ROUTINE" and helper is not None:
            due = next_open(due, helper.hours)
        return abs(text.at - due) <= SLACK

    def _woke(self, text: Text, chain: Chain) -> bool:
        helper = self.evidence.by_phone.get(text.to)
        return helper is not None and _near(text.at, next_open(chain.opened, helper.hours))

    def _orphan(self, text: Text) -> Chain:
        """Begun by something that a text does not show: words left unread, a helper's worry."""
        level = "EMERGENCY" if text.kind is Kind.WELFARE else "URGENT"
        if "in the next days" in text.body:
            level = "ROUTINE"
        left = [s for s in self.unread if any(abs(text.at - s.at - span) <= SLACK for span in UNREAD)]
        person = self.evidence.by_phone.get(left[0].handset) if left else None
        chain = Chain(level, text.at, person.key if person else None)
        self.chains.append(chain)
        return chain

    def _overdue(self, text: Text) -> None:
        chain = self._by_key(text.to, code_of(text.body))
        if chain is not None and chain.closed is None and chain.acked_by == text.to:
            chain.turned, chain.acked, chain.acked_by, chain.due = text.at, None, None, text.at

    def _by_key(self, phone: str, code: str | None) -> Chain | None:
        found = [chain for chain in self.chains if (phone, code) in chain.keys]
        return found[-1] if found else None


def _fits(text: Text, chain: Chain) -> bool:
    """Whether this text can belong to an escalation of that level."""
    return "has waited" in text.body or ("in the next days" in text.body) == (chain.level == "ROUTINE")


def _is_beside(text: Text, last: Text) -> bool:
    """Asked together with somebody else, as everybody is at the end of a ladder."""
    return text.to != last.to and "has waited" in text.body and _near(text.at, last.at)


def _near(at: datetime, when: datetime) -> bool:
    return timedelta(0) <= at - when <= AT_ONCE


def held_spans(chains: list[Chain], person: str, until: datetime) -> list[tuple[datetime, datetime]]:
    """When a human was being found for this person, and check-ins were held."""
    return [(chain.opened, chain.closed or until) for chain in chains if chain.person == person]
