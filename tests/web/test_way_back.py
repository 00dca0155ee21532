"""Whoever has to sign in first goes on where they wanted to go, and nowhere else."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from cism.domain.people import Role
from cism.web.pages.way_back import place
from tests.web.browsing import fields, first, newest_code, press, sign_in
from tests.web.conftest import Site

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _ask(site: Site, key: str, address: str) -> tuple[str, httpx.Response]:
    """A code for somebody who came to the sign-in by this address; the page that asks for it."""
    page = await site.client.get(address)
    form = fields(page, "/sign-in/phone") | {"phone": site.person(key).phone or ""}
    answer = await site.client.post("/sign-in/phone", data=form)
    path = answer.headers["location"].partition("?")[0]
    return path, await site.client.get(answer.headers["location"])


async def _give(site: Site, path: str, gate: httpx.Response) -> str:
    """Give the code; where it leads."""
    form = fields(gate, "/open") | {"code": newest_code(site, path)}
    return (await site.client.post(f"{path}/open", data=form)).headers["location"]


@pytest.mark.parametrize("wanted", ["/set-up", "/board", "/queue", "/me", "/week", "/log"])
async def test_a_page_opened_without_a_sign_in_leads_there_and_back(site: Site, wanted: str) -> None:
    answer = await site.client.get(wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, first(wanted))
    assert await _give(site, *await _ask(site, "C1", answer.headers["location"])) == wanted
    assert (await site.client.get(wanted)).status_code in {200, 403}


async def test_a_button_pressed_after_the_sign_in_was_over_leads_back_to_its_page(site: Site) -> None:
    await _give(site, *await _ask(site, "C1", "/sign-in"))
    page = await site.client.get("/set-up")
    site.client.cookies.delete("cism_session")
    answer = await press(site, "/set-up", page, "Use this protocol")
    assert (answer.status_code, answer.headers["location"]) == (303, first("/set-up"))


async def test_a_wrong_code_and_a_new_one_forget_nothing(site: Site) -> None:
    path, gate = await _ask(site, "C1", first("/set-up"))
    wrong = await site.client.post(f"{path}/open", data=fields(gate, "/open") | {"code": "000000"})
    assert fields(wrong, "/open")["to"] == "/set-up"
    again = await site.client.post(f"{path}/code", data=fields(wrong, "/code"))
    gate = await site.client.get(again.headers["location"])
    assert await _give(site, path, gate) == "/set-up"


async def test_whoever_just_signs_in_sees_what_waits_for_them(site: Site) -> None:
    path, gate = await _ask(site, "C1", "/sign-in")
    assert await _give(site, path, gate) == path


async def test_a_token_opens_the_log_form_alone_wherever_one_came_from(site: Site) -> None:
    headers = site.token(Role.SUPERVISOR, person="S1")
    for wanted in ("/board", "/log"):
        page = await site.client.get(first(wanted))
        form = fields(page, "/sign-in") | {"token": headers["Authorization"].removeprefix("Bearer ")}
        answer = await site.client.post("/sign-in", data=form)
        assert answer.headers["location"] == "/log"
    await sign_in(site)
    assert (await site.client.get("/board")).headers["location"] == first("/board")


@pytest.mark.parametrize(
    "written",
    [
        "https://elsewhere.example/board",
        "//elsewhere.example/board",
        "/\\elsewhere.example",
        "/board/../sign-out",
        "/board//x",
        "/sign-out",
        "/a/secret",
        "board",
        "/boardx",
        "/board\n/x",
        "javascript:alert(1)",
        "",
    ],
)
async def test_an_address_that_somebody_wrote_leads_to_no_other_place(site: Site, written: str) -> None:
    assert place(written) is None
    path, gate = await _ask(site, "C1", f"/sign-in?to={quote(written)}")
    assert await _give(site, path, gate) == path
