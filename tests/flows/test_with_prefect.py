"""The engine under a real Prefect server."""

from __future__ import annotations

import re
import signal
import subprocess
from typing import Any

import pytest

from cism.clock import wait
from cism.domain.plan import StepKind
from cism.store.db import Database
from flows.order import Lane
from tests.fakes import engine as fake
from tests.flows.conftest import PrefectServer, Start, eventually

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(480)]

_SENT = "SELECT count(*) FROM sent"
_TASKS = {
    "ask peers",
    "plan response",
    "send",
    "deliver",
    "settle and read what came in",
    "urgent steps",
    "due steps",
} | {lane.value for lane in Lane}


def heard(process: subprocess.Popen[bytes], word: str) -> None:
    """Wait until a part says that it is ready."""
    assert process.stderr is not None
    for line in process.stderr:
        if word.encode() in line:
            return
    pytest.fail(f"the part ended without {word}")


def all_sent_once(db: Database, n: int) -> bool:
    return fake.count(db, _SENT) == n == fake.count(db, "SELECT count(DISTINCT msg) FROM sent")


def runs(server: PrefectServer, named: str = "") -> list[dict[str, object]]:
    """Those that began; one that is only planned ahead still has a name of Prefect's making."""
    asked = {"flow_runs": {"name": {"like_": named}}, "limit": 200}
    return [run for run in server.ask("/flow_runs/filter", asked) if run["start_time"]]


def test_each_logged_incident_makes_one_visible_run_and_every_act_is_orchestrated(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    conductor = start("conductor", prefect_server, "60", "patient")
    heard(conductor, "prefect.ready")
    before = len(runs(prefect_server, "respond "))
    for turn in range(8):
        fake.log_incident(db, f"0a{turn}")
        eventually(lambda turn=turn: fake.count(db, _SENT) == 2 * turn + 2, 60, "paged")  # type: ignore[misc]
    fake.plan(db, StepKind.CONTACT, n=300)
    eventually(lambda: all_sent_once(db, 316), 60, "all sent, once")
    conductor.send_signal(signal.SIGTERM)
    assert conductor.wait(60) == 0
    assert len(runs(prefect_server, "respond ")) - before == 8
    assert fake.acts(db, orchestrated=True) >= 316
    assert fake.acts(db, orchestrated=False) == 0


def test_every_flow_can_be_started_by_hand_and_one_has_a_schedule(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    heard(start("worker", prefect_server, "3600"), "worker.ready")
    flows = {flow["id"]: flow["name"] for flow in prefect_server.ask("/flows/filter", {"limit": 200})}
    found = prefect_server.ask("/deployments/filter", {"limit": 200})
    assert {flows[one["flow_id"]] for one in found} == {lane.value for lane in Lane}
    assert [flows[one["flow_id"]] for one in found if one["schedules"]] == [Lane.PERFORM_DUE.value]


def test_an_automation_can_act_on_a_logged_incident_and_learns_nothing_but_a_random_id(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    conductor = start("conductor", prefect_server)
    heard(conductor, "prefect.ready")
    fake.log_incident(db, "0aeee")
    for name in ("cism.incident.logged", "cism.response.completed"):
        eventually(lambda name=name: "0aeee" in told(prefect_server, name), 30, name)  # type: ignore[misc]


def told(server: PrefectServer, name: str) -> set[str]:
    """The opaque ids of incidents that events of this name are about."""
    events: Any = server.ask("/events/filter", {"filter": {"event": {"name": [name]}}, "limit": 50})
    about = [one["resource"] for one in events["events"]]
    assert all(set(one) == {"prefect.resource.id"} for one in about)
    return {one["prefect.resource.id"].removeprefix("cism.incident.") for one in about}


def test_every_flow_submitted_twice_has_one_effect(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    fake.log_incident(db, "e1")
    for kind in StepKind:
        if kind not in {StepKind.ACTIVATE, StepKind.PLAN_RESPONSE}:
            fake.plan(db, kind, n=3)
    total = int(fake.count(db, "SELECT count(*) FROM act"))
    twice = start("twice", prefect_server)
    _, said = twice.communicate(timeout=200)
    assert twice.returncode == 0, said.decode()[-2000:]
    assert fake.count(db, "SELECT count(*) FROM act WHERE state = 'planned'") == 0
    assert all_sent_once(db, total)


def test_what_prefect_knows_are_random_ids_and_words_of_the_practice(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    conductor = start("conductor", prefect_server)
    heard(conductor, "prefect.ready")
    fake.log_incident(db, "0b1")
    fake.plan(db, StepKind.ESCALATE)
    fake.plan(db, StepKind.CONTACT)
    eventually(lambda: all_sent_once(db, 4), 60, "all sent")
    conductor.send_signal(signal.SIGTERM)
    conductor.wait(60)
    words = "|".join(lane.value for lane in Lane)
    for run in runs(prefect_server):
        if run["state_type"] != "COMPLETED" and re.fullmatch(r"[a-z]+-[a-z]+", str(run["name"])):
            continue  # a part of another test was killed before this run had another name than Prefect's
        assert re.fullmatch(rf"({words}) ([0-9a-f]{{6}}|each minute|by hand)", str(run["name"])), run["name"]
        given = run["parameters"]
        assert isinstance(given, dict)
        assert set(given) <= {"batch_id", "incident_id"}
        assert "incident_id" not in given or str(run["name"]).startswith("respond ")
    eventually(lambda: prefect_server.ask("/task_runs/filter", {"limit": 1}), 60, "task runs are recorded")
    names = {str(task["name"]) for task in prefect_server.ask("/task_runs/filter", {"limit": 200})}
    assert names <= _TASKS, names - _TASKS
    assert prefect_server.ask("/logs/filter", {"limit": 10}) == []


def test_a_work_pool_performs_the_same_acts(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    heard(start("worker", prefect_server, "3600"), "worker.ready")
    conductor = start("conductor", prefect_server, "60", "pool")
    heard(conductor, "prefect.ready")
    for turn in range(4):
        fake.log_incident(db, f"0c{turn}")
        eventually(lambda turn=turn: fake.count(db, _SENT) == 2 * turn + 2, 60, "paged")  # type: ignore[misc]
    fake.plan(db, StepKind.CONTACT, n=100)
    eventually(lambda: all_sent_once(db, 108), 60, "all sent, once")
    assert fake.acts(db, orchestrated=True) >= 100


def test_with_the_conductor_dead_prefects_own_schedule_performs_what_is_due(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    conductor = start("conductor", prefect_server)
    heard(start("worker", prefect_server, "5"), "worker.ready")
    conductor.send_signal(signal.SIGKILL)
    conductor.wait()
    fake.log_incident(db, "0d1")
    fake.plan(db, StepKind.CONTACT)
    eventually(lambda: all_sent_once(db, 3), 60, "performed by the worker")
    assert fake.acts(db, orchestrated=True) >= 3


def test_a_run_whose_process_was_killed_does_not_stay_running(
    db: Database, start: Start, prefect_server: PrefectServer
) -> None:
    conductor = start("conductor", prefect_server)
    heard(conductor, "prefect.ready")
    fake.plan(db, StepKind.CONTACT, n=50)
    eventually(lambda: fake.acts(db, orchestrated=True) > 0, 60, "a run is under way")
    conductor.send_signal(signal.SIGKILL)
    conductor.wait()
    assert "RUNNING" in {run["state_type"] for run in runs(prefect_server)}
    tidy = start("leftovers", prefect_server)
    _, said = tidy.communicate(timeout=60)
    assert tidy.returncode == 0, said.decode()[-2000:]
    assert "RUNNING" not in {run["state_type"] for run in runs(prefect_server)}


def test_a_killed_prefect_delays_no_page_and_a_wiped_one_is_registered_with_again(
    db: Database, start: Start, own_server: PrefectServer
) -> None:
    worker = start("worker", own_server, "5")
    heard(worker, "worker.ready")
    conductor = start("conductor", own_server)
    heard(conductor, "prefect.ready")
    fake.plan(db, StepKind.CONTACT, n=600)
    eventually(lambda: fake.count(db, "SELECT count(*) FROM act WHERE state = 'done'") > 50, 60, "begun")
    own_server.kill()  # in the middle of a run
    for turn in range(6):
        fake.log_incident(db, f"0e{turn}")
        page = f"SELECT count(*) FROM sent JOIN act ON act.id = msg WHERE incident = '0e{turn}'"  # noqa: S608
        # promised within 90 s
        eventually(lambda page=page: fake.count(db, page) == 2, 90, "paged")  # type: ignore[misc]
        wait(0.3)
    eventually(lambda: all_sent_once(db, 612), 60, "all sent, once")
    conductor.send_signal(signal.SIGKILL)
    conductor.wait()
    own_server.wipe()
    own_server.start()
    fake.log_incident(db, "0f1")
    # no time is promised here: on a busy machine the server alone took 25 s to come up
    eventually(lambda: all_sent_once(db, 614), 180, "performed by the worker, registered again")
