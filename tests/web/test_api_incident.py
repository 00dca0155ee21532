"""Who sees what of an incident, and who may change it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cism.domain.incident import IncidentState
from cism.domain.people import Role
from cism.services import audit
from cism.store.tables import AffectedPerson, Audit, Incident
from tests.conftest import START
from tests.web.conftest import OTHER, Site

SUPERVISOR_FIELDS = ["ref", "type", "severity", "agency", "occurred_at", "logged_at", "state"]


async def _get(site: Site, ref: str, role: Role, **who: str) -> Any:
    return await site.client.get(f"/api/v1/incidents/{ref}", headers=site.token(role, **who))


async def _send(site: Site, method: str, path: str, body: Any, role: Role, **who: str) -> Any:
    return await site.client.request(
        method, f"/api/v1/incidents/{path}", json=body, headers=site.token(role, **who)
    )


async def test_a_supervisor_gets_exactly_the_seven_fields(site: Site) -> None:
    logged = await site.log()
    site.perform()
    answer = await _get(site, logged["ref"], Role.SUPERVISOR, person="S1")
    assert list(answer.json()) == SUPERVISOR_FIELDS
    assert answer.json()["state"] == "offered"
    assert answer.json()["logged_at"] == "2026-03-02T15:00:00Z"


async def test_what_a_supervisor_sees_does_not_change_with_anybodys_answers(site: Site) -> None:
    logged = await site.log()
    site.perform()
    before = (await _get(site, logged["ref"], Role.SUPERVISOR)).json()
    for peer in ("P1", "P2", "P3"):
        await site.text(peer, "0")
    await _send(site, "POST", f"{logged['ref']}/close", {}, Role.COORDINATOR)
    assert (await _get(site, logged["ref"], Role.COORDINATOR)).json()["state"] == "closed"
    # an early end may follow from declines: the supervisor's "closed" comes at its own fixed time
    assert (await _get(site, logged["ref"], Role.SUPERVISOR)).json() == before
    site.clock.advance(days=381)
    site.tokens.clear()
    assert (await _get(site, logged["ref"], Role.SUPERVISOR)).json()["state"] == "closed"


async def test_a_stand_down_shows_as_closed(site: Site) -> None:
    logged = await site.log()
    await _send(site, "POST", f"{logged['ref']}/stand-down", {}, Role.COORDINATOR)
    assert (await _get(site, logged["ref"], Role.SUPERVISOR)).json()["state"] == "closed"


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.CLINICAL_DIRECTOR])
async def test_those_in_charge_see_people_counts_and_sessions(site: Site, role: Role) -> None:
    logged = await site.log()
    site.perform()
    shown = (await _get(site, logged["ref"], role)).json()
    assert shown["team"]["asked"] >= shown["team"]["needed"] == 2
    assert sorted(item["person_id"] for item in shown["affected"]) == ["R1", "R2"]
    assert "Rita" not in str(shown)


@pytest.mark.parametrize("role", [Role.PEER, Role.CLINICIAN, Role.RESPONDER, Role.ADMIN, Role.CHAPLAIN])
async def test_a_role_without_a_part_in_it_is_told_nothing(site: Site, role: Role) -> None:
    logged = await site.log()
    assert (await _get(site, logged["ref"], role)).status_code == 404


async def test_another_agencys_reference_is_404_in_the_same_words_as_a_made_up_one(site: Site) -> None:
    logged = await site.log()
    for role in (Role.COORDINATOR, Role.SUPERVISOR, Role.CLINICAL_DIRECTOR):
        theirs = await _get(site, logged["ref"], role, agency=OTHER)
        invented = await _get(site, "C-ZZZZZ", role, agency=OTHER)
        assert theirs.status_code == invented.status_code == 404
        assert theirs.json() == invented.json()
    for path in ("stand-down", "close"):
        answer = await _send(site, "POST", f"{logged['ref']}/{path}", {}, Role.COORDINATOR, agency=OTHER)
        assert answer.status_code == 404
    with site.db.read() as session:
        assert session.scalars(select(Incident)).one().state is IncidentState.OPEN
        refused = session.scalars(select(Audit).where(Audit.allowed.is_(False))).all()
        assert len(refused) == 8
        assert audit.verify(session)[1] is None


async def test_reading_is_audited_by_an_opaque_id(site: Site) -> None:
    logged = await site.log()
    await _get(site, logged["ref"], Role.COORDINATOR, person="C1")
    (row,) = site.rows(select(Audit).where(Audit.act == "read incident"))
    assert (row.actor, row.object_id, row.allowed) == (site.id_of("C1"), logged["id"], True)


async def test_a_coordinator_who_is_affected_sees_the_header_alone_and_handles_nothing(site: Site) -> None:
    logged = await site.log(affected=[{"person_id": "C1", "circle": "D"}])
    seen = await _get(site, logged["ref"], Role.COORDINATOR, person="C1")
    assert list(seen.json()) == SUPERVISOR_FIELDS
    for path in ("stand-down", "close"):
        answer = await _send(site, "POST", f"{logged['ref']}/{path}", {}, Role.COORDINATOR, person="C1")
        assert answer.status_code == 403
    timeline = await site.client.get(
        f"/api/v1/incidents/{logged['ref']}/timeline", headers=site.token(Role.COORDINATOR, person="C1")
    )
    assert timeline.status_code == 403


async def test_the_timeline_is_for_those_in_charge_and_names_nobody_who_answered(site: Site) -> None:
    logged = await site.log()
    site.perform()
    path = f"/api/v1/incidents/{logged['ref']}/timeline"
    for role in (Role.COORDINATOR, Role.CLINICAL_DIRECTOR):
        shown = (await site.client.get(path, headers=site.token(role))).json()
        assert {item["what"] for item in shown["past"]} >= {"incident.logged", "peer.asked"}
        assert {item["what"] for item in shown["planned"]} >= {"close_incident"}
        assert not any("person_id" in item for item in shown["past"])
        assert [item["due_at"] for item in shown["planned"]] == sorted(
            item["due_at"] for item in shown["planned"]
        )
    assert (await site.client.get(path, headers=site.token(Role.SUPERVISOR))).status_code == 403


async def test_those_in_charge_may_change_what_may_change(site: Site) -> None:
    logged = await site.log()
    body = {"severity": "S4", "kin_notified": True, "funeral_at": "2026-03-09T10:00:00-05:00"}
    answer = await _send(
        site, "PATCH", logged["ref"], {**body, "statements_complete": True}, Role.COORDINATOR
    )
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["severity"], shown["kin_notified"], shown["statements_complete"]) == ("S4", True, True)
    assert shown["funeral_at"] == "2026-03-09T15:00:00Z"


async def test_a_supervisor_may_raise_the_severity_and_not_lower_it(site: Site) -> None:
    logged = await site.log()
    assert (await _send(site, "PATCH", logged["ref"], {"severity": "S4"}, Role.SUPERVISOR)).status_code == 200
    lowered = await _send(site, "PATCH", logged["ref"], {"severity": "S1"}, Role.SUPERVISOR)
    assert lowered.status_code == 403
    assert (await _get(site, logged["ref"], Role.SUPERVISOR)).json()["severity"] == "S4"


async def test_a_supervisor_may_not_say_that_statements_are_complete(site: Site) -> None:
    logged = await site.log()
    answer = await _send(site, "PATCH", logged["ref"], {"statements_complete": True}, Role.SUPERVISOR)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"type": "MCI"}, "no such field"),
        ({"ended_at": None}, "cannot be made unknown"),
        ({"ended_at": "2026-03-02T12:00:00"}, "no zone"),
        ({"ended_at": (START + timedelta(hours=5)).isoformat()}, "in the future"),
        ({"ended_at": (START - timedelta(hours=5)).isoformat()}, "before occurred_at"),
        ({"severity": "S0"}, "S1, S2, S3, S4"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    site: Site, body: dict[str, Any], told: str
) -> None:
    logged = await site.log()
    before = (await _get(site, logged["ref"], Role.COORDINATOR)).json()
    answer = await _send(site, "PATCH", logged["ref"], body, Role.COORDINATOR)
    assert answer.status_code == 422
    assert told in answer.text
    assert (await _get(site, logged["ref"], Role.COORDINATOR)).json() == before


async def test_people_are_added_once_and_the_list_is_never_empty(site: Site) -> None:
    logged = await site.log()
    body = {"affected": [{"person_id": "R1", "circle": "A"}, {"person_id": "T1", "circle": "C"}]}
    answer = await _send(site, "POST", f"{logged['ref']}/affected", body, Role.SUPERVISOR)
    assert answer.status_code == 200
    assert site.count(AffectedPerson) == 3
    empty = await _send(site, "POST", f"{logged['ref']}/affected", {"affected": []}, Role.SUPERVISOR)
    assert empty.status_code == 422


@pytest.mark.parametrize("act", ["stand-down", "close"])
async def test_ending_takes_an_empty_object_and_a_second_one_is_409(site: Site, act: str) -> None:
    logged = await site.log()
    path = f"{logged['ref']}/{act}"
    assert (await _send(site, "POST", path, {"why": "x"}, Role.COORDINATOR)).status_code == 422
    assert (await _send(site, "POST", path, {}, Role.SUPERVISOR)).status_code == 403
    assert (await _send(site, "POST", path, {}, Role.COORDINATOR)).status_code == 200
    again = await _send(site, "POST", path, {}, Role.COORDINATOR)
    assert (again.status_code, again.json()["type"]) == (409, "urn:cism:problem:already-done")


async def test_a_stand_down_hands_over_one_text_to_those_who_serve(site: Site) -> None:
    logged = await site.log()
    site.perform()
    (page,) = site.messages("page", "P1")
    assert page.person_id == site.id_of("P1")
    await site.text("P1", "1")
    await _send(site, "POST", f"{logged['ref']}/stand-down", {}, Role.COORDINATOR)
    (told,) = site.messages("stand_down")
    assert told.person_id == site.id_of("P1")
    await site.backend.handover.idle()
    assert told.id in site.courier.handed_over


async def test_addresses_and_methods_that_are_not_there_are_problem_documents(site: Site) -> None:
    missing = await site.client.get("/api/v1/nothing")
    wrong = await site.client.put("/api/v1/incidents", json={})
    assert (missing.status_code, wrong.status_code) == (404, 405)
    for answer in (missing, wrong):
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert "POST" in wrong.headers["allow"]


async def test_the_openapi_document_lists_the_contract(site: Site) -> None:
    found = (await site.client.get("/api/v1/openapi.json")).json()
    assert set(found["paths"]) == {
        "/api/v1/incidents",
        "/api/v1/incidents/{ref}",
        "/api/v1/incidents/{ref}/timeline",
        "/api/v1/incidents/{ref}/affected/{person_id}",
        "/api/v1/incidents/{ref}/reopen",
        "/api/v1/incidents/{ref}/dates",
        "/api/v1/incidents/{ref}/dates/{day}",
        "/api/v1/incidents/{ref}/affected",
        "/api/v1/incidents/{ref}/stand-down",
        "/api/v1/incidents/{ref}/close",
        "/api/v1/escalations",
        "/api/v1/escalations/{escalation_id}/ack",
        "/api/v1/escalations/{escalation_id}/close",
        "/api/v1/disclosures",
        "/api/v1/disclosures/exceptions",
        "/api/v1/disclosures/{disclosure_id}/confirm",
        "/api/v1/disclosures/{disclosure_id}/withdraw",
        "/api/v1/break-glass",
        "/api/v1/break-glass/{glass_id}",
        "/api/v1/me/receipt",
    }
    assert "HTTPBearer" in found["components"]["securitySchemes"]


async def test_those_in_charge_open_again_what_was_stood_down_and_a_supervisor_does_not(site: Site) -> None:
    logged = await site.log()
    await _send(site, "POST", f"{logged['ref']}/stand-down", {}, Role.COORDINATOR)
    path = f"{logged['ref']}/reopen"
    assert (await _send(site, "POST", path, {}, Role.SUPERVISOR)).status_code == 403
    opened = await _send(site, "POST", path, {}, Role.COORDINATOR)
    assert (opened.status_code, opened.json()["state"]) == (200, "open")
    assert (await _send(site, "POST", path, {}, Role.COORDINATOR)).status_code == 409
    assert len(site.rows(select(Audit).where(Audit.act == "reopen incident"))) == 1
    supervisor = await _get(site, logged["ref"], Role.SUPERVISOR)
    assert supervisor.json()["state"] == "offered"


async def test_only_those_in_charge_take_somebody_off_the_list(site: Site) -> None:
    logged = await site.log()
    path = f"{logged['ref']}/affected/R2"
    assert (await _send(site, "DELETE", path, None, Role.SUPERVISOR)).status_code == 403
    assert (await _send(site, "DELETE", path, None, Role.COORDINATOR)).status_code == 200
    ended = {row.ended_reason for row in site.rows(select(AffectedPerson))}
    assert ended == {None, "removed"}
    assert (await _send(site, "DELETE", path, None, Role.COORDINATOR)).status_code == 409
    nobody = f"{logged['ref']}/affected/X9"
    assert (await _send(site, "DELETE", nobody, None, Role.COORDINATOR)).status_code == 404


async def test_those_in_charge_keep_days_that_matter_and_nobody_else_reads_them(site: Site) -> None:
    logged = await site.log()
    path = f"{logged['ref']}/dates"
    day = {"day": "2026-10-10", "kind": "funeral", "starts": "10:30", "ends": "14:00"}
    assert (await _send(site, "POST", path, day, Role.SUPERVISOR)).status_code == 403
    kept = await _send(site, "POST", path, day, Role.COORDINATOR)
    shown = {key: value for key, value in kept.json()[0].items() if key != "id"}
    assert (kept.status_code, shown) == (
        201,
        {"day": "2026-10-10", "kind": "funeral", "from": "10:30", "until": "14:00"},
    )
    assert (await _send(site, "POST", path, day, Role.COORDINATOR)).status_code == 409
    half = {"day": "2026-10-11", "kind": "trial", "starts": "10:30"}
    assert (await _send(site, "POST", path, half, Role.COORDINATOR)).status_code == 422
    assert (await _send(site, "GET", path, None, Role.SUPERVISOR)).status_code == 403
    gone = await _send(site, "DELETE", f"{path}/2026-10-10", None, Role.CLINICAL_DIRECTOR)
    assert (gone.status_code, gone.json()) == (200, [])
