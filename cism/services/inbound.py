"""A text came in: read once, in the contract's order, and acted on in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cism.domain.caps import REPLIES_AN_HOUR, is_answered
from cism.domain.consents import How
from cism.domain.people import SleepWindow
from cism.domain.questions import ALLOWED_DIGITS
from cism.domain.quiet_hours import next_open
from cism.domain.replies import QuestionKind, Reading, ReadingKind, Sender, read
from cism.domain.triage import Triage, queue_deadline, triage
from cism.errors import CismError
from cism.services import (
    answers,
    care_calls,
    clock_steps,
    escalations,
    events,
    held,
    languages,
    lateness,
    lost_codes,
    notify,
    opting_out,
    outbox,
    people,
    questions,
    queue,
    sign_ins,
    staff_words,
    unsent,
    worry,
)
from cism.services.links import sign_in_address
from cism.store.db import database_of, find_hash, real_now
from cism.store.db import now as product_now
from cism.store.states import InboundState
from cism.store.tables import InboundMessage, Mark, Person, Question, SeenSid
from notifications import messages as m
from notifications.gateway import InboundSms
from notifications.message_kinds import MessageKind

LATE = timedelta(minutes=30)  # an answer to an older text waits for open hours, unless it cannot wait
_CANNOT_WAIT = frozenset(
    {ReadingKind.CARE_LATER, ReadingKind.CARE_NOW, ReadingKind.CARRIER_HELP, ReadingKind.CRISIS}
)
_MORE_THAN_A_WORD = frozenset(
    {ReadingKind.CARRIER_STOP, ReadingKind.CARRIER_START, ReadingKind.CARRIER_HELP, ReadingKind.CRISIS}
)
_ABOUT_THEMSELVES = frozenset({"check_in", "opt_in", "invitation"})
_SWEPT = "inbound swept until"
_WORDS = {
    "page": "team",
    "assignment": "team",
    "approval": "meeting",
    "report": "how many",
    "contact_report": "call",
    "escalation": "urgent call",
    "welfare": "urgent call",
    "check_in": "check-in",
    "opt_in": "keep in touch",
    "invitation": "meeting",
    "offers": "offers",
    "turn": "colleague",
    "hand_off": "call",
    "swap": "swap",
    "confirm_phone": "your number",
}


@dataclass(frozen=True, slots=True)
class _Text:
    """One text being acted on."""

    session: Session
    sms: InboundSms
    person: Person | None
    agency: str
    reading: Reading
    triage: Triage
    asked: dict[str, Question]
    now: datetime
    late: bool

    @property
    def zone(self) -> str:
        """Whose clock an answer speaks of: the sender's, or of a stranger that of whoever reads it."""
        return self.person.zone if self.person else notify.zone_of(self.session, self.agency)

    @property
    def wish(self) -> care_calls.Wish:
        """The call that the sender may want."""
        return care_calls.Wish(
            self.session,
            self.person,
            self.agency,
            self.reading,
            self.triage,
            self.asked.values(),
            self.sms.sid,
            self.now,
        )

    @property
    def frozen(self) -> bool:
        """Whether this number may no longer be this person's."""
        return self.person is not None and self.person.frozen_at is not None

    @property
    def leaves_at(self) -> datetime:
        """When the answer goes: at once, or to an old text in open hours, unless it cannot wait."""
        if not self.late or self.person is None:
            return self.now
        if self.reading.kind in _CANNOT_WAIT or self.reading.digit == "3":
            return self.now
        return next_open(self.now, self.person.zone, _sleep(self.person))

    def reply(self, message: m.Message, name: str) -> None:
        """Answer the sender; once by name, unless two machines are answering each other."""
        if not is_answered(MessageKind(message.kind), *_written_in_an_hour(self)):
            _told_of_machines(self)
            return
        notify.direct(
            self.session,
            message,
            key=f"{name}:{self.sms.sid}",
            now=self.now,
            # a frozen number may be a stranger's by now: it is answered like one
            person=None if self.frozen else self.person,
            to_number=self.sms.from_,
            not_before=self.leaves_at,
        )


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
    text = _Text(session, sms, person, agency, reading, plan, asked, now, late)
    events.record(
        session, "text.read", now, subject_id=person.id if person else None, after=reading.kind.value
    )
    confirmed = _confirm_phone(text)
    with lateness.since_then(session, now - _lay(sms, real) if late else now):
        _ACTS[reading.kind](text)
    if person is not None and text.leaves_at > now:
        outbox.hold_answers(session, person.id, text.leaves_at)
    if plan.queue:
        _to_human(text)
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


def _confirm_phone(text: _Text) -> bool:
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


def _stop(text: _Text) -> None:
    """The carrier confirms it; we send nothing more and tell who has to know."""
    if text.person is not None:
        opting_out.stop(text.session, text.person, How.TEXT, text.now)


def _start(text: _Text) -> None:
    person = text.person
    if (
        text.reading.candidates
    ):  # a "yes" to a question of ours: a human reads it, and the person can correct it
        _list_codes(text, "1")
    if person is None or (person.opted_out_at is None and text.reading.candidates):
        return
    stopped = person.opted_out_at is not None
    opting_out.start(text.session, person, How.TEXT, text.now)
    events.record(text.session, "person.opted_in", text.now, subject_id=person.id)
    if stopped:
        held.resume(text.session, person.id, held.SILENCED, text.now)


def _help(text: _Text) -> None:
    """Perhaps a cry for help: a human is alerted at once, whoever gives the automatic answer."""
    if not database_of(text.session).answers_help:
        return
    duty, line = notify.lines(text.session, text.agency)
    by = notify.by_when(_read_by(text), text.now, text.zone)
    message = m.HelpAnswer(
        agency=_told_name(text), by=by, duty=duty, line=line, emergency=notify.EMERGENCY_NUMBER
    )
    text.reply(message, "help")


def _crisis(text: _Text) -> None:
    """An answer at once, and a clinician; the words themselves go to a human too."""
    _, line = notify.lines(text.session, text.agency)
    message = m.CrisisAnswer(agency=_told_name(text), line=line, emergency=notify.EMERGENCY_NUMBER)
    text.reply(message, "crisis")
    text.wish.escalate()
    if text.reading.asks_out and text.person is not None and text.person.care_held_at is None:
        _hold_care(text, text.person)


def _hold_care(text: _Text, person: Person) -> None:
    """No care text until a human has asked."""
    person.care_held_at = text.now
    queue.add(text.session, "care_held", now=text.now, within=timedelta(hours=4), person=person)


def _opt_out(text: _Text) -> None:
    """No more texts, in other words: one confirmation, and with a 3 in it a call all the same."""
    duty, line = notify.lines(text.session, text.agency)
    if text.person is None:
        return
    first = text.person.opted_out_at is None
    if first:
        opting_out.said_no(text.session, text.person, How.TEXT, text.now)
        unsent.stopped(text.session, text.person, text.now)
        text.person.revoked_care = True
        text.person.opted_out_at = text.now
    if text.reading.digit == "3":
        _care_now(text)
    elif first:
        text.reply(m.OptOutDone(agency=_told_name(text), duty=duty, line=line), "optout")
    if text.reading.asks_who:
        _freeze(text, text.person)


def _freeze(text: _Text, person: Person) -> None:
    """The phone may be a stranger's: what was signed in with it ends too."""
    person.frozen_at = text.now
    sign_ins.end_all(text.session, person.id)


def _care_later(text: _Text) -> None:
    """2: call me in the next days. Answered at once with by when."""
    by = notify.by_when(text.wish.begin("2"), text.now, text.zone)
    text.reply(care_calls.answer_later(text.session, text.agency, _told_name(text), by), "later")


def _care_now(text: _Text) -> None:
    """3: call me now."""
    by = notify.by_when(text.wish.begin("3"), text.now, text.zone)
    text.reply(care_calls.answer_now(text.session, text.agency, _told_name(text), by), "now")


def _worry(text: _Text) -> None:
    """7: a helper is worried about the person they were asked about, even if that question is long over."""
    question = text.asked.get(text.reading.question_id or "")
    if question is None or text.person is None:
        _care_now(text)
        return
    worry.about(text.session, text.person, question, text.now, inbound_sid=text.sms.sid)


def _answer(text: _Text) -> None:
    question = text.asked[text.reading.question_id or ""]
    try:
        with text.session.begin_nested():
            answers.apply(text.session, question, text.reading.digit or "", text.reading.number, text.now)
    except CismError:
        # what was asked cannot be done any more: thank, change nothing, and let a human look
        text.session.refresh(question)
        _covered(text)
        queue.add(
            text.session,
            "answer_refused",
            now=text.now,
            within=LATE,
            person=text.person,
            incident_id=question.incident_id,
            inbound_sid=text.sms.sid,
        )


def _covered(text: _Text) -> None:
    question = text.asked.get(text.reading.question_id or "")
    if text.person is None:
        return
    if question is not None and question.state == "answered" and question.answer == text.reading.digit:
        # the same answer once more, from a thumb or a network that doubled it: "covered" would unsettle them
        if question.code and question.kind not in _ABOUT_THEMSELVES:
            notify.noted(text.session, text.person, question, text.now)
        return
    # the code of a question about themselves was never shown to them
    code = question.code if question and question.kind not in _ABOUT_THEMSELVES else None
    notify.already_covered(text.session, text.person, text.now, key=text.sms.sid, code=code)


def _ambiguous(text: _Text) -> None:
    """One answer lists the codes and nothing changes; a bare 0 that fits several holds care texts."""
    _list_codes(text, text.reading.noted_digit or "0")
    lost_codes.to_human(text.session, text.sms, text.person, text.asked.values(), text.now)


def _list_codes(text: _Text, digit: str) -> None:
    asked = [row for row in (text.asked[item] for item in text.reading.candidates) if row.code]
    # the example is an answer that one of them takes, with the digit that was sent wherever there is such
    asked.sort(key=lambda row: digit not in ALLOWED_DIGITS[QuestionKind(row.kind)])
    listed = [(row.code or "", _WORDS.get(row.kind, "question")) for row in asked]
    held = text.reading.hold_care_texts
    if held and text.person is not None:
        _hold_care(text, text.person)
    if listed:
        allowed = ALLOWED_DIGITS[QuestionKind(asked[0].kind)]
        example = digit if digit in allowed else next(one for one in "14" if one in allowed)
        text.reply(m.WhichCode.of(example, listed, held=held), "which")
    elif text.triage.queue:
        _read_by_reply(text)


def _who(text: _Text) -> None:
    if text.person is not None:
        text.reply(m.Who(link=sign_in_address(text.session)), "who")


def _who_is_this(text: _Text) -> None:
    """Perhaps not this person's number any more: no text but to say that a human reads it, and that names
    nobody.
    """
    if text.person is not None:
        _freeze(text, text.person)
        unsent.doubted(text.session, text.person, text.now)
    stranger = _Text(
        text.session,
        text.sms,
        None,
        text.agency,
        text.reading,
        text.triage,
        {},
        text.now,
        text.late,
    )
    _read_by_reply(stranger)


def _staff_word(text: _Text) -> None:
    """A helper's own work: what the page with the same buttons does, and one answer."""
    if text.person is None:
        return
    answer = staff_words.act(text.session, text.person, text.sms.body, text.now)
    if answer.message is not None:
        text.reply(answer.message, "word")
    if answer.unclear:  # a row of words that is nobody's name may be anything
        row = text.session.get_one(InboundMessage, text.sms.sid)
        row.body, row.state = text.sms.body, InboundState.QUEUED
        _to_human(text)


def _free_text(text: _Text) -> None:
    _read_by_reply(text)


def _nothing(text: _Text) -> None:
    """A tapback: seen, nothing answered."""


def _written_in_an_hour(text: _Text) -> tuple[int, int]:
    """How many texts this number sent in the last hour, and how many of them asked for a call now."""
    asked_now = case((InboundMessage.reading == ReadingKind.CARE_NOW.value, 1), else_=0)
    count, calls = text.session.execute(
        select(func.count(), func.sum(asked_now)).where(
            InboundMessage.from_hash == find_hash(text.session, "phone", text.sms.from_),
            InboundMessage.received_at > text.now - timedelta(hours=1),
        )
    ).one()
    return int(count), int(calls or 0)


def _told_of_machines(text: _Text) -> None:
    """What this number writes is still read and acted on, but not answered: somebody looks."""
    queue.alarm(
        text.session, "too_many_texts", text.agency, text.now, unsent.READ_WITHIN, text.person, text.sms.sid
    )


def _too_many(text: _Text) -> bool:
    return _written_in_an_hour(text)[0] > REPLIES_AN_HOUR


def _read_by_reply(text: _Text) -> None:
    duty, line = notify.lines(text.session, text.agency)
    read_by, leaves = _read_by(text), text.leaves_at
    by = notify.by_when(read_by if read_by > leaves else leaves + LATE, leaves, text.zone)
    text.reply(m.ReadBy(agency=_told_name(text), by=by, duty=duty, line=line), "readby")


def _to_human(text: _Text) -> None:
    """The words themselves have to be read by a human; HELP and the like go up the ladder at once."""
    kind = {
        ReadingKind.CARRIER_HELP: "help",
        ReadingKind.CRISIS: "crisis",
        ReadingKind.WHO_IS_THIS: "who_is_this",
    }.get(text.reading.kind, "free_text")
    row = queue.add(
        text.session,
        kind,
        now=text.now,
        within=_read_by(text) - text.now,
        agency=text.agency,
        person=text.person,
        inbound_sid=text.sms.sid,
        tell=text.reading.kind is not ReadingKind.FREE_TEXT or not _too_many(text),
    )
    if text.triage.page_now:
        queue.escalate(text.session, row, text.now)


def _sleep(person: Person) -> SleepWindow:
    return SleepWindow(person.sleep_start, person.sleep_end)


def _read_by(text: _Text) -> datetime:
    return queue_deadline(text.now, care_calls.protocol_of(text.session, text.agency).queue, text.zone)


def _told_name(text: _Text) -> str:
    """No answer tells a stranger what this number is."""
    if text.person is None or text.frozen:
        return ""
    return notify.agency_name(text.session, text.person.agency)


def _duty_agency(session: Session, number: str) -> str:
    return people.agency_of_the_late(session, number) or queue.duty_agency(session)


_ACTS: dict[ReadingKind, Callable[[_Text], None]] = {
    ReadingKind.CARRIER_STOP: _stop,
    ReadingKind.CARRIER_START: _start,
    ReadingKind.CARRIER_HELP: _help,
    ReadingKind.CRISIS: _crisis,
    ReadingKind.ACKNOWLEDGEMENT: _nothing,
    ReadingKind.OPT_OUT: _opt_out,
    ReadingKind.CARE_LATER: _care_later,
    ReadingKind.CARE_NOW: _care_now,
    ReadingKind.WORRY: _worry,
    ReadingKind.ANSWER: _answer,
    ReadingKind.ALREADY_COVERED: _covered,
    ReadingKind.AMBIGUOUS_CODES: _ambiguous,
    ReadingKind.WHO: _who,
    ReadingKind.WHO_IS_THIS: _who_is_this,
    ReadingKind.STAFF_WORD: _staff_word,
    ReadingKind.FREE_TEXT: _free_text,
}
