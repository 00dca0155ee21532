"""Codes that were asked after the backup: nobody here knows them, so that a human reads the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.codes import find_codes
from cism.services import queue
from cism.store.db import real_now
from cism.store.states import InboundState
from cism.store.tables import InboundMessage, Person, Question, Restore
from notifications.gateway import InboundSms

ANSWERED_FOR = timedelta(days=14)  # design: later than that nobody answers a code
_READ_WITHIN = timedelta(minutes=30)


def to_human(
    session: Session, sms: InboundSms, person: Person | None, known: Iterable[Question], now: datetime
) -> bool:
    """Whether this text carries a code that a restore may have lost; then a human has it."""
    since = real_now(session) - ANSWERED_FOR
    if session.scalar(select(Restore.id).where(Restore.noticed_real > since).limit(1)) is None:
        return False
    if not set(find_codes(sms.body)) - {question.code for question in known}:
        return False
    row = session.get_one(InboundMessage, sms.sid)
    row.body, row.state = sms.body, InboundState.QUEUED
    queue.add(session, "free_text", now=now, within=_READ_WITHIN, person=person, inbound_sid=sms.sid)
    return True
