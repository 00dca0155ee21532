"""A group meeting is proposed, and a clinician decides: who would sit together, when, and what forbids it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.incident import Circle
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.interventions import CATALOGUE, ENFORCED, GROUP_FORMATS
from cism.domain.people import Discipline
from cism.services import choice, session_team
from cism.store.states import SessionState
from cism.store.tables import GroupSession, Incident, Invitation, Person
from cism.web.pages.local_time import spoken
from cism.web.pages.log_choices import SEVERITIES
from cism.web.pages.sections import Section, buttons, open_question, over, said
from cism.web.words import Said, _

CIRCLES: Final = {
    Circle.A: _("acted directly"),
    Circle.B: _("present, witnessed it"),
    Circle.C: _("remote: dispatch, call-taker"),
    Circle.D: _("close to whoever was harmed"),
    Circle.E: _("support"),
    Circle.F: _("family"),
}
_DISCIPLINES: Final = {
    Discipline.LAW_ENFORCEMENT: _("law enforcement"),
    Discipline.FIRE: _("fire"),
    Discipline.EMS: _("emergency medical"),
    Discipline.DISPATCH: _("dispatch"),
    Discipline.RAIL: _("rail"),
    Discipline.HOSPITAL: _("hospital"),
    Discipline.CORRECTIONS: _("corrections"),
}
_BANDS: Final = {"supervisors": _("supervisors"), "crew": _("no rank in the room")}
_KEY_OF_A_CREW: Final = 5  # circle, agency, discipline, unit, band


def approval(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """The facts that the decision needs, and no names (invariant 11)."""
    meeting = session.get(GroupSession, subject or "")
    question = open_question(session, helper.id, subject, "approval")
    roles = [item.role for item in helper.roles]
    if meeting is None or meeting.state is not SessionState.PROPOSED or question is None:
        return _decided(session, helper, meeting)
    if not may_do(roles, Act.APPROVE_SESSION, same_agency=True):
        return over(_("This is no longer yours; there is nothing to do. Thank you."))
    incident = session.get_one(Incident, meeting.incident_id)
    shown = {
        **_when_and_what(session, incident, meeting, helper),
        "by": _spoken(question.deadline, helper),
        "code": question.code,
        "buttons": buttons(question, {"1": _("Approve"), "0": _("Refuse: one-to-one instead")}),
        "facts": _facts(session, incident, meeting, helper, now),
    }
    return Section("sections/approval.html", shown, meeting.id)


def _decided(session: Session, helper: Person, meeting: GroupSession | None) -> Section:
    """What this clinician decided, and what comes next of it; of a colleague's decision no more than that."""
    answer = said(session, helper.id, meeting.id, "approval") if meeting is not None else None
    if meeting is None or answer is None:
        return over(_("This has been decided, or its time has passed. Thank you."))
    if answer == "0":
        return over(_("You refused it. Nobody is invited; one-to-one support and follow-up go on."))
    if meeting.state is not SessionState.APPROVED:
        return over(_("You approved it. It is over, or does not take place after all."))
    if meeting.leader_id != helper.id:
        return over(_("You approved it. Each of the group is invited alone; a colleague leads it."))
    return over(
        _("You approved it, and you lead it. Each of the group is invited alone; a text reminds you."),
        href=f"/task/session/{meeting.id}",
        label=_("Open my meeting"),
    )


def _when_and_what(
    session: Session, incident: Incident, meeting: GroupSession, helper: Person
) -> dict[str, Any]:
    kind, element = INCIDENT_TYPES.get(incident.type), GROUP_FORMATS.get(meeting.kind)
    return {
        "ref": incident.ref,
        "kind": Said(kind.label if kind else incident.type),
        "severity": SEVERITIES[incident.severity],
        "meeting": Said(element.title) if element is not None else meeting.kind,
        "starts": _spoken(meeting.starts_at, helper),
        "window": [_spoken(meeting.window_from, helper), _spoken(meeting.window_to, helper)],
        "size": session.scalar(select(func.count()).where(Invitation.session_id == meeting.id)),
        "team_size": meeting.team_size,
        "statements": incident.statements_complete if kind is not None and kind.jeopardy else None,
    }


def _spoken(at: datetime | None, helper: Person) -> Said | None:
    return spoken(at, helper.zone) if at is not None else None


def _facts(
    session: Session, row: Incident, meeting: GroupSession, reader: Person, now: datetime
) -> dict[str, Any]:
    """By what they are one group, its limits of size, who would lead it, and what forbids it."""
    element, rule = CATALOGUE.get(meeting.kind), choice.protocol_of(row).sessions.get(meeting.kind)
    leader = session_team.would_lead(session, row, reader, now)
    forbids = element.contraindicated.items() if element is not None else ()
    return {
        "split": _split(meeting.group_key),
        "least_most": rule.size if rule is not None else None,
        "leader": None if leader is None else leader.name,
        "reader_leads": leader is not None and leader.id == reader.id,
        "checked": [Said(words) for reason, words in forbids if reason in ENFORCED],
        "forbids": [Said(words) for reason, words in forbids if reason not in ENFORCED],
        "before": [Said(words) for words in element.preconditions] if element is not None else [],
    }


def _split(key: str) -> list[tuple[Said, str]]:
    """The key by which they were grouped, in words; a key of another shape shows its circle alone."""
    parts = key.split("/")
    circle = parts[0].partition("-")[0]
    found: list[tuple[Said, str]] = []
    if circle in set(Circle):
        found.append((_("Nearness"), CIRCLES[Circle(circle)]))
    if len(parts) < _KEY_OF_A_CREW:
        return found
    if parts[2] in set(Discipline):
        found.append((_("Discipline"), _DISCIPLINES[Discipline(parts[2])]))
    if parts[3]:
        found.append((_("Crew"), parts[3]))
    band = parts[4].partition("-")[0]
    return [*found, (_("Rank"), _BANDS.get(band, _("mixed")))]
