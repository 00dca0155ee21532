"""What a handset says reaches the product signed, and the carrier's words mean what they mean anywhere."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from notifications.gateway import SendError, SendFailure
from notifications.inbound import parse_inbound, validate
from notifications.phone_wall.handsets import kept_word
from notifications.phone_wall.server import RunningWall, running_wall
from notifications.phone_wall.signing import signature
from notifications.twilio_gateway import TwilioGateway
from tests.notifications.conftest import OURS, PHONE, SERVICE, URGENT, Product, eventually, gateway_to, text


def say(wall: RunningWall, body: str, number: str = PHONE, **more: Any) -> dict[str, Any]:
    answer = httpx.post(f"{wall.url}/wall/api/handsets/{number}/say", json={"body": body, **more})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def heard(wall: RunningWall, number: str = PHONE) -> list[str]:
    """What a handset got, oldest first."""
    return [message.body for message in wall.app_state.store.arrivals if message.to == number]


@pytest.fixture
def helpful(product: Product) -> Iterator[RunningWall]:
    """A wall where the provider answers every reserved word, and says so."""
    with running_wall(
        numbers=(OURS,), inbound_url=f"{product.url}/sms", help_answer="twilio", advanced_opt_out=True
    ) as up:
        yield up


async def refused(gateway: TwilioGateway, *, urgent: bool = False) -> bool:
    try:
        await gateway.send(text(urgent=urgent))
    except SendError as error:
        if (error.kind, error.code) != (SendFailure.OPTED_OUT, 21610):
            raise
        return True
    return False


def test_a_text_from_a_handset_is_posted_signed_and_its_answer_told(
    wall: RunningWall, product: Product
) -> None:
    said = say(wall, "1 A7K2 ünïcode & = +", to=OURS)
    [(url, signed, form)] = product.got
    assert validate(signed, url, form, [wall.auth_token])
    sms = parse_inbound(form)
    assert (sms.sid, sms.from_, sms.to, sms.body) == (said["sid"], PHONE, OURS, "1 A7K2 ünïcode & = +")
    assert said["webhook"] == {"status": 200, "body": "<Response/>", "error": None}
    assert said["replies"] == []


def test_an_empty_text_is_signed_too(wall: RunningWall, product: Product) -> None:
    say(wall, "")
    [(url, signed, form)] = product.got
    assert ("Body", "") in form
    assert validate(signed, url, form, [wall.auth_token])


def test_the_signature_is_the_one_that_the_rule_describes() -> None:
    form = [("b", "2"), ("a", ""), ("b", "1"), ("b", "2")]
    expected = hmac.new(b"token", b"https://x/y?q=1ab1b2", hashlib.sha1).digest()
    assert signature("https://x/y?q=1", form, "token") == base64.b64encode(expected).decode()


async def test_a_handset_answers_the_number_that_it_heard_from_last(
    wall: RunningWall, gateway: TwilioGateway, product: Product
) -> None:
    say(wall, "first")
    await gateway.send(text(urgent=True))
    say(wall, "second")
    assert [form["To"] for form in product.forms("/twilio/sms")] == [OURS, URGENT]


def test_the_product_may_answer_in_its_answer(wall: RunningWall, product: Product) -> None:
    thanks = "<Message>thank you</Message>"
    copy = "<Message to='+12125550124'><Body>fyi</Body></Message>"
    product.twiml = f"<Response>{thanks}{copy}</Response>"
    assert len(say(wall, "hi")["replies"]) == 2
    eventually(lambda: heard(wall) == ["thank you"] and heard(wall, "+12125550124") == ["fyi"])
    assert wall.app_state.store.messages[1].direction == "outbound-reply"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no xml",
        "<Response><Message/></Response>",
        "<!DOCTYPE x><Response><Message>x</Message></Response>",
    ],
)
def test_an_answer_without_a_message_sends_none(wall: RunningWall, product: Product, answer: str) -> None:
    product.twiml = answer
    assert say(wall, "hi")["replies"] == []


def test_a_webhook_that_fails_is_told_and_never_repeated(wall: RunningWall, product: Product) -> None:
    product.status = 500
    product.twiml = "<Response><Message>not sent</Message></Response>"
    assert say(wall, "hi")["webhook"]["status"] == 500
    assert len(product.got) == 1
    [failed] = httpx.get(f"{wall.url}/wall/api/export").json()["failed_webhooks"]
    assert failed["status"] == 500
    assert len(wall.app_state.store.messages) == 1


async def test_a_webhook_that_is_not_answered_yet_is_on_its_way(
    wall: RunningWall, api: httpx.Client, product: Product, gateway: TwilioGateway
) -> None:
    def on_their_way() -> int:
        return int(api.get("/wall/api/export").json()["webhooks_on_their_way"])

    product.is_busy = True
    await gateway.send(text())
    try:
        eventually(lambda: on_their_way() > 0)
    finally:
        product.is_busy = False
    eventually(lambda: on_their_way() == 0)
    assert product.got


def test_a_product_that_is_down_gets_one_more_try_and_the_text_stays_listed() -> None:
    with running_wall(numbers=(OURS,), inbound_url="http://127.0.0.1:9/sms") as wall:
        said = say(wall, "hi")
        assert (said["webhook"]["status"], said["webhook"]["error"]) == (None, "ClientConnectorError")
        assert [message.body for message in wall.app_state.store.messages] == ["hi"]


def test_a_lost_webhook_leaves_the_text_in_the_list_alone(wall: RunningWall, product: Product) -> None:
    httpx.post(f"{wall.url}/wall/api/faults", json={"kind": "lose_inbound_webhook"})
    assert say(wall, "lost")["webhook"] is None
    assert say(wall, "told")["webhook"] is not None
    assert [form["Body"] for form in product.forms("/twilio/sms")] == ["told"]
    inbound = httpx.get(f"{wall.url}/wall/api/export").json()["inbound"]
    assert [message["body"] for message in inbound] == ["lost", "told"]


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " Stop\n", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
)
async def test_after_stop_nothing_goes_to_that_handset_from_that_sender(
    wall: RunningWall, gateway: TwilioGateway, word: str
) -> None:
    say(wall, word)
    assert await refused(gateway)
    assert not await refused(gateway, urgent=True)  # another sender, another opt-out
    eventually(lambda: len(heard(wall)) == 2)
    assert "START" in heard(wall)[0]


@pytest.mark.parametrize("word", ["START", "yes", "UNSTOP"])
async def test_after_start_it_goes_again(wall: RunningWall, gateway: TwilioGateway, word: str) -> None:
    say(wall, "STOP")
    assert await refused(gateway)
    say(wall, word)
    assert not await refused(gateway)


async def test_with_a_service_stop_holds_for_all_of_its_senders() -> None:
    with running_wall(numbers=(OURS, URGENT), messaging_service_sid=SERVICE) as wall:
        say(wall, "STOP", to=URGENT)
        for changes in ({"messaging_service_sid": SERVICE}, {"urgent_sender": URGENT}):
            gateway = gateway_to(wall, **changes)
            assert await refused(gateway, urgent=True)
            await gateway.aclose()


@pytest.mark.parametrize(
    "body", ["please stop", "STOP now", "End of shift", "STOP.", "I cannot stop thinking", "2", "", "ST OP"]
)
async def test_only_a_text_that_is_exactly_the_word_counts(
    wall: RunningWall, gateway: TwilioGateway, body: str
) -> None:
    say(wall, body)
    assert not await refused(gateway)
    assert kept_word(body) is None


def test_the_webhook_still_sees_the_reserved_words(wall: RunningWall, product: Product) -> None:
    for word in ("STOP", "START", "HELP"):
        say(wall, word)
    forms = product.forms("/twilio/sms")
    assert [form["Body"] for form in forms] == ["STOP", "START", "HELP"]
    assert not any("OptOutType" in form for form in forms)


def test_with_advanced_opt_out_the_webhook_says_that_the_provider_has_answered(
    helpful: RunningWall, product: Product
) -> None:
    for word in ("END", "unstop", "info", "hello"):
        say(helpful, word)
    kinds = [form.get("OptOutType") for form in product.forms("/sms")]
    assert kinds == ["STOP", "START", "HELP", None]


def test_help_is_answered_by_the_provider_only_where_that_is_set(
    wall: RunningWall, helpful: RunningWall
) -> None:
    assert len(say(helpful, "HELP")["replies"]) == 1
    assert say(wall, "HELP")["replies"] == []


def test_the_answer_to_stop_can_be_left_out() -> None:
    with running_wall(numbers=(OURS,), opt_out_answer="none") as wall:
        assert say(wall, "STOP")["replies"] == []


def test_a_reply_to_a_person_who_has_just_said_stop_is_dropped(wall: RunningWall, product: Product) -> None:
    product.twiml = "<Response><Message>are you sure?</Message></Response>"
    assert len(say(wall, "STOP")["replies"]) == 1  # the carrier's own
    assert [rejected["code"] for rejected in wall.app_state.store.rejected] == [21610]


@pytest.mark.parametrize(
    ("number", "content"),
    [
        ("12125550123", {"body": "x"}),
        (PHONE, {}),
        (PHONE, {"body": 5}),
        (PHONE, {"body": "x", "to": "me"}),
        (PHONE, []),
    ],
)
def test_a_handset_that_makes_no_sense_is_refused_with_what_to_send(
    wall: RunningWall, number: str, content: object
) -> None:
    answer = httpx.post(f"{wall.url}/wall/api/handsets/{number}/say", json=content)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert not wall.app_state.store.messages


def test_a_handset_that_never_got_a_text_must_say_where_to_when_no_sender_is_known() -> None:
    with running_wall() as wall:
        answer = httpx.post(f"{wall.url}/wall/api/handsets/{PHONE}/say", json={"body": "hi"})
        assert "say which number" in answer.json()["error"]


@pytest.mark.parametrize("content", [{"mode": "on fire"}, {}])
def test_an_unknown_mode_is_refused_with_the_known_ones(wall: RunningWall, content: dict[str, str]) -> None:
    answer = httpx.patch(f"{wall.url}/wall/api/handsets/{PHONE}", json=content)
    assert answer.status_code == 400
    assert "no_receipts" in answer.json()["error"]


@pytest.mark.parametrize(
    "content", [{"kind": "flood"}, {"kind": "429", "times": -1}, {"kind": "429", "times": "2"}]
)
def test_an_unknown_fault_is_refused_with_the_known_ones(wall: RunningWall, content: dict[str, Any]) -> None:
    answer = httpx.post(f"{wall.url}/wall/api/faults", json=content)
    assert answer.status_code == 400
    assert "lose_answer_after_accept" in answer.json()["error"]


def test_faults_can_be_read_and_switched_off(api: httpx.Client) -> None:
    assert api.post("/wall/api/faults", json={"kind": "429", "times": 5}).json()["429"] == 5
    assert api.get("/wall/api/faults").json()["429"] == 5
    assert api.post("/wall/api/faults", json={"kind": "429", "times": 0}).json()["429"] == 0


async def test_a_scripted_phone_waits_for_its_texts_and_misses_none(
    wall: RunningWall, gateway: TwilioGateway, api: httpx.Client
) -> None:
    assert api.get("/wall/api/messages", params={"since": 0, "wait": 0.01}).json() == {
        "messages": [],
        "last": 0,
    }
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(
        target=lambda: answers.append(api.get("/wall/api/messages", params={"since": 0, "wait": 9}).json())
    )
    waiting.start()
    await gateway.send(text(body="page"))
    waiting.join(5)
    [answer] = answers
    assert [(message["seq"], message["to"], message["body"]) for message in answer["messages"]] == [
        (1, PHONE, "page")
    ]
    assert answer["last"] == 1
    await gateway.send(text(body="again"))
    later = api.get("/wall/api/messages", params={"since": answer["last"], "wait": 5}).json()
    assert [message["body"] for message in later["messages"]] == ["again"]


async def test_a_text_that_never_arrived_is_seen_by_no_phone(
    gateway: TwilioGateway, api: httpx.Client, wall: RunningWall
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"mode": "unreachable"})
    await gateway.send(text())
    eventually(lambda: wall.app_state.store.messages[0].status == "undelivered")
    assert api.get("/wall/api/messages").json()["messages"] == []


def test_the_export_holds_everything_and_asking_for_it_changes_nothing(
    wall: RunningWall, api: httpx.Client
) -> None:
    say(wall, "STOP")
    first, second = (api.get("/wall/api/export").json() for _ in range(2))
    first.pop("exported_at")
    second.pop("exported_at")
    assert first["opted_out"] == [{"handset": PHONE, "sender": OURS}]
    assert set(first) == {
        "messages",
        "inbound",
        "calls",
        "rejected",
        "failed_webhooks",
        "webhooks_on_their_way",
        "injected",
        "opted_out",
    }
    assert first["inbound"] == second["inbound"]
