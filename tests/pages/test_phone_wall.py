"""The phone wall in a real Chromium: live, answered from any handset, faults by button, nobody shut out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import Browser, expect

from notifications.phone_wall.server import RunningWall, running_wall
from tests.notifications.conftest import OURS, gateway_to, text
from tests.pages.conftest import WIDTHS, axe, closer_look, in_a_browser, phone

pytestmark = in_a_browser()
ONE, OTHER = "+12125550131", "+12125550132"


@pytest.fixture
def wall() -> Iterator[RunningWall]:
    with running_wall(numbers=(OURS,)) as found:
        yield found


async def send(wall: RunningWall, to: str, body: str) -> None:
    gateway = gateway_to(wall)
    await gateway.send(text(to=to, body=body))
    await gateway.aclose()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_team_is_trained_at_the_wall(
    wall: RunningWall, chromium: Browser, pictures: Path, width: int
) -> None:
    page = await phone(chromium, width)
    await page.goto(wall.url)
    await expect(page.get_by_text("No messages yet")).to_be_visible()
    await send(wall, ONE, "Team wanted. Reply 1 A7K2 to take it, 0 A7K2 to pass.")
    await send(wall, OTHER, "Team wanted. Reply 1 B4M3 to take it, 0 B4M3 to pass.")
    handset = page.get_by_role("article", name=f"Handset {ONE}")
    await expect(handset.get_by_text("1 A7K2")).to_be_visible()  # live: nobody loaded the page again
    await handset.get_by_label(f"Reply from {ONE}").fill("1 A7K2")
    await handset.get_by_role("button", name="Send").click()
    await expect(handset.locator(".said p")).to_have_text("1 A7K2")
    assert [one.body for one in wall.app_state.store.messages if one.is_inbound] == ["1 A7K2"]

    await page.get_by_text("Let something go wrong").click()
    await page.get_by_role("button", name="The next text does not arrive").click()
    await expect(page.locator(".armed li")).to_have_text(["The next text does not arrive"])
    await send(wall, OTHER, "This one is lost.")
    other = page.get_by_role("article", name=f"Handset {OTHER}")
    await expect(other.locator(".bad")).to_have_text("undelivered 30003")
    await expect(page.locator(".armed")).to_contain_text("Nothing waits to go wrong.")

    await other.get_by_label(f"Reply from {OTHER}").fill("STOP")
    await other.get_by_label(f"Reply from {OTHER}").press("Enter")  # by keyboard alone
    await expect(other.get_by_text("said STOP")).to_be_visible()
    await handset.get_by_text("This phone").click()
    await handset.get_by_label("It is").select_option("unreachable")
    await handset.get_by_role("button", name="Set").click()
    await expect(handset.locator(".tag")).to_have_text("unreachable")
    await axe(page)
    await closer_look(page, "phone-wall", pictures)
    await page.context.close()


async def test_without_scripts_it_is_answered_too(wall: RunningWall, chromium: Browser) -> None:
    await send(wall, ONE, "How are you? 1 all good, 2 call me")
    page = await phone(chromium, scripts=False)
    await page.goto(wall.url)
    await page.get_by_label(f"Reply from {ONE}").fill("2")
    await page.locator(".handset .reply button").click()
    assert cast(str, await page.locator(".said p").inner_text()) == "2"
    await page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_spanish_team_is_trained_at_the_same_wall(
    wall: RunningWall, chromium: Browser, pictures: Path, width: int
) -> None:
    await send(wall, ONE, "Se busca equipo. 1 A7K2 para aceptar, 0 A7K2 para pasar.")
    page = await phone(chromium, width, locale="es-US")
    await page.goto(wall.url)
    await expect(page.get_by_role("heading", name="Pared de teléfonos")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "es"
    await page.get_by_text("Hacer que algo falle").click()
    await page.get_by_role("button", name="El próximo mensaje no llega").click()
    await expect(page.locator(".armed li")).to_have_text(["El próximo mensaje no llega"])
    await send(wall, OTHER, "Este se pierde.")
    other = page.get_by_role("article", name=f"Teléfono {OTHER}")
    await expect(other.locator(".bad")).to_have_text("no entregado 30003")  # live, and in Spanish
    handset = page.get_by_role("article", name=f"Teléfono {ONE}")
    await handset.get_by_label(f"Responder desde {ONE}").fill("1 A7K2")
    await handset.get_by_role("button", name="Enviar").click()
    await expect(handset.locator(".said p")).to_have_text("1 A7K2")
    await page.get_by_text("Hacer que algo falle").click()
    await handset.get_by_text("Este teléfono").click()
    await axe(page)
    await closer_look(page, "phone-wall-es", pictures)
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", name="Phone wall")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "en"
    await page.context.close()
