"""What is promised for each class of text: tried again, by another way, or before a human (ADR 0014)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.guarantee import class_of
from cism.domain.plan import PlannedStep, StepKind
from cism.services import delivery, outbox, people, questions, settling, steps
from cism.services.second_tries import is_one
from cism.store.db import now
from cism.store.states import OutboxState
from cism.store.tables import Agency, Outbox, PhoneCall, QueueItem, Step
from notifications.gateway import MessageStatus, OutgoingSms, Receipt, SendError, SendFailure
from notifications.messages import CallNow, CheckIn, Message, MessageKind, Noted
from tests.services.sending import Provider, check_in, courier, pass_real, put, row_of
from tests.services.world import World

MINUTE = timedelta(minutes=1)


def deliver(world: World) -> list[OutgoingSms]:
    """Hand over what waits; says what went."""
    provider = Provider()
    asyncio.run(courier(world, provider).deliver())
    return provider.sent


def given_back(world: World, message_id: str, code: int | None) -> None:
    """The carrier says that it did not arrive."""
    world.act(delivery.apply_receipt, message_id, MessageStatus.UNDELIVERED, code, f"SM{message_id}")


def tries_of(world: World, message_id: str) -> list[Outbox]:
    """A text and its later tries, in order."""
    key = row_of(world, message_id).key
    rows = world.rows(Outbox, Outbox.key.startswith(key, autoescape=True))
    return sorted(rows, key=lambda row: row.not_before)


def waits(world: World, message: Message, code: int) -> list[timedelta]:
    """Give every try back with a code; says how long each next one waited."""
    first = put(world, message=message)
    begun, found = world.now(), []
    while True:
        row = tries_of(world, first)[-1]
        if row.state is not OutboxState.PENDING:
            return found
        world.advance(seconds=max(0.0, (row.not_before - world.now()).total_seconds()))
        found.append(row.not_before - begun)
        begun = row.not_before
        assert [sms.message_id for sms in deliver(world)] == [row.id]
        given_back(world, row.id, code)


@pytest.mark.parametrize(
    ("message", "code", "minutes"),
    [
        (check_in(), 30003, [0, 30, 120, 240]),
        (check_in(), 30001, [0, 15, 60]),
        (check_in(), 30008, [0, 30]),
        (check_in(), 30007, [0]),
        (check_in(), 31999, [0]),  # a code that nobody knows: a person looks
        (CallNow(agency="Metro PD", by="14:30", duty="", line="call or text 988"), 30003, [0, 1]),
        (Noted(agency="Metro PD", code="K4T7"), 30008, [0, 1]),
    ],
)
def test_a_text_that_did_not_arrive_is_tried_again_as_its_class_and_the_code_allow(
    world: World, message: Message, code: int, minutes: list[int]
) -> None:
    found = waits(world, message, code)
    assert [round(one / MINUTE) for one in found] == minutes
    kinds = {row.kind for row in world.rows(QueueItem)}
    expected = "call_needed" if isinstance(message, CheckIn) else "unsettled_send"
    assert expected in kinds  # and then it is a human's


def test_a_second_try_waits_for_open_hours(world: World) -> None:
    world.advance(hours=8, minutes=50)  # ten minutes before jordan's quiet hours
    first = put(world, message=check_in())
    deliver(world)
    given_back(world, first, 30003)
    (again,) = tries_of(world, first)[1:]
    assert again.not_before.hour == 13  # eight in the morning in New York
    assert is_one(again)


@pytest.mark.parametrize(("minutes", "tries"), [(29, 1), (31, 2)])
def test_where_the_reminder_would_come_first_a_peer_calls_instead_of_another_try(
    world: World, minutes: int, tries: int
) -> None:
    def ask(session: Session) -> str:
        moment, person = now(session), people.get(session, jordan)
        question = questions.ask(session, person_id=jordan, kind="check_in", now=moment)
        reminder = PlannedStep(
            kind=StepKind.CONTACT_REMINDER, due_at=moment + minutes * MINUTE, key="r", subject_id=question.id
        )
        steps.plan(session, [reminder])
        row = outbox.put(session, check_in(), key="c", now=moment, person=person, question=question)
        assert row is not None
        return row.id

    jordan = world.id_of("jordan")
    first = world.act(ask)
    deliver(world)
    given_back(world, first, 30003)
    assert len(tries_of(world, first)) == tries
    assert [row.kind for row in world.rows(QueueItem)] == ["call_needed"] * (2 - tries)
    assert {row.question_id for row in tries_of(world, first)} == {row_of(world, first).question_id}


def test_a_try_that_is_lost_itself_is_a_humans_and_no_third_is_made(any_world: World) -> None:
    first = put(any_world, message=check_in())
    deliver(any_world)
    given_back(any_world, first, 30003)
    any_world.advance(minutes=30)

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    asyncio.run(courier(any_world, Provider(lost)).deliver())
    pass_real(any_world, minutes=3)
    asyncio.run(courier(any_world, Provider()).settle())
    states = [row.state for row in tries_of(any_world, first)]
    assert states == [OutboxState.UNDELIVERED, OutboxState.UNSETTLED]
    assert [row.kind for row in any_world.rows(QueueItem)] == ["unsettled_send"]


def test_a_text_that_a_human_has_already_is_not_put_before_them_twice_when_its_receipt_comes_late(
    world: World,
) -> None:
    first = put(world, message=check_in())

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    asyncio.run(courier(world, Provider(lost)).deliver())
    pass_real(world, minutes=3)
    asyncio.run(courier(world, Provider()).settle())
    given_back(world, first, 30003)
    assert row_of(world, first).state is OutboxState.UNDELIVERED
    assert [row.kind for row in world.rows(QueueItem)] == ["unsettled_send"]
    assert len(tries_of(world, first)) == 1


def test_a_page_that_did_not_arrive_is_never_texted_to_the_same_phone_again(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S1")
    page = world.sent("page")[0]
    deliver(world)
    given_back(world, page.id, 30003)
    world.advance(hours=3)
    assert len(world.rows(Outbox, Outbox.question_id == page.question_id)) == 1
    assert len(world.told("page")) > 2  # others were asked


def test_words_that_carriers_filter_are_never_sent_again_and_somebody_is_told(world: World) -> None:
    for key in ("jordan", "sam"):
        first = put(world, key, message=check_in())
        deliver(world)
        given_back(world, first, 30007)
    assert sorted(row.kind for row in world.rows(QueueItem)) == ["call_needed", "call_needed", "filtered"]
    assert len(world.rows(Outbox, Outbox.kind == "check_in")) == 2
    before = len(world.told("queue_new"))
    world.advance(hours=5)  # nobody has read it: it is told again, and nobody is called to somebody's side
    assert len(world.told("queue_new")) > before


def test_a_carrier_that_never_answered_is_no_proof_that_a_text_did_not_arrive(any_world: World) -> None:
    first = put(any_world, message=check_in())
    deliver(any_world)
    given_back(any_world, first, 30410)
    assert row_of(any_world, first).state is OutboxState.UNSETTLED
    for _ in range(2):  # told again, it changes nothing
        given_back(any_world, first, 30410)
    assert [row.kind for row in any_world.rows(QueueItem)] == ["unsettled_send"]
    assert len(tries_of(any_world, first)) == 1


def test_an_escalation_that_cannot_be_settled_is_also_a_call_to_the_same_person(any_world: World) -> None:
    def other_duty_phone(session: Session) -> None:
        session.get_one(Agency, any_world.cast.agency).duty_phone = any_world.cast.phone("dina")

    any_world.act(other_duty_phone)
    any_world.text("jordan", "3")
    (asked,) = any_world.sent("escalation")

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    asyncio.run(courier(any_world, Provider(lost)).deliver(only=[asked.id]))
    pass_real(any_world, seconds=40)
    asyncio.run(courier(any_world, Provider()).settle())
    any_world.rest()
    assert {row.person_id for row in any_world.sent("escalation")} > {asked.person_id}
    (call,) = any_world.rows(PhoneCall)
    assert (call.question_id, call.person_id) == (asked.question_id, asked.person_id)
    assert set(any_world.told("unsettled_send")) == {"cora", "dina"} - {any_world.key_of(asked.person_id)}
    looks = any_world.rows(Step, Step.kind == StepKind.CALL, Step.subject_id == asked.question_id)
    reasons = sorted(str(step.payload["reason"]) for step in looks)
    assert reasons == ["unanswered", "undelivered"]  # called once now, and once more if nobody answers


def test_what_only_we_left_undone_rings_nobody_at_night_although_its_text_is_unclear(world: World) -> None:
    put(world, message=check_in())
    deliver(world)
    message_id = world.rows(Outbox)[0].id
    given_back(world, message_id, 30005)
    world.advance(hours=13)  # the call was never made, the ladder asks
    asked = [row for row in world.sent("escalation") if row.state is OutboxState.PENDING]
    assert asked
    for row in asked:
        world.act(_loses, row.id)
    world.rest()
    calls = world.rows(PhoneCall)
    assert calls == []


def _loses(session: Session, message_id: str) -> None:
    row = session.get_one(Outbox, message_id)
    row.state, row.claimed_real = OutboxState.UNKNOWN, row.made_at - timedelta(days=400)
    settling.settle_by_list(session, message_id, [])


def test_every_kind_of_message_has_a_class() -> None:
    assert {class_of(kind).value for kind in MessageKind} == {
        *("page", "escalation", "notice", "telling", "answer", "sign_in", "team", "care")
    }
