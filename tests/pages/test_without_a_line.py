"""The log form on a phone without a line, after it was closed, and what the phone keeps: in real Chromium."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from cism.services import people, sign_ins
from cism.services.sign_ins import Way
from cism.store.tables import AffectedPerson, Incident
from tests.conftest import START
from tests.pages.conftest import axe, closer_look, go, in_a_browser, signed_in
from tests.web.conftest import AGENCY, Site

pytestmark = in_a_browser()
NAMES = ("Rita", "Ron", "Sam", "Metro", "Patrol", "form_token", "Officer shot</span>")
KEPT = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      found[new URL(request.url).pathname] = await (await caches.match(request)).text();
    }
  }
  return found;
}"""


async def _opened_once(chromium: Browser, running: Site) -> Page:
    """The form was open once; its page is closed and the line is gone."""
    page = await signed_in(chromium, running, "S1")
    await go(page, running, "/log")
    await asyncio.wait_for(page.evaluate("navigator.serviceWorker.ready.then(() => null)"), 30)
    context = page.context
    await page.close()
    await context.set_offline(True)
    return await context.new_page()


async def _write_it(page: Page, running: Site) -> None:
    await page.goto(f"{running.settings.public_url}/log")
    await page.get_by_label("Kind, out of all").select_option("CROSSING_FATAL")
    await page.locator(".chip", has_text="30 min ago").click()
    await page.get_by_role("button", name="Keep it and send it").click()
    await expect(page.get_by_text("A report waits on this phone.")).to_be_visible()


async def test_opened_closed_and_opened_without_a_line_it_is_sent_once_when_there_is_one(
    chromium: Browser, running: Site, pictures: Path
) -> None:
    page = await _opened_once(chromium, running)
    await page.goto(f"{running.settings.public_url}/log")
    await expect(page.get_by_role("heading", name="Log without a line")).to_be_visible()
    await axe(page)
    await closer_look(page, "log-offline", pictures)
    await _write_it(page, running)
    await axe(page)
    await closer_look(page, "log-offline-waits", pictures)
    assert running.count(Incident) == 0
    context = page.context
    await page.close()  # and once more: it is not lost
    page = await context.new_page()
    await page.goto(f"{running.settings.public_url}/log")
    await expect(page.get_by_text("A report waits on this phone.")).to_be_visible()
    await context.set_offline(False)
    await expect(page.get_by_role("heading", name="Who was there:")).to_be_visible(timeout=30_000)
    (row,) = running.rows(select(Incident))
    assert (row.type, row.logged_by) == ("CROSSING_FATAL", running.id_of("S1"))
    assert row.ended_at is not None
    assert (START - row.ended_at).total_seconds() >= 30 * 60
    await axe(page)
    await closer_look(page, "log-crew", pictures)
    await page.get_by_label("Rita Respond", exact=True).check()
    await page.get_by_label("Who dispatched it?").select_option("none")
    await page.get_by_label("Who took the call?").select_option(running.id_of("T1"))
    await page.get_by_role("button", name="Add them to the list").click()
    await expect(page.get_by_text("The team is working.")).to_be_visible()
    listed = {one.person_id for one in running.rows(select(AffectedPerson))}
    assert listed == {running.id_of(key) for key in ("S1", "R1", "T1")}
    assert running.count(Incident) == 1
    assert await page.evaluate("localStorage.getItem('cism-log-draft')") is None


async def test_the_phone_keeps_one_form_without_a_name_and_the_draft_says_no_more(
    chromium: Browser, running: Site
) -> None:
    page = await _opened_once(chromium, running)
    await _write_it(page, running)
    kept = await page.evaluate(KEPT)
    assert set(kept) == {"/log-offline", "/static/cism.css", "/static/icon.svg", "/static/log-offline.js"}
    draft = json.loads(await page.evaluate("localStorage.getItem('cism-log-draft')"))
    assert {name for name, _value in draft["fields"]} == {"type", "ended", "key"}
    everything = json.dumps([kept, await page.evaluate("JSON.stringify(localStorage)")])
    for name in (*NAMES, running.person("S1").phone or "?"):
        assert name not in everything
    assert "fatal collision" not in (await page.locator("main").inner_text()).lower(), "nor does it show it"


async def test_whoever_signs_in_next_on_a_shared_phone_sends_nothing_for_another(
    chromium: Browser, running: Site
) -> None:
    page = await _opened_once(chromium, running)
    await _write_it(page, running)
    with running.db.transaction() as session:
        other = people.by_roster_id(session, AGENCY, "C1")
        assert other is not None
        secret = sign_ins.of_person(session, other, Way.CODE)
    await page.context.add_cookies(
        [{"name": "cism_session", "value": secret, "url": running.settings.public_url}]
    )
    await page.context.set_offline(False)
    await expect(page.get_by_text("A report was written on this phone")).to_be_visible(timeout=30_000)
    await axe(page)
    assert await page.get_by_label("Kind, out of all").input_value() == "CROSSING_FATAL"
    assert running.count(Incident) == 0
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("localStorage.length") == 0


async def test_a_report_that_waited_for_twelve_hours_or_is_taken_back_is_erased(
    chromium: Browser, running: Site
) -> None:
    page = await _opened_once(chromium, running)
    await _write_it(page, running)
    await page.evaluate(
        """() => {
          const draft = JSON.parse(localStorage.getItem("cism-log-draft"));
          draft.at -= 12 * 3600 * 1000 + 1000;
          localStorage.setItem("cism-log-draft", JSON.stringify(draft));
        }"""
    )
    await _write_it(page, running)  # the form is there again: the old one is gone
    await page.get_by_role("button", name="Do not send it").click()
    await expect(page.get_by_role("button", name="Keep it and send it")).to_be_visible()
    assert await page.evaluate("localStorage.getItem('cism-log-draft')") is None
