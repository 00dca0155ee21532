"""Late people and late logs: a place in the group where there is one, else a call by somebody who has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.incident import Circle, Severity
from cism.domain.protocol import Protocol, SessionRule, load_protocol, to_json
from cism.services import intake, roster
from cism.store.tables import Assignment, GroupSession, Invitation, Question, QueueItem
from tests.domain.test_group_formats import RULES
from tests.services.world import World
from tests.stories.places import NOON, local, metro
from tests.stories.roster import Cast

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CREW = ("ana", "ben", "cal", "dee")
Make = Callable[..., World]
SFA = load_protocol("sfa-follow-up")
FORMATS = {**RULES, "defusing": SFA.sessions["defusing"], "cisd": SFA.sessions["cisd"]}


def crew_cast(*more: str) -> Cast:
    """Four of one crew and whoever else is of it, and a team."""
    cast = metro(*CREW, *more, peers=6)
    for key in (*CREW, *more):
        cast.rows[key]["unit"] = "engine-7"
    return cast


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    """A world with that crew."""
    made: list[World] = []

    def world(cast: Cast | None = None, start: datetime = NOON) -> World:
        made.append(World(sqlite_url, cast or crew_cast(), start))
        return made[0]

    yield world
    made[0].close()


def only(**rules: SessionRule) -> Protocol:
    """The default protocol with these group formats and no offers."""
    return SFA.model_copy(update={"sessions": rules, "offers": ()})


def log(world: World, protocol: Protocol, type_: str, *who: str, **facts: object) -> str:
    """Something happens to them, under this protocol."""

    def work(session: Session) -> str:
        report = intake.IncidentInput(
            type=type_,
            agency=world.cast.agency,
            severity=Severity.S3,
            affected=tuple(intake.AffectedInput(person_id=one, circle=Circle.B) for one in who),
            **facts,  # type: ignore[arg-type]
        )
        row = intake.log(session, report)
        row.protocol_body = to_json(protocol)
        return row.id

    incident = world.act(work)
    world.rest()
    return incident


def add(world: World, incident: str, *who: str) -> None:
    """Somebody was there too, and nobody had thought of them."""
    rows = [intake.AffectedInput(person_id=one, circle=Circle.B) for one in who]
    world.act(intake.add_affected, incident, rows)
    world.rest()


def meetings(world: World, kind: str = "defusing") -> list[GroupSession]:
    """Every session of a kind."""
    return list(world.rows(GroupSession, GroupSession.kind == kind))


def invited(world: World, meeting: GroupSession) -> set[str]:
    """Who may come."""
    return {
        world.key_of(row.person_id) for row in world.rows(Invitation, Invitation.session_id == meeting.id)
    }


def called(world: World) -> set[str]:
    """About whom a peer is asked to call instead of a group."""
    rows = world.rows(Question, Question.kind == "contact_report", Question.point == "121")
    return {world.key_of(row.about_id) for row in rows}


def test_somebody_added_late_is_invited_to_the_meeting_of_their_crew(make: Make) -> None:
    world = make(crew_cast("eve"))
    incident = log(world, only(defusing=FORMATS["defusing"]), "CHILD", *CREW, ended_at=NOON)
    (meeting,) = meetings(world)
    world.answer("page")
    add(world, incident, "eve")
    assert invited(world, meeting) == {*CREW, "eve"}
    assert world.told("invitation").count("eve") == 1
    assert [row.id for row in meetings(world)] == [meeting.id]


def test_a_debriefing_that_is_only_proposed_takes_them_in_and_invites_them_once_it_is_approved(
    make: Make,
) -> None:
    world = make(crew_cast("eve"))
    incident = log(world, only(cisd=FORMATS["cisd"]), "CHILD", *CREW, ended_at=NOON)
    world.answer("page")
    world.advance(hours=3)
    add(world, incident, "eve")
    (meeting,) = meetings(world, "cisd")
    assert invited(world, meeting) == {*CREW, "eve"}
    assert world.told("invitation") == []
    world.answer("approval")
    assert sorted(world.told("invitation")) == sorted([*CREW, "eve"])


def test_the_twenty_first_finds_the_meeting_full_and_is_called_where_the_first_call_is_past(
    make: Make,
) -> None:
    many = tuple(f"r{n:02}" for n in range(21))
    cast = metro(*many, peers=4)
    for key in many:
        cast.rows[key]["unit"] = "engine-7"
    world = make(cast)
    incident = log(world, only(cisd=FORMATS["cisd"]), "CHILD", *many[:20], ended_at=NOON - 13 * HOUR)
    world.answer("page")
    world.advance(hours=3)
    add(world, incident, many[20])
    (meeting,) = meetings(world, "cisd")
    assert len(invited(world, meeting)) == 20
    assert many[20] in called(world) or _waits_for_a_call(world, many[20])


def _waits_for_a_call(world: World, who: str) -> bool:
    return bool(world.rows(QueueItem, QueueItem.person_id == world.id_of(who)))


@pytest.mark.parametrize(
    ("kind", "type_", "late"),
    [
        ("defusing", "CHILD", 13 * HOUR),
        ("cisd", "CHILD", 11 * DAY),
        ("demobilization", "MCI", 13 * HOUR),
        ("after_action_review", "MAYDAY", 25 * HOUR),
        ("crisis_management_briefing", "MCI", 73 * HOUR),
    ],
)
def test_a_late_log_finds_the_window_closed_says_so_and_has_a_peer_call_each_instead(
    make: Make, kind: str, type_: str, late: timedelta
) -> None:
    world = make()
    ended = {"occurred_at": NOON - late, "ended_at": NOON - late}
    incident = log(world, only(**{kind: FORMATS[kind]}), type_, *CREW, **ended)
    assert {row.state.value for row in meetings(world, kind)} == {"blocked"}
    assert {row.reason for row in meetings(world, kind)} == {"window_closed"}
    assert world.told("invitation") == []
    world.answer("page")
    assert called(world) == set(CREW)
    asked = world.rows(Question, Question.kind == "contact_report", Question.point == "121")
    serving = {
        row.peer_id
        for row in world.rows(Assignment, Assignment.incident_id == incident)
        if row.state.value == "accepted"
    }
    assert {row.person_id for row in asked} <= serving


def test_where_the_family_death_group_is_past_its_day_each_is_called(make: Make) -> None:
    world = make()
    log(
        world,
        only(lodd_group=FORMATS["lodd_group"]),
        "LODD",
        *CREW,
        occurred_at=NOON - 25 * HOUR,
        ended_at=NOON - 25 * HOUR,
        kin_notified=True,
    )
    assert {row.reason for row in meetings(world, "lodd_group")} == {"window_closed"}
    world.answer("page")
    assert called(world) == set(CREW)


def test_twelve_hours_leave_the_first_call_to_the_peer_and_none_beside_it(make: Make) -> None:
    world = make()
    log(world, only(defusing=FORMATS["defusing"]), "CHILD", "ana", "ben", ended_at=NOON - HOUR)
    assert {row.reason for row in meetings(world)} == {"too_few"}
    world.answer("page")
    first = world.rows(Question, Question.kind == "contact_report", Question.point == "f0")
    assert {world.key_of(row.about_id) for row in first} == {"ana", "ben"}
    assert called(world) == set()


def test_without_any_peer_the_coordinator_has_the_call(make: Make) -> None:
    world = make(metro(*CREW, peers=0))
    log(world, only(defusing=FORMATS["defusing"]), "CHILD", "ana", ended_at=NOON - 13 * HOUR)
    assert _waits_for_a_call(world, "ana")


def test_the_coordinator_is_reminded_of_the_professional_when_up_and_not_at_the_hour_of_the_event(
    make: Make,
) -> None:
    world = make(start=local("2026-03-03 02:30"))
    log(world, load_protocol("iacp-ois"), "OIS_PRESENT", "ana", ended_at=local("2026-03-03 02:00"))
    world.advance(days=5, hours=1)
    assert world.told("mhp_reminder") == []
    world.advance(hours=6)
    assert world.told("mhp_reminder") == ["cora"]
    (text,) = world.sent("mhp_reminder")
    assert text.made_at == local("2026-03-08 08:00")


def test_a_team_that_becomes_short_once_more_is_said_to_be_short_once_more(make: Make) -> None:
    cast = metro("ana", "ben", peers=2)
    world = make(cast)
    incident = log(world, only(), "CHILD", "ana", ended_at=NOON)
    first, _ = world.answer("page")
    assert _short(world) == []
    _hand_back(world, first)
    assert sorted(_short(world)) == ["clint", "cora"]
    world.advance(hours=1)
    assert len(_short(world)) == 2  # nothing has changed

    cast.add("peer-3", roles="peer")  # somebody new comes, takes it, and cannot either
    world.act(roster.import_file, cast.text(), world.now())
    world.act(intake.change, incident, {"kin_notified": True})
    world.rest()
    assert world.answer("page") == ["peer-3"]
    _hand_back(world, "peer-3")
    assert sorted(_short(world)) == ["clint", "clint", "cora", "cora"]


def _hand_back(world: World, who: str) -> None:
    mine = (Question.kind == "assignment", Question.person_id == world.id_of(who))
    (row,) = world.rows(Question, *mine)
    world.text(who, f"9 {row.code}")


def _short(world: World) -> list[str]:
    said = [row for row in world.sent("team_notice") if ":short" in row.key]
    return [world.key_of(row.person_id) for row in said]
