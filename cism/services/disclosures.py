"""Disclosure outside of the programme: proposed by one, confirmed by another, recorded by a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.disclosure import (
    CONFIRMED_WITHIN,
    EXCEPTIONS,
    DisclosureState,
    Ground,
    Recipient,
    refused_because,
)
from cism.domain.people import Role, is_command
from cism.errors import AlreadyDone, BadInput, NotAllowed, NotFound, WindowClosed
from cism.services import chain, events, people
from cism.store.tables import Disclosure, Person


@dataclass(frozen=True, slots=True)
class Told:
    """One disclosure, as the person it is about may read it: no name, and no word of what was told."""

    at: datetime
    ground: Ground
    recipient: Recipient


def propose(
    session: Session, person: Person, *, exception: str, recipient: Recipient, by: Person, now: datetime
) -> Disclosure:
    """One authorised person thinks that it must be. Raises BadInput, NotAllowed, AlreadyDone."""
    _refuse_unfit(session, person, by, Act.PROPOSE_DISCLOSURE)
    if problem := refused_because(exception, recipient):
        raise BadInput(problem)
    for row in _proposed(session, person.agency, now):
        if (row.person_id, row.exception, row.recipient) == (person.id, exception, recipient):
            message = f"this is proposed already, as {row.id}: somebody else confirms it"
            raise AlreadyDone(message)
    made = Disclosure(
        person_id=person.id,
        agency=person.agency,
        exception=exception,
        recipient=recipient,
        state=DisclosureState.PROPOSED,
        proposed_at=now,
        proposed_by=by.id,
    )
    session.add(made)
    session.flush()
    events.record(session, "disclosure.proposed", now, subject_id=made.id, actor_id=by.id, after=exception)
    return made


def confirm(session: Session, disclosure_id: str, *, by: Person, now: datetime) -> Disclosure:
    """Another authorised person agrees. Raises NotFound, NotAllowed, AlreadyDone, WindowClosed."""
    row = _held(session, disclosure_id, by)
    _refuse_unfit(session, people.get(session, row.person_id), by, Act.CONFIRM_DISCLOSURE)
    if row.proposed_by == by.id:
        message = "you proposed it: another authorised person confirms it"
        raise NotAllowed(message)
    if row.proposed_at + CONFIRMED_WITHIN <= now:
        message = "nobody confirmed it in 72 hours: propose it anew, if it is still needed"
        raise WindowClosed(message)
    return _decided(session, row, DisclosureState.CONFIRMED, by, now)


def withdraw(session: Session, disclosure_id: str, *, by: Person, now: datetime) -> Disclosure:
    """Not agreed to, or not needed any more; also by whoever proposed it."""
    row = _held(session, disclosure_id, by)
    _refuse_unfit(session, people.get(session, row.person_id), by, Act.CONFIRM_DISCLOSURE)
    return _decided(session, row, DisclosureState.WITHDRAWN, by, now)


def listed(session: Session, viewer: Person) -> Sequence[Disclosure]:
    """Those of the viewer's agency that they may decide on or see, newest first; never about themselves."""
    if is_command(_roles(viewer)) or not may_do(_roles(viewer), Act.PROPOSE_DISCLOSURE, same_agency=True):
        message = "disclosures are seen by those who may propose them, and by nobody in command"
        raise NotAllowed(message)
    _, near = people.on_lists_with(session, viewer.id)
    query = select(Disclosure).where(Disclosure.agency == viewer.agency, Disclosure.person_id.not_in(near))
    return session.scalars(query.order_by(Disclosure.proposed_at.desc(), Disclosure.id)).all()


def about(session: Session, person_id: str) -> list[Told]:
    """What may have been told outside about somebody, oldest first: for their own receipt."""
    query = select(Disclosure).where(
        Disclosure.person_id == person_id, Disclosure.state == DisclosureState.CONFIRMED
    )
    return [
        Told(row.decided_at or row.proposed_at, EXCEPTIONS[row.exception], row.recipient)
        for row in session.scalars(query.order_by(Disclosure.decided_at, Disclosure.id))
    ]


def _refuse_unfit(session: Session, person: Person, by: Person, act: Act) -> None:
    """Both are of the programme, of the person's agency, not in command, and not part of it themselves."""
    if is_command(_roles(by)) or by.id in chain.superiors(session, person.id):
        message = "nobody in command proposes or confirms a disclosure: a coordinator and a clinician do"
        raise NotAllowed(message)
    if not may_do(_roles(by), act, same_agency=by.agency == person.agency):
        message = "a coordinator or a clinician of the person's own agency does this"
        raise NotAllowed(message)
    if person.id in people.on_lists_with(session, by.id)[1]:
        message = "it is about you, or about somebody on a list with you: your deputy does this"
        raise NotAllowed(message)


def _held(session: Session, disclosure_id: str, by: Person) -> Disclosure:
    row = session.get(Disclosure, disclosure_id, with_for_update=True)
    if row is None or row.agency != by.agency:
        message = "there is no disclosure by that id; `cism disclosure list` lists them"
        raise NotFound(message)
    if row.state is not DisclosureState.PROPOSED:
        message = f"it was {row.state.value} already; nothing was changed"
        raise AlreadyDone(message)
    return row


def _proposed(session: Session, agency: str, now: datetime) -> Sequence[Disclosure]:
    query = select(Disclosure).where(
        Disclosure.agency == agency,
        Disclosure.state == DisclosureState.PROPOSED,
        Disclosure.proposed_at > now - CONFIRMED_WITHIN,
    )
    return session.scalars(query).all()


def _decided(
    session: Session, row: Disclosure, state: DisclosureState, by: Person, now: datetime
) -> Disclosure:
    row.state, row.decided_at, row.decided_by = state, now, by.id
    events.record(session, f"disclosure.{state.value}", now, subject_id=row.id, actor_id=by.id)
    session.flush()
    return row


def _roles(person: Person) -> frozenset[Role]:
    return frozenset(item.role for item in person.roles)
