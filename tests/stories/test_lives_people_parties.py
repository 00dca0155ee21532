"""Who had a part in it, who rests after an incident of their own, who came from elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.errors import AlreadyDone, BadInput, NotAllowed
from cism.services import parties, resting
from cism.store.tables import AffectedPerson, Assignment, Event, Person
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, quiet_staff, report_calls

HOUR = timedelta(hours=1)


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam", peers=3))
    made.begin(NOON)
    return made


def paged(story: Story) -> set[str]:
    """Who has an unread page."""
    return {one.who for one in story.arrivals if one.kind == "page" and not one.expected}


def log(story: Story, *affected: str, severity: str = "S1", **details: object) -> str:
    """Something that ended an hour ago."""
    return story.log("THREAT", *affected, severity=severity, ended_at=story.now() - HOUR, **details)


@pytest.mark.parametrize("part", ["on_scene", "reviewers"])
def test_whoever_was_on_scene_or_reviews_it_is_never_asked(story: Story, part: str) -> None:
    log(story, "jordan:A", **{part: ("peer-1",)})
    assert paged(story) == {"peer-2", "peer-3"}
    quiet_staff(story)


def test_whoever_reviews_one_event_is_asked_for_nobody_on_its_list(story: Story) -> None:
    log(story, "jordan:A", reviewers=("peer-1",))
    quiet_staff(story)
    for who, may in (("jordan:B", False), ("sam:A", True)):
        log(story, who)
        story.advance(hours=1)  # the silent are replaced, by whoever is left
        asked = story.rows(Assignment, Assignment.incident_id == story.incidents[-1])
        assert (story.person("peer-1").id in {row.peer_id for row in asked}) is may
        quiet_staff(story)


def test_a_reviewer_named_later_steps_back_from_the_same_peoples_other_event(story: Story) -> None:
    first = log(story, "jordan:A")
    quiet_staff(story)
    log(story, "jordan:B")
    helper = sorted(paged(story))[0]
    story.phone(helper).expects("page").replies("1 {code}").expects("assigned")
    quiet_staff(story)
    assert story.act(parties.add_later, first, on_scene=(), reviewers=(helper,), now=story.now()) == 1
    story.run()
    # of the second, in which they serve; and of the first, where chance had them asked there as well
    story.phone(helper).expects("released").ignores("released").expects_nothing()
    row = story.rows(Assignment, Assignment.incident_id == story.incidents[1])
    assert {one.state.value for one in row if one.peer_id == story.person(helper).id} == {"revoked"}
    quiet_staff(story)


@pytest.mark.parametrize("part", ["on_scene", "reviewers"])
def test_a_helper_who_turns_out_to_have_had_a_part_steps_back(story: Story, part: str) -> None:
    incident = log(story, "jordan:A")
    first, second = sorted(paged(story))
    story.phone(first).expects("page").replies("1 {code}").expects("assigned")
    story.phone(second).expects("page").expects("covered")
    report_calls(story)
    quiet_staff(story)
    named = {"on_scene": (), "reviewers": ()} | {part: (first,)}
    assert story.act(parties.add_later, incident, now=story.now(), **named) == 1
    story.run()
    story.phone(first).expects("released", "someone else takes")
    (third,) = paged(story)
    story.phone(third).expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)
    assert story.act(parties.add_later, incident, now=story.now(), **named) == 0


def test_somebody_whom_no_roster_knows_has_no_part(story: Story) -> None:
    with pytest.raises(BadInput, match="nobody 'x9' is on the roster"):
        log(story, "jordan:A", on_scene=("x9",))


# --- rest after an incident of one's own


def ready(story: Story, peer: str, by: str) -> bool:
    """Somebody says that a peer can serve again."""
    ids, moment = (story.person(peer).id, story.person(by).id), story.now()

    def work(session: object) -> bool:
        one, other = (session.get_one(Person, person_id) for person_id in ids)  # type: ignore[attr-defined]
        return resting.say_ready(session, one, other, moment)  # type: ignore[arg-type]

    return bool(story.act(work))


def test_a_peer_rests_after_an_incident_of_their_own_for_thirty_days(story: Story) -> None:
    log(story, "peer-1:A")
    quiet_staff(story)
    story.advance(days=29)
    quiet_staff(story)
    log(story, "jordan:A")
    assert "peer-1" not in paged(story)
    quiet_staff(story)
    story.stand_down(story.incidents[-1])
    story.advance(days=2)
    quiet_staff(story)
    with pytest.raises(AlreadyDone):
        ready(story, "peer-1", "peer-1")


def test_the_rest_ends_early_only_when_the_peer_and_a_clinician_both_say_so(story: Story) -> None:
    log(story, "peer-1:A")
    quiet_staff(story)
    story.advance(days=3)
    quiet_staff(story)
    assert not ready(story, "peer-1", "peer-1")
    log(story, "jordan:A")
    assert "peer-1" not in paged(story)
    quiet_staff(story)
    with pytest.raises(NotAllowed):
        ready(story, "peer-1", "cora")
    assert ready(story, "peer-1", "clint")
    for key in ("peer-2", "peer-3"):
        story.roster(key, status="leave")
    quiet_staff(story)
    log(story, "sam:A")
    assert paged(story) == {"peer-1"}
    quiet_staff(story)


# --- other agencies


def test_people_of_another_agency_are_followed_up_by_their_own_and_not_named_to_others(
    tell: MakeStory,
) -> None:
    cast = metro("jordan", peers=3)
    for key, roles in (("guest", "responder"), ("bay-peer", "peer"), ("bay-cora", "coordinator")):
        cast.add(key, roles=roles, agency="bay-fd", discipline="fire")
    story = tell(cast)
    story.begin(NOON)
    log(story, "jordan:A", "bay-fd:guest:B", severity="S3")
    assert "bay-peer" in paged(story)
    for key in ("bay-peer", "peer-1"):
        if key in paged(story):
            story.phone(key).expects("page").replies("1 {code}")
            report_calls(story)
    pairs = {row.person_id: row.peer_id for row in story.rows(AffectedPerson)}
    assert pairs[story.person("guest").id] == story.person("bay-peer").id
    told = {one.who for one in story.arrivals if "Guest" in one.body}
    assert told <= {"guest", "bay-peer"}
    quiet_staff(story)
    story.phone("guest").says("my dog ate the roster").expects("read_by")
    story.phone("bay-peer").expects("queue_new")
    for key in ("cora", "bay-cora"):
        story.phone(key).expects_nothing()
    story.read_the_queue()
    quiet_staff(story)


# --- few helpers left


def test_when_peers_run_out_those_who_must_not_serve_are_still_not_asked(story: Story) -> None:
    log(story, "jordan:A", "peer-1:B", severity="S3", on_scene=("peer-2",))
    assert paged(story) == {"peer-3"}
    story.phone("cora").ignores()
    story.phone("peer-3").expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    story.phone("cora").expects("team_notice", "has 1 of 2", "please take over")
    story.phone("clint").expects("team_notice", "please take over")
    story.advance(hours=3)
    for key in ("peer-1", "peer-2"):
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_a_short_team_is_kept_hour_by_hour_and_whoever_is_free_again_is_asked(story: Story) -> None:
    for key in ("peer-2", "peer-3"):
        story.roster(key, status="leave")
    incident = log(story, "jordan:A", severity="S3")
    assert paged(story) == {"peer-1"}
    story.phone("cora").expects("team_notice", "has 0 of 2", "Still asking")
    story.phone("peer-1").expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    story.phone("cora").expects("team_notice", "has 1 of 2", "please take over")
    quiet_staff(story)
    story.advance(hours=4)
    short = story.rows(Event, Event.kind == "team.short", Event.incident_id == incident)
    assert {row.after for row in short} == {"1"}
    assert len({row.at.hour for row in short}) >= 4
    assert paged(story) == set()
    for key in ("cora", "clint"):
        story.phone(key).expects_nothing()
    story.roster("peer-2", status="active")
    story.advance(hours=1)
    assert paged(story) == {"peer-2"}
    story.phone("peer-2").expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)
    short = story.rows(Event, Event.kind == "team.short", Event.incident_id == incident)
    story.advance(hours=3)
    after = story.rows(Event, Event.kind == "team.short", Event.incident_id == incident)
    assert len(after) == len(short)  # complete: nothing is short any more
    quiet_staff(story)
