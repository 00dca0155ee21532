"""What helpers text about their own work, in words: each does what a button of their pages does.

Which words count from whom is one rule: those of their roles, and none while somebody is to call them,
because then whatever they write may be about themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, time
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cism.domain.access import may_do
from cism.domain.people import PersonStatus, Role
from cism.domain.staff_words import FORMS, Command, Day, StaffWord, command
from cism.errors import AlreadyDone, BadInput
from cism.services import (
    audit,
    away,
    escalations,
    on_call,
    on_call_swaps,
    passing_on,
    resting,
    staff_lists,
    words,
)
from cism.services.staff_calls import brief, give, limits, refer
from cism.services.word_answers import Answered, done, how
from cism.store.tables import Person
from notifications import messages as m

_Act = Callable[[Session, Person, Command, datetime], Answered]


def of(session: Session, person: Person) -> frozenset[StaffWord]:
    """The words that count from this person now."""
    if person.status is not PersonStatus.ACTIVE or person.opted_out_at is not None:
        return frozenset()
    roles = [item.role for item in person.roles]
    found = frozenset(word for word, form in FORMS.items() if may_do(roles, form.act, same_agency=True))
    return frozenset() if not found or escalations.open_about(session, person.id) else found


def act(session: Session, person: Person, text: str, now: datetime) -> Answered:
    """Do what the text says, audited as the page is; nothing that was refused has changed anything."""
    said = command(text)
    if said is None:
        return Answered(None)
    if not said.whole:
        return how(said.word.value)
    try:
        with session.begin_nested():
            answer = _ACTS[said.word](session, person, said, now)
    except BadInput:
        answer = how("late" if said.word is StaffWord.SWAP else said.word.value)
    audit.write(session, person.id, f"text {said.word.value}", answer.subject)
    return answer


def _words(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    del said, now
    own = of(session, person)
    agency = words.agency_name(session, person.agency)
    return Answered(m.Words(agency=agency, rests=StaffWord.REST in own, answers=StaffWord.DESK in own))


def _rest(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    day = _day(said.day, person, now)
    if day is None:
        return how("rest")
    away.say(session, person, day, now)
    passing_on.plan(session, person, now, taken=False)
    return done("rest", until=m.when_text(day, now, person.zone))


def _back(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    del said
    with contextlib.suppress(AlreadyDone):  # they may be asked, which is what they want
        away.come_back(session, person, now)
    return done("back")


def _ready(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    del said
    try:
        resting.say_ready(session, person, person, now)
    except AlreadyDone:
        return how("ready")
    return done("ready")


def _swap(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    turn = _turn(session, person.id, said.day, person, now)
    if turn is None:
        return how("turn")
    colleagues = on_call_swaps.colleagues(session, person, turn.role)
    chosen = staff_lists.called(colleagues, said.name)
    if chosen is None:
        return how("name", unclear=True)
    back = _turn(session, chosen.id, said.back, person, now, role=turn.role) if said.back else None
    if said.back is not None and back is None:
        return how("turn")
    in_return = (back.start, back.end) if back is not None else None
    on_call_swaps.ask_once(session, person, turn, chosen.id, now, in_return=in_return)
    return _told("asked", person, chosen, turn)


def _keep(session: Session, person: Person, said: Command, now: datetime) -> Answered:
    turn = _turn(session, person.id, said.day, person, now)
    if turn is None:
        return how("turn")
    for one in on_call_swaps.open_swaps(session, person.id, now):
        if one.from_id == person.id and one.span == (turn.start, turn.end):
            on_call_swaps.withdraw(session, one.id, person.id, now)
    return _told("kept", person, person, turn)


def _told(how_: str, person: Person, other: Person, turn: on_call.OwnTurn) -> Answered:
    span = m.span_text(turn.start, turn.end, person.zone)
    return Answered(m.SwapAnswer(how=how_, helper=m.short_name(other.name), span=span))


def _day(day: Day | None, person: Person, now: datetime) -> datetime | None:
    """The beginning of a day by the person's own clock."""
    zone = ZoneInfo(person.zone)
    found = day.on_or_after(now.astimezone(zone).date()) if day is not None else None
    return datetime.combine(found, time(), zone) if found is not None else None


def _turn(
    session: Session, owner: str, day: Day | None, reader: Person, now: datetime, role: Role | None = None
) -> on_call.OwnTurn | None:
    """The one turn of `owner` that begins that day by the reader's clock; None for none or several."""
    begin = _day(day, reader, now)
    if begin is None:
        return None
    return on_call_swaps.turn_on(session, owner, begin.date(), reader.zone, now, role)


_ACTS: Final[Mapping[StaffWord, _Act]] = MappingProxyType(
    {
        StaffWord.WORDS: _words,
        StaffWord.TASKS: staff_lists.tasks,
        StaffWord.WEEK: staff_lists.turns,
        StaffWord.REST: _rest,
        StaffWord.BACK: _back,
        StaffWord.READY: _ready,
        StaffWord.SWAP: _swap,
        StaffWord.KEEP: _keep,
        StaffWord.BRIEF: brief,
        StaffWord.LIMITS: limits,
        StaffWord.REFER: refer,
        StaffWord.DESK: staff_lists.desk,
        StaffWord.GIVE: give,
    }
)
