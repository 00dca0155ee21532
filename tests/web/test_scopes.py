"""Tokens of programs: each route of the API names the scope that it needs, and refuses a token without it."""

from __future__ import annotations

import pytest

from cism.domain.people import Role
from cism.domain.scopes import Scope
from cism.services import tokens
from tests.web.conftest import AGENCY, Site

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_FILLED = {
    "{ref}": "I-ABCD",
    "{escalation_id}": "0" * 20,
    "{disclosure_id}": "0" * 20,
    "{glass_id}": "0" * 20,
    "{person_id}": "R1",
    "{day}": "2026-05-01",
}


async def _routes(site: Site) -> list[tuple[str, str, str]]:
    """Method, path and scope of every route of the OpenAPI."""
    told = (await site.client.get("/api/v1/openapi.json")).json()
    found = []
    for path, methods in told["paths"].items():
        for method, route in methods.items():
            ((scope,),) = [given for one in route.get("security", []) for given in one.values()]
            found.append((method, path, scope))
    return [row for row in found if row[1].startswith("/api/")]


def _filled(path: str) -> str:
    for name, value in _FILLED.items():
        path = path.replace(name, value)
    return path


async def test_every_route_of_the_api_refuses_a_token_with_every_other_scope(site: Site) -> None:
    routes = await _routes(site)
    assert {scope for _, _, scope in routes} == {scope.value for scope in Scope}
    with site.db.transaction() as session:
        without = {
            scope: tokens.create(
                session,
                role=Role.CLINICAL_DIRECTOR,
                agency=AGENCY,
                roster_id="D1",
                scopes=[other for other in Scope if other != scope],
            )
            for scope in Scope
        }
    for method, path, scope in routes:
        headers = {"Authorization": f"Bearer {without[Scope(scope)]}"}
        answer = await site.client.request(method.upper(), _filled(path), headers=headers, json={})
        assert answer.status_code == 403, (method, path)
        assert scope in answer.json()["detail"]


async def test_a_scoped_token_does_what_it_was_made_for(site: Site) -> None:
    with site.db.transaction() as session:
        token = tokens.create(session, role=Role.SUPERVISOR, agency=AGENCY, scopes=[Scope.INCIDENTS_LOG])
    headers = {"Authorization": f"Bearer {token}"}
    logged = await site.client.post("/api/v1/incidents", json=site.incident(), headers=headers)
    assert logged.status_code == 201
    ref = logged.json()["ref"]
    assert (await site.client.get(f"/api/v1/incidents/{ref}", headers=headers)).status_code == 403
