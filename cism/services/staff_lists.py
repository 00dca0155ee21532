"""What is theirs, in one text: what to do by when, turns on call, calls for help that nobody has taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.reply_text import fold
from cism.domain.staff_words import Command
from cism.services import escalation_desk, on_call, on_call_swaps, rungs, words
from cism.services.word_answers import Answered
from cism.store.tables import Escalation, Person, Question
from notifications import messages as m
from notifications.word_messages import TASKS_LIMIT, TURNS_LIMIT

# What is asked of staff, and the word or two for it; what must not wait stands first.
_KINDS: Final = {
    "escalation": "call now",
    "welfare": "call now",
    "page": "team",
    "approval": "meeting",
    "contact_report": "call",
    "hand_off": "call",
    "turn": "colleague",
    "report": "how many",
    "offers": "offers",
    "swap": "swap",
    "assignment": "team",
}
_ORDER: Final = {kind: place for place, kind in enumerate(_KINDS)}


def tasks(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """What waits for them, by its codes; names stand behind the sign-in."""
    del said
    asked = session.scalars(
        select(Question).where(
            Question.person_id == person.id,
            Question.state == "open",
            Question.code.is_not(None),
            Question.kind.in_(list(_KINDS)),
        )
    ).all()
    urgent = {"escalation", "welfare"}
    ordered = sorted(
        asked, key=lambda one: (one.kind not in urgent, _due(session, one) or now, _ORDER[one.kind], one.id)
    )
    items = [_item(one.code or "", _due(session, one), _KINDS[one.kind], person, now) for one in ordered]
    listed, more = _some(items, TASKS_LIMIT)
    return Answered(m.MyTasks(tasks=listed, more=more))


def turns(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """Their turns on call in the next two weeks."""
    del said
    found = on_call.own_turns(session, person.id, now, now + on_call_swaps.AHEAD)
    listed, more = _some([m.span_text(one.start, one.end, person.zone) for one in found], TURNS_LIMIT)
    return Answered(m.MyTurns(spans=listed, more=more))


def desk(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    """Calls for help that nobody has taken and they may take: each with a code of theirs; `1` takes it."""
    del said
    if not escalation_desk.may_take(person, asked=False):
        return Answered(m.Desk())
    open_now = [one for one in escalation_desk.open_lines(session, person) if not one.taken]
    shown = open_now[:TASKS_LIMIT]
    rows = [rungs.locked(session, one.id) for one in sorted(shown, key=lambda one: one.id)]
    codes = {row.id: rungs.question_of(session, row, person, now).code or "" for row in rows}
    items = [_item(codes[one.id], one.by, "call now", person, now) for one in shown]
    more = len(open_now) - len(shown)
    return Answered(
        m.Desk(tasks=", ".join(items), code=codes[shown[0].id] if shown else "", more=more),
        subject=shown[0].id if shown else None,
    )


def called(persons: Sequence[Person], name: str) -> Person | None:
    """The one of them who has every word of this name; None for nobody, or several."""
    wanted = set(fold(name).split())
    found = [one for one in persons if wanted <= set(fold(one.name).replace(",", " ").split())]
    return found[0] if len(found) == 1 else None


def _due(session: Session, question: Question) -> datetime | None:
    """By when; what they have taken, by when they speak with the person."""
    if question.kind in {"escalation", "welfare"}:
        row = session.get(Escalation, question.subject_id or "")
        if row is not None and row.acked_by == question.person_id and row.voice_by is not None:
            return row.voice_by
    return question.deadline


def _item(code: str, by: datetime | None, word: str, person: Person, now: datetime) -> str:
    parts = [code, words.deadline(by, now, person) if by is not None else "", word]
    return " ".join(part for part in parts if part)


def _some(items: Iterable[str], most: int) -> tuple[str, int]:
    """The first of them, and how many there are beside."""
    every = list(items)
    return ", ".join(every[:most]), max(len(every) - most, 0)
