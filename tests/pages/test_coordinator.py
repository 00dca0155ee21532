"""A coordinator's day in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.pages import played
from tests.pages.conftest import WIDTHS, axe, closer_look, go, in_a_browser, signed_in
from tests.web.conftest import Site

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
    await page.context.close()
