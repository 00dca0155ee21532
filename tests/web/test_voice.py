"""What the provider asks while a call is up: signed or nothing, and each key once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.voice import CallReason
from cism.services import engine
from cism.store.db import now, real_now
from cism.store.states import CallState
from cism.store.tables import Escalation, Event, InboundMessage, PhoneCall, Question
from tests.web.conftest import Site

SID = "CA" + "a" * 32
FORM = {"CallSid": SID, "CallStatus": "in-progress", "AnsweredBy": "human", "To": "+12125550110"}


async def _ringing(site: Site) -> str:
    """The clinician's phone rings about somebody who asked for a call; the id of that call."""
    text = {"MessageSid": "SM1", "From": site.person("R1").phone or "", "To": "+12025550100"}
    await site.signed("/twilio/sms", {**text, "Body": "I want to die"})
    with site.db.transaction() as session:
        return _placed(session)


def _placed(session: Session) -> str:

    engine.run_due(session)
    question = session.scalars(select(Question).where(Question.kind == "escalation")).first()
    assert question is not None
    call = PhoneCall(
        key="k",
        reason=CallReason.UNANSWERED.value,
        agency="metro-pd",
        person_id=question.person_id,
        question_id=question.id,
        state=CallState.PLACED,
        made_at=now(session),
        expires_at=now(session) + timedelta(minutes=10),
        attempts=1,
        claimed_real=real_now(session),
        sid=SID,
    )
    session.add(call)
    session.flush()
    return call.id


def _state(site: Site) -> str:
    return str(site.rows(select(Escalation))[0].state.value)


async def test_the_words_of_a_call_are_twiml_that_leads_back_to_us(site: Site) -> None:
    call = await _ringing(site)
    answer = await site.signed(f"/twilio/voice?c={call}", FORM)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    onward = f"/twilio/voice?c={call}&amp;n=1"
    assert f'action="{site.db.public_url}{onward}"' in answer.text
    assert f'<Redirect method="POST">{site.db.public_url}{onward}</Redirect>' in answer.text
    assert 'numDigits="1"' in answer.text


async def test_a_signed_key_takes_it_and_the_texts_that_follow_are_handed_over(site: Site) -> None:
    call = await _ringing(site)
    answer = await site.signed(f"/twilio/voice?c={call}&n=1", {**FORM, "Digits": "1"})
    assert "is yours" in answer.text
    assert _state(site) == "acked"
    (told,) = site.messages("escalation_assigned")
    await site.backend.handover.idle()
    assert told.id in site.courier.handed_over


async def test_the_same_key_posted_five_times_at_once_has_one_effect(site: Site) -> None:
    call = await _ringing(site)
    path, form = f"/twilio/voice?c={call}&n=1", {**FORM, "Digits": "1"}
    answers = await asyncio.gather(*(site.signed(path, form) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert all("is yours" in answer.text for answer in answers)
    assert len(site.messages("escalation_assigned")) == 1
    assert len(site.rows(select(Event).where(Event.kind == "escalation.acked"))) == 1


@pytest.mark.parametrize("path", ["/twilio/voice?c={call}&n=1", "/twilio/status?d={call}"])
async def test_a_forged_request_about_a_call_is_403_and_writes_nothing(site: Site, path: str) -> None:
    call = await _ringing(site)
    before = site.everything()
    form = {**FORM, "Digits": "1", "CallStatus": "completed"}
    for where in (path.format(call=call), path.format(call=call) + "&x=1"):
        assert (await site.signed(where, form, token="guessed")).status_code == 403
    assert (site.everything(), _state(site)) == (before, "open")
    assert site.rows(select(PhoneCall))[0].state is CallState.PLACED


async def test_a_signed_key_of_a_call_that_is_over_is_a_replay_and_changes_nothing(site: Site) -> None:
    call = await _ringing(site)
    over = await site.signed(f"/twilio/status?d={call}", {"CallSid": SID, "CallStatus": "completed"})
    assert (over.status_code, over.content) == (204, b"")
    before = site.everything()
    answer = await site.signed(f"/twilio/voice?c={call}&n=1", {**FORM, "Digits": "1"})
    assert "already covered" in answer.text
    assert (site.everything(), _state(site)) == (before, "open")


async def test_the_status_of_a_call_moves_only_forward_and_an_unknown_word_changes_nothing(
    site: Site,
) -> None:
    call = await _ringing(site)
    for word in ("no-answer", "ringing", "completed", "teleported"):
        answer = await site.signed(f"/twilio/status?d={call}", {"CallSid": SID, "CallStatus": word})
        assert answer.status_code == 204
    row = site.rows(select(PhoneCall))[0]
    assert (row.state, row.provider_status) == (CallState.NOT_ANSWERED, "no-answer")


@pytest.mark.parametrize("turn", ["x", "-1", "99999999999999999999", ""])
async def test_a_turn_that_is_none_repeats_nothing_for_ever(site: Site, turn: str) -> None:
    call = await _ringing(site)
    answer = await site.signed(f"/twilio/voice?c={call}&n={turn}", {**FORM, "Digits": "5"})
    assert answer.status_code == 200
    assert "<Gather" not in answer.text
    assert _state(site) == "open"


@pytest.mark.parametrize("path", ["/twilio/voice?c=x", "/twilio/voice?c=" + "x" * 400])
async def test_a_call_that_nobody_made_is_thanked(site: Site, path: str) -> None:
    assert "already covered" in (await site.signed(path, FORM)).text


async def test_a_form_that_is_about_no_call_is_refused(site: Site) -> None:
    answer = await site.signed("/twilio/voice?c=x", {"From": "+12125550199"})
    assert answer.status_code == 422
    assert site.count(InboundMessage) == 0
