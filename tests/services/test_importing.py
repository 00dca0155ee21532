"""Files of real incidents become history, once, and nobody is ever texted about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cism.data import sample
from cism.domain.incident import IncidentState
from cism.domain.incident_files import FORMATS
from cism.errors import BadInput
from cism.services import crew_list, engine, roster
from cism.services.importing import LineResult, Outcome, import_incidents, summary
from cism.store.db import Database, now
from cism.store.tables import Agency, Incident, Outbox, Step
from tests.conftest import START, FakeClock

LODD = sample("real_incidents_lodd.csv")
CALLS = (
    "time,service,call_type,township,lat,lng\n2026-03-01T08:00:00,EMS,FALL VICTIM,UPPER MERION,40.1,-75.3\n"
)
SHOOTINGS = ",".join(FORMATS["fatal_police_shootings"].columns)


def bring_in(db: Database, text: str, **options: Any) -> list[LineResult]:
    """Import in a transaction of its own."""
    with db.transaction() as session:
        return import_incidents(session, text, now=now(session), **options)


def outcomes(results: list[LineResult]) -> list[str]:
    """What became of each row."""
    return [result.outcome.value for result in results]


def incidents(db: Database) -> list[Incident]:
    """Every incident."""
    with db.read() as session:
        rows = list(session.scalars(select(Incident)))
        session.expunge_all()  # what was read stays readable when the transaction is over
        return rows


def test_a_file_becomes_history_of_a_catch_all_agency(db: Database) -> None:
    results = bring_in(db, LODD)
    assert summary(results) == f"{len(results)} rows: {len(results)} imported, 0 not critical, 0 refused"
    rows = incidents(db)
    assert {row.state for row in rows} == {IncidentState.HISTORY}
    assert {row.agency for row in rows} == {"imported"}
    assert {row.ref for row in rows} == {result.ref for result in results}
    assert all(row.source_agency and row.occurred_on for row in rows)


def test_history_makes_no_step_and_no_text_even_when_everything_due_is_performed(
    db: Database, clock: FakeClock
) -> None:
    bring_in(db, LODD)
    clock.advance(days=400)
    with db.transaction() as session:
        engine.run_due(session)
        assert session.scalar(select(func.count()).select_from(Step)) == 0
        assert session.scalar(select(func.count()).select_from(Outbox)) == 0


def test_reading_a_file_twice_adds_nothing(db: Database) -> None:
    first = bring_in(db, LODD)
    again = bring_in(db, LODD)
    assert len(incidents(db)) == len(first)
    assert set(outcomes(again)) == {"refused"}
    assert again[0].reason == f"imported already as {first[0].ref}"
    assert summary(again).startswith(f"{len(first)} rows: 0 imported, ")


def test_an_unknown_time_stays_unknown_and_the_day_is_kept(db: Database) -> None:
    bring_in(db, LODD)
    for row in incidents(db):
        assert row.occurred_at is None
        assert row.occurred_on is not None
        assert row.occurred_on.year == 2009


def test_ordinary_calls_are_passed_over_with_the_reason(db: Database) -> None:
    results = bring_in(db, CALLS)
    assert summary(results) == "1 rows: 0 imported, 1 not critical, 0 refused"
    assert results[0].reason == "ordinary dispatch call (FALL VICTIM)"
    assert incidents(db) == []


def test_thousands_of_rows_come_in_within_seconds_and_progress_is_told(db: Database) -> None:
    columns = FORMATS["fatal_police_shootings"].columns
    text = _shootings(*(_shooting(columns, str(number), date(2025, 6, 1)) for number in range(3000)))
    told: list[tuple[int, int]] = []
    results = bring_in(db, text, progress=lambda done, total: told.append((done, total)))
    assert outcomes(results) == ["imported"] * 3000
    assert told[-1] == (3000, 3000)
    assert len(told) == 6


def test_a_given_agency_keeps_its_history(db: Database) -> None:
    _agency(db)
    bring_in(db, LODD, agency="metro-pd")
    assert {row.agency for row in incidents(db)} == {"metro-pd"}


def test_an_unknown_agency_is_refused_and_nothing_is_saved(db: Database) -> None:
    _agency(db)
    with pytest.raises(BadInput, match="there is no agency 'metro'; known: "):
        bring_in(db, LODD, agency="metro")
    assert incidents(db) == []


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "The file is empty"),
        ("a,b\n1,2\n", {}, "This is no known file of incidents. The nearest format is "),
        (LODD, {"format_name": "lod"}, "'lod' is not a format"),
        (CALLS, {"format_name": "school_shootings"}, "The file lacks the columns "),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(
    db: Database, text: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        bring_in(db, text, **options)
    with db.read() as session:
        assert session.scalars(select(Agency)).all() == []


# Responding to what a file tells.


def test_responding_opens_a_response_for_what_has_just_happened(db: Database) -> None:
    _agency(db)
    results = bring_in(db, _fresh_file(START.date()), respond=True, agency="metro-pd")
    assert outcomes(results) == ["imported"]
    [row] = incidents(db)
    assert (row.state, row.agency) == (IncidentState.OPEN, "metro-pd")
    assert row.occurred_on == START.date()
    assert row.source_agency
    with db.read() as session:
        begun = session.scalar(select(func.count()).where(Step.incident_id == row.id))
        assert begun == 2
        assert crew_list.unknown(session) == [(row.ref, "metro-pd")], "no row names who was there"


def test_responding_twice_opens_one_response(db: Database) -> None:
    _agency(db)
    text = _fresh_file(START.date())
    bring_in(db, text, respond=True, agency="metro-pd")
    again = bring_in(db, text, respond=True, agency="metro-pd")
    assert outcomes(again) == ["refused"]
    assert len(incidents(db)) == 1


def test_responding_refuses_what_is_more_than_three_days_old(db: Database) -> None:
    _agency(db)
    results = bring_in(db, LODD, respond=True, agency="metro-pd")
    assert set(outcomes(results)) == {"refused"}
    assert results[0].reason == "more than 72 h old: import it as history, or log it by hand"
    assert incidents(db) == []


@pytest.mark.parametrize(("hours", "expected"), [(71, "imported"), (73, "refused")])
def test_three_days_are_counted_from_the_end_of_a_day_without_a_time(
    db: Database, clock: FakeClock, hours: int, expected: str
) -> None:
    _agency(db)
    text = _fresh_file(date(2026, 3, 1))
    midnight_in_denver = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
    clock.set(midnight_in_denver + timedelta(hours=hours))
    assert outcomes(bring_in(db, text, respond=True, agency="metro-pd")) == [expected]


def test_without_a_given_agency_each_row_says_why_nobody_responds(db: Database) -> None:
    _agency(db)
    old = bring_in(db, LODD, respond=True)
    assert {row.reason for row in old} == {"more than 72 h old: import it as history, or log it by hand"}
    [fresh] = bring_in(db, _fresh_file(START.date()), respond=True)
    assert (fresh.outcome, fresh.ref) == (Outcome.REFUSED, None)
    assert fresh.reason == "which agency responds is not told by the row: give --agency KEY"
    assert incidents(db) == []


def test_the_agency_that_a_row_names_responds(db: Database) -> None:
    _agency(db)
    day = START.date()
    header = "date,agency,state,cause,officers_killed,canines_killed"
    text = f"{header}\n{day},Metro PD,CO,Gunfire,1,0\n{day},Elsewhere,CO,Gunfire,1,0\n"
    assert outcomes(bring_in(db, text, respond=True)) == ["imported", "refused"]
    assert [row.agency for row in incidents(db)] == ["metro-pd"]


def test_the_only_agency_with_people_responds(db: Database) -> None:
    with db.transaction() as session:
        rows = sample("sample_roster.csv").splitlines(keepends=True)
        lonely = next(row for row in rows if row.startswith("P106,")).replace("P104", "")
        roster.import_file(session, rows[0] + lonely, now(session))
    assert outcomes(bring_in(db, _fresh_file(START.date()), respond=True)) == ["imported"]
    assert [row.agency for row in incidents(db)] == ["metro-pd"]


def test_a_row_of_the_future_is_refused(db: Database) -> None:
    results = bring_in(db, _fresh_file(START.date() + timedelta(days=3)))
    assert outcomes(results) == [Outcome.REFUSED.value]
    assert incidents(db) == []


def _agency(db: Database) -> None:
    with db.transaction() as session:
        roster.import_file(session, sample("sample_roster.csv"), now(session))


def _fresh_file(day: date) -> str:
    columns = FORMATS["fatal_police_shootings"].columns
    return _shootings(_shooting(columns, "1", day))


def _shootings(*rows: str) -> str:
    return "\n".join([SHOOTINGS, *rows]) + "\n"


def _shooting(columns: tuple[str, ...], number: str, day: date) -> str:
    known = {
        "id": number,
        "date": day.isoformat(),
        "city": "Denver",
        "state": "CO",
        "manner_of_death": "shot",
    }
    return ",".join(known.get(column, "") for column in columns)
