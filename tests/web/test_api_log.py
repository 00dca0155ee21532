"""Logging an incident over HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cism.domain.people import Role
from cism.store.tables import Audit, IdempotencyKey, Incident, IncidentParty
from tests.conftest import START
from tests.web.conftest import AGENCY, OTHER, Site

URL = "/api/v1/incidents"


async def _post(site: Site, body: Any, key: str | None = None, role: Role = Role.SUPERVISOR) -> Any:
    headers = site.token(role) | ({"Idempotency-Key": key} if key else {})
    return await site.client.post(URL, json=body, headers=headers)


async def test_a_logged_incident_answers_with_id_reference_and_team_state(site: Site) -> None:
    answer = await _post(site, site.incident())
    assert answer.status_code == 201
    assert sorted(answer.json()) == ["id", "ref", "team_state"]
    assert "the team is working" in answer.json()["team_state"]
    assert "no real phone is reached" in answer.json()["team_state"]
    assert answer.headers["Location"] == f"{URL}/{answer.json()['ref']}"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COORDINATOR, Role.CLINICAL_DIRECTOR])
async def test_supervisors_coordinators_and_clinical_directors_may_log(site: Site, role: Role) -> None:
    assert (await _post(site, site.incident(), role=role)).status_code == 201


@pytest.mark.parametrize("role", [Role.RESPONDER, Role.PEER, Role.CLINICIAN, Role.ADMIN])
async def test_nobody_else_may_log_and_the_refusal_is_audited(site: Site, role: Role) -> None:
    answer = await _post(site, site.incident(), role=role)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert site.count(Incident) == 0
    (row,) = site.rows(select(Audit))
    assert (row.allowed, row.act) == (False, "POST /api/v1/incidents")


async def test_the_same_key_and_body_answer_200_with_the_same_incident(site: Site) -> None:
    body = site.incident()
    first, second = await _post(site, body, "k1"), await _post(site, body, "k1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert site.count(Incident) == 1


async def test_the_same_key_with_another_body_is_422_and_adds_nothing(site: Site) -> None:
    await _post(site, site.incident(), "k1")
    answer = await _post(site, site.incident(type="MCI"), "k1")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:cism:problem:idempotency-key-reused")
    assert site.count(Incident) == 1


async def test_without_a_key_each_call_logs_one(site: Site) -> None:
    body = site.incident()
    first, second = await _post(site, body), await _post(site, body)
    assert first.json()["id"] != second.json()["id"]


async def test_two_callers_may_use_the_same_key(site: Site) -> None:
    body = site.incident()
    first = await _post(site, body, "k1")
    second = await _post(site, body, "k1", role=Role.COORDINATOR)
    assert (first.status_code, second.status_code) == (201, 201)


async def test_ten_requests_at_once_with_one_key_make_one_incident(site: Site) -> None:
    body = site.incident()
    site.token(Role.SUPERVISOR)
    answers = await asyncio.gather(*(_post(site, body, "at-once") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["ref"] for answer in answers}) == 1
    assert (site.count(Incident), site.count(IdempotencyKey)) == (1, 1)


@pytest.mark.parametrize("field", ["occurred_at", "ended_at", "funeral_at"])
async def test_a_time_without_its_zone_is_refused_with_what_to_write(site: Site, field: str) -> None:
    answer = await _post(site, site.incident(**{field: "2026-03-02T09:00:00"}))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert "no zone" in error["problem"]
    assert "-08:00" in error["problem"]
    assert site.count(Incident) == 0


async def test_a_naive_exposure_end_names_its_place_in_the_list(site: Site) -> None:
    affected = [{"person_id": "R1", "circle": "A", "exposure_end": "2026-03-02T09:00"}]
    answer = await _post(site, site.incident(affected=affected))
    assert answer.json()["errors"][0]["field"] == "affected.0.exposure_end"


async def test_times_are_never_read_from_numbers(site: Site) -> None:
    answer = await _post(site, site.incident(ended_at=1772460000))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ended_at")


async def test_an_unknown_field_is_refused_by_name(site: Site) -> None:
    answer = await _post(site, site.incident(notes="he said that"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "notes"
    assert "no such field" in answer.json()["errors"][0]["problem"]
    assert "he said that" not in answer.text  # what was sent is never repeated


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"type": "OIS_SHOTER"}, "OIS_SHOOTER"),
        ({"severity": "S9"}, "S1, S2, S3, S4"),
        ({"protocol": "sfa"}, "sfa-follow-up"),
        ({"kin_notified": "yes"}, "true or false"),
        ({"affected": [{"person_id": "R1", "circle": "Z"}]}, "A, B, C, D, E, F"),
        ({"affected": [{"person_id": "R9", "circle": "B"}]}, "AGENCY:ID"),
        (
            {"affected": [{"person_id": "R1", "circle": "B"}, {"person_id": "R1", "circle": "A"}]},
            "named twice",
        ),
        ({"occurred_at": (START + timedelta(hours=3)).isoformat()}, "in the future"),
        ({"ended_at": (START - timedelta(hours=3)).isoformat()}, "before occurred_at"),
        (
            {
                "affected": [
                    {
                        "person_id": "R1",
                        "circle": "B",
                        "exposure_end": (START + timedelta(hours=1)).isoformat(),
                    }
                ]
            },
            "still exposed",
        ),
        ({"place_code": "behind the old mill, ask Joe"}, "do not belong"),
    ],
)
async def test_bad_input_is_422_says_what_to_do_and_writes_nothing(
    site: Site, changed: dict[str, Any], told: str
) -> None:
    answer = await _post(site, site.incident(**changed))
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert told in answer.text
    assert {"type", "title", "status", "detail"} <= set(answer.json())
    assert site.count(Incident) == 0


@pytest.mark.parametrize("left_out", ["type", "agency", "occurred_at", "affected"])
async def test_a_missing_field_is_named(site: Site, left_out: str) -> None:
    body = site.incident()
    del body[left_out]
    answer = await _post(site, body)
    assert answer.json()["errors"] == [{"field": left_out, "problem": "it is missing; give it"}]


async def test_a_body_that_is_not_json_is_a_problem_document(site: Site) -> None:
    answer = await site.client.post(
        URL, content=b"{", headers=site.token(Role.SUPERVISOR) | {"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")


async def test_a_body_past_the_bound_is_413(site: Site) -> None:
    answer = await site.client.post(URL, content=b" " * 1_000_001, headers=site.token(Role.SUPERVISOR))
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:cism:problem:too-large"


async def test_an_incident_of_another_agency_cannot_be_logged(site: Site) -> None:
    answer = await _post(site, site.incident(agency=OTHER, affected=[]))
    assert answer.status_code == 403
    assert AGENCY in answer.json()["detail"]
    assert site.count(Incident) == 0


async def test_an_unusable_idempotency_key_is_refused(site: Site) -> None:
    answer = await _post(site, site.incident(), "k" * 201)
    assert answer.status_code == 422
    assert site.count(Incident) == 0


async def test_without_a_token_nothing_is_told(site: Site) -> None:
    answer = await site.client.post(URL, json=site.incident())
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "cism token create" in answer.json()["detail"]


async def test_a_made_up_token_is_refused_and_audited_up_to_a_bound(site: Site) -> None:
    for _ in range(35):
        answer = await site.client.get(f"{URL}/C-AAAAA", headers={"Authorization": "Bearer cism_no"})
        assert answer.status_code == 401
    assert site.count(Audit) == 30


async def test_exposure_defaults_to_the_end_and_is_open_without_both(site: Site) -> None:
    ended = await site.log()
    still = await site.log(ended_at=None, affected=[{"person_id": "R1", "circle": "B"}])
    headers = site.token(Role.COORDINATOR)
    first = (await site.client.get(f"{URL}/{ended['ref']}", headers=headers)).json()
    second = (await site.client.get(f"{URL}/{still['ref']}", headers=headers)).json()
    assert first["affected"][0]["exposure_end"] == first["ended_at"]
    assert second["affected"][0]["exposure_end"] is None


async def test_who_had_a_part_in_it_is_named_at_once_or_later_and_shown_to_nobody(site: Site) -> None:
    logged = await site.log(on_scene=["P1"], reviewers=["C1"])
    for role in (Role.SUPERVISOR, Role.COORDINATOR):
        url = f"/api/v1/incidents/{logged['ref']}"
        answer = await site.client.patch(url, json={"on_scene": ["P2", "P1"]}, headers=site.token(role))
        assert answer.status_code == 200
        assert "on_scene" not in answer.json()
    parts = {(row.person_id, row.part) for row in site.rows(select(IncidentParty))}
    names = {key: site.person(key).id for key in ("P1", "P2", "C1")}
    assert parts == {
        (names["P1"], "on_scene"),
        (names["P2"], "on_scene"),
        (names["C1"], "reviewer"),
    }
    unknown = await site.client.post(
        "/api/v1/incidents", json=site.incident(on_scene=["X9"]), headers=site.token(Role.SUPERVISOR)
    )
    assert unknown.status_code == 422
