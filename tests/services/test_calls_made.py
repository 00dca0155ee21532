"""A call that a peer was asked to make counts as made once they report it, and as late when they do not."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from cism.services import board, calls_made, contact_answers, outbox, people, picture, queue
from cism.services.calls_made import Stage
from cism.services.picture import Item, Lane, Standing
from cism.store.db import now
from cism.store.states import QueueState
from cism.store.tables import Incident, Question, QueueItem
from notifications.render import render
from tests.services.world import World


def _team(world: World) -> str:
    """An incident of two with a team; the calls before going home were just asked for."""
    incident_id = world.log("THREAT", "jordan:A", "sam:A", severity="S2", ended_at=world.now())
    world.answer("page")
    world.rest()
    return incident_id


def _stages(world: World, incident_id: str, point: str = "f0") -> Counter[Stage]:
    def count(session: Session) -> Counter[Stage]:
        found = calls_made.of_incident(session, incident_id, now(session))
        return Counter(one.stage for one in found if one.point == point)

    return world.see(count)


def _on_picture(world: World, incident_id: str) -> list[Item]:
    def items(session: Session) -> list[Item]:
        row = session.get_one(Incident, incident_id)
        return [one for one in picture.items(session, row, now(session)) if one.lane is Lane.CALLS]

    return world.see(items)


def _board(world: World, incident_id: str) -> board.Row:
    def read(session: Session) -> board.Row:
        return board.one(session, session.get_one(Incident, incident_id), now(session))

    return world.see(read)


def _open(world: World) -> list[Any]:
    return world.rows(Question, Question.kind == "contact_report", Question.state == "open")


def _reports(world: World, question: Any, digit: str) -> None:
    world.text(world.key_of(question.person_id), f"{digit} {question.code}")


def test_two_calls_that_one_helper_is_asked_for_do_not_read_like_one_text_twice(world: World) -> None:
    _team(world)
    tasks = world.sent("peer_task")
    assert len({row.person_id for row in tasks}) == 1
    texts = [render(outbox.message_of(row), row.language) for row in tasks]
    assert sum("please call by" in text for text in texts) == 1
    assert sum("one more call by" in text for text in texts) == 1


def test_a_call_is_asked_then_late_and_done_only_when_it_was_reported(any_world: World) -> None:
    incident_id = _team(any_world)
    assert _stages(any_world, incident_id) == {Stage.ASKED: 2}
    assert _board(any_world, incident_id).contacts.late == 0
    assert {one.standing for one in _on_picture(any_world, incident_id) if one.name == "f0"} == {
        Standing.ASKED
    }
    by = max(one.deadline for one in _open(any_world))
    any_world.advance(seconds=(by - any_world.now()).total_seconds() + 60)
    assert _stages(any_world, incident_id) == {Stage.LATE: 2}
    row = _board(any_world, incident_id)
    assert (row.contacts.late, row.good) == (2, False)
    (late,) = [one for one in _on_picture(any_world, incident_id) if one.name == "f0"]
    assert (late.standing, late.count, late.at) == (
        Standing.LATE,
        2,
        min(q.deadline for q in _open(any_world)),
    )
    _reports(any_world, _open(any_world)[0], "6")
    assert _stages(any_world, incident_id) == {Stage.LATE: 1, Stage.REPORTED: 1}
    assert _board(any_world, incident_id).contacts.late == 1


def test_what_the_coordinator_looked_into_is_late_no_longer(any_world: World) -> None:
    incident_id = _team(any_world)
    any_world.advance(hours=30)
    items = any_world.rows(QueueItem, QueueItem.kind == calls_made.UNREPORTED)
    assert len(items) == 2
    any_world.act(lambda s: queue.handle(s, items[0].id, by=None, now=now(s)))
    assert _stages(any_world, incident_id) == {Stage.LATE: 1, Stage.SEEN_TO: 1}
    assert _board(any_world, incident_id).contacts.late == 1


def test_a_call_handed_back_is_with_whoever_is_in_charge_until_they_have_seen_to_it(any_world: World) -> None:
    incident_id = _team(any_world)
    _reports(any_world, _open(any_world)[0], "9")
    assert _stages(any_world, incident_id) == {Stage.ASKED: 1, Stage.IN_CHARGE: 1}
    (item,) = any_world.rows(QueueItem, QueueItem.kind == calls_made.NEEDED)
    assert item.state is QueueState.OPEN
    any_world.act(lambda s: queue.handle(s, item.id, by=None, now=now(s)))
    assert _stages(any_world, incident_id) == {Stage.ASKED: 1, Stage.SEEN_TO: 1}


def test_a_call_to_somebody_whose_contacts_ended_is_nobodys(any_world: World) -> None:
    incident_id = _team(any_world)
    jordan = any_world.id_of("jordan")

    def end(session: Session) -> None:
        people.lock_person(session, jordan)
        contact_answers.end_contacts(session, incident_id, jordan, "declined", now(session))

    any_world.act(end)
    assert _stages(any_world, incident_id) == {Stage.ASKED: 1}


def test_a_check_in_is_sent_or_handed_to_a_peer_and_never_just_done(any_world: World) -> None:
    incident_id = _team(any_world)
    any_world.advance(hours=30)

    def check_ins(session: Session) -> list[Item]:
        row = session.get_one(Incident, incident_id)
        return [one for one in picture.items(session, row, now(session)) if one.lane is Lane.CHECK_INS]

    found = any_world.see(check_ins)
    sent = sum(one.count for one in found if one.standing is Standing.DONE and not one.how)
    asked = any_world.rows(Question, Question.kind == "check_in", Question.incident_id == incident_id)
    assert sent == len(asked) > 0
    assert any(one.standing is Standing.PLANNED for one in found)
