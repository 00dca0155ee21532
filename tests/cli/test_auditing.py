"""`cism audit`: whether the log is whole, and a head of it that is kept elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select

from cism.store.tables import Audit, Mark
from tests.cli.conftest import Cli
from tests.services.test_audit import untie


def test_an_altered_audit_row_is_found(cli: Cli) -> None:
    cli.roster()
    cli.ok("incidents")
    with cli.database() as session:
        untie(session)
        first = session.scalars(select(Audit).order_by(Audit.id)).first()
        assert first is not None
        first.allowed = False
        number = first.id
    assert cli.refused("audit", "verify").startswith(f"the audit log is broken at row {number}")


def test_a_head_is_kept_in_a_file_and_shows_that_the_log_was_put_back(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    with cli.database() as session:
        mark = session.get_one(Mark, "audit head").value
        rows = len(session.scalars(select(Audit.id)).all())
    cli.ok("incidents")
    kept = tmp_path / "elsewhere" / "head.json"
    kept.parent.mkdir()
    assert cli.ok("audit", "head", "--to", str(kept)) == f"{kept}: {rows + 1} rows\n"
    assert "never written over" in cli.refused("audit", "head", "--to", str(kept))
    assert json.loads(cli.ok("audit", "head"))["rows"] == rows + 1
    assert cli.ok("audit", "verify", "--head", str(kept)) == f"{rows + 1} rows, unbroken, as the head says\n"
    with cli.database() as session:
        untie(session)
        session.delete(session.scalars(select(Audit).order_by(Audit.id.desc())).first())
        session.get_one(Mark, "audit head").value = mark
    assert cli.ok("audit", "verify").endswith("rows, unbroken\n")
    assert "broken at row" in cli.refused("audit", "verify", "--head", str(kept))


def test_what_is_no_head_is_refused_with_what_to_do(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    (tmp_path / "empty").mkdir()
    assert "cism audit head" in cli.refused("audit", "verify", "--head", str(tmp_path / "empty"))
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert "no head" in cli.refused("audit", "verify", "--head", str(other))
    head = json.loads(cli.ok("audit", "head"))
    other.write_text(json.dumps({**head, "rows": 7}))
    assert "not made by this installation" in cli.refused("audit", "verify", "--head", str(other))
