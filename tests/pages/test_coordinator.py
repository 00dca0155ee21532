"""A coordinator's day in a real Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from cism.store.tables import Person
from tests.pages import played
from tests.pages.conftest import WIDTHS, axe, closer_look, go, in_a_browser, phone, signed_in
from tests.web.browsing import newest_code
from tests.web.conftest import AGENCY, HEADER, ROSTER, Site

pytestmark = in_a_browser()


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_board_and_its_picture_shut_nobody_out(
    running: Site, chromium: Browser, pictures: Path, width: int
) -> None:
    ref = await played.a_day_after(running)
    await running.log(affected=[{"person_id": "T1", "circle": "C"}], severity="S2")
    running.perform()
    page = await signed_in(chromium, running, "C1", width=width)
    await running.text("R1", "could somebody tell me where the van keys are")
    for path in ("/board", f"/board/{ref}", "/queue", "/readiness", "/roster"):
        await go(page, running, path)
        await axe(page)
        await closer_look(page, path.strip("/").replace("/", "-").replace(ref, "incident"), pictures)
    await page.get_by_text("The columns", exact=True).click()
    await closer_look(page, "roster-columns", pictures)
    await page.get_by_text("More", exact=True).click()
    await axe(page)
    await closer_look(page, "more", pictures)
    await go(page, running, "/queue")
    await page.locator("time.until + .left").first.wait_for()  # how long is left, by a script of ours
    await page.get_by_role("link", name="Somebody wrote in their own words.").click()
    await axe(page)
    await closer_look(page, "queue-item", pictures)
    await go(page, running, "/roster")
    await _roster(page, pictures / "roster.csv", bad=False)
    await page.get_by_role("heading", name="Not written yet").wait_for()
    await axe(page)
    await closer_look(page, "roster-report", pictures)
    await page.context.close()


async def test_a_coordinators_whole_day_without_javascript(
    running: Site, chromium: Browser, tmp_path: Path
) -> None:
    page = await phone(chromium, scripts=False)
    await _sign_in_by_code(running, page, "C1")
    people = [{"person_id": key, "circle": "B"} for key in ("R1", "R2")]
    ref = (await running.log(affected=people))["ref"]
    running.perform()
    await page.get_by_role("link", name="Board").click()
    await page.get_by_role("link", name=ref).click()
    await page.get_by_role("button", name="I take over").click()
    await page.get_by_role("button", name="I take over").wait_for(state="detached")
    await _graver(page)
    assert await page.locator("h1 .tag").first.inner_text() == "S4, catastrophic or over days"
    await running.text("R1", "could somebody tell me where the van keys are")
    await page.get_by_role("link", name="Queue").click()
    await page.get_by_role("link", name="Somebody wrote in their own words.").click()
    await page.get_by_role("button", name="Handled").click()
    await page.get_by_text("Nothing waits.").wait_for()
    await page.get_by_text("More", exact=True).click()
    await page.get_by_role("link", name="Readiness").click()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Ask them to confirm").click()
    await page.get_by_text("More", exact=True).click()
    await page.get_by_role("link", name="Roster").click()
    await _roster(page, tmp_path / "roster.csv", bad=True)
    await page.get_by_text("Nothing was written", exact=True).first.wait_for()
    await page.get_by_role("link", name="Choose the file again").click()
    await _roster(page, tmp_path / "roster.csv", bad=False)
    await page.get_by_role("button", name="Write it").click()
    await page.get_by_role("heading", name="Imported").wait_for()
    assert running.person("R1").name == "Rita Resolute"
    await page.context.close()


async def _sign_in_by_code(site: Site, page: Page, key: str) -> None:
    await go(page, site, "/sign-in")
    await page.get_by_label("Your phone number").fill(site.person(key).phone or "")
    await page.get_by_role("button", name="Send me a code").click()
    while not site.messages("link_code"):  # it is sent after the answer
        await asyncio.sleep(0.01)
    await page.get_by_label("Code").fill(newest_code(site, page.url.partition("?")[0]))
    await page.get_by_role("button", name="Open").click()


async def _graver(page: Page) -> None:
    """By keyboard alone: open it, choose, say why, press."""
    await page.get_by_text("It is graver", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("S4")
    await page.keyboard.press("Tab")
    await page.keyboard.type("More is known")
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def _roster(page: Page, file: Path, *, bad: bool) -> None:
    mine = [HEADER, *(line for line in ROSTER.splitlines() if f",{AGENCY}," in line)]
    text = "\n".join([*mine, ""]).replace("Rita Respond", "Rita Resolute")
    file.write_text(text.replace("+12125550104", "nonsense") if bad else text)
    await page.get_by_label("A file, CSV in UTF-8").set_input_files(file)
    await page.get_by_role("button", name="Look at it first").click()


async def test_the_board_is_reached_by_keyboard_and_the_content_with_one_key(
    running: Site, chromium: Browser
) -> None:
    await running.log()
    page = await signed_in(chromium, running, "C1")
    await go(page, running, "/")
    assert page.url.endswith("/board")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "To the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    href = await page.evaluate("document.activeElement.getAttribute('href')")
    assert href.startswith("/board/C-")
    await page.context.close()


async def test_the_pages_speak_spanish(running: Site, chromium: Browser) -> None:
    ref = await played.a_day_after(running)
    with running.db.transaction() as session:
        session.get_one(Person, running.id_of("C1")).language = "es"
    page = await signed_in(chromium, running, "C1")
    for path, words in (("/board", "Tablero"), (f"/board/{ref}", "Línea de tiempo"), ("/queue", "Cola")):
        await go(page, running, path)
        assert words in await page.inner_text("main")
        assert await page.get_attribute("html", "lang") == "es"
    await page.context.close()
