"""The samples that come along, and the six whole files where they are at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cism.data import sample
from cism.domain.incident_files import FORMATS, Imported, PassedOver, Refused, RowResult, read_incidents
from cism.domain.incident_types import INCIDENT_TYPES

REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(("name", "least"), [("real_incidents_lodd.csv", 15), ("real_incidents_ois.csv", 15)])
def test_the_samples_that_come_along_are_read_without_a_refusal(name: str, least: int) -> None:
    found = list(read_incidents(sample(name)))
    assert least <= len(found) <= 25
    types = {result.report.type if isinstance(result, Imported) else "none" for result in found}
    assert types <= set(INCIDENT_TYPES)


def test_the_samples_are_attributed_as_their_source_asks() -> None:
    text = sample("ATTRIBUTION.md")
    for asked in ("FiveThirtyEight / Officer Down Memorial Page, CC BY 4.0, names removed and rows grouped",
                  "https://creativecommons.org/licenses/by/4.0/"):  # fmt: skip
        assert asked in text


# The six extracts are not part of this repository; their own notes ask tests to skip where they are absent.
@pytest.mark.skipif(not REAL.is_dir(), reason="the extracts of real incidents are not on this machine")
class TestTheSixRealFiles:
    @pytest.mark.parametrize(
        ("name", "imported", "passed", "refused"),
        [
            ("police_line_of_duty_deaths", 2480, 0, 0),
            ("police_killings_2015", 287, 0, 1),
            ("fatal_police_shootings", 2722, 0, 0),
            ("toronto_firefighter_casualties", 109, 0, 0),
            ("school_shootings", 205, 0, 0),
            ("cad_911_calls", 0, 1626, 0),
        ],
    )
    def test_every_row_gets_one_result(self, name: str, imported: int, passed: int, refused: int) -> None:
        found = read_real(name)
        kinds = Counter(type(result) for result in found)
        assert (kinds[Imported], kinds[PassedOver], kinds[Refused]) == (imported, passed, refused)
        reports = [result.report for result in found if isinstance(result, Imported)]
        assert len({report.source_key for report in reports}) == len(reports)
        assert {report.type for report in reports} <= set(INCIDENT_TYPES)

    def test_every_format_has_its_file(self) -> None:
        assert {path.stem for path in REAL.glob("*.csv")} == set(FORMATS)

    def test_a_school_zone_is_known_for_every_row_and_eleven_times_are_not(self) -> None:
        found = [r.report for r in read_real("school_shootings") if isinstance(r, Imported)]
        assert all(item.zone for item in found)
        assert sum(item.occurred_at is None for item in found) == 11

    def test_about_160_events_stand_in_both_files_of_killings(self) -> None:
        keys = [
            {r.report.event_key for r in read_real(name) if isinstance(r, Imported)}
            for name in ("fatal_police_shootings", "police_killings_2015")
        ]
        assert len(keys[0] & keys[1]) == 160

    def test_the_samples_are_rows_of_the_real_files(self) -> None:
        for name, source in (("lodd", "police_line_of_duty_deaths"), ("ois", "police_killings_2015")):
            real = (REAL / f"{source}.csv").read_text(encoding="utf-8").splitlines()
            copied = sample(f"real_incidents_{name}.csv").splitlines()
            assert copied[0] == real[0]
            assert set(copied) <= set(real)


def read_real(name: str) -> list[RowResult]:
    return list(read_incidents((REAL / f"{name}.csv").read_text(encoding="utf-8")))
