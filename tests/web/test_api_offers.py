"""What an incident's offers are over HTTP: that they were made, for those in charge; nothing for command."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from cism.domain.people import Role
from cism.store.states import OfferState
from cism.store.tables import Offer
from tests.web.conftest import Site

FIELDS = {
    *("id", "kind", "state", "reason", "instead", "by", "offered_at", "minutes", "in_time", "accepted"),
    "person_id",
}


async def _logged(site: Site) -> str:
    logged = await site.log(type="LOD_INJURY")
    site.perform()
    return str(logged["ref"])


async def _seen(site: Site, ref: str, role: Role, **who: str) -> dict[str, Any]:
    answer = await site.client.get(f"/api/v1/incidents/{ref}", headers=site.token(role, **who))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.CLINICAL_DIRECTOR])
async def test_those_in_charge_see_what_was_offered_to_whom_and_by_when(site: Site, role: Role) -> None:
    ref = await _logged(site)
    found = (await _seen(site, ref, role))["offers"]
    assert [set(one) for one in found] == [FIELDS] * len(site.rows(select(Offer)))
    family = [one for one in found if one["kind"] == "family_support"]
    assert sorted(one["person_id"] for one in family) == ["R1", "R2"]
    assert {one["state"] for one in family} == {"open"}
    assert "Rita" not in str(found)


async def test_what_a_person_said_to_an_offer_shows_nowhere(site: Site) -> None:
    ref = await _logged(site)
    with site.db.transaction() as session:
        theirs = update(Offer).where(Offer.person_id == site.id_of("R1"), Offer.kind == "family_support")
        session.execute(theirs.values(state=OfferState.OFFERED))
    before = await _seen(site, ref, Role.COORDINATOR)
    for state in (OfferState.WANTED, OfferState.TAKEN, OfferState.DONE):
        with site.db.transaction() as session:
            session.execute(theirs.values(state=state))
        assert await _seen(site, ref, Role.COORDINATOR) == before


async def test_command_and_whoever_is_on_the_list_see_no_offers(site: Site) -> None:
    ref = await _logged(site)
    assert list(await _seen(site, ref, Role.SUPERVISOR, person="S1")) == [
        *("ref", "type", "severity", "agency", "occurred_at", "logged_at", "state")
    ]
    listed = await site.log(type="LOD_INJURY", affected=[{"person_id": "C1", "circle": "D"}])
    assert "offers" not in await _seen(site, listed["ref"], Role.COORDINATOR, person="C1")
