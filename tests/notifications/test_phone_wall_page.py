"""The wall as a place to train: what a trainer lets go wrong from the page, and how it is seen."""

from __future__ import annotations

import httpx
import pytest

from notifications.phone_wall import panel
from notifications.phone_wall.faults import Fault
from notifications.phone_wall.server import RunningWall
from tests.notifications.conftest import PHONE, Product, eventually, gateway_to, text


async def send(wall: RunningWall, body: str) -> None:
    gateway = gateway_to(wall)
    await gateway.send(text(body=body))
    await gateway.aclose()


def page(wall: RunningWall) -> str:
    return httpx.get(wall.url).text


def press(wall: RunningWall, path: str, **form: str) -> httpx.Response:
    return httpx.post(f"{wall.url}{path}", data=form)


async def test_a_text_that_is_let_go_wrong_does_not_arrive_and_the_page_says_why(wall: RunningWall) -> None:
    assert "Nothing waits to go wrong." in page(wall)
    assert press(wall, "/fault", kind="not_delivered").status_code == 303
    assert "<li>The next text does not arrive</li>" in page(wall)
    await send(wall, "lost on the way")
    eventually(lambda: wall.app_state.store.messages[0].error_code == 30003)
    shown = page(wall)
    assert '<span class="bad">undelivered 30003</span>' in shown
    assert "1 fault has happened so far." in shown
    assert "Nothing waits to go wrong." in shown


async def test_clearing_takes_back_what_has_not_happened_and_brings_the_provider_back(
    wall: RunningWall,
) -> None:
    for kind in ("not_delivered", "not_delivered", "outage"):
        press(wall, "/fault", kind=kind)
    shown = page(wall)
    assert "The next text does not arrive (2 times)" in shown
    assert "The provider is away for" in shown
    press(wall, "/fault", kind="clear")
    assert "Nothing waits to go wrong." in page(wall)
    await send(wall, "arrives")
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")


@pytest.mark.parametrize("button", panel.BUTTONS, ids=lambda button: button.fault.value)
def test_each_button_arms_what_it_says(wall: RunningWall, button: panel.Button) -> None:
    press(wall, "/fault", kind=button.fault.value)
    assert wall.app_state.switched_faults.left[button.fault] == 1
    assert f"<li>{button.words}</li>" in page(wall)


async def test_a_phone_that_is_off_or_gone_shows_so_and_its_texts_fail(wall: RunningWall) -> None:
    await send(wall, "first")
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    press(wall, "/handset", number=PHONE, mode="unknown", voice="busy")
    await send(wall, "second")
    eventually(lambda: wall.app_state.store.messages[1].error_code == 30005)
    shown = page(wall)
    assert '<span class="tag">unknown</span>' in shown
    assert '<span class="tag">line busy</span>' in shown
    press(wall, "/handset", number=PHONE, mode="ok", voice="rings")
    assert '<span class="tag">' not in page(wall)


def test_what_is_no_button_or_no_phone_is_refused(wall: RunningWall) -> None:
    for kind in ("", "told", "forged", "everything"):
        assert press(wall, "/fault", kind=kind).status_code == 400
    for form in (
        {"number": "+12125550199", "mode": "ok", "voice": "rings"},
        {"number": PHONE, "mode": "eaten", "voice": "rings"},
        {"number": PHONE},
    ):
        assert press(wall, "/handset", **form).status_code == 400
    assert not wall.app_state.store.injected


def test_no_page_of_somebody_elses_lets_anything_go_wrong(wall: RunningWall) -> None:
    for path in ("/fault", "/handset"):
        answer = httpx.post(
            f"{wall.url}{path}", data={"kind": "outage"}, headers={"Origin": "http://evil.example"}
        )
        assert answer.status_code == 403


async def test_a_delay_can_be_read_beside_the_text(wall: RunningWall, product: Product) -> None:
    press(wall, "/fault", kind=Fault.CALLBACK_LATE.value)
    await send(wall, "on time, and its receipt is not")
    eventually(lambda: wall.app_state.store.messages[0].arrived_at is not None)
    assert "· at once" in page(wall)
