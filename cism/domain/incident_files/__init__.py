"""Files of real incidents in known formats: each row is imported, passed over or refused, with a reason."""

from cism.domain.incident_files.known_format import Format
from cism.domain.incident_files.registry import FORMATS, detect, format_named, read_incidents
from cism.domain.incident_files.report import Imported, IncidentReport, PassedOver, Refused, RowResult

__all__ = [
    "FORMATS",
    "Format",
    "Imported",
    "IncidentReport",
    "PassedOver",
    "Refused",
    "RowResult",
    "detect",
    "format_named",
    "read_incidents",
]
