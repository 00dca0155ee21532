"""Break-glass in a browser: both widths, by keyboard alone, and nothing that axe knows to be wrong."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from tests.pages.conftest import WIDTHS, axe, closer_look, go, in_a_browser, signed_in
from tests.web.conftest import Site

pytestmark = in_a_browser()


async def test_a_list_is_opened_by_keyboard_and_others_see_that_it_was(
    chromium: Browser, running: Site, pictures: Path
) -> None:
    ref = (await running.log())["ref"]
    page = await signed_in(chromium, running, "P1")
    await go(page, running, "/break-glass")
    await axe(page)
    await closer_look(page, "break-glass", pictures)
    await page.locator("#ref").focus()
    await page.keyboard.type(ref)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/break-glass/*")
    assert await page.get_by_role("heading", name="Rita Respond").is_visible()
    await axe(page)
    await closer_look(page, "break-glass-list", pictures)
    director = await signed_in(chromium, running, "D1", width=WIDTHS[1])
    await go(director, running, "/break-glass")
    assert await director.get_by_text("Pia Peer").is_visible()
    await axe(director)
    await closer_look(director, "break-glass-seen", pictures)
