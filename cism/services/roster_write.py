"""Writes the rows of a roster that was found whole. What a person took back, no file gives again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.consents import How, Purpose
from cism.domain.people import PersonStatus
from cism.domain.plan import StepKind
from cism.domain.roster_csv import RosterRow
from cism.services import consents, events, numbers, outbox, questions, reapplying, sign_ins, steps
from cism.store import owners
from cism.store.db import find_hash
from cism.store.tables import NotWith, Person, PersonCert, PersonRole, new_id

_PLAIN = (
    "name", "email", "discipline", "unit", "station", "rank", "zone", "language", "designated_at",
)  # fmt: skip
_CARE_STEPS = (
    StepKind.INVITE,
    StepKind.CONTACT,
    StepKind.CONTACT_REMINDER,
    StepKind.OPT_IN,
    StepKind.CONFIRM_PHONE,
    StepKind.PEER_TASK,
    StepKind.SESSION_FOLLOW_UP,
)
_FORGOTTEN = "was removed, and stays forgotten; whoever comes back gets a new id"
_COLUMN_OF = {"zone": "timezone"}  # where a column is not called as what it fills
Outcome = tuple[RosterRow, str, tuple[str, ...]]
Touched = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody already on the roster, and the key of who commands them."""

    row: Person
    reports_to: str | None
    erased: bool = False  # removed from the roster: no file brings anything of them back


def load(session: Session) -> dict[str, Known]:
    """Everybody on the roster by key `agency:id`, but those who were removed: their id is not known."""
    gone = owners.destroyed(session)
    rows = [row for row in session.scalars(select(Person)) if row.id not in gone]
    keys = {row.id: f"{row.agency}:{row.roster_id}" for row in rows}
    return {keys[row.id]: Known(row, keys.get(row.reports_to or "")) for row in rows}


def recognised(session: Session, rows: Collection[RosterRow]) -> dict[str, Known]:
    """Those of a file who were removed from the roster; their id is found by its hash."""
    gone = owners.destroyed(session)
    if not gone:
        return {}
    by_hash = {row.roster_hash: row for row in session.scalars(select(Person).where(Person.id.in_(gone)))}
    hashes = {row.key: find_hash(session, "roster", f"{row.agency}\0{row.id}") for row in rows}
    return {key: Known(by_hash[one], None, erased=True) for key, one in hashes.items() if one in by_hash}


def status_after(row: RosterRow, known: Known | None) -> PersonStatus:
    """The file's status, but nobody comes back from the dead by an import."""
    if known is not None and known.row.status is PersonStatus.DECEASED:
        return PersonStatus.DECEASED
    return row.status


def write(
    session: Session, rows: Collection[RosterRow], known: dict[str, Known], now: datetime, touched: Touched
) -> list[Outcome]:
    """Add and change people, then tie them to each other; says what each line did.

    `touched` gets the columns that changed, by key of those for whom something did.
    """
    by_key = {key: one.row for key, one in known.items()}
    found: list[Outcome] = [(row, "unchanged", (_FORGOTTEN,)) for row in rows if _is_erased(known, row)]
    rows = [row for row in rows if not _is_erased(known, row)]
    fresh_numbers = [row.key for row in rows if row.key not in known or known[row.key].row.phone != row.phone]
    with session.no_autoflush:
        for row in rows:
            person = by_key.get(row.key)
            if person is None:
                by_key[row.key] = _add(session, row, now)
                found.append((row, "added", ()))
                continue
            changed, kept = _change(session, person, row, now)
            if changed:
                touched[row.key] = changed
            found.append((row, "unchanged", kept))
    session.flush()
    for key in fresh_numbers:
        numbers.taken_over(session, by_key[key], now)
    reapplying.heed(session, [by_key[key] for key in fresh_numbers], now)
    _tie(session, rows, by_key, touched)
    session.flush()
    return [
        (row, "changed" if what == "unchanged" and row.key in touched else what, kept)
        for row, what, kept in found
    ]


def _is_erased(known: dict[str, Known], row: RosterRow) -> bool:
    return row.key in known and known[row.key].erased


def _add(session: Session, row: RosterRow, now: datetime) -> Person:
    person = Person(
        id=new_id(),
        agency=row.agency,
        roster_id=row.id,
        roster_hash=find_hash(session, "roster", f"{row.agency}\0{row.id}"),
        phone=row.phone,
        phone_hash=find_hash(session, "phone", row.phone),
        sleep_start=row.sleep.start,
        sleep_end=row.sleep.end,
        status=row.status,
        consent_pages=row.consent_pages,
        consent_care=row.consent_care,
        **{name: getattr(row, name) for name in _PLAIN},
    )
    person.roles = [PersonRole(role=role) for role in sorted(row.roles)]
    person.certs = [PersonCert(name=cert.name, expires=cert.expires) for cert in _certs(row)]
    session.add(person)
    for kind, given in (("pages", row.consent_pages), ("care", row.consent_care)):
        if given:
            _attested(session, person, kind, now)
            events.record(session, f"consent.{kind}", now, subject_id=person.id, after="attested")
    return person


def _certs(row: RosterRow) -> list[PersonCert]:
    """The latest expiry of each name."""
    latest = {cert.name: cert.expires for cert in sorted(row.certs, key=lambda cert: cert.expires)}
    return [PersonCert(name=name, expires=expires) for name, expires in sorted(latest.items())]


def _change(
    session: Session, person: Person, row: RosterRow, now: datetime
) -> tuple[set[str], tuple[str, ...]]:
    """Which columns changed, and what was kept against the file's word."""
    changed = _plain_changes(person, row) | _sets_change(person, row)
    if _new_phone(session, person, row, now):
        changed.add("phone")
    kept = []
    for kind in ("pages", "care"):
        moved, note = _consent(session, person, kind, getattr(row, f"consent_{kind}"), now)
        changed |= {f"consent_{kind}"} if moved else set()
        kept += note
    moved, note = _status(session, person, row, now)
    return changed | ({"status"} if moved else set()), (*kept, *note, *_stays(person))


def _plain_changes(person: Person, row: RosterRow) -> set[str]:
    wanted = {name: getattr(row, name) for name in _PLAIN}
    wanted |= {"sleep_start": row.sleep.start, "sleep_end": row.sleep.end}
    differing = {name: value for name, value in wanted.items() if getattr(person, name) != value}
    for name, value in differing.items():
        setattr(person, name, value)
    return {_COLUMN_OF.get(name, name) for name in differing}


def _sets_change(person: Person, row: RosterRow) -> set[str]:
    changed = set()
    if {item.role for item in person.roles} != row.roles:
        kept = [item for item in person.roles if item.role in row.roles]
        here = {item.role for item in kept}
        person.roles = [*kept, *(PersonRole(role=role) for role in sorted(row.roles - here))]
        changed.add("roles")
    wanted = {cert.name: cert.expires for cert in _certs(row)}
    if {item.name: item.expires for item in person.certs} != wanted:
        stay = [item for item in person.certs if item.name in wanted]
        for item in stay:
            item.expires = wanted.pop(item.name)
        person.certs = [*stay, *(PersonCert(name=name, expires=day) for name, day in wanted.items())]
        changed.add("certs")
    return changed


def _new_phone(session: Session, person: Person, row: RosterRow, now: datetime) -> bool:
    """Another number may be another person's: nothing that was meant for the old one goes there."""
    if person.phone == row.phone:
        return False
    person.phone, person.phone_hash = row.phone, find_hash(session, "phone", row.phone)
    person.phone_confirmed_at = None
    person.first_text_at = None
    sign_ins.end_all(session, person.id)
    outbox.cancel(session, reason="phone changed", person_id=person.id)
    # its code went to the old number; the new one is asked anew
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=("confirm_phone",))
    events.record(session, "phone.changed", now, subject_id=person.id, after="unconfirmed")
    for kind in (
        "pages",
        "care",
    ):  # the file speaks for the new number; what was said of the old one does not
        if getattr(row, f"consent_{kind}") and getattr(person, f"consent_{kind}"):
            _attested(session, person, kind, now)
    return True


def _attested(session: Session, person: Person, kind: str, now: datetime, *, given: bool = True) -> None:
    if not getattr(person, f"revoked_{kind}") or not given:
        consents.note(session, person, Purpose(kind), given, How.ATTESTED, now)


def _consent(
    session: Session, person: Person, kind: str, given: bool, now: datetime
) -> tuple[bool, list[str]]:
    """A consent that was taken back, by the person or by an earlier file, is not given again by a file."""
    before: bool = getattr(person, f"consent_{kind}")
    revoked: bool = getattr(person, f"revoked_{kind}")
    if given and revoked:
        return False, [f"consent_{kind} stays revoked; only the person can give it again"]
    if given == before:
        return False, []
    setattr(person, f"consent_{kind}", given)
    _attested(session, person, kind, now, given=given)
    if not given:
        setattr(person, f"revoked_{kind}", True)
        outbox.cancel(session, reason="consent revoked", person_id=person.id, care_only=kind == "care")
    events.record(
        session, f"consent.{kind}", now, subject_id=person.id, after="attested" if given else "revoked"
    )
    return True, []


def _status(session: Session, person: Person, row: RosterRow, now: datetime) -> tuple[bool, list[str]]:
    if person.status is row.status:
        return False, []
    if person.status is PersonStatus.DECEASED:
        return False, ["stays deceased"]
    events.record(
        session,
        "person.status",
        now,
        subject_id=person.id,
        before=person.status.value,
        after=row.status.value,
    )
    person.status = row.status
    if row.status is PersonStatus.DECEASED:  # never texted again (domain.md 11.16)
        outbox.cancel(session, reason="deceased", person_id=person.id)
        steps.cancel(session, reason="deceased", now=now, person_id=person.id, kinds=_CARE_STEPS)
    return True, []


def _stays(person: Person) -> Iterator[str]:
    if person.opted_out_at is not None:
        yield "stays opted out (STOP); only the person can lift it, with START"
    if person.frozen_at is not None:
        yield "stays frozen until a human has asked whose number this is"
    if person.care_held_at is not None:
        yield "care texts stay held until a human has asked"


def _tie(session: Session, rows: Collection[RosterRow], by_key: dict[str, Person], touched: Touched) -> None:
    """Who commands whom, and who is never paired with whom."""
    for row in rows:
        person = by_key[row.key]
        superior = by_key[row.reports_to].id if row.reports_to else None
        if person.reports_to != superior:
            person.reports_to = superior
            touched.setdefault(row.key, set()).add("reports_to")
    for key in _pairs(session, rows, by_key):
        touched.setdefault(key, set()).add("not_with")


def _pairs(session: Session, rows: Collection[RosterRow], by_key: dict[str, Person]) -> set[str]:
    """Kept in both directions. A pair ends only where both stand in the file and neither names the other."""
    key_of = {person.id: key for key, person in by_key.items()}
    wanted = {(row.key, other) for row in rows for other in row.not_with}
    wanted |= {(other, key) for key, other in wanted}
    here = {row.key for row in rows}
    touched = set()
    stored = {
        (key_of[item.person_id], key_of[item.other_id]): item for item in session.scalars(select(NotWith))
    }
    for (one, other), item in stored.items():
        if (one, other) not in wanted and one in here and other in here:
            session.delete(item)
            touched.add(one)
    for one, other in wanted - stored.keys():
        session.add(NotWith(person_id=by_key[one].id, other_id=by_key[other].id))
        touched.add(one)
    session.flush()
    for key in touched:
        session.expire(by_key[key], ["conflicts"])
    return touched
