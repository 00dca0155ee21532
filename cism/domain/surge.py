"""What a large incident would ask of a sender and a team: invented people, planned for by the real rules.

The invented people sleep when and where the roster's own responders do. Their contact points come from
`plan_contacts`; what they answer is drawn from the assumed shares. Nothing of it is performed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from cism.domain.followup import PlannedContact, opt_in_at, plan_contacts, reminder_at, worth_asking
from cism.domain.incident import Affected, Circle, Incident
from cism.domain.people import Person, PersonStatus
from cism.domain.protocol import Protocol
from cism.domain.quiet_hours import is_asleep, next_open
from cism.domain.surge_queues import HourOfWork, Outgoing, Sent, send, work
from cism.domain.what_if import WhatIf

SEED: Final = 988
_EACH: Final = 3  # people a helper looks after, as the policy of selection has it
_CIRCLE: Final = Circle.B  # of every invented person: present
_URGENT, _ANSWER, _TEAM, _CARE = 0, 1, 2, 3  # lanes, as the outbox has them
FIRST, LATER, PAGE = "first check-in", "check-in", "page"


@dataclass(frozen=True, slots=True)
class Surge:
    """The result of one calculation."""

    sent: Sent
    peers: list[HourOfWork]
    clinicians: list[HourOfWork]
    needed: int  # helpers that the protocol asks for
    asked: int
    found: int
    sessions: int  # individual sessions with a professional that the protocol has offered
    cost: float


@dataclass(frozen=True, slots=True)
class Team:
    """Who there is on the roster."""

    responders: Sequence[Person]  # the invented people sleep as one of these
    helpers: Sequence[Person]
    clinicians: Sequence[Person]


def calculate(incident: Incident, protocol: Protocol, given: WhatIf, team: Team) -> Surge:
    """How long the texts take, where helpers are missing, and what it costs. The same every time."""
    crowd = _Crowd(incident, protocol, given, Random(SEED))
    people, times = given.assumed.affected, given.work
    needed = max(protocol.activation.team[incident.severity], math.ceil(people / _EACH))
    stay = 100 - given.assumed.decline
    wanted = math.ceil(needed * 100 / stay) + protocol.activation.ask_extra if stay else len(team.helpers)
    asked = min(len(team.helpers), wanted)
    found = min(needed, int(asked * stay / 100))
    crowd.ask(asked, found)
    for _ in range(people):
        crowd.look_after(crowd.rng.choice(team.responders))
    sent = send(crowd.texts, given.sender)
    awake = [_awake(team.helpers[:found], incident.logged_at, hour) for hour in range(24)]
    on_call = len(team.clinicians)
    return Surge(
        sent=sent,
        peers=work(crowd.calls, times.call_minutes, awake, found * times.peer_hours),
        clinicians=work(
            crowd.urgent,
            times.clinician_minutes,
            [on_call] * 24,  # urgent cases wake whoever is next
            on_call * times.clinician_hours,
        ),
        needed=needed,
        asked=asked,
        found=found,
        sessions=people * sum(_CIRCLE in rule.circles for rule in protocol.mhp),
        cost=sent.count * (given.sender.price + given.sender.surcharge),
    )


def _awake(helpers: Sequence[Person], day: datetime, hour: int) -> int:
    at = day.replace(hour=hour, minute=30)
    return sum(not is_asleep(at, one.zone, one.sleep) for one in helpers)


@dataclass(slots=True)
class _Crowd:
    """Invented people, and everything that would be asked because of them."""

    incident: Incident
    protocol: Protocol
    given: WhatIf
    rng: Random
    texts: list[Outgoing] = field(default_factory=list)
    calls: list[datetime] = field(default_factory=list)
    urgent: list[datetime] = field(default_factory=list)
    _plans: dict[tuple[str, bool], list[PlannedContact]] = field(default_factory=dict)

    def ask(self, asked: int, found: int) -> None:
        """Page helpers, and tell those who took it."""
        at = self.incident.logged_at
        self.texts += [Outgoing(at, _URGENT, PAGE)] * asked + [Outgoing(at, _URGENT, "assigned")] * found

    def look_after(self, like: Person) -> None:
        """One invented person, from the call on the same day to the last contact point."""
        person = replace(
            like, consent_care=True, phone_confirmed=True, opted_out=False, status=PersonStatus.ACTIVE
        )
        capped = self._draw(self.given.sender.capped_share)
        keeps = self._draw(self.given.assumed.keep)
        name = FIRST
        plan = [item for item in self._plan(person, keeps=keeps) if item.dropped is None]
        for item, following in zip(plan, [*plan[1:], None], strict=True):
            if item.channel == "peer":
                self._call(item.due_at)
                continue
            self.texts.append(Outgoing(item.due_at, _CARE, name, item.expires_at, capped))
            name = LATER
            if not self._answered(item, following, person, capped=capped):
                return

    def _answered(
        self, item: PlannedContact, following: PlannedContact | None, person: Person, *, capped: bool
    ) -> bool:
        """What follows from one check-in; False where the person ends the contacts."""
        assumed = self.given.assumed
        at = item.due_at + timedelta(minutes=self.given.work.reply_minutes)
        end, call = assumed.end, assumed.end + assumed.call
        drawn = self.rng.uniform(0, 100)
        if drawn < call + assumed.now:
            self.texts.append(Outgoing(at, _ANSWER, "answer", None, capped))
        if drawn < end:
            return False
        if drawn < call:
            self._call(at)
        elif drawn < call + assumed.now:
            self.urgent.append(at)
        elif drawn >= call + assumed.now + assumed.fine:
            self._silent(item, following, person, capped=capped)
        if self._asked_after(item):
            self.texts.append(Outgoing(self._opt_in(item, person), _CARE, "opt-in", None, capped))
        return True

    def _silent(
        self, item: PlannedContact, following: PlannedContact | None, person: Person, *, capped: bool
    ) -> None:
        """The one reminder, and a peer's call where silence lasts until then and nothing else comes first."""
        last = self._asked_after(item)
        after = self._opt_in(item, person) if last else following.due_at if following else None
        reminder = reminder_at(item.due_at, person, self.protocol, after)
        if reminder is not None:
            self.texts.append(Outgoing(reminder, _CARE, "reminder", after, capped))
        closes = next_open((reminder or item.due_at) + self.protocol.answer_wait, person.zone, person.sleep)
        if after is None or closes < after:
            self._call(closes)

    def _ended(self) -> datetime:
        return self.incident.ended_at or self.incident.logged_at

    def _asked_after(self, item: PlannedContact) -> bool:
        """Whether the question to keep in touch follows this check-in: the last that needs no opt-in."""
        rules = self.protocol.contacts_for(self.incident.severity)
        promised = [rule.id for rule in rules if rule.after and not rule.opt_in]
        return worth_asking(self.protocol, self.incident.severity) and promised[-1:] == [item.point]

    def _opt_in(self, item: PlannedContact, person: Person) -> datetime:
        return opt_in_at(item.due_at, person, self.protocol)

    def _call(self, at: datetime) -> None:
        """A peer is asked to call, and told that the report was noted."""
        self.calls.append(at)
        self.texts += [Outgoing(at, _TEAM, "peer's task"), Outgoing(at, _ANSWER, "noted")]

    def _draw(self, share: float) -> bool:
        return self.rng.uniform(0, 100) < share

    def _plan(self, person: Person, *, keeps: bool) -> list[PlannedContact]:
        known = self._plans.get((person.id, keeps))
        if known is None:
            since = self.incident.logged_at
            mine = Affected(person_id=person.id, circle=_CIRCLE, exposure_end=self._ended(), added_at=since)
            known = plan_contacts(self.incident, mine, person, self.protocol, since, opted_in=keeps)
            self._plans[person.id, keeps] = known
        return known
