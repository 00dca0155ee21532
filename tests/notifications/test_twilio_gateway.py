"""The gateway on the official SDK, against a server that answers as Twilio does, over real HTTP."""

import asyncio
import hashlib
import logging
import socket
import time
import traceback
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest

from notifications.gateway import (
    CallReceipt,
    CallStatus,
    Gateway,
    MessageStatus,
    OutgoingCall,
    OutgoingSms,
    SendError,
    SendFailure,
)
from notifications.gateway import body_digest as digest
from notifications.inbound import parse_status, validate
from notifications.phone_wall.server import RunningWall, running_wall
from notifications.twilio_codes import FAILURES, failure_kind
from notifications.twilio_gateway import TwilioGateway
from tests.notifications.conftest import (
    OURS,
    PHONE,
    SERVICE,
    URGENT,
    Product,
    eventually,
    gateway_to,
    text,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


async def failure(gateway: TwilioGateway, **message: object) -> SendError:
    with pytest.raises(SendError) as refused:
        await gateway.send(text(**message))  # type: ignore[arg-type]
    return refused.value


def test_the_gateway_fills_the_port(wall: RunningWall) -> None:
    port: Gateway = gateway_to(wall)
    assert port


async def test_a_text_is_accepted_and_carries_our_id_in_its_callback(
    gateway: TwilioGateway, wall: RunningWall, product: Product
) -> None:
    receipt = await gateway.send(text("id/with ä&d=9"))
    assert receipt.sid.startswith("SM")
    assert receipt.status is MessageStatus.QUEUED
    [sent] = wall.app_state.store.messages
    assert (sent.from_, sent.to, sent.body) == (OURS, PHONE, "hello")
    assert sent.status_callback == f"{product.url}/twilio/status?d=id%2Fwith%20%C3%A4%26d%3D9"


async def test_callbacks_are_signed_so_that_the_sdk_believes_them(
    gateway: TwilioGateway, wall: RunningWall, product: Product
) -> None:
    receipt = await gateway.send(text("m7"))
    product.wait_for(lambda it: len(it.forms("/twilio/status")) == 2)
    for url, signature, form in product.got:
        assert url.endswith("/twilio/status?d=m7")
        assert validate(signature, url, form, [wall.auth_token])
        assert parse_status(form).sid == receipt.sid
    told = {parse_status(form).status for _, _, form in product.got}
    assert told == {MessageStatus.SENT, MessageStatus.DELIVERED}


async def test_an_urgent_text_leaves_from_its_own_sender(gateway: TwilioGateway, wall: RunningWall) -> None:
    await gateway.send(text(urgent=True))
    await gateway.send(text(urgent=False))
    assert [message.from_ for message in wall.app_state.store.messages] == [URGENT, OURS]


async def test_a_service_chooses_the_sender_and_says_accepted() -> None:
    with running_wall(numbers=(OURS,), messaging_service_sid=SERVICE) as wall:
        gateway = gateway_to(wall, sender=None, messaging_service_sid=SERVICE)
        receipt = await gateway.send(text())
        assert receipt.status is MessageStatus.ACCEPTED
        assert wall.app_state.store.messages[0].from_ == OURS
        with pytest.raises(SendError) as refused:
            await gateway.call(OutgoingCall("c1", PHONE, "https://cism.example/voice"))
        assert refused.value.kind is SendFailure.CONFIGURATION
        await gateway.aclose()


async def test_a_message_can_be_asked_after(gateway: TwilioGateway) -> None:
    sid = (await gateway.send(text())).sid
    for _ in range(100):
        receipt = await gateway.fetch(sid)
        if receipt.status is MessageStatus.DELIVERED:
            break
        await asyncio.sleep(0.01)
    assert receipt.status is MessageStatus.DELIVERED


async def test_what_became_of_an_unreachable_handset_is_told_with_its_code(
    gateway: TwilioGateway, api: httpx.Client, wall: RunningWall
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"mode": "unreachable"})
    sid = (await gateway.send(text())).sid
    eventually(lambda: wall.app_state.store.messages[0].status == "undelivered")
    receipt = await gateway.fetch(sid)
    assert (receipt.status, receipt.error_code) == (MessageStatus.UNDELIVERED, 30003)
    assert failure_kind(receipt.error_code) is SendFailure.RETRY


@pytest.mark.parametrize(
    ("to", "kind", "code"),
    [
        ("+15005550001", "permanent", 21211),
        ("+15005550002", "permanent", 21612),
        ("+15005550003", "configuration", 21408),
        ("+15005550004", "opted_out", 21610),
        ("+15005550009", "permanent", 21614),
        ("12125550123", "permanent", 21211),
    ],
)
async def test_a_refusal_says_what_to_do(gateway: TwilioGateway, to: str, kind: str, code: int) -> None:
    error = await failure(gateway, to=to)
    assert (error.kind, error.code) == (SendFailure(kind), code)


@pytest.mark.parametrize(
    ("body", "code"), [("", 21619), ("a" * 1601, 21617)], ids=["an empty text", "1,601 characters"]
)
async def test_our_own_mistakes_are_not_repeated(gateway: TwilioGateway, body: str, code: int) -> None:
    error = await failure(gateway, body=body)
    assert (error.kind, error.code) == (SendFailure.PERMANENT, code)


@pytest.mark.parametrize(
    ("sender", "code"), [("+15005550001", 21212), ("+15005550007", 21606), ("+12125550199", 21606)]
)
async def test_a_wrong_sender_is_a_matter_of_configuration(wall: RunningWall, sender: str, code: int) -> None:
    gateway = gateway_to(wall, sender=sender)
    error = await failure(gateway)
    assert (error.kind, error.code) == (SendFailure.CONFIGURATION, code)
    await gateway.aclose()


async def test_wrong_credentials_are_a_matter_of_configuration(wall: RunningWall) -> None:
    gateway = gateway_to(wall, auth_token="wrong")
    error = await failure(gateway)
    assert (error.kind, error.code) == (SendFailure.CONFIGURATION, 20003)
    with pytest.raises(SendError) as refused:
        await gateway.find(PHONE, LONG_AGO)
    assert (refused.value.kind, refused.value.code) == (SendFailure.CONFIGURATION, 20003)
    await gateway.aclose()


async def test_too_many_at_once_may_be_repeated_after_the_time_that_was_asked_for(
    gateway: TwilioGateway, api: httpx.Client, wall: RunningWall
) -> None:
    api.post("/wall/api/faults", json={"kind": "429", "times": 2})
    for _ in range(2):
        error = await failure(gateway)
        assert (error.kind, error.code, error.retry_after) == (SendFailure.RETRY, 20429, 1.0)
    await gateway.send(text())
    assert len(wall.app_state.store.messages) == 1


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [("500_before", 0), ("500_after_accept", 1), ("lose_answer_after_accept", 1)],
)
async def test_after_a_lost_answer_nobody_claims_to_know(
    gateway: TwilioGateway, api: httpx.Client, wall: RunningWall, fault: str, accepted: int
) -> None:
    api.post("/wall/api/faults", json={"kind": fault})
    error = await failure(gateway)
    assert error.kind is SendFailure.UNKNOWN
    assert len(wall.app_state.store.messages) == accepted  # and the gateway sent it only once


async def test_an_answer_that_never_comes_is_unknown_after_our_own_time_limit(
    wall: RunningWall, api: httpx.Client
) -> None:
    gateway = gateway_to(wall, timeout=0.3)
    api.post("/wall/api/faults", json={"kind": "hang_after_accept"})
    started = time.monotonic()
    error = await failure(gateway)
    assert error.kind is SendFailure.UNKNOWN
    assert time.monotonic() - started > 0.25  # and at all: the wall never answers
    assert len(wall.app_state.store.messages) == 1
    await gateway.aclose()


async def test_where_nobody_listens_the_text_certainly_did_not_leave(wall: RunningWall) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    gateway = gateway_to(wall, base_url=f"http://127.0.0.1:{free}")
    assert (await failure(gateway)).kind is SendFailure.RETRY
    await gateway.aclose()


async def test_a_server_that_speaks_something_else_leaves_the_outcome_unknown(
    product: Product, wall: RunningWall
) -> None:
    gateway = gateway_to(wall, base_url=product.url)
    for answer in ("<Response/>", "[]", "{}", '{"sid": ""}'):
        product.twiml, product.status = answer, 201
        assert (await failure(gateway)).kind is SendFailure.UNKNOWN
    product.twiml, product.status = "<html>", 404
    assert (await failure(gateway)).kind is SendFailure.PERMANENT
    await gateway.aclose()


async def test_a_text_that_is_no_unicode_is_never_sent(gateway: TwilioGateway, wall: RunningWall) -> None:
    assert (await failure(gateway, body="half an emoji: \ud83d")).kind is SendFailure.PERMANENT
    assert not wall.app_state.store.messages


async def test_no_error_and_no_log_line_names_a_phone_or_quotes_the_provider(
    gateway: TwilioGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure(gateway, to="+15005550001", body="very secret")
    await gateway.find(PHONE, LONG_AGO)
    shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    assert error.__context__ is None
    assert error.__cause__ is None
    for secret in ("5550001", PHONE.removeprefix("+"), "very secret", "valid phone number"):
        assert secret not in shown


async def test_a_lost_answer_is_settled_by_asking_the_list(gateway: TwilioGateway, api: httpx.Client) -> None:
    before = now()
    api.post("/wall/api/faults", json={"kind": "lose_answer_after_accept"})
    await failure(gateway, body="are you there?")
    await gateway.send(text("m2", body="another text"))
    await gateway.send(text("m3", to="+12125550124", body="are you there?"))
    everything = await gateway.find(PHONE, before)
    assert {found.body_digest for found in everything} == {digest("are you there?"), digest("another text")}
    [found] = await gateway.find(PHONE, before, digest("are you there?"))
    assert found.to == PHONE
    assert found.sid.startswith("SM")
    assert await gateway.find(PHONE, now() + timedelta(seconds=2)) == []


async def test_a_text_of_the_same_second_is_found_although_the_list_cuts_seconds(
    gateway: TwilioGateway,
) -> None:
    for _ in range(3):  # one of these is sent in the second in which it is looked for
        just_before = now()
        sid = (await gateway.send(text())).sid
        assert sid in {found.sid for found in await gateway.find(PHONE, just_before)}


async def test_a_text_still_queued_is_found_too() -> None:
    with running_wall(step_seconds=30) as wall:
        gateway = gateway_to(wall)
        before = now()
        sid = (await gateway.send(text())).sid
        [found] = await gateway.find(PHONE, before)
        assert (found.sid, found.status) == (sid, MessageStatus.QUEUED)
        await gateway.aclose()


async def test_what_a_phone_said_is_no_outbound_message(gateway: TwilioGateway, api: httpx.Client) -> None:
    api.post(f"/wall/api/handsets/{OURS}/say", json={"body": "x", "to": PHONE})
    assert await gateway.find(PHONE, LONG_AGO) == []


async def test_every_inbound_text_is_listed_over_all_pages_oldest_first(
    gateway: TwilioGateway, api: httpx.Client, wall: RunningWall
) -> None:
    api.post("/wall/api/faults", json={"kind": "lose_inbound_webhook", "times": 1100})
    before = now()
    for number in range(1100):
        api.post(f"/wall/api/handsets/{PHONE}/say", json={"body": str(number), "to": OURS})
    api.post(f"/wall/api/handsets/{PHONE}/say", json={"body": "to the other", "to": URGENT})
    await gateway.send(text())
    listed = await gateway.inbound_since(before)
    assert len({sms.sid for sms in listed}) == 1101
    assert {sms.body for sms in listed} >= {"0", "1099", "to the other"}
    assert all(sms.from_ == PHONE and sms.received_at is not None for sms in listed)
    assert [sms.received_at for sms in listed] == sorted(sms.received_at for sms in listed if sms.received_at)
    assert await gateway.inbound_since(now() + timedelta(seconds=2)) == []


async def test_texts_of_the_same_second_are_listed_in_the_order_in_which_they_came(
    gateway: TwilioGateway, api: httpx.Client
) -> None:
    said = [str(number) for number in range(12)]
    for body in said:
        api.post(f"/wall/api/handsets/{PHONE}/say", json={"body": body, "to": OURS})
    assert [sms.body for sms in await gateway.inbound_since(LONG_AGO)] == said


async def test_texts_to_a_number_of_somebody_elses_are_not_ours(
    gateway: TwilioGateway, api: httpx.Client
) -> None:
    api.post(f"/wall/api/handsets/{PHONE}/say", json={"body": "not for us", "to": "+12125550177"})
    assert await gateway.inbound_since(LONG_AGO) == []


async def test_behind_a_service_inbound_texts_are_listed_without_knowing_its_senders() -> None:
    with running_wall(numbers=(OURS,), messaging_service_sid=SERVICE) as wall:
        httpx.post(f"{wall.url}/wall/api/handsets/{PHONE}/say", json={"body": "hi"})
        ours = gateway_to(wall, sender=None, messaging_service_sid=SERVICE)
        theirs = gateway_to(wall, sender=None, messaging_service_sid="MG" + "9" * 32)
        assert [sms.body for sms in await ours.inbound_since(LONG_AGO)] == ["hi"]
        assert await theirs.inbound_since(LONG_AGO) == []
        await ours.aclose()
        await theirs.aclose()


async def test_a_redacted_text_is_gone_from_the_provider(gateway: TwilioGateway, wall: RunningWall) -> None:
    sid = (await gateway.send(text(body="something private"))).sid
    await gateway.redact(sid)
    [found] = await gateway.find(PHONE, LONG_AGO)
    assert found.body_digest == hashlib.sha256(b"").hexdigest()
    with pytest.raises(SendError) as refused:
        await gateway.redact("SM" + "0" * 32)
    assert (refused.value.kind, refused.value.code) == (SendFailure.PERMANENT, 20404)


async def test_asking_twice_does_no_harm_so_a_lost_answer_to_a_question_means_ask_again(
    product: Product, wall: RunningWall
) -> None:
    gateway = gateway_to(wall, base_url=product.url)
    product.twiml, product.status = "oops", 500
    with pytest.raises(SendError) as refused:
        await gateway.redact("SM" + "0" * 32)
    assert refused.value.kind is SendFailure.RETRY
    await gateway.aclose()


async def test_a_call_is_started_asks_for_its_words_and_its_ending_is_told(
    gateway: TwilioGateway, product: Product, wall: RunningWall, api: httpx.Client
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"voice": "listens"})
    receipt = await gateway.call(OutgoingCall("c9", PHONE, f"{product.url}/words?c=c9"))
    assert receipt.sid.startswith("CA")
    assert receipt.status is CallStatus.QUEUED
    product.wait_for(lambda it: len(it.forms("d=c9")) == 4)  # they come in any order
    assert "completed" in {form["CallStatus"] for form in product.forms("d=c9")}
    (asked,) = product.forms("/words?c=c9")
    assert (asked["CallSid"], asked["AnsweredBy"]) == (receipt.sid, "human")
    call = wall.app_state.store.calls[0]
    assert (call.from_, call.ring_seconds, call.detects) == (URGENT, 25, True)
    assert await gateway.fetch_call(receipt.sid) == CallReceipt(receipt.sid, CallStatus.COMPLETED)


async def test_calls_to_a_number_are_found_newer_than_a_moment(
    gateway: TwilioGateway, product: Product
) -> None:
    before = now()
    receipt = await gateway.call(OutgoingCall("c9", PHONE, f"{product.url}/words"))
    await gateway.call(OutgoingCall("c8", "+12125550124", f"{product.url}/words"))
    assert [call.sid for call in await gateway.find_calls(PHONE, before)] == [receipt.sid]
    assert await gateway.find_calls(PHONE, now() + timedelta(seconds=2)) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", SendFailure.RETRY),
        ("500_before", SendFailure.UNKNOWN),
        ("500_after_accept", SendFailure.UNKNOWN),
    ],
)
async def test_a_call_that_is_not_taken_says_whether_it_may_be_tried_again(
    gateway: TwilioGateway, api: httpx.Client, fault: str, kind: SendFailure
) -> None:
    api.post("/wall/api/faults", json={"kind": fault, "times": 1})
    with pytest.raises(SendError) as refused:
        await gateway.call(OutgoingCall("c9", PHONE, "https://cism.example/voice"))
    assert refused.value.kind is kind


@pytest.mark.parametrize("sender", ["12345", None])
async def test_a_short_code_or_a_service_has_no_voice(wall: RunningWall, sender: str | None) -> None:
    gateway = gateway_to(wall, sender=sender, messaging_service_sid=SERVICE)
    with pytest.raises(SendError) as refused:
        await gateway.call(OutgoingCall("c1", PHONE, "https://cism.example/voice"))
    assert refused.value.kind is SendFailure.CONFIGURATION
    await gateway.aclose()


@pytest.mark.parametrize(
    "address",
    ["http://api.example", "http://10.0.0.1:80", "ftp://127.0.0.1", "127.0.0.1:8080", "", "https://"],
)
def test_a_provider_must_be_on_this_machine_or_behind_tls(address: str) -> None:
    account = SimpleNamespace(account_sid="AC1", auth_token="t", url=address)
    with pytest.raises(ValueError, match="must begin with https://"):
        gateway_to(account)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address", ["https://proxy.example/twilio", "http://localhost:1", "http://[::1]:1", "http://127.3.2.1"]
)
def test_a_provider_on_this_machine_or_behind_tls_is_taken(address: str) -> None:
    gateway_to(SimpleNamespace(account_sid="AC1", auth_token="t", url=address))  # type: ignore[arg-type]


def test_a_gateway_without_any_sender_is_refused_with_what_to_give(wall: RunningWall) -> None:
    with pytest.raises(ValueError, match="give a sender or a messaging_service_sid"):
        gateway_to(wall, sender=None)


def test_an_unknown_code_is_never_retried() -> None:
    assert failure_kind(99999) is SendFailure.PERMANENT
    assert failure_kind(None) is SendFailure.PERMANENT
    assert FAILURES[30007] is SendFailure.PERMANENT  # filtered: never the same text again


@pytest.mark.parametrize(("given", "sent"), [(0, "1"), (600, "600"), (99_999, "36000")])
async def test_a_validity_outside_of_the_providers_range_is_brought_inside(
    product: Product, wall: RunningWall, given: int, sent: str
) -> None:
    gateway = gateway_to(wall, base_url=product.url)
    with pytest.raises(SendError):
        await gateway.send(OutgoingSms("m1", PHONE, "hello", urgent=False, validity_seconds=given))
    assert product.forms("Messages.json")[0]["ValidityPeriod"] == sent
    await gateway.aclose()


async def test_twenty_at_once_lose_and_double_nothing(gateway: TwilioGateway, wall: RunningWall) -> None:
    gate = asyncio.Semaphore(20)

    async def send(number: int) -> str:
        async with gate:
            return (await gateway.send(text(f"m{number}", to=f"+1212555{number:04d}"))).sid

    sids = await asyncio.gather(*(send(number) for number in range(200)))
    assert len(set(sids)) == 200
    assert {message.sid for message in wall.app_state.store.messages} == set(sids)
