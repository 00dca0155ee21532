"""A row that cannot be is refused alone, and nothing makes a reader crash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.incident_files import (
    Imported,
    PassedOver,
    Refused,
    read_incidents,
)
from cism.errors import BadInput
from tests.domain.incident_rows import (
    CAD,
    KILLINGS,
    LODD,
    SCHOOLS,
    SHOOTINGS,
    TORONTO,
    fire,
    refusal,
    report,
    results,
    school,
)


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        (LODD, "2009-02-30,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "0001-01-01,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "29/11/2009,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,-1,0", "a negative number"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,one,0", "not a whole number"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,0,0", "nobody died"),
        (LODD, "2009-11-29,,WA,Gunfire,1,0", "agency is empty"),
        (LODD, "2009-11-29,Elm Police,Q9,Gunfire,1,0", "'Q9' is not a state"),
        (LODD, "2009-11-29,CataÃ±o Police,PR,Gunfire,1,0", "garbled"),
        (LODD, "2009-11-29,Elm\ufffd Police,PR,Gunfire,1,0", "garbled"),
        (LODD, f"2009-11-29,{'x' * 201},PR,Gunfire,1,0", "longer than 200"),
        (LODD, "2009-11-29,Elm, Police,PR,Gunfire,1,0", "7 cells, 6 columns"),
        (LODD, '2009-11-29,"Elm Police,PR,Gunfire,1,0', "a quote"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Magic,No,25.1,-80.3", "cause 'Magic' is not known"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Taser,No,95.1,-80.3", "not on earth"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Taser,No,north,-80.3", "are not numbers"),
        (SHOOTINGS, "3,2015-01-02,vanished,,Shelton,WA,True,attack,,False", "'vanished' is not known"),
        (SHOOTINGS, "x,2015-01-02,shot,,Shelton,WA,True,attack,,False", "id 'x' is not a whole number"),
        (SHOOTINGS, "3,2015-01-02,shot,,Shelton,ZZ,True,attack,,False", "is not a state"),
        (SCHOOLS, school(when="25:99"), "not a possible clock time"),
        (SCHOOLS, school(casualties="5"), "not the sum"),
        (SCHOOLS, school(state="Atlantis"), "is not a state"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-05-01T01:00:00"), "before what came before it"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-07-01T01:00:00"), "more than 31 days later"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-05-01T04:00:00", people="-4"), "a negative number"),
        (TORONTO, fire("2013-05-01 02:30", "2013-05-01T04:00:00"), "not a possible time"),
        (TORONTO, fire("9999-12-31T23:59:00", ""), "not a possible time"),
        (SCHOOLS, school(day="9999-12-31", when="8:15 PM"), "not a possible date"),
        (CAD, "2016-13-15T12:01,EMS,FALL VICTIM,NORRISTOWN,40.1,-75.3", "not a possible time"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_the_reason(header: str, row: str, says: str) -> None:
    assert says in refusal(header, row)


def test_a_bad_row_never_takes_its_neighbours_along() -> None:
    good = "2009-11-{},Elm Police,WA,Gunfire,1,0"
    found = results(LODD, good.format(27), '2009-11-28,"Elm', good.format(29), "", good.format(30))
    assert [(type(result), result.line) for result in found] == [
        (Imported, 2),
        (Refused, 3),
        (Imported, 4),
        (Imported, 6),
    ]


def test_with_the_day_given_a_row_from_the_future_is_refused() -> None:
    row = "2026-11-{},Elm Police,WA,Gunfire,1,0"
    found = results(LODD, row.format(25), row.format(26), today=date(2026, 11, 24))
    assert [type(result) for result in found] == [Imported, Refused]


def test_reading_twice_gives_the_same_keys_whatever_case_and_spacing() -> None:
    once = report(LODD, "2009-11-29,Elm Police,WA,Gunfire,1,0")
    again = report(LODD, '2009-11-29," ELM  police",WA,gunfire,1,0')
    assert once.source_key == again.source_key
    assert once.source_key != report(LODD, "2009-11-29,Oak Police,WA,Gunfire,1,0").source_key


@settings(max_examples=300)
@given(
    st.sampled_from([LODD, KILLINGS, SHOOTINGS, TORONTO, SCHOOLS, CAD]),
    st.lists(st.text(max_size=15) | st.sampled_from(["2015-01-01", "1", "-1", "WA", "8:15 AM"]), max_size=20),
)
def test_no_text_makes_a_reader_crash(header: str, cells: Sequence[str]) -> None:
    text = f"{header}\n{','.join(cells)}"
    for result in read_incidents(text, today=date(2026, 11, 24)):
        assert result.line > 1
        assert isinstance(result, Imported) or result.reason


@settings(max_examples=200)
@given(st.text())
def test_no_file_makes_the_reader_crash(text: str) -> None:
    try:
        list(read_incidents(text))
    except BadInput as refused:
        said = refused.errors
    else:
        said = ["it was a file"]
    assert said


def test_a_line_too_long_to_be_a_row_is_refused_alone() -> None:
    found = results(CAD, "x" * 200_000, "2016-01-15T12:01,EMS,FEVER,NORRISTOWN,40.1,-75.3")
    assert [type(result) for result in found] == [Refused, PassedOver]
