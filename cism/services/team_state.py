"""What the receipt says: whether somebody is being asked, or nobody yet and those in charge are called."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cism.domain.selection import choose
from cism.services import choice, reach, readiness
from cism.store.db import database_of, now
from cism.store.tables import Incident

WORKING = "the team is working"
NOBODY_YET = "nobody yet, the coordinator is being called"
NOTHING_LEAVES = "nobody yet, and no text leaves this installation: call the coordinator yourself, now"
NO_CHECK_INS = "no check-ins: the agency has no reachable coordinator and clinician"
NO_REAL_PHONE = "phone wall: no real phone is reached"


def team_state(session: Session, row: Incident) -> str:
    """One line for whoever logged it; it says nothing about any person."""
    parts = [_who_works(session, row) if readiness.texts_leave(session) else NOTHING_LEAVES]
    if not reach.somebody_can_answer(session, row.agency):
        parts.append(NO_CHECK_INS)
    if database_of(session).on_wall:
        parts.append(NO_REAL_PHONE)
    return "; ".join(parts)


def _who_works(session: Session, row: Incident) -> str:
    chosen = choose(choice.roster(session), choice.context(session, row, now(session)))
    return WORKING if chosen.own or chosen.mutual_aid or _asked(session, row) else NOBODY_YET


def _asked(session: Session, row: Incident) -> bool:
    return bool(choice.context(session, row, now(session)).asked)
