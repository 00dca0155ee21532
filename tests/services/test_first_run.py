"""The first run: one address, once, only while nobody coordinates; and what its self-test finds."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cism.cli.up import FIRST_RUN_FILE, tell_first_run
from cism.errors import BadInput, NotFound
from cism.services import first_run, people, roster, self_test, sign_ins
from cism.services.first_run import FirstCoordinator
from cism.services.self_test import Address, Provider, SelfTest
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Agency, Person
from notifications.inbound import validate
from tests.conftest import START, FakeClock, MakeDatabase

TOKEN = "a-token-of-tests"


@pytest.fixture
def db(sqlite_url: str, make_database: MakeDatabase) -> Database:
    return make_database(sqlite_url)


def given(**changed: Any) -> FirstCoordinator:
    fields: dict[str, Any] = {
        "agency": "lake-fire",
        "display": "Lake Fire",
        "region": "US",
        "crisis_line": "call or text 988",
        "discipline": "fire",
        "id": "C1",
        "name": "Cora Lake",
        "phone": "212 555 0101",
        "email": "",
        "timezone": "America/Chicago",
        "language": "en",
        "consent_pages": True,
        "consent_care": False,
        **changed,
    }
    return FirstCoordinator(**fields)


def offered(db: Database) -> str:
    with db.transaction() as session:
        secret = first_run.offer(session)
    assert secret is not None
    return secret


def entered(db: Database, secret: str) -> str:
    with db.transaction() as session:
        return first_run.enter(session, secret)


def found(db: Database, browser: str | None, **changed: Any) -> str:
    with db.transaction() as session:
        return first_run.found_programme(session, browser, given(**changed), START)


def test_the_address_makes_an_agency_with_a_coordinator_and_signs_them_in(db: Database) -> None:
    signed_in = found(db, entered(db, offered(db)))
    with db.read() as session:
        agency = session.get_one(Agency, "lake-fire")
        assert (agency.display, agency.crisis_line, agency.duty_phone) == (
            "Lake Fire",
            "call or text 988",
            "+12125550101",
        )
        person = people.by_roster_id(session, "lake-fire", "C1")
        assert person is not None
        assert (person.name, person.zone, person.consent_pages) == ("Cora Lake", "America/Chicago", True)
        browser = sign_ins.find(session, signed_in)
        assert browser is not None
        assert browser.caller.person_id == person.id
        assert browser.own is None  # their own pages open with a code to their phone


def test_an_address_opens_once_and_not_after_another_was_printed(db: Database) -> None:
    first = offered(db)
    second = offered(db)
    with pytest.raises(NotFound):
        entered(db, first)
    entered(db, second)
    with pytest.raises(NotFound):
        entered(db, second)


def test_an_address_ends_after_a_shift(db: Database, clock: FakeClock) -> None:
    secret = offered(db)
    clock.at += sign_ins.LONGEST + timedelta(seconds=1)
    with pytest.raises(NotFound):
        entered(db, secret)


def test_nothing_is_offered_or_opened_once_somebody_coordinates(db: Database) -> None:
    secret = offered(db)
    browser = entered(db, secret)
    found(db, browser)
    with pytest.raises(NotFound):
        found(db, browser, agency="other-fire", id="C2", phone="212 555 0102")
    with db.transaction() as session:
        assert first_run.offer(session) is None
    with db.read() as session, pytest.raises(NotFound):
        first_run.look(session, secret)


def test_a_coordinator_who_comes_by_a_roster_ends_it_too(db: Database) -> None:
    secret = offered(db)
    browser = entered(db, offered(db))
    with db.transaction() as session:
        roster.import_file(session, first_run._file(given(id="C9")), START)
    for work in (lambda s: first_run.look(s, secret), lambda s: first_run.inside(s, browser)):
        with db.read() as session, pytest.raises(NotFound):
            work(session)
    with pytest.raises(NotFound):
        found(db, browser)


@pytest.mark.parametrize("browser", [None, "", "guessed"])
def test_only_the_browser_that_opened_the_address_may_use_the_form(db: Database, browser: str | None) -> None:
    secret = offered(db)
    for one in (browser, secret):  # the address itself is not what the browser was given
        with pytest.raises(NotFound):
            found(db, one)


def test_what_a_first_run_hands_out_signs_nobody_in(db: Database) -> None:
    secret = offered(db)
    browser = entered(db, secret)
    with db.read() as session:
        assert sign_ins.find(session, browser) is None
        assert sign_ins.find(session, secret) is None


def test_a_form_with_errors_names_them_all_and_saves_nothing(db: Database) -> None:
    browser = entered(db, offered(db))
    with pytest.raises(BadInput) as refusal:
        found(db, browser, phone="123", timezone="Chicago")
    assert len(refusal.value.errors) == 2
    assert not any(error.startswith("line") for error in refusal.value.errors)
    with pytest.raises(BadInput, match="locked screens"):
        found(db, browser, display="Trauma team")
    with db.read() as session:
        assert session.scalars(select(Person)).all() == []
        assert session.scalars(select(Agency)).all() == []
    found(db, browser)  # and the browser may correct it


def test_the_address_is_printed_on_a_terminal_and_else_kept_in_a_file_of_ours(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    said: list[str] = []
    tell_first_run(settings, 8123, "opensesame", said.append, terminal=True)
    assert "http://127.0.0.1:8123/first-run/opensesame" in said[0]
    file = tmp_path / FIRST_RUN_FILE
    assert not file.exists()
    tell_first_run(settings, 8123, "opensesame", said.append, terminal=False)
    assert "opensesame" not in said[1]
    assert file.read_text() == "http://127.0.0.1:8123/first-run/opensesame\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tell_first_run(settings, 8123, None, said.append, terminal=False)
    assert not file.exists()
    assert len(said) == 2


def _settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, public_url="http://cism.test", _env_file=None)  # type: ignore[call-arg]


async def _tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, trouble: tuple[bool, str] | None = None
) -> SelfTest:
    async def said(_settings: Settings) -> tuple[bool, str] | None:
        return trouble

    monkeypatch.setattr(self_test.gateway, "trouble", said)
    return await self_test.run(_settings(tmp_path), TOKEN, transport=httpx.MockTransport(answer))


def _checked(request: httpx.Request) -> httpx.Response:
    form = [pair.split("=") for pair in request.content.decode().split("&")]
    fits = validate(
        request.headers["X-Twilio-Signature"], str(request.url), [(a, b) for a, b in form], (TOKEN,)
    )
    return httpx.Response(204 if fits else 403)


async def test_a_self_test_posts_as_the_provider_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await _tested(tmp_path, monkeypatch, _checked)
    assert found == SelfTest(Provider.ANSWERS, Address.READ, forged_refused=True)
    assert found.good


def _unreached(_request: httpx.Request) -> httpx.Response:
    message = "refused"
    raise httpx.ConnectError(message)


@pytest.mark.parametrize(
    ("answer", "trouble", "expected"),
    [
        (lambda _: httpx.Response(403), None, SelfTest(Provider.ANSWERS, Address.MISSIGNED, True)),
        (lambda _: httpx.Response(204), None, SelfTest(Provider.ANSWERS, Address.READ, False)),
        (lambda _: httpx.Response(200), (True, ""), SelfTest(Provider.REFUSES, Address.ELSEWHERE, False)),
        (_unreached, (False, ""), SelfTest(Provider.SILENT, Address.UNREACHED, None)),
    ],
)
async def test_a_self_test_tells_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, trouble: Any, expected: SelfTest
) -> None:
    found = await _tested(tmp_path, monkeypatch, answer, trouble)
    assert found == expected
    assert not found.good
