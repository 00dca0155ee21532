"""The ground of a rehearsal: a database in memory, under keys of its own, that nobody else ever sees."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, cast

from sqlalchemy import Table, event, insert, select, text, update
from sqlalchemy.orm import Session

from cism import chance
from cism.services import people, roster
from cism.store import migrate, owners, person_keys, seal
from cism.store.base import Base
from cism.store.db import Database, find_hash
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Incident,
    NotWith,
    Person,
    PersonCert,
    PersonRole,
    Question,
    Refusal,
)

_SEED = 988  # any: the same rehearsal plays alike every time
_ENROLLED = timedelta(days=90)  # so long ago everybody of a file confirmed their phone
_COPIED = tuple(
    cast("Table", table.__table__) for table in (Agency, Person, PersonRole, PersonCert, NotWith, Refusal)
)
_PEOPLE: tuple[type[Base], ...] = (Agency, Person, PersonRole, PersonCert, NotWith)
ONE_INCIDENT: tuple[type[Base], ...] = (Incident, AffectedPerson, Question)
"""What is wanted again and again where one incident is played, and nothing but the session itself writes."""
Fill = Callable[[Session, datetime], None]


class StillClock:
    """Virtual time: it stands until the rehearsal moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Where it stands."""
        return self.at


@contextmanager
def opened(start: datetime, fill: Fill) -> Iterator[tuple[Database, StillClock]]:
    """A database in memory at `start` with a roster in it; nothing of it is left afterwards.

    What is drawn by chance is drawn alike every time, and the installation's keys stay where they are.
    """
    kept = seal.swap(seal.Keyring([secrets.token_bytes(32)]))
    clock = StillClock(start)
    try:
        with chance.seeded(_SEED):
            db = Database("sqlite://", clock=clock, threads=1)
            try:
                migrate.create(db)
                with db.transaction() as session:
                    fill(session, start)
                yield db, clock
            finally:
                db.close()
    finally:
        seal.swap(kept)


class Alone:
    """Transactions on a database that nobody else has: people and agencies once read are not read again, nor
    rows of the classes in `keep`.

    All else is forgotten between transactions, because the courier writes past what is kept.
    """

    def __init__(self, db: Database, *, keep: tuple[type[Base], ...] = ()) -> None:
        self._session = Session(db.engine, expire_on_commit=False)
        self._session.info["database"] = db
        self._classes: tuple[type[Base], ...] = (*_PEOPLE, *keep)
        self._kept: list[object] = []  # a session alone lets go of whatever nobody else holds
        for name in ("loaded_as_persistent", "pending_to_persistent"):
            event.listen(self._session, name, self._keep)
        with self.transaction() as session:
            people.hold_always(session, [row.id for row in session.scalars(select(Person))])
            session.scalars(select(Agency)).all()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As `Database.transaction`, one after the other."""
        session = self._session
        with person_keys.through(session), session.begin():
            yield session
        session.info.pop("put", None)
        for item in list(session.identity_map.values()):
            if not isinstance(item, self._classes) and item in session:  # it may have gone with another
                session.expunge(item)

    def _keep(self, _session: Session, item: object) -> None:
        if isinstance(item, self._classes):
            self._kept.append(item)


def from_file(content: str) -> Fill:
    """A roster file, read as `cism roster import` reads it; everybody's phone is confirmed."""

    def fill(session: Session, start: datetime) -> None:
        roster.import_file(session, content, start)
        known = start - _ENROLLED
        session.execute(update(Person).values(phone_confirmed_at=known, first_text_at=known))

    return fill


def sample() -> Fill:
    """The sample roster that comes with the product."""
    return from_file(resources.files("cism.data").joinpath("sample_roster.csv").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, repr=False)
class Copy:
    """An installation's roster as it stands: consents, opt-outs and unconfirmed phones included."""

    rows: Mapping[Table, Sequence[dict[str, Any]]]

    def __call__(self, session: Session, start: datetime) -> None:
        """Write it, findable in the other database."""
        session.execute(text("PRAGMA defer_foreign_keys = ON"))  # people command each other in any order
        for table, rows in self.rows.items():
            found = [_indexed(session, row) for row in rows] if table.name == "person" else rows
            if found:
                session.execute(insert(table), owners.owned_rows(session, table, found))


def copied(session: Session) -> Copy:
    """Read the installation's roster; changes nothing."""
    return Copy(
        {table: [dict(row) for row in session.execute(select(table)).mappings()] for table in _COPIED}
    )


def _indexed(session: Session, row: dict[str, Any]) -> dict[str, Any]:
    phone = row["phone"]
    return row | {
        "roster_hash": find_hash(session, "roster", f"{row['agency']}\0{row['roster_id']}"),
        "phone_hash": find_hash(session, "phone", phone) if phone else None,
    }
