"""Who had a part in an incident without being on its list, as the choice of helpers asks it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.store.tables import IncidentParty

ON_SCENE, REVIEWER = "on_scene", "reviewer"


def named(session: Session, incident_id: str, part: str) -> frozenset[str]:
    """Everybody who had this part, by opaque id."""
    query = select(IncidentParty.person_id).where(
        IncidentParty.incident_id == incident_id, IncidentParty.part == part
    )
    return frozenset(session.scalars(query))
