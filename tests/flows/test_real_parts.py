"""The real parts, and one of them fails: on both kinds of database, under a real Prefect server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cism.clock import monotonic, wait
from cism.services.delivery import HANDFUL
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import Incident
from tests.flows.conftest import PrefectServer, eventually
from tests.flows.parts import Parts, parts

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(480)]

_PEOPLE = 200
_LEFT = {OutboxState.SENT, OutboxState.DELIVERED}
_UNCLEAR = {OutboxState.UNKNOWN, OutboxState.UNSETTLED}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """Real time with an offset, as an installation has it."""
    database = Database(database_url, movable=True)
    yield database
    database.close()


@pytest.fixture
def site(db: Database, tmp_path: Path, prefect_server: PrefectServer) -> Iterator[Parts]:
    with parts(db, tmp_path, prefect_server, _PEOPLE) as made:
        yield made


def has_left(site: Parts) -> bool:
    """Whether every check-in is with the provider, or known to be unclear."""
    states = site.states("check_in")
    return sum(states.values()) == _PEOPLE and set(states) <= _LEFT | _UNCLEAR


def test_a_conductor_killed_in_the_middle_of_sending_loses_and_doubles_nothing(site: Parts) -> None:
    site.start("worker")
    conductor = site.start("conductor")
    site.wave(_PEOPLE)
    eventually(lambda: len(site.texts()) > 30, 60, "the wave is on its way")
    conductor.send_signal(signal.SIGKILL)
    conductor.wait()
    incident = site.log("R1")
    eventually(lambda: site.paged_for(incident), 90, "paged by Prefect's own schedule")
    eventually(lambda: has_left(site), 90, "every check-in has left, or is known to be unclear")
    states = site.states("check_in")
    assert sum(states[state] for state in _UNCLEAR) <= HANDFUL, "only what was being handed over is unclear"
    assert site.doubled() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # its own server takes time to start
def test_prefect_killed_in_the_middle_of_a_wave_delays_no_page(
    db: Database, tmp_path: Path, own_server: PrefectServer
) -> None:
    with parts(db, tmp_path, own_server, _PEOPLE) as site:
        conductor = site.start("conductor")
        site.wave(_PEOPLE)
        eventually(lambda: len(site.texts()) > 30, 60, "the wave is on its way")
        own_server.kill()
        incident = site.log("R1")
        eventually(lambda: site.paged_for(incident), 60, "paged without Prefect")
        eventually(lambda: has_left(site), 60, "every check-in has left")
        assert set(site.states("check_in")) <= _LEFT
        assert site.doubled() == []
        conductor.send_signal(signal.SIGTERM)
        assert conductor.wait(60) == 0, "a dead Prefect keeps nobody from stopping"


def test_while_a_lock_is_held_for_five_seconds_every_act_that_does_not_need_it_goes_on(site: Parts) -> None:
    """On PostgreSQL an incident's row; on SQLite there is one lock, and everything that writes needs it."""
    site.start("conductor")
    held, begun = site.log("R1"), monotonic()
    with site.db.transaction() as session:
        session.execute(select(Incident).where(Incident.id == held).with_for_update())
        if not site.db.is_sqlite:
            others = [site.log("R2"), site.log("R3")]
            eventually(lambda: all(map(site.paged_for, others)), 60, "pages of other incidents")
        wait(max(0.0, 5 - (monotonic() - begun)))
    later = site.log("R4")
    eventually(lambda: site.paged_for(held) and site.paged_for(later), 60, "all pages, once the lock is gone")
    assert site.doubled() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # where rows are held one by one
def test_two_conductors_and_a_worker_do_everything_once(site: Parts) -> None:
    site.start("worker")
    site.start("conductor")
    site.start("conductor")
    site.wave(_PEOPLE)
    incidents = [site.log(f"R{number}") for number in range(1, 6)]
    eventually(lambda: all(map(site.paged_for, incidents)), 60, "all five are paged for")
    eventually(lambda: has_left(site), 60, "every check-in has left")
    assert set(site.states("check_in")) <= _LEFT
    assert site.doubled() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_in_a_work_pool_every_act_is_part_of_a_run(site: Parts) -> None:
    site.start("worker")
    site.start("conductor", patient=True, CISM_EXECUTION="work_pool")
    for number in range(1, 4):
        incident = site.log(f"R{number}")
        eventually(lambda incident=incident: site.paged_for(incident), 60, "paged")  # type: ignore[misc]
    site.wave(_PEOPLE)
    eventually(lambda: has_left(site), 60, "every check-in has left")
    assert site.doubled() == []
    in_runs, acts = site.orchestrated()
    assert in_runs == acts >= _PEOPLE
