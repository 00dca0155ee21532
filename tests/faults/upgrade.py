"""F18: the tables are brought to a newer version while the older program runs, and back again."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cism.clock import RealClock, monotonic, wait
from cism.errors import OUTDATED
from cism.store import migrate
from tests.faults.campaign import ROOT, Case, Outcome, added
from tests.faults.ground import Ground
from tests.faults.kills import Site, judge_site, prepare
from tests.faults.load import log

_NOTICED: Final = 20.0  # seconds: the web part acts at least each 15, the conductor ten times a second
_RATE: Final = "15"  # messages a second, so that the change falls into the middle of them
_LATER: Final = '''"""The next version, as a trial: a column in a table full of rows, and a table."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "later", "{head}", None, None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("later_note", sa.String(20), nullable=False, server_default="none"))
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("later")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("later_note")
'''


def while_running(seed: int, ground: Ground) -> Outcome:
    """Old parts at work, the newer program migrates and takes over; then back to the old version."""
    chance = random.Random(f"upgrade {seed}")
    newer = _newer_program(ground.home)
    site = prepare(ground, "postgresql" if seed % 2 else "sqlite", callbacks=chance.random() < 0.5)
    site.begin()
    old = {"web": ground.web(site.db.url, site.wall.url)[1], "conductor": _conductor(site, "old")}
    wait(chance.uniform(0.0, 2.5))
    begun, changed = monotonic(), RealClock().now()
    _run(site, newer, "-m", "cism.cli.main", "db", "upgrade")
    took = monotonic() - begun
    new = _conductor(site, "new", newer)
    broken = [*_ended(site, old, since=monotonic())]
    ground.until(site.quiet, 120, "all has left", new)
    again = _conductor(site, "again", ready=False)
    ground.until(lambda: again.poll() is not None, 30, "an older program started anew ends")
    if again.returncode != OUTDATED:
        broken.append(f"an older program started on newer tables exited {again.returncode}")
    found = judge_site(site, changed, killed=True, note=f"migrated in {took:.1f} s")
    return added([found, _back(site, newer, new), Outcome(0, broken=tuple(broken))])


def _conductor(site: Site, name: str, program: Path = ROOT, *, ready: bool = True) -> subprocess.Popen[bytes]:
    env = {**site.env, "PYTHONPATH": str(program), "PYTHONSAFEPATH": "1", "CISM_SMS_RATE": _RATE}
    process = site.ground.start(name, "-m", "flows", **env)
    if ready:
        site.ground.until(lambda: "conductor.started" in site.ground.log(name), 60, name, process)
    return process


def _ended(site: Site, parts: dict[str, subprocess.Popen[bytes]], since: float) -> list[str]:
    """What the old parts did not do: end by themselves, in time, with the status that says why."""
    broken = []
    for name, process in parts.items():
        site.ground.until(lambda p=process: p.poll() is not None, 60, f"the old {name} ends")
        took = monotonic() - since
        if process.returncode != OUTDATED or took > _NOTICED:
            broken.append(f"the old {name} exited {process.returncode} after {took:.1f} s")
    said = site.ground.log("old") + "".join(p.read_text() for p in site.ground.home.glob("web-*.log"))
    if said.count("start the newer one") < len(parts):
        broken.append("an old part did not say why it ended")
    return broken


def _back(site: Site, newer: Path, process: subprocess.Popen[bytes]) -> Outcome:
    """Down again, with all rows: the old program works on."""
    process.terminate()
    process.wait(20)
    before = len(site.wall.texts())
    down = (
        "from cism.settings import load; from cism.store import migrate; from cism.store.db import Database"
    )
    down += f"; migrate.downgrade(Database.from_settings(load()), '{migrate.head()}')"
    _run(site, newer, "-c", down)
    old = _conductor(site, "old-again")
    log(site.db, "R1")
    site.ground.until(lambda: len(site.wall.texts()) >= before + 2, 30, "the old program pages", old)
    return Outcome(1)


def _newer_program(home: Path) -> Path:
    """The same program with one migration more."""
    folder = home / "newer"
    for package in ("cism", "flows", "notifications"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    versions = folder / "cism" / "store" / "migrations" / "versions"
    (versions / "9999_later.py").write_text(_LATER.replace("{head}", migrate.head()))
    return folder


def _run(site: Site, program: Path, *command: str) -> None:
    env = site.ground.environment(PYTHONPATH=str(program), PYTHONSAFEPATH="1", **site.env)
    done = subprocess.run(
        [sys.executable, *command], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, re.sub(r"\s+", " ", done.stderr)[-600:]


CASES = (Case("F18", "newer tables under a running program, and back", while_running, 12, at_once=2),)
