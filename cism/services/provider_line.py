"""Whether the provider fails, remembered in one row that all processes share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.second_way import Primary
from cism.services import events
from cism.store.db import now, real_now
from cism.store.tables import ProviderLine
from notifications.gateway import SendError, SendFailure

_ONE = 1
_FAILURES = frozenset({SendFailure.RETRY, SendFailure.UNKNOWN, SendFailure.CONFIGURATION})


def read(session: Session) -> Primary:
    """What is known of the provider."""
    row = session.get(ProviderLine, _ONE)
    return _known(row) if row is not None else Primary()


def note(session: Session, answers: Sequence[SendError | None], real: datetime) -> None:
    """What it answered to texts of ours, in order; None: it took one.

    While all is well this reads one row and writes nothing. A number that it refuses for good is no failure.
    """
    failed = [error is not None and error.kind in _FAILURES for error in answers]
    if not failed or (read(session) == Primary() and not any(failed)):
        return
    row = _locked(session)
    before = known = _known(row)
    for one in failed:
        known = known.failed(real) if one else known.worked(real)
    row.failing_since, row.opened_at, row.good = known.failing_since, known.opened_at, known.good
    if known.fails is not before.fails:
        told = "second_way.opened" if known.fails else "second_way.closed"
        events.record(session, told, now(session))


def refused(session: Session, refusal: SendError) -> None:
    """It failed at a question that stood for a text: what is held is not tried, and yet it fails."""
    note(session, [refusal], real_now(session))


def _known(row: ProviderLine) -> Primary:
    return Primary(row.failing_since, row.opened_at, row.good)


def _locked(session: Session) -> ProviderLine:
    query = select(ProviderLine).where(ProviderLine.id == _ONE).with_for_update()
    row = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if row is None:  # a database without migrations, thrown away after a rehearsal
        row = ProviderLine(id=_ONE, good=0)
        session.add(row)
        session.flush()
    return row
