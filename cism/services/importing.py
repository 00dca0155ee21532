"""Bringing in files of real incidents: as history, which texts nobody, or to respond to what is fresh."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.incident_files import Imported, IncidentReport, PassedOver, RowResult, read_incidents
from cism.domain.protocol import DEFAULT_PROTOCOL, protocol_or_default, to_json
from cism.errors import BadInput, CismError
from cism.services import crew_list, intake, roster
from cism.store.db import real_now
from cism.store.tables import Agency, Incident, Person, new_id

CATCH_ALL = "imported"  # the agency of history that nobody gave one
TOO_OLD = timedelta(hours=72)  # contract.md: later than this no response is opened from a file
_TODAY_SOMEWHERE = timedelta(hours=14)  # the zone that is farthest ahead of UTC
_LETTERS = "ABCDEFGHJKMNPQRTUVWXY23456789"
_CHUNK = 500
_PLACE, _SOURCE = 40, 200  # as wide as the columns of the table


class Outcome(StrEnum):
    """What became of one row."""

    IMPORTED = "imported"
    NOT_CRITICAL = "not critical"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LineResult:
    """One row of the file: its line, what became of it and why, and the incident's reference."""

    line: int
    outcome: Outcome
    reason: str = ""
    ref: str | None = None


Progress = Callable[[int, int], None]


def import_incidents(
    session: Session,
    text: str,
    *,
    format_name: str | None = None,
    respond: bool = False,
    agency: str | None = None,
    now: datetime,
    progress: Progress | None = None,
) -> list[LineResult]:
    """Read a whole file; each row becomes an incident once, however often the file is read.

    History belongs to `agency`, or to a catch-all one; with `respond` a response is opened for the agency, or
    else for the one that the row names, or the only one that has people. Raises BadInput where the file or
    the agency cannot be used; nothing is saved then.
    """
    rows = list(read_incidents(text, format=format_name, today=(now + _TODAY_SOMEWHERE).date()))
    if agency is not None and agency != CATCH_ALL:
        roster.refuse_unknown_agency(session, agency)
    responders = _Responders(session, agency) if respond else None
    owner = _owner(session, agency) if not respond else None
    known = _known(session)
    results: list[LineResult] = []
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        if responders is not None:
            results += [_respond(session, row, responders, known, now) for row in chunk]
        elif owner is not None:
            results += _history(session, chunk, owner, known, now)
        if progress is not None:
            progress(len(results), len(rows))
    return results


def respond_to(session: Session, row: RowResult, agency: str, now: datetime) -> LineResult:
    """Open the response to one row of a file, for this agency, as `respond` does for each."""
    return _respond(session, row, _Responders(session, agency), {}, now)


def summary(results: Collection[LineResult]) -> str:
    """The last line of a report."""
    count = Counter(result.outcome for result in results)
    parts = ", ".join(f"{count[outcome]} {outcome.value}" for outcome in Outcome)
    return f"{len(results)} rows: {parts}"


class _Responders:
    """Who responds to a row: the agency that was given, that the row names, or the only one with people."""

    def __init__(self, session: Session, given: str | None) -> None:
        self._given = given
        served = session.scalars(select(Agency).where(Agency.key.in_(select(Person.agency)))).all()
        self._by_name = {name.casefold(): row.key for row in served for name in (row.key, row.display)}
        self._only = served[0].key if len(served) == 1 else None

    def to(self, report: IncidentReport) -> str:
        """Its key; BadInput where the row leaves it open."""
        found = self._given or self._by_name.get(report.source_agency.casefold()) or self._only
        if found is None:
            message = "which agency responds is not told by the row: give --agency KEY"
            raise BadInput(message)
        return found


def _owner(session: Session, key: str | None) -> Agency:
    if key is not None and key != CATCH_ALL:
        return session.get_one(Agency, key)
    found = session.get(Agency, CATCH_ALL)
    if found is None:
        found = Agency(key=CATCH_ALL, display="Imported history", protocol=DEFAULT_PROTOCOL)
        session.add(found)
        session.flush()
    return found


def _known(session: Session) -> dict[str, str]:
    """References of what was imported before, by the identity of its row."""
    rows = session.execute(select(Incident.source_key, Incident.ref).where(Incident.source_key.is_not(None)))
    return {key: ref for key, ref in rows if key}


def _history(
    session: Session, chunk: Sequence[RowResult], owner: Agency, known: dict[str, str], now: datetime
) -> list[LineResult]:
    """Rows in one statement; no step is made, and so nobody is ever texted."""
    results: list[LineResult] = []
    fresh: list[dict[str, object]] = []
    taken = set(session.scalars(select(Incident.ref).where(Incident.state == IncidentState.HISTORY)))
    body, real = to_json(protocol_or_default(owner.protocol)), real_now(session)
    for row in chunk:
        report = _to_import(row, known)
        if isinstance(report, LineResult):
            results.append(report)
            continue
        ref = _new_ref(taken)
        taken.add(ref)
        known[report.source_key] = ref
        fresh.append(
            _values(report)
            | {"ref": ref, "agency": owner.key, "protocol": owner.protocol, "protocol_body": body}
            | {"logged_at": now, "logged_real": real}
        )
        results.append(LineResult(row.line, Outcome.IMPORTED, report.note, ref))
    if fresh:
        session.execute(insert(Incident), fresh)
    return results


def _to_import(row: RowResult, known: dict[str, str]) -> IncidentReport | LineResult:
    if isinstance(row, PassedOver):
        return LineResult(row.line, Outcome.NOT_CRITICAL, row.reason)
    if not isinstance(row, Imported):
        return LineResult(row.line, Outcome.REFUSED, row.reason)
    ref = known.get(row.source_key)
    if ref is not None:
        return LineResult(row.line, Outcome.REFUSED, f"imported already as {ref}", ref)
    return row.report


def _values(report: IncidentReport) -> dict[str, object]:
    return {
        "id": new_id(),
        "type": report.type,
        "severity": report.severity,
        "occurred_at": report.occurred_at,
        "occurred_on": report.date,
        "ended_at": report.ended_at,
        "place_code": (report.place_code or "")[:_PLACE] or None,
        "kin_notified": False,
        "statements_complete": False,
        "state": IncidentState.HISTORY,
        "source_key": report.source_key,
        "source_agency": report.source_agency[:_SOURCE],
    }


def _respond(
    session: Session, row: RowResult, responders: _Responders, known: dict[str, str], now: datetime
) -> LineResult:
    report = _to_import(row, known)
    if isinstance(report, LineResult):
        return report
    if now - _latest(report) > TOO_OLD:
        reason = "more than 72 h old: import it as history, or log it by hand"
        return LineResult(row.line, Outcome.REFUSED, reason)
    try:
        with session.begin_nested():
            incident = intake.log(
                session,
                intake.IncidentInput(
                    type=report.type,
                    agency=responders.to(report),
                    severity=report.severity,
                    occurred_at=report.occurred_at,
                    ended_at=report.ended_at,
                    place_code=(report.place_code or "")[:_PLACE] or None,
                ),
            )
            incident.source_key = report.source_key
            incident.source_agency = report.source_agency[:_SOURCE]
            incident.occurred_on = report.date
            crew_list.expect(session, incident, now)  # a row names nobody who was there
    except CismError as error:
        return LineResult(row.line, Outcome.REFUSED, str(error))
    known[report.source_key] = incident.ref
    return LineResult(row.line, Outcome.IMPORTED, report.note, incident.ref)


def _latest(report: IncidentReport) -> datetime:
    """When it happened, at the latest: an unknown time of day is not guessed, the whole day counts."""
    if report.occurred_at is not None:
        return report.occurred_at
    midnight = datetime.combine(report.date + timedelta(days=1), time(), ZoneInfo(report.zone or "UTC"))
    return midnight.astimezone(UTC)


def _new_ref(taken: Collection[str]) -> str:
    """Like an incident's, with H for history: nobody responds to these."""
    while True:
        ref = "H-" + "".join(secrets.choice(_LETTERS) for _ in range(5))
        if ref not in taken:
            return ref


def not_imported(results: Iterable[LineResult]) -> list[LineResult]:
    """Rows of which a reader wants to know the reason."""
    return [result for result in results if result.outcome is not Outcome.IMPORTED]
