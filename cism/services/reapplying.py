"""What the stop list says is done again in a restored database; nothing is ever lifted by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.people import PersonStatus
from cism.errors import CismError
from cism.services import contact_answers, events, lives, outbox, people, queue, roster_moves, unsent
from cism.store.apart import Line, Read
from cism.store.db import now as product_now
from cism.store.db import real_now
from cism.store.restraints import CONTACTS, GONE, PERSON
from cism.store.tables import AffectedPerson, Person, Restore, Restraint

ASKED_WITHIN = timedelta(hours=4)
_EARLIER = timedelta(minutes=10)  # a backup takes a while, and its moment is known by the last sign of life
_STRICTER = [PersonStatus.ACTIVE, PersonStatus.LEAVE, PersonStatus.RETIRED, PersonStatus.DECEASED]
_WORDS = ("stopped", "frozen", "held", "no_pages", "no_care", GONE)

Entry = Mapping[str, Any]


def carry_out(session: Session, row: Restore, read: Read) -> int:
    """Everything that the list says since the backup; the row says what may be lacking. How many it was."""
    now = product_now(session)
    entries = fold(read.lines, row.since_real - _EARLIER)
    failed = sum(not _carried(session, entry, now) for entry in entries)
    row.reapplied_real, row.list_trouble = real_now(session), _trouble(read, failed)
    events.record(session, "restore.reapplied", now, subject_id=row.id, after=str(len(entries)))
    return len(entries)


def fold(lines: Sequence[Line], since: datetime) -> list[Entry]:
    """The last word on everybody of whom a line speaks since then.

    A line whose commit nobody saw may forbid, and may not lift what an earlier one forbade.
    """
    committed = {line.tx for line in lines if line.done}
    last: dict[tuple[str, str], Entry] = {}
    recent: dict[tuple[str, str], None] = {}
    for line in lines:
        for entry in line.entries:
            key = (str(entry["what"]), str(entry["id"]))
            last[key] = entry if line.tx in committed else _stricter(last.get(key), entry)
            if datetime.fromisoformat(line.at) >= since:
                recent[key] = None
    return [last[key] for key in recent]


def heed(session: Session, fresh: Iterable[Person], now: datetime) -> None:
    """Whoever comes onto the roster after a restore keeps what they said before it was lost."""
    by_hash = {person.phone_hash: person for person in fresh if person.phone_hash}
    if not by_hash:
        return
    for said in session.scalars(select(Restraint).where(Restraint.phone_hash.in_(by_hash))).all():
        _restrain(session, by_hash[said.phone_hash], said.facts, now)
        session.delete(said)


def _trouble(read: Read, failed: int) -> str | None:
    if read.missing:
        return "the stop list is missing: who said STOP since is not known"
    if read.broken:
        return f"the stop list was altered at {len(read.broken)} lines"
    return f"{failed} entries of the stop list failed: see the log" if failed else None


def _stricter(one: Entry | None, other: Entry) -> Entry:
    if one is None:
        return other
    if other["what"] == CONTACTS:
        return one if one["ended"] else other
    kept = {word: one[word] or other[word] for word in _WORDS}
    worse = max(PersonStatus(one["status"]), PersonStatus(other["status"]), key=_STRICTER.index)
    return {**other, **kept, "phone": one["phone"], "status": worse.value}


def _carried(session: Session, entry: Entry, now: datetime) -> bool:
    try:
        with session.begin_nested():
            (_contacts if entry["what"] == CONTACTS else _person)(session, entry, now)
    except (CismError, ValueError, LookupError) as error:  # the others must be carried out all the same
        log.failure("restore.not_reapplied", error, what=str(entry["what"]))
        return False
    return True


def _person(session: Session, entry: Entry, now: datetime) -> None:
    row = session.get(Person, entry["id"])
    if row is not None:
        people.lock_person(session, row.id)
        _restrain(session, row, entry, now)
    elif entry["phone"]:
        known = session.get(Restraint, entry["phone"])
        if known is None:
            session.add(Restraint(phone_hash=entry["phone"], facts=dict(entry)))
        else:
            known.facts = dict(_stricter(known.facts, entry))
        here = select(Person).where(Person.phone_hash == entry["phone"])
        for person in session.scalars(here).all():
            _restrain(session, person, entry, now)


def _restrain(session: Session, person: Person, said: Entry, now: datetime) -> None:
    """Never less than the row has already."""
    person.revoked_pages = person.revoked_pages or bool(said["no_pages"])
    person.revoked_care = person.revoked_care or bool(said["no_care"])
    if said["stopped"] and person.opted_out_at is None:
        person.opted_out_at = datetime.fromisoformat(said["stopped"])
        unsent.stopped(session, person, now)
    if person.frozen_at is None and (said["frozen"] or _other_number(person, said)):
        person.frozen_at = now
        unsent.doubted(session, person, now)
        queue.add(session, "who_is_this", now=now, within=ASKED_WITHIN, person=person, tell=False)
    if said["held"] and person.care_held_at is None:
        hold(session, person, now)
    status = PersonStatus(said["status"])
    if _STRICTER.index(status) > _STRICTER.index(person.status):
        lives.set_status(session, person, status, by=None, now=now)
    if said[GONE] and person.phone is not None:
        _forget(session, person, now)


def _other_number(person: Person, said: Entry) -> bool:
    """They had another number by then, which the restored roster does not know: this may be a stranger's."""
    return bool(said.get("id") == person.id and said["phone"] and said["phone"] != person.phone_hash)


def hold(session: Session, person: Person, now: datetime) -> None:
    """No care text until a human has asked."""
    person.care_held_at = now
    queue.add(session, "care_held", now=now, within=ASKED_WITHIN, person=person, tell=False)


def _forget(session: Session, person: Person, now: datetime) -> None:
    """Removed from the roster; where somebody is being found for them, that is ended by a human first."""
    outbox.cancel(session, reason=roster_moves.REMOVED, person_id=person.id)
    roster_moves.remove(session, person, by=None, now=now, again=True)


def _contacts(session: Session, entry: Entry, now: datetime) -> None:
    if not entry["ended"]:
        return
    item = session.get(AffectedPerson, entry["id"])
    if item is not None:
        contact_answers.end_contacts(
            session, item.incident_id, item.person_id, entry["reason"] or "declined", now
        )
        return
    person = session.get(Person, entry[PERSON])
    # it was about an incident that is gone with the database: a human asks before anything is texted again
    if person is not None and person.care_held_at is None and entry["reason"] == "declined":
        hold(session, person, now)
