"""What the transaction that claims a message checks once more; what follows where it may not leave."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.domain.plan import StepKind, StepState
from cism.services import delivery, engine, once_more, outbox, people, questions
from cism.store.db import now
from cism.store.states import AssignmentState, OutboxState
from cism.store.tables import Agency, Assignment, Outbox, Person, QueueItem, Step
from notifications.gateway import (
    MessageStatus,
    OutgoingSms,
    Receipt,
    SendError,
    SendFailure,
)
from tests.services.sending import Provider, check_in, claim, courier, pass_real, put, row_of
from tests.services.world import World
from tests.stories.places import local


def test_without_having_read_what_came_in_no_care_text_is_claimed(any_world: World) -> None:
    care, other = put(any_world, message=check_in()), put(any_world, "cora", lane=outbox.LANE_TEAM)
    assert [item.id for item in claim(any_world, care=False)] == [other]
    assert [item.id for item in claim(any_world)] == [care]


_SAID_SINCE = {
    "opted_out_at": lambda row, at: at,
    "revoked_care": lambda row, at: True,
    "consent_care": lambda row, at: False,
    "frozen_at": lambda row, at: at,
    "care_held_at": lambda row, at: at,
    "phone_confirmed_at": lambda row, at: None,
    "status": lambda row, at: PersonStatus.DECEASED,
}


@pytest.mark.parametrize("field", _SAID_SINCE)
def test_what_was_said_after_a_text_was_written_keeps_it_back_when_it_is_claimed(
    any_world: World, field: str
) -> None:
    """Whoever says it also cancels what waits; this is asked all the same, once more right before sending."""

    def said(session: Session) -> None:
        row = session.get_one(Person, any_world.id_of("jordan"))
        setattr(row, field, _SAID_SINCE[field](row, now(session)))

    on_its_way, waits = put(any_world, message=check_in()), put(any_world, message=check_in())
    assert [item.id for item in claim(any_world, only=[on_its_way])] == [on_its_way]
    assert any_world.see(lambda session: once_more.may_leave_still(session, on_its_way))
    any_world.act(said)
    assert claim(any_world, only=[waits]) == []
    assert row_of(any_world, waits).state is OutboxState.SUPPRESSED
    assert not any_world.see(lambda session: once_more.may_leave_still(session, on_its_way))


def test_a_stop_that_comes_while_a_claimed_text_waits_for_its_turn_keeps_it_from_leaving(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider takes its time with the one before: what was claimed is asked about once more."""
    seconds = 0.0
    monkeypatch.setattr(delivery, "monotonic", lambda: seconds)
    texts = {key: put(any_world, key, message=check_in()) for key in ("jordan", "sam")}
    stopped = ""

    async def slowly(sms: OutgoingSms) -> Receipt:
        nonlocal seconds, stopped
        seconds += 1.0
        stopped = next(key for key, text in texts.items() if text != sms.message_id)
        any_world.act(lambda session: _stops(session, any_world.id_of(stopped)))
        return Receipt("SM1", MessageStatus.QUEUED)

    provider = Provider(slowly)
    asyncio.run(courier(any_world, provider, at_once=1).deliver(only=[*texts.values()]))
    assert len(provider.sent) == 1
    assert row_of(any_world, texts[stopped]).state is not OutboxState.SENT


def _stops(session: Session, person_id: str) -> None:
    session.get_one(Person, person_id).opted_out_at = now(session)


def test_a_care_text_that_is_still_queued_when_the_persons_hours_end_does_not_arrive(world: World) -> None:
    world.advance(seconds=(local("2026-03-03 20:30") - world.now()).total_seconds())
    put(world, message=check_in())
    put(world, "cora", lane=outbox.LANE_TEAM)
    by_lane = {item.to: item.validity_seconds for item in claim(world)}
    assert by_lane[world.cast.phone("jordan")] <= 30 * 60
    assert by_lane[world.cast.phone("cora")] == 36_000


def test_the_provider_is_told_when_a_message_is_stale(world: World) -> None:
    put(world, "cora", lane=outbox.LANE_TEAM, expires_at=world.now() + timedelta(minutes=10))
    (claimed,) = claim(world)
    assert 590 <= claimed.validity_seconds <= 600


def _asked(world: World) -> dict[str, AssignmentState]:
    return {row.peer_id: row.state for row in world.rows(Assignment)}


def test_who_takes_back_the_consent_to_be_paged_is_not_paged_and_the_next_one_is(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    first = next(row for row in any_world.sent("page"))

    def revoke(session: Session) -> None:
        session.get_one(Person, first.person_id).consent_pages = False

    any_world.act(revoke)
    before = set(_asked(any_world))
    assert first.id not in {item.id for item in claim(any_world)}
    assert row_of(any_world, first.id).state is OutboxState.SUPPRESSED
    any_world.rest()
    assert len(set(_asked(any_world)) - before) == 1
    assert _asked(any_world)[first.person_id or ""] is AssignmentState.SILENT


def test_a_check_in_that_could_not_leave_in_its_window_is_a_humans(any_world: World) -> None:
    def ask(session: Session) -> None:
        person = session.get_one(Person, person_id)
        moment = now(session)
        question = questions.ask(session, person_id=person.id, kind="check_in", now=moment, point="f1")
        until = moment + timedelta(hours=1)
        outbox.put(
            session, check_in(), key="late", now=moment, person=person, question=question, expires_at=until
        )

    person_id = any_world.id_of("jordan")
    any_world.act(ask)
    any_world.advance(hours=2)
    assert claim(any_world) == []
    assert [row.kind for row in any_world.rows(QueueItem)] == ["contact_missed"]


@pytest.mark.parametrize(("code", "still_trusted"), [(30003, True), (30005, False), (30006, False)])
def test_a_handset_that_is_off_is_a_call_today_and_no_bad_number(
    world: World, code: int, still_trusted: bool
) -> None:
    put(world, message=check_in())
    for minutes in (0, 30, 120, 240) if still_trusted else (0,):  # one that is off is tried again first
        assert world.rows(QueueItem) == []
        world.advance(minutes=minutes)
        asyncio.run(courier(world, Provider()).deliver())
        (message_id,) = [row.id for row in world.rows(Outbox, Outbox.state == OutboxState.SENT)]
        world.act(delivery.apply_receipt, message_id, MessageStatus.UNDELIVERED, code)
    assert [row.kind for row in world.rows(QueueItem)] == ["call_needed"]
    person = world.see(lambda session: people.by_roster_id(session, world.cast.agency, "jordan"))
    assert person is not None
    assert (person.phone_confirmed_at is not None) is still_trusted


def test_a_page_that_cannot_be_settled_is_marked_as_a_repeat_and_the_duty_phone_is_told(
    any_world: World,
) -> None:
    def other_duty_phone(session: Session) -> None:
        session.get_one(Agency, any_world.cast.agency).duty_phone = any_world.cast.phone("dina")

    any_world.act(other_duty_phone)
    any_world.log("THREAT", "jordan:A", severity="S1")

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    asyncio.run(courier(any_world, Provider(lost)).deliver(urgent_only=True))
    before = {row.id for row in any_world.sent("page")}
    pass_real(any_world, seconds=40)
    asyncio.run(courier(any_world, Provider()).settle())
    any_world.rest()
    fresh = [row for row in any_world.sent("page") if row.id not in before]
    assert fresh
    assert all(getattr(outbox.message_of(row), "repeat", False) for row in fresh)
    first = [row for row in any_world.sent("page") if row.id in before]
    assert not any(getattr(outbox.message_of(row), "repeat", True) for row in first)
    told = {row.person_id for row in any_world.sent("unsettled_send")}
    assert {any_world.id_of("cora"), any_world.id_of("dina")} <= told


def test_pages_of_one_incident_that_are_lost_one_after_the_other_are_told_of_once(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    for _ in range(3):  # the page, and its repeats to the next helpers
        asyncio.run(courier(any_world, Provider(lost)).deliver(urgent_only=True))
        pass_real(any_world, seconds=70)
        asyncio.run(courier(any_world, Provider()).settle())
        any_world.rest()
    unclear = [row for row in any_world.sent("page") if row.state is OutboxState.UNSETTLED]
    told = [row.person_id for row in any_world.sent("unsettled_send")]
    assert len(unclear) > 1
    assert told
    assert len(told) == len(set(told))


def test_a_second_look_at_an_undelivered_page_is_planned_once(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    page = any_world.sent("page")[0]
    asyncio.run(courier(any_world, Provider()).deliver(urgent_only=True))
    for _ in range(3):
        any_world.act(delivery.apply_receipt, page.id, MessageStatus.UNDELIVERED, 30003)
    rows = any_world.rows(Step, Step.kind == StepKind.PAGE_UNDELIVERED)
    assert len(rows) == 1
    any_world.act(engine.run_due)
    assert any_world.rows(Step, Step.kind == StepKind.PAGE_UNDELIVERED)[0].state is StepState.DONE
