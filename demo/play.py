"""Drives the story: phones that react, incidents that are logged, and a clock that jumps between them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from cism.clock import RealClock
from demo.cast import SPONTANEOUS, STRANGER, Cast, Move
from demo.checking.words import Kind, kind_of
from demo.clock import DemoClock
from demo.incidents import Change, Entry, Story, input_of
from demo.installation import DemoError, Installation
from demo.screen import Screen
from demo.wall import WallClient

READ_AFTER = timedelta(minutes=10)
ACCEPT_AFTER = timedelta(minutes=5)
_UNREAD = 1  # the coordinator misses this one (counted from 0), so that it goes up the ladder


@dataclass
class Play:
    """One run of the story, and the record of what was put in."""

    installation: Installation
    clock: DemoClock
    wall: WallClient
    screen: Screen
    story: Story
    people: dict[str, str]  # roster key -> phone
    coordinators: frozenset[str]
    script: list[dict[str, str]] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    acts_before: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cast = Cast()
        self.keys = {phone: key for key, phone in self.people.items()}
        self._acts: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._number = itertools.count()
        self._to_read = 0
        self._accepted: set[str] = set()

    def plan(self, at: datetime, act: Callable[[datetime], None]) -> None:
        """Do something at a product time."""
        heapq.heappush(self._acts, (at, next(self._number), act))

    def prepare(self) -> None:
        """Everything that does not depend on what the product does."""
        for entry in self.story.entries:
            self.plan(entry.logged_at, partial(self._log, entry))
            for change in entry.changes:
                self.plan(change.at, partial(self._change, entry, change))
        last = max(entry.logged_at for entry in self.story.entries)
        for text in SPONTANEOUS:
            at = self._local(text.day, text.hour, text.person)
            if at < last + timedelta(days=3):
                phone = self.people.get(text.person, text.person)
                self.plan(at, partial(self._say, phone, text.body, text.means))

    def until(self, end: datetime, tell: Callable[[datetime], None]) -> None:
        """Play until a product time; `tell` hears of every stop."""
        while True:
            now = self._quiet()
            tell(now)
            if now >= end:
                return
            moments = [end, *(at for at, _, _ in self._acts[:1])]
            due = self.clock.next_due()
            # what became due while we looked is not passed over: time stays, and it is done first
            self.clock.go_to(min([*moments, due] if due else moments))

    def _quiet(self) -> datetime:
        """Let everything that belongs to this moment happen: texts are read, and what is due is done."""
        while True:
            self.clock.settle()
            now = self.clock.now()
            self._read(now)
            ready = False
            while self._acts and self._acts[0][0] <= now:
                _, _, act = heapq.heappop(self._acts)
                act(self.clock.now())
                ready = True
            if not ready:
                return now

    def _read(self, now: datetime) -> None:
        found = [(row["to"], kind_of(row["body"]), row["body"]) for row in self.wall.arrived()]
        self.screen.texts(now, [(phone, kind) for phone, kind, _ in found])
        for phone, kind, body in found:
            key = self.keys.get(phone)
            if key is None:
                continue
            for move in self.cast.reacts(key, kind, body):
                self._plan_move(phone, move, now)
            if kind is Kind.QUEUE_NEW:
                self._plan_reading(phone, now)
            elif kind is Kind.TEAM_NOTICE and key in self.coordinators:
                self.plan(now + ACCEPT_AFTER, partial(self._accept, phone, body))

    def _plan_move(self, phone: str, move: Move, now: datetime) -> None:
        at = now if move.after == 0 else _whole_minute(now + timedelta(minutes=move.after))
        self.plan(at, partial(self._say, phone, move.body, move.means))

    def _say(self, phone: str, body: str, means: str, now: datetime) -> None:
        self.screen.says(now, phone, body, means)
        to = None if phone != STRANGER else "+12025550100"
        sid = self.wall.say(phone, body, to)
        self.script.append({"sid": sid, "handset": phone, "body": body, "means": means})

    def _log(self, entry: Entry, now: datetime) -> None:
        self.screen.logs(now, entry.agency, entry.headline)
        if entry.rule:
            self.screen.note(f"    {entry.rule}")
        real = RealClock().now()
        answer = self._call("POST", "/api/v1/incidents", entry, entry.body, entry.key)
        self.story.refs[entry.key] = answer["ref"]
        self.inputs.append(input_of(entry, answer["ref"], real.isoformat()))
        self.screen.note(f"    {answer['ref']}: {answer['team_state']}")

    def _change(self, entry: Entry, change: Change, now: datetime) -> None:
        ref = self.story.refs[entry.key]
        self.screen.logs(now, entry.agency, f"{ref}: {change.words}")
        self._call("PATCH", f"/api/v1/incidents/{ref}", entry, change.fields, None)

    def _call(
        self, method: str, path: str, entry: Entry, body: dict[str, Any], key: str | None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[entry.agency]}"}
        if key:
            headers["Idempotency-Key"] = key
        answer = self.installation.http.request(method, path, json=body, headers=headers)
        if answer.is_error:
            message = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            raise DemoError(message)
        found: dict[str, Any] = answer.json()
        return found

    def _plan_reading(self, phone: str, now: datetime) -> None:
        number, self._to_read = self._to_read, self._to_read + 1
        if number != _UNREAD:
            self.plan(_whole_minute(now + READ_AFTER), partial(self._handle, phone))

    def _handle(self, phone: str, now: datetime) -> None:
        """Whoever was told reads what came before this and acts, at a terminal."""
        agency, _, roster_id = self.keys[phone].partition(":")
        items = self.installation.cism("queue", "list", "--as", f"{agency}:{roster_id}", "--json")
        old = [item for item in items if datetime.fromisoformat(item["received_at"]) <= now - READ_AFTER]
        for item in old:
            self.installation.cism("queue", "handle", item["id"], "--as", f"{agency}:{roster_id}")
        if old:
            self.screen.does(now, phone, f"reads {len(old)} and acts")

    def _accept(self, phone: str, text: str, now: datetime) -> None:
        ref = next((ref for ref in self.story.refs.values() if ref in text), None)
        if ref is None or ref in self._accepted:
            return
        self._accepted.add(ref)
        self.installation.cism("accept", ref, "--as", self.keys[phone])
        self.screen.does(now, phone, f"takes over {ref}")

    def _local(self, day: int, hour: str, person: str) -> datetime:
        zone = ZoneInfo("America/New_York" if "harbor" not in person else "America/Chicago")
        date = self.story.start + timedelta(days=day)
        return datetime.combine(date, time.fromisoformat(hour), tzinfo=zone).astimezone(UTC)


def _whole_minute(at: datetime) -> datetime:
    """Rounded up, so that people who answer in the same minute do it in one stop."""
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)
