"""Dispatch calls (Montgomery County, Pennsylvania): ordinary work, and so never imported by themselves.

A few kinds of call are the nearest to a critical incident. Whether anybody died is not in the file, so
these are passed over as well, with words that ask to log by hand what turned out to be one.
"""

from __future__ import annotations

from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format, NotCritical
from cism.domain.incident_files.report import row_key

NAME = "cad_911_calls"
NEAREST = frozenset(
    {"CARDIAC ARREST", "UNRESPONSIVE SUBJECT", "ASSAULT VICTIM", "RESCUE - WATER", "VEHICLE ACCIDENT"}
)


def _read(row: Cells) -> NotCritical:
    at = read.stamp("time", row["time"])
    service = read.words("service", row["service"])
    call = read.words("call_type", row["call_type"])
    township = read.optional_words("township", row["township"])
    read.coordinates(row["lat"], row["lng"])
    if call.upper() in NEAREST:
        reason = f"{call}: fatality unknown; log it by hand if it became a critical incident"
    else:
        reason = f"ordinary dispatch call ({call})"
    key = row_key(NAME, at.isoformat(), service, call, township, row["lat"], row["lng"])
    return NotCritical(key, reason, at.date())


FORMAT = Format(
    name=NAME,
    title="ordinary dispatch calls",
    columns=("time", "service", "call_type", "township", "lat", "lng"),
    identity="all columns",
    read_row=_read,
)
