"""The breaker: what one phone gets in an hour and a day, whatever asked for it; and a plan that runs away."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.clock import wait
from cism.domain.caps import CAPS, REPLIES_AN_HOUR
from cism.domain.plan import StepKind
from cism.services import breaker, claims, inbound, outbox, queue
from cism.store.db import now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, QueueItem, Step
from notifications.gateway import InboundSms, MessageStatus, Receipt, SendError, SendFailure
from notifications.messages import CallNow, CrisisAnswer, Message, Noted, Purpose
from tests.services.sending import Provider, check_in, claim, courier, pass_real, put, row_of
from tests.services.world import World

CARE = CAPS[Purpose.CARE].an_hour
CALL_NOW = CallNow(agency="Metro PD", by="14:30", duty="", line="call or text 988")
CRISIS = CrisisAnswer(agency="Metro PD", line="call or text 988", emergency="911")
NOTED = Noted(agency="Metro PD", code="K4T7")


def deliver(world: World) -> list[str]:
    """Hand over what waits; says which."""
    provider = Provider()
    asyncio.run(courier(world, provider).deliver())
    return [sms.message_id for sms in provider.sent]


def many(world: World, key: str, count: int, message: Message | None = None, lane: int | None = None) -> None:
    """So many texts to one phone leave."""
    ids = {put(world, key, message or check_in(), lane=lane) for _ in range(count)}
    assert set(deliver(world)) >= ids


def has_had_its_share(world: World, rows: list[Outbox]) -> None:
    """The phones that these pages go to have had as many urgent texts as an hour may bring."""

    def hand(session: Session) -> None:
        for page in rows:
            for number in range(CAPS[Purpose.URGENT].an_hour):
                person, moment = session.get_one(Person, page.person_id), now(session)
                row = outbox.put(
                    session,
                    NOTED,
                    key=f"{page.id}.{number}",
                    now=moment,
                    person=person,
                    lane=outbox.LANE_URGENT,
                )
                assert row is not None
                row.state, row.claimed_at = OutboxState.SENT, moment

    world.act(hand)


def items(world: World) -> list[str]:
    return sorted(row.kind for row in world.rows(QueueItem))


def test_past_its_cap_a_phone_gets_no_more_care_texts_until_the_hour_is_over(any_world: World) -> None:
    many(any_world, "jordan", CARE)
    waiting = [put(any_world, "jordan", check_in()) for _ in range(3)]
    assert deliver(any_world) == []
    assert {row_of(any_world, one).state for one in waiting} == {OutboxState.PENDING}
    assert items(any_world) == ["too_many_texts"]  # once, however many are held
    assert any_world.told("queue_new") == ["cora"]
    any_world.advance(minutes=59)
    assert not set(deliver(any_world)) & set(waiting)
    any_world.advance(minutes=1)
    deliver(any_world)  # what is caught up with now leaves one at a time, hours apart
    assert {row_of(any_world, one).state for one in waiting} == {OutboxState.PENDING}
    assert all(row_of(any_world, one).not_before > any_world.now() for one in waiting)


def test_what_was_held_leaves_when_the_hour_is_over(world: World) -> None:
    many(world, "cora", CAPS[Purpose.TEAM].an_hour, NOTED, outbox.LANE_TEAM)
    waiting = [put(world, "cora", NOTED, lane=outbox.LANE_TEAM) for _ in range(3)]
    assert not set(deliver(world)) & set(waiting)
    world.advance(minutes=59)
    assert not set(deliver(world)) & set(waiting)
    world.advance(minutes=1)
    assert set(deliver(world)) >= set(waiting)


def test_a_day_has_its_cap_too(world: World) -> None:
    for _ in range(2):
        many(world, "jordan", CARE)
        world.advance(hours=1)
    last = put(world, "jordan", check_in())
    assert deliver(world) == []
    assert row_of(world, last).not_before - world.now() > timedelta(hours=20)


def test_care_texts_take_nothing_from_the_pages_of_the_same_phone(world: World) -> None:
    many(world, "jordan", CARE)
    page = put(world, "jordan", lane=outbox.LANE_URGENT)
    assert deliver(world) == [page]


def test_what_the_provider_did_not_take_counts_for_nothing(world: World) -> None:
    for error in (SendFailure.RETRY, SendFailure.PERMANENT):
        for _ in range(CARE):
            message_id = put(world, "jordan", check_in())
            assert message_id in [item.id for item in claim(world)]
            world.act(claims.record, [claims.Outcome(message_id, error=SendError(error))])
            world.act(outbox.cancel, reason="test", person_id=world.id_of("jordan"))
    assert "too_many_texts" not in items(world)


def test_what_nobody_can_say_of_counts(world: World) -> None:
    for _ in range(CARE):
        message_id = put(world, "jordan", check_in())
        claim(world)
        world.act(claims.record, [claims.Outcome(message_id, error=SendError(SendFailure.UNKNOWN))])
    put(world, "jordan", check_in())
    assert claim(world) == []


def test_a_page_to_a_phone_that_has_had_its_share_waits_and_the_next_helper_is_asked_once(
    world: World,
) -> None:
    world.log("THREAT", "jordan:A", severity="S1")
    pages = world.sent("page")
    has_had_its_share(world, pages)
    for _ in range(3):
        deliver(world)
        world.rest()
    assert len(world.rows(Step, Step.kind == StepKind.PAGE_UNDELIVERED)) == len(pages)
    assert len(world.sent("page")) > len(pages)
    for page in pages:
        held = row_of(world, page.id)
        assert (held.state, held.reason) == (OutboxState.PENDING, breaker.HELD)
    assert items(world) == ["too_many_texts"] * len(pages)


def test_what_answers_a_cry_for_help_is_never_held(any_world: World) -> None:
    many(any_world, "jordan", CAPS[Purpose.ANSWER].an_hour, NOTED)
    noted, crisis = put(any_world, "jordan", NOTED), put(any_world, "jordan", CRISIS)
    first = put(any_world, "jordan", CALL_NOW)
    any_world.advance(seconds=1)
    again = put(any_world, "jordan", CALL_NOW)
    assert set(deliver(any_world)) & {noted, crisis, first, again} == {crisis, first}
    assert {row_of(any_world, one).state for one in (noted, again)} == {OutboxState.SUPPRESSED}
    assert items(any_world) == ["too_many_texts"]


def test_two_who_claim_at_once_do_not_both_find_room(any_world: World) -> None:
    for _ in range(2 * CARE):
        put(any_world, "jordan", check_in())
    taken: list[str] = []

    def take() -> None:
        def work(session: Session) -> list[claims.Claimed]:
            found = claims.claim(session, rate=None, limit=CARE)
            wait(0.2)
            return found

        taken.extend(item.id for item in any_world.act(work))

    both = [threading.Thread(target=take) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(set(taken)) == len(taken) == CARE


def test_a_plan_that_runs_away_is_stopped_pages_go_on_and_a_human_lets_it_go_on(any_world: World) -> None:
    everybody = [*any_world.cast.rows]
    for key in everybody[:6]:
        many(any_world, key, CARE)
    one_more, page = put(any_world, everybody[6], check_in()), put(any_world, lane=outbox.LANE_URGENT)
    assert deliver(any_world) == [page]
    assert row_of(any_world, one_more).state is OutboxState.PENDING
    any_world.advance(minutes=10)
    assert one_more not in deliver(any_world)  # it does not go on by itself
    (item,) = any_world.rows(QueueItem, QueueItem.kind == "runaway")
    assert any_world.told("queue_new") == ["cora"]
    any_world.act(queue.handle, item.id, by=None, now=any_world.now())
    assert one_more in deliver(any_world)


@pytest.mark.parametrize("known", [True, False])
def test_two_machines_that_answer_each_other_come_to_an_end_and_somebody_is_told_once(
    world: World, known: bool
) -> None:
    number = world.cast.phone("jordan") if known else "+12025550177"
    texts = 0

    def says(body: str) -> list[str]:
        nonlocal texts
        texts += 1
        before = len(world.rows(Outbox))
        world.act(inbound.receive_once, InboundSms(f"SMx{texts}", number, "+12025550100", body))
        world.rest()
        fresh = sorted(world.rows(Outbox), key=lambda row: row.made_at)[before:]
        return [row.kind for row in fresh if row.lane == outbox.LANE_ANSWER]

    for _ in range(REPLIES_AN_HOUR):
        assert says("your message was received") == ["read_by"]
    for _ in range(5):
        assert says("your message was received") == []
    assert items(world).count("too_many_texts") == 1
    assert says("i want to kill myself") == ["crisis_answer"]
    if known:  # a stranger's 3 is read by a human
        assert says("3") == ["call_now"]
        assert says("3") == []
    world.advance(hours=1, minutes=1)
    assert says("your message was received") == ["read_by"]


def test_a_text_waits_for_the_earlier_one_to_the_same_phone_that_the_provider_did_not_take(
    any_world: World,
) -> None:
    first = put(any_world, "jordan", NOTED)
    assert [item.id for item in claim(any_world)] == [first]
    any_world.advance(seconds=1)
    second, other = put(any_world, "jordan", NOTED), put(any_world, "sam", NOTED)
    assert [item.id for item in claim(any_world)] == [other]  # the first is on its way
    any_world.act(claims.record, [claims.Outcome(first, error=SendError(SendFailure.RETRY, 20429, 10.0))])
    assert claim(any_world) == []  # and now waits for its next attempt
    page = put(any_world, "jordan", lane=outbox.LANE_URGENT)
    assert [item.id for item in claim(any_world)] == [page]  # which nothing else holds up
    pass_real(any_world, seconds=11)
    assert [item.id for item in claim(any_world)] == [first, second]


def test_a_text_that_the_provider_never_takes_holds_up_others_only_for_some_attempts(world: World) -> None:
    stuck = put(world, "jordan", NOTED)
    away = SendError(SendFailure.RETRY)
    for _ in range(6):
        assert stuck in [item.id for item in claim(world)]
        world.act(claims.record, [claims.Outcome(stuck, error=away)])
        pass_real(world, minutes=4)
    assert stuck in [item.id for item in claim(world)]
    world.act(claims.record, [claims.Outcome(stuck, error=away)])
    second = put(world, "jordan", NOTED)
    assert [item.id for item in claim(world)] == [second]


def test_texts_to_one_phone_are_handed_over_one_by_one_in_order_and_none_passes_one_that_failed(
    world: World,
) -> None:
    ids = []
    for _ in range(6):
        ids.append(put(world, "jordan", NOTED))
        world.advance(seconds=1)
    under_way, order = 0, []

    async def slow(sms: object) -> object:
        nonlocal under_way
        under_way += 1
        assert under_way == 1, "two at once to one phone"
        order.append(sms.message_id)  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        under_way -= 1
        if len(order) == 3:
            raise SendError(SendFailure.RETRY)
        return Receipt(f"SM{len(order)}", MessageStatus.QUEUED)

    asyncio.run(courier(world, Provider(slow)).deliver())  # type: ignore[arg-type]
    assert order == ids[:3]
    states = [row_of(world, one).state for one in ids]
    assert states == [OutboxState.SENT] * 2 + [OutboxState.PENDING] * 4
