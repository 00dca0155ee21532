"""What every page has: the way around, a language, a strict policy, and nothing that shuts anybody out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.pages.conftest import WIDTHS, axe, closer_look, go, in_a_browser, phone, signed_in
from tests.web.conftest import Site

pytestmark = in_a_browser()


@pytest.mark.parametrize("width", WIDTHS)
async def test_signing_in_and_own_pages_shut_nobody_out(
    running: Site, chromium: Browser, pictures: Path, width: int
) -> None:
    stranger = await phone(chromium, width)
    await go(stranger, running, "/sign-in")
    await axe(stranger)
    await closer_look(stranger, "sign-in", pictures)
    page = await signed_in(chromium, running, "R1", width=width, locale="es-US")
    for path in ("/me", "/me/receipt", "/me/calendar"):
        await go(page, running, path)
        await axe(page)
        await closer_look(page, path.strip("/").replace("/", "-"), pictures)
    await stranger.context.close()
    await page.context.close()


async def test_the_way_around_is_a_list_of_what_opens_and_tells_where_one_is(
    running: Site, chromium: Browser
) -> None:
    page = await signed_in(chromium, running, "R1")
    await go(page, running, "/me")
    links = page.get_by_role("navigation").get_by_role("link")
    assert await links.evaluate_all("all => all.map(one => one.getAttribute('href'))") == ["/me"]
    assert await links.first.get_attribute("aria-current") == "page"
    await go(page, running, "/")
    assert page.url.endswith("/me")
    await page.context.close()
