"""Taking part is voluntary: no field, form, text or protocol can say that somebody must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Base
from cism.web.app import create_app

ROOT = Path(__file__).parent.parent
SAYS_THAT_NOBODY_MUST = {"attendance_ordered"}  # a reason not to hold a meeting
MUST = re.compile(r"mandator|compulsor|obligat|must_attend|attendance|no_show|excused", re.IGNORECASE)
# "automatic, not mandatory" says that it is not so
_SAYS_NOT = re.compile(r"not mandatory|isn't mandatory|nobody must", re.IGNORECASE)


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _keys(value)


def test_no_table_has_a_field_for_who_must_come_or_who_came() -> None:
    names = [
        f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns
    ]
    assert [name for name in names if MUST.search(name)] == []


def test_the_api_knows_no_such_field(sqlite_url: str) -> None:
    app = create_app(Database(sqlite_url), Settings(), None)
    assert [key for key in _keys(app.openapi()) if MUST.search(key)] == []


@pytest.mark.parametrize("pattern", ["cism/web/templates/**/*.html", "notifications/templates/**/*.j2"])
def test_no_page_and_no_text_says_so(pattern: str) -> None:
    found = [path.name for path in ROOT.glob(pattern) if MUST.search(_SAYS_NOT.sub("", path.read_text()))]
    assert found == []
    assert list(ROOT.glob(pattern))


def test_no_protocol_says_so() -> None:
    files = [*ROOT.glob("cism/protocols/*.yaml"), *ROOT.glob("cism/domain/data/*.yaml")]
    assert files
    assert [
        (path.name, key)
        for path in files
        for key in _keys(yaml.safe_load(path.read_text(encoding="utf-8")))
        if MUST.search(key) and key not in SAYS_THAT_NOBODY_MUST
    ] == []


@pytest.mark.parametrize("name", ["group_session.mandatory", "invitation.attendance", "step.compulsory"])
def test_such_a_field_would_be_found(name: str) -> None:
    assert MUST.search(name)
