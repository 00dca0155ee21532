"""Alive, ready, and figures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cism.domain.people import Role
from cism.errors import StorageFull, StorageUnavailable
from cism.services import engine, intake, restoring
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Incident
from cism.web.__main__ import main
from tests.conftest import FakeClock
from tests.web.conftest import Site


async def test_ready_means_database_migrations_and_a_conductor_seen_within_a_minute(site: Site) -> None:
    assert (await site.client.get("/healthz")).status_code == 200
    first = await site.client.get("/readyz")
    assert (first.status_code, first.json()["database"], first.json()["migrations"]) == (503, "ok", "ok")
    with site.db.transaction() as session:
        engine.beat(session, "conductor")
    assert (await site.client.get("/readyz")).json()["ready"] is True
    site.clock.advance(seconds=61)
    late = await site.client.get("/readyz")
    assert late.status_code == 503
    assert "python -m flows" in late.json()["conductor"]


async def test_care_texts_that_a_restore_holds_are_told_and_keep_no_page_from_going_out(site: Site) -> None:
    with site.db.transaction() as session:
        engine.beat(session, "conductor")
    assert "care_texts" not in (await site.client.get("/readyz")).json()
    assert "restored from a backup" not in (await site.client.get("/sign-in")).text
    with site.db.transaction() as session:
        restoring.begin(session)
    answer = await site.client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert "a coordinator has not confirmed" in answer.json()["care_texts"]
    site.backend.tell_held(True)  # with the next heartbeat
    assert "restored from a backup" in (await site.client.get("/sign-in")).text


async def test_a_conductor_is_judged_by_real_time_and_not_by_a_moved_clock(
    movable_db: Database, clock: FakeClock, web_settings: Settings
) -> None:
    from cism.services import clockwork
    from cism.web.health import _conductor

    with movable_db.transaction() as session:
        engine.beat(session, "conductor")
        clockwork.set_instant(session, clock.now() + timedelta(days=90))
        assert _conductor(session) is True


async def test_a_database_of_another_version_is_not_ready(site: Site) -> None:
    with site.db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    answer = await site.client.get("/readyz")
    assert answer.status_code == 503
    assert "newer version" in answer.json()["migrations"]


async def test_figures_count_acts_and_states_and_name_nobody(site: Site) -> None:
    await site.log()
    site.perform()
    await site.text("R1", "3")
    with site.db.transaction() as session:
        engine.count_acts(session, 3, orchestrated=True)
        engine.beat(session, "web")
    figures = (await site.client.get("/metrics")).text
    for line in (
        'cism_acts_total{orchestrated="true"} 3.0',
        'cism_acts_total{orchestrated="false"} 0.0',
        'cism_escalations_open{level="URGENT"} 1.0',
        'cism_heartbeat_age_seconds{part="web"} 0.0',
        "cism_sends_unsettled 0.0",
        "cism_queue_unread 0.0",
    ):
        assert line in figures
    assert not any(word in figures for word in ("Rita", "+1212555", "C-", site.id_of("R1")))


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_how_many_ask_for_a_call_is_not_told_through_a_proxy(site: Site, header: str) -> None:
    await site.text("R1", "3")
    figures = (await site.client.get("/metrics", headers={header: "for=192.0.2.1"})).text
    assert "cism_oldest_due_step_seconds" in figures
    assert not any(name in figures for name in ("cism_escalations_open", "cism_queue_unread"))


async def test_the_oldest_due_step_shows_how_long_it_waits(site: Site) -> None:
    await site.log()
    site.clock.advance(seconds=40)
    assert "cism_oldest_due_step_seconds 40.0" in (await site.client.get("/metrics")).text


@pytest.mark.parametrize(("refusal", "status"), [(StorageFull, 507), (StorageUnavailable, 503)])
async def test_storage_that_cannot_save_says_not_saved(
    site: Site, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception], status: int
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise refusal

    headers = site.token(Role.SUPERVISOR)
    monkeypatch.setattr(intake, "log_once", fail)
    answer = await site.client.post("/api/v1/incidents", json=site.incident(), headers=headers)
    assert answer.status_code == status
    assert "Not saved" in answer.json()["detail"]
    assert site.count(Incident) == 0


async def test_what_nobody_expected_is_500_and_tells_and_logs_no_content(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("Rita Respond +12125550104")

    headers = site.token(Role.SUPERVISOR)
    monkeypatch.setattr(intake, "log_once", fail)
    answer = await site.client.post("/api/v1/incidents", json=site.incident(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:cism:problem:unexpected")
    assert "Rita" not in answer.text + caplog.text


async def test_a_disk_that_is_full_leaves_nothing_half_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cism.services import steps

    def full(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    headers = site.token(Role.SUPERVISOR)
    monkeypatch.setattr(steps, "plan", full)
    answer = await site.client.post("/api/v1/incidents", json=site.incident(), headers=headers)
    assert answer.status_code == 507
    assert site.count(Incident) == 0


def test_a_taken_port_is_one_clear_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert len(told.strip().splitlines()) == 1
    assert str(port) in told
    assert "--port" in told


async def test_every_answer_carries_the_protecting_headers(site: Site) -> None:
    for path in ("/healthz", "/sign-in", "/nowhere", "/api/v1/nowhere", "/static/cism.css"):
        headers = (await site.client.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_courier_is_closed_with_the_application(site: Site) -> None:
    await site.backend.handover.finish()
    assert site.courier.closed
