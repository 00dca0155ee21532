"""Phones that ring: the wall fetches the words over signed HTTP, speaks them, and passes keys on."""

from __future__ import annotations

import time

import httpx
import pytest

from notifications.inbound import validate
from notifications.phone_wall.records import Call
from notifications.phone_wall.server import RunningWall, running_wall
from notifications.phone_wall.twiml import Gather, Hangup, Redirect, Say, verbs_of
from notifications.twilio_gateway import TwilioGateway
from tests.notifications.conftest import OURS, PHONE, Product, eventually
from tests.notifications.test_phone_wall_rest import client_of

MENU = (
    '<Response><Gather numDigits="1" timeout="60" action="/key?n=1"><Say>Press 1</Say></Gather>'
    "<Say>Goodbye</Say><Hangup/><Say>never said</Say></Response>"
)


def ring(wall: RunningWall, product: Product, **fields: str) -> Call:
    """A call to the handset, which asks the product for its words."""
    asked = {"To": PHONE, "From": OURS, "Url": f"{product.url}/words", "MachineDetection": "Enable", **fields}
    with client_of(wall) as twilio:
        sid = twilio.post("/Calls.json", data=asked).json()["sid"]
    return wall.app_state.store.calls_by_sid[sid]


def waits(call: Call, what: str) -> None:
    eventually(lambda: call.waits_for == what)


def act(api: httpx.Client, **asked: str) -> httpx.Response:
    return api.post(f"/wall/api/handsets/{PHONE}/call", json=asked)


def over(call: Call) -> str:
    eventually(lambda: call.is_over)
    return call.status


def test_a_handset_rings_until_somebody_answers_and_a_key_is_passed_on(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    assert (call.status, call.words) == ("ringing", [])
    act(api, do="answer")
    waits(call, "key")
    assert (call.status, call.words, call.answered_by) == ("in-progress", ["Press 1"], "human")
    product.twiml = "<Response><Say>Thank you</Say></Response>"
    act(api, do="press", keys="1")
    assert over(call) == "completed"
    assert call.words == ["Press 1", "Thank you"]
    (told,) = product.forms("/key?n=1")
    assert (told["Digits"], told["CallSid"], told["CallStatus"]) == ("1", call.sid, "in-progress")


def test_silence_goes_on_with_the_next_verb_and_no_key_is_told(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    act(api, do="answer")
    waits(call, "key")
    act(api, do="silence")
    assert over(call) == "completed"
    assert call.words == ["Press 1", "Goodbye"]
    assert product.forms("/key") == []


def test_every_request_of_a_call_is_signed(wall: RunningWall, product: Product, api: httpx.Client) -> None:
    product.twiml = MENU
    call = ring(wall, product, StatusCallback=f"{product.url}/status?d=c1")
    waits(call, "answer")
    act(api, do="answer")
    waits(call, "key")
    act(api, do="press", keys="7")
    waits(call, "key")
    act(api, do="hang_up")
    over(call)
    product.wait_for(lambda it: len(it.forms("/status")) == 1)
    assert len(product.got) == 3
    assert all(validate(signature, url, form, [wall.auth_token]) for url, signature, form in product.got)


def test_a_redirect_goes_on_at_another_address_and_a_loop_ends(wall: RunningWall, product: Product) -> None:
    product.twiml = "<Response><Say>Again</Say><Redirect>/words?n=2</Redirect></Response>"
    wall.app_state.store.voices[PHONE] = "listens"  # type: ignore[assignment]
    call = ring(wall, product)
    assert over(call) == "completed"
    assert 10 < len(product.forms("/words?n=2")) <= 50


@pytest.mark.parametrize(("voice", "ending"), [("busy", "busy"), ("no_answer", "no-answer")])
def test_a_line_that_is_busy_or_that_nobody_answers(
    wall: RunningWall, product: Product, api: httpx.Client, voice: str, ending: str
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"voice": voice})
    call = ring(wall, product)
    assert over(call) == ending
    assert product.forms("/words") == []


def test_a_machine_hears_the_words_and_presses_nothing(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"voice": "machine"})
    product.twiml = MENU
    call = ring(wall, product)
    assert over(call) == "completed"
    assert (call.answered_by, call.words) == ("machine_end_beep", ["Press 1", "Goodbye"])
    assert product.forms("/words")[0]["AnsweredBy"] == "machine_end_beep"
    assert act(api, do="press", keys="1").status_code == 400


def test_who_answers_is_told_only_where_it_was_asked_for(wall: RunningWall, product: Product) -> None:
    wall.app_state.store.voices[PHONE] = "machine"  # type: ignore[assignment]
    call = ring(wall, product, MachineDetection="")
    over(call)
    assert "AnsweredBy" not in product.forms("/words")[0]


def test_a_phone_rings_as_long_as_was_asked_and_not_for_ever(product: Product) -> None:
    with running_wall(ring_seconds=0.05) as wall:
        call = ring(wall, product, Timeout="25")
        waits(call, "answer")
        assert over(call) == "no-answer"
    with running_wall() as wall:
        begun = time.monotonic()
        assert over(ring(wall, product, Timeout="1")) == "no-answer"
        assert time.monotonic() - begun > 0.9


def test_a_key_that_nobody_presses_in_time_is_silence(product: Product) -> None:
    product.twiml = MENU
    with running_wall(key_seconds=0.05) as wall:
        call = ring(wall, product)
        waits(call, "answer")
        with httpx.Client(base_url=wall.url) as api:
            act(api, do="answer")
        assert over(call) == "completed"
        assert call.words[-1] == "Goodbye"


@pytest.mark.parametrize(("waited", "ending"), [("answer", "busy"), ("key", "completed")])
def test_somebody_declines_or_hangs_up(
    wall: RunningWall, product: Product, api: httpx.Client, waited: str, ending: str
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    if waited == "key":
        act(api, do="answer")
        waits(call, "key")
    act(api, do="hang_up")
    assert over(call) == ending
    assert "Goodbye" not in call.words


def test_a_call_that_is_ended_by_request_rings_no_more(wall: RunningWall, product: Product) -> None:
    call = ring(wall, product)
    waits(call, "answer")
    with client_of(wall) as twilio:
        twilio.post(f"/Calls/{call.sid}.json", data={"Status": "completed"})
    assert over(call) == "completed"
    assert product.forms("/words") == []


def test_words_that_cannot_be_had_end_the_call_and_are_remembered_as_a_failed_webhook(
    wall: RunningWall, product: Product
) -> None:
    wall.app_state.store.voices[PHONE] = "listens"  # type: ignore[assignment]
    product.status = 500
    call = ring(wall, product)
    assert over(call) == "completed"
    assert call.words == ["An application error has occurred. Goodbye."]
    assert wall.app_state.store.webhooks[0]["status"] == 500


def test_the_export_tells_what_was_heard_and_pressed(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    act(api, do="answer")
    waits(call, "key")
    act(api, do="press", keys="12")
    waits(call, "key")
    act(api, do="silence")
    over(call)
    told = api.get("/wall/api/export").json()["calls"][0]
    heard = [one.get("said") or f"key {one['key']}" for one in told["heard"]]
    assert heard == ["Press 1", "key 1", "Press 1", "Goodbye"]
    assert (told["answered_by"], told["waits_for"]) == ("human", None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "answer"}, "waits for an answer"),
        ({"do": "press", "keys": "1"}, "waits for a key"),
        ({"do": "hang_up"}, "waits for anything"),
        ({"do": "dance"}, "do is one of"),
        ({"do": "press", "keys": "one"}, "send {"),
        ({}, "send {"),
    ],
)
def test_what_cannot_be_done_with_a_handset_is_refused_with_the_reason(
    api: httpx.Client, asked: dict[str, str], said: str
) -> None:
    answer = act(api, **asked)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("asked", [{}, {"voice": "sings"}, {"mode": "ok", "voice": 1}, {"mode": "machine"}])
def test_a_way_for_a_handset_to_behave_that_is_none_is_refused(api: httpx.Client, asked: object) -> None:
    answer = api.patch(f"/wall/api/handsets/{PHONE}", json=asked)
    assert answer.status_code == 400
    assert "machine" in answer.json()["error"]


def test_the_page_rings_shows_what_is_spoken_and_takes_a_key(
    wall: RunningWall, product: Product, api: httpx.Client
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    page = api.get("/").text
    assert "Ringing" in page
    assert 'value="answer"' in page
    assert api.post("/call", data={"number": PHONE, "do": "answer"}).status_code == 303
    waits(call, "key")
    page = api.get(f"/?number={PHONE.replace('+', '%2B')}").text
    assert "Press 1" in page
    assert 'name="keys" value="9"' in page
    product.twiml = "<Response><Say>Thank you</Say></Response>"
    pressed = api.post("/call", data={"number": PHONE, "do": "press", "keys": "1", "only": PHONE})
    assert pressed.headers["location"] == "/?number=%2B12125550123"
    over(call)
    page = api.get("/").text
    assert "Thank you" in page
    assert "Ringing" not in page


@pytest.mark.parametrize(("path", "last"), [("/call/silence", "Goodbye"), ("/call/hang-up", "Press 1")])
def test_the_page_says_nothing_or_hangs_up(
    wall: RunningWall, product: Product, api: httpx.Client, path: str, last: str
) -> None:
    product.twiml = MENU
    call = ring(wall, product)
    waits(call, "answer")
    api.post("/call", data={"number": PHONE, "do": "answer"})
    waits(call, "key")
    api.post(path, data={"number": PHONE, "do": "press"})
    over(call)
    assert call.words[-1] == last


def test_the_page_says_why_a_key_goes_nowhere(api: httpx.Client) -> None:
    answer = api.post("/call", data={"number": PHONE, "do": "press", "keys": "1"})
    assert answer.status_code == 400
    assert "waits for a key" in answer.text


async def test_a_call_does_not_outlive_its_wall(
    product: Product, tmp_path: object, gateway: TwilioGateway
) -> None:
    file = tmp_path / "wall.jsonl"  # type: ignore[operator]
    with running_wall(state_file=file) as wall:
        waits(ring(wall, product), "answer")
    with running_wall(state_file=file) as wall:
        assert [call.status for call in wall.app_state.store.calls] == ["failed"]


def test_a_document_is_read_verb_by_verb_and_what_is_unknown_is_silence() -> None:
    script = (
        "<Response><Play>x.mp3</Play><Pause length='2'/><Say> Good \n morning </Say><Gather/>"
        "<Redirect>/on</Redirect><Hangup/></Response>"
    )
    assert list(verbs_of(script)) == [
        Say("Good morning"),
        Gather((), "", 20, 5.0),
        Redirect("/on"),
        Hangup(),
    ]


@pytest.mark.parametrize(
    "script", ["", "no xml", "<Response>", "<!DOCTYPE x><Response><Say>x</Say></Response>"]
)
def test_a_document_that_cannot_be_read_is_silence(script: str) -> None:
    assert list(verbs_of(script)) == []
