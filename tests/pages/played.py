"""Incidents played to a state that is worth looking at, for pages, pictures and measures."""

from __future__ import annotations

from typing import Any

from cism.domain.people import Role
from tests.web.conftest import AGENCY, Site


async def a_day_after(site: Site, **changed: Any) -> str:
    """Logged, a team of two, taken over, a day on: check-ins out. Gives its reference."""
    people = [{"person_id": key, "circle": "B"} for key in ("R1", "R2", "R3")]
    logged = await site.log(affected=people, **changed)
    site.perform()
    for peer in ("P1", "P2"):
        await site.text(peer, "1")
    site.perform()
    headers = site.token(Role.COORDINATOR, AGENCY, "C1")
    await site.client.get(f"/api/v1/incidents/{logged['ref']}", headers=headers)
    site.perform(hours=3)
    site.perform(hours=22)
    site.perform(hours=3)
    return str(logged["ref"])
