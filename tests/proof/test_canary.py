"""Ninety days, everything marked; then every byte that was written down anywhere is searched.

A mark is searched in lower case, as digits alone, URL-, base64- (at three alignments), hex- and JSON-escaped
and as UTF-16. What the phone wall keeps is what phones hold: it alone is left out. In each place a leak is
planted afterwards, and must be found.
"""

from __future__ import annotations

import base64
import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cism.cli.main import app as commands
from cism.domain.people import Role
from cism.services import calendar_feeds, papers, people, tokens
from cism.store.db import Database, now
from cism.web.app import create_app
from tests.conftest import VAULT_KEY
from tests.proof import canaries, ninety_days
from tests.proof.ground import wall_settings
from tests.stories.clock import StoryClock
from tests.stories.harness import Story
from tests.stories.servers import servers

pytestmark = pytest.mark.timeout(900)  # a minute where nothing else runs
COMMANDS = (
    "purge --dry-run --json",
    "audit verify --json",
    "doctor --json",
    "incidents --json",
    "escalations --json",
    "queue list --json",
    "backup status --json",
    "clock show --json",
    "purge --proof --json",
    "erasures --json",
    "hold list --json",
    "disclosure exceptions --json",
    "disclosure list --as QX7ROSTERcora --json",
    "break-glass list --as QX7ROSTERdina --json",
    "on-call rotations --agency metro-pd --json",
    "on-call calendars --agency metro-pd --json",
    "statistics --agency metro-pd --json",
    "token list --json",
    "keys status --json",
    "languages list --json",
)
"""Listings and exports in which nobody may be named, whoever reads them."""
NAME, PHONE = f"Annzebrine {ninety_days.SURNAME}", "+12125550107"


@pytest.fixture
def lived(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Story, Path]]:
    """The ninety days, with the parts still open."""
    file = tmp_path / "data" / "cism.db"
    file.parent.mkdir()
    shutil.copyfile(sqlite_template, file)
    with ExitStack() as stack:
        stack.enter_context(ninety_days.everything_logged(tmp_path / "data" / "everything.log"))
        clock = StoryClock()
        db = Database(f"sqlite:///{file}", clock=clock, movable=True)
        stack.callback(db.close)
        up = stack.enter_context(servers(db, _folder(tmp_path / "wall")))
        story = Story(db, clock, up, ninety_days.marked_cast())
        stack.callback(story.close, judge=False)
        found = ninety_days.live(story)
        assert found.texts > 150, found
        assert found.answered > 30, found
        assert {"check_in", "escalation", "invitation", "crisis_answer", "opt_in"} <= found.kinds, found.kinds
        yield story, tmp_path / "data"


async def test_after_ninety_days_no_byte_anywhere_tells_a_name_a_number_a_word_or_an_answer(
    lived: tuple[Story, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    story, folder = lived
    marks = ninety_days.canaries(story.cast)
    places = await _asked(story, folder)
    places |= _told_at_a_terminal(folder, monkeypatch)
    _backup_and_paper(story, folder, monkeypatch)
    places |= _files(folder)
    places["names of files"] = "\n".join(str(path) for path in folder.rglob("*")).encode()
    assert {"cism.db", "cism.db-wal", "everything.log", "backup.db", "paper.enc"} <= set(places)
    assert b"BEGIN:VCALENDAR" in places["calendar"]
    assert b"500" in places["what nobody foresaw"]
    hits = [*canaries.search(places, marks)]
    assert hits == [], sorted({(hit.place, hit.canary, hit.form) for hit in hits})[:20]
    for place in places:
        planted = {place: places[place] + f" {PHONE} ".encode()}
        assert [*canaries.search(planted, [PHONE])], place
    _plant_in_the_database(folder)
    assert {hit.place for hit in canaries.search(_files(folder), [NAME])} & {"cism.db", "cism.db-wal"}
    logging.getLogger("somebody.else").debug("sent to %s", PHONE)
    assert [hit.place for hit in canaries.search(_files(folder), [PHONE]) if hit.form == "digits"] == [
        "everything.log"
    ]


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("mark", [NAME, PHONE, ninety_days.WORDS.split()[0]])
def test_a_mark_is_found_in_every_form(mark: str, shift: int) -> None:
    ways: dict[str, bytes] = {
        "as it is": mark.encode(),
        "shouted": mark.upper().encode(),
        "utf-16": mark.encode("utf-16"),
        "hex": mark.encode().hex().upper().encode(),
        "json": json.dumps({"x": mark}).encode(),
        "base64": base64.b64encode(b"x" * shift + mark.encode() + b"tail"),
        "address-safe base64": base64.urlsafe_b64encode(b"x" * shift + mark.encode()),
        "url": httpx.URL("http://x/", params={"q": mark}).query,
    }
    for way, content in ways.items():
        assert [*canaries.search({way: b"before " + content + b" after"}, [mark])], way
    assert [*canaries.search({"clean": b"nobody stands here" * 99}, [mark])] == []


async def _asked(story: Story, folder: Path) -> dict[str, bytes]:
    """What strangers, mistaken callers and collectors are answered, and the headers of it."""
    settings = wall_settings(folder.parent / "web")
    app = create_app(story.db, settings, None)
    with story.db.transaction() as session:
        made = tokens.create(session, role=Role.SUPERVISOR, agency=story.cast.agency)
    head = {"Authorization": f"Bearer {made}"}
    feed = story.act(_own_calendar, story.person("QX7ROSTERpia0").id)
    found = {}
    app.add_api_route("/spoilt", _spoilt)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cism.test") as client:
        for name, method, path, more in (*_questions(head), ("calendar", "GET", f"/calendar/{feed}.ics", {})):
            answer = await client.request(method, path, **more)
            found[name] = answer.content + repr(answer.headers.raw).encode()
    return found


def _own_calendar(session: Session, person_id: str) -> str:
    return calendar_feeds.make(session, people.get(session, person_id), now(session))


def _spoilt() -> None:
    """What nobody foresaw, with everything in its words."""
    message = f"{NAME} {PHONE} {ninety_days.WORDS}"
    raise RuntimeError(message)


def _questions(head: dict[str, str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    incidents = "/api/v1/incidents"
    yield "metrics", "GET", "/metrics", {}
    yield "readyz", "GET", "/readyz", {}
    yield "sign-in", "GET", "/sign-in", {}
    yield "no such page", "GET", "/nothing", {"params": {"q": NAME}}
    yield "an address", "GET", f"/a/{'x' * 12}", {}
    yield "no token", "GET", "/api/v1/escalations", {}
    yield "no such incident", "GET", f"{incidents}/{NAME}", {"headers": head}
    yield "not JSON", "POST", incidents, {"headers": head, "content": NAME.encode()}
    yield "wrong field", "POST", incidents, {"headers": head, "json": {NAME: PHONE, "type": NAME}}
    yield "what nobody foresaw", "GET", "/spoilt", {}
    yield "unsigned webhook", "POST", "/twilio/sms", {"data": {"From": PHONE, "Body": ninety_days.WORDS}}
    yield "unsigned receipt", "POST", "/twilio/status", {"data": {"To": PHONE}, "params": {"d": NAME}}


def _told_at_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Statistics and listings that name nobody."""
    env = _environment(folder, monkeypatch)
    found = {}
    for line in COMMANDS:
        got = CliRunner(env=env).invoke(commands, line.split())
        found[f"cism {line}"] = got.output.encode()
        assert got.output.strip(), line
    return found


def _environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(folder.parent)
    keys = base64.urlsafe_b64encode(VAULT_KEY).decode()
    url = f"sqlite:///{folder / 'cism.db'}"
    env = {"CISM_HOME": str(_folder(folder / "home")), "CISM_DATABASE_URL": url, "CISM_VAULT_KEYS": keys}
    return env | {"CISM_CLOCK": "movable"}


def _backup_and_paper(story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = _environment(folder, monkeypatch)
    made = CliRunner(env=env).invoke(commands, ["backup", "make", str(folder / "backup.db")])
    assert made.exit_code == 0, made.output
    story.act(papers.set_passphrase, story.cast.agency, "correct horse battery staple quagga")
    sealed = story.act(papers.make, story.cast.agency)
    (folder / "paper.enc").write_bytes(sealed.data)


def _plant_in_the_database(folder: Path) -> None:
    """A row in clear that was deleted at once: it lives on in a free page."""
    connection = sqlite3.connect(folder / "cism.db")
    connection.execute("PRAGMA secure_delete=OFF")
    connection.execute("CREATE TABLE planted (words TEXT)")
    connection.execute("INSERT INTO planted VALUES (?)", (NAME,))
    connection.execute("DROP TABLE planted")
    connection.commit()
    connection.close()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path
