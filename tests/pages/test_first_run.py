"""A new installation in a real Chromium: from the printed address to the first rehearsal, and practice."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cism.services import engine, first_run, roster
from cism.settings import Settings
from tests.conftest import START, VAULT_KEY, FakeClock, MakeDatabase
from tests.pages.conftest import (
    A_MINUTE,
    WIDTHS,
    axe,
    closer_look,
    go,
    in_a_browser,
    phone,
    serving,
    signed_in,
)
from tests.web.browsing import newest_code
from tests.web.conftest import AGENCY, ROSTER, Site

pytestmark = in_a_browser()
OWN_ROSTER = "\n".join(row for row in ROSTER.split("\n") if "north-fire" not in row)


@pytest_asyncio.fixture(loop_scope="session")
async def empty(
    sqlite_url: str,
    make_database: MakeDatabase,
    clock: FakeClock,
    web_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    """The application before anybody is on a roster, and what a rehearsal in another process needs."""
    monkeypatch.setenv("CISM_VAULT_KEYS", base64.urlsafe_b64encode(VAULT_KEY).decode())
    db = make_database(sqlite_url)
    with db.transaction() as session:
        engine.beat(session, "worker")
    async with serving(db, web_settings, clock) as site:
        yield site


def printed(site: Site) -> str:
    with site.db.transaction() as session:
        return f"/first-run/{first_run.offer(session)}"


async def found(page: Page) -> None:
    """Fill in the first form, as somebody does who makes a mistake first."""
    await page.get_by_label("Key", exact=True).fill(AGENCY)
    await page.get_by_label("Name in texts").fill("Metro Team")
    await page.get_by_label("Name", exact=True).fill("Carla Coord")
    await page.get_by_label("Personnel number").fill("C1")
    await page.get_by_label("Mobile phone").fill("212 555 01")
    await page.get_by_text("They agree to texts that ask them to help.").click()
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Name in texts")).to_have_value("Metro Team")
    await page.get_by_label("Mobile phone").fill("212 555 0101")
    await page.get_by_role("button", name="Save and go on").click()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_new_installation_from_the_printed_address_to_the_steps(
    empty: Site, chromium: Browser, pictures: Path, width: int
) -> None:
    page = await phone(chromium, width, scripts=False)
    path = printed(empty)
    await go(page, empty, path)
    await page.context.close()
    page = await phone(chromium, width)  # axe needs scripts; the pages do without
    for name in ("gate", "founding", "steps"):
        if name == "gate":
            await go(page, empty, path)
        elif name == "founding":
            await page.get_by_role("button", name="Begin").click()
            await expect(page.get_by_role("heading", name="Agency and coordinator", level=1)).to_be_visible()
        else:
            await found(page)
            await expect(page.get_by_role("heading", name="Set up Metro Team")).to_be_visible()
        for summary in await page.locator("main summary").all():
            await summary.click()
        await axe(page)
        await closer_look(page, f"first-run-{name}", pictures)
    await page.context.close()


async def test_the_first_incident_of_the_own_roster_is_rehearsed_without_scripts(
    empty: Site, chromium: Browser, pictures: Path
) -> None:
    page = await phone(chromium, scripts=False)
    await go(page, empty, printed(empty))
    await page.get_by_role("button", name="Begin").click()
    await found(page)
    await page.get_by_role("link", name="Import a roster").click()
    await page.get_by_label("A file, CSV in UTF-8").set_input_files(
        {"name": "roster.csv", "mimeType": "text/csv", "buffer": OWN_ROSTER.encode()}
    )
    await page.get_by_role("button", name="Look at it first").click()
    await page.get_by_role("button", name="Write it").click()
    await go(page, empty, "/set-up")
    await expect(page.get_by_text("11 active people.")).to_be_visible()
    await page.get_by_role("button", name="Send me a test text").click()
    await page.get_by_label("Code").fill(newest_code(empty, page.url.partition("?")[0]))
    await page.get_by_role("button", name="Open", exact=True).click()
    await expect(page.get_by_text("was confirmed")).to_be_visible()
    await page.get_by_label("Trauma risk management").check()
    await page.get_by_role("button", name="Use this protocol").click()
    await expect(page.get_by_label("Trauma risk management")).to_be_checked()
    await page.get_by_role("button", name="Rehearse", exact=True).click(timeout=A_MINUTE)
    await expect(page.get_by_role("heading", name="Rehearsal")).to_be_visible()
    assert await page.locator(".rehearsed li").count() > 10
    assert await page.get_by_text("Pia Peer").count() + await page.get_by_text("Paul Peer").count() > 0
    await expect(page.get_by_text("a peer is asked to call, day 28")).not_to_have_count(0)
    said = await page.locator(".rehearsed .hint").all_inner_texts()
    assert not [one for one in said if "_" in one or " f1" in one], "people's words, not the program's"
    await closer_look(page, "rehearsal", pictures)
    await page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_coordinator_starts_a_story_on_the_practice_page(
    sqlite_url: str,
    make_database: MakeDatabase,
    clock: FakeClock,
    web_settings: Settings,
    chromium: Browser,
    pictures: Path,
    width: int,
) -> None:
    db = make_database(sqlite_url, movable=True)
    with db.transaction() as session:
        roster.import_file(session, ROSTER.replace(AGENCY, "lake-pd"), START)
        engine.beat(session, "worker")
    settings = web_settings.model_copy(update={"clock": "movable"})
    async with serving(db, settings, clock) as site:
        page = await signed_in(chromium, site, "C1", width=width, agency="lake-pd")
        await go(page, site, "/set-up")
        await page.get_by_role("link", name="Practice").click()
        await page.get_by_role("button", name="Start the story").press("Enter")  # by keyboard alone
        await expect(page.get_by_text("1 open incident.")).to_be_visible()
        await page.get_by_text("Whose phone is whose").click()
        await axe(page)
        await closer_look(page, "practice", pictures)
        await page.context.close()
