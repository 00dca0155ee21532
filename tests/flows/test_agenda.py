from __future__ import annotations

from cism.domain.plan import StepKind
from cism.services.engine import DueNow
from flows.agenda import Waiting, counts_of, orders
from flows.limits import Limits
from flows.order import Lane, Order

LIMITS = Limits()


def decide(
    due: DueNow, *, busy: set[str] | None = None, waited_for: float = 60.0, care: bool = True
) -> list[Order]:
    waited = Waiting()
    waited.note(counts_of(due), 1000.0)
    return orders(due, waited, busy or set(), 1000.0 + waited_for, LIMITS, care_may_leave=care)


def lanes(found: list[Order]) -> list[Lane]:
    return [order.lane for order in found]


def test_nothing_due_makes_no_run() -> None:
    assert decide(DueNow()) == []


def test_each_fresh_incident_gets_a_respond_run_of_its_own_and_no_other_run_is_made_for_its_steps() -> None:
    due = DueNow({StepKind.ACTIVATE: 2, StepKind.PLAN_RESPONSE: 2}, fresh_incidents=("a", "b"))
    found = decide(due)
    assert [(order.lane, order.incident_id) for order in found] == [
        (Lane.RESPOND, "a"),
        (Lane.RESPOND, "b"),
    ]


def test_only_a_few_respond_runs_are_under_way_at_once() -> None:
    due = DueNow({StepKind.PLAN_RESPONSE: 9}, fresh_incidents=tuple("abcdefghi"))
    assert len(decide(due)) == LIMITS.responses_at_once
    assert lanes(decide(due, busy={"respond:a", "respond:b", "respond:c"})) == []


def test_a_later_round_is_asked_by_activate_team_also_beside_a_fresh_incident() -> None:
    due = DueNow({StepKind.ACTIVATE: 2, StepKind.PLAN_RESPONSE: 1}, fresh_incidents=("a",))
    assert lanes(decide(due)) == [Lane.RESPOND, Lane.ACTIVATE_TEAM]


def test_nothing_routine_begins_beside_an_urgent_beginning() -> None:
    due = DueNow({StepKind.CONTACT: 2000, StepKind.ESCALATE: 1, StepKind.INVITE: 3}, messages=50)
    assert lanes(decide(due)) == [Lane.ROUTE_ESCALATIONS]


def test_routine_lanes_begin_while_an_urgent_run_is_under_way() -> None:
    due = DueNow({StepKind.CONTACT: 2000, StepKind.ESCALATE: 1})
    assert lanes(decide(due, busy={"route-escalations"})) == [Lane.SEND_FOLLOW_UPS]


def test_one_run_a_lane_at_a_time() -> None:
    due = DueNow({StepKind.CONTACT: 5})
    assert decide(due, busy={"send-follow-ups"}) == []


def test_messages_are_left_for_a_moment_to_the_run_that_caused_them() -> None:
    due = DueNow(messages=3, urgent_messages=1)
    assert decide(due, waited_for=0.1) == []
    assert decide(due, waited_for=0.3)[0].urgent
    assert decide(DueNow(messages=3), waited_for=0.3) == []
    assert lanes(decide(DueNow(messages=3), waited_for=1.0)) == [Lane.DELIVER]


def test_care_texts_wait_until_incoming_texts_were_read_and_pages_do_not() -> None:
    due = DueNow({StepKind.CONTACT: 5}, messages=3)
    assert decide(due, care=False) == []
    urgent = DueNow({StepKind.CONTACT: 5}, messages=3, urgent_messages=1)
    assert lanes(decide(urgent, care=False)) == [Lane.DELIVER]


def test_waiting_counts_from_when_work_last_got_less() -> None:
    waited = Waiting()
    waited.note({"send-follow-ups": 5}, 10.0)
    waited.note({"send-follow-ups": 7}, 12.0)
    assert waited.span("send-follow-ups", 13.0) == 3.0
    waited.note({"send-follow-ups": 6}, 14.0)
    assert waited.span("send-follow-ups", 15.0) == 1.0
    waited.note({"send-follow-ups": 0}, 16.0)
    assert waited.span("send-follow-ups", 17.0) == 0.0


def test_a_batch_id_is_random_and_is_all_that_a_run_of_escalations_carries() -> None:
    names = {Order(Lane.ROUTE_ESCALATIONS).batch_id for _ in range(50)}
    assert len(names) > 45
    assert set(Order(Lane.ROUTE_ESCALATIONS, urgent=True).parameters) == {"batch_id"}
