"""A text came in: read once, in the contract's order, and acted on in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.domain.questions import ALLOWED_DIGITS
from cism.domain.replies import QuestionKind, Reading, ReadingKind, Sender, read
from cism.domain.triage import triage
from cism.services import (
    care_calls,
    clock_steps,
    escalations,
    events,
    languages,
    lateness,
    notify,
    outbox,
    people,
    questions,
    queue,
    staff_words,
)
from cism.services.inbound_acts import ACTS, to_human
from cism.services.inbound_text import LATE, Text
from cism.store.db import find_hash, real_now
from cism.store.db import now as product_now
from cism.store.states import InboundState
from cism.store.tables import InboundMessage, Mark, Person, Question, SeenSid
from notifications.gateway import InboundSms

_MORE_THAN_A_WORD = frozenset(
    {ReadingKind.CARRIER_STOP, ReadingKind.CARRIER_START, ReadingKind.CARRIER_HELP, ReadingKind.CRISIS}
)
_SWEPT = "inbound swept until"


def receive_once(session: Session, sms: InboundSms) -> int:
    """Read one text and act; 0 when this very text was handled before (webhooks repeat, sweeps overlap)."""
    known = people.by_phone(session, sms.from_)
    person = people.lock_person(session, known.id) if known else None
    if _handled_before(session, sms.sid):  # looked for with the person held
        return 0
    now, real = product_now(session), real_now(session)
    asked = _asked(session, person, now)
    reading = _read(session, sms, person, asked)
    plan = triage(
        reading, known=person is not None, second_two=care_calls.is_second(session, reading, person, now)
    )
    session.add(
        InboundMessage(
            sid=sms.sid,
            person_id=person.id if person else None,
            from_number=sms.from_,
            from_hash=find_hash(session, "phone", sms.from_),
            body=sms.body if reading.to_human or plan.queue else None,
            reading=reading.kind.value,
            state=InboundState.QUEUED if plan.queue else InboundState.ACTED,
            received_at=now,
            received_real=real,
        )
    )
    session.flush()
    late = _lay(sms, real) > LATE
    agency = person.agency if person else _duty_agency(session, sms.from_)
    text = Text(session, sms, person, agency, reading, plan, asked, now, late)
    events.record(
        session, "text.read", now, subject_id=person.id if person else None, after=reading.kind.value
    )
    confirmed = _confirm_phone(text)
    with lateness.since_then(session, now - _lay(sms, real) if late else now):
        ACTS[reading.kind](text)
    if person is not None and text.leaves_at > now:
        outbox.hold_answers(session, person.id, text.leaves_at)
    if plan.queue:
        to_human(text)
    if (
        confirmed
        and person is not None
        and reading.kind in {ReadingKind.FREE_TEXT, ReadingKind.ACKNOWLEDGEMENT}
    ):
        notify.phone_confirmed(session, person, now, sms.sid)
    return 1


def _handled_before(session: Session, sid: str) -> bool:
    """Remembered for longer than the text itself: a copied webhook is signed for ever."""
    hashed = find_hash(session, "sid", sid)
    if session.get(InboundMessage, sid) is not None or session.get(SeenSid, hashed) is not None:
        return True
    session.add(SeenSid(hash=hashed))
    return False


def _lay(sms: InboundSms, real: datetime) -> timedelta:
    """For how long it lay with the provider before we read it."""
    return real - sms.received_at if sms.received_at is not None else timedelta(0)


def swept_until(session: Session) -> datetime:
    """Since when the provider's inbound list has to be read; from the first look on an empty database."""
    row, real = session.get(Mark, _SWEPT), real_now(session)
    found = datetime.fromisoformat(row.value) if row else real
    # one that lies ahead was written by a clock that was wrong, and set back since
    return found if found <= real else real - clock_steps.LISTED_AGAIN


def remember_sweep(session: Session, started: datetime) -> None:
    """Everything before this has been read."""
    row = session.get(Mark, _SWEPT)
    if row is None:
        session.add(Mark(name=_SWEPT, value=started.isoformat()))
    else:
        row.value = started.isoformat()


def _asked(session: Session, person: Person | None, now: datetime) -> dict[str, Question]:
    """What the sender may be answering; a number that may be a stranger's by now answers nothing."""
    if person is None or person.frozen_at is not None:
        return {}
    return {item.id: item for item in questions.of_person(session, person.id, now)}


def _read(session: Session, sms: InboundSms, person: Person | None, asked: dict[str, Question]) -> Reading:
    confirmed = person is not None and person.phone_confirmed_at is not None and person.frozen_at is None
    own = staff_words.of(session, person) if confirmed and person is not None else frozenset()
    sender = Sender(known=person is not None, phone_confirmed=confirmed, words=own)
    listed = [care_calls.as_asked(item) for item in reversed(list(asked.values()))]
    reading = read(sms.body, sender, listed, languages.lexicons())
    if sms.opt_out_type is not None and reading.kind not in _MORE_THAN_A_WORD:
        # another word that the provider was told to keep: it has blocked us, or lets us through, already
        return read(sms.opt_out_type.value, sender, listed)
    return _after_all(session, reading, asked)


def _after_all(session: Session, reading: Reading, asked: dict[str, Question]) -> Reading:
    """A changed mind that still counts: a call that nobody else has taken, a meeting that is to come."""
    question = asked.get(reading.question_id or "")
    if reading.kind is not ReadingKind.ALREADY_COVERED or question is None or question.state != "answered":
        return reading
    if question.kind in {"escalation", "welfare"}:
        taking = reading.digit in ALLOWED_DIGITS[QuestionKind(question.kind)] - {"0", "9"}
        counts = taking and escalations.wants_still(session, question)
    else:
        changed = question.kind == "invitation" and question.answer != reading.digit
        counts = changed and question.deadline is not None and product_now(session) < question.deadline
    if not counts:
        return reading
    questions.reopen(session, question)
    return replace(reading, kind=ReadingKind.ANSWER, to_human=False)


def _confirm_phone(text: Text) -> bool:
    """Any reply but a stop or a stranger's confirms the number."""
    refusing = {ReadingKind.CARRIER_STOP, ReadingKind.OPT_OUT, ReadingKind.WHO_IS_THIS}
    if text.person is None or text.reading.kind in refusing:
        return False
    if text.reading.noted_digit == "0" or text.reading.asks_who:
        return False  # perhaps "0, no texts", or a stranger: the question stays
    if text.person.phone_confirmed_at is not None and not text.frozen:
        text.person.phone_confirmed_at = text.now  # its owner has just answered from it once more
    for question in text.asked.values():
        if question.kind == "confirm_phone" and question.state == "open":
            if question.id == text.reading.question_id:
                return False  # it is answered itself, with yes or no
            questions.answer(text.session, question, "1", text.now)
            text.person.phone_confirmed_at = text.now
            return True
    return False


def _duty_agency(session: Session, number: str) -> str:
    return people.agency_of_the_late(session, number) or queue.duty_agency(session)
