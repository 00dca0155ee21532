"""The list changes while people are being looked after: late, wrong, corrected, graver, less grave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.incident import Circle, Severity
from cism.errors import AlreadyDone, NotFound
from cism.services import intake, removal
from cism.store.tables import AffectedPerson, Event, Invitation, Question, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, local, metro, quiet_staff, staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def remove(story: Story, incident: str, key: str) -> None:
    """The coordinator takes somebody off the list."""
    who = story.person(key).id
    story.act(removal.remove, incident, who, by=story.person("cora").id, now=story.now())
    story.run()


def left_at(story: Story, incident: str, key: str, moment: object) -> None:
    """Somebody left then, whatever was said before."""
    item = intake.AffectedInput(person_id=key, circle=Circle.A, exposure_end=moment)  # type: ignore[arg-type]
    story.act(intake.add_affected, incident, [item])
    story.run()


def sends(story: Story, key: str, *moments: str) -> None:
    """Check-ins at exactly these moments, each answered, and nothing between them."""
    for moment in moments:
        story.go_to(local(moment) - timedelta(minutes=1))
        story.phone(key).expects_nothing()
        story.go_to(local(moment))
        story.phone(key).expects("check_in", at=local(moment)).replies("1")
    quiet_staff(story)


# Removed, and put back.


def test_whoever_was_named_by_mistake_gets_nothing_more_and_no_explanation(story: Story) -> None:
    peer = with_helper(story, "THREAT", "jordan:A", "sam:B", severity="S2")
    (incident,) = story.incidents
    sends(story, "jordan", "2026-03-04 12:00")
    story.phone("sam").expects("check_in").replies("1")
    remove(story, incident, "sam")
    story.phone("sam").expects_nothing()
    assert planned(story, Step.person_id == story.person("sam").id) == []
    sends(story, "jordan", "2026-03-06 12:00", "2026-03-10 10:00")
    story.phone("sam").expects_nothing().says("2").expects("call_promised")  # anyone may always ask
    quiet_staff(story)
    told = [(row.subject_id, row.actor_id) for row in story.rows(Event, Event.kind == "affected.removed")]
    assert told == [(story.person("sam").id, story.person("cora").id)]
    assert peer


def test_the_peer_of_somebody_who_was_removed_is_told_that_the_call_is_covered(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    helper = next(one.who for one in story.arrivals if one.kind == "page")
    story.phone(helper).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    code = story.phone(helper).code
    quiet_staff(story)
    remove(story, story.incidents[0], "jordan")
    story.phone(helper).expects("covered", code)
    story.advance(days=100)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_a_check_in_that_is_on_its_way_to_somebody_who_is_removed_does_not_leave(story: Story) -> None:
    with_helper(story, severity="S1")
    (incident,) = story.incidents

    who = story.person("jordan").id
    story.go_to(local("2026-03-04 11:59"))

    def due_and_removed(session: object) -> None:
        from cism.services import clockwork, engine

        clockwork.move_to(session, local("2026-03-04 12:00"), "story")  # type: ignore[arg-type]
        engine.run_due(session)  # type: ignore[arg-type]
        removal.remove(session, incident, who, by=None, now=local("2026-03-04 12:00"))  # type: ignore[arg-type]

    story.act(due_and_removed)
    story.run()
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_an_escalation_about_somebody_who_was_removed_goes_on(story: Story) -> None:
    peer = with_helper(story, severity="S2")
    story.phone("jordan").says("3").expects("call_now")
    remove(story, story.incidents[0], "jordan")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")
    quiet_staff(story)


def test_whoever_was_removed_is_invited_no_more_and_counts_no_more(tell: MakeStory) -> None:
    crew = ("ana", "ben", "cal", "dee")
    cast = metro(*crew, peers=5)
    for key in crew:
        cast.rows[key]["unit"] = "engine-7"
    story = tell(cast)
    story.begin(NOON)
    story.log("CHILD", *(f"{key}:B" for key in crew), severity="S3", ended_at=NOON - timedelta(hours=1))
    story.phone("ana").expects("invitation")
    remove(story, story.incidents[0], "ana")
    assert story.rows(Invitation, Invitation.person_id == story.person("ana").id) == []
    story.phone("ana").says("1").expects("already_covered", but="meeting")
    for key in crew[1:]:
        story.phone(key).ignores()
    quiet_staff(story)


def test_whoever_was_removed_can_be_put_back_and_gets_what_is_still_to_come(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B", severity="S2")
    (incident,) = story.incidents
    sends(story, "sam", "2026-03-04 12:00")
    story.phone("jordan").ignores()
    remove(story, incident, "sam")
    story.advance(hours=1)
    story.add(incident, "sam:B")
    sends(story, "sam", "2026-03-06 12:00", "2026-03-10 10:00")
    story.phone("jordan").ignores()


def test_nobody_is_removed_twice_or_without_being_there_and_a_decline_is_not_undone(story: Story) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    with pytest.raises(NotFound, match="not on this incident's list"):
        remove(story, incident, "sam")
    sends_first = local("2026-03-04 12:00")
    story.go_to(sends_first)
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    with pytest.raises(AlreadyDone, match="ended already"):
        remove(story, incident, "jordan")
    story.add(incident, "jordan:A")
    assert story.rows(AffectedPerson)[0].ended_reason == "declined"
    story.advance(days=90)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_whoever_is_added_two_days_late_is_asked_once_and_then_like_everybody_else(story: Story) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    ended = story.now()
    sends(story, "jordan", "2026-03-04 12:00")
    story.go_to(local("2026-03-05 15:00"))
    story.add(incident, "sam:B", ends={"sam": ended})
    quiet_staff(story)
    story.phone("sam").expects("check_in", at=local("2026-03-05 15:00")).replies("1")
    sends(story, "sam", "2026-03-06 12:00", "2026-03-10 10:00")
    story.phone("jordan").ignores()


# A time that was wrong.


def test_a_wrong_end_is_corrected_and_what_has_not_left_is_counted_from_the_right_one(story: Story) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    sends(story, "jordan", "2026-03-04 12:00")
    story.change(incident, ended_at=local("2026-03-03 09:00"))
    sends(story, "jordan", "2026-03-06 09:00", "2026-03-10 10:00", "2026-04-02 10:00")
    moved = [(row.before, row.after) for row in story.rows(Event, Event.kind == "affected.exposure_end")]
    assert moved == [("2026-03-03T17:00:00+00:00", "2026-03-03T14:00:00+00:00")]
    asked = [row.point for row in story.rows(Question, Question.kind == "check_in")]
    assert asked == ["f1", "f3", "f7", "f30"]


def test_a_corrected_end_sends_no_point_a_second_time_nor_one_that_lies_before_what_went(
    story: Story,
) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    sends(story, "jordan", "2026-03-04 12:00", "2026-03-06 12:00")
    story.change(incident, ended_at=local("2026-03-02 12:00"))  # a day earlier than was said
    sends(story, "jordan", "2026-03-09 10:00", "2026-04-01 10:00")


def test_one_persons_own_end_is_corrected_alone(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B", severity="S1")
    (incident,) = story.incidents
    left_at(story, incident, "sam", local("2026-03-03 08:00"))
    story.go_to(local("2026-03-04 08:00"))
    story.phone("sam").expects("check_in", at=local("2026-03-04 08:00")).replies("1")
    sends(story, "jordan", "2026-03-04 12:00")
    story.change(incident, ended_at=local("2026-03-03 11:00"))  # sam has an end of their own
    ends = {row.person_id: row.exposure_end for row in story.rows(AffectedPerson)}
    assert ends[story.person("sam").id] == local("2026-03-03 08:00")
    assert ends[story.person("jordan").id] == local("2026-03-03 11:00")
    quiet_staff(story)


# Graver, and less grave.


def test_raised_to_s4_five_hours_in_it_adds_and_sends_nothing_twice(story: Story) -> None:
    with_helper(story, severity="S1")
    (incident,) = story.incidents
    story.advance(hours=5)
    before = {step.key for step in planned(story, Step.kind == "contact")}
    story.change(incident, severity=Severity.S4)
    again = {step.key for step in planned(story, Step.kind == "contact")}
    assert before < again
    story.change(incident, severity=Severity.S4)
    assert {step.key for step in planned(story, Step.kind == "contact")} == again
    for key in staff(story):
        story.phone(key).ignores()
    days = (
        "2026-03-04 12:00",
        "2026-03-06 12:00",
        "2026-03-10 10:00",
        "2026-04-02 10:00",
        "2026-06-01 10:00",
    )
    sends(story, "jordan", *days)
    story.phone("jordan").expects("opt_in").replies("1").expects("opt_in_done")
    sends(story, "jordan", "2026-08-30 10:00", "2027-02-24 10:00")
    story.phone("sam").expects("confirm_phone")  # the yearly question of whoever is not looked after


def test_lowered_mid_response_it_keeps_what_was_promised_and_asks_no_opt_in_while_a_check_in_is_to_come(
    story: Story,
) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    sends(story, "jordan", "2026-03-04 12:00")
    story.change(incident, severity=Severity.S1)
    sends(story, "jordan", "2026-03-06 12:00", "2026-03-10 10:00", "2026-04-02 10:00")
    story.phone("jordan").expects_nothing()  # at S1 this would have been the last one
    sends(story, "jordan", "2026-06-01 10:00")
    story.phone("jordan").expects("opt_in").replies("0").expects("contacts_ended").expects_nothing()


def test_raised_after_the_last_check_in_the_opt_in_waits_for_the_new_last_one(story: Story) -> None:
    with_helper(story, severity="S1")
    (incident,) = story.incidents
    sends(story, "jordan", "2026-03-04 12:00", "2026-03-10 10:00")
    story.go_to(local("2026-04-02 10:00"))
    story.phone("jordan").expects("check_in")
    story.change(incident, severity=Severity.S2)
    story.phone("jordan").replies("1").expects_nothing()
    quiet_staff(story)
    sends(story, "jordan", "2026-06-01 10:00")
    story.phone("jordan").expects("opt_in").replies("0").expects("contacts_ended").expects_nothing()
