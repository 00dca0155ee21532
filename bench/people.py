"""Invented people, as a roster file for the real importer, and the incidents that they are in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.roster_rows import COLUMNS
from cism.services import clockwork, roster
from cism.store.tables import Person

AGENCY = "metro-pd"
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
"""Where clocks begin: a Monday, 12:00 in New York, with nine open hours ahead."""
_FAR = "2031-12-31"


def numbers() -> Iterator[str]:
    """Numbers kept free for fiction: 555-0100 to 555-0199 of every area that there is."""
    for area in range(201, 990):
        if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5550123")):
            yield from (f"+1{area}55501{last:02d}" for last in range(100))


def roster_file(peers: int, responders: int) -> str:
    """A coordinator, a clinician, and as many peers (Q1 ...) and responders (R1 ...) as asked for."""
    phones = numbers()
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerow(_row("C1", "coordinator", next(phones)))
    writer.writerow(_row("M1", "clinician", next(phones), certs=f"LICENSE@{_FAR};GCI@{_FAR}"))
    for number in range(1, peers + 1):
        more = {"designated_at": "2020-01-01", "certs": f"AIC@{_FAR}", "unit": "Support"}
        writer.writerow(_row(f"Q{number}", "peer", next(phones), **more))
    for number in range(1, responders + 1):
        unit = f"Patrol {number % 40}"
        writer.writerow(_row(f"R{number}", "responder", next(phones), unit=unit))
    return out.getvalue()


def settle_in(session: Session, text: str) -> None:
    """Set the clock, import the roster; all numbers were confirmed long ago."""
    clockwork.set_instant(session, NOON)
    roster.import_file(session, text, NOON)
    for row in session.scalars(select(Person)):
        row.phone_confirmed_at = row.first_text_at = NOON - timedelta(days=90)


def incident(affected: list[str], now: datetime) -> dict[str, Any]:
    """What a log form sends: a serious incident that ended half an hour ago."""
    ended = (now - timedelta(minutes=30)).isoformat()
    return {
        "type": "THREAT",
        "severity": "S2",
        "agency": AGENCY,
        "occurred_at": (now - timedelta(minutes=90)).isoformat(),
        "ended_at": ended,
        "affected": [{"person_id": key, "circle": "A", "exposure_end": ended} for key in affected],
    }


def _row(key: str, role: str, phone: str, **columns: str) -> dict[str, str]:
    known = {
        "id": key,
        "name": f"Sam Example {key}",
        "phone": phone,
        "agency": AGENCY,
        "discipline": "law_enforcement",
        "timezone": "America/New_York",
        "roles": role,
        "consent_pages": "yes",
        "consent_care": "yes",
        "status": "active",
    }
    return dict.fromkeys(COLUMNS, "") | known | columns
