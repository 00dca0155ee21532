"""A story: invented people with phones, a movable clock, and the real parts (all but Prefect) between them.

A real phone wall over HTTP, the real gateway, courier, webhooks and database. The engine is called bare. Any
text that the story did not expect fails it at its end; so does a text that breaks a promise every text keeps.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.clock import monotonic, wait
from cism.domain.escalation import EscalationState
from cism.domain.incident import Circle, Severity
from cism.services import clockwork, engine, escalations, intake, people, queue, response, roster
from cism.services.delivery import Courier
from cism.store.db import Database, now
from cism.store.states import CallState, OutboxState
from cism.store.tables import Escalation, Incident, Outbox, Person, PhoneCall, Question, QueueItem, Step
from notifications.phone_wall.records import ENDED, Call, Message
from tests.stories import promises
from tests.stories.clock import StoryClock
from tests.stories.phones import Arrival, Phone
from tests.stories.roster import Cast
from tests.stories.servers import PATIENCE, Servers

T = TypeVar("T")
_CODE = re.compile(r"\b[A-Z][0-9][A-Z][0-9]\b")
_LINK = re.compile(r"https?://\S+")
_ROUNDS = 200
_DAYS = timedelta(days=2)


class Story:
    """Everything a story does and sees."""

    def __init__(self, db: Database, clock: StoryClock, servers: Servers, cast: Cast) -> None:
        self.db, self.real, self.servers, self.cast = db, clock, servers, cast
        self.arrivals: list[Arrival] = []
        self.incidents: list[str] = []
        self.expected_calls: set[str] = set()
        self.call_times: dict[str, datetime] = {}
        self.every_call_counts = False  # a story about voice: a phone that rings unexpectedly fails it
        self._seen = 0
        self._told_over: set[str] = set()  # calls whose end we know that we were told
        self._phones: dict[str, Phone] = {}
        self._names: dict[str, str] = {}
        self._runner = asyncio.Runner()
        self.courier = Courier(db, servers.gateway(), servers.settings)

    # --- people and incidents

    def begin(self, moment: datetime) -> None:
        """Set the clock, and put everybody on the roster."""
        self.act(clockwork.set_instant, moment)
        self.act(roster.import_file, self.cast.text(), moment)
        self.act(_settle_in, moment, self.cast)
        self._names = _keys_by_number(self.cast)

    def log(self, type_: str, *affected: str, **details: Any) -> str:
        """Log an incident and let what it causes happen; `affected` are `key:CIRCLE`."""
        incident_id = self.log_only(type_, *affected, **details)
        self.run()
        return incident_id

    def log_only(self, type_: str, *affected: str, ends: dict[str, datetime] | None = None, **d: Any) -> str:
        """Log an incident; nothing is performed yet."""
        rows = [_affected(item, ends or {}) for item in affected]
        severity = Severity(d.pop("severity")) if "severity" in d else None
        if "logged_by" in d:
            d["logged_by"] = self.person(d["logged_by"]).id
        agency = d.pop("agency", self.cast.agency)
        report = intake.IncidentInput(type=type_, agency=agency, severity=severity, affected=tuple(rows), **d)
        incident_id: str = self.act(intake.log, report).id
        self.incidents.append(incident_id)
        return incident_id

    def add(self, incident_id: str, *affected: str, ends: dict[str, datetime] | None = None) -> None:
        """Put more people on an incident's list."""
        self.act(intake.add_affected, incident_id, [_affected(item, ends or {}) for item in affected])
        self.run()

    def change(self, incident_id: str, **changes: object) -> None:
        """Change what may change about an incident."""
        self.act(intake.change, incident_id, changes)
        self.run()

    def stand_down(self, incident_id: str) -> None:
        """It was a false alarm."""
        self.act(response.stand_down, incident_id, by=None, now=self.now())
        self.run()

    def roster(self, key: str, **columns: str) -> None:
        """The next roster file says something else of somebody; it is imported whole."""
        self.rosters({key: columns})

    def rosters(self, changes: dict[str, dict[str, str]]) -> None:
        """The next roster file says something else of several people at once."""
        for key, columns in changes.items():
            self.cast.rows[key] |= columns
        self.act(roster.import_file, self.cast.text(), self.now())
        self._names = {**self._names, **_keys_by_number(self.cast)}
        self.run()

    def phone(self, key: str) -> Phone:
        """Somebody's phone: by their short name, or a bare number for a stranger."""
        return self._phones.setdefault(key, Phone(self, key))

    def person(self, key: str) -> Person:
        """Somebody's row."""
        found = self.see(lambda session: people.by_roster_id(session, self.cast.rows[key]["agency"], key))
        assert found is not None
        return found

    # --- the database

    def act(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """One committed transaction."""
        with self.db.transaction() as session:
            return work(session, *args, **kwargs)

    def see(self, work: Callable[[Session], T]) -> T:
        """One reading transaction."""
        with self.db.read() as session:
            found = work(session)
            session.expunge_all()
            return found

    def rows(self, *query: Any) -> list[Any]:
        """Rows of one table that match."""
        return self.see(lambda session: list(session.scalars(select(query[0]).where(*query[1:]))))

    # --- time

    def now(self) -> datetime:
        """Product time."""
        return self.see(now)

    def advance(self, *, outage: bool = False, taken: bool | None = None, **span: float) -> None:
        """Let time pass, from one due moment to the next; with `outage` at once, as if nothing had run."""
        self.go_to(self.now() + timedelta(**span), outage=outage, taken=taken)

    def go_to(self, moment: datetime, *, outage: bool = False, taken: bool | None = None) -> None:
        """Let time pass until an instant; `taken`: helpers take at once what is escalated meanwhile, as they
        do by default where days go by.
        """
        taken = moment - self.now() > _DAYS if taken is None else taken
        assert moment >= self.now(), f"{moment} is past"
        stood = 0
        while not outage:
            following = self.see(engine.next_due)
            if following is None or following > moment:
                break
            stood = stood + 1 if following <= self.now() else 0
            assert stood < _ROUNDS, (
                f"due at {following}, and never done: {self.see(lambda session: _due(session, self.now()))}"
            )
            self._move(max(following, self.now()))
            if taken:
                self._take()
        self._move(moment)

    def _take(self) -> None:
        """Left alone it would be asked for again without end."""
        wanted = (Question.kind.in_(("escalation", "welfare")), Question.state == "open")
        tried: set[str] = set()
        while left := [row for row in self.rows(Question, *wanted) if row.id not in tried]:
            tried.add(left[0].id)
            helper = self.see(lambda session, key=left[0].person_id: people.get(session, key))  # type: ignore[misc]
            if helper.phone:
                self.say(helper.phone, f"1 {left[0].code}")

    def pass_real(self, **span: float) -> None:
        """Let real time pass (product time goes with it), then let happen what is due."""
        self.real.pass_real(**span)
        self.run()

    def run(self) -> None:
        """Perform and deliver until nothing is due and every text has arrived or failed."""
        for _ in range(_ROUNDS):
            steps = self.act(engine.run_due).steps
            sent = self._runner.run(self.courier.deliver())
            self._arrive()
            if not steps and not sent:
                return
        raise AssertionError("the story never comes to rest")

    def settle(self) -> None:
        """Ask the provider about what is unclear, then go on."""
        self._runner.run(self.courier.settle())
        self.run()

    def read_the_queue(self) -> None:
        """A human reads and handles everything that waits for one."""
        for item in self.rows(QueueItem, QueueItem.state == "open"):
            self.act(queue.handle, item.id, by=None, now=self.now())
        self.run()

    def close_escalation(self, key: str, outcome: str = "reached") -> None:
        """Somebody closes the one open escalation from a page."""
        self.act(_close_escalation, self.person(key).id, outcome, self.now())
        self.run()

    def sweep(self) -> None:
        """Read what the provider received and we were not told."""
        self._runner.run(self.courier.sweep_inbound())
        self.run()

    # --- calls

    def calls(self) -> list[Call]:
        """Every call that was made, in order."""
        return list(self.servers.wall.app_state.store.calls)

    def on_the_call(self, number: str, do: str, keys: str = "") -> None:
        """Do something with the call at a handset; then let happen what it causes."""
        self.servers.on_the_call(number, do, keys)
        self._arrive()  # the words are fetched, and the key is passed on, while we wait
        self.run()

    def who_is(self, number: str) -> str:
        """The short name of a number's owner; the number itself where it is nobody's."""
        return self._names.get(number, number)

    # --- texts

    def say(self, number: str, body: str) -> None:
        """A handset texts us, through the signed webhook."""
        self.servers.say(number, body)
        self.run()

    def code_in(self, arrival: Arrival) -> str:
        """The code that a text carries."""
        found = _CODE.search(_LINK.sub("", arrival.body))  # an address may hold what looks like a code
        assert found is not None, f"no code in {arrival}"
        return found[0]

    def told(self, arrivals: Sequence[Arrival]) -> str:
        """A list of texts, for a person to read."""
        return "".join(f"\n  {one}" for one in arrivals) or "nothing"

    def close(self, *, judge: bool = True) -> None:
        """The end: nothing unexpected, and every promise that every text keeps."""
        try:
            if judge:
                left = [one for one in self.arrivals if not one.expected]
                assert not left, f"unexpected texts: {self.told(left)}"
                rang = [one for one in self.calls() if one.sid not in self.expected_calls]
                assert not (self.every_call_counts and rang), f"unexpected calls: {rang}"
                promises.check(self)
        finally:
            self._runner.run(self.courier.aclose())
            self._runner.close()

    def _move(self, moment: datetime) -> None:
        self.act(clockwork.move_to, moment, "story")
        self.run()

    def _arrive(self) -> None:
        """Wait until the wall is done with everything and its receipts are written down."""
        deadline = monotonic() + PATIENCE
        while (late := self._on_the_way()) is not None:
            assert monotonic() < deadline, f"the phone wall never finished: {late}"
            wait(0.002)
        store = self.servers.wall.app_state.store
        moment = self.now()
        for call in store.calls:
            self.call_times.setdefault(call.sid, moment)
        fresh, self._seen = store.messages[self._seen :], len(store.messages)
        for message in fresh:
            if not message.is_inbound and message.arrived_at is not None:
                self.arrivals.append(self._arrival(message, moment))
                self.arrivals[-1].expected = _good_night(self.arrivals[-1])

    def _on_the_way(self) -> str | None:
        fresh = [m for m in self.servers.wall.app_state.store.messages[self._seen :] if not m.is_inbound]
        moving = [m.status for m in fresh if m.status not in ENDED and m.arrived_at is None]
        if moving:
            return f"texts {moving}"
        talking = [one.status for one in self.calls() if not one.is_over and not one.waits_for]
        if talking:
            return f"calls {talking}"
        ended = {one.sid for one in self.calls() if one.is_over and one.status_callback}
        over = list(ended - self._told_over)
        if over and (untold := self.see(lambda session: _call_without_end(session, over))):
            return f"{untold} calls whose end is not told"
        self._told_over.update(over)
        sids = [m.sid for m in fresh if m.status in ENDED and m.status_callback]
        waiting = self.see(lambda session: _without_receipt(session, sids)) if sids else 0
        return f"{waiting} receipts" if waiting else None

    def _arrival(self, message: Message, moment: datetime) -> Arrival:
        who = self._names.get(message.to, message.to)
        mine = (message.status_callback or "").rpartition("d=")[2]
        row = self.see(lambda session: session.get(Outbox, mine)) if mine else None
        return Arrival(who, row.kind if row else "carrier", message.body, moment.astimezone(UTC))


def _good_night(arrival: Arrival) -> bool:
    """The coordinator hears each night that nobody is forgotten; that somebody is, no story expects."""
    return arrival.kind == "attestation" and "nobody without a next step" in arrival.body


def _affected(item: str, ends: dict[str, datetime]) -> intake.AffectedInput:
    key, _, circle = item.rpartition(":")
    return intake.AffectedInput(person_id=key, circle=Circle(circle), exposure_end=ends.get(key))


def _settle_in(session: Session, moment: datetime, cast: Cast) -> None:
    """Long before the story: numbers were confirmed, and everybody knows who texts them."""
    for row in session.scalars(select(Person)):
        if row.roster_id not in cast.unconfirmed:
            row.phone_confirmed_at = row.first_text_at = moment - timedelta(days=90)


def _due(session: Session, moment: datetime) -> list[str]:
    """Steps and texts whose time has come, as they stand."""
    steps = select(Step).where(Step.state == "planned", Step.due_at <= moment)
    texts = select(Outbox).where(Outbox.state == OutboxState.PENDING, Outbox.not_before <= moment)
    found = [f"{row.kind.value} since {row.due_at}, {row.tries} tries" for row in session.scalars(steps)]
    return found + [f"{row.kind} since {row.not_before}, {row.reason}" for row in session.scalars(texts)]


def _close_escalation(session: Session, helper_id: str, outcome: str, moment: datetime) -> None:
    row = session.scalars(select(Escalation).where(Escalation.state != EscalationState.CLOSED)).one()
    escalations.close(session, row, people.get(session, helper_id), outcome, moment)


def _keys_by_number(cast: Cast) -> dict[str, str]:
    return {row["phone"]: key for key, row in cast.rows.items()}


def _without_receipt(session: Session, sids: list[str]) -> int:
    """Messages that ended at the wall and not yet here; one whose send is unclear has no id here."""
    query = select(func.count()).where(Outbox.sid.in_(sids), Outbox.state == OutboxState.SENT)
    return int(session.scalar(query) or 0)


def _call_without_end(session: Session, sids: list[str]) -> int:
    """Calls that are over at the wall and still up here."""
    query = select(func.count()).where(PhoneCall.sid.in_(sids), PhoneCall.state == CallState.PLACED)
    return int(session.scalar(query) or 0)


def of_incident(session: Session, ref: str) -> Incident:
    """An incident's row."""
    return session.get_one(Incident, ref)


def planned(story: Story, *where: Any) -> list[Step]:
    """Steps that are still to come, in order."""
    rows: list[Step] = story.rows(Step, Step.state == "planned", *where)
    return sorted(rows, key=lambda step: step.due_at)
