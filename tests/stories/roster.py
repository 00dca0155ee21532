"""Invented people for stories, written as a roster file and imported by the real importer."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from cism.domain.roster_rows import COLUMNS

_AREAS = (212, 213, 312, 415, 617)
_FAR = "2031-12-31"
_CERTS = {"peer": f"AIC@{_FAR}", "clinician": f"LICENSE@{_FAR};GCI@{_FAR}"}
_CERTS["clinical_director"] = _CERTS["clinician"]


@dataclass
class Cast:
    """Everybody in a story, by a short name that is their roster id too."""

    agency: str = "metro-pd"
    zone: str = "America/New_York"
    discipline: str = "law_enforcement"
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    unconfirmed: set[str] = field(default_factory=set)

    def add(self, key: str, *, roles: str = "responder", confirmed: bool = True, **columns: str) -> None:
        """One person; columns not given are those of an ordinary responder who consented to everything."""
        number = len(self.rows)
        certs = ";".join(_CERTS[role] for role in roles.split(";") if role in _CERTS)
        defaults = {
            "name": f"{key.title()} Example",
            "phone": f"+1{_AREAS[number // 100]}55501{number % 100:02d}",
            "agency": self.agency,
            "discipline": self.discipline,
            "unit": f"unit-{key}",
            "timezone": self.zone,
            "roles": roles,
            "consent_pages": "yes",
            "consent_care": "yes",
            "designated_at": "2020-01-01" if "peer" in roles else "",
            "certs": certs,
            "status": "active",
        }
        self.rows[key] = dict.fromkeys(COLUMNS, "") | {"id": key} | defaults | columns
        if not confirmed:
            self.unconfirmed.add(key)

    def phone(self, key: str) -> str:
        """Somebody's number."""
        return self.rows[key]["phone"]

    def text(self) -> str:
        """The roster file."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        rows: list[Mapping[str, str]] = list(self.rows.values())
        writer.writerows(rows)
        return out.getvalue()
