"""Twilio's webhooks: only signed ones count, and each one once."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete, select

from cism.store.states import OutboxState
from cism.store.tables import Escalation, InboundMessage, Outbox, QueueItem
from tests.web.conftest import Site

FORM = {"MessageSid": "SM" + "a" * 32, "To": "+12025550100", "NumMedia": "0", "SomethingNew": ""}


def _text(site: Site, body: str) -> dict[str, str]:
    return {**FORM, "From": site.person("R1").phone or "", "Body": body}


async def test_a_signed_text_is_read_and_answered_with_silence(site: Site) -> None:
    answer = await site.signed("/twilio/sms", _text(site, "3"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text.endswith("<Response/>")
    (row,) = site.rows(select(InboundMessage))
    assert row.person_id == site.id_of("R1")


async def test_the_answer_to_a_text_is_handed_over_right_after_the_commit(site: Site) -> None:
    await site.signed("/twilio/sms", _text(site, "3"))
    (told,) = site.messages("call_now", "R1")
    await site.backend.handover.idle()
    assert told.id in site.courier.handed_over


@pytest.mark.parametrize(
    "path", ["/twilio/sms", "/twilio/status?d=x", f"/twilio/status?d={'x' * 99}", "/twilio/voice"]
)
async def test_a_forged_webhook_is_403_and_writes_nothing(site: Site, path: str) -> None:
    before = site.everything()
    form = _text(site, "I am going to end it")
    forged = await site.signed(path, form, token="guessed")
    unsigned = await site.client.post(
        path, content=urlencode(form), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (forged.status_code, unsigned.status_code) == (403, 403)
    assert site.everything() == before
    figures = (await site.client.get("/metrics")).text
    assert "cism_webhooks_refused_total 2.0" in figures


async def test_a_signature_for_another_form_or_address_does_not_fit(site: Site) -> None:
    good = await site.signed("/twilio/sms", _text(site, "hello"))
    signature = good.request.headers["X-Twilio-Signature"]
    before = site.everything()
    for path, form in (
        ("/twilio/sms", _text(site, "hello you")),
        ("/twilio/status", _text(site, "hello")),
        ("/twilio/sms?x=1", _text(site, "hello")),
    ):
        answer = await site.client.post(
            path,
            content=urlencode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature,
                "X-Forwarded-Host": "cism.test",
            },
        )
        assert answer.status_code == 403
    assert site.everything() == before


async def test_the_address_is_the_configured_one_whatever_the_host_header_says(site: Site) -> None:
    site.client.headers["Host"] = "elsewhere.example"
    assert (await site.signed("/twilio/sms", _text(site, "hello"))).status_code == 200


@pytest.mark.parametrize(("kind", "word", "stopped"), [("STOP", "ALTO", True), ("HELP", "AYUDA", False)])
async def test_another_word_that_the_provider_was_told_to_keep_counts_as_the_carriers_own(
    site: Site, kind: str, word: str, stopped: bool
) -> None:
    await site.signed("/twilio/sms", {**_text(site, word), "OptOutType": kind})
    (row,) = site.rows(select(InboundMessage))
    assert row.reading == f"carrier_{kind.lower()}"
    assert (site.person("R1").opted_out_at is not None) is stopped


async def test_a_word_that_the_provider_keeps_never_hides_a_cry_for_help(site: Site) -> None:
    await site.signed("/twilio/sms", {**_text(site, "I want to die"), "OptOutType": "STOP"})
    assert [row.level.value for row in site.rows(select(Escalation))] == ["EMERGENCY"]


async def test_the_same_text_posted_five_times_at_once_has_one_effect(site: Site) -> None:
    answers = await asyncio.gather(*(site.signed("/twilio/sms", _text(site, "3")) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert (site.count(InboundMessage), site.count(Escalation)) == (1, 1)
    assert len(site.messages("call_now")) == 1


async def test_a_form_that_lacks_what_a_text_has_is_refused(site: Site) -> None:
    answer = await site.signed("/twilio/sms", {"Body": "hello"})
    assert answer.status_code == 422
    assert site.count(InboundMessage) == 0


async def _sent(site: Site) -> str:
    await site.signed("/twilio/sms", _text(site, "3"))
    (row,) = site.messages("call_now")
    with site.db.transaction() as session:
        found = session.merge(row)
        found.state, found.sid, found.provider_status = OutboxState.SENT, "SMout", "queued"
    return row.id


async def test_a_status_moves_a_message_only_forward(site: Site) -> None:
    message = await _sent(site)
    for word in ("delivered", "sent", "queued"):
        form = {"MessageSid": "SMout", "MessageStatus": word, "AccountSid": "AC1"}
        answer = await site.signed(f"/twilio/status?d={message}", form)
        assert (answer.status_code, answer.content) == (204, b"")
    (row,) = site.messages("call_now")
    assert (row.provider_status, row.state) == ("delivered", OutboxState.DELIVERED)


@pytest.mark.parametrize("before", [OutboxState.SENDING, OutboxState.UNKNOWN, OutboxState.UNSETTLED])
async def test_a_callback_with_our_id_proves_that_a_message_left_whose_answer_was_lost(
    site: Site, before: OutboxState
) -> None:
    message = await _sent(site)
    with site.db.transaction() as session:
        row = session.get_one(Outbox, message)
        row.state, row.sid, row.sent_real, row.provider_status = before, None, None, None
    form = {"MessageSid": "SMfound", "MessageStatus": "sent", "AccountSid": "AC1"}
    assert (await site.signed(f"/twilio/status?d={message}", form)).status_code == 204
    (found,) = site.messages("call_now")
    assert (found.state, found.sid, found.provider_status) == (OutboxState.SENT, "SMfound", "sent")
    assert found.sent_real is not None


async def test_a_status_that_nobody_knows_and_a_message_that_is_none_change_nothing(site: Site) -> None:
    message = await _sent(site)
    for path, word in (
        (f"/twilio/status?d={message}", "teleported"),
        ("/twilio/status?d=ffffffffffffffffffff", "delivered"),
        ("/twilio/status", "delivered"),
    ):
        answer = await site.signed(path, {"MessageSid": "SMout", "MessageStatus": word})
        assert answer.status_code == 204
    assert site.messages("call_now")[0].state is OutboxState.SENT


async def test_whoever_rings_hears_a_way_on_and_not_what_this_number_is(site: Site) -> None:
    answer = await site.signed("/twilio/voice", {"CallSid": "CA1", "From": "+12125550199"})
    assert answer.status_code == 200
    assert "9 8 8" in answer.text
    assert "metro" not in answer.text.lower()


async def test_a_text_that_is_posted_again_after_years_has_no_second_effect(site: Site) -> None:
    sid = f"SM{'a' * 32}"
    await site.text("R1", "please somebody ring me", sid=sid)
    with site.db.transaction() as session:  # as if its row's time were over
        session.execute(delete(QueueItem))
        session.execute(delete(InboundMessage))
    site.clock.advance(days=3 * 365)
    before = site.everything()
    assert (await site.text("R1", "please somebody ring me", sid=sid)).status_code == 200
    assert site.everything() == before
