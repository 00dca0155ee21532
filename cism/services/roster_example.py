"""Invented people of one agency as roster lines: for whoever tries the import before they have a file."""

from __future__ import annotations

import csv
import io
from typing import Final

from cism.domain.roster_rows import COLUMNS
from cism.store.tables import Person

# Enough for a rehearsal: two to look after, two who look after them, one to call when it is grave.
_PEOPLE: Final = (
    {"id": "X1", "name": "Robin Example", "roles": "responder", "unit": "Patrol 4"},
    {"id": "X2", "name": "Sasha Example", "roles": "responder", "unit": "Patrol 4"},
    {"id": "X3", "name": "Pat Example", "roles": "peer", "unit": "Support", "certs": "AIC@{far}"},
    {"id": "X4", "name": "Kim Example", "roles": "peer", "unit": "Support", "certs": "GCI@{far}"},
    {
        "id": "X5",
        "name": "Lee Example",
        "roles": "clinician",
        "unit": "Wellness",
        "certs": "LICENSE@{far};GCI@{far}",
    },
)
_FIRST_NUMBER: Final = 150  # of those kept free for fiction, 555-0100 to 555-0199
_SAID: Final = {"consent_pages": "yes", "consent_care": "yes", "language": "en", "status": "active"}
_FAR: Final = "2035-12-31"
_DESIGNATED: Final = "2024-01-01"


def of(person: Person) -> str:
    """Lines of a file that `roster.import_file` takes, the columns first, as colleagues of this person."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, invented in enumerate(_PEOPLE, _FIRST_NUMBER):
        given = {column: words.format(far=_FAR) for column, words in invented.items()}
        designated = {"designated_at": _DESIGNATED} if "certs" in invented else {}
        own = {"agency": person.agency, "discipline": person.discipline, "timezone": person.zone}
        writer.writerow({**_SAID, **own, **designated, **given, "phone": f"+12125550{number}"})
    return out.getvalue()
