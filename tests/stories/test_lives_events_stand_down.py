"""It was called off, or it was not: stand-down without a word to affected people, and opening again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.errors import AlreadyDone, NotAllowed
from cism.services import reopening, response
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Escalation, Event, GroupSession, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def reopen(story: Story, incident: str, by: str | None = None) -> None:
    """The coordinator opens it again."""
    actor = story.person(by).id if by else None
    story.act(reopening.reopen, incident, by=actor, now=story.now())
    story.run()


def team_says_yes(story: Story) -> list[str]:
    """Whoever is asked now takes a turn, until the team is complete."""
    said = []
    for arrival in [one for one in story.arrivals if one.kind == "page" and not one.expected]:
        phone = story.phone(arrival.who)
        if "covered" not in {one.kind for one in phone.unread()}:
            phone.expects("page").replies("1 {code}").expects("assigned")
            said.append(arrival.who)
    report_calls(story)
    quiet_staff(story)
    return said


def test_a_response_that_was_stood_down_by_mistake_goes_on_where_it_was(story: Story) -> None:
    first = with_helper(story, severity="S2")
    (incident,) = story.incidents
    jordan = story.phone("jordan")
    story.go_to(local("2026-03-04 12:00"))
    jordan.expects("check_in").replies("1")
    story.stand_down(incident)
    story.phone(first).expects("stand_down")
    story.advance(hours=5)
    jordan.expects_nothing()
    reopen(story, incident)
    asked = {one.who for one in story.arrivals if one.kind == "page" and not one.expected}
    assert first in asked  # whom they know is asked again, and nobody is taken for granted
    team_says_yes(story)
    for moment in ("2026-03-06 12:00", "2026-03-10 10:00", "2026-04-02 10:00", "2026-06-01 10:00"):
        story.go_to(local(moment))
        jordan.expects("check_in", at=local(moment)).replies("1")
        quiet_staff(story)
    jordan.expects("opt_in").replies("0").expects("contacts_ended").expects_nothing()
    told = [(row.before, row.after) for row in story.rows(Event, Event.kind == "incident.reopened")]
    assert told == [("stood_down", "open")]


def test_what_was_missed_meanwhile_is_one_check_in_and_never_two(story: Story) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    story.advance(hours=1)
    story.stand_down(incident)
    quiet_staff(story)
    story.go_to(local("2026-03-07 15:00"))  # f1 and f3 were missed
    story.phone("jordan").expects_nothing()
    reopen(story, incident)
    quiet_staff(story)
    story.phone("jordan").expects("check_in", at=local("2026-03-07 15:00")).replies("1")
    story.go_to(local("2026-03-10 09:59"))
    story.phone("jordan").expects_nothing()
    story.advance(minutes=1)
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    quiet_staff(story)


def test_opening_again_twice_or_what_is_open_changes_nothing(story: Story) -> None:
    with_helper(story)
    (incident,) = story.incidents
    with pytest.raises(AlreadyDone, match="is open"):
        reopen(story, incident)
    story.stand_down(incident)
    quiet_staff(story)
    reopen(story, incident)
    before = sorted(step.key for step in planned(story, Step.incident_id == incident))
    with pytest.raises(AlreadyDone):
        reopen(story, incident)
    assert sorted(step.key for step in planned(story, Step.incident_id == incident)) == before
    quiet_staff(story)


def test_a_response_that_was_stood_down_and_opened_twice_still_sends_each_check_in_once(story: Story) -> None:
    with_helper(story, severity="S1")
    (incident,) = story.incidents
    for _ in range(2):
        story.stand_down(incident)
        quiet_staff(story)
        story.advance(hours=1)
        reopen(story, incident)
        team_says_yes(story)
    for moment in ("2026-03-04 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(moment))
        story.phone("jordan").expects("check_in", at=local(moment)).replies("1")
    story.phone("jordan").expects("opt_in").replies("0").expects("contacts_ended").expects_nothing()
    quiet_staff(story)


def test_whoever_declined_stays_declined_when_it_is_opened_again(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B", severity="S1")
    (incident,) = story.incidents
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    story.phone("sam").expects("check_in").replies("1")
    story.stand_down(incident)
    quiet_staff(story)
    reopen(story, incident)
    quiet_staff(story)
    story.go_to(local("2026-03-10 10:00"))
    story.phone("jordan").expects_nothing()
    story.phone("sam").expects("check_in").replies("1")
    quiet_staff(story)


def test_an_answer_to_a_check_in_from_before_the_stand_down_still_counts_when_it_is_open_again(
    story: Story,
) -> None:
    with_helper(story, severity="S2")
    (incident,) = story.incidents
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    story.stand_down(incident)
    quiet_staff(story)
    story.advance(hours=1)
    reopen(story, incident)
    quiet_staff(story)
    story.phone("jordan").replies("0").expects("contacts_ended")
    assert story.rows(AffectedPerson)[0].ended_reason == "declined"
    story.go_to(local("2026-07-01 10:00"))
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_a_closed_response_opens_again_and_its_helpers_still_serve(story: Story) -> None:
    peer = with_helper(story, severity="S2")
    (incident,) = story.incidents
    story.advance(hours=2)
    story.act(response.close, incident, by=None, now=story.now())
    story.run()
    story.advance(hours=2)
    reopen(story, incident)
    states = {row.state for row in story.rows(Assignment, Assignment.peer_id == story.person(peer).id)}
    assert states == {AssignmentState.ACCEPTED}
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1")
    story.phone(peer).says("9").expects("handed_back")
    quiet_staff(story)


def test_who_is_on_the_list_does_not_open_it_again_and_nobody_opens_history_or_what_is_long_over(
    tell: MakeStory,
) -> None:
    cast = metro("jordan")
    cast.add("cody", roles="coordinator")
    story = tell(cast)
    story.begin(NOON)
    incident = story.log("THREAT", "jordan:A", "cora:E", severity="S1", ended_at=story.now())
    story.stand_down(incident)
    with pytest.raises(NotAllowed, match="your deputy"):
        reopen(story, incident, by="cora")
    story.go_to(story.now() + timedelta(days=400))
    with pytest.raises(AlreadyDone, match="log a new one"):
        reopen(story, incident, by="cody")
    story.phone("jordan").expects("confirm_phone").expects_nothing()  # the yearly question, long afterwards
    quiet_staff(story)


def test_an_escalation_survives_the_stand_down_and_the_opening_again(story: Story) -> None:
    peer = with_helper(story, severity="S2")
    (incident,) = story.incidents
    story.phone("jordan").says("3").expects("call_now")
    story.stand_down(incident)
    reopen(story, incident)
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")
    assert [row.outcome for row in story.rows(Escalation)] == ["reached"]
    quiet_staff(story)


CREW = ("ana", "ben", "cal", "dee")


def invited_crew(tell: MakeStory) -> Story:
    """Four of one engine, invited to a meeting in the afternoon; ben has said no."""
    cast = metro(*CREW, peers=5)
    for key in CREW:
        cast.rows[key]["unit"] = "engine-7"
    story = tell(cast)
    story.begin(NOON)
    story.log("CHILD", *(f"{key}:B" for key in CREW), severity="S3", ended_at=NOON - timedelta(hours=1))
    for key in CREW:
        story.phone(key).expects("invitation")
    team_says_yes(story)
    story.phone("ana").replies("1").expects("invitation_accepted")
    story.phone("ben").replies("0")
    return story


def test_stand_down_sends_nobody_who_was_invited_a_word_and_their_peer_brings_it_by_voice(
    tell: MakeStory,
) -> None:
    story = invited_crew(tell)
    meeting = story.rows(GroupSession, GroupSession.kind == "defusing")[0]
    story.stand_down(story.incidents[0])
    asked = [one for one in story.arrivals if one.kind == "peer_task" and not one.expected]
    assert len(asked) == 3  # ana, cal and dee might come; ben will not
    for arrival in asked:
        phone = story.phone(arrival.who).expects("peer_task")
        code = phone.code
        phone.says(f"4 {code}").expects("noted", code)
    told = [one.who for one in story.arrivals if one.kind == "stand_down"]
    assert len(told) == len(set(told)) == 2
    for key in told:
        story.phone(key).expects("stand_down")
    assert meeting.starts_at is not None
    story.go_to(meeting.starts_at + timedelta(days=3))
    for key in CREW:
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_a_call_about_a_meeting_that_is_off_goes_on_until_somebody_has_made_it(tell: MakeStory) -> None:
    story = invited_crew(tell)
    story.stand_down(story.incidents[0])
    story.advance(hours=20)
    overdue = [one for one in story.arrivals if one.kind == "peer_task_overdue"]
    assert len(overdue) == 3
    waiting = [one for one in story.phone("cora").unread() if one.kind == "queue_new"]
    assert len(waiting) == 3
    for key in CREW:
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_a_false_alarm_costs_a_helper_no_rest_and_no_place(tell: MakeStory) -> None:
    cast = metro("jordan", "sam", "kim", "lee", peers=1)
    story = tell(cast)
    story.begin(NOON)
    with_helper(story, "THREAT", "jordan:A", "sam:A", "kim:A", severity="S1")
    story.stand_down(story.incidents[0])
    story.phone("peer-1").expects("stand_down")
    story.advance(hours=1)
    story.log("THREAT", "lee:A", severity="S1", ended_at=story.now())
    story.phone("peer-1").expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone("peer-1").replies("4 {code}").expects("noted")
    quiet_staff(story)
