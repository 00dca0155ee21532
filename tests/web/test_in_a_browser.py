"""A real Chromium, JavaScript switched off, on the width of a phone and of a desk."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, Page, Route, async_playwright
from sqlalchemy import select

from cism.services import engine, roster
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Assignment, Escalation, GroupSession, Incident, Question, QueueItem
from cism.web.app import create_app
from notifications.phone_wall.server import RunningWall, running_wall
from tests.conftest import START, FakeClock, MakeDatabase
from tests.web.browsing import newest_code
from tests.web.conftest import ROSTER, RememberingCourier, Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (360, 1280)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install Debian's chromium"),
]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port of this test's own."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture
async def served(
    sqlite_url: str,
    make_database: MakeDatabase,
    clock: FakeClock,
    web_settings: Settings,
    listening: socket.socket,
) -> AsyncIterator[Site]:
    """The application over HTTP, as a browser meets it."""
    db: Database = make_database(sqlite_url)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = web_settings.model_copy(update={"public_url": address})
    with db.transaction() as session:
        roster.import_file(session, ROSTER, START)
        engine.beat(session, "worker")  # somebody performs, so that receipts say so
    courier = RememberingCourier()
    app = create_app(db, settings, cast(Courier, courier))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, lifespan="on"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield Site(db, settings, courier, client, clock, app.state.backend)
    server.should_exit = True
    await running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go: for whoever wants to look at them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


async def _phone(chromium: Browser, width: int = 360, **changed: Any) -> Page:
    context = await chromium.new_context(
        viewport={"width": width, "height": 740}, java_script_enabled=False, **changed
    )
    return await context.new_page()


async def _sign_in(site: Site, page: Page) -> None:
    from cism.domain.people import Role

    token = site.token(Role.SUPERVISOR, person="S1")["Authorization"].removeprefix("Bearer ")
    await page.goto(f"{site.settings.public_url}/log")
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()


async def _open(site: Site, page: Page, path: str) -> None:
    await page.goto(site.settings.public_url + path)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(newest_code(site, path))
    await page.get_by_role("button", name="Open").click()


async def _look(page: Page, name: str, pictures: Path) -> None:
    """Nothing is wider than the screen; a picture in both schemes for whoever wants to look."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    for part in await page.locator("main > *, input:visible, select:visible, button:visible").all():
        place = await part.bounding_box()
        if place is not None:
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width
    for target in await page.locator("button:visible, a:visible, select:visible, summary:visible").all():
        place = await target.bounding_box()  # what a gloved thumb has to hit
        if place is not None and await target.get_attribute("class") != "skip":
            assert place["height"] >= 44, await target.inner_text()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=cast(Any, scheme))
        await page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_supervisor_logs_an_incident_without_javascript(
    served: Site, chromium: Browser, pictures: Path, width: int
) -> None:
    page = await _phone(chromium, width)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    await page.goto(f"{served.settings.public_url}/sign-in")
    await _look(page, "sign-in", pictures)
    await _sign_in(served, page)
    await page.get_by_label("Kind").select_option("CHILD")
    await page.get_by_label("Minutes ago", exact=True).check()
    await page.get_by_label("How many minutes ago").fill("20")
    await page.get_by_label("Rita Respond", exact=True).check()
    await page.get_by_label("How near Rita Respond was").select_option("A")
    await page.get_by_label("Who dispatched it?").select_option("none")
    await page.get_by_label("Who took the call?").select_option(served.id_of("T1"))
    await page.get_by_label("Nobody else was there").check()
    await _look(page, "log", pictures)
    await page.get_by_role("button", name="Log it and ask the team").click()
    await page.get_by_text("The team is working.").wait_for()
    await _look(page, "receipt", pictures)
    assert served.count(Incident) == 1
    assert problems == []  # the policy refused nothing of our own


async def test_what_is_wrong_is_marked_on_the_form(served: Site, chromium: Browser, pictures: Path) -> None:
    page = await _phone(chromium)
    await _sign_in(served, page)
    await page.get_by_label("Kind").select_option("LODD")
    await page.get_by_label("Just now").check()
    await page.get_by_label("Who dispatched it?").select_option("none")
    await page.get_by_label("Who took the call?").select_option("other")
    await page.get_by_label("Nobody else was there").check()
    await page.get_by_role("button", name="Log it and ask the team").click()
    await page.get_by_text("Not sent yet.", exact=True).wait_for()
    await page.get_by_text("Has the family been told?").wait_for()
    await _look(page, "log-problems", pictures)
    assert served.count(Incident) == 0


@pytest.mark.parametrize("width", WIDTHS)
async def test_helpers_and_those_in_charge_find_what_to_do(
    served: Site, chromium: Browser, pictures: Path, width: int
) -> None:
    people = [{"person_id": key, "circle": "B"} for key in ("R1", "R2", "R3")]
    await served.log(affected=people)
    served.perform()
    for peer in ("P1", "P2"):
        await served.text(peer, "1")
    served.perform()
    await served.text("R1", "3")
    await served.text("R2", "could someone tell me where the van keys are")
    served.perform(hours=2, minutes=1)
    links = _links(served)
    for name, (key, purpose, subject) in links.items():
        page = await _phone(chromium, width)
        await page.goto(served.settings.public_url + served.link(key, purpose, subject))
        if name == "assignment":
            await _look(page, "gate", pictures)
        await _open(served, page, served.link(key, purpose, subject))
        await page.locator("h1").wait_for()
        await _look(page, name, pictures)
        assert "Open for 15 minutes" in await page.content()
        await page.context.close()


def _links(site: Site) -> dict[str, tuple[str, str, str]]:
    keys = {site.id_of(key): key for key in ("C1", "D1", "K1", "P1", "P2", "P3")}
    asked = {
        row.kind: (keys[row.person_id], row.subject_id or "")
        for row in site.rows(select(Question).where(Question.state == "open"))
        if row.person_id in keys
    }
    (incident,) = site.rows(select(Incident))
    (item,) = site.rows(select(QueueItem).where(QueueItem.kind == "free_text"))
    assignment = site.rows(select(Assignment).where(Assignment.peer_id == site.id_of("P1")))[0]
    assert site.count(Escalation) >= 1
    assert site.count(GroupSession) >= 1
    return {
        "assignment": ("P1", "assignment", assignment.id),
        "incident": ("C1", "incident", incident.id),
        "queue": ("C1", "queue", item.id),
        "escalation": (asked["escalation"][0], "escalation", asked["escalation"][1]),
        "approval": (asked["approval"][0], "approval", asked["approval"][1]),
    }


@pytest.mark.parametrize("scripts", [False, True])
async def test_a_handset_is_answered_on_the_phone_wall(chromium: Browser, scripts: bool) -> None:
    with running_wall(numbers=("+12025550100",)) as wall:
        await wall_text(wall, "+12125550123", "1 A7K2 available")
        context = await chromium.new_context(java_script_enabled=scripts)
        page = await context.new_page()
        await page.goto(wall.url)
        await page.get_by_text("No real phone is reached.").wait_for()
        await page.get_by_label("Reply from +12125550123").fill("1 A7K2")
        await page.get_by_role("button", name="Send").last.click()
        await page.locator("li.said").wait_for()
        assert [message.body for message in wall.app_state.store.messages if message.is_inbound] == ["1 A7K2"]
        await context.close()


async def wall_text(wall: RunningWall, to: str, body: str) -> None:
    """One text to a handset, as the product hands it over."""
    path = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}/Messages.json"
    async with httpx.AsyncClient(auth=(wall.account_sid, wall.auth_token)) as client:
        answer = await client.post(path, data={"To": to, "From": "+12025550100", "Body": body})
    assert answer.status_code == 201


async def late(route: Route) -> None:
    """A script that comes well after the page that it belongs to, as on a poor line."""
    await asyncio.sleep(1)
    await route.continue_()


async def test_a_passkey_is_made_and_used_in_a_real_browser_under_the_strict_policy(
    served: Site, chromium: Browser
) -> None:
    address = served.settings.public_url.replace("127.0.0.1", "localhost")
    settings = served.settings.model_copy(update={"public_url": address})
    served.backend.settings, served.db.public_url = settings, address
    context = await chromium.new_context(viewport={"width": 360, "height": 740})
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    await page.route("**/static/passkey.js", late)
    devices = await context.new_cdp_session(page)
    await devices.send("WebAuthn.enable")
    await devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    await page.goto(f"{address}/sign-in")
    await page.get_by_label("Your phone number").fill("+12125550104")
    await page.get_by_role("button", name="Send me a code").click()
    while not served.messages("link_code"):  # it is sent after the answer
        await asyncio.sleep(0.01)
    await page.get_by_label("Code").fill(newest_code(served, page.url.partition("?")[0]))
    await page.get_by_role("button", name="Open").click()
    await page.get_by_role("link", name="Your own page").click()
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_role("button", name="Make the passkey").click()
    await page.get_by_text("Remove this passkey").wait_for()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_role("button", name="Use my passkey").click()
    await page.get_by_role("link", name="Your own page").click()
    assert "Rita Respond" in await page.content()
    assert problems == []
    await context.close()
