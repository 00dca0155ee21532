"""Two rare acts over HTTP: telling somebody outside, and looking although the table refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from cism.domain.people import Role
from cism.store.tables import Audit
from tests.web.conftest import OTHER, Site

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OUTSIDE, GLASS = "/api/v1/disclosures", "/api/v1/break-glass"
_BODY = {"person_id": "R1", "exception": "hi_statute", "recipient": "court"}


async def _post(site: Site, path: str, body: Any, role: Role, person: str | None = None, **more: str) -> Any:
    return await site.client.post(path, json=body, headers=site.token(role, person=person, **more))


def _acts(site: Site, allowed: bool) -> list[str]:
    query = select(Audit).where(Audit.allowed.is_(allowed)).order_by(Audit.id)
    return [row.act for row in site.rows(query)]


async def test_a_disclosure_is_proposed_by_one_and_confirmed_by_another_and_both_are_audited(
    site: Site,
) -> None:
    made = await _post(site, OUTSIDE, _BODY, Role.COORDINATOR, "C1")
    assert made.status_code == 201, made.text
    assert (made.json()["state"], "unverified" in made.json()["warning"]) == ("proposed", True)
    path = f"{OUTSIDE}/{made.json()['id']}/confirm"
    assert (await _post(site, path, {}, Role.COORDINATOR, "C1")).status_code == 403
    confirmed = await _post(site, path, {}, Role.CLINICIAN, "K1")
    assert confirmed.json()["state"] == "confirmed"
    assert (await _post(site, path, {}, Role.CLINICIAN, "K1")).status_code == 409
    (listed,) = (await site.client.get(OUTSIDE, headers=site.token(Role.CLINICIAN, person="K1"))).json()
    assert listed["id"] == made.json()["id"]
    assert "Rita" not in str(listed)
    assert "R1" not in str(listed)
    assert [act for act in _acts(site, True) if "disclosure" in act] == [
        "propose disclosure",
        "confirm disclosure",
        "list disclosures",
    ]
    assert _acts(site, False) == [f"POST {OUTSIDE}/{{disclosure_id}}/confirm"]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.PEER, Role.ADMIN, Role.RESPONDER])
async def test_nobody_else_discloses_and_the_refusal_is_audited(site: Site, role: Role) -> None:
    assert (await _post(site, OUTSIDE, _BODY, role)).status_code == 403
    assert _acts(site, False) == [f"POST {OUTSIDE}"]


async def test_a_token_without_a_person_and_another_agency_decide_nothing(site: Site) -> None:
    assert (await _post(site, OUTSIDE, _BODY, Role.COORDINATOR)).status_code == 403
    made = (await _post(site, OUTSIDE, _BODY, Role.COORDINATOR, "C1")).json()
    theirs = await _post(site, f"{OUTSIDE}/{made['id']}/confirm", {}, Role.CLINICIAN, "F3", agency=OTHER)
    assert theirs.status_code == 404
    assert (await _post(site, OUTSIDE, _BODY, Role.CLINICIAN, "F3", agency=OTHER)).status_code == 404


async def test_an_exception_that_is_not_there_saves_nothing(site: Site) -> None:
    answer = await _post(site, OUTSIDE, {**_BODY, "exception": "because"}, Role.COORDINATOR, "C1")
    assert answer.status_code == 422
    told = (await site.client.get(f"{OUTSIDE}/exceptions", headers=site.token(Role.COORDINATOR))).json()
    assert {"federal", "WA", "LA", "MT", "HI", "CO"} <= {row["jurisdiction"] for row in told}
    assert all(row["source"] for row in told)


async def test_a_peer_looks_for_an_hour_and_every_look_is_audited(site: Site) -> None:
    ref = (await site.log())["ref"]
    body = {"incident": ref, "reason": "danger"}
    made = await _post(site, GLASS, body, Role.PEER, "P1")
    assert made.status_code == 201, made.text
    headers = site.token(Role.PEER, person="P1")
    shown = (await site.client.get(f"{GLASS}/{made.json()['id']}", headers=headers)).json()
    assert {one["person_id"] for one in shown["people"]} >= {"R1", "R2"}
    assert all(one["phone"] for one in shown["people"])
    assert _acts(site, True)[-2:] == ["break glass", "look under glass"]
    assert [row.person_id for row in site.messages("looked")] == [site.id_of("D1")]
    (row,) = (await site.client.get(GLASS, headers=site.token(Role.CLINICAL_DIRECTOR, person="D1"))).json()
    assert (row["incident"], row["by"], row["reason"], row["reads"]) == (ref, "P1", "danger", 1)
    other = await site.client.get(f"{GLASS}/{made.json()['id']}", headers=site.token(Role.PEER, person="P2"))
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("role", "person"), [(Role.SUPERVISOR, "S1"), (Role.RESPONDER, "R3"), (Role.ADMIN, None)]
)
async def test_command_and_whoever_has_no_part_in_it_never_look(
    site: Site, role: Role, person: str | None
) -> None:
    ref = (await site.log())["ref"]
    answer = await _post(site, GLASS, {"incident": ref, "reason": "danger"}, role, person)
    assert answer.status_code == 403
    assert (await site.client.get(GLASS, headers=site.token(role, person=person))).status_code == 403
    assert site.messages("looked") == []
    assert len(_acts(site, False)) == 2


async def test_another_agency_s_list_is_not_there(site: Site) -> None:
    ref = (await site.log())["ref"]
    body = {"incident": ref, "reason": "danger"}
    assert (await _post(site, GLASS, body, Role.CLINICIAN, "F3", agency=OTHER)).status_code == 404
