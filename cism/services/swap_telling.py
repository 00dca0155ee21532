"""What two colleagues hear about a swap: one question with its own code, and what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import SleepWindow
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.quiet_hours import is_asleep, next_open
from cism.services import notify, outbox, people, questions, steps, words
from cism.store.on_call_tables import OnCallChange
from cism.store.tables import Outbox, Person, Question
from notifications import messages as m

KIND = "swap"


def asked(session: Session, row: OnCallChange, now: datetime) -> None:
    """Ask the colleague by text; they may answer there or on the page, until the turn begins."""
    giver, taker = _both(session, row)
    question = questions.ask(
        session, person_id=taker.id, kind=KIND, now=now, subject_id=row.id, deadline=row.starts_at
    )
    back = row.return_starts_at, row.return_ends_at
    message = m.SwapAsk(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        helper=m.short_name(giver.name),
        span=_span(row, taker),
        back=m.span_text(back[0], back[1], taker.zone) if back[0] and back[1] else "",
    )
    leaves = min(_up(taker, now), row.starts_at)
    words.put(
        session,
        message,
        f"swap:{row.id}:asked",
        now,
        taker,
        question,
        not_before=leaves,
        expires_at=row.starts_at,
    )
    over = PlannedStep(
        kind=StepKind.SWAP_OVER, due_at=row.starts_at, key=f"swap-over:{row.id}", subject_id=row.id
    )
    steps.plan(session, [over])


def decided(session: Session, row: OnCallChange, now: datetime, *, taken: bool) -> None:
    """The colleague has answered: whoever asked hears how, the colleague that it has arrived."""
    giver, taker = _both(session, row)
    question = _question(session, row)
    if question is not None and question.state == "open":
        questions.answer(session, question, "1" if taken else "0", now)
    _tell(session, row, "taken" if taken else "refused", giver, taker, now)
    if taken:
        _tell(session, row, "yours", taker, giver, now)
    elif question is not None:
        notify.noted(session, taker, question, now)
    _over(session, row, now)


def withdrawn(session: Session, row: OnCallChange, now: datetime) -> None:
    """It is asked no longer; a colleague whose text has not left hears nothing of it."""
    giver, taker = _both(session, row)
    waits = outbox.waiting(session, Outbox.key == f"swap:{row.id}:asked")
    questions.close(session, state="superseded", now=now, subject_id=row.id, kinds=(KIND,))
    if not waits:
        _tell(session, row, "withdrawn", taker, giver, now)
    _over(session, row, now)


def nobody(session: Session, row: OnCallChange, now: datetime) -> None:
    """The turn begins and the colleague has not answered: it is still whose it was."""
    giver, taker = _both(session, row)
    questions.close(session, state="expired", now=now, subject_id=row.id, kinds=(KIND,))
    _tell(session, row, "nobody", giver, taker, now)


def _tell(
    session: Session, row: OnCallChange, how: str, reader: Person, other: Person, now: datetime
) -> None:
    message = m.SwapTold(
        agency=words.agency_name(session, row.agency),
        how=how,
        helper=m.short_name(other.name),
        span=_span(row, reader),
    )
    words.put(session, message, f"swap:{row.id}:{how}", now, reader)


def _over(session: Session, row: OnCallChange, now: datetime) -> None:
    steps.cancel(session, reason="decided", now=now, subject_id=row.id, kinds=[StepKind.SWAP_OVER])


def _question(session: Session, row: OnCallChange) -> Question | None:
    query = select(Question).where(Question.kind == KIND, Question.subject_id == row.id)
    return session.scalars(query.order_by(Question.asked_at.desc())).first()


def _both(session: Session, row: OnCallChange) -> tuple[Person, Person]:
    return people.get(session, row.person_id or ""), people.get(session, row.instead_id or "")


def _span(row: OnCallChange, reader: Person) -> str:
    return m.span_text(row.starts_at, row.ends_at, reader.zone)


def _up(reader: Person, now: datetime) -> datetime:
    """A swap wakes nobody."""
    sleep = SleepWindow(reader.sleep_start, reader.sleep_end)
    return next_open(now, reader.zone, sleep) if is_asleep(now, reader.zone, sleep) else now
