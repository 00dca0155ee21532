"""An affected responder's day in a real browser: from the address in a text to a call that is promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import select

from cism.services import people
from cism.store.tables import Escalation, Question
from tests.pages.conftest import axe, closer_look, go, in_a_browser, phone, signed_in
from tests.web.browsing import newest_code
from tests.web.conftest import Site

pytestmark = in_a_browser()
CARE = "/me/care"


def _thirty_days_later(site: Site, key: str = "R1") -> None:
    """Somebody whose number is confirmed was there; a month passes, day by day."""
    with site.db.transaction() as session:
        person = people.lock_person(session, site.id_of(key))
        person.phone_confirmed_at = person.first_text_at = site.clock.now()


async def _month(site: Site) -> str:
    """The address in the check-in of day 30."""
    _thirty_days_later(site)
    await site.log()
    for _ in range(31):
        site.perform(days=1)
    texts = [row.payload for row in site.messages("check_in", "R1") if '"link": "http' in row.payload]
    found = re.search(r"/a/[\w-]+", texts[-1])
    assert found is not None
    return found[0]


async def _give_code(page: Page, site: Site, path: str) -> None:
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill(newest_code(site, path))
    await page.get_by_role("button", name="Open").click()


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_responders_day_from_the_text_to_a_promised_call(
    chromium: Browser, running: Site, pictures: Path, scripts: bool
) -> None:
    path = await _month(running)
    page = await phone(chromium, 360, scripts=scripts)
    await go(page, running, path)
    await _give_code(page, running, path)
    assert page.url.endswith(CARE)
    await closer_look(page, "care", pictures)
    await page.get_by_role("button", name="All good").click()
    await page.get_by_text("Your answer has arrived").wait_for()
    await page.get_by_role("link", name="Ten private questions").click()
    await closer_look(page, "questions", pictures)
    for question in await page.get_by_role("group").all():
        await question.get_by_role("radio").last.check()
    await page.get_by_role("button", name="Add it up for me").click()
    assert "5 of 5" in await page.inner_text("main")
    assert page.url.endswith("/me/care/questions")
    await closer_look(page, "result", pictures)
    await page.get_by_role("button", name="Call me now").click()
    await page.get_by_text("Somebody will call you by").wait_for()
    await closer_look(page, "promised", pictures)
    await page.get_by_role("link", name="What happens with my data").click()
    await closer_look(page, "data", pictures)
    await page.get_by_role("link", name="Back").click()
    await page.get_by_role("link", name="Stop everything").click()
    await closer_look(page, "stop", pictures)
    await page.get_by_role("button", name="Yes, stop everything").click()
    await page.get_by_text("Everything has stopped").wait_for()
    mine = running.rows(select(Escalation).where(Escalation.person_id == running.id_of("R1")))
    assert [row.reason for row in mine] == ["call_now"]
    assert running.person("R1").opted_out_at is not None
    asked = running.rows(
        select(Question).where(Question.person_id == running.id_of("R1"), Question.point == "f30")
    )
    assert [(one.state, one.answer) for one in asked] == [("answered", "1")]


async def test_no_page_of_care_has_anything_that_axe_knows_to_be_wrong(
    chromium: Browser, running: Site, pictures: Path
) -> None:
    await _month(running)
    page = await signed_in(chromium, running, "R1", width=1280)
    for name in ("", "/questions", "/data", "/stop"):
        await go(page, running, CARE + name)
        await axe(page)
        await closer_look(page, f"wide{name.replace('/', '-')}", pictures)
    await go(page, running, f"{CARE}/questions")
    await page.get_by_role("group").first.get_by_label("No").check()
    for one in ("phq1", "phq2", "gad1", "gad2"):
        await page.locator(f"input[name={one}]").first.check()
    await page.get_by_role("button", name="Add it up for me").click()
    await axe(page)
    await closer_look(page, "wide-result", pictures)


async def test_too_early_is_calm_and_offers_a_call(chromium: Browser, running: Site, pictures: Path) -> None:
    await running.log()
    page = await signed_in(chromium, running, "R1")
    await go(page, running, f"{CARE}/questions")
    await axe(page)
    await closer_look(page, "early", pictures)
    await page.get_by_role("button", name="Call me in the next days").click()
    await page.get_by_text("Somebody will call you by").wait_for()


async def test_the_keyboard_alone_asks_for_a_call(chromium: Browser, running: Site) -> None:
    page = await signed_in(chromium, running, "R2")
    await go(page, running, CARE)
    for _ in range(30):
        await page.keyboard.press("Tab")
        words = await page.evaluate("document.activeElement.textContent")
        if "Call me now" in str(words):
            break
    await page.keyboard.press("Enter")
    await page.get_by_text("Somebody will call you by").wait_for()
    assert len(running.rows(select(Escalation))) == 1
