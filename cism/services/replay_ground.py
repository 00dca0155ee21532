"""The invented department that answers for replayed incidents: responders, peers, and those in charge."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from cism.domain.roster_rows import COLUMNS

AGENCY = "replay-dept"
_ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
_AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219)
_IN_CHARGE = (
    ("C", "coordinator", "", 2),
    ("D", "clinical_director;clinician", "LICENSE@2099-01-01;GCI@2099-01-01", 1),
    ("K", "clinician", "LICENSE@2099-01-01;GCI@2099-01-01", 2),
)


def responder(place: int) -> str:
    """The roster's id of the responder at this place, from 0."""
    return f"R{place}"


def roster_csv(responders: int, peers: int) -> str:
    """A roster file: so many responders in units of five, so many peers of other stations."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for number, row in enumerate(_people(responders, peers)):
        writer.writerow(_common(number) | row)
    return out.getvalue()


def _people(responders: int, peers: int) -> Iterator[dict[str, str]]:
    for letter, roles, certs, many in _IN_CHARGE:
        for place in range(many):
            yield {"id": f"{letter}{place}", "roles": roles, "certs": certs, "unit": "Programme"}
    for place in range(peers):
        certs = "AIC@2099-01-01;GCI@2099-01-01"
        yield {"id": f"P{place}", "roles": "peer", "certs": certs, "unit": f"Peer {place}", "station": "Away"}
    for place in range(responders):
        unit = f"Unit {place // 5}"
        yield {
            "id": responder(place),
            "roles": "responder",
            "unit": unit,
            "station": f"Station {place // 20}",
        }


def _common(number: int) -> dict[str, str]:
    area = _area(number // 100)
    return {
        "name": f"Person {number}",
        "phone": f"+1{area}5550{100 + number % 100}",
        "agency": AGENCY,
        "discipline": "law_enforcement",
        "timezone": _ZONES[number % len(_ZONES)],
        "consent_pages": "yes",
        "consent_care": "yes",
        "designated_at": "1990-01-01",
        "status": "active",
        "language": "en",
    }


def _area(place: int, areas: Sequence[int] = _AREAS) -> int:
    return areas[place % len(areas)]
