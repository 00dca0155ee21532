"""Somebody wants a call, by text or by a button of their own page: one place decides what that sets going."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.people import SleepWindow
from cism.domain.protocol import DEFAULT_PROTOCOL, Protocol, protocol_or_default
from cism.domain.questions import QuestionKind
from cism.domain.quiet_hours import next_open
from cism.domain.replies import OpenQuestion, QuestionState, Reading, ReadingKind, Sender, read
from cism.domain.triage import About, LastAnswer, Triage, is_second_two, triage
from cism.errors import AlreadyDone, BadInput
from cism.services import escalations, events, notify, questions, rungs
from cism.services.notify_urgent import ASKED_THEMSELVES
from cism.store.db import real_now
from cism.store.states import InboundState
from cism.store.tables import Agency, Escalation, InboundMessage, Person, Question, new_id
from notifications import messages as m

_PRESSED = frozenset({"2", "3"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish for a call, as it was read: whose, what it sets going, and what they were being asked."""

    session: Session
    person: Person | None
    agency: str
    reading: Reading
    triage: Triage
    asked: Iterable[Question]
    sid: str
    now: datetime

    def begin(self, digit: str) -> datetime:
        """Find somebody to call; by when that is promised."""
        self.answer_check_ins(digit)
        row = self.escalate()
        if row is None:
            return self.now + timedelta(hours=1)
        return promised_by(self.session, row, self.person, self.now)

    def answer_check_ins(self, digit: str) -> None:
        """The check-in that this came on needs no reminder any more."""
        for question in self.asked:
            if question.kind == "check_in" and question.state == "open":
                questions.answer(self.session, question, digit, self.now)

    def escalate(self) -> Escalation | None:
        """Open an escalation about the sender, where the reading asks for one."""
        if self.triage.level is None or self.triage.about is not About.SENDER:
            return None
        about = next((item for item in self.asked if item.id == self.reading.question_id), None)
        return escalations.open_for(
            self.session,
            person=self.person,
            agency=self.agency,
            level=self.triage.level,
            reason=self.triage.reason.value if self.triage.reason else "call_now",
            now=self.now,
            incident_id=about.incident_id if about else None,
            inbound_sid=self.sid,
        )


def promised_by(session: Session, row: Escalation, person: Person | None, now: datetime) -> datetime:
    """By when the person is told that somebody calls; what does not press waits for their open hours."""
    target = escalations.call_promised_by(session, row, now)
    if row.level is EscalationLevel.ROUTINE and person is not None:
        return next_open(target, person.zone, SleepWindow(person.sleep_start, person.sleep_end))
    return target


def answer_later(session: Session, agency: str, told: str, by: str) -> m.CallPromised:
    """What a 2 is answered with; `told` is the agency's name, or nothing to a stranger."""
    return m.CallPromised(agency=told, by=by, line=notify.lines(session, agency)[1])


def answer_now(session: Session, agency: str, told: str, by: str) -> m.CallNow:
    """What a 3 is answered with."""
    duty, line = notify.lines(session, agency)
    return m.CallNow(agency=told, by=by, duty=duty, line=line)


def press(session: Session, person: Person, digit: str, now: datetime) -> None:
    """A button of the person's own page: 2 or 3, read, kept and acted on as the digit by text would be.

    The same answer goes to the phone, unless that may be a stranger's by now. Pressed again while the same is
    under way it does nothing more. Raises BadInput for another digit.
    """
    if digit not in _PRESSED:
        message = "This answer does not fit. Open the page again."
        raise BadInput(message)
    wish = _read(session, person, digit, now)
    current = waited_for(session, person.id)
    if current is not None and wish.triage.level in {None, EscalationLevel.ROUTINE, current.level}:
        wish.answer_check_ins(digit)
        return
    by = notify.by_when(wish.begin(digit), now, person.zone)
    if person.phone is None or person.frozen_at is not None:
        return
    told = notify.agency_name(session, person.agency)
    answer = answer_now if digit == "3" else answer_later
    key = f"{'now' if digit == '3' else 'later'}:{wish.sid}"
    notify.direct(session, answer(session, person.agency, told, by), key=key, now=now, person=person)


def share(session: Session, person: Person, digit: str, now: datetime) -> None:
    """As `press`; and it is kept that they filled in the private questions and ask for a clinician.

    No answer and no score. Raises AlreadyDone where somebody has the call already: they can say so there.
    """
    press(session, person, digit, now)
    row = waited_for(session, person.id)
    if row is not None and not rungs.ask_clinicians(session, row, now):
        raise AlreadyDone


def waited_for(session: Session, person_id: str) -> Escalation | None:
    """The call that a person asked for and that is to come. Never one that others want for them."""
    return session.scalar(
        select(Escalation).where(
            Escalation.person_id == person_id,
            Escalation.state != EscalationState.CLOSED,
            Escalation.welfare.is_(False),
            Escalation.reason.in_(ASKED_THEMSELVES),
        )
    )


def is_second(session: Session, reading: Reading, person: Person | None, now: datetime) -> bool:
    """Whether this 2 is the second running: nobody was there after the first."""
    if person is None or reading.kind is not ReadingKind.CARE_LATER:
        return False
    last = session.scalar(
        select(Question)
        .where(Question.person_id == person.id, Question.kind == "check_in", Question.state == "answered")
        .order_by(Question.answered_at.desc())
    )
    doubled = protocol_of(session, person.agency).ladders[EscalationLevel.ROUTINE].ack
    earlier = [_last_text(session, person)]
    if last is not None and last.answer is not None and last.answered_at is not None:
        earlier.append(LastAnswer(digit=last.answer, at=last.answered_at, question_id=last.id))
    return any(is_second_two(reading, one, now, doubled) for one in earlier)


def protocol_of(session: Session, agency_key: str) -> Protocol:
    """The protocol by which an agency's people are called where no incident says another."""
    agency = session.get(Agency, agency_key)
    return protocol_or_default(agency.protocol if agency else DEFAULT_PROTOCOL)


def as_asked(row: Question) -> OpenQuestion:
    """A question as the reader of answers sees it."""
    return OpenQuestion.of(QuestionKind(row.kind), row.id, row.code, QuestionState(row.state), row.answer)


def _last_text(session: Session, person: Person) -> LastAnswer | None:
    """The sender's previous text, if it was a 2 out of the blue or to a check-in."""
    row = session.scalar(
        select(InboundMessage)
        .where(InboundMessage.person_id == person.id, InboundMessage.reading != "acknowledgement")
        .order_by(InboundMessage.received_at.desc(), InboundMessage.received_real.desc())
        .limit(1)
    )
    if row is None or row.reading != ReadingKind.CARE_LATER.value:
        return None
    return LastAnswer(digit="2", at=row.received_at)


def _read(session: Session, person: Person, digit: str, now: datetime) -> Wish:
    asked = questions.of_person(session, person.id, now)
    known = Sender(known=True, phone_confirmed=person.phone_confirmed_at is not None)
    reading = read(digit, known, [as_asked(item) for item in reversed(asked)])
    plan = triage(reading, known=True, second_two=is_second(session, reading, person, now))
    return Wish(
        session, person, person.agency, reading, plan, asked, _kept(session, person, reading, now), now
    )


def _kept(session: Session, person: Person, reading: Reading, now: datetime) -> str:
    """The row of a text that was read, so that a second 2 is known for one; no provider ever had it."""
    sid, real = f"page:{new_id()}", real_now(session)
    session.add(
        InboundMessage(
            sid=sid,
            person_id=person.id,
            from_number=person.phone or "",
            from_hash=person.phone_hash or "",
            body=None,
            reading=reading.kind.value,
            state=InboundState.ACTED,
            received_at=now,
            received_real=real,
            redacted_at=real,
        )
    )
    session.flush()
    events.record(session, "text.read", now, subject_id=person.id, after=reading.kind.value)
    return sid
