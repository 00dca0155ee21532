"""Scenario C of the practice: a child dies, the crew worked the night, and clocks go back in the next one."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from cism.services import response
from cism.store.tables import AffectedPerson, Assignment, Escalation, GroupSession, Person, QueueItem
from tests.stories.clock import at
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import report_calls
from tests.stories.roster import Cast

CHICAGO = "America/Chicago"
NIGHT = {"sleep_start": "08:00", "sleep_end": "16:00"}
CREW = ("medic", "emt")
ENGINE = ("engine-1", "engine-2", "engine-3", "engine-4")
END = at("2026-10-31 03:40", CHICAGO)
LOGGED = at("2026-10-31 07:20", CHICAGO)


def chicago() -> Cast:
    """A night crew, the dispatcher who took the call, an engine crew, and the peers around them."""
    cast = Cast(zone=CHICAGO, discipline="ems")
    cast.add("cora", roles="coordinator")
    cast.add("clint", roles="clinician")
    cast.add("dina", roles="clinical_director")
    cast.add("day-boss", roles="supervisor")
    for key in CREW:
        cast.add(key, unit="medic-7", **NIGHT)
    cast.add("dispatcher", discipline="dispatch", unit="desk-2", **NIGHT)
    for key in ENGINE:
        cast.add(key, discipline="fire", unit="engine-3")
    cast.add("rested", roles="peer", unit="medic-2")
    cast.add("tired", roles="peer", unit="medic-4")  # served in a grave incident lately
    cast.add("same-unit", roles="peer", unit="medic-7")
    cast.add("dispatch-peer", roles="peer", discipline="dispatch", unit="desk-5")
    cast.add("fire-peer", roles="peer", discipline="fire", unit="engine-8")
    cast.add("other", unit="medic-9")
    return cast


def local(text: str) -> datetime:
    return at(text, CHICAGO)


def team(story: Story) -> list[str]:
    return [key for key, row in story.cast.rows.items() if row["roles"] != "responder"]


def ignore_team(story: Story) -> None:
    for key in team(story):
        story.phone(key).ignores()


def everybody_accepts(story: Story) -> None:
    """Whoever has a page that nobody covered yet says yes."""
    for key in team(story):
        kinds = {one.kind for one in story.phone(key).unread()}
        if "page" in kinds and "covered" not in kinds:
            story.phone(key).expects("page").replies("1 {code}")


def peer_of(story: Story, key: str) -> str:
    """Who looks after somebody."""
    (row,) = story.rows(
        AffectedPerson,
        AffectedPerson.person_id == story.person(key).id,
        AffectedPerson.incident_id == story.incidents[-1],
    )
    return next(name for name in story.cast.rows if story.person(name).id == row.peer_id)


def served_before(story: Story) -> None:
    """Twelve days earlier: the one rested peer of that day served in a grave incident, which is over."""
    for key in ("rested", "same-unit", "dispatch-peer", "fire-peer"):
        story.act(_consents, story.person(key).id, False)
    before = story.log("ASSAULT_ON_CREW", "other:A", ended_at=story.now(), severity="S3")
    story.phone("tired").expects("page").replies("1 {code}")
    report_calls(story)
    story.act(_close, before, story.now())
    story.run()
    ignore_team(story)
    story.phone("other").ignores()
    for key in ("rested", "same-unit", "dispatch-peer", "fire-peer"):
        story.act(_consents, story.person(key).id, True)


def test_scenario_c_minute_by_minute(tell: MakeStory) -> None:
    story = tell(chicago())
    story.begin(local("2026-10-19 12:00"))
    served_before(story)
    story.go_to(LOGGED)
    ignore_team(story)

    # 07:20: logged by the day supervisor, three hours and forty minutes on
    who = (*(f"{key}:A" for key in CREW), "dispatcher:C", *(f"{key}:B" for key in ENGINE))
    story.log(
        "PAEDIATRIC_ARREST", *who, ended_at=END, occurred_at=END - timedelta(hours=1), logged_by="day-boss"
    )
    asked = {one.who for one in story.arrivals if one.kind == "page" and one.at >= LOGGED}
    assert asked >= {"rested", "dispatch-peer", "fire-peer"}
    assert not asked & {"tired", "same-unit"}  # one rests after a grave incident, one is of the same crew
    everybody_accepts(story)
    assert peer_of(story, "dispatcher") == "dispatch-peer"
    assert {peer_of(story, key) for key in ENGINE} >= {"fire-peer"}
    assert "dispatch-peer" not in {peer_of(story, key) for key in CREW}

    # no noon recall of people who go to bed: for the two of the crew a call, and no group
    groups = story.rows(GroupSession, GroupSession.incident_id == story.incidents[-1])
    crew_groups = {row.reason for row in groups if row.group_key.startswith("A/")}
    assert crew_groups == {"too_few"}
    assert {one.who for one in story.arrivals if one.kind == "peer_task" and one.at >= LOGGED} >= {
        "dispatch-peer",
        "fire-peer",
    }
    report_calls(story)

    # daytime: the crew and the dispatcher sleep, and nothing reaches them although hours are legal
    for hour in ("08:00", "11:40", "12:00", "15:40", "15:59"):
        story.go_to(local(f"2026-10-31 {hour}"))
        for key in (*CREW, "dispatcher"):
            story.phone(key).expects_nothing()
        ignore_team(story)
        for key in ENGINE:  # the engine crew is up: a defusing is theirs to take or leave
            story.phone(key).ignores("invitation", "check_in")

    # +24 h is 02:40 on a night whose second hour comes twice; they sleep until 16:00: 37 h 20 elapsed
    story.go_to(local("2026-11-01 15:59"))
    for key in (*CREW, "dispatcher"):
        story.phone(key).expects_nothing()
    due = local("2026-11-01 16:00")
    assert due - END == timedelta(hours=37, minutes=20)
    story.go_to(due)
    story.phone("medic").expects("check_in", at=due).replies("1").expects_nothing()
    story.phone("emt").expects("check_in", at=due).replies("2").expects("call_promised")
    story.phone("dispatcher").expects("check_in", at=due).says("HELP").expects("help_answer")
    assert story.rows(QueueItem, QueueItem.state == "open")
    levels = {
        row.level.value for row in story.rows(Escalation, Escalation.person_id == story.person("emt").id)
    }
    assert levels == {"ROUTINE"}
    _take_calls(story)

    # 5 Nov: the same EMT is on a second such call; what lies near is asked once about both
    second = local("2026-11-05 02:30")
    story.go_to(second + timedelta(hours=1))
    _quiet(story)
    story.log("PAEDIATRIC_ARREST", "emt:A", ended_at=second)
    everybody_accepts(story)
    report_calls(story)
    while story.now() < local("2026-11-13 10:00"):
        story.go_to(story.now() + timedelta(hours=2))
        for one in story.phone("emt").unread():
            if one.kind == "check_in":
                story.phone("emt").expects("check_in").replies("1")
        _take_calls(story)
        _quiet(story)
    seen = [one.at for one in story.arrivals if one.who == "emt" and one.kind == "check_in"]
    assert all(later - sooner >= timedelta(hours=24) for sooner, later in pairwise(seen)), seen
    # +24 h is 02:30 on Friday: asked when up, at 16:00, and the f7 of the first is asked with it
    asleep_until = local("2026-11-06 16:00")
    assert asleep_until in [moment.replace(second=0, microsecond=0) for moment in seen]
    assert not [moment for moment in seen if local("2026-11-07 00:00") <= moment < local("2026-11-08 00:00")]

    # f30 of the medic: Mon 30 Nov, at the first minute that the medic is up
    story.go_to(local("2026-11-30 15:59"))
    _quiet(story)
    story.phone("medic").ignores("check_in")
    story.go_to(local("2026-11-30 16:00"))
    story.phone("medic").expects("check_in", at=local("2026-11-30 16:00")).replies("1").expects_nothing()
    assert story.rows(Assignment, Assignment.state == "accepted")
    _quiet(story)
    story.phone("emt").ignores()


def _take_calls(story: Story) -> None:
    """Somebody takes every call that is asked for, makes it, and says so; the queue is read."""
    for key in team(story):
        phone = story.phone(key)
        while any(one.kind == "escalation" for one in phone.unread()):
            phone.expects("escalation").replies("1 {code}")
            if any(one.kind == "escalation_assigned" for one in phone.unread()):
                phone.expects("escalation_assigned").replies("4 {code}")
    report_calls(story)
    story.read_the_queue()
    ignore_team(story)
    for key in (*CREW, "dispatcher"):
        story.phone(key).ignores("escalation_taken", "call_arranged")


def _quiet(story: Story) -> None:
    ignore_team(story)
    for key in (*ENGINE, "dispatcher", "medic"):
        story.phone(key).ignores()


def _consents(session: Session, person_id: str, yes: bool) -> None:
    session.get_one(Person, person_id).consent_pages = yes


def _close(session: Session, incident_id: str, now: datetime) -> None:
    response.close(session, incident_id, by=None, now=now)
