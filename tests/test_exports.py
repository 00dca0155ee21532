"""What leaves as a table, and templates that are data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from notifications import render

ROOT = Path(__file__).parent.parent
# In memory alone, read back at once by the importer: a rehearsed department, the first coordinator, and an
# example of invented people, which stands in the import's own form and holds nothing that anybody wrote.
WRITES_CSV = {
    "cism/services/first_run.py",
    "cism/services/replay_ground.py",
    "cism/services/roster_example.py",
}


def _writes_csv(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        named = isinstance(node, ast.Attribute) and node.attr in {"DictWriter", "writer"}
        if named and isinstance(node.value, ast.Name) and node.value.id == "csv":
            return True
    return False


def test_nothing_that_a_spreadsheet_would_open_leaves_the_product() -> None:
    """A cell that begins with = + - or @ is run by a spreadsheet. Exports are JSON; a first one as CSV would
    have to escape such cells, and stand here.
    """
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("cism", "flows", "notifications", "cism_watchdog")
        for path in (ROOT / folder).rglob("*.py")
        if _writes_csv(path)
    }
    assert found == WRITES_CSV


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ agency.__class__ }}",
        "{% set x = agency.append('a') %}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_a_template_of_somebodys_own_language_reaches_nothing_of_the_program(template: str) -> None:
    with pytest.raises(SecurityError):
        render.ENVIRONMENT.from_string(template).render(agency=["x"])
