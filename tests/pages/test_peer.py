"""A whole day of a peer, and of a clinician, in a real browser: by thumb, by keyboard, without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import select

from cism.domain.escalation import EscalationState
from cism.store.states import SessionState
from cism.store.tables import Assignment, Escalation, GroupSession, Question
from tests.pages.conftest import WIDTHS, axe, closer_look, go, in_a_browser, signed_in
from tests.web.conftest import Site

pytestmark = in_a_browser()


async def _look(page: Page, name: str, pictures: Path) -> None:
    await axe(page)
    await closer_look(page, name, pictures)


def _peer_asked(site: Site) -> str:
    asked = site.rows(select(Question).where(Question.kind == "page", Question.state == "open"))[0]
    return next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)


async def _log(site: Site) -> None:
    people = [{"person_id": key, "circle": "B"} for key in ("R1", "R2", "R3")]
    await site.log(affected=people)
    site.perform()


async def _by_keyboard(page: Page, name: str) -> None:
    """Reach a button with Tab alone, and press it."""
    for _step in range(80):
        await page.keyboard.press("Tab")
        words = await page.evaluate("document.activeElement && document.activeElement.innerText")
        if words is not None and words.strip() == name:
            async with page.expect_navigation():
                await page.keyboard.press("Enter")
            return
    raise AssertionError(f"no Tab leads to {name!r}")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_peers_whole_day(running: Site, chromium: Browser, pictures: Path, width: int) -> None:
    await _log(running)
    peer = _peer_asked(running)
    page = await signed_in(chromium, running, peer, width=width)
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    await go(page, running, "/peer")
    await _look(page, "peer-asked", pictures)
    await page.get_by_role("button", name="I am available").click()
    for other in ("P1", "P2", "P3"):
        if other != peer:
            await running.text(other, "1")
    running.perform()
    await go(page, running, "/peer")
    left = page.locator(".left").first
    before = await left.inner_text()
    assert before.endswith(" left")
    assert " min " in before, "3:59:59 beside a time of day reads like another"
    # it shows two units: a minute is gone, without waiting for it
    await page.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    await page.wait_for_function("before => document.querySelector('.left').innerText !== before", arg=before)
    await _look(page, "peer-calls", pictures)
    await page.get_by_role("link", name="brief, limits, worry").first.click()
    await page.get_by_text("The conversation, step by step").click()
    await page.get_by_text("Stabilize").wait_for()
    await _look(page, "assignment", pictures)
    await page.get_by_role("button", name="I told them the limits").first.click()
    await page.get_by_role("button", name="I am worried").first.click()
    await page.get_by_text("A clinician is asked about them.").first.wait_for()
    await page.get_by_role("button", name="Reached", exact=True).first.click()
    await page.get_by_role("link", name="Back to the list").click()
    await go(page, running, "/briefs")
    await page.get_by_text("Defusing", exact=True).click()
    await _look(page, "briefs", pictures)
    await go(page, running, "/week")
    await _look(page, "week", pictures)
    await page.get_by_label("Hand back everything").first.check()
    await page.get_by_role("button", name="I need a rest").click()
    await page.get_by_text("Nobody asks you for anything").wait_for()
    running.perform()  # what they were asked, and what is theirs, goes on to others
    await go(page, running, "/peer")
    await page.get_by_text("No call is due now.").wait_for()
    (mine,) = running.rows(select(Assignment).where(Assignment.peer_id == running.id_of(peer)))
    assert mine.state.value == "handed_back"
    assert problems == []  # the policy refused nothing of our own
    await page.context.close()


async def test_accepting_and_reporting_need_no_script_and_speak_spanish(
    running: Site, chromium: Browser, pictures: Path
) -> None:
    await _log(running)
    peer = _peer_asked(running)
    with running.db.transaction() as session:
        session.get_one(type(running.person(peer)), running.id_of(peer)).language = "es"
    page = await signed_in(chromium, running, peer, scripts=False)
    await go(page, running, "/peer")
    await page.get_by_role("button", name="Estoy disponible").click()
    running.perform()
    await go(page, running, "/peer")
    await closer_look(page, "peer-es", pictures)
    assert await page.locator(".left").count() == 0
    await page.get_by_role("button", name="Hablamos").first.click()
    answered = select(Question).where(Question.kind == "contact_report", Question.state == "answered")
    assert len(running.rows(answered)) == 1
    await page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_clinicians_whole_day(running: Site, chromium: Browser, pictures: Path, width: int) -> None:
    await _log(running)
    for peer in ("P1", "P2"):
        await running.text(peer, "1")
    await running.text("R1", "3")
    running.perform(hours=2, minutes=1)
    (question,) = running.rows(select(Question).where(Question.kind == "approval"))
    key = next(one for one in ("K1", "D1") if running.id_of(one) == question.person_id)
    page = await signed_in(chromium, running, key, width=width)
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    await go(page, running, "/me")
    await page.get_by_role("alert").get_by_role("link").click()
    await page.get_by_text("Nobody has taken it.").first.wait_for()
    assert (await page.locator(".left").first.inner_text()).startswith("late by")
    await _look(page, "desk", pictures)
    await page.get_by_role("link", name="Open with all facts").first.click()
    await page.get_by_text("For you to judge").wait_for()
    await _look(page, "decision", pictures)
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("link", name="Back to the list").click()
    await page.get_by_role("button", name="I take it and call").first.click()
    await page.get_by_role("link", name="Whom to call").click()
    await page.get_by_role("link", name="Call Rita Respond").wait_for()
    await _look(page, "taken", pictures)
    await page.get_by_label("Colleague").select_option(label=_other(key))
    await page.get_by_role("button", name="Ask them to take it").click()
    await page.get_by_text("It stays yours until they take it.", exact=False).first.wait_for()
    await page.get_by_role("button", name="Reached", exact=True).click()
    await page.get_by_role("link", name="Back to the list").click()
    await page.get_by_text("Nobody waits for a call.").wait_for()
    await _look(page, "desk-empty", pictures)
    assert running.rows(select(Escalation))[0].state is EscalationState.CLOSED
    assert running.rows(select(GroupSession).where(GroupSession.id == question.subject_id))[0].state is (
        SessionState.APPROVED
    )
    assert problems == []
    await page.context.close()


def _other(key: str) -> str:
    return "Dora Director" if key == "K1" else "Kim Clinician"


async def test_a_call_for_help_is_taken_by_keyboard_alone_and_without_scripts(
    running: Site, chromium: Browser
) -> None:
    await running.text("R1", "3")
    running.perform()
    page = await signed_in(chromium, running, "K1", scripts=True)
    await go(page, running, "/escalations")
    await _by_keyboard(page, "I take it and call")
    await _by_keyboard(page, "Whom to call, and how it ended")
    await _by_keyboard(page, "Hand back")
    assert running.rows(select(Escalation))[0].state is EscalationState.OPEN
    await page.context.close()
    plain = await signed_in(chromium, running, "K1", scripts=False)
    await go(plain, running, "/escalations")
    await plain.get_by_role("button", name="I take it and call").click()
    assert running.rows(select(Escalation))[0].acked_by == running.id_of("K1")
    await plain.context.close()


async def test_the_director_ends_a_colleagues_call_without_scripts(
    running: Site, chromium: Browser, pictures: Path
) -> None:
    await running.text("R1", "3")
    running.perform()
    holder = await signed_in(chromium, running, "K1")
    await go(holder, running, "/escalations")
    async with holder.expect_navigation():
        await holder.get_by_role("button", name="I take it and call").click()
    await holder.context.close()
    seen = await signed_in(chromium, running, "D1")
    await go(seen, running, "/escalations")
    await _look(seen, "desk-of-the-director", pictures)
    await seen.get_by_role("link", name="End it in their place").click()
    await _look(seen, "end-for-another", pictures)
    path = seen.url.removeprefix(running.settings.public_url)
    await seen.context.close()
    page = await signed_in(chromium, running, "D1", scripts=False)
    await go(page, running, path)
    await page.get_by_label("A human has spoken with them").check()
    await page.get_by_label("Reason").select_option("told_me")
    async with page.expect_navigation():
        await page.get_by_role("button", name="End it").click()
    assert running.rows(select(Escalation))[0].closed_by == running.id_of("D1")
    await page.context.close()
