"""Calls as rows: claimed once, never dialled twice, and only a key on a live call counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from cism.domain.escalation_level import EscalationLevel
from cism.domain.plan import StepKind, StepState
from cism.domain.voice import CallReason
from cism.services import dialling, engine, escalations, keypad, response
from cism.services.dialling import Dialler
from cism.store.db import now, real_now
from cism.store.states import CallState
from cism.store.tables import Agency, Escalation, Event, Incident, Person, PhoneCall, Question, Step
from notifications.gateway import (
    AnsweredBy,
    CallReceipt,
    CallStatus,
    HeardOnCall,
    ListedCall,
    OutgoingCall,
    SendError,
    SendFailure,
)
from tests.services.sending import pass_real
from tests.services.world import World

SID = "CA" + "1" * 32


class Exchange:
    """A provider of calls that does what a test wants."""

    def __init__(self, error: SendError | Exception | None = None) -> None:
        self.error = error
        self.calls: list[OutgoingCall] = []
        self.listed: list[ListedCall] = []
        self.fetched: CallStatus | SendError = CallStatus.NO_ANSWER

    async def call(self, call: OutgoingCall) -> CallReceipt:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return CallReceipt(SID, CallStatus.QUEUED)

    async def find_calls(self, to: str, made_after: datetime) -> Sequence[ListedCall]:
        return self.listed

    async def fetch_call(self, sid: str) -> CallReceipt:
        if isinstance(self.fetched, SendError):
            raise self.fetched
        return CallReceipt(sid, self.fetched)


def asked(world: World) -> PhoneCall:
    """Somebody needs a person, the clinician did not answer, and a call waits to be made."""
    world.text("jordan", "I want to die")
    world.advance(minutes=5)
    (call,) = calls(world)
    return call


def calls(world: World) -> list[PhoneCall]:
    found: list[PhoneCall] = world.rows(PhoneCall)
    return sorted(found, key=lambda row: row.made_at)


def dial(world: World, exchange: Exchange) -> int:
    return asyncio.run(Dialler(world.db, exchange, "https://cism.example").dial())  # type: ignore[arg-type]


def settle(world: World, exchange: Exchange) -> None:
    asyncio.run(Dialler(world.db, exchange, "https://cism.example").settle())  # type: ignore[arg-type]


def state(world: World) -> CallState:
    return calls(world)[0].state


def up(world: World) -> PhoneCall:
    """A call that rings."""
    asked(world)
    dial(world, Exchange())
    return calls(world)[0]


def hear(
    world: World, call: PhoneCall, keys: str | None = None, turn: int = 0, by: AnsweredBy = AnsweredBy.PERSON,
    sid: str = SID,
) -> str:  # fmt: skip
    heard = HeardOnCall(sid, CallStatus.IN_PROGRESS, by, keys)
    return world.act(keypad.converse, call.id, heard, turn)


def escalation(world: World) -> Escalation:
    (row,) = world.rows(Escalation)
    return row  # type: ignore[no-any-return]


def test_a_call_is_claimed_once_and_asks_us_for_its_words(any_world: World) -> None:
    call = asked(any_world)
    exchange = Exchange()
    assert dial(any_world, exchange) == 1
    assert dial(any_world, exchange) == 0
    (made,) = exchange.calls
    assert (made.call_id, made.to) == (call.id, any_world.cast.phone("clint"))
    assert made.url == f"https://cism.example/twilio/voice?c={call.id}"
    assert (calls(any_world)[0].state, calls(any_world)[0].sid) == (CallState.PLACED, SID)
    assert made.to not in repr(made)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (SendFailure.UNKNOWN, CallState.UNKNOWN),
        (SendFailure.RETRY, CallState.PENDING),
        (SendFailure.CONFIGURATION, CallState.PENDING),
        (SendFailure.PERMANENT, CallState.FAILED),
    ],
)
def test_what_the_provider_answers_decides_whether_it_is_tried_again(
    world: World, kind: SendFailure, after: CallState
) -> None:
    asked(world)
    refusing = Exchange(SendError(kind, 20429))
    assert dial(world, refusing) == 0
    assert state(world) is after
    assert dial(world, refusing) == 0
    assert len(refusing.calls) == 1  # at once never, whatever it was
    pass_real(world, seconds=16)
    dial(world, refusing)
    assert len(refusing.calls) == (2 if after is CallState.PENDING else 1)


def test_a_gateway_that_breaks_leaves_a_call_of_unknown_outcome(world: World) -> None:
    asked(world)
    assert dial(world, Exchange(RuntimeError("+12125550123"))) == 0
    assert state(world) is CallState.UNKNOWN


def test_a_call_left_by_a_process_that_died_is_asked_after_and_never_dialled_again(world: World) -> None:
    asked(world)
    world.act(dialling.claim)  # and then the process is gone
    exchange = Exchange()
    settle(world, exchange)
    assert state(world) is CallState.DIALING
    pass_real(world, seconds=16)
    settle(world, exchange)
    assert state(world) is CallState.UNKNOWN
    pass_real(world, seconds=20)
    settle(world, exchange)
    assert state(world) is CallState.UNSETTLED
    assert dial(world, exchange) == 0
    assert exchange.calls == []


@pytest.mark.parametrize(("found", "after"), [(1, CallState.PLACED), (2, CallState.UNKNOWN)])
def test_a_listed_call_counts_only_if_exactly_one_fits(world: World, found: int, after: CallState) -> None:
    asked(world)
    dial(world, Exchange(SendError(SendFailure.UNKNOWN)))
    exchange = Exchange()
    moment = world.see(real_now)
    exchange.listed = [ListedCall(f"CA{n}", CallStatus.RINGING, moment) for n in range(found)]
    settle(world, exchange)
    assert state(world) is after


def test_a_status_callback_proves_that_a_call_was_made_whose_answer_was_lost(world: World) -> None:
    call = asked(world)
    dial(world, Exchange(SendError(SendFailure.UNKNOWN)))
    world.act(dialling.apply_status, call.id, SID, CallStatus.RINGING)
    assert (state(world), calls(world)[0].sid) == (CallState.PLACED, SID)
    world.act(dialling.apply_status, call.id, "CAother", CallStatus.COMPLETED)  # not ours
    assert state(world) is CallState.PLACED
    world.act(dialling.apply_status, call.id, SID, None)
    world.act(dialling.apply_status, "no such call", SID, CallStatus.COMPLETED)
    world.act(dialling.apply_status, call.id, SID, CallStatus.BUSY)
    assert state(world) is CallState.NOT_ANSWERED
    world.act(dialling.apply_status, call.id, SID, CallStatus.RINGING)
    assert (state(world), calls(world)[0].provider_status) == (CallState.NOT_ANSWERED, "busy")


def test_a_call_that_nothing_is_told_of_is_asked_after_once_in_a_while(world: World) -> None:
    up(world)
    exchange = Exchange()
    settle(world, exchange)
    assert state(world) is CallState.PLACED
    pass_real(world, minutes=3)
    exchange.fetched = SendError(SendFailure.RETRY)
    settle(world, exchange)
    assert state(world) is CallState.PLACED
    exchange.fetched = CallStatus.NO_ANSWER
    settle(world, exchange)
    assert state(world) is CallState.PLACED  # it was just asked after
    pass_real(world, minutes=3)
    settle(world, exchange)
    assert state(world) is CallState.NOT_ANSWERED


def _taken(session: Session) -> None:
    row = session.query(Escalation).one()
    called = session.query(PhoneCall).one().person_id
    helper = session.get_one(Person, called)
    escalations.acknowledge(session, row, helper, now(session))


def _stopped(session: Session) -> None:
    for row in session.query(Person).all():
        row.opted_out_at = now(session)


def _revoked(session: Session) -> None:
    for row in session.query(Person).all():
        row.revoked_pages = True


@pytest.mark.parametrize(
    ("change", "after"),
    [(_taken, CallState.CANCELLED), (_stopped, CallState.SUPPRESSED), (_revoked, CallState.SUPPRESSED)],
)
def test_what_changed_before_the_call_was_made_keeps_it_from_being_made(
    any_world: World, change: object, after: CallState
) -> None:
    asked(any_world)
    any_world.act(change)  # type: ignore[arg-type]
    exchange = Exchange()
    dial(any_world, exchange)
    assert (exchange.calls, state(any_world)) == ([], after)


def test_a_call_whose_moment_has_passed_is_not_made(world: World) -> None:
    asked(world)
    world.db.clock.pass_real(minutes=11)  # type: ignore[attr-defined]
    exchange = Exchange()
    dial(world, exchange)
    assert (exchange.calls, state(world)) == ([], CallState.EXPIRED)


def test_a_key_takes_it_once_however_often_the_request_is_repeated(any_world: World) -> None:
    call = up(any_world)
    assert "press 1" in hear(any_world, call)
    for _ in range(3):
        assert "is yours" in hear(any_world, call, "1", 1)
    assert escalation(any_world).state.value == "acked"
    assert any_world.told("escalation_assigned") == ["clint"]
    assert len(any_world.rows(Event, Event.kind == "escalation.acked")) == 1


def test_only_a_key_takes_it(world: World) -> None:
    call = up(world)
    for keys, turn in ((None, 0), (None, 1), ("", 1), ("5", 1), (None, 2), ("11", 2)):
        hear(world, call, keys, turn)
        assert escalation(world).state.value == "open"
    hear(world, call, "1", 1)
    assert escalation(world).state.value == "acked"


def test_a_machine_takes_nothing_even_if_it_plays_the_tone_of_a_key(world: World) -> None:
    call = up(world)
    said = hear(world, call, "1", 1, AnsweredBy.MACHINE)
    assert "waits for an answer" in said
    assert "<Gather" not in said
    assert escalation(world).state.value == "open"


@pytest.mark.parametrize("how", ["another call", "after its end", "much later", "frozen", "no such call"])
def test_a_key_that_does_not_belong_to_a_call_that_is_up_changes_nothing(world: World, how: str) -> None:
    call, sid = up(world), SID
    if how == "another call":
        sid = "CA" + "2" * 32
    elif how == "after its end":
        world.act(dialling.apply_status, call.id, SID, CallStatus.COMPLETED)
    elif how == "much later":
        pass_real(world, minutes=11)
    elif how == "frozen":
        world.act(_freeze, call.person_id)
    else:
        call.id = "ffffffffffffffffffff"
    before = len(world.rows(Event))
    assert "already covered" in hear(world, call, "1", 1, sid=sid)
    assert escalation(world).state.value == "open"
    assert len(world.rows(Event)) == before


def _freeze(session: Session, person_id: str) -> None:
    session.get_one(Person, person_id).frozen_at = now(session)


def test_a_late_key_is_thanked_and_changes_nothing(world: World) -> None:
    call = up(world)
    hear(world, call)
    (question,) = world.rows(Question, Question.id == call.question_id)
    world.advance(minutes=1)
    world.text("clint", f"1 {question.code}")
    world.text("clint", f"4 {question.code}")
    assert "already covered, thank you" in hear(world, call, "1", 1)
    assert escalation(world).state.value == "closed"


def test_a_request_for_words_proves_that_a_call_was_made_whose_answer_was_lost(world: World) -> None:
    call = asked(world)
    dial(world, Exchange(SendError(SendFailure.UNKNOWN)))
    assert "press 1" in hear(world, call)
    assert (state(world), calls(world)[0].sid) == (CallState.PLACED, SID)


def test_what_cannot_be_done_any_more_is_answered_with_covered(world: World) -> None:
    call = up(world)
    world.act(_about_the_helper, call.person_id)
    assert "already covered" in hear(world, call, "1", 1)
    assert escalation(world).state.value == "open"


def _about_the_helper(session: Session, person_id: str) -> None:
    session.query(Escalation).one().person_id = person_id


def test_nobody_is_called_where_the_duty_phone_is_that_of_the_person_themselves(world: World) -> None:
    row = world.see(lambda session: session.get_one(Person, world.id_of("jordan")))
    world.act(_duty_is, row.phone)
    world.text("jordan", "I want to die")
    world.advance(hours=1)
    assert [one for one in calls(world) if one.reason == CallReason.NOBODY_LEFT.value] == []
    assert row.id not in {one.person_id for one in calls(world)}


def _duty_is(session: Session, number: str) -> None:

    session.get_one(Agency, "metro-pd").duty_phone = number


def test_a_duty_phone_that_is_nobody_s_is_told_when_the_ladder_is_silent(
    world: World,
) -> None:
    world.act(_duty_is, "+12125550190")
    world.text("jordan", "I want to die")
    world.advance(minutes=15)
    (told,) = [one for one in calls(world) if one.reason == CallReason.NOBODY_LEFT.value]
    assert (told.person_id, told.to_number, told.question_id) == (None, "+12125550190", None)
    exchange = Exchange()
    dial(world, exchange)
    assert "+12125550190" in {one.to for one in exchange.calls}
    said = hear(world, told)
    assert "nobody has taken it" in said
    assert "We go on asking" in hear(world, told, "1", 1)
    assert escalation(world).state.value == "open"
    assert world.rows(PhoneCall, PhoneCall.id == told.id)[0].state is CallState.ANSWERED


def test_an_exhausted_team_rings_the_duty_phone_once_unless_the_coordinator_has_taken_over(
    world: World,
) -> None:
    world.log("THREAT", "jordan:A", severity="S1", ended_at=world.now())
    world.advance(hours=2)
    told = [one for one in calls(world) if one.reason == CallReason.NOBODY_LEFT.value]
    assert [one.person_id for one in told] == [world.id_of("cora")]
    incident = world.rows(Incident)[0]
    assert told[0].subject_id == incident.id


def test_a_stood_down_incident_is_told_to_no_duty_phone_any_more(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S1", ended_at=world.now())
    world.advance(minutes=20)
    world.act(_over)
    exchange = Exchange()
    dial(world, exchange)
    assert exchange.calls == []


def _over(session: Session) -> None:

    response.stand_down(session, session.query(Incident).one().id, by=None, now=now(session))


def test_calls_that_wait_are_urgent_work_and_a_ringing_phone_is_not_waited_for(world: World) -> None:

    asked(world)
    before = world.see(engine.due)
    dial(world, Exchange())
    after = world.see(engine.due)
    assert before.urgent_messages - after.urgent_messages == 1
    assert before.messages - after.messages == 1
    assert not world.see(dialling.on_the_way)


def test_a_retry_that_waits_is_no_work_yet(world: World) -> None:
    asked(world)
    dial(world, Exchange(SendError(SendFailure.RETRY)))
    assert world.see(dialling.waiting) == 0
    pass_real(world, seconds=3)
    assert world.see(dialling.waiting) == 1


def test_who_answers_before_two_minutes_leaves_no_step_behind(world: World) -> None:

    world.text("jordan", "3")
    world.answer("escalation")
    left = world.rows(Step, Step.kind == StepKind.CALL, Step.state == StepState.PLANNED)
    assert left == []


def test_a_page_that_was_answered_or_is_not_needed_any_more_leaves_no_look_behind(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S1", ended_at=world.now())
    looks = (Step.kind == StepKind.CALL, Step.state == StepState.PLANNED)
    asked_now = world.rows(Question, Question.kind == "page", Question.state == "open")
    assert len(world.rows(Step, *looks)) == len(asked_now) == 2
    passing, taking = (world.key_of(row.person_id) for row in asked_now)
    world.text(passing, f"0 {asked_now[0].code}")
    assert asked_now[0].id not in {step.subject_id for step in world.rows(Step, *looks)}
    world.text(taking, f"1 {asked_now[1].code}")  # and whoever was asked instead is told that it is covered
    assert world.rows(Step, *looks) == []


def test_what_we_ourselves_left_undone_wakes_nobody_by_phone(world: World) -> None:
    world.advance(hours=15)  # 03:00
    world.act(_left_undone)
    world.advance(minutes=40)
    assert world.told("escalation")
    assert [one for one in calls(world) if one.question_id] == []


def _left_undone(session: Session) -> None:
    escalations.open_for(
        session,
        person=None,
        agency="metro-pd",
        level=EscalationLevel.URGENT,
        reason="unread_call_needed",
        now=now(session),
    )
