"""Copies of the database that were made and still exist, and who was erased and is in one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cism.errors import NotFound
from cism.store.db import real_now
from cism.store.tables import BackupMade, Erasure

PATTERN: Final = "cism-*.backup"
NAMED: Final = "cism-%Y%m%dT%H%M%SZ.backup"  # when it was made, and nothing else


@dataclass(frozen=True, slots=True)
class Standing:
    """One erasure. `waits_for`: the copies that still have the key; empty once it is done."""

    person_id: str
    erased_real: datetime
    done_real: datetime | None
    waits_for: tuple[str, ...]


def made(session: Session, file: Path) -> int:
    """A copy is being made: written down before it is, so that none is unknown; its number."""
    row = BackupMade(file=str(file.absolute()), made_real=real_now(session))
    session.add(row)
    session.flush()
    return row.id


def failed(session: Session, number: int) -> None:
    """It was not made after all."""
    session.get_one(BackupMade, number).gone_real = real_now(session)
    settle(session)


def gone(session: Session, file: str) -> int:
    """Somebody deleted a copy, and every copy of it; how many had that name. Raises NotFound."""
    names = {file, str(Path(file).absolute())}
    known = update(BackupMade).where(BackupMade.file.in_(names), BackupMade.gone_real.is_(None))
    count = int(session.execute(known.values(gone_real=real_now(session))).rowcount)  # type: ignore[attr-defined]
    if not count:
        message = f"no backup {file} is waited for; `cism erasures` names those that are"
        raise NotFound(message)
    settle(session)
    return count


def look(session: Session, folder: Path | None) -> None:
    """See which of the copies in the folder of backups are gone: there they expire by themselves.

    One that was made elsewhere may have been moved: only a human can say that it is gone.
    """
    if folder is not None and folder.is_dir():
        _find(session, folder)
        here = {str(path.absolute()) for path in folder.iterdir()}
        inside = str(folder.absolute())
        waited = session.scalars(select(BackupMade).where(BackupMade.gone_real.is_(None))).all()
        for row in waited:
            if str(Path(row.file).parent) == inside and row.file not in here:
                row.gone_real = real_now(session)
    settle(session)


def _find(session: Session, folder: Path) -> None:
    """Copies that a restored database knows nothing of, by their names."""
    known = set(session.scalars(select(BackupMade.file)))
    for path in sorted(folder.glob(PATTERN)):
        with contextlib.suppress(ValueError):  # a file of somebody else's
            moment = datetime.strptime(path.name, NAMED).replace(tzinfo=UTC)
            if str(path.absolute()) not in known:
                session.add(BackupMade(file=str(path.absolute()), made_real=moment))
    session.flush()


def kept_before(session: Session, moment: datetime) -> list[str]:
    """The files of the copies that still exist and were begun at this moment or before, oldest first."""
    query = (
        select(BackupMade.file)
        .where(BackupMade.gone_real.is_(None), BackupMade.made_real <= moment)
        .order_by(BackupMade.made_real, BackupMade.id)
    )
    return list(session.scalars(query))


def erased(session: Session, person_id: str) -> None:
    """Somebody's key was destroyed just now."""
    session.merge(Erasure(person_id=person_id, erased_real=real_now(session), done_real=None))
    session.flush()
    settle(session)


def settle(session: Session) -> None:
    """Say of each erasure that it is done, as soon as no copy has the key."""
    session.flush()
    for row in session.scalars(select(Erasure).where(Erasure.done_real.is_(None))).all():
        if not kept_before(session, row.erased_real):
            row.done_real = real_now(session)


def erasures(session: Session) -> list[Standing]:
    """All erasures, the oldest first."""
    rows = session.scalars(select(Erasure).order_by(Erasure.erased_real, Erasure.person_id)).all()
    return [Standing(row.person_id, row.erased_real, row.done_real, _waits(session, row)) for row in rows]


def _waits(session: Session, row: Erasure) -> tuple[str, ...]:
    names: Collection[str] = () if row.done_real else kept_before(session, row.erased_real)
    return tuple(names)
