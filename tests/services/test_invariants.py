"""The invariants of the practice that no other test carries in its name (domain.md 0)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Affected as Listed
from cism.domain.incident import Circle, Incident, Severity
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.people import Person
from cism.domain.plan import StepKind
from cism.domain.protocol import load_protocol, protocol_keys
from cism.domain.sessions import CISD, plan_sessions
from cism.services import intake, queue, response
from cism.store.tables import (
    AffectedPerson,
    Base,
    Escalation,
    GroupSession,
    Outbox,
    QueueItem,
    Step,
)
from cism.store.tables import Incident as IncidentRow
from tests.services.world import World
from tests.stories.places import NOON, metro


@pytest.fixture
def commanded(sqlite_url: str) -> Iterator[World]:
    """A department in which a sergeant commands the affected and logs what happens."""
    cast = metro("jordan", "sam")
    cast.add("sergeant", roles="supervisor")
    cast.add("chief", roles="supervisor")
    cast.rows["sergeant"]["reports_to"] = "chief"
    for key in ("jordan", "sam"):
        cast.rows[key]["reports_to"] = "sergeant"
    made = World(sqlite_url, cast)
    yield made
    made.close()


@pytest.mark.parametrize("said", ["0", "STOP", "please stop texting me", "", "2", "3", "I want to die"])
def test_invariant_1_command_hears_of_no_decline_no_silence_and_no_call_for_help(
    commanded: World, said: str
) -> None:
    logger = commanded.id_of("sergeant")
    commanded.log("THREAT", "jordan:A", severity="S2", ended_at=commanded.now(), logged_by=logger)
    commanded.answer("page")
    commanded.advance(hours=25)
    waiting = len(commanded.rows(QueueItem))
    if said:
        commanded.text("jordan", said)
    if said == "0":  # which nobody but the person hears of
        assert len(commanded.rows(QueueItem)) == waiting
        assert [row.ended_reason for row in commanded.rows(AffectedPerson)] == ["declined"]
    commanded.advance(hours=2 if said else 52)
    told = {commanded.key_of(row.person_id) for row in commanded.rows(Outbox) if row.person_id}
    assert not told & {"sergeant", "chief"}


def test_invariant_2_windows_run_from_each_persons_end_of_exposure_and_never_from_the_logging(
    world: World,
) -> None:
    ended = world.now() - timedelta(hours=11)
    world.log("CHILD", "jordan:A", "sam:A", severity="S3", ended_at=ended)
    due = {
        str(step.payload["point"]): step.due_at
        for step in world.rows(Step, Step.kind == StepKind.CONTACT, Step.person_id == world.id_of("jordan"))
    }
    assert due["f1"] == NOON.replace(hour=13) + timedelta(
        days=1
    )  # +24 h is 01:00, the next open minute 08:00
    assert due["f3"] == NOON.replace(hour=13) + timedelta(days=3)
    for meeting in world.rows(GroupSession, GroupSession.kind == "defusing"):
        assert meeting.reason == "too_few"
        assert meeting.window_to == ended + timedelta(hours=12)


def test_invariant_5_no_table_has_a_place_for_what_was_said_in_a_session() -> None:
    words = ("note", "comment", "content", "narrative", "summary", "opinion", "diagnos", "attend", "story")
    columns = [f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.c]
    assert len(columns) > 100
    assert [name for name in columns if any(word in name for word in words)] == []


def test_invariant_6_what_a_supervisor_says_again_plans_nothing_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long planning takes tells how much is still planned, and so whether anybody declined."""
    incident = world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    planned: list[str] = []
    for name in ("replan", "graver"):
        monkeypatch.setattr(response, name, lambda *_, name=name, **__: planned.append(name))
    (row,) = world.rows(IncidentRow)
    same = {"severity": row.severity, "ended_at": row.ended_at, "kin_notified": row.kin_notified}
    world.act(intake.change, incident, same)
    assert planned == []
    world.act(intake.change, incident, {"kin_notified": not row.kin_notified})
    assert planned == ["replan"]


@pytest.mark.parametrize(
    "text", ["1 I want to die", "ok, but I want to die", "4 I want to die", "I want to die"]
)
def test_invariant_9_crisis_words_escalate_whatever_else_the_text_says(world: World, text: str) -> None:
    world.text("jordan", text)
    (row,) = world.rows(Escalation)
    assert row.level in {EscalationLevel.URGENT, EscalationLevel.EMERGENCY}
    assert world.told("crisis_answer") == ["jordan"]
    assert world.told("escalation")


@pytest.mark.parametrize(
    "text", ["it is a strange week", "¿?", "1 and my back hurts", "maybe later", "👍🏽 no"]
)
def test_invariant_9_every_free_text_reaches_a_human_in_a_bounded_time_who_goes_on_until_it_is_read(
    world: World, text: str
) -> None:
    world.text("jordan", text)
    (item,) = world.rows(QueueItem)
    assert item.deadline <= world.now() + timedelta(minutes=30)
    assert world.told("read_by") == ["jordan"]  # and they are told by when
    assert world.told("queue_new") == ["cora"]
    world.advance(minutes=31)
    assert world.told("escalation") or world.told("queue_overdue")
    before = len(world.rows(Outbox))
    world.advance(hours=3)
    assert len(world.rows(Outbox)) > before  # nobody has closed it
    world.act(queue.handle, item.id, by=None, now=world.now())


@pytest.mark.parametrize("key", protocol_keys())
def test_invariant_11_a_debriefing_of_whatever_kind_is_only_ever_proposed(key: str) -> None:
    people = {f"p{n}": Person(id=f"p{n}", agency="metro", unit="u") for n in range(5)}
    for code in INCIDENT_TYPES:
        event = Incident(
            id="i",
            ref="R",
            agency="metro",
            type=code,
            severity=Severity.S4,
            logged_at=NOON,
            statements_complete=True,
            funeral_at=NOON + timedelta(days=5),
            affected=tuple(
                Listed(person_id=one, circle=Circle.B, exposure_end=NOON, added_at=NOON) for one in people
            ),
        )
        found = [plan for plan in plan_sessions(event, people, load_protocol(key), NOON) if plan.kind == CISD]
        assert all(plan.needs_approval for plan in found)


def test_invariant_11_without_a_clinicians_word_nobody_is_invited_to_a_debriefing(sqlite_url: str) -> None:
    crew = ("ana", "ben", "cal", "dee")
    cast = metro(*crew)
    for key in crew:
        cast.rows[key]["unit"] = "engine-7"
    world = World(sqlite_url, cast)
    try:
        ended = world.now() - timedelta(hours=13)  # too late for a defusing
        world.log("CHILD", *(f"{key}:B" for key in crew), severity="S3", ended_at=ended)
        world.advance(days=11)
        assert [row.state.value for row in world.rows(GroupSession, GroupSession.kind == "cisd")] == [
            "lapsed"
        ]
        assert world.sent("invitation") == []
    finally:
        world.close()
