"""A supervisor at the roadside in a real browser: one thumb, a line that goes away, one calm page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, Route
from sqlalchemy import select

from cism.store.tables import AffectedPerson, Incident
from tests.conftest import START
from tests.pages.conftest import axe, closer_look, go, in_a_browser, signed_in
from tests.web.conftest import Site

pytestmark = in_a_browser()
# opening the kind, when it ended, two of the crew, the two who are asked about (a list opens, an entry is
# chosen), nobody else, send: with a reserve of two for a thumb that slips
MOST_TOUCHES = 12
DRAFT = "localStorage.getItem('cism-log-draft')"


class Thumb:
    """Counts what a supervisor does."""

    def __init__(self, page: Page) -> None:
        self.page, self.touches = page, 0

    async def touch(self, what: Locator) -> None:
        """One touch."""
        self.touches += 1
        await what.click()

    async def choose(self, label: str, value: str) -> None:
        """Open a list and touch an entry."""
        self.touches += 2
        await self.page.get_by_label(label).select_option(value)


async def _fill(thumb: Thumb, site: Site) -> None:
    page = thumb.page
    await thumb.touch(page.locator(".chip", has_text="Officer shot"))
    await thumb.touch(page.locator(".chip", has_text="Just now"))
    await thumb.touch(page.get_by_label("Rita Respond", exact=True))
    await thumb.touch(page.get_by_label("Ron Respond", exact=True))
    await thumb.choose("Who dispatched it?", "none")
    await thumb.choose("Who took the call?", site.id_of("T1"))
    await thumb.touch(page.get_by_label("Nobody else was there"))


async def _send(page: Page) -> None:
    await page.get_by_role("button", name="Log it and ask the team").click()


async def _draft(page: Page) -> dict[str, Any] | None:
    found = await page.evaluate(DRAFT)
    return json.loads(found) if found else None


async def _at_the_form(chromium: Browser, running: Site) -> Page:
    page = await signed_in(chromium, running, "S1")
    await go(page, running, "/log")
    return page


async def _put(page: Page, draft: dict[str, Any]) -> None:
    await page.evaluate("draft => localStorage.setItem('cism-log-draft', draft)", json.dumps(draft))


async def test_a_supervisor_logs_with_a_thumb_in_a_few_touches_and_no_key(
    chromium: Browser, running: Site, pictures: Path
) -> None:
    page = await signed_in(chromium, running, "S1", has_touch=True)
    await go(page, running, "/log")
    await axe(page)
    thumb = Thumb(page)
    await _fill(thumb, running)
    await closer_look(page, "log", pictures)
    await thumb.touch(page.get_by_role("button", name="Log it and ask the team"))
    await page.get_by_text("The team is working.").wait_for()
    assert thumb.touches <= MOST_TOUCHES
    await axe(page)
    await closer_look(page, "receipt", pictures)
    (row,) = running.rows(select(Incident))
    assert (row.type, row.ended_at) == ("OFFICER_SHOT", START)
    assert {one.person_id for one in running.rows(select(AffectedPerson))} == {
        running.id_of(key) for key in ("S1", "R1", "R2", "T1")
    }
    assert await _draft(page) is None


async def test_a_kind_is_found_by_a_word_and_chosen_by_a_touch(chromium: Browser, running: Site) -> None:
    page = await _at_the_form(chromium, running)
    await page.get_by_label("or search by a word").fill("crossing")
    await page.get_by_role("button", name="Fatal collision at a crossing").click()
    assert await page.get_by_label("Kind, out of all").input_value() == "CROSSING_FATAL"
    assert await page.get_by_label("or search by a word").input_value() == ""
    await page.locator(".chip", has_text="Officer shot").click()
    assert await page.get_by_label("Kind, out of all").input_value() == ""
    await page.get_by_label("Find a name").fill("rita")
    assert await page.get_by_label("Rita Respond", exact=True).is_visible()
    assert not await page.get_by_label("Ron Respond", exact=True).is_visible()


async def test_without_a_line_it_waits_on_the_phone_and_arrives_once(
    chromium: Browser, running: Site, pictures: Path
) -> None:
    page = await _at_the_form(chromium, running)
    await page.context.set_offline(True)
    await _fill(Thumb(page), running)
    await page.get_by_text("Somebody who is not on this list").click()
    await page.get_by_label("One person a line").fill("north-fire:F3 D")
    await _send(page)
    said = page.get_by_text("No line. It is kept on this phone")
    await said.wait_for()
    place = await said.bounding_box()  # in sight of the thumb that is still on the button
    assert place is not None
    assert 0 <= place["y"] < 740
    await axe(page)
    await closer_look(page, "no-line", pictures)
    assert running.count(Incident) == 0
    kept = json.dumps(await _draft(page))
    assert running.id_of("R1") in kept
    for secret in (
        "Rita",
        "Ron",
        "Sam",
        'R1"',
        "north-fire",
        "F3",
        running.person("R1").phone or "?",
        "form_token",
    ):
        assert secret not in kept
    await page.context.set_offline(False)
    await page.get_by_text("The team is working.").wait_for()
    assert running.count(Incident) == 1
    assert running.id_of("F3", "north-fire") in {
        one.person_id for one in running.rows(select(AffectedPerson))
    }
    assert await _draft(page) is None


async def test_an_answer_that_was_lost_is_asked_for_again_and_logs_once(
    chromium: Browser, running: Site
) -> None:
    page = await _at_the_form(chromium, running)
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.post_data or "")
            await route.fetch(max_redirects=0)
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/log", lose)
    await _fill(Thumb(page), running)
    await _send(page)
    await page.get_by_text("No line. It is kept on this phone").wait_for()
    assert running.count(Incident) == 1
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.get_by_text("The team is working.").wait_for()
    assert running.count(Incident) == 1


async def test_a_page_that_was_closed_without_a_line_is_sent_when_it_is_opened_again(
    chromium: Browser, running: Site
) -> None:
    page = await _at_the_form(chromium, running)
    await page.context.set_offline(True)
    await _fill(Thumb(page), running)
    await _send(page)
    await page.get_by_text("No line. It is kept on this phone").wait_for()
    context = page.context
    await page.close()
    await context.set_offline(False)
    page = await context.new_page()
    await page.goto(f"{running.settings.public_url}/log")
    await page.get_by_text("The team is working.").wait_for()
    assert running.count(Incident) == 1
    assert running.rows(select(Incident))[0].type == "OFFICER_SHOT"


async def test_what_was_begun_is_filled_in_again_and_erased_after_a_shift_and_on_leaving(
    chromium: Browser, running: Site
) -> None:
    page = await _at_the_form(chromium, running)
    await page.locator(".chip", has_text="Officer shot").click()
    await page.get_by_label("Rita Respond", exact=True).check()
    await go(page, running, "/log")
    assert await page.get_by_label("Rita Respond", exact=True).is_checked()
    kept = page.get_by_text("Kept on this phone.")
    assert await kept.is_visible()
    await page.get_by_role("button", name="Log it and ask the team").scroll_into_view_if_needed()
    place = await kept.bounding_box()
    assert place is not None
    assert place["y"] < 0, "it covers what is filled in"
    draft = await _draft(page)
    assert draft is not None
    await _put(page, draft | {"at": draft["at"] - 12 * 3_600_000 - 1000})
    await go(page, running, "/log")
    assert await _draft(page) is None
    assert not await page.get_by_label("Rita Respond", exact=True).is_checked()
    await page.locator(".chip", has_text="Officer shot").click()
    assert await _draft(page) is not None
    await page.get_by_role("button", name="Sign out").click()
    assert await _draft(page) is None


async def test_another_persons_draft_is_not_shown_and_goes(chromium: Browser, running: Site) -> None:
    page = await _at_the_form(chromium, running)
    at = await page.evaluate("Date.now()")
    await _put(page, {"owner": "x", "at": at, "fields": [["ended", "now"]]})
    await go(page, running, "/log")
    assert await _draft(page) is None
    assert not await page.locator("input[name=ended][value=now]").is_checked()


async def test_a_form_that_is_refused_says_why_with_everything_filled_in(
    chromium: Browser, running: Site
) -> None:
    page = await _at_the_form(chromium, running)
    await _fill(Thumb(page), running)
    await page.locator("input[name=ended][value=ago]").check()
    await page.get_by_label("How many minutes ago").fill("soon")
    await _send(page)
    await page.get_by_text("Not sent yet.").wait_for()
    assert await page.get_by_label("Rita Respond", exact=True).is_checked()
    await page.get_by_label("How many minutes ago").fill("20")
    await _send(page)
    await page.get_by_text("The team is working.").wait_for()
    assert running.count(Incident) == 1


async def test_the_keyboard_alone_logs_an_incident(chromium: Browser, running: Site) -> None:
    page = await signed_in(chromium, running, "S1", width=1280)
    await go(page, running, "/log")
    await axe(page)
    press = page.keyboard.press
    await page.locator("input[name=favourite]:checked").focus()
    await press("ArrowDown")  # round to the first kind
    await page.locator("input[name=ended][value=now]").focus()
    await press("Space")
    await page.locator("#dispatcher").focus()
    await press("ArrowDown")
    await page.locator("#call_taker").focus()
    await press("ArrowDown")
    await page.get_by_label("Nobody else was there").focus()
    await press("Space")
    for _ in range(6):
        await press("Tab")
        if await page.evaluate("document.activeElement.type === 'submit'"):
            break
    await press("Enter")
    await page.get_by_text("The team is working.").wait_for()
    assert running.count(Incident) == 1
