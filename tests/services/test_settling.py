"""What becomes of messages whose fate is unclear, and of texts that came in unseen."""

from __future__ import annotations

import asyncio
from itertools import cycle, permutations

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from cism import chance
from cism.services import claims, delivery, inbound, outbox, people, readiness, settling, unsent
from cism.store.db import now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Event, Outbox, QueueItem
from notifications.gateway import (
    InboundSms,
    ListedMessage,
    MessageStatus,
    OutgoingSms,
    Receipt,
    SendError,
    SendFailure,
)
from tests.services.sending import Provider, check_in, claim, courier, listed, pass_real, put, row_of, unknown
from tests.services.world import World


def test_one_listed_message_settles_one_unclear_send(any_world: World) -> None:
    lost = unknown(any_world)
    any_world.act(settling.settle_by_list, lost, [listed(any_world, "SMa")])
    assert (row_of(any_world, lost).state, row_of(any_world, lost).sid) == (OutboxState.SENT, "SMa")


def test_two_listed_or_two_unclear_settle_nothing(any_world: World) -> None:
    lost = unknown(any_world)
    any_world.act(settling.settle_by_list, lost, [listed(any_world, "SMa"), listed(any_world, "SMb")])
    assert row_of(any_world, lost).state is OutboxState.UNKNOWN
    unknown(any_world)
    any_world.act(settling.settle_by_list, lost, [listed(any_world, "SMa")])
    assert row_of(any_world, lost).state is OutboxState.UNKNOWN


def test_a_listed_message_may_be_the_copy_of_one_that_was_given_up(any_world: World) -> None:
    first, second = unknown(any_world, lane=outbox.LANE_URGENT), unknown(any_world, lane=outbox.LANE_URGENT)
    pass_real(any_world, seconds=31)
    any_world.act(settling.settle_by_list, first, [])
    pass_real(any_world, seconds=-31)
    found = listed(any_world, "SMa")
    pass_real(any_world, seconds=31)
    any_world.act(settling.settle_by_list, second, [found])
    states = [row_of(any_world, one).state for one in (first, second)]
    assert states == [OutboxState.UNSETTLED] * 2  # whose copy it is, nobody knows: both are a human's


def test_a_listed_message_may_be_the_same_words_that_are_on_their_way_now(any_world: World) -> None:
    lost, going = unknown(any_world), put(any_world)
    assert [item.id for item in claim(any_world)] == [going]
    any_world.act(settling.settle_by_list, lost, [listed(any_world, "SMa")])
    assert row_of(any_world, lost).sid is None


def test_a_sender_who_surely_did_not_send_is_believed_although_it_was_taken_for_dead(
    any_world: World,
) -> None:
    message_id = put(any_world)
    claim(any_world)
    pass_real(any_world, seconds=20)
    any_world.act(delivery._unsettled)
    assert row_of(any_world, message_id).state is OutboxState.UNKNOWN
    throttled = claims.Outcome(message_id, error=SendError(SendFailure.RETRY, 20429))
    any_world.act(claims.record, [throttled])
    assert row_of(any_world, message_id).state is OutboxState.PENDING


def test_what_waits_too_long_behind_a_slow_provider_is_put_back_and_not_sent_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "WAITS_FOR_A_SLOT", 0.2)
    for _ in range(4):
        put(world)

    async def slow(_: OutgoingSms) -> Receipt:
        await asyncio.sleep(0.3)
        return Receipt("SMslow", MessageStatus.QUEUED)

    provider = Provider(slow)
    asyncio.run(courier(world, provider, at_once=1).deliver(limit=4))
    states = [row.state for row in world.rows(Outbox)]
    assert sorted(states) == sorted([OutboxState.SENT] + [OutboxState.PENDING] * 3)
    assert len(provider.sent) == 1


def test_a_text_that_cannot_be_read_keeps_no_other_from_being_read(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = any_world.see(real_now)
    provider, whole = Provider(), inbound.receive_once
    provider.inbound = [
        InboundSms("SMbad", any_world.cast.phone("sam"), "+12025550100", "2", received_at=moment),
        InboundSms("SMgood", any_world.cast.phone("jordan"), "+12025550100", "2", received_at=moment),
    ]

    def stumbles(session: Session, sms: InboundSms) -> int:
        if sms.sid == "SMbad":
            raise ValueError
        return whole(session, sms)

    monkeypatch.setattr(inbound, "receive_once", stumbles)
    assert asyncio.run(courier(any_world, provider).sweep_inbound()) == 1
    monkeypatch.setattr(inbound, "receive_once", whole)
    assert any_world.see(inbound.swept_until) <= moment  # it is listed again
    assert asyncio.run(courier(any_world, provider).sweep_inbound()) == 1


def test_carriers_that_never_send_a_receipt_hide_no_other_message(any_world: World) -> None:
    for _ in range(14):
        put(any_world, lane=outbox.LANE_TEAM)
    provider = Provider()
    asyncio.run(courier(any_world, provider).deliver())
    pass_real(any_world, minutes=3)
    for _ in range(2):
        asyncio.run(courier(any_world, provider).settle())
    assert len(set(provider.asked)) == len(provider.asked) == 14


def test_what_the_provider_has_forgotten_already_needs_no_second_request(any_world: World) -> None:
    message_id = put(any_world)
    provider = Provider()
    asyncio.run(courier(any_world, provider).deliver())
    any_world.act(delivery.apply_receipt, message_id, MessageStatus.DELIVERED, None)
    pass_real(any_world, hours=2)
    provider.redacts = {"SM0": SendError(SendFailure.PERMANENT, 20404)}
    asyncio.run(courier(any_world, provider).settle())
    assert row_of(any_world, message_id).redacted_at is not None


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (SendError(SendFailure.CONFIGURATION, 20003), "bad", "1 with code 20003: the account or the sender"),
        (SendError(SendFailure.RETRY, 20429, 30.0), "warning", "1 with code 20429: the provider is busy"),
        (SendError(SendFailure.RETRY), "warning", "1 without a code: the provider is busy or away"),
    ],
)
def test_the_doctor_says_what_the_provider_does_not_take(
    world: World, error: SendError, verdict: str, words: str
) -> None:
    put(world)

    async def refuses(_: OutgoingSms) -> Receipt:
        raise error

    asyncio.run(courier(world, Provider(refuses)).deliver())
    checks = {check.name: check for check in world.see(readiness.of_database)}
    assert checks["refused sends"].verdict == verdict
    assert checks["refused sends"].text.startswith(words)


def test_after_a_429_messages_wait_as_long_as_the_provider_said_and_do_not_come_back_together(
    world: World,
) -> None:
    waiting = {put(world, key) for key in ("jordan", "sam", "cora", "dina", "clint")}

    with chance.seeded(7):
        ids = [item.id for item in claim(world)]
        error = SendError(SendFailure.RETRY, 20429, 30.0)
        world.act(claims.record, [claims.Outcome(message_id, error=error) for message_id in ids])
    pass_real(world, seconds=29)
    assert claim(world) == []
    moments = {row.retry_real for row in world.rows(Outbox)}
    assert len(moments) == len(waiting)  # each at a moment of its own
    pass_real(world, seconds=4.5)
    assert {item.id for item in claim(world)} == waiting


@pytest.mark.parametrize("last", ["delivered", "failed"])
def test_receipts_in_any_order_and_number_leave_a_message_in_one_state(world: World, last: str) -> None:
    told = [MessageStatus.QUEUED, MessageStatus.SENT, MessageStatus(last), MessageStatus.SENT]
    ends = set()
    for order, who in zip(permutations(told), cycle(world.cast.rows)):
        message_id = put(world, who, message=check_in())
        asyncio.run(courier(world, Provider()).deliver(only=[message_id]))
        for status in order:
            world.act(delivery.apply_receipt, message_id, status, None)
        ends.add(row_of(world, message_id).state)
    assert len(ends) == 1
    assert len(world.rows(QueueItem)) == (0 if last == "delivered" else 24)  # once each


def test_where_the_provider_hangs_a_page_does_not_wait_for_the_time_outs_of_all_others(world: World) -> None:
    for _ in range(6):
        unknown(world)
        unknown(world, "sam")
    page = unknown(world, "cora", lane=outbox.LANE_URGENT)
    provider, order, beside = Provider(), [], asyncio.Event()

    async def hangs(to: str, *_: object) -> list[ListedMessage]:
        order.append(to)
        if len(order) > 1:
            beside.set()
        await asyncio.wait_for(beside.wait(), 60)  # one after the other, the first would never end
        raise SendError(SendFailure.RETRY)

    provider.find = hangs  # type: ignore[method-assign]
    pass_real(world, seconds=31)
    asyncio.run(courier(world, provider).settle())
    assert order[0] == world.cast.phone("cora")
    assert row_of(world, page).state is OutboxState.UNSETTLED


def test_a_stop_while_a_text_waits_for_its_turn_keeps_it_from_leaving(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ASKED_ONCE_MORE", 0.05)
    texts = {put(any_world, key): key for key in ("sam", "jordan")}

    async def stop(sms: OutgoingSms) -> Receipt:
        await asyncio.sleep(0.1)
        [other] = [key for message_id, key in texts.items() if message_id != sms.message_id]
        any_world.act(_says_stop, any_world.id_of(other))
        return Receipt("SMslow", MessageStatus.QUEUED)

    provider = Provider(stop)
    asyncio.run(courier(any_world, provider, at_once=1).deliver())
    [sent] = provider.sent
    [waits] = set(texts) - {sent.message_id}
    pass_real(any_world, seconds=10)
    assert claim(any_world) == []
    assert row_of(any_world, waits).state is OutboxState.SUPPRESSED
    [noted] = any_world.rows(Event, Event.kind == "message.on_its_way_at_stop")
    assert noted.subject_id == waits


def _says_stop(session: Session, person_id: str) -> None:
    person, moment = people.lock_person(session, person_id), now(session)
    person.opted_out_at = moment
    unsent.stopped(session, person, moment)


def test_what_became_of_a_text_is_known_within_ten_minutes_although_asking_fails_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id, provider = put(world), Provider()
    asyncio.run(courier(world, provider).deliver())
    fails = [SendError(SendFailure.RETRY) for _ in range(8)]

    async def fetch(sid: str) -> Receipt:
        if fails:
            raise fails.pop()
        return Receipt(sid, MessageStatus.DELIVERED)

    monkeypatch.setattr(provider, "fetch", fetch)
    for _ in range(10 * 12):
        pass_real(world, seconds=5)
        asyncio.run(courier(world, provider).settle())
    assert row_of(world, message_id).state is OutboxState.DELIVERED


def test_of_thousands_that_nobody_told_of_many_are_asked_about_at_once(world: World) -> None:
    for _ in range(60):
        put(world)
    sent = {"state": OutboxState.SENT, "sid": Outbox.id, "sent_real": world.see(real_now)}
    world.act(lambda session: session.execute(update(Outbox).values(**sent)))
    pass_real(world, minutes=2, seconds=1)
    provider = Provider()
    asyncio.run(courier(world, provider).settle())
    assert len(provider.asked) == 50


def test_of_what_cannot_be_settled_a_human_knows_within_two_minutes(world: World) -> None:
    unknown(world)
    for _ in range(int(110 / 5)):  # a look every five seconds; the last list may take ten to fail
        pass_real(world, seconds=5)
        asyncio.run(courier(world, Provider()).settle())
    assert [item.kind for item in world.rows(QueueItem)] == ["unsettled_send"]


async def test_told_to_stop_it_claims_nothing_more_and_hands_over_what_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HANDFUL", 2)
    for _ in range(6):
        put(world)

    async def stops(_: OutgoingSms) -> Receipt:
        carrying.stop()
        return Receipt("SMlast", MessageStatus.QUEUED)

    carrying = courier(world, Provider(stops))
    assert await carrying.deliver() == 2
    states = [row.state for row in world.rows(Outbox)]
    assert sorted(states) == sorted([OutboxState.SENT] * 2 + [OutboxState.PENDING] * 4)


def test_a_page_is_tried_again_soon_however_long_the_provider_was_away(world: World) -> None:
    page, other = put(world, "cora", lane=outbox.LANE_URGENT), put(world, "dina", lane=outbox.LANE_TEAM)
    away = SendError(SendFailure.RETRY)
    for _ in range(8):
        world.act(claims.claim, rate=None)
        world.act(claims.record, [claims.Outcome(page, error=away), claims.Outcome(other, error=away)])
        pass_real(world, seconds=16)
    assert row_of(world, page).attempts == 8
    assert row_of(world, other).attempts < 6
