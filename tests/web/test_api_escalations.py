"""Escalations over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationState
from cism.domain.people import Role
from cism.store.tables import Audit, Escalation
from tests.web.conftest import OTHER, Site

URL = "/api/v1/escalations"


async def _opened(site: Site, key: str = "R1") -> str:
    """Somebody asks for a call now."""
    await site.text(key, "3")
    site.perform()
    return site.rows(select(Escalation).order_by(Escalation.opened_at.desc()))[0].id


async def _post(site: Site, path: str, body: Any, role: Role, person: str | None = None) -> Any:
    return await site.client.post(f"{URL}/{path}", json=body, headers=site.token(role, person=person))


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR])
async def test_the_list_tells_when_and_how_pressing_and_never_who(site: Site, role: Role) -> None:
    escalation_id = await _opened(site)
    (row,) = (await site.client.get(URL, headers=site.token(role))).json()
    assert list(row) == ["id", "level", "opened_at", "acked_at", "closed_at"]
    assert (row["id"], row["level"], row["acked_at"]) == (escalation_id, "URGENT", None)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.PEER, Role.ADMIN, Role.RESPONDER])
async def test_nobody_else_may_list_them_and_the_refusal_is_audited(site: Site, role: Role) -> None:
    await _opened(site)
    assert (await site.client.get(URL, headers=site.token(role))).status_code == 403
    assert [row.allowed for row in site.rows(select(Audit))] == [False]


async def test_another_agency_sees_none_and_gets_404(site: Site) -> None:
    escalation_id = await _opened(site)
    headers = site.token(Role.CLINICIAN, OTHER, "F3")
    assert (await site.client.get(URL, headers=headers)).json() == []
    answer = await site.client.post(f"{URL}/{escalation_id}/ack", json={}, headers=headers)
    assert answer.status_code == 404


async def test_nobody_sees_or_takes_the_one_about_themselves(site: Site) -> None:
    escalation_id = await _opened(site, "K1")
    assert (await site.client.get(URL, headers=site.token(Role.CLINICIAN, person="K1"))).json() == []
    assert (await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")).status_code == 404


async def test_nobody_sees_one_about_somebody_on_a_list_with_them(site: Site) -> None:
    people = [{"person_id": "R1", "circle": "A"}, {"person_id": "K1", "circle": "B"}]
    await site.log(affected=people)
    escalation_id = await _opened(site)
    assert (await site.client.get(URL, headers=site.token(Role.CLINICIAN, person="K1"))).json() == []
    assert (await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")).status_code == 404
    (row,) = (await site.client.get(URL, headers=site.token(Role.CLINICAL_DIRECTOR, person="D1"))).json()
    assert row["id"] == escalation_id


async def test_taking_tells_the_person_at_once_who_calls(site: Site) -> None:
    escalation_id = await _opened(site)
    answer = await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")
    assert answer.status_code == 200
    assert answer.json()["acked_at"] is not None
    (told,) = site.messages("escalation_taken", "R1")
    await site.backend.handover.idle()
    assert told.id in site.courier.handed_over


async def test_a_second_taker_is_told_so_and_changes_nothing(site: Site) -> None:
    escalation_id = await _opened(site)
    await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")
    answer = await _post(site, f"{escalation_id}/ack", {}, Role.COORDINATOR, "C1")
    assert answer.status_code == 409
    assert site.rows(select(Escalation))[0].acked_by == site.id_of("K1")


async def test_only_a_token_of_a_human_can_take_or_close(site: Site) -> None:
    escalation_id = await _opened(site)
    for path, body in (("ack", {}), ("close", {"outcome": "reached"})):
        answer = await _post(site, f"{escalation_id}/{path}", body, Role.CLINICIAN)
        assert answer.status_code == 403
        assert "--person" in answer.json()["detail"]


async def test_closing_needs_who_made_the_call(site: Site) -> None:
    escalation_id = await _opened(site)
    await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")
    body = {"outcome": "reached"}
    assert (await _post(site, f"{escalation_id}/close", body, Role.COORDINATOR, "C1")).status_code == 403
    closed = await _post(site, f"{escalation_id}/close", body, Role.CLINICIAN, "K1")
    assert closed.status_code == 200
    assert closed.json()["closed_at"] is not None
    again = await _post(site, f"{escalation_id}/close", body, Role.CLINICIAN, "K1")
    assert again.status_code == 409


async def test_a_coordinator_who_took_it_and_called_may_close_it(site: Site) -> None:
    escalation_id = await _opened(site)
    await _post(site, f"{escalation_id}/ack", {}, Role.COORDINATOR, "C1")
    answer = await _post(site, f"{escalation_id}/close", {"outcome": "declined"}, Role.COORDINATOR, "C1")
    assert answer.status_code == 200


async def test_an_outcome_that_is_none_is_refused_with_those_that_are(site: Site) -> None:
    escalation_id = await _opened(site)
    await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")
    answer = await _post(site, f"{escalation_id}/close", {"outcome": "fine"}, Role.CLINICIAN, "K1")
    assert answer.status_code == 422
    assert "not_reached" in answer.json()["detail"]


async def test_not_reached_opens_a_welfare_case_that_ends_only_with_a_human(site: Site) -> None:
    escalation_id = await _opened(site)
    await _post(site, f"{escalation_id}/ack", {}, Role.CLINICIAN, "K1")
    await _post(site, f"{escalation_id}/close", {"outcome": "not_reached"}, Role.CLINICIAN, "K1")
    (welfare,) = site.rows(select(Escalation).where(Escalation.welfare.is_(True)))
    assert welfare.level.value == "EMERGENCY"
    await _post(site, f"{welfare.id}/ack", {}, Role.CLINICAL_DIRECTOR, "D1")
    refused = await _post(
        site, f"{welfare.id}/close", {"outcome": "not_reached"}, Role.CLINICAL_DIRECTOR, "D1"
    )
    assert refused.status_code == 422
    outcome = {"outcome": "handed to emergency services by Dora Director"}
    closed = await _post(site, f"{welfare.id}/close", outcome, Role.CLINICAL_DIRECTOR, "D1")
    assert closed.status_code == 200
    (row,) = site.rows(select(Escalation).where(Escalation.welfare.is_(True)))
    assert (row.state, row.outcome) == (EscalationState.CLOSED, "handed_to_emergency_services")
    assert row.handed_to == "Dora Director"
