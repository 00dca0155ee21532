"""The pages in a real Chromium: one browser for the whole run, and for each test an application of its own.

The application runs in a thread, over SQLite, on the test's clock. Tests of this folder that drive a browser
are `async` and marked with `in_a_browser`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
import pytest_asyncio
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from cism.services import engine, people, roster, sign_ins
from cism.services.delivery import Courier
from cism.services.sign_ins import Way
from cism.settings import Settings
from cism.store.db import Database
from cism.web.app import create_app
from tests.conftest import START, FakeClock, MakeDatabase
from tests.web.conftest import AGENCY, ROSTER, RememberingCourier, Site, site, web_settings

__all__ = ["axe", "closer_look", "in_a_browser", "phone", "signed_in", "site", "web_settings"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (360, 1280)
_MOST_BYTES = 150_000
_AXE = Axe()
A_MINUTE: Final = 60_000  # milliseconds: a machine with much else to do is slow, and not wrong
expect.set_options(timeout=A_MINUTE)


def in_a_browser() -> list[pytest.MarkDecorator]:
    """What a module of browser tests says: `pytestmark = in_a_browser()`."""
    return [
        pytest.mark.browser,
        pytest.mark.asyncio(loop_scope="session"),
        pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install Debian's chromium"),
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, started once."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def serving(db: Database, settings: Settings, clock: FakeClock) -> AsyncIterator[Site]:
    """The application over this database, as a browser meets it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = settings.model_copy(update={"public_url": address})
        courier = RememberingCourier()
        app = create_app(db, settings, cast(Courier, courier))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, lifespan="on"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            yield Site(db, settings, courier, client, clock, app.state.backend)
        server.should_exit = True
        thread.join()


@pytest_asyncio.fixture(loop_scope="session")
async def running(
    sqlite_url: str, make_database: MakeDatabase, clock: FakeClock, web_settings: Settings
) -> AsyncIterator[Site]:
    """The application with the roster of `tests/web`; nothing has happened yet."""
    db = make_database(sqlite_url)
    with db.transaction() as session:
        roster.import_file(session, ROSTER, START)
        engine.beat(session, "worker")  # somebody performs, so that receipts say so
    async with serving(db, web_settings, clock) as site:
        yield site


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go: for whoever wants to look at them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


async def phone(chromium: Browser, width: int = 360, *, scripts: bool = True, **changed: Any) -> Page:
    """A browser of its own: nobody is signed in."""
    context = await chromium.new_context(
        viewport={"width": width, "height": 740}, java_script_enabled=scripts, **changed
    )
    return await context.new_page()


async def signed_in(
    chromium: Browser, running: Site, key: str, *, width: int = 360, agency: str = AGENCY, **changed: Any
) -> Page:
    """The same, in which somebody of the roster has just given the code from their phone."""
    with running.db.transaction() as session:
        person = people.by_roster_id(session, agency, key)
        assert person is not None
        secret = sign_ins.of_person(session, person, Way.CODE)
    page = await phone(chromium, width, **changed)
    address = running.settings.public_url
    await page.context.add_cookies([{"name": "cism_session", "value": secret, "url": address}])
    return page


async def go(page: Page, running: Site, path: str) -> None:
    """Open a page of the application; it answers, and is small enough for a phone."""
    answer = await page.goto(running.settings.public_url + path)
    assert answer is not None
    assert answer.ok, (path, answer.status)
    assert len(await answer.body()) < _MOST_BYTES, path


async def axe(page: Page) -> None:
    """Nothing that axe knows to be wrong for somebody who cannot see, or sees and moves otherwise."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=cast(Any, scheme))
        results = await _AXE.run(page)
        assert results.violations_count == 0, f"{page.url} {scheme}\n{results.generate_report()}"
    await page.emulate_media(color_scheme="light")


async def closer_look(page: Page, name: str, pictures: Path) -> None:
    """Nothing is wider than the screen, thumbs hit all targets; a picture in both schemes."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.locator("html").evaluate("one => one.scrollWidth") <= width, "it scrolls sideways"
    for part in await page.locator("main > *, input:visible, select:visible, button:visible").all():
        place = await part.bounding_box()
        if place is not None:
            assert place["x"] >= 0, await part.inner_text()
            assert place["x"] + place["width"] <= width, await part.inner_text()
    for target in await page.locator("button:visible, a:visible, select:visible, summary:visible").all():
        place = await target.bounding_box()  # what a gloved thumb has to hit
        if place is not None and await target.get_attribute("class") != "skip":
            assert place["height"] >= 44, await target.inner_text()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=cast(Any, scheme))
        await page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.emulate_media(color_scheme="light")
