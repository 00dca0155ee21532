"""F15: the machine is off, or the provider away, for an hour, for eight, for three days; then all goes on.

Random departments (zones, hours of sleep, languages), random incidents in random states, and somebody who
texts STOP while nobody is there to read it. Judged by what phones got; the performer is the product's own
order of things after a pause (`flows.practice.perform_due`), without Prefect.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.escalation_level import EscalationLevel
from cism.services import clockwork, engine, rungs
from cism.services import escalations as ladders
from cism.services.delivery import Courier
from cism.store.tables import Escalation, Person, Question, QueueItem
from demo.checking import cadence, evidence
from demo.checking.hours import Hours
from demo.checking.words import ANSWERS, ASKS_FOR_HELP, PROACTIVE, Kind, code_of, kind_of
from flows import practice
from flows.hands import BareHands
from flows.runtime import Runtime
from flows.tickets import Ticket
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.stories.clock import StoryClock
from tests.stories.harness import Story
from tests.stories.phones import Arrival
from tests.stories.places import NOON
from tests.stories.roster import Cast
from tests.stories.servers import servers

SPANS: Final = (1, 8, 72)  # hours
_ZONES: Final = (
    *("America/New_York", "America/Los_Angeles", "America/Chicago", "America/Phoenix", "Europe/Berlin"),
    *("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Honolulu"),
)
_SLEEPS: Final = (("", ""), ("22:00", "06:00"), ("08:00", "16:00"), ("13:00", "19:30"), ("20:00", "10:00"))
_UNASKED: Final = PROACTIVE - {Kind.CALL_ARRANGED}
_PRESSING: Final = ASKS_FOR_HELP | {Kind.PAGE}
# says itself how long the words have waited; what may wait for days may be due a minute before the end
_MAY_BE_IN_TIME: Final = ("has waited", "lleva", "in the next days", "en estos dias")
_LATE: Final = (" late: ", " tarde: ")
_CALLS: Final = ("a call is needed", "calls are needed", "hay que llamar a")
_AFTERWARDS: Final = timedelta(hours=26)  # until everybody has been up once
_LOOKED_AFTER: Final = timedelta(hours=3, minutes=50)  # less than an item of the queue may lie


@dataclass
class Seen:
    """What the input was, and what the case remembers of it."""

    incidents: list[evidence.Incident] = field(default_factory=list)
    quiet: set[str] = field(default_factory=set)  # said 0, or have an open escalation, or STOP
    stopped: set[str] = field(default_factory=set)
    asked_now: bool = False  # somebody wrote "3" during the outage
    fresh: bool = False  # an incident was logged in the last moment before it
    began: datetime = NOON
    ended: datetime = NOON
    pressing: int = 0  # escalations that nobody had taken when it began


class Department(Story):
    """A story whose machine can be off."""

    def restart(self) -> None:
        """A new process: what is urgent first, then what came in, then the rest, until nothing is due."""
        self._runner.run(self.courier.aclose())
        self.courier = Courier(self.db, self.servers.gateway(), self.servers.settings, at_once=1)
        runtime = Runtime(self.db, self.courier)
        for _ in range(20):
            hands = BareHands(runtime, Ticket("outage"), orchestrated=False)
            self._runner.run(practice.perform_due(hands))
            self._arrive()
            if not self._runner.run(runtime.look()).anything:
                break
        self._runner.run(asyncio.sleep(0))

    def live(self, span: timedelta) -> None:
        """Time passes, and people help whoever waits for a human: else ladders are climbed all night."""
        until = self.now() + span
        while self.now() < until:
            _humans(self)
            self.go_to(min(until, self.now() + _LOOKED_AFTER))

    def perform(self) -> None:
        """Steps alone; nothing is handed over."""
        while self.act(engine.run_due).steps:
            pass

    def off(self, span: timedelta) -> None:
        """The machine is off."""
        self.act(clockwork.move_to, self.now() + span, "outage")


def downtime(seed: int, ground: Ground) -> Outcome:
    """One department, one outage."""
    draw = random.Random(seed)
    hours = SPANS[seed % len(SPANS)]
    provider = seed % 4 == 3  # the provider refuses everything meanwhile, and the machine is on
    store = "postgresql" if seed % 5 == 4 else "sqlite"
    with department(ground, ground.empty(store), _cast(draw)) as story:
        seen = _happenings(draw, story, fresh=not provider)
        _outage(draw, story, seen, timedelta(hours=hours), provider=provider)
        at_once = len(story.arrivals)
        stands = story.see(_stands)
        story.live(_AFTERWARDS)
        stands |= story.see(_stands)
        return _judged(story, seen, at_once, stands, hours, provider=provider)


@contextmanager
def department(ground: Ground, url: str, cast: Cast) -> Iterator[Department]:
    clock = StoryClock()
    db = ground.open(url, clock=clock)
    with ExitStack() as stack:
        story = Department(db, clock, stack.enter_context(servers(db, ground.home)), cast)
        stack.callback(story.close, judge=False)
        yield story


def _cast(draw: random.Random) -> Cast:
    cast = Cast(zone=draw.choice(_ZONES[:5]))
    for key, role in (("cora", "coordinator"), ("clint", "clinician"), ("dina", "clinical_director")):
        cast.add(key, roles=role, language=draw.choice(("en", "es")))
    for number in range(5):
        cast.add(f"peer-{number}", roles="peer", language=draw.choice(("en", "es")))
    for number in range(draw.randint(5, 8)):
        start, end = draw.choice(_SLEEPS)
        more = {"timezone": draw.choice(_ZONES), "sleep_start": start, "sleep_end": end}
        cast.add(f"a{number}", language=draw.choice(("en", "es")), **more)
    return cast


def _affected(story: Story) -> list[str]:
    return [key for key in story.cast.rows if key.startswith("a")]


def _happenings(draw: random.Random, story: Department, *, fresh: bool) -> Seen:
    seen = Seen()
    story.begin(NOON + timedelta(days=draw.randint(0, 20), minutes=draw.randint(0, 1439)))
    for _ in range(draw.randint(2, 4)):
        log(draw, story, seen)
        story.live(timedelta(minutes=draw.randint(0, 20 * 60)))
    for key in draw.sample(_affected(story), 3):
        _writes(draw, story, seen, key, draw.choice(("3", "2", "1", "rough day, thanks", "0")))
    story.advance(minutes=draw.randint(0, 20))
    if draw.random() < 0.5:  # else somebody waits for a call, or to be read, when it happens
        story.live(timedelta(days=draw.choice((0, 0, 1, 2, 5)), minutes=draw.randint(0, 1439)))
    seen.fresh = fresh and draw.random() < 0.6
    if seen.fresh:
        log(draw, story, seen, perform=False)
    seen.pressing = len(story.see(_pressing))
    return seen


def log(draw: random.Random, story: Department, seen: Seen, *, perform: bool = True) -> None:
    who = draw.sample(_affected(story), draw.randint(1, 4))
    severity, moment = draw.choice(("S1", "S2", "S3")), story.now()
    ended = moment - timedelta(minutes=draw.randint(0, 300))
    add = story.log if perform else story.log_only
    ref = add("THREAT", *(f"{key}:B" for key in who), severity=severity, ended_at=ended)
    people = tuple(evidence.Affected(key, "B", ended) for key in who)
    seen.incidents.append(
        evidence.Incident(ref, "metro-pd", "THREAT", severity, moment, moment, people, None, None)
    )
    if perform:
        for arrival in [one for one in story.arrivals if one.kind == "page" and not one.expected]:
            arrival.expected = True
            if draw.random() < 0.7:
                story.phone(arrival.who).says(f"1 {story.code_in(arrival)}")


def _writes(draw: random.Random, story: Department, seen: Seen, key: str, words: str) -> None:
    story.phone(key).says(words)
    if words in {"0", "2", "3"}:
        seen.quiet.add(key)
    if words == "3" and draw.random() < 0.4:
        story.advance(minutes=draw.randint(1, 60))


def _outage(draw: random.Random, story: Department, seen: Seen, span: timedelta, *, provider: bool) -> None:
    seen.began = story.now()
    if provider:
        story.servers.goes_wrong("429", 1_000_000)
        story.live(span)
        story.servers.goes_wrong("429", 0)
        story.real.pass_real(minutes=5)
    else:
        for key, words in zip(draw.sample(_affected(story), 3), ("STOP", "1", "3"), strict=True):
            if words != "3" or draw.random() < 0.3:
                story.servers.goes_wrong("lose_inbound_webhook", 1)
                story.servers.say(story.phone(key).number, words)
                seen.asked_now |= words == "3"
                seen.quiet |= {key} if words != "1" else set()
                seen.stopped |= {key} if words == "STOP" else set()
        story.off(span)
    seen.ended = story.now()
    story.restart()


def _pressing(session: Session) -> list[Escalation]:
    pressing = (EscalationLevel.URGENT, EscalationLevel.EMERGENCY)
    query = select(Escalation).where(Escalation.state == EscalationState.OPEN, Escalation.level.in_(pressing))
    return list(session.scalars(query))


def _stands(session: Session) -> set[str]:
    """By roster id: whom an item of the human queue, a call given to a peer or an escalation is about."""
    ids = set(session.scalars(select(QueueItem.person_id)))
    ids |= set(session.scalars(select(Escalation.person_id)))
    ids |= set(session.scalars(select(Question.about_id).where(Question.kind == "contact_report")))
    return {row.roster_id for row in session.scalars(select(Person).where(Person.id.in_(ids - {None})))}


def _humans(story: Department) -> None:
    """Everybody who waits for a human is helped."""
    for _ in range(3):
        for row in story.rows(Escalation, Escalation.state != EscalationState.CLOSED):
            story.act(_ended, row.id, story.person("dina").id, story.now())
    story.read_the_queue()


def _ended(session: Session, escalation_id: str, by: str, moment: datetime) -> None:
    row = rungs.locked(session, escalation_id)
    if row.state is not EscalationState.CLOSED:
        ladders.close(session, row, session.get_one(Person, by), "reached", moment)


# --- judging


def _judged(
    story: Department, seen: Seen, at_once: int, stands: set[str], hours: int, *, provider: bool
) -> Outcome:
    first = [one for one in story.arrivals[:at_once] if one.at >= seen.ended]
    after = [one for one in story.arrivals if one.at >= seen.ended]
    persons = {key: person(story, key) for key in story.cast.rows}
    broken = [
        *_heaps(after),
        *in_quiet_hours(story.arrivals, persons),
        *_told_once(first),
        *(
            f"{one.who} said STOP and got {one.body!r}"
            for one in after
            if _unasked(one) and one.who in seen.stopped
        ),
        *([] if provider else _marked(first, seen)),
        *([] if provider else _order(first, seen, persons)),
    ]
    lost = _lost(after, seen, persons, stands)
    wall = story.servers.wall.app_state.store
    injected = sum(1 for one in wall.messages if one.is_inbound) if not provider else 1
    where = "provider away" if provider else "machine off"
    return Outcome(
        injected=1 + injected * (not provider),
        sent=sum(1 for one in wall.messages if not one.is_inbound),
        lost=len(lost),
        doubled=same(story),
        early=_early(story.arrivals, seen, persons),
        note=f"{hours} h, {where}; lost {sorted(lost)}" if lost else f"{hours} h, {where}",
        broken=tuple(broken[:5]),
    )


def person(story: Story, key: str) -> evidence.Person:
    row = story.cast.rows[key]
    start = time.fromisoformat(row["sleep_start"] or "21:00")
    end = time.fromisoformat(row["sleep_end"] or "08:00")
    hours = Hours(row["timezone"], start, end)
    return evidence.Person(
        key, row["phone"], row["agency"], frozenset({row["roles"]}), hours, True, True, row["status"]
    )


def _unasked(one: Arrival) -> bool:
    return kind_of(one.body) in _UNASKED


def _heaps(after: list[Arrival]) -> list[str]:
    """At most one catch-up text a person: never two of them in the same minute."""
    met = Counter((one.who, one.at) for one in after if _unasked(one))
    return [f"{n} texts about themselves at once to {who} at {at}" for (who, at), n in met.items() if n > 1]


def in_quiet_hours(arrivals: list[Arrival], persons: dict[str, Any]) -> list[str]:
    return [
        f"in the quiet hours of {one.who}: {one}"
        for one in arrivals
        if kind_of(one.body) in PROACTIVE and not persons[one.who].hours.is_open(one.at)
    ]


def _told_once(first: list[Arrival]) -> list[str]:
    calls = Counter(one.who for one in first if any(words in one.body for words in _CALLS))
    return [f"{n} texts about calls at once to {who}" for who, n in calls.items() if n > 1]


def _marked(first: list[Arrival], seen: Seen) -> list[str]:
    """What presses says that it is late, and goes to each helper once for each question."""
    pressing = [one for one in first if kind_of(one.body) in _PRESSING]
    met = Counter((one.who, code_of(one.body)) for one in pressing)
    found = [f"{n} times the same question to {who}" for (who, _), n in met.items() if n > 1]
    if not seen.asked_now:
        found += [
            f"not marked late: {one}"
            for one in pressing
            if not any(words in one.body for words in (*_LATE, *_MAY_BE_IN_TIME))
        ]
    if seen.fresh and not any(kind_of(one.body) in {Kind.PAGE, Kind.TEAM_NOTICE} for one in first):
        found.append("of an incident logged before the outage nobody heard after it")
    if seen.pressing and not any(kind_of(one.body) in ASKS_FOR_HELP for one in pressing):
        found.append("an open escalation asked nobody after the outage")
    return found


def _order(first: list[Arrival], seen: Seen, persons: dict[str, Any]) -> list[str]:
    """Pages before texts about themselves; those in the order in which they were due."""
    kinds = [kind_of(one.body) for one in first]
    pages = [place for place, kind in enumerate(kinds) if kind is Kind.PAGE]
    care = [place for place, kind in enumerate(kinds) if kind in _UNASKED]
    found = (
        ["a text about themselves left before the first page"]
        if pages and care and care[0] < pages[0]
        else []
    )
    dues = [due for one in first if (due := _only_due(one, seen, persons)) is not None]
    return found + (["check-ins left in another order than they were due"] if dues != sorted(dues) else [])


def _only_due(one: Arrival, seen: Seen, persons: dict[str, Any]) -> datetime | None:
    """When the one point of somebody with one incident was due that this check-in is about."""
    if kind_of(one.body) is not Kind.CHECK_IN:
        return None
    mine = [due for due, key in points(seen, persons) if key == one.who and seen.began < due <= seen.ended]
    return mine[-1] if len(mine) == 1 else None


def points(seen: Seen, persons: dict[str, Any]) -> list[tuple[datetime, str]]:
    found = [
        (point.due, item.person)
        for incident in seen.incidents
        for item in incident.affected
        for point in cadence.points_of(incident, item, persons[item.person], by_wish=False)
    ]
    return sorted(found)


def _early(arrivals: list[Arrival], seen: Seen, persons: dict[str, Any]) -> int:
    """Check-ins beyond those that had fallen due by then."""
    dues, early = points(seen, persons), 0
    met: Counter[str] = Counter()
    for one in arrivals:
        if kind_of(one.body) is Kind.CHECK_IN:
            met[one.who] += 1
            early += met[one.who] > sum(1 for due, key in dues if key == one.who and due <= one.at)
    return early


def _lost(after: list[Arrival], seen: Seen, persons: dict[str, Any], stands: set[str]) -> set[str]:
    """Whose moment fell into the outage, and who neither got a text nor has a human who was told."""
    due = {key for at, key in points(seen, persons) if seen.began < at <= seen.ended}
    texted = {one.who for one in after if _unasked(one)}
    return due - seen.quiet - texted - stands


def same(story: Story) -> int:
    """Texts that came twice: one of our message ids, or the same words to one phone within five minutes."""
    ids = Counter(one.status_callback for one in story.servers.wall.app_state.store.messages)
    found = sum(n - 1 for callback, n in ids.items() if callback)
    last: dict[tuple[str, str], datetime] = {}
    for one in story.arrivals:
        before = last.get((one.who, one.body))
        if before is not None and kind_of(one.body) not in ANSWERS:
            found += abs(one.at - before) < timedelta(minutes=5)
        last[one.who, one.body] = one.at
    return found


CASES = (
    Case(
        "F15",
        "off, or the provider away, for 1, 8 or 72 h; then on again",
        downtime,
        seeds=200,
        short=(2,),
    ),
)
