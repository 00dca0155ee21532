"""What those in charge see behind their links, and what an invited person does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.incident import IncidentState
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.people import PersonStatus
from cism.services import choice, notices, people, queue_peers, queue_readers, queue_words
from cism.services.notify import LIST_MISSING, lines
from cism.services.queue_readers import Lists
from cism.store.states import AssignmentState, QueueState, SessionState
from cism.store.tables import (
    Assignment,
    GroupSession,
    InboundMessage,
    Incident,
    Invitation,
    Person,
    QueueItem,
)
from cism.web.pages import board_words, offer_sections
from cism.web.pages.local_time import spoken
from cism.web.pages.log_choices import SEVERITIES
from cism.web.pages.offer_sections import offer_list
from cism.web.pages.sections import Section, buttons, open_question, over
from cism.web.words import Said, _

_GONE = _("There is nothing for you here any more. Thank you.")
# why something waits for a human, in words; a kind that is not here is named as it is
QUEUE_WHY: dict[str, str] = {
    "free_text": _("Somebody wrote in their own words."),
    "help": _("Somebody sent HELP. It may be a cry for help: call them."),
    "crisis": _("Somebody wrote words that worry us. A clinician is being called at the same time."),
    "who_is_this": _("Somebody asks who we are. The number may not be this person's any more: name nobody."),
    "worry": _("A helper is worried about one of the people they look after. Ask the helper whom they mean."),
    "call_needed": _("This person is to be called, and no peer is assigned."),
    "call_unreported": _("A peer was to call this person and has not reported it."),
    "no_next_step": _("Nothing is planned for this person. Call, and see what they need."),
    "list_missing": _(
        "It was logged without its list. Add whoever was there, or say that nobody else was: until then "
        "whoever is missing is looked after by nobody."
    ),
    "contact_missed": _("A check-in could not be sent in its time. Call this person."),
    "care_held": _(
        "This person sent a 0 that could mean several things. Texts are held until you have asked."
    ),
    "unsettled_send": _("Nobody can say whether a text arrived. It is not sent twice: call this person."),
    "filtered": _(
        "Carriers take one of our texts for spam and drop it. Call whoever waits for one, and tell "
        "whoever looks after the installation: the words or the sender's registration must change."
    ),
    "too_many_texts": _(
        "This phone has had more texts in an hour or a day than any plan needs. More are held "
        "for a while. Call the person if they may be waiting for us, and say so to whoever runs this."
    ),
    "runaway": _(
        "Far more texts than planned went to people about themselves. No more leave; pages go on. "
        "Texts leave again when this is handled: look first at what was sent."
    ),
    "person_died": _(
        "Somebody whom we looked after, or who served, was set deceased on the roster. Tell the "
        "helpers concerned yourself, and end what is still open about them."
    ),
    "answer_refused": _("A helper's answer could not be carried out. Ask them what they meant."),
}


def incident(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """How the asking stands, for whoever is in charge."""
    row = session.get(Incident, subject or "")
    roles = [item.role for item in helper.roles]
    if row is None or helper.status is not PersonStatus.ACTIVE:
        return over(_GONE)
    affected = any(item.person_id == helper.id for item in row.affected)
    if affected or not may_do(roles, Act.ACCEPT_INCIDENT, same_agency=True):
        return over(_GONE)
    kind = INCIDENT_TYPES.get(row.type)
    return Section(
        "sections/incident.html",
        {
            "ref": row.ref,
            "kind": Said(kind.label if kind else row.type),
            "severity": SEVERITIES[row.severity],
            "logged": spoken(row.logged_at, helper.zone),
            "ended": spoken(row.ended_at, helper.zone) if row.ended_at else None,
            "people": len(row.affected),
            "needed": choice.team_need(row),
            "team": team_of(session, row),
            "offers": offer_list(session, helper, row) if row.state is IncidentState.OPEN else [],
            "open": row.state is IncidentState.OPEN,
            "accepted": spoken(row.accepted_at, helper.zone) if row.accepted_at else None,
            "on_board": row.agency == helper.agency,
        },
        row.id,
    )


def queue_item(
    session: Session, helper: Person, subject: str | None, now: datetime, lists: Lists | None = None
) -> Section:
    """The words of a text, who sent them, and by when it has to be read. `lists`: as read for many."""
    row = session.get(QueueItem, subject or "")
    if row is None or helper.status is not PersonStatus.ACTIVE:
        return over(_GONE)
    lists = lists or queue_readers.lists_for(session, [row])
    if not queue_words.may_handle(session, row, helper, lists):
        return over(_GONE)
    if row.state is QueueState.HANDLED:
        return over(_("A human has read this and acted. Thank you."))
    inbound = session.get(InboundMessage, row.inbound_sid) if row.inbound_sid else None
    person = session.get(Person, row.person_id) if row.person_id else None
    readable = queue_words.may_read(session, row, helper, now, lists)
    return Section(
        "sections/queue.html" if readable else "sections/queue_call.html",
        {
            "why": QUEUE_WHY.get(row.kind, row.kind.replace("_", " ")),
            "words": inbound.body if inbound is not None and readable else None,
            "kept": _reader(session, row) if inbound is not None and not readable else None,
            "name": person.name if person is not None else None,
            "phone": _number(person, inbound),
            "crew": _crew_of(session, row),
            "received": spoken(row.received_at, helper.zone),
            "by": spoken(row.deadline, helper.zone),
            "late": now > row.deadline,
        },
        row.id,
    )


def _reader(session: Session, row: QueueItem) -> Said:
    """Who reads what somebody else may not read yet, by role alone."""
    if queue_peers.first_reader(session, row) is not None:
        return _("Their own peer reads it.")
    return _("Whoever takes the call for help reads it.")


def _crew_of(session: Session, row: QueueItem) -> str | None:
    """The incident whose list is to be completed, where that is what waits."""
    if row.kind != LIST_MISSING or row.incident_id is None:
        return None
    return session.get_one(Incident, row.incident_id).ref


_ANSWERED = {
    AssignmentState.ACCEPTED: _("You are on, thank you. What comes next is texted to you."),
    AssignmentState.DECLINED: _("You are not available, and others are asked. No reason is needed."),
}


def page(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """Can you take a turn? No more is told than the text told."""
    question = open_question(session, helper.id, subject, "page")
    if question is None or question.deadline is None:
        return _answered(helper, session.get(Assignment, subject or ""))
    return Section(
        "sections/page.html",
        {
            "by": spoken(question.deadline, helper.zone),
            "code": question.code,
            "buttons": buttons(question, {"1": _("I am available"), "0": _("Not now")}),
        },
        subject,
    )


def _answered(helper: Person, part: Assignment | None) -> Section:
    """What became of a page that waits no longer; whoever is on goes on to their assignment."""
    passed = _("This has been covered, or its time has passed. Thank you.")
    if part is None or part.peer_id != helper.id:
        return over(passed)
    on = part.state is AssignmentState.ACCEPTED
    href = f"/task/assignment/{part.id}" if on else None
    return over(_ANSWERED.get(part.state, passed), href=href, label=_("Open my assignment"))


def report(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """How many came; nothing else is asked or kept (invariant 5)."""
    meeting = session.get(GroupSession, subject or "")
    question = open_question(session, helper.id, subject, "report")
    begins = meeting.starts_at if meeting is not None else None
    when = spoken(begins, helper.zone) if begins is not None else None
    if meeting is not None and meeting.leader_id == helper.id and begins is not None and now < begins:
        words = _("You lead this meeting, %(when)s. How many came is asked after it.", when=when)
        return over(words, href=f"/task/session/{meeting.id}", label=_("Open my meeting"))
    if meeting is None or question is None:
        return over(_("This has been reported. Thank you."))
    kind = board_words.meeting(meeting.kind)
    values = {
        "what": _("How many came? %(kind)s, %(when)s", kind=kind, when=when or _("not set")),
        "question": question.id,
        "code": question.code,
    }
    return Section("sections/report.html", values, meeting.id)


def invitation(session: Session, person: Person, subject: str | None, now: datetime) -> Section:
    """Time and place, for one invited person; nobody else is named."""
    meeting = session.get(GroupSession, subject or "")
    invited = session.get(Invitation, (subject or "", person.id))
    if meeting is not None and invited is None and meeting.leader_id == person.id:
        return offer_sections.meeting(session, person, subject, now)
    if meeting is None or invited is None or meeting.starts_at is None:
        return over(_("This invitation is over. If you would like a call, text 2 to our number."))
    if meeting.state is not SessionState.APPROVED:
        return over(
            _("This get-together does not take place. If you would like a call, text 2 to our number.")
        )
    question = open_question(session, person.id, meeting.id, "invitation")
    minutes = int((meeting.ends_at - meeting.starts_at).total_seconds() // 60) if meeting.ends_at else None
    return Section(
        "sections/invitation.html",
        {
            "when": spoken(meeting.starts_at, person.zone),
            "minutes": minutes,
            "duty": lines(session, person.agency)[0],
            "state": invited.state,
            "notice": notices.given(session, person, notices.PAGE, now),
            "buttons": buttons(question, {"1": _("Count me in"), "0": _("Not for me")}),
        },
        meeting.id,
    )


def team_of(session: Session, row: Incident) -> list[dict[str, Any]]:
    """Who was asked, by name, and how it stands; never why somebody is not available."""
    assignments = list(
        session.scalars(
            select(Assignment).where(Assignment.incident_id == row.id).order_by(Assignment.asked_at)
        )
    )
    known = people.by_ids(session, [item.peer_id for item in assignments])
    words = {
        AssignmentState.ASKED: _("asked"),
        AssignmentState.ACCEPTED: _("serving"),
        AssignmentState.SILENT: _("no answer yet"),
        AssignmentState.COVERED: _("not needed"),
        AssignmentState.STOOD_DOWN: _("stood down"),
    }
    # a decline needs no reason and shows as nothing more than not available
    return [
        {"name": known[item.peer_id].name, "state": words.get(item.state, _("not available"))}
        for item in assignments
    ]


def _number(person: Person | None, inbound: InboundMessage | None) -> str | None:
    if inbound is not None:
        return inbound.from_number
    return person.phone if person is not None else None
