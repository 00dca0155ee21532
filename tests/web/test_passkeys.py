"""Passkeys, with an authenticator in software."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from cism.services import roster_moves
from cism.settings import Settings
from cism.store.tables import Passkey, Person, SignIn
from tests.conftest import START
from tests.fakes.authenticator import Authenticator
from tests.proof.ground import words_of
from tests.web.browsing import fields
from tests.web.conftest import TOKEN, Site
from tests.web.test_signing_in import by_phone, signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HERE = "https://cism.test"


@pytest.fixture
def web_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As behind TLS: browsers have no passkeys otherwise."""
    for name in ("CISM_TWILIO_ACCOUNT_SID", "CISM_TWILIO_AUTH_TOKEN", "CISM_PUBLIC_URL", "CISM_CLOCK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "wall.credentials").write_text(f"AC{'1' * 32}:{TOKEN}\n")
    return Settings(home=tmp_path, public_url=HERE)


@pytest.fixture
def site(site: Site) -> Site:
    """The address stands in the database's settings too."""
    site.db.public_url = HERE
    return site


def options(page: httpx.Response) -> str:
    """What the page's script hands to the authenticator."""
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found is not None
    return html.unescape(found.group(1))


async def made(site: Site, key: str, device: Authenticator) -> httpx.Response:
    """Sign in by phone and make a passkey."""
    await by_phone(site, key)
    own = await site.client.get("/me")
    page = await site.client.post("/me/passkeys/new", data=fields(own, "/me/passkeys/new"))
    form = fields(page, "/me/passkeys/add") | {"answer": device.make(options(page))}
    return await site.client.post("/me/passkeys/add", data=form)


async def begun(site: Site) -> httpx.Response:
    """A browser that nobody is signed in with asks for a passkey."""
    site.client.cookies.clear()
    page = await site.client.get("/sign-in")
    return await site.client.post("/sign-in/passkey", data=fields(page, "/sign-in/passkey"))


async def used(site: Site, device: Authenticator, page: httpx.Response | None = None) -> httpx.Response:
    """Sign in with it."""
    page = page or await begun(site)
    form = fields(page, "/sign-in/passkey/answer") | {"answer": device.use(options(page))}
    return await site.client.post("/sign-in/passkey/answer", data=form)


async def test_a_passkey_made_once_signs_in_and_opens_the_own_page(site: Site) -> None:
    device = Authenticator(HERE)
    assert (await made(site, "S1", device)).headers["location"] == "/me"
    answer = await used(site, device)
    assert (await site.client.get(answer.headers["location"])).status_code == 200
    assert await signed_in(site)
    assert "Sam Super" in (await site.client.get("/me")).text
    assert site.rows(select(SignIn.way).order_by(SignIn.made_real, SignIn.way)) == ["code", "passkey"]


async def test_the_phone_is_told_of_a_new_passkey_in_words_for_a_locked_screen(site: Site) -> None:
    await made(site, "S1", Authenticator(HERE))
    (told,) = site.messages("passkey_added", "S1")
    words = words_of(told)
    assert "a passkey was added just now. Not you?" in words
    assert "http" not in words
    await made(site, "S1", Authenticator(HERE))
    assert len(site.messages("passkey_added", "S1")) == 2


async def test_only_its_pages_have_a_script_and_only_our_own(site: Site) -> None:
    page = await begun(site)
    policy = page.headers["content-security-policy"]
    assert policy.endswith("script-src 'self'")
    assert "unsafe" not in policy
    assert re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.DOTALL) == [
        (' src="/static/passkey.js" defer', "")
    ]
    assert not re.search(r"\son\w+=", page.text)
    assert "script-src" not in (await site.client.get("/sign-in")).headers["content-security-policy"]


async def test_an_answer_is_good_once_and_for_its_own_question_alone(site: Site) -> None:
    device = Authenticator(HERE, counts=False)
    await made(site, "S1", device)
    page, other = await begun(site), await begun(site)
    form = fields(page, "/sign-in/passkey/answer") | {"answer": device.use(options(page))}
    crossed = fields(other, "/sign-in/passkey/answer") | {"answer": form["answer"]}
    assert (await site.client.post("/sign-in/passkey/answer", data=crossed)).status_code == 401
    form["form_token"] = crossed["form_token"]
    assert (await site.client.post("/sign-in/passkey/answer", data=form)).status_code == 303
    form["form_token"] = fields(await site.client.get("/sign-in"), "/sign-in/phone")["form_token"]
    assert (await site.client.post("/sign-in/passkey/answer", data=form)).status_code == 401


@pytest.mark.parametrize(
    "device",
    [Authenticator("https://cism.test.example.org"), Authenticator(HERE, verifies=False)],
    ids=["another address", "nobody showed a face, finger or PIN"],
)
async def test_a_passkey_is_not_made_elsewhere_or_without_its_owner(
    site: Site, device: Authenticator
) -> None:
    assert (await made(site, "S1", device)).status_code == 422
    assert site.count(Passkey) == 0


async def test_an_unknown_a_copied_and_a_spoilt_passkey_get_the_same_words(site: Site) -> None:
    device = Authenticator(HERE)
    await made(site, "S1", device)
    await used(site, device)
    device.count = 0  # a copy that has not counted along
    copied = await used(site, device)
    unknown = await used(site, Authenticator(HERE))
    page = await begun(site)
    form = fields(page, "/sign-in/passkey/answer") | {"answer": "{"}
    spoilt = await site.client.post("/sign-in/passkey/answer", data=form)
    assert [one.status_code for one in (copied, unknown, spoilt)] == [401, 401, 401]
    assert copied.text == unknown.text == spoilt.text


async def test_a_stolen_device_without_its_owner_signs_nobody_in(site: Site) -> None:
    """Neither face, finger nor PIN was shown: whoever holds the key alone is nobody."""
    device = Authenticator(HERE)
    await made(site, "S1", device)
    device.verifies = False
    assert (await used(site, device)).status_code == 401
    assert not await signed_in(site)


async def test_a_late_answer_is_refused(site: Site) -> None:
    device = Authenticator(HERE)
    await made(site, "S1", device)
    page = await begun(site)
    site.clock.advance(minutes=11)
    assert (await used(site, device, page)).status_code == 401


async def test_nobody_keeps_a_passkey_for_another_or_takes_theirs_away(site: Site) -> None:
    device = Authenticator(HERE)
    await made(site, "S1", device)
    (row,) = site.rows(select(Passkey))
    await by_phone(site, "R1")
    own = await site.client.get("/me")
    form = {"form_token": fields(own, "/me/passkeys/new")["form_token"], "passkey": row.id}
    await site.client.post("/me/passkeys/remove", data=form)
    assert site.count(Passkey) == 1
    page = await site.client.post("/me/passkeys/new", data=form)
    ticket = fields(page, "/me/passkeys/add")["ticket"]
    await by_phone(site, "S1")
    own = await site.client.get("/me")
    theirs = {"form_token": fields(own, "/me/passkeys/new")["form_token"], "ticket": ticket}
    answer = Authenticator(HERE).make(options(page))
    assert (await site.client.post("/me/passkeys/add", data=theirs | {"answer": answer})).status_code == 401


async def test_whoever_was_removed_signs_in_with_nothing(site: Site) -> None:
    device = Authenticator(HERE)
    await made(site, "S1", device)
    page = await begun(site)
    with site.db.transaction() as session:
        roster_moves.remove(session, session.get_one(Person, site.id_of("S1")), by=None, now=START)
    assert site.count(Passkey) == 0
    assert (await used(site, device, page)).status_code == 401
