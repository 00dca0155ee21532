"""The same acts on the real engine: its services and its database; the provider is told what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel
from cism.domain.plan import StepKind
from cism.services import (
    claims,
    delivery,
    escalations,
    once_more,
    outbox,
    people,
    questions,
    settling,
    unsent,
)
from cism.store.db import now, real_now
from cism.store.tables import Escalation, Outbox, Question, QueueItem, Step
from notifications.gateway import (
    ListedMessage,
    MessageStatus,
    Receipt,
    SendError,
    SendFailure,
    body_digest,
)
from tests.delivery.acts import (
    ASKS,
    AT_ONCE,
    WORDS,
    Act,
    Answer,
    Claim,
    Crash,
    Fate,
    Hand,
    Kind,
    Pass,
    Put,
    Record,
    Settle,
    Stop,
    Tell,
)
from tests.delivery.model import SLOT, THROTTLED_FOR
from tests.services.world import World

_HUMAN = ("call_needed", "unsettled_send", "contact_missed")
_ERRORS = {
    Fate.THROTTLES: SendError(SendFailure.RETRY, 20429, THROTTLED_FOR),
    Fate.REFUSES: SendError(SendFailure.PERMANENT, 21612),
    Fate.LOST_BEFORE: SendError(SendFailure.UNKNOWN),
    Fate.LOST_AFTER: SendError(SendFailure.UNKNOWN),
}


@dataclass
class _Hands:
    mine: list[str] = field(default_factory=list)
    since: float = 0.0
    held: set[str] = field(default_factory=set)
    handed: set[str] = field(default_factory=set)
    answers: list[claims.Outcome] = field(default_factory=list)


@dataclass
class Taken:
    """One message that the provider has."""

    name: str
    sid: str
    digest: str
    at: datetime
    shown_at: datetime


class Engine:
    """The real thing, one act at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = {}
        self.kinds: list[tuple[Kind, str]] = []
        self.taken: list[Taken] = []
        self.claimed: dict[str, claims.Claimed] = {}
        self.hands = [_Hands(), _Hands()]
        self.seconds = 0.0
        self.escalation = world.act(_open_escalation, world.cast.agency)

    def do(self, act: Act) -> None:
        """One step."""
        match act:
            case Put():
                self._pass(1)
                self.ids[f"m{len(self.kinds)}"] = self.world.act(self._put, act)
                self.kinds.append((act.kind, act.who))
            case Claim(by):
                self._claim(self.hands[by])
            case Hand(by, fate, shown_after):
                self._hand(self.hands[by], fate, shown_after)
            case Record(by):
                self.world.act(claims.record, self.hands[by].answers)
                self.hands[by].answers = []
            case Crash(by):
                self.hands[by] = _Hands()
            case Tell(nth, status, code):
                self._pass(1)
                self.tell(self.taken[nth], status, code)
            case Settle():
                self._settle()
            case Pass(seconds):
                self._pass(seconds)
            case Stop(who):
                self.world.act(self._stop, who)
            case Answer(nth):
                self.world.act(self._answer, f"m{nth}")
        self._look_for_second_tries()

    def view(self) -> dict[str, object]:
        """What the database says."""
        return self.world.see(self._view)

    def _view(self, session: Session) -> dict[str, object]:
        rows = {
            row.id: row for row in session.scalars(select(Outbox).where(Outbox.id.in_(self.ids.values())))
        }
        texts, sids = {}, {one.sid: place for place, one in enumerate(self.taken)}
        for name, row_id in self.ids.items():
            row = rows[row_id]
            texts[name] = (row.state.value, row.attempts, sids[row.sid] if row.sid else None)
        points = {row.id: row.point or "" for row in session.scalars(select(Question))}
        who = {self.world.id_of(key): key for key in ("jordan", "sam")}
        items = session.scalars(select(QueueItem).where(QueueItem.kind.in_(_HUMAN)))
        steps = session.scalars(select(Step).where(Step.kind == StepKind.PAGE_UNDELIVERED))
        rungs = session.scalars(select(Step).where(Step.kind == StepKind.ESCALATE)).all()
        calls = session.scalars(select(Step).where(Step.kind == StepKind.CALL))
        pages = [points[step.key.removeprefix("undelivered:")] for step in steps]
        return {
            "texts": texts,
            "human": sorted((row.kind, who[row.person_id or ""]) for row in items),
            "next": sorted([*pages, *["escalation"] * (len(rungs) - 1)]),
            "called": sorted({points[step.subject_id or ""] for step in calls}),
        }

    def _put(self, session: Session, act: Put) -> str:
        moment = now(session)
        person = people.get(session, self.world.id_of(act.who))
        name = f"m{len(self.kinds)}"
        question = None
        if act.kind in ASKS:
            subject = self.escalation if act.kind is Kind.ESCALATION else None
            question = questions.ask(
                session, person_id=person.id, kind=act.kind.value, now=moment, point=name, subject_id=subject
            )
        begins = moment + timedelta(seconds=act.wait)
        row = outbox.put(
            session,
            WORDS[act.kind],
            key=name,
            now=moment,
            person=person,
            question=question,
            not_before=begins,
            expires_at=begins + timedelta(seconds=act.lasts),
        )
        assert row is not None
        return row.id

    def _claim(self, hands: _Hands) -> None:
        if hands.mine or hands.answers:
            return
        ids = list(self.ids.values())
        found = self.world.act(claims.claim, rate=None, only=ids, limit=AT_ONCE)
        names = {row_id: name for name, row_id in self.ids.items()}
        self.claimed |= {names[item.id]: item for item in found}
        hands.mine, hands.since = [names[item.id] for item in found], self.seconds
        hands.held, hands.handed = set(), set()

    def _hand(self, hands: _Hands, fate: Fate, shown_after: int) -> None:
        if not hands.mine:
            return
        name = hands.mine.pop(0)
        who = self.kinds[int(name.partition("+")[0][1:])][1]
        again = who in hands.handed and not self.world.see(
            lambda session: once_more.may_leave_still(session, self.ids[name])
        )
        hands.handed.add(who)
        if again or who in hands.held or self.seconds - hands.since > SLOT:
            hands.held.add(who)
            hands.answers.append(claims.Outcome(self.ids[name], error=SendError(SendFailure.RETRY)))
            return
        if fate is Fate.THROTTLES:
            hands.held.add(who)
        hands.answers.append(self.handed(name, fate, shown_after))

    def handed(self, name: str, fate: Fate, shown_after: int) -> claims.Outcome:
        """What the provider does with one, and what is known of it."""
        sid = f"SM{len(self.taken)}"
        if fate in {Fate.TAKES, Fate.LOST_AFTER}:
            real = self.world.see(real_now)
            digest = body_digest(self.claimed[name].body)
            self.taken.append(Taken(name, sid, digest, real, real + timedelta(seconds=shown_after)))
        if fate is Fate.TAKES:
            return claims.Outcome(self.ids[name], receipt=Receipt(sid, MessageStatus.QUEUED))
        return claims.Outcome(self.ids[name], error=_ERRORS[fate])

    def tell(self, taken: Taken, status: str, code: int | None) -> None:
        """The provider calls back."""
        self.world.act(delivery.apply_receipt, self.ids[taken.name], MessageStatus(status), code, taken.sid)

    def _settle(self) -> None:
        unclear = {row[0] for row in self.world.act(delivery._unsettled)}
        names = {row_id: name for name, row_id in self.ids.items()}
        rows = self.world.rows(Outbox, Outbox.id.in_(unclear & set(names)))
        for row in sorted(rows, key=lambda row: (row.lane, row.claimed_real, names[row.id])):
            self.world.act(settling.settle_by_list, row.id, self.listed(names[row.id], row))

    def listed(self, name: str, _row: Outbox) -> Sequence[ListedMessage]:
        """What the provider lists for the phone of this one."""
        real, who = self.world.see(real_now), self.kinds[int(name.partition("+")[0][1:])][1]
        found = []
        for one in self.taken:
            _, owner = self.kinds[int(one.name.partition("+")[0][1:])]
            if owner == who and one.shown_at <= real:
                found.append(ListedMessage(one.sid, "", MessageStatus.SENT, None, one.at, one.digest))
        return found

    def _stop(self, session: Session, who: str) -> None:
        person = people.lock_person(session, self.world.id_of(who))
        if person.opted_out_at is None:
            person.opted_out_at = now(session)
            unsent.stopped(session, person, now(session))

    def _answer(self, session: Session, name: str) -> None:
        for question in session.scalars(select(Question).where(Question.point == name)):
            if question.state == "open":
                questions.answer(session, question, "1", now(session))

    def _pass(self, seconds: float) -> None:
        self.seconds += seconds
        self.world.db.clock.pass_real(seconds=seconds)  # type: ignore[attr-defined]

    def _look_for_second_tries(self) -> None:
        known = set(self.ids.values())
        for row in self.world.rows(Outbox, Outbox.key.contains("+")):
            if row.id not in known:
                self.ids[row.key] = row.id


def _open_escalation(session: Session, agency: str) -> str:
    row: Escalation = escalations.open_for(
        session,
        person=None,
        agency=agency,
        level=EscalationLevel.URGENT,
        reason="call_now",
        now=now(session),
    )
    return row.id
