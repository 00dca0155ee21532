"""F22: somebody who can write to the database alters, removes or moves rows of the audit log.

Judged by `cism audit verify`, as an auditor would: its exit status. What no look into one database can show,
a log and its mark put back as they were, is judged against a head that was kept elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sqlalchemy import Connection, text, update

from cism.services import audit
from cism.store.db import Database
from cism.store.tables import Audit
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground

_Spoil = Callable[[Connection, int, random.Random], None]


def _altered(column: str, value: str) -> _Spoil:
    def spoil(run: Connection, row: int, _draw: random.Random) -> None:
        run.execute(update(Audit).where(Audit.id == row).values({column: value}))

    return spoil


def _later(run: Connection, row: int, _draw: random.Random) -> None:
    at = run.execute(text("SELECT at FROM audit WHERE id = :row - 1"), {"row": row}).scalar_one()
    run.execute(text("UPDATE audit SET at = :at WHERE id = :row"), {"at": at, "row": row})


def _forgiven(run: Connection, row: int, _draw: random.Random) -> None:
    run.execute(text("UPDATE audit SET allowed = NOT allowed WHERE id = :row"), {"row": row})


def _removed(run: Connection, row: int, _draw: random.Random) -> None:
    run.execute(text("DELETE FROM audit WHERE id = :row"), {"row": row})


def _beheaded(run: Connection, row: int, _draw: random.Random) -> None:
    run.execute(text("DELETE FROM audit WHERE id < :row"), {"row": row})


def _tail_cut(run: Connection, row: int, _draw: random.Random) -> None:
    run.execute(text("DELETE FROM audit WHERE id >= :row"), {"row": row})


def _swapped(run: Connection, row: int, _draw: random.Random) -> None:
    for old, new in ((row, -1), (row - 1, row), (-1, row - 1)):
        run.execute(text("UPDATE audit SET id = :new WHERE id = :old"), {"new": new, "old": old})


def _repeated(run: Connection, row: int, _draw: random.Random) -> None:
    last = run.execute(text("SELECT max(id) FROM audit")).scalar_one()
    copied = "INSERT INTO audit (id, at, actor, act, object_id, allowed, mac)"
    copied += " SELECT :new, at, actor, act, object_id, allowed, mac FROM audit WHERE id = :row"
    run.execute(text(copied), {"new": last + 1, "row": row})


def _forged(run: Connection, row: int, draw: random.Random) -> None:
    run.execute(
        text("UPDATE audit SET act = 'nothing', mac = :mac WHERE id = :row"),
        {"mac": f"{draw.getrandbits(256):064x}", "row": row},
    )


SPOILS: dict[str, _Spoil] = {
    "actor altered": _altered("actor", "token:other"),
    "act altered": _altered("act", "nothing"),
    "object altered": _altered("object_id", "C-OTHER"),
    "time altered": _later,
    "refusal turned into consent": _forgiven,
    "row removed": _removed,
    "beginning removed": _beheaded,
    "tail cut": _tail_cut,
    "rows swapped": _swapped,
    "row repeated": _repeated,
    "row forged": _forged,
}


def tampered(seed: int, ground: Ground) -> Outcome:
    """A log of some length, spoilt in one way; every way has its turn."""
    draw = random.Random(seed)
    names = list(SPOILS)
    name = names[seed % len(names)]
    url = ground.empty("postgresql" if seed % 3 == 2 else "sqlite")
    db = ground.open(url)
    rows = draw.randint(10, 120)
    for number in range(rows):
        _write(db, draw, number)
    before = ground.cli(url, "audit", "verify").returncode
    with db.engine.begin() as run:
        _untie(run)
        SPOILS[name](run, draw.randint(2, rows - 1), draw)
    told = ground.cli(url, "audit", "verify")
    broken = [] if before == 0 else ["a whole log was called broken"]
    if told.returncode != 1 or "broken at row" not in told.stderr:
        broken.append(f"{name}: not seen, exit {told.returncode}")
    return Outcome(injected=1, note=name, broken=tuple(broken))


def put_back(seed: int, ground: Ground) -> Outcome:
    """Log and mark as they were once, together: whole by itself, and found by the head that was kept."""
    draw = random.Random(seed)
    url = ground.empty("postgresql" if seed % 2 else "sqlite")
    db = ground.open(url)
    for number in range(20):
        _write(db, draw, number)
    with db.engine.begin() as run:
        mark = run.execute(text("SELECT value FROM mark WHERE name = 'audit head'")).scalar_one()
    for number in range(10):
        _write(db, draw, number)
    kept = ground.home / f"head-{seed}.json"
    made = ground.cli(url, "audit", "head", "--to", str(kept))
    whole = ground.cli(url, "audit", "verify", "--head", str(kept))
    with db.engine.begin() as run:
        _untie(run)
        run.execute(text("DELETE FROM audit WHERE id > 20"))
        run.execute(text("UPDATE mark SET value = :mark WHERE name = 'audit head'"), {"mark": mark})
    told = ground.cli(url, "audit", "verify", "--head", str(kept))
    broken = [] if made.returncode == whole.returncode == 0 else ["a whole log did not fit its own head"]
    if told.returncode != 1 or "broken at row" not in told.stderr:
        broken.append(f"log and mark put back together are not seen, exit {told.returncode}")
    return Outcome(injected=1, note="seen by the head" if not broken else "", broken=tuple(broken))


def _untie(run: Connection) -> None:
    """What somebody who owns the database does first: take away what refuses a change."""
    if run.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            run.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{verb}"))
        return
    run.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))


def _write(db: Database, draw: random.Random, number: int) -> None:
    with db.transaction() as session:
        audit.write(
            session,
            draw.choice(("owner", "token:1", f"person:{draw.getrandbits(40):x}")),
            draw.choice(("look", "change", "cli clock set", "sign in")),
            draw.choice((None, f"C-{number:05d}")),
            allowed=draw.random() < 0.8,
        )


CASES = (
    Case(
        "F22", "rows of the audit log altered, removed, moved, its tail cut", tampered, seeds=66, short=(7,)
    ),
    Case("F22-put-back", "audit log and its mark put back as they were", put_back, seeds=2),
)
