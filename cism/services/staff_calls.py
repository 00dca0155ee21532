"""Words about one call, meeting or call for help, by its code: limits told, handed over, given on."""

from __future__ import annotations

import contextlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.people import PersonStatus
from cism.domain.staff_words import Command
from cism.errors import AlreadyDone, NotAllowed
from cism.services import notices, people, rungs, session_team, staff_lists, turns, warm_hand_over
from cism.services.word_answers import Answered, done, how
from cism.store.states import SessionState
from cism.store.tables import GroupSession, Incident, Person, Question
from notifications import messages as m

_MEETINGS = ("report", "approval")


def brief(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """How a call goes; with the code of a meeting, how that goes."""
    del now
    question = _question(session, person, said.code) if said.code else None
    return Answered(m.BriefIn(group=question is not None and question.kind in _MEETINGS))


def limits(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """They told somebody the limits of confidentiality, or read them out before a meeting that they lead."""
    question = _question(session, person, said.code)
    if question is None:
        return how("code")
    if question.kind in _MEETINGS:
        return _read_out(session, person, question, now)
    about = _whom(session, person, question)
    if about is None:
        return how("code")
    notices.given(session, about, notices.ALOUD, now)
    return done("limits", question.subject_id, code=question.code or "")


def refer(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """Somebody whom they look after agreed that a clinician takes over."""
    question = _question(session, person, said.code)
    about = _whom(session, person, question) if question is not None else None
    if question is None or about is None or question.incident_id is None:
        return how("code")
    row = people.lock_incident(session, question.incident_id)
    with contextlib.suppress(AlreadyDone):  # a colleague is being asked, which is what they want
        turns.refer(session, row, about.id, by=person.id, now=now, to=OfferKind.REFERRAL)
    return done("refer", question.subject_id, code=question.code or "")


def give(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """A colleague is asked to take over a call for help that is theirs, and theirs it stays until then."""
    question = _question(session, person, said.code)
    if question is None or question.kind not in {"escalation", "welfare"}:
        return how("code")
    row = rungs.locked(session, question.subject_id or "")
    if row.acked_by != person.id:
        return how("code")
    chosen = staff_lists.called(warm_hand_over.colleagues(session, row, person), said.name)
    if chosen is None:
        return how("name", unclear=True)
    try:
        warm_hand_over.ask(session, row, person, chosen.id, now)
    except NotAllowed:
        return how("code")
    return done("give", row.id, code=question.code or "", helper=m.short_name(chosen.name))


def _read_out(session: Session, leader: Person, question: Question, now: datetime) -> Answered:
    row = session.get(GroupSession, question.subject_id or "")
    if row is None or row.state is not SessionState.APPROVED:
        return how("code")
    incident = session.get_one(Incident, row.incident_id)
    team = session_team.of(session, incident, row, now)
    if not team or team[0][0].id != leader.id or leader.status is not PersonStatus.ACTIVE:
        return how("code")
    notices.read_out(session, row, incident.agency, leader, now)
    return done("read_out", row.id, code=question.code or "")


def _question(session: Session, person: Person, code: str | None) -> Question | None:
    """The newest question of this code; what is over is theirs no more, but a call that was just reported."""
    query = select(Question).where(Question.person_id == person.id, Question.code == code)
    return session.scalars(query.order_by(Question.asked_at.desc())).first()


def _whom(session: Session, helper: Person, question: Question) -> Person | None:
    """Whom a code is about, where this helper looks after them still; of a whole turn, the only one."""
    mine = people.looked_after(session, helper.id, question.incident_id)
    if question.about_id is not None:
        return next((one for one in mine if one.id == question.about_id), None)
    whole = question.kind == "assignment" and len(mine) == 1
    return mine[0] if whole else None
