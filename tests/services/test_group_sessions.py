"""Group sessions when things change: what may not be held is not held, and nobody leads who may not serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from cism.domain.incident import Circle
from cism.services import intake, sessions
from cism.store.tables import GroupSession, Question
from tests.services.world import World
from tests.stories.places import NOON, local, metro
from tests.stories.roster import Cast

CREW = ("ana", "ben", "cal", "dee")
FAR = "2031-12-31"
Make = Callable[..., World]


def crew_cast() -> Cast:
    """Four of one crew, and a team."""
    cast = metro(*CREW, peers=6)
    for key in CREW:
        cast.rows[key]["unit"] = "engine-7"
    return cast


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    """A world with that crew, made once it is known what differs."""
    made: list[World] = []

    def world(cast: Cast | None = None, start: datetime = NOON) -> World:
        made.append(World(sqlite_url, cast or crew_cast(), start))
        return made[0]

    yield world
    made[0].close()


def crew_logs(world: World, type_: str = "CHILD", circle: str = "B", **details: object) -> str:
    """Something happens to the crew and ends now; a team comes."""
    affected = [f"{key}:{circle}" for key in CREW]
    incident = world.log(type_, *affected, **{"ended_at": world.now(), **details})  # type: ignore[arg-type]
    world.answer("page")
    return incident


def change(world: World, incident: str, **changes: object) -> None:
    """Something about the incident becomes known."""
    world.act(intake.change, incident, changes)
    world.rest()


def of_kind(world: World, kind: str, state: str) -> list[GroupSession]:
    """Sessions of a kind in a state."""
    return [row for row in world.rows(GroupSession, GroupSession.kind == kind) if row.state.value == state]


def leader(world: World, kind: str = "cisd") -> str | None:
    """Who leads the one that was approved."""
    (row,) = of_kind(world, kind, "approved")
    return row.leader_id and world.key_of(row.leader_id)


def test_a_debriefing_is_off_when_statements_are_pending_again_and_proposed_anew_afterwards(
    make: Make,
) -> None:
    world = make()
    incident = crew_logs(world, "OIS_PRESENT", protocol="iacp-ois")
    world.advance(hours=30, taken=True)
    change(world, incident, statements_complete=True)
    (who,) = world.answer("approval")
    world.answer("invitation")
    assert [row.reason for row in of_kind(world, "cisd", "approved")] == [None]

    change(world, incident, statements_complete=False)  # somebody is charged
    assert of_kind(world, "cisd", "approved") == []
    assert [row.reason for row in of_kind(world, "cisd", "cancelled")] == ["legal_jeopardy"]
    assert who in world.told("session_off")
    world.advance(hours=40, taken=True)
    assert not world.sent("session_reminder")
    assert not world.sent("session_report")
    assert {row.about_id for row in world.rows(Question, Question.kind == "contact_report")} >= {
        world.id_of(key) for key in CREW
    }  # each who wanted to come is called instead

    change(world, incident, statements_complete=True)
    assert [row.reason for row in of_kind(world, "cisd", "proposed")] == [None]
    assert world.answer("approval")
    assert len(world.told("invitation")) == 2 * len(CREW)


def test_a_funeral_that_is_moved_takes_the_debriefing_with_it(make: Make) -> None:
    world = make()
    incident = crew_logs(world, "LODD", "D")
    change(world, incident, kin_notified=True, funeral_at=local("2026-03-08 11:00"))
    world.advance(hours=3)
    world.answer("approval")
    (first,) = of_kind(world, "cisd", "approved")
    change(world, incident, funeral_at=local("2026-03-14 11:00"))
    assert [row.reason for row in of_kind(world, "cisd", "cancelled")] == ["funeral_moved"]
    (again,) = of_kind(world, "cisd", "proposed")
    assert first.starts_at < local("2026-03-14 11:00") < again.starts_at
    change(world, incident, funeral_at=local("2026-03-14 12:00"))  # an hour later changes nothing
    assert [row.id for row in of_kind(world, "cisd", "proposed")] == [again.id]


def test_a_leader_who_turns_out_to_be_affected_leads_no_more_and_is_not_asked_for_a_headcount(
    make: Make,
) -> None:
    """Invariant 3: an affected person is never counted as team."""
    world = make()
    incident = crew_logs(world)
    first = leader(world, "defusing")
    world.answer("invitation")
    world.act(intake.add_affected, incident, [intake.AffectedInput(person_id=str(first), circle=Circle.B)])
    world.rest()
    world.answer("page")
    world.advance(hours=4)
    assert leader(world, "defusing") != first
    assert world.told("session_report") == [leader(world, "defusing")]
    assert first not in world.told("session_reminder")


def test_a_clinician_who_turns_out_to_be_affected_hands_the_debriefing_to_another_who_is_told(
    make: Make,
) -> None:
    world = make()
    incident = crew_logs(world)
    world.advance(hours=2)
    (first,) = world.answer("approval")
    assert leader(world) == first
    world.act(intake.add_affected, incident, [intake.AffectedInput(person_id=first, circle=Circle.D)])
    world.rest()
    (other,) = {"clint", "dina"} - {first}
    assert leader(world) == other
    assert world.told("session_team").count(other) == 1
    assert world.told("released") == [first]


def test_only_who_is_licensed_and_trained_for_groups_leads_a_debriefing(make: Make) -> None:
    cast = crew_cast()
    cast.rows["dina"]["certs"] = f"LICENSE@{FAR}"
    world = make(cast)
    crew_logs(world)
    world.advance(hours=2)
    assert world.answer("approval") == ["clint"]  # who may lead is asked first
    assert leader(world) == "clint"


def test_a_director_without_training_for_groups_may_decide_and_another_leads(make: Make) -> None:
    cast = crew_cast()
    cast.rows["dina"]["certs"] = f"LICENSE@{FAR}"
    world = make(cast)
    crew_logs(world)
    world.advance(hours=2)
    (proposed,) = of_kind(world, "cisd", "proposed")
    world.act(sessions.decide, proposed.id, True, by=world.id_of("dina"), now=world.now())
    assert leader(world) == "clint"
    assert world.told("session_team").count("clint") == 1


def test_a_debriefing_that_a_coordinator_entered_is_led_by_a_clinician_and_never_by_peers_alone(
    make: Make,
) -> None:
    world = make()
    crew_logs(world)
    world.advance(hours=2)
    (proposed,) = of_kind(world, "cisd", "proposed")
    world.act(sessions.decide, proposed.id, True, by=None, now=world.now())
    assert leader(world) in {"clint", "dina"}


def test_with_nobody_who_may_lead_it_a_debriefing_is_off(make: Make) -> None:
    cast = crew_cast()
    for key in ("clint", "dina"):
        cast.rows[key]["certs"] = f"LICENSE@{FAR}"
    world = make(cast)
    crew_logs(world)
    world.advance(hours=2)
    world.answer("approval")
    world.answer("invitation")
    world.advance(hours=30, taken=True)
    assert [row.reason for row in of_kind(world, "cisd", "cancelled")] == ["nobody_to_lead"]


def test_a_clinician_in_conflict_with_one_of_them_is_not_asked(make: Make) -> None:
    cast = crew_cast()
    cast.rows["clint"]["not_with"] = "ana"
    world = make(cast)
    crew_logs(world)
    world.advance(hours=2)
    assert world.told("approval") == ["dina"]
    world.advance(hours=8)
    assert world.told("approval") == ["dina"]
    assert len(of_kind(world, "cisd", "lapsed")) == 1


@pytest.mark.parametrize(("severity", "hour"), [("S2", "08:00"), ("S3", "22:30")])
def test_a_clinician_is_woken_for_a_grave_incident_alone(make: Make, severity: str, hour: str) -> None:
    world = make(start=local("2026-03-03 20:30"))
    crew_logs(world, severity=severity)
    world.advance(hours=13, taken=True)
    first = min(row.made_at for row in world.sent("approval"))
    day = "2026-03-04" if severity == "S2" else "2026-03-03"
    assert first == local(f"{day} {hour}")


def test_whoever_was_waiting_for_a_call_is_invited_once_somebody_has_spoken_with_them(make: Make) -> None:
    world = make()
    crew_logs(world)
    world.advance(hours=2)
    world.text("ana", "3")
    world.answer("approval")
    assert world.told("invitation").count("ana") == 1  # to the defusing, before she asked for a call
    assert world.told("invitation").count("ben") == 2
    taken = world.answer("escalation")
    assert taken
    world.answer("escalation", "4")
    assert world.told("invitation").count("ana") == 2


def test_a_meeting_of_three_has_two_helpers_also_where_the_protocol_asks_for_one(make: Make) -> None:
    world = make()
    three = [f"{key}:B" for key in CREW[:3]]
    world.log("THREAT", *three, severity="S2", ended_at=world.now())
    assert len(world.told("page")) == 3  # two places, and one more
    world.answer("page")
    (meeting,) = of_kind(world, "defusing", "approved")
    assert meeting.team_size == 2
    assert len(set(world.told("session_team"))) == 2
