"""What a programme did in a year, in figures that may leave the team.

Whole years only: what happened in one month, or of one kind on one day, names somebody. Neither retention nor
an erasure changes them: of what was forgotten the count stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cism.domain.access import reported
from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import IncidentState, Severity
from cism.domain.suppression import Shown, suppressed, together
from cism.errors import WindowClosed
from cism.services.retention_long import CLOSED
from cism.store.db import now
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Escalation, Incident
from cism.store.tables import Counter as Kept

BY_SEVERITY, BY_KIND = "incidents by severity", "incidents by kind"
PEOPLE: Final = "people"  # its cells are of different things: no total
ESCALATIONS: Final = "escalations by level"


@dataclass(frozen=True, slots=True)
class Year:
    """One agency and one year (UTC, by when it was logged or opened), as a report may show it."""

    agency: str
    year: int
    tables: Mapping[str, Shown]


def report(session: Session, agency: str, year: int | None = None) -> Year:
    """The last whole year, or an earlier one. Raises WindowClosed for one that is not over.

    What a running year's figures grew by since somebody looked last would tell what happened in between.
    """
    over = now(session).year - 1
    if year is not None and year > over:
        message = (
            f"a year is counted once it is over: what its figures grow by would tell of one day; {over} is"
        )
        raise WindowClosed(message)
    return of_year(session, agency, over if year is None else year)


def of_year(session: Session, agency: str, year: int) -> Year:
    """Count it; what only a few were is not shown, nor what would tell it."""
    real = (Incident.agency == agency, Incident.state != IncidentState.STOOD_DOWN)
    incidents = session.scalars(select(Incident).where(*real, *_in(Incident.logged_at, year))).all()
    severities = Counter({severity.value: 0 for severity in Severity})
    severities.update(row.severity.value for row in incidents)
    kinds = Counter(row.type for row in incidents)
    found = together({BY_SEVERITY: severities, BY_KIND: kinds}, reported)
    found[PEOPLE] = Shown(
        {name: reported(count) for name, count in _people(session, incidents).items()}, None
    )
    found[ESCALATIONS] = suppressed(_escalations(session, agency, year), reported)
    return Year(agency, year, found)


def _people(session: Session, incidents: Sequence[Incident]) -> Mapping[str, int]:
    """Each time that somebody was on a list, and that somebody helped; retention left the rest as counts."""
    ids = [row.id for row in incidents]
    listed = select(func.count()).where(AffectedPerson.incident_id.in_(ids))
    served = Assignment.state == AssignmentState.ACCEPTED
    helped = select(func.count()).where(Assignment.incident_id.in_(ids), served)
    return {
        "looked after": int(session.scalar(listed) or 0) + sum(row.past_affected for row in incidents),
        "helped": int(session.scalar(helped) or 0) + sum(row.past_team for row in incidents),
    }


def _in(column: InstrumentedAttribute[datetime], year: int) -> list[ColumnElement[bool]]:
    begins, ends = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return [column >= begins, column < ends]


def _escalations(session: Session, agency: str, year: int) -> Mapping[str, int]:
    """Those that are kept, and those of which retention left the count."""
    found = Counter({level.value: 0 for level in EscalationLevel})
    query = select(Escalation.level).where(Escalation.agency == agency, *_in(Escalation.opened_at, year))
    found.update(level.value for level in session.scalars(query))
    for level in EscalationLevel:
        kept = session.get(Kept, (CLOSED, f"{agency}:{level.value}:{year}"))
        found[level.value] += kept.value if kept else 0
    return found
