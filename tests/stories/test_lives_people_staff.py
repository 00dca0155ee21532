"""Whoever logs, coordinates, decides or helps may be affected: a deputy does it, and somebody always does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.services import queue_readers
from cism.store.tables import AffectedPerson, Escalation, Event, QueueItem
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, live_until, metro, quiet_staff, report_calls
from tests.stories.roster import Cast


def affected_by(
    tell: MakeStory, cast: Cast, *affected: str, severity: str = "S2", **details: object
) -> Story:
    """Something happened an hour ago to all of these."""
    story = tell(cast)
    story.begin(NOON)
    ended = NOON - timedelta(hours=1)
    story.log("THREAT", *affected, severity=severity, ended_at=ended, **details)
    return story


def without(cast: Cast, *keys: str) -> Cast:
    """A department that has none of these."""
    for key in keys:
        del cast.rows[key]
    return cast


def turn_taken(story: Story) -> None:
    """One helper takes the turn and reports the first calls."""
    who = next(one.who for one in story.arrivals if one.kind == "page" and not one.expected)
    story.phone(who).expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)


def helper_of(story: Story, key: str) -> str | None:
    """Who looks after this person in the first incident."""
    person = story.person(key).id
    peer = story.rows(
        AffectedPerson,
        AffectedPerson.incident_id == story.incidents[0],
        AffectedPerson.person_id == person,
    )[0].peer_id
    return next((one for one in story.cast.rows if story.person(one).id == peer), None)


def test_a_logger_who_is_affected_is_looked_after_and_told_nothing_of_the_team(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.add("sarge", roles="supervisor;peer")
    story = affected_by(tell, cast, "jordan:A", "sarge:E", logged_by="sarge")
    story.phone("sarge").expects_nothing()
    turn_taken(story)
    quiet_staff(story)
    live_until(story, NOON + timedelta(days=1.5))
    story.phone("sarge").expects("check_in").replies("1").expects_nothing()
    story.phone("jordan").expects("check_in").replies("1")
    quiet_staff(story)


def test_the_only_coordinator_is_affected_and_one_of_another_agency_is_told(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.add("neighbour", roles="coordinator", agency="bay-fd")
    story = affected_by(tell, cast, "jordan:A", "cora:B")
    story.phone("cora").expects_nothing()
    story.phone("neighbour").expects("team_notice", "Still asking")
    quiet_staff(story)


@pytest.mark.parametrize(("missing", "deputy"), [((), "dina"), (("dina",), "clint")])
def test_the_only_coordinator_is_affected_and_somebody_clinical_is_told(
    tell: MakeStory, missing: tuple[str, ...], deputy: str
) -> None:
    story = affected_by(tell, without(metro("jordan"), *missing), "jordan:A", "cora:B")
    story.phone("cora").expects_nothing()
    story.phone(deputy).expects("team_notice", "Still asking")
    quiet_staff(story)


def test_words_of_a_colleague_on_the_same_list_go_to_the_deputy(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.add("cody", roles="coordinator")
    story = affected_by(tell, cast, "jordan:A", "cora:B")
    quiet_staff(story)
    story.phone("jordan").says("my dog ate the roster").expects("read_by")
    story.phone("cody").expects("queue_new")
    story.phone("cora").expects_nothing()
    story.read_the_queue()


def test_words_are_read_by_somebody_even_where_everybody_is_on_the_list(tell: MakeStory) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A", "cora:B", "clint:B", "dina:B")
    quiet_staff(story)
    story.phone("jordan").says("my dog ate the roster").expects("read_by")
    story.phone("cora").expects("queue_new")
    story.phone("cora").says("I could use a word myself").expects("read_by")
    own = next(row for row in story.rows(QueueItem) if row.person_id == story.person("cora").id)
    told = story.see(lambda session: [row.roster_id for row in queue_readers.readers(session, own)])
    assert told
    assert "cora" not in told
    story.read_the_queue()
    quiet_staff(story)


def test_a_clinician_who_is_affected_and_asks_for_a_call_is_never_asked_about_themselves(
    tell: MakeStory,
) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A", "clint:B")
    turn_taken(story)
    quiet_staff(story)
    story.phone("clint").says("I want to die").expects("crisis_answer")
    story.phone("dina").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("clint").expects("escalation_taken", "Dina will call you")
    story.phone("dina").replies("4 {code}").expects("noted")
    story.phone("clint").expects_nothing()
    quiet_staff(story)


def test_a_clinician_who_is_affected_is_not_asked_about_a_colleague_on_the_same_list(tell: MakeStory) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A", "clint:B")
    turn_taken(story)
    quiet_staff(story)
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.phone("dina").expects("escalation")
    story.advance(minutes=20)
    story.phone("clint").expects_nothing()
    story.phone("dina").replies("1 {code}").replies("4 {code}")
    story.phone("jordan").expects("escalation_taken")
    quiet_staff(story)


def test_where_nobody_stands_apart_the_ladder_ends_at_a_human_all_the_same(tell: MakeStory) -> None:
    cast = without(metro("jordan", peers=0), "dina")
    story = affected_by(tell, cast, "jordan:A", "cora:B", "clint:B")
    quiet_staff(story)
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken", "Clint will call you")
    story.phone("clint").replies("4 {code}").expects("noted")
    assert story.rows(Event, Event.kind == "escalation.last_resort")
    quiet_staff(story)


def test_the_last_resort_is_never_the_person_in_need(tell: MakeStory) -> None:
    cast = without(metro("jordan", peers=0), "dina")
    story = affected_by(tell, cast, "jordan:A", "cora:B", "clint:B")
    quiet_staff(story)
    story.phone("clint").says("I want to die").expects("crisis_answer")
    story.advance(minutes=30)
    story.phone("clint").expects_nothing()
    story.phone("cora").expects("escalation")
    quiet_staff(story)


def test_a_peer_who_becomes_affected_later_is_looked_after_by_another(tell: MakeStory) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A")
    turn_taken(story)
    quiet_staff(story)
    served = story.rows(AffectedPerson)[0].peer_id
    peer = next(key for key in story.cast.rows if story.person(key).id == served)
    story.add(story.incidents[0], f"{peer}:B")
    story.phone(peer).expects("released")
    turn_taken(story)
    quiet_staff(story)
    helpers = {row.peer_id for row in story.rows(AffectedPerson)}
    assert None not in helpers
    assert served not in helpers
    story.phone("jordan").says("3").expects("call_now")
    quiet_staff(story)
    story.advance(hours=1)
    assert peer not in {one.who for one in story.arrivals if one.kind == "escalation"}
    assert story.rows(Escalation)
    quiet_staff(story)


def test_a_clinician_who_becomes_affected_hands_on_what_they_had_taken_about_a_colleague(
    tell: MakeStory,
) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A")
    turn_taken(story)
    quiet_staff(story)
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    first = next(one.who for one in story.arrivals if one.kind == "escalation" and not one.expected)
    story.phone(first).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    quiet_staff(story)
    story.add(story.incidents[0], f"{first}:B")
    story.phone(first).expects("handed_back")
    following = next(one.who for one in story.arrivals if one.kind == "escalation" and not one.expected)
    assert following != first
    story.phone(following).expects("escalation")
    story.phone(first).replies("4 {code}")
    (row,) = story.rows(Escalation)
    assert (row.acked_by, row.closed_at) == (None, None)
    story.phone(following).replies("1 {code}").replies("4 {code}")
    story.phone("jordan").expects("escalation_taken")
    quiet_staff(story)


def test_a_helper_whose_own_event_begins_is_relieved_elsewhere_and_somebody_else_goes_on(
    tell: MakeStory,
) -> None:
    story = affected_by(tell, metro("jordan"), "jordan:A")
    turn_taken(story)
    helper = helper_of(story, "jordan")
    quiet_staff(story)
    story.advance(hours=2)
    story.log("CHILD", f"{helper}:B", severity="S1", ended_at=story.now())
    story.phone(helper).expects("released").expects_nothing()
    for asked in [one for one in story.arrivals if one.kind == "page" and not one.expected]:
        story.phone(asked.who).expects("page").replies("1 {code}")
    assert helper_of(story, "jordan") not in {helper, None}
    quiet_staff(story)


def test_a_helper_who_is_added_to_another_list_later_is_relieved_as_well(tell: MakeStory) -> None:
    story = affected_by(tell, metro("jordan", "sam"), "jordan:A")
    turn_taken(story)
    helper = helper_of(story, "jordan")
    other = story.log("CHILD", "sam:B", severity="S1", ended_at=story.now())
    quiet_staff(story)
    story.add(other, f"{helper}:B")
    story.phone(helper).expects("released").expects_nothing()
    assert helper_of(story, "jordan") != helper
    quiet_staff(story)
