"""What people do by SMS or page, for a coordinator at a terminal: escalations, sessions, the human queue."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.cli import show
from cism.cli.show import AsJson, moment
from cism.cli.viewer import AsId, Viewer, acting
from cism.domain.access import Act
from cism.domain.briefs import brief_of
from cism.domain.escalation import EscalationState
from cism.domain.people import Role
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import choice, escalations, meetings, people, queue, queue_words, rungs, sessions
from cism.store.tables import Escalation, GroupSession, Incident, Person, Question, QueueItem

escalation = typer.Typer(help="Take an escalation, or say how it ended.", no_args_is_help=True)
session = typer.Typer(help="Approve or refuse a debriefing; report that one was held.", no_args_is_help=True)
human_queue = typer.Typer(help="What only a human may read or decide.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The id in the listing.")]


class Ending(StrEnum):
    """How the calling ended, as it is said at a terminal."""

    REACHED = "reached"
    DECLINED = "declined"
    NOT_REACHED = "not_reached"
    MET_IN_PERSON = "met_in_person"
    HANDED_TO_EMERGENCY = "handed_to_emergency_services"


def list_escalations(as_id: AsId = None, as_json: AsJson = False) -> None:
    """List escalations, open ones first. Never what anybody said."""
    with acting(as_id, "escalations") as viewer:
        viewer.require(Act.LIST_ESCALATIONS, viewer.person.agency if viewer.person else None)
        query = select(Escalation).order_by(
            Escalation.closed_at.is_not(None), Escalation.opened_at.desc(), Escalation.id
        )
        rows = [_shown(row) for row in viewer.session.scalars(query) if _theirs(viewer, row)]
    columns = {"id": "Escalation", "level": "Level", "agency": "Agency", "state": "State"}
    columns |= {"opened_at": "Opened", "acked_at": "Taken", "closed_at": "Closed"}
    show.listing(rows, columns, title="Escalations", empty="no escalations", as_json=as_json)


@escalation.command("ack")
def ack(id_: Id, as_id: AsId = None) -> None:
    """Take an escalation, and make the call. The owner takes it for the agency's coordinator."""
    with acting(as_id, "escalation ack") as viewer:
        row = _escalation(viewer, id_)
        viewer.require(Act.ACK_ESCALATION, row.agency, took_it=_was_asked(viewer, row))
        helper = viewer.person or _coordinator(viewer.session, row)
        if row.state is not EscalationState.OPEN and row.acked_by != helper.id:
            message = "somebody else has it already; nothing was changed"
            raise AlreadyDone(message)
        escalations.acknowledge(viewer.session, row, helper, viewer.now)
        who = helper.roster_id
    show.line(f"{id_}: taken by {who}")


@escalation.command("close")
def close(
    id_: Id,
    outcome: Annotated[Ending, typer.Option(help="How the calling ended.")],
    handed_to: Annotated[
        str | None, typer.Option(help="With handed_to_emergency_services: by whose name.")
    ] = None,
    as_id: AsId = None,
) -> None:
    """Say how an escalation ended, by whoever made the call; without --as it is entered for who took it."""
    with acting(as_id, "escalation close") as viewer:
        row = _escalation(viewer, id_)
        took_it = viewer.person is not None and row.acked_by == viewer.person.id
        viewer.require(Act.CLOSE_ESCALATION, row.agency, took_it=took_it)
        helper = _caller(viewer, row, took_it=took_it)
        escalations.close(viewer.session, row, helper, _code(outcome, handed_to), viewer.now)
    show.line(f"{id_}: {outcome.value.replace('_', ' ')}")


@session.command("approve")
def approve(id_: Id, as_id: AsId = None) -> None:
    """Approve a proposed debriefing, as the clinician, or entered for the clinician who decided."""
    _decide(id_, True, as_id)


@session.command("refuse")
def refuse(id_: Id, as_id: AsId = None) -> None:
    """Refuse a proposed debriefing: one-to-one support instead."""
    _decide(id_, False, as_id)


@session.command("brief")
def brief(id_: Id, as_id: AsId = None, as_json: AsJson = False) -> None:
    """Show the leader's brief: phases in order, what it never is, how long, how many lead it."""
    with acting(as_id, "session brief") as viewer:
        meeting, row = _meeting(viewer, id_, Act.REPORT_SESSION)
        leads = _leads(viewer, meeting)
        viewer.require(Act.REPORT_SESSION, row.agency, incident=row, took_it=leads)
        found = brief_of(meeting.kind, choice.protocol_of(row).sessions.get(meeting.kind))
        shown = {"team": meeting.team_size, **(asdict(found) if found is not None else {})}
    if as_json:
        show.data(shown)
        return
    for name, value in shown.items():
        said = "; ".join(value) if isinstance(value, tuple) else value
        show.line(f"{name.replace('_', ' ')}: {said}")


@session.command("held")
def held(
    id_: Id,
    headcount: Annotated[int, typer.Option(min=0, help="How many came; nobody's name is kept.")],
    as_id: AsId = None,
) -> None:
    """Report that a session took place, with a headcount and nothing else."""
    with acting(as_id, "session held") as viewer:
        meeting, row = _meeting(viewer, id_, Act.REPORT_SESSION)
        leads = _leads(viewer, meeting)
        viewer.require(Act.REPORT_SESSION, row.agency, incident=row, took_it=leads)
        meetings.held(viewer.session, meeting.id, headcount, by=viewer.person_id, now=viewer.now)
    show.line(f"{id_}: held with {headcount}")


@human_queue.command("list")
def list_queue(as_id: AsId = None, as_json: AsJson = False) -> None:
    """List what waits for a human, the nearest deadline first; for a peer, from whom they look after."""
    with acting(as_id, "queue list") as viewer:
        agency = viewer.person.agency if viewer.person else None
        serves = not viewer.may(Act.LIST_QUEUE, agency) and viewer.may(Act.SERVE, agency)
        viewer.require(Act.SERVE if serves else Act.LIST_QUEUE, agency)
        rows = [
            {
                "id": row.id,
                "received_at": moment(row.received_at),
                "kind": row.kind,
                "deadline": moment(row.deadline),
            }
            for row in queue.open_items(viewer.session)
            if _may_read(viewer, row)
        ]
    columns = {"id": "Item", "received_at": "Received", "kind": "Kind", "deadline": "Deadline"}
    show.listing(rows, columns, title="Human queue", empty="nothing waits for a human", as_json=as_json)


@human_queue.command("handle")
def handle(
    id_: Id,
    right_number: Annotated[
        bool,
        typer.Option(
            "--right-number", help="You asked: the doubted number is this person's. Text them again."
        ),
    ] = False,
    as_id: AsId = None,
) -> None:
    """Say that a human has read an item and acted."""
    with acting(as_id, "queue handle") as viewer:
        row = viewer.session.get(QueueItem, id_)
        if row is None or not _may_read(viewer, row):
            message = f"there is no item {id_!r} in the queue; `cism queue list` lists them"
            raise NotFound(message)
        viewer.object_id = row.id
        agency = viewer.person.agency if viewer.person else row.agency
        viewer.require(Act.HANDLE_QUEUE, agency, took_it=_looks_after(viewer, row))
        queue.handle(viewer.session, row.id, by=viewer.person_id, now=viewer.now, right_number=right_number)
    show.line(f"{id_}: handled")


def _shown(row: Escalation) -> dict[str, Any]:
    return {
        "id": row.id,
        "level": row.level.value,
        "agency": row.agency,
        "state": row.state.value,
        "opened_at": moment(row.opened_at),
        "acked_at": moment(row.acked_at),
        "closed_at": moment(row.closed_at),
    }


def _theirs(viewer: Viewer, row: Escalation) -> bool:
    """Their agency's, or one that they were asked to take; never one about themselves (domain.md 11.17)."""
    if viewer.person is not None and row.person_id == viewer.person.id:
        return False
    of_agency = viewer.may(Act.LIST_ESCALATIONS, row.agency) and _stands_apart(viewer, row)
    return of_agency or _was_asked(viewer, row)


def _stands_apart(viewer: Viewer, row: Escalation | QueueItem) -> bool:
    """Whether they are on no list with whom or what it is about."""
    helper = viewer.person
    return helper is None or people.stands_apart(viewer.session, helper.id, row.person_id, row.incident_id)


def _was_asked(viewer: Viewer, row: Escalation) -> bool:
    """Whether a question about it went to this helper, perhaps by mutual aid."""
    if viewer.person is None:
        return False
    found = viewer.session.scalar(
        select(Question.id).where(Question.subject_id == row.id, Question.person_id == viewer.person.id)
    )
    return found is not None


def _escalation(viewer: Viewer, id_: str) -> Escalation:
    row = rungs.locked(viewer.session, id_)
    if not _theirs(viewer, row):  # the words of one that is not there
        message = f"there is no escalation {id_!r}; `cism escalations` lists them"
        raise NotFound(message)
    viewer.object_id = row.id
    return row


def _coordinator(session: Session, row: Escalation) -> Person:
    """For whom the owner acts: the agency's first reachable coordinator who is not the one it is about."""
    for item in people.with_role(session, [Role.COORDINATOR], row.agency):
        apart = people.stands_apart(session, item.id, row.person_id, row.incident_id)
        if apart and people.reachable(item):
            return item
    message = f"{row.agency} has no reachable coordinator: say who makes the call, with --as ID"
    raise BadInput(message)


def _caller(viewer: Viewer, row: Escalation, *, took_it: bool) -> Person:
    """Closing needs who made the call: the viewer, or for a coordinator whoever took it."""
    if viewer.person is not None and (took_it or viewer.may(Act.CLOSE_ESCALATION, viewer.person.agency)):
        escalations.may_close(row, viewer.person)
        return viewer.person
    if row.acked_by is None:
        message = "nobody has taken it yet: say who made the call, with --as ID"
        raise BadInput(message)
    return people.get(viewer.session, row.acked_by)


def _code(outcome: Ending, handed_to: str | None) -> str:
    if outcome is not Ending.HANDED_TO_EMERGENCY:
        return outcome.value
    if not (handed_to or "").strip():
        message = "say who handed over: --handed-to NAME"
        raise BadInput(message)
    return f"{outcome.value}:{handed_to}"


def _decide(id_: str, approve_it: bool, as_id: str | None) -> None:
    with acting(as_id, "session approve" if approve_it else "session refuse") as viewer:
        meeting, row = _meeting(viewer, id_, Act.APPROVE_SESSION)
        viewer.require(Act.APPROVE_SESSION, row.agency, incident=row)
        # a coordinator enters a clinician's decision, and is not the one who made it
        by = viewer.person_id if viewer.may(Act.APPROVE_SESSION, row.agency) else None
        sessions.decide(viewer.session, meeting.id, approve_it, by=by, now=viewer.now)
    show.line(f"{id_}: {'approved' if approve_it else 'refused'}")


def _meeting(viewer: Viewer, id_: str, act: Act) -> tuple[GroupSession, Incident]:
    """The same words whether it is not there or not theirs: that a group meets is not told by a refusal."""
    meeting = viewer.session.get(GroupSession, id_)
    row = viewer.session.get_one(Incident, meeting.incident_id) if meeting is not None else None
    if meeting is None or row is None or not _may_know(viewer, meeting, row, act):
        message = f"there is no session {id_!r}; `cism incident REF` lists an incident's sessions"
        raise NotFound(message)
    viewer.object_id = meeting.id
    return meeting, row


def _may_know(viewer: Viewer, meeting: GroupSession, row: Incident, act: Act) -> bool:
    return viewer.may(act, row.agency, for_another=True) or _leads(viewer, meeting)


def _leads(viewer: Viewer, meeting: GroupSession) -> bool:
    return viewer.person is not None and meeting.leader_id == viewer.person.id


def _may_read(viewer: Viewer, row: QueueItem) -> bool:
    """Who is in charge: their agency's items and strangers'; a peer: from people whom they look after.

    Never their own words, nor of anybody on a list with them.
    """
    if not _stands_apart(viewer, row):
        return False
    in_charge = viewer.may(Act.LIST_QUEUE, viewer.person.agency if viewer.person else None)
    return (in_charge and (row.agency is None or viewer.at_home(row.agency))) or _looks_after(viewer, row)


def _looks_after(viewer: Viewer, row: QueueItem) -> bool:
    """Whether it was written by somebody whose peer they are."""
    return viewer.person is not None and queue_words.is_theirs(viewer.session, row, viewer.person)
