"""What the people of a roster must be to each other, and what a coordinator should know about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from cism.domain.people import PersonStatus, Role
from cism.domain.quiet_hours import open_hours_per_day
from cism.domain.roster_cells import PEER_CERTS
from cism.domain.roster_rows import RosterRow

_PAGED = frozenset({Role.PEER, Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR})
_SEES_THE_LIST = frozenset({Role.CLINICAL_DIRECTOR, Role.COORDINATOR})
_LEAST_OPEN_HOURS = 2
_IN_SERVICE = frozenset({PersonStatus.ACTIVE, PersonStatus.LEAVE})


class Problem(NamedTuple):
    """An error and the line it stands on."""

    line: int
    text: str


def check_rows(rows: Sequence[RosterRow], keys: Collection[str], *, complete: bool) -> list[Problem]:
    """Everything wrong between the rows; `keys` are all people who may be referred to.

    With `complete` false some lines could not be read: who is missing then may stand on one of them, so
    unknown references are not reported until those lines are repaired.
    """
    problems = [*_same_id(rows), *_same_phone(rows), *_too_little_open(rows), *_own_self(rows)]
    problems += _cycles(rows)
    if complete:
        problems += _unknown(rows, keys)
    return problems


def _same_id(rows: Sequence[RosterRow]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for row in rows:
        if row.id and row.agency and first.setdefault(row.key, row.line) != row.line:
            yield Problem(
                row.line, f"id: the same as on line {first[row.key]} in {row.agency}; keep one of the two"
            )


def _same_phone(rows: Sequence[RosterRow]) -> Iterator[Problem]:
    # A reply comes from a number: with two people on it nobody could tell whose reply it is. Somebody on
    # leave comes back to the same number and counts as well.
    first: dict[str, int] = {}
    for row in rows:
        if row.phone and row.status in _IN_SERVICE and first.setdefault(row.phone, row.line) != row.line:
            yield Problem(
                row.line,
                f"phone: the same phone as on line {first[row.phone]}; replies could not be told apart, "
                "give each active person an own number",
            )


def _too_little_open(rows: Sequence[RosterRow]) -> Iterator[Problem]:
    for row in rows:
        hours = open_hours_per_day(row.sleep)
        if hours < _LEAST_OPEN_HOURS:
            yield Problem(
                row.line,
                f"sleep_start: the sleep window leaves {round(hours * 60)} minutes a day between "
                "08:00 and 21:00; leave at least two hours",
            )


def _own_self(rows: Sequence[RosterRow]) -> Iterator[Problem]:
    for row in rows:
        if row.key in row.not_with:
            yield Problem(row.line, "not_with: names the person themselves; remove it")


def _unknown(rows: Sequence[RosterRow], keys: Collection[str]) -> Iterator[Problem]:
    advice = "correct it, or write agency:id for somebody of another agency"
    for row in rows:
        if row.reports_to is not None and row.reports_to not in keys:
            yield Problem(row.line, f"reports_to: nobody on the roster has this id; {advice}")
        if any(key not in keys for key in row.not_with):
            yield Problem(row.line, f"not_with: nobody on the roster has one of these ids; {advice}")


def _cycles(rows: Sequence[RosterRow]) -> Iterator[Problem]:
    """Each circle of command once, on its first line."""
    by_key = {row.key: row for row in rows}
    settled: set[str] = set()
    for row in rows:
        path: list[str] = []
        key: str | None = row.key
        while key in by_key and key not in settled and key not in path:
            path.append(key)
            key = by_key[key].reports_to
        if key in path:
            yield _circle([by_key[member].line for member in path[path.index(key) :]])
        settled.update(path)


def _circle(lines: list[int]) -> Problem:
    if len(lines) == 1:
        return Problem(lines[0], "reports_to: names the person themselves; name a superior or leave it empty")
    others = ", ".join(str(line) for line in sorted(lines))
    return Problem(min(lines), f"reports_to: lines {others} report to each other in a circle; break it")


def warnings_for(rows: Sequence[RosterRow], today: date) -> Iterator[str]:
    """What is allowed and still worth a look, agencies first."""
    for agency in sorted({row.agency for row in rows}):
        yield from _agency_warnings(agency, [row for row in rows if row.agency == agency], today)
    for row in rows:
        if row.status is PersonStatus.ACTIVE:
            yield from _person_warnings(row, today)


def _agency_warnings(agency: str, rows: Sequence[RosterRow], today: date) -> Iterator[str]:
    reachable = [row for row in rows if row.status is PersonStatus.ACTIVE and row.consent_pages]
    missing = []
    if not any(Role.COORDINATOR in row.roles for row in reachable):
        missing.append("coordinator")
    if not any(_clinical(row) and _holds(row, frozenset({"LICENSE"}), today) for row in reachable):
        missing.append("licensed clinician")
    if missing:
        yield f"agency {agency} has no reachable {neither(missing)} in this file: it sends no check-in"


def neither(missing: Sequence[str]) -> str:
    """One or two parts of a team that nobody reachable has, after "no reachable"."""
    first, *other = missing
    return f"{first} and no reachable {other[0]}" if other else first


def _clinical(row: RosterRow) -> bool:
    return bool(row.roles & {Role.CLINICIAN, Role.CLINICAL_DIRECTOR})


def _holds(row: RosterRow, names: frozenset[str], today: date) -> bool:
    return any(cert.name in names and cert.expires >= today for cert in row.certs)


def _person_warnings(row: RosterRow, today: date) -> Iterator[str]:
    if Role.PEER in row.roles:
        if not _holds(row, PEER_CERTS, today):
            known = " ".join(sorted(PEER_CERTS))
            yield f"line {row.line}: a peer without an unexpired certificate ({known}) is not asked"
        if row.designated_at is None:
            yield f"line {row.line}: a peer without designated_at is not asked"
    if Role.CLINICIAN in row.roles and not _holds(row, frozenset({"LICENSE"}), today):
        yield f"line {row.line}: a clinician without an unexpired LICENSE is not asked"
    if Role.SUPERVISOR in row.roles and row.roles & _SEES_THE_LIST:
        yield f"line {row.line}: a supervisor who sees who is looked after; give one of the parts to another"
    if not row.consent_pages and row.roles & _PAGED:
        yield f"line {row.line}: has a part in the team but no consent_pages and is never paged"
