"""Police line-of-duty deaths (FiveThirtyEight, from the Officer Down Memorial Page).

`date` is the day of death and may be later than the event; there is no clock time. A row with deaths of
the agency's own people is a line-of-duty death, S4; where the cause lies long before the death (an
illness, a heart attack) it is S3: the loss is as great, the scene is not. A dog's death is a known
stressor: OTHER, S2 by violence, otherwise S1.
"""

from __future__ import annotations

from cism.domain.incident import Severity
from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format
from cism.domain.incident_files.report import IncidentReport, row_key
from cism.domain.incident_files.us_zones import known_state, zone_of
from cism.domain.people import Discipline

NAME = "police_line_of_duty_deaths"
LONG_PAST = frozenset({"heart attack", "duty related illness", "9/11 related illness"})
VIOLENT = frozenset(
    {"gunfire", "assault", "stabbed", "bomb", "terrorist attack", "vehicular assault", "explosion"}
)
# States that are none: federal agencies, tribal nations, railroads.
_NO_STATE = frozenset({"US", "TR", "RR"})
_DAY_OF_DEATH = "the date is the day of death, the event may be earlier"


def _read(row: Cells) -> IncidentReport:
    day = read.day("date", row["date"])
    agency = read.words("agency", row["agency"])
    state = known_state(row["state"], _NO_STATE)
    cause = read.words("cause", row["cause"])
    officers = read.count("officers_killed", row["officers_killed"])
    canines = read.count("canines_killed", row["canines_killed"])
    kind, severity = _weigh(cause.casefold(), officers, canines)
    return IncidentReport(
        source_key=row_key(NAME, day.isoformat(), agency, state, cause),
        type=kind,
        severity=severity,
        source_agency=agency,
        discipline=discipline_of(agency),
        date=day,
        zone=zone_of(state),
        place_code=None if state in _NO_STATE else state,
        note=_DAY_OF_DEATH,
    )


def _weigh(cause: str, officers: int, canines: int) -> tuple[str, Severity]:
    if officers:
        return "LODD", Severity.S3 if cause in LONG_PAST else Severity.S4
    if canines:
        return "OTHER", Severity.S2 if cause in VIOLENT else Severity.S1
    message = "officers_killed and canines_killed are both 0: nobody died"
    raise read.RowRefusedError(message)


def discipline_of(agency: str) -> Discipline:
    """A guess from the agency's name: corrections or law enforcement."""
    name = agency.casefold()
    if any(word in name for word in ("correction", "prison", "jail", "detention")):
        return Discipline.CORRECTIONS
    return Discipline.LAW_ENFORCEMENT


FORMAT = Format(
    name=NAME,
    title="police line-of-duty deaths",
    columns=("date", "agency", "state", "cause", "officers_killed", "canines_killed"),
    identity="date, agency, state, cause",
    read_row=_read,
)
