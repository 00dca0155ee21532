"""What tests share of SQLAlchemy's work must not make two open databases one."""

from __future__ import annotations

from pathlib import Path

from cism.store import person_keys
from cism.store.db import Database
from tests import compiled


def test_two_open_databases_stay_apart_and_a_later_one_takes_the_place_of_a_closed_one(
    tmp_path: Path,
) -> None:
    one, other = (Database(f"sqlite:///{tmp_path / name}") for name in ("one.db", "other.db"))
    assert one.engine.dialect != other.engine.dialect
    assert person_keys.attached(one.engine.dialect) is one.keys
    assert person_keys.attached(other.engine.dialect) is other.keys
    left = compiled.place(one.engine.dialect)
    one.close()
    later = Database(f"sqlite:///{tmp_path / 'later.db'}")
    assert compiled.place(later.engine.dialect) <= left
    assert person_keys.attached(later.engine.dialect) is later.keys
    assert person_keys.attached(other.engine.dialect) is other.keys
    for database in (other, later):
        database.close()
