"""Scenario D of the practice: a bus crash with many hurt, several services, and a crew of the neighbours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from cism.domain.incident import Severity
from cism.store.tables import AffectedPerson, GroupSession, Step
from tests.stories.clock import at
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.roster import Cast

DENVER = "America/Denver"
ENGINE = tuple(f"engine-{n}" for n in range(1, 5))
MEDICS = tuple(f"medic-{n}" for n in range(1, 4))
NURSES = tuple(f"nurse-{n}" for n in range(1, 6))
NEIGHBOURS = ("ridge-1", "ridge-2")
OWN = (*ENGINE, *MEDICS, *NURSES, "dispatcher")
_CODE = re.compile(r"\b[A-Z]\d[A-Z]\d\b")


def denver() -> Cast:
    """Ambulance, engine, hospital, dispatch, and the neighbours' department with its own people in charge."""
    cast = Cast(agency="plains-ems", zone=DENVER, discipline="ems")
    cast.add("cora", roles="coordinator")
    cast.add("clint", roles="clinician")
    cast.add("dina", roles="clinical_director")
    for key in ENGINE:
        cast.add(key, discipline="fire", unit="engine-1")
    for key in MEDICS:
        cast.add(key, unit="medic-1")
    for key in NURSES:
        cast.add(key, discipline="hospital", unit="emergency")
    cast.add("dispatcher", discipline="dispatch", unit="desk-1")
    services = ("ems", "ems", "fire", "fire", "hospital", "hospital", "dispatch", "ems", "fire")
    for number, service in enumerate(services, 1):
        cast.add(f"peer-{number}", roles="peer", discipline=service)
    cast.add("rosa", roles="coordinator", agency="ridge-fd", discipline="fire")
    cast.add("rhea", roles="clinical_director;clinician", agency="ridge-fd", discipline="fire")
    cast.add("ridge-peer", roles="peer", agency="ridge-fd", discipline="fire")
    for key in NEIGHBOURS:
        cast.add(key, agency="ridge-fd", discipline="fire", unit="engine-22")
    return cast


def local(text: str) -> datetime:
    return at(f"2026-{text}", DENVER)


class Day:
    """Everybody does what they are asked for; invitations are kept, because they are what this is about."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.invited: dict[str, list[str]] = {}
        self.comes = False

    def live(self) -> None:
        for _ in range(30):
            fresh = [one for one in self.story.arrivals if not one.expected]
            if not fresh:
                return
            for one in sorted(fresh, key=lambda one: one.who == "ridge-peer"):  # who says yes last
                one.expected = True
                self._react(one.who, one.kind, one.body)

    def until(self, moment: datetime) -> None:
        while self.story.now() < moment:
            self.live()
            self.story.go_to(min(moment, self.story.now() + timedelta(minutes=5)))
            self.live()

    def _react(self, who: str, kind: str, body: str) -> None:
        phone = self.story.phone(who)
        found = _CODE.search(body)
        code = found[0] if found else ""
        said = {
            "page": f"1 {code}",
            "approval": f"1 {code}",
            "offers": f"1 {code}",
            "peer_task": f"4 {code}",
            "escalation": f"1 {code}",
            "escalation_assigned": f"4 {code}",
            "session_report": f"4 {code} 3",
            "check_in": "1",
            "opt_in": f"0 {code}".strip(),
        }.get(kind)
        if kind == "invitation":
            self.invited.setdefault(who, []).append(body)
        if kind == "invitation" and self.comes:
            said = f"1 {code}".strip()
        if said is not None:
            phone.says(said)


@pytest.fixture
def day(tell: MakeStory) -> Day:
    story = tell(denver())
    story.begin(local("10-20 08:45"))
    who = (
        *(f"{key}:B" for key in ENGINE),
        *(f"{key}:A" for key in MEDICS),
        *(f"{key}:B" for key in NURSES),
        "dispatcher:C",
        *(f"ridge-fd:{key}:B" for key in NEIGHBOURS),
    )
    begun = local("10-20 08:10")
    story.log("MCI", *who, severity="S3", protocol="mass-casualty", occurred_at=begun)
    return Day(story)


def sessions(story: Story, kind: str) -> list[GroupSession]:
    rows = story.rows(GroupSession, GroupSession.kind == kind, GroupSession.reason.is_(None))
    return sorted(rows, key=lambda row: (row.starts_at or local("10-20 00:00"), row.group_key))


def test_scenario_d_minute_by_minute(day: Day) -> None:
    story = day.story
    (incident,) = story.incidents

    # 08:45, S3: a team from all services; nothing for groups, because nobody has left yet
    day.live()
    assert sessions(story, "demobilization") == []
    # 13:45, T+5 h: graver than it looked; what was sent stays sent
    day.until(local("10-20 13:45"))
    before = {step.key for step in story.rows(Step, Step.state == "done")}
    story.change(incident, severity=Severity.S4)
    day.live()
    assert before <= {step.key for step in story.rows(Step, Step.state == "done")}

    # 14:30: crews are released; each unit has its half-hour at once, and a briefing follows
    day.until(local("10-20 14:30"))
    story.change(incident, ended_at=local("10-20 14:30"))
    story.run()
    halves = sessions(story, "demobilization")
    assert [row.group_key.split("/")[-1] for row in halves] == ["medic-1", "engine-1", "emergency"]
    assert {row.starts_at for row in halves} == {local("10-20 14:45")}
    leaders = [row.leader_id for row in halves]
    assert None not in leaders
    assert len(set(leaders)) == 3  # nobody is in two rooms
    briefings = sessions(story, "crisis_management_briefing")
    assert [row.starts_at and row.starts_at.date().day for row in briefings] == [20, 21]

    # one invitation at a time: what a 1 means is never a riddle
    now = {one.who: one.body for one in story.arrivals if one.kind == "invitation"}
    assert set(now) == {*ENGINE, *MEDICS, *NURSES, "dispatcher"}
    assert all("14:45" in now[key] for key in (*ENGINE, *MEDICS, *NURSES))
    day.live()
    assert {len(found) for found in day.invited.values()} == {1}
    day.until(local("10-20 15:25"))
    assert all("15:30" in day.invited[key][-1] for key in (*ENGINE, *MEDICS, *NURSES))

    # nobody had to say yes to a half-hour of rest: it was held, and counted by heads
    day.until(local("10-20 20:00"))
    assert {row.state.value for row in sessions(story, "demobilization")} == {"held"}

    # the neighbours' crew is looked after by their own people, and nobody of ours is named to them
    peers = {row.person_id: row.peer_id for row in story.rows(AffectedPerson)}
    theirs = {peers[story.person(key).id] for key in NEIGHBOURS}
    assert theirs == {story.person("ridge-peer").id}
    texts = [one.body for one in story.arrivals if one.who in NEIGHBOURS]
    assert not [body for body in texts if "peer-" in body.lower()]

    # a debriefing is proposed in the fourth week and not before
    day.until(local("10-20 21:00"))
    day.comes = True
    _weeks(day, local("11-08 12:00"))
    assert not [one for one in story.arrivals if one.kind == "approval"]
    _weeks(day, local("11-18 12:00"))
    asked = [one.at for one in story.arrivals if one.kind == "approval"]
    assert asked
    assert min(asked) >= local("11-08 13:30")  # clocks went back between
    met = [row.starts_at for row in sessions(story, "cisd") if row.starts_at is not None]
    assert met
    assert all(local("11-10 13:30") <= moment <= local("11-17 13:30") for moment in met)
    assert {row.state.value for row in sessions(story, "cisd")} == {"held"}

    # and each was asked how they are at f1, f7 and f14 by the calendar of this protocol, once each
    for key in OWN:
        seen = [one.at for one in story.arrivals if one.who == key and one.kind == "check_in"]
        assert len(seen) == 3, seen
        assert all(later - sooner > timedelta(days=5) for sooner, later in pairwise(seen))


def _weeks(day: Day, moment: datetime) -> None:
    while day.story.now() < moment:
        day.live()
        day.story.go_to(min(moment, day.story.now() + timedelta(hours=6)))
        day.live()
