"""Offers behind a link: what is to be offered, whom a turn is for, and the brief for whoever leads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cism.domain.briefs import brief_of
from cism.domain.incident import IncidentState
from cism.domain.offer_kinds import EMPLOYERS, OfferKind
from cism.domain.people import PersonStatus
from cism.errors import NotFound
from cism.services import choice, notices, offer_rows, offers, people, session_team, turn_helpers
from cism.services.notify import lines
from cism.store.states import OfferState, SessionState
from cism.store.tables import GroupSession, Incident, Offer, Person
from cism.web.pages.brief_words import in_words
from cism.web.pages.local_time import spoken
from cism.web.pages.sections import REPORT_LABELS, Section, buttons, open_question, over
from cism.web.words import _

_GONE = _("There is nothing left to offer here. Thank you.")
_WORDS = {
    OfferKind.ON_SCENE_SUPPORT: _("Be there while it goes on"),
    OfferKind.ONE_ON_ONE: _("Somebody who listens, one to one"),
    OfferKind.FAMILY_SUPPORT: _("Support for the family, if they agree to it"),
    OfferKind.PASTORAL: _("A chaplain, if they wish for one"),
    OfferKind.ORGANISATIONAL_CONSULTATION: _("Advice to command: relief, messages, dates; nobody by name"),
    OfferKind.INDIVIDUAL_SESSION: _("An individual session with a mental-health professional"),
    OfferKind.REFERRAL: _("Take a person over from a peer"),
    OfferKind.POST_ACTION_STAFF_SUPPORT: _("The team's own talk after what it did"),
    OfferKind.TEAM_CHECK_IN: _("A call to each who served"),
    OfferKind.RELIEF_INFORMATION: _("Tell which relief there is"),
    OfferKind.RELIEF_FROM_TOUR: _("Relief for the rest of the duty tour"),
    OfferKind.TRANSPORT_HOME: _("A way home"),
    OfferKind.COUNSELLING: _("Counselling and support"),
    OfferKind.RELIEF_NEXT_TOURS: _("Relief from the next tours, if they ask"),
    OfferKind.TREATMENT_LEAVE: _("Further leave for treatment"),
    OfferKind.OTHER_RAILROAD: _("Employees on another railroad's track"),
}


_WHOEVER = _("for whoever on the list wants it")
_FOR = dict.fromkeys((OfferKind.ONE_ON_ONE, OfferKind.PASTORAL, OfferKind.INDIVIDUAL_SESSION), _WHOEVER)


def to_offer(session: Session, reader: Person, subject: str | None, now: datetime) -> Section:
    """What this reader is to offer in one incident, with a button for each."""
    row = session.get(Incident, subject or "")
    if row is None or reader.status is not PersonStatus.ACTIVE or row.state is not IncidentState.OPEN:
        return over(_GONE)
    listed = offer_list(session, reader, row)
    if not listed:
        return over(_GONE)
    question = open_question(session, reader.id, row.id, "offers")
    labels = {"1": _("All of these were offered"), "0": _("I pass")}
    return Section(
        "sections/offers.html",
        {
            "ref": row.ref,
            "offers": listed,
            "code": question.code if question else None,
            "buttons": buttons(question, labels),
        },
        row.id,
    )


def turn(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """Take it; then whom it is for and the brief, and how it went."""
    row = session.get(Offer, subject or "")
    question = open_question(session, helper.id, subject, "turn", "hand_off")
    if row is None or question is None or helper.status is not PersonStatus.ACTIVE:
        return over(_("This is covered, or its time has passed. Thank you."))
    incident = session.get_one(Incident, row.incident_id)
    mine = row.helper_id == helper.id
    shown: dict[str, Any] = {
        "what": words(row.kind),
        "by": spoken(question.deadline, helper.zone) if question.deadline else None,
        "code": question.code,
        "mine": mine,
        "brief": in_words(brief_of(row.kind)),
        "duty": lines(session, incident.agency)[0],
        "persons": _persons(session, incident, row) if mine else [],
        "buttons": buttons(
            question, REPORT_LABELS if mine else {"1": _("I take it"), "0": _("Not now, ask the next")}
        ),
    }
    return Section("sections/turn.html", shown, row.id)


def meeting(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """The brief of one meeting, for whoever leads or helps with it."""
    row = session.get(GroupSession, subject or "")
    if row is None or row.state is not SessionState.APPROVED:
        return over(_("This meeting is over, or does not take place. Thank you."))
    incident = session.get_one(Incident, row.incident_id)
    team = [one.id for one, _ in session_team.of(session, incident, row, now)]
    if helper.id not in team or helper.status is not PersonStatus.ACTIVE:
        return over(_("This is no longer yours; there is nothing to do. Thank you."))
    shown: dict[str, Any] = {"ref": incident.ref, "meetings": [brief(session, helper, incident, row)]}
    shown["notice"] = notices.of(session, incident.agency, helper.language)
    read_out = notices.read_out_at(session, row)
    shown |= {"leads": team[0] == helper.id, "read_out": spoken(read_out, helper.zone) if read_out else None}
    return Section("sections/session.html", shown | {"duty": lines(session, incident.agency)[0]}, row.id)


def brief(session: Session, helper: Person, incident: Incident, row: GroupSession) -> dict[str, Any]:
    """When, who leads, how many lead it, and the leader's brief."""
    rule = choice.protocol_of(incident).sessions.get(row.kind)
    leader = people.get(session, row.leader_id) if row.leader_id else None
    return {
        "when": spoken(row.starts_at, helper.zone) if row.starts_at else None,
        "lead": _leads(helper, leader),
        "team": row.team_size,
        "brief": in_words(brief_of(row.kind, rule)),
    }


def _leads(helper: Person, leader: Person | None) -> str | None:
    if leader is None:
        return None
    return _("You lead it") if leader.id == helper.id else _("%(name)s leads it", name=leader.name)


def offer_list(
    session: Session, reader: Person, row: Incident, person_id: str | None = None
) -> list[dict[str, Any]]:
    """What this reader may offer, to one person where one is given."""
    return [
        _offered(session, one, row, reader)
        for one in offers.waiting_for(session, row, reader)
        if person_id in {None, one.person_id} and not offer_rows.not_needed(session, row, one)
    ]


def words(kind: str) -> str:
    """An offer in a few words."""
    return _WORDS.get(OfferKind(kind), kind.replace("_", " "))


def refused(session: Session, reader: Person, offer_id: str) -> bool:
    """Whether this offer is not theirs to make."""
    try:
        row = session.get_one(Incident, offer_rows.get(session, offer_id).incident_id)
    except NotFound:
        return True
    return all(one.id != offer_id for one in offers.waiting_for(session, row, reader))


def _offered(session: Session, one: Offer, row: Incident, reader: Person) -> dict[str, Any]:
    employers = OfferKind(one.kind) in EMPLOYERS
    hows = {"accepted": _("Accepted"), "declined": _("Declined")} if employers else {"made": _("Offered")}
    if offer_rows.rule_of(row, one).serve:
        hows["wanted"] = _("They want it: ask somebody")
    if one.state is OfferState.OFFERED:
        hows.pop("made", None)
    return {
        "id": one.id,
        "what": words(one.kind),
        "who": people.get(session, one.person_id).name if one.person_id else _FOR.get(OfferKind(one.kind)),
        "by": spoken(one.by_at, reader.zone),
        "made": one.state is OfferState.OFFERED,
        "nobody": one.state is OfferState.NOBODY,
        "hows": hows,
    }


def _persons(session: Session, incident: Incident, row: Offer) -> list[dict[str, str | None]]:
    if row.person_id is not None:
        found = [people.get(session, row.person_id)]
    elif row.kind == OfferKind.ON_SCENE_SUPPORT:
        found = []
    else:
        found = turn_helpers.team(session, incident, row)
    return [{"name": one.name, "phone": one.phone if one.frozen_at is None else None} for one in found]
