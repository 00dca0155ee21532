"""What a text does, a branch for each way in which it can be read; the contract's order is `read`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from cism.domain.consents import How
from cism.domain.questions import ALLOWED_DIGITS
from cism.domain.replies import QuestionKind, ReadingKind
from cism.errors import CismError
from cism.services import (
    answers,
    care_calls,
    events,
    held,
    lost_codes,
    notify,
    opting_out,
    queue,
    sign_ins,
    staff_words,
    unsent,
    worry,
)
from cism.services.inbound_text import LATE, Text
from cism.services.links import sign_in_address
from cism.store.db import database_of
from cism.store.states import InboundState
from cism.store.tables import InboundMessage, Person
from notifications import messages as m

_ABOUT_THEMSELVES = frozenset({"check_in", "opt_in", "invitation"})
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


def _stop(text: Text) -> None:
    """The carrier confirms it; we send nothing more and tell who has to know."""
    if text.person is not None:
        opting_out.stop(text.session, text.person, How.TEXT, text.now)


def _start(text: Text) -> None:
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


def _help(text: Text) -> None:
    """Perhaps a cry for help: a human is alerted at once, whoever gives the automatic answer."""
    if not database_of(text.session).answers_help:
        return
    duty, line = notify.lines(text.session, text.agency)
    by = notify.by_when(text.read_by, text.now, text.zone)
    message = m.HelpAnswer(
        agency=text.told_name, by=by, duty=duty, line=line, emergency=notify.EMERGENCY_NUMBER
    )
    text.reply(message, "help")


def _crisis(text: Text) -> None:
    """An answer at once, and a clinician; the words themselves go to a human too."""
    _, line = notify.lines(text.session, text.agency)
    message = m.CrisisAnswer(agency=text.told_name, line=line, emergency=notify.EMERGENCY_NUMBER)
    text.reply(message, "crisis")
    text.wish.escalate()
    if text.reading.asks_out and text.person is not None and text.person.care_held_at is None:
        _hold_care(text, text.person)


def _hold_care(text: Text, person: Person) -> None:
    """No care text until a human has asked."""
    person.care_held_at = text.now
    queue.add(text.session, "care_held", now=text.now, within=timedelta(hours=4), person=person)


def _opt_out(text: Text) -> None:
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
        text.reply(m.OptOutDone(agency=text.told_name, duty=duty, line=line), "optout")
    if text.reading.asks_who:
        _freeze(text, text.person)


def _freeze(text: Text, person: Person) -> None:
    """The phone may be a stranger's: what was signed in with it ends too."""
    person.frozen_at = text.now
    sign_ins.end_all(text.session, person.id)


def _care_later(text: Text) -> None:
    """2: call me in the next days. Answered at once with by when."""
    by = notify.by_when(text.wish.begin("2"), text.now, text.zone)
    text.reply(care_calls.answer_later(text.session, text.agency, text.told_name, by), "later")


def _care_now(text: Text) -> None:
    """3: call me now."""
    by = notify.by_when(text.wish.begin("3"), text.now, text.zone)
    text.reply(care_calls.answer_now(text.session, text.agency, text.told_name, by), "now")


def _worry(text: Text) -> None:
    """7: a helper is worried about the person they were asked about, even if that question is long over."""
    question = text.asked.get(text.reading.question_id or "")
    if question is None or text.person is None:
        _care_now(text)
        return
    worry.about(text.session, text.person, question, text.now, inbound_sid=text.sms.sid)


def _answer(text: Text) -> None:
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


def _covered(text: Text) -> None:
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


def _ambiguous(text: Text) -> None:
    """One answer lists the codes and nothing changes; a bare 0 that fits several holds care texts."""
    _list_codes(text, text.reading.noted_digit or "0")
    lost_codes.to_human(text.session, text.sms, text.person, text.asked.values(), text.now)


def _list_codes(text: Text, digit: str) -> None:
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
        text.say_read_by()


def _who(text: Text) -> None:
    if text.person is not None:
        text.reply(m.Who(link=sign_in_address(text.session)), "who")


def _who_is_this(text: Text) -> None:
    """Perhaps not this person's number any more: no text but to say that a human reads it, naming nobody."""
    if text.person is not None:
        _freeze(text, text.person)
        unsent.doubted(text.session, text.person, text.now)
    stranger = replace(text, person=None, asked={})
    stranger.say_read_by()


def _staff_word(text: Text) -> None:
    """A helper's own work: what the page with the same buttons does, and one answer."""
    if text.person is None:
        return
    answer = staff_words.act(text.session, text.person, text.sms.body, text.now)
    if answer.message is not None:
        text.reply(answer.message, "word")
    if answer.unclear:  # a row of words that is nobody's name may be anything
        row = text.session.get_one(InboundMessage, text.sms.sid)
        row.body, row.state = text.sms.body, InboundState.QUEUED
        to_human(text)


def _free_text(text: Text) -> None:
    text.say_read_by()


def _nothing(text: Text) -> None:
    """A tapback: seen, nothing answered."""


def to_human(text: Text) -> None:
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
        within=text.read_by - text.now,
        agency=text.agency,
        person=text.person,
        inbound_sid=text.sms.sid,
        tell=text.reading.kind is not ReadingKind.FREE_TEXT or not text.too_many,
    )
    if text.triage.page_now:
        queue.escalate(text.session, row, text.now)


ACTS: dict[ReadingKind, Callable[[Text], None]] = {
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
