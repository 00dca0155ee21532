"""One line of a roster file as a typed row, or what is wrong with its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from cism.domain import roster_cells as read
from cism.domain.people import Cert, Discipline, PersonStatus, Role, SleepWindow
from cism.domain.roster_cells import CellError

COLUMNS = (
    "id", "name", "phone", "email", "agency", "discipline", "unit", "station", "rank", "roles", "reports_to",
    "timezone", "sleep_start", "sleep_end", "language", "consent_pages", "consent_care", "designated_at",
    "certs", "not_with", "status",
)  # fmt: skip
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """One person as the file says. `reports_to` and `not_with` are keys `agency:id`; `phone` is E.164."""

    line: int
    id: str
    name: str
    phone: str
    email: str
    agency: str
    discipline: Discipline
    unit: str
    station: str
    rank: str
    roles: frozenset[Role]
    reports_to: str | None
    zone: str
    sleep: SleepWindow
    language: str
    consent_pages: bool
    consent_care: bool
    designated_at: date | None
    certs: tuple[Cert, ...]
    not_with: frozenset[str]
    status: PersonStatus

    @property
    def key(self) -> str:
        """`agency:id`, unique in an installation."""
        return f"{self.agency}:{self.id}"


def _maybe(reader: Callable[[str], _Value]) -> Callable[[str], _Value | None]:
    return lambda value: reader(value) if value else None


class CellReader:
    """Reads the cells of one line and keeps every error, so that a line tells all of them at once."""

    def __init__(self, line: int, cells: Mapping[str, str], region: str) -> None:
        self.line = line
        self.cells = cells
        self.region = region
        self.errors: list[str] = []

    def row(self) -> RosterRow:
        """The row; where `errors` is not empty it holds stand-ins and must not be used further."""
        agency = self._take("agency", read.agency, "")
        own = partial(read.reference, own_agency=agency)
        sleep_end = self.cells["sleep_end"]
        return RosterRow(
            line=self.line,
            id=self._take("id", read.person_id, ""),
            name=self._take("name", read.required, ""),
            phone=self._take("phone", lambda value: read.phone(value, self.region), ""),
            email=self._take("email", read.email, ""),
            agency=agency,
            discipline=self._take("discipline", read.discipline, Discipline.LAW_ENFORCEMENT),
            unit=self._take("unit", read.text, ""),
            station=self._take("station", read.text, ""),
            rank=self._take("rank", read.text, ""),
            roles=self._take("roles", read.roles, frozenset()),
            reports_to=self._take("reports_to", _maybe(own), None),
            zone=self._take("timezone", read.zone, "UTC"),
            sleep=self._take("sleep_start", lambda start: read.sleep(start, sleep_end), SleepWindow()),
            language=self._take("language", read.language, "en"),
            consent_pages=self._take("consent_pages", read.yes_no, False),
            consent_care=self._take("consent_care", read.yes_no, False),
            designated_at=self._take("designated_at", _maybe(read.day), None),
            certs=self._take("certs", read.certs, ()),
            not_with=self._take("not_with", lambda value: read.references(value, agency), frozenset()),
            status=self._take("status", read.status, PersonStatus.RETIRED),
        )

    def _take(self, column: str, reader: Callable[[str], _Value], fallback: _Value) -> _Value:
        try:
            return reader(self.cells[column])
        except CellError as error:
            self.errors.append(f"{column}: {error}")
            return fallback
