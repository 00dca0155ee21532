"""What happens on a call: who picked up, what they hear, and the keys that they press.

A key is an answer like the same digit in a text, once and only while the call is up. A voicemail, a pocket
and silence acknowledge nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.voice import KeyAct, Menu, decide_key
from cism.errors import CismError
from cism.services import answers, dialling, events, people, voice, words
from cism.store.db import database_of, real_now
from cism.store.db import now as product_now
from cism.store.states import AssignmentState, CallState
from cism.store.tables import Assignment, Escalation, Person, PhoneCall, Question
from notifications import spoken
from notifications.gateway import AnsweredBy, CallStatus, HeardOnCall
from notifications.spoken import Spoken, Words

KEYS_WITHIN: Final = timedelta(minutes=10)  # of real time since it was dialled; older requests are replays
_SAYS: Final = {Menu.ASKED: Spoken.ASK, Menu.YOURS: Spoken.YOURS, Menu.TOLD: Spoken.TOLD}


@dataclass(frozen=True, slots=True)
class _Talk:
    """One call while somebody, or something, listens."""

    session: Session
    call: PhoneCall
    helper: Person | None
    question: Question | None
    now: datetime

    @property
    def language(self) -> str:
        """The helper's own."""
        return self.helper.language if self.helper else "en"

    def words(self, *, again: bool = False) -> Words:
        """What may be spoken of: the agency, the code, by when; never a person, a place or a reason."""
        question = self.question
        duty, _ = words.lines(self.session, self.call.agency)
        return Words(
            agency=words.agency_name(self.session, self.call.agency),
            code=question.code or "" if question else "",
            call=question is not None and question.kind in voice.ESCALATING,
            again=again,
            by=self._call_by(),
            duty="" if self.helper is not None and duty == self.helper.phone else duty,
        )

    def _call_by(self) -> str:
        row = _escalation(self.session, self.question)
        if row is None or row.voice_by is None or self.helper is None:
            return ""
        return words.deadline(row.voice_by, self.now, self.helper)


def converse(session: Session, call_id: str, heard: HeardOnCall, spoken_times: int) -> str:
    """The TwiML that answers the provider; `spoken_times`: how often the menu was said, from 0."""
    talk = _talk(session, call_id)
    if talk is None or not _is_up(talk, heard):
        return spoken.tell(Spoken.COVERED, Words(), talk.language if talk else "en")
    dialling.apply_status(session, call_id, heard.sid, CallStatus.IN_PROGRESS)
    talk.call.answered_by = heard.answered_by.value
    menu = _menu(talk)
    if heard.answered_by is AnsweredBy.MACHINE:
        return spoken.tell(Spoken.MACHINE, talk.words(), talk.language)
    if spoken_times < 1 and menu is not Menu.OVER:
        return _say_menu(talk, menu, _SAYS[menu], 0)
    act = decide_key(menu, heard.keys, spoken_times)
    if act is KeyAct.AGAIN:
        return _say_menu(talk, menu, _SAYS[menu], spoken_times)
    if act is KeyAct.ANSWER:
        return _answer(talk, menu, heard.keys or "")
    end = Spoken.COVERED if act is KeyAct.COVERED else Spoken.GOODBYE
    return spoken.tell(end, talk.words(), talk.language)


def _talk(session: Session, call_id: str) -> _Talk | None:
    found = session.get(PhoneCall, call_id)
    if found is None:
        return None
    # whoever acts on a person's questions holds the person first, as where a text comes in
    helper = people.lock_person(session, found.person_id) if found.person_id else None
    query = select(PhoneCall).where(PhoneCall.id == call_id).with_for_update()
    call = session.execute(query, execution_options={"populate_existing": True}).scalar_one()
    question = session.get(Question, call.question_id) if call.question_id else None
    return _Talk(session, call, helper, question, product_now(session))


def _is_up(talk: _Talk, heard: HeardOnCall) -> bool:
    """Whether this is that very call, still going on: a request that is repeated later changes nothing."""
    call = talk.call
    over = call.provider_status is not None and CallStatus(call.provider_status).is_terminal
    if over or call.claimed_real is None or call.sid not in (None, heard.sid):
        return False
    if talk.helper is not None and talk.helper.frozen_at is not None:  # perhaps a stranger's phone by now
        return False
    return real_now(talk.session) - call.claimed_real <= KEYS_WITHIN


def _menu(talk: _Talk) -> Menu:
    question, session = talk.question, talk.session
    if question is None:
        return Menu.TOLD if voice.still_untaken(session, talk.call) else Menu.OVER
    if voice.still_asked(session, question):
        return Menu.ASKED
    return Menu.YOURS if _to_hand_back(talk) is not None else Menu.OVER


def _to_hand_back(talk: _Talk) -> Question | None:
    """The open question by which this helper may give back what they took."""
    question, session = talk.question, talk.session
    row = _escalation(session, question)
    if question is None or (row is not None and question.state != "open"):
        return None
    if row is not None:
        mine = row.state is EscalationState.ACKED and row.acked_by == question.person_id
        return question if mine else None
    page = session.get(Assignment, question.subject_id or "")
    if page is None or page.state is not AssignmentState.ACCEPTED:
        return None
    return session.scalar(
        select(Question).where(
            Question.subject_id == page.id, Question.kind == "assignment", Question.state == "open"
        )
    )


def _answer(talk: _Talk, menu: Menu, key: str) -> str:
    """A key of the menu: what the same digit in a text would do."""
    talk.call.state = CallState.ANSWERED
    about = talk.call.question_id or talk.call.subject_id
    events.record(talk.session, "call.answered", talk.now, subject_id=about, actor_id=talk.call.person_id)
    if menu is Menu.TOLD:
        return spoken.tell(Spoken.HEARD, talk.words(), talk.language)
    question = talk.question if menu is Menu.ASKED else _to_hand_back(talk)
    if question is None or not _applied(talk, question, key):
        return spoken.tell(Spoken.COVERED, talk.words(), talk.language)
    if menu is Menu.YOURS:
        return spoken.tell(Spoken.HANDED_BACK, talk.words(), talk.language)
    if key == "0":
        return spoken.tell(Spoken.PASSED, talk.words(), talk.language)
    if _menu(talk) is not Menu.YOURS:  # others were first
        return spoken.tell(Spoken.COVERED, talk.words(), talk.language)
    return _say_menu(talk, Menu.YOURS, Spoken.TAKEN, 0)


def _applied(talk: _Talk, question: Question, key: str) -> bool:
    try:
        with talk.session.begin_nested():
            answers.apply(talk.session, question, key, None, talk.now)
    except CismError:  # what was asked cannot be done any more
        talk.session.refresh(question)
        return False
    return True


def _say_menu(talk: _Talk, menu: Menu, kind: Spoken, spoken_times: int) -> str:
    address = f"{database_of(talk.session).public_url}/twilio/voice?c={talk.call.id}&n={spoken_times + 1}"
    return spoken.ask(
        kind,
        talk.words(again=spoken_times > 0),
        talk.language,
        answer_to=address,
        # whoever took it and says nothing more keeps it
        silence_to=None if menu is Menu.YOURS else address,
    )


def _escalation(session: Session, question: Question | None) -> Escalation | None:
    if question is None or question.kind not in voice.ESCALATING:
        return None
    return session.get(Escalation, question.subject_id or "")
