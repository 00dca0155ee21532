"""Parts whose program became older than their database end by themselves, and say why."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import text

from cism.cli.up import Part, Supervisor
from cism.errors import OUTDATED
from tests.faults.ground import Stock


def test_conductor_and_web_end_with_a_status_of_their_own_once_the_tables_are_newer(stock: Stock) -> None:
    with stock.ground("newer") as ground:
        url = ground.empty()
        db, wall = ground.open(url), ground.wall()
        parts = {
            "web": ground.web(url, wall.url)[1],
            "conductor": ground.start("conductor", "-m", "flows", **ground.env(url, wall)),
        }
        ground.until(lambda: "conductor.started" in ground.log("conductor"), 60, "the conductor")
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        for name, process in parts.items():
            ground.until(lambda p=process: p.poll() is not None, 30, f"{name} ends")  # type: ignore[misc]
            assert process.returncode == OUTDATED
        started_anew = ground.start("anew", "-m", "flows", **ground.env(url, wall))
        ground.until(lambda: started_anew.poll() is not None, 30, "it refuses to start")
        assert started_anew.returncode == OUTDATED
        assert "start the newer one" in ground.log("conductor")
        assert "made by a newer version" in ground.log("anew")


def test_all_parts_are_stopped_where_one_finds_its_program_too_old(tmp_path: Path) -> None:
    said: list[str] = []
    wanted = [
        Part("old", (sys.executable, "-c", f"raise SystemExit({OUTDATED})")),
        Part("other", (sys.executable, "-c", "import time; time.sleep(60)")),
    ]
    assert Supervisor(wanted, tmp_path, said.append).run() == OUTDATED
    assert said[-2:] == [
        "old ended: the database is of a newer version. Start the newer program.",
        "all stopped",
    ]
