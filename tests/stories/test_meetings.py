"""Group meetings: offered or proposed in their windows, approved by a clinician, counted by heads alone."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from cism.store.tables import GroupSession, Invitation, Question
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.phones import Phone
from tests.stories.places import NEW_YORK, NOON, local, metro, quiet_staff, report_calls, with_helper
from tests.stories.roster import Cast

CREW = ("ana", "ben", "cal", "dee")


def crew_cast() -> Cast:
    """Four of one engine, and the usual team."""
    cast = metro(*CREW, peers=5)
    for key in CREW:
        cast.rows[key]["unit"] = "engine-7"
    return cast


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(crew_cast())
    made.begin(NOON)
    return made


def meeting(story: Story, kind: str) -> GroupSession:
    """The one meeting of a kind."""
    (found,) = story.rows(GroupSession, GroupSession.kind == kind)
    return found


def asked(story: Story) -> Phone:
    """The one clinician who is asked right now."""
    (who,) = {one.who for one in story.arrivals if one.kind == "approval" and not one.expected}
    return story.phone(who)


def test_a_defusing_is_offered_inside_its_window_and_too_few_means_a_call_instead(story: Story) -> None:
    ended = NOON - timedelta(hours=1)
    story.log("CHILD", *(f"{key}:B" for key in CREW), severity="S3", ended_at=ended)
    offered = meeting(story, "defusing")
    assert offered.starts_at is not None
    assert NOON + timedelta(minutes=45) <= offered.starts_at <= ended + timedelta(hours=12)
    for phone in map(story.phone, CREW):
        phone.expects("invitation", "Optional get-together", "1 count me in, 0 not for me", at=NOON)
    asked = [one.who for one in story.arrivals if one.kind == "page"]
    for key in asked[:2]:
        story.phone(key).expects("page").replies("1 {code}")
        story.phone(key).expects("assigned").expects("session_team", "Hand back: 9")
    report_calls(story)
    quiet_staff(story)
    story.phone("ana").replies("1").expects("invitation_accepted", "change your mind")
    story.phone("ben").replies("0").expects_nothing()
    story.go_to(offered.starts_at - timedelta(minutes=19))
    for key in asked[:2]:
        story.phone(key).expects("session_off", "is off")
    called = [one for one in story.arrivals if one.kind == "peer_task" and not one.expected]
    assert len(called) == 1
    story.phone(called[0].who).expects(
        "peer_task", f"{offered.starts_at.astimezone(ZoneInfo(NEW_YORK)):%H:%M}"
    )
    story.phone(called[0].who).replies("4 {code}").expects("noted")
    assert meeting(story, "defusing").reason == "too_few_came_forward"
    assert story.rows(Invitation, Invitation.session_id == offered.id) == []
    story.phone("ana").expects_nothing()


def test_a_debriefing_is_proposed_approved_held_and_followed_by_calls(story: Story) -> None:
    with_helper(story, "CHILD", *(f"{key}:B" for key in CREW), severity="S3")
    for phone in map(story.phone, CREW):
        phone.ignores("invitation").says("0 " + _code(story, phone.key))
    story.go_to(local("2026-03-03 14:00"))
    proposed = meeting(story, "cisd")
    assert proposed.state.value == "proposed"
    for phone in map(story.phone, CREW):
        phone.ignores().expects_nothing()  # nothing before a clinician has said yes
    leader = asked(story)
    leader.expects("approval", "group meeting is proposed").replies("1 {code}")
    leader.expects("noted").expects("session_team")
    assert proposed.starts_at == local("2026-03-04 14:00")
    quiet_staff(story)
    for phone in map(story.phone, CREW):
        phone.expects("invitation", "Wed 4 Mar 14:00").replies("1").expects("invitation_accepted")
    changed = story.phone(CREW[0]).says("0").expects_nothing()
    story.advance(seconds=1)
    changed.says("1").expects("invitation_accepted")
    story.go_to(local("2026-03-04 11:59"))
    quiet_staff(story)
    story.go_to(local("2026-03-04 12:00"))
    for phone in map(story.phone, CREW):
        phone.expects("check_in").replies("1")
    leader.expects("session_reminder", "14:00", at=local("2026-03-04 12:00"))
    quiet_staff(story)
    story.go_to(local("2026-03-04 16:15"))
    leader.expects("session_report", "how many came", at=local("2026-03-04 16:15"))
    story.advance(minutes=1)
    leader.replies("4 {code}").expects("session_report", "and the number")
    leader.replies("4 {code} 4").expects("noted")
    held = meeting(story, "cisd")
    assert (held.state.value, held.headcount) == ("held", 4)
    story.go_to(local("2026-03-05 12:00"))
    tasks = [one for one in story.arrivals if one.kind == "peer_task" and not one.expected]
    assert len(tasks) == 4
    assert all(one.at == local("2026-03-05 12:00") for one in tasks)
    report_calls(story)
    assert story.rows(Invitation, Invitation.session_id == held.id) == []
    quiet_staff(story)


def _code(story: Story, key: str) -> str:
    person = story.person(key).id
    found = story.rows(Question, Question.person_id == person, Question.kind == "invitation")
    return str(found[-1].code)


def test_when_no_clinician_decides_it_lapses_and_nobody_is_invited(story: Story) -> None:
    with_helper(story, "CHILD", *(f"{key}:B" for key in CREW), severity="S3")
    for phone in map(story.phone, CREW):
        phone.ignores()
    story.go_to(local("2026-03-03 14:00"))
    first = asked(story).expects("approval", "18:00")
    story.go_to(local("2026-03-03 18:00"))
    second = asked(story).expects("approval", "22:00")
    assert first is not second
    story.go_to(local("2026-03-03 22:00"))
    assert meeting(story, "cisd").state.value == "lapsed"
    first.replies("1 {code}").expects("already_covered")
    quiet_staff(story)
    assert "invitation" not in {one.kind for phone in map(story.phone, CREW) for one in phone.unread()}


def test_somebody_who_is_waiting_for_a_call_is_not_invited_to_a_meeting(story: Story) -> None:
    peer = with_helper(story, "CHILD", *(f"{key}:B" for key in CREW), severity="S3")
    for phone in map(story.phone, CREW):
        phone.ignores()
    story.phone("ana").says("3").expects("call_now")
    quiet_staff(story)
    story.advance(minutes=10)
    assert peer
    before = len(story.arrivals)
    story.go_to(local("2026-03-03 14:00"))
    asked(story).expects("approval").replies("1 {code}")
    quiet_staff(story)
    kinds = {one.who: one.kind for one in story.arrivals[before:] if one.kind == "invitation"}
    assert sorted(kinds) == ["ben", "cal", "dee"]
    for phone in map(story.phone, CREW):
        phone.ignores()


def test_a_late_log_leaves_one_hour_of_the_defusing_and_a_later_one_none(story: Story) -> None:
    story.log("CHILD", *(f"{key}:B" for key in CREW), severity="S3", ended_at=NOON - timedelta(hours=11))
    offered = meeting(story, "defusing")
    assert offered.starts_at is not None
    assert offered.starts_at <= NOON + timedelta(hours=1)
    for key in story.cast.rows:
        story.phone(key).ignores()


def test_after_twelve_hours_no_defusing_is_offered_and_the_reason_is_kept(story: Story) -> None:
    story.log("CHILD", *(f"{key}:B" for key in CREW), severity="S3", ended_at=NOON - timedelta(hours=13))
    assert meeting(story, "defusing").reason == "window_closed"
    for key in CREW:
        story.phone(key).expects_nothing()
    for key in story.cast.rows:
        story.phone(key).ignores()
