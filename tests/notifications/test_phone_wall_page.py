"""The wall as a place to train: what a trainer lets go wrong from the page, and how it is seen."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from notifications.phone_wall import panel, words
from notifications.phone_wall.fault_plan import CHANCED
from notifications.phone_wall.faults import Fault
from notifications.phone_wall.records import CALL_ENDED, ENDED, HandsetMode, VoiceMode
from notifications.phone_wall.server import RunningWall
from tests.notifications.conftest import PHONE, Product, eventually, gateway_to, text
from tests.notifications.test_phone_wall_calls import act, over, ring, waits
from tests.pages import leftovers, sentences

HOME = Path(words.__file__).parent
SPANISH = {"Accept-Language": "es-US,es;q=0.9,en;q=0.5"}
# Numbers, and what was texted or spoken, which is in the words of whoever did.
ALIKE = (r"\+\d+", "Hello there", "STOP", "You will get no more texts.*")


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


def said() -> dict[str, str]:
    """Every sentence of the page, and which file says it."""
    template = HOME / "templates" / "wall.html"
    found = dict.fromkeys(sentences.of_template(template), template.name)
    for path in sorted(HOME.glob("*.py")):
        found |= dict.fromkeys(sentences.of_module(path), path.name)
    return found


def ids(found: object) -> list[str]:
    return [found] if isinstance(found, str) else list(found)  # type: ignore[call-overload]


def test_every_sentence_of_the_wall_has_its_spanish_and_none_is_left_over() -> None:
    spanish = list(words.catalogue("es"))
    known = {one for message in spanish for one in ids(message.id) if one and all(ids(message.string))}
    assert {one: where for one, where in said().items() if one not in known} == {}
    assert known - set(said()) == set()


def test_a_translation_of_the_wall_fills_in_the_same_values() -> None:
    names = re.compile(r"%\((\w+)\)s")
    for message in words.catalogue("es"):
        for form in ids(message.string)[-1:]:
            assert set(names.findall(form)) == set(names.findall(ids(message.id)[-1])), message.id


def test_the_template_says_nothing_past_the_catalogue() -> None:
    template = HOME / "templates" / "wall.html"
    assert sentences.bare(template) == []
    assert sentences.variable(template) == []


def test_all_that_can_be_at_the_wall_has_words() -> None:
    assert set(words.MODES) == set(HandsetMode)
    assert set(words.MODE_TAGS) == set(HandsetMode) - {HandsetMode.OK}
    assert set(words.VOICES) == set(VoiceMode)
    assert set(words.VOICE_TAGS) == set(VoiceMode) - {VoiceMode.RINGS}
    assert set(panel.RARER) | {one.fault for one in panel.BUTTONS} == set(CHANCED)
    assert set(words.STATES) >= ENDED | CALL_ENDED


def both(wall: RunningWall) -> tuple[str, str]:
    """The page with a refusal on it, to two readers."""
    english = press(wall, "/fault", kind="none")
    spanish = httpx.post(f"{wall.url}/fault", data={"kind": "none"}, headers=SPANISH)
    assert "usa uno de los botones" in spanish.text
    return english.text, spanish.text


async def test_a_spanish_reader_meets_no_english_word(wall: RunningWall) -> None:
    """Everything is on the page: texts that went and failed, modes, faults that wait, what was answered."""
    gateway = gateway_to(wall)
    for number, mode in enumerate(HandsetMode):
        voice = list(VoiceMode)[number % len(VoiceMode)]
        await gateway.send(text(to=f"+1212555018{number}", body="Hello there"))
        press(wall, "/handset", number=f"+1212555018{number}", mode=mode, voice=voice)
        await gateway.send(text(to=f"+1212555018{number}", body="Hello there"))
    await gateway.aclose()
    press(wall, "/say", number="+12125550182", body="STOP")
    for fault in CHANCED:
        httpx.post(f"{wall.url}/wall/api/faults", json={"kind": fault, "times": 2}).raise_for_status()
    httpx.post(f"{wall.url}/wall/api/faults", json={"kind": "outage", "seconds": 600}).raise_for_status()
    assert leftovers.left(*both(wall), ALIKE) == []


async def test_nor_does_one_who_answers_a_call(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    product.twiml = '<Response><Gather numDigits="1" timeout="60"><Say>Hello there</Say></Gather></Response>'
    call = ring(wall, product)
    waits(call, "answer")
    assert leftovers.left(*both(wall), ALIKE) == []
    act(api, do="answer")
    waits(call, "key")
    assert leftovers.left(*both(wall), ALIKE) == []
    product.twiml = "<Response><Say>Hello there</Say></Response>"
    act(api, do="press", keys="1")
    over(call)
    english, spanish = both(wall)
    assert "pressed 1" in english
    assert "pulsó 1" in spanish
    assert leftovers.left(english, spanish, ALIKE) == []
    known = {step.status for one in wall.app_state.store.calls for step in one.steps}
    assert known - set(words.STATES) == set()


@pytest.mark.parametrize(
    ("headers", "tag"),
    [
        ({}, "en"),
        (SPANISH, "es"),
        ({"Accept-Language": "fr, en"}, "en"),
        ({"Cookie": f"{words.COOKIE}=es", "Accept-Language": "en"}, "es"),
        ({"Cookie": f"{words.COOKIE}=en", **SPANISH}, "en"),
        ({"Cookie": f"{words.COOKIE}=xx", **SPANISH}, "es"),
    ],
)
def test_the_wall_speaks_what_was_chosen_then_what_the_browser_asks_for(
    wall: RunningWall, headers: dict[str, str], tag: str
) -> None:
    answer = httpx.get(wall.url, headers=headers)
    assert f'<html lang="{tag}">' in answer.text
    assert answer.headers["Content-Language"] == tag
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")


def test_a_language_that_is_chosen_stays(wall: RunningWall) -> None:
    with httpx.Client(base_url=wall.url, follow_redirects=True) as browser:
        assert "Pared de teléfonos" in browser.get("/", params={"language": "es"}).text
        assert "Pared de teléfonos" in browser.get("/", params={"language": "tlh"}).text
        kept = browser.get("/", params={"language": "en", "number": PHONE})
        assert "Phone wall" in kept.text
        assert kept.url.params["number"] == PHONE
        assert "language" not in kept.url.params


@pytest.mark.parametrize(
    ("path", "form", "english", "spanish"),
    [
        ("/say", {"number": "12", "body": "x"}, "not a phone number in E.164", "no es un número de teléfono"),
        ("/call", {"number": PHONE, "do": "answer"}, "waits for an answer", "espera que la contesten"),
        ("/call", {"number": PHONE, "do": "press"}, "waits for a key", "espera una tecla"),
        ("/call", {"number": PHONE, "do": "hang_up"}, "waits for anything", "espera nada"),
        ("/call", {"number": PHONE, "do": "sing"}, "do is one of", "do es uno de"),
    ],
)
def test_the_page_refuses_in_the_readers_language(
    wall: RunningWall, path: str, form: dict[str, str], english: str, spanish: str
) -> None:
    assert english in httpx.post(f"{wall.url}{path}", data=form).text
    answer = httpx.post(f"{wall.url}{path}", data=form, headers=SPANISH)
    assert answer.status_code == 400
    assert spanish in answer.text
    assert english not in answer.text


def test_programs_are_refused_in_english_whatever_they_ask_for(wall: RunningWall) -> None:
    answer = httpx.post(f"{wall.url}/wall/api/handsets/{PHONE}/call", json={"do": "answer"}, headers=SPANISH)
    assert "no call at this handset waits for an answer" in answer.text
