"""A promise can be broken on purpose, and only where nobody is hurt by it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cism.errors import ConfigurationError
from cism.services import sabotage
from cism.settings import BREAKABLE, Settings, load
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import Step

AT = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
NEW_YORK = "America/New_York"


class _Row:
    kind, id = "check_in", f"{5:020x}"


@pytest.mark.parametrize("promise", BREAKABLE)
def test_with_the_real_clock_or_a_real_provider_it_refuses_to_start(
    promise: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CISM_BREAK_PROMISE", promise)
    with pytest.raises(ConfigurationError, match="CISM_BREAK_PROMISE spoils the product on purpose"):
        load()
    monkeypatch.setenv("CISM_CLOCK", "movable")
    assert load().break_promise == promise
    monkeypatch.setenv("CISM_TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("CISM_TWILIO_AUTH_TOKEN", "2" * 32)
    monkeypatch.setenv("CISM_TWILIO_FROM", "+12125550100")
    monkeypatch.setenv("CISM_TWILIO_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="the phone wall alone"):
        load()


def test_an_unknown_promise_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="lost, double, early, quiet, unacked"):
        Settings(_env_file=None, clock="movable", break_promise="late")  # type: ignore[call-arg]


def test_without_it_every_hook_leaves_things_as_they_are(movable_db: Database) -> None:
    with movable_db.transaction() as session:
        assert str(sabotage.has_come(session, AT)) == str(Step.due_at <= AT)
        assert sabotage.due(session, AT, NEW_YORK) == AT
        assert sabotage.spoils(session, _Row(), None) is None
        assert sabotage.spoils(session, _Row(), {"not_before": AT}) == {"not_before": AT}
        assert not sabotage.ends_ladder(session)


def test_a_database_on_the_real_clock_breaks_nothing_whatever_it_was_told(db: Database) -> None:
    db.break_promise = "unacked"
    with db.transaction() as session:
        assert not sabotage.ends_ladder(session)


def test_each_break_breaks_its_own_promise(movable_db: Database) -> None:
    with movable_db.transaction() as session:
        movable_db.break_promise = "lost"
        assert sabotage.spoils(session, _Row(), None) == {"state": OutboxState.DELIVERED}
        movable_db.break_promise = "early"
        assert str(sabotage.has_come(session, AT)) != str(Step.due_at <= AT)
        movable_db.break_promise = "quiet"
        assert sabotage.due(session, AT, NEW_YORK).astimezone(ZoneInfo(NEW_YORK)).time() == time(3)
        assert sabotage.spoils(session, _Row(), {"not_before": AT}) is None
        movable_db.break_promise = "unacked"
        assert sabotage.ends_ladder(session)
