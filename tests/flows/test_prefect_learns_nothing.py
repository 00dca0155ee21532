"""Everything marked under a real Prefect server; then every byte that it and the parts wrote down.

Its database with log and free pages, whatever else lies in its folder, its own log, and the logs of conductor
and worker. A leak is planted through its own door and in free pages, and has to be found.
"""

from __future__ import annotations

import csv
import io
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench import people
from cism.domain.roster_rows import COLUMNS
from cism.store.db import Database
from cism.store.tables import Escalation, Incident, Outbox, QueueItem, Step
from tests.flows.conftest import PrefectServer, eventually
from tests.flows.parts import Parts, parts
from tests.proof import canaries

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(240)]

_SURNAME, _PLANTED = "Quillfeáthermark", "Annzebrine Plantedmark"
_WORDS = "zanzibarquagga tonight and nobody else writes this"
_CRISIS = "xylophonequagga I want to kill myself"
_SPOILT = "oxbowquagga"
_RESPONDERS = 4


def _marked() -> tuple[str, list[str], dict[str, str]]:
    """The roster with a mark in every field; all marks; phones by id."""
    rows = list(csv.DictReader(io.StringIO(people.roster_file(4, _RESPONDERS))))
    for row in rows:
        row["id"] = f"QX7ROSTER{row['id']}"
        row |= {"name": f"{row['id']}zebrine {_SURNAME}", "email": f"{row['id']}@quaggamail.example"}
        row |= {"unit": f"Quaggaunit{row['unit'][:1]}", "rank": "Quaggarank", "station": "Quaggastation"}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    fields = ("id", "name", "phone", "email", "rank", "station")
    marks = [row[field] for row in rows for field in fields]
    marks += [_SURNAME, "Quaggaunit", _WORDS.split()[0], _CRISIS.split()[0], _SPOILT]
    return out.getvalue(), marks, {row["id"]: row["phone"] for row in rows}


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url, movable=True)
    yield database
    database.close()


def test_no_byte_that_prefect_or_a_part_wrote_tells_a_name_a_number_a_word_or_an_answer(
    db: Database, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    roster, marks, phones = _marked()
    with parts(db, tmp_path, prefect_server, 0, roster) as site:
        started = [site.start("worker"), site.start("conductor")]
        _live(site, phones)
        for process in started:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(60) for process in started] == [0, 0]
        places = _files(prefect_server.home) | _files(site.home)
    # our own database is searched in tests/proof; here a mark was put into it in clear, to be in an exception
    places = {name: content for name, content in places.items() if not name.startswith("cism.db")}
    assert {"prefect.db", "server.log", "conductor-1.log", "worker-0.log"} <= set(places)
    assert b"respond" in places["prefect.db"] + places.get("prefect.db-wal", b""), "these are the right bytes"
    assert b"step.failed" in places["conductor-1.log"] + places["worker-0.log"], "a mark was in an exception"
    hits = sorted({(hit.place, hit.canary, hit.form) for hit in canaries.search(places, marks)})
    assert hits == []
    _a_leak_is_found(prefect_server, tmp_path)


def _live(site: Parts, phones: dict[str, str]) -> None:
    """Pages, check-ins, a call that is asked for, words, words of a crisis; and a step that fails."""
    affected = [f"QX7ROSTERR{number}" for number in range(1, _RESPONDERS + 1)]
    incident = site.log(*affected[:3])
    eventually(lambda: site.paged_for(incident), 60, "paged")
    _spoil(site, site.log(affected[3]))
    site.go_on(timedelta(hours=25))
    eventually(lambda: _texted(site, "check_in"), 60, "check-ins have left")
    for key, words in zip(affected, ("3", _CRISIS, _WORDS), strict=False):
        site.say(phones[key], words)
    eventually(lambda: len(_rows(site, Escalation)) >= 2 and _rows(site, QueueItem), 60, "read")
    eventually(lambda: _texted(site, "escalation"), 60, "clinicians are asked")
    tried = select(Step.id).where(Step.tries > 0)
    eventually(lambda: site.see(lambda session: session.scalar(tried.limit(1))), 60, "a step failed")


def _spoil(site: Parts, incident: str) -> None:
    """What a reader of this incident's protocol raises names what it read."""
    with site.db.transaction() as session:
        session.get_one(Incident, incident).protocol_body = f'{{"key": "{_SPOILT}", "{_SPOILT}": 1}}'


def _texted(site: Parts, kind: str) -> bool:
    query = select(Outbox.id).where(Outbox.kind == kind, Outbox.sid.is_not(None))
    return site.see(lambda session: session.scalar(query.limit(1))) is not None


def _rows(site: Parts, table: type[Escalation | QueueItem]) -> list[str]:
    def work(session: Session) -> list[str]:
        return list(session.scalars(select(table.id)))

    found: list[str] = site.see(work)
    return found


def _a_leak_is_found(server: PrefectServer, folder: Path) -> None:
    """Through Prefect's own door; and one whose row is gone again."""
    with httpx.Client(base_url=server.url, auth=server.auth(), trust_env=False, timeout=60) as client:
        flow = _asked(client, "POST", "/flows/", {"name": "planted"}).json()["id"]
        body = {"flow_id": flow, "name": _PLANTED}
        run = _asked(client, "POST", "/flow_runs/", body).json()["id"]
        found = {hit.place for hit in canaries.search(_files(server.home), [_PLANTED])}
        assert found & {"prefect.db", "prefect.db-wal"}
        _asked(client, "DELETE", f"/flow_runs/{run}")
        _asked(client, "DELETE", f"/flows/{flow}")
    copy = folder / "copy.db"
    shutil.copyfile(server.home / "prefect" / "prefect.db", copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE planted (words TEXT)")
        connection.execute("INSERT INTO planted VALUES ('Bobzebrine Freepagemark')")
        connection.execute("DROP TABLE planted")
    connection.close()
    assert [*canaries.search({"copy": copy.read_bytes()}, ["Bobzebrine Freepagemark"])]


def _asked(
    client: httpx.Client, method: str, path: str, body: dict[str, str] | None = None
) -> httpx.Response:
    """Again while its database is locked, which it says with a 503."""
    answers: list[httpx.Response] = []

    def answered() -> bool:
        answers.append(client.request(method, path, json=body))
        return answers[-1].status_code != httpx.codes.SERVICE_UNAVAILABLE

    eventually(answered, 60, f"{method} {path} is answered")
    return answers[-1].raise_for_status()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
