"""Somebody dies while we look after people: nothing is texted to them again, and nobody else is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.errors import AlreadyDone
from cism.services import claims, mistaken_death
from cism.services.claims import Outcome
from cism.store.states import AssignmentState, CallState, OutboxState
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Assignment,
    Escalation,
    Outbox,
    PhoneCall,
    Question,
    QueueItem,
    Step,
)
from notifications.gateway import SendError, SendFailure
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import (
    NOON,
    check_in_on_its_way,
    metro,
    quiet_staff,
    report_calls,
    staff,
    with_helper,
)


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def open_questions(story: Story, key: str) -> list[Question]:
    """What somebody is still asked."""
    return story.rows(Question, Question.person_id == story.person(key).id, Question.state == "open")


def test_somebody_who_dies_between_two_check_ins_is_never_texted_again(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B")
    story.advance(hours=25)
    story.phone("jordan").expects("check_in")
    story.phone("sam").expects("check_in").replies("1")
    story.roster("jordan", status="deceased")
    story.phone("cora").expects("queue_new")
    assert open_questions(story, "jordan") == []
    assert not planned(story, Step.person_id == story.person("jordan").id)
    for _ in range(3):
        story.advance(days=3)
        report_calls(story)
        quiet_staff(story)
    story.phone("jordan").expects_nothing()
    story.phone("sam").ignores("check_in", "check_in_reminder")
    ended = story.rows(AffectedPerson, AffectedPerson.person_id == story.person("jordan").id)
    assert [row.ended_reason for row in ended] == ["deceased"]


def test_nobody_who_has_died_is_texted_when_they_stand_on_a_list(tell: MakeStory) -> None:
    cast = metro("jordan", "sam")
    cast.rows["jordan"]["status"] = "deceased"
    story = tell(cast)
    story.begin(NOON)
    story.log("LODD", "jordan:A", "sam:D", kin_notified=True, ended_at=NOON - timedelta(hours=1))
    quiet_staff(story)
    assert not planned(story, Step.person_id == story.person("jordan").id)
    assert planned(story, Step.person_id == story.person("sam").id)
    story.advance(days=8)
    quiet_staff(story)
    story.phone("jordan").expects_nothing()
    story.phone("sam").ignores("check_in", "check_in_reminder")
    served = {row.person_id for row in story.rows(AffectedPerson) if row.peer_id}
    assert story.person("jordan").id not in served


def test_a_text_that_the_provider_gave_back_for_later_does_not_leave_after_the_death(story: Story) -> None:
    with_helper(story)
    sent = check_in_on_its_way(story, "jordan")
    story.roster("jordan", status="deceased")
    story.act(claims.record, [Outcome(sent.id, error=SendError(SendFailure.RETRY))])
    story.pass_real(minutes=10)
    assert story.rows(Outbox, Outbox.id == sent.id)[0].state in {
        OutboxState.SUPPRESSED,
        OutboxState.CANCELLED,
    }
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_a_call_that_somebody_was_to_make_to_the_deceased_is_taken_back(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S1", ended_at=NOON - timedelta(hours=1))
    first = next(one.who for one in story.arrivals if one.kind == "page")
    story.phone(first).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    quiet_staff(story)
    story.roster("jordan", status="deceased")
    story.phone(first).expects("covered", "no action needed")
    story.phone("cora").expects("queue_new")
    story.advance(hours=9)
    story.phone(first).expects_nothing()


def test_an_escalation_about_somebody_who_died_is_ended_by_a_human_and_leads_to_no_search(
    story: Story,
) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    code = story.phone(peer).code
    story.phone("jordan").expects("escalation_taken")
    story.roster("jordan", status="deceased")
    story.phone("cora").expects("queue_new")
    assert [row.state.value for row in story.rows(Escalation)] == ["acked"]
    story.phone(peer).says(f"6 {code}").expects("noted")
    assert [(row.state.value, row.welfare) for row in story.rows(Escalation)] == [("closed", False)]
    story.advance(hours=2)
    story.phone("jordan").expects_nothing()


def test_news_of_a_death_that_nobody_reads_is_told_again_and_nobody_is_asked_to_call_the_dead(
    story: Story,
) -> None:
    with_helper(story)
    story.roster("jordan", status="deceased")
    story.phone("cora").expects("queue_new")
    story.advance(hours=13)
    story.phone("cora").expects("queue_new").expects_nothing()
    assert story.rows(Escalation) == []
    story.read_the_queue()
    story.advance(hours=30)
    for key in staff(story):
        story.phone(key).expects_nothing()


def test_whoever_texts_from_the_phone_of_somebody_who_died_is_read_as_a_stranger(story: Story) -> None:
    with_helper(story)
    story.roster("jordan", status="deceased")
    quiet_staff(story)
    story.phone("jordan").says("I want to die").expects("crisis_answer", but="Metro")
    story.phone("clint").expects("escalation")
    story.phone("cora").expects("queue_new")
    assert [row.person_id for row in story.rows(Escalation)] == [None]
    assert {row.person_id for row in story.rows(QueueItem)} == {None}
    quiet_staff(story)


def test_a_helper_who_dies_is_replaced_at_once_and_gets_no_text_about_it(story: Story) -> None:
    peer = with_helper(story)
    story.roster(peer, status="deceased")
    story.phone(peer).expects_nothing()
    story.phone("cora").expects("queue_new")
    pages = [one.who for one in story.arrivals if one.kind == "page" and not one.expected]
    assert pages
    assert peer not in pages
    story.phone(pages[0]).expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)
    served = story.rows(AffectedPerson)[0].peer_id
    assert served == story.person(pages[0]).id
    gone = story.rows(Assignment, Assignment.peer_id == story.person(peer).id)
    assert [row.state for row in gone] == [AssignmentState.HANDED_BACK]


def test_an_escalation_that_the_deceased_had_taken_goes_to_the_next_at_once(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.roster(peer, status="deceased")
    story.phone("clint").expects("escalation", at=story.now()).replies("1 {code}")
    story.phone("clint").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken", "Clint will call you")
    story.phone("clint").replies("4 {code}").expects("noted")
    story.phone(peer).expects_nothing()
    quiet_staff(story)


@pytest.mark.parametrize("status", ["active", "deceased"])
def test_the_phone_of_a_helper_who_died_does_not_ring_either(story: Story, status: str) -> None:
    peer = with_helper(story)
    story.servers.handset_is(story.phone(peer).number, "unreachable")
    story.phone("jordan").says("3").expects("call_now")
    quiet_staff(story)
    story.roster(peer, status=status)
    story.advance(minutes=20)
    made = story.rows(PhoneCall, PhoneCall.person_id == story.person(peer).id)
    wanted = [row for row in made if row.state not in {CallState.CANCELLED, CallState.SUPPRESSED}]
    assert bool(wanted) == (status == "active")
    quiet_staff(story)


def test_people_near_the_deceased_keep_their_own_contacts(story: Story) -> None:
    story.log(
        "LODD", "jordan:B", "sam:D", kin_notified=True, severity="S4", ended_at=NOON - timedelta(hours=1)
    )
    before = {step.key for step in planned(story, Step.person_id == story.person("sam").id)}
    story.roster("jordan", status="deceased")
    after = {step.key for step in planned(story, Step.person_id == story.person("sam").id)}
    assert before == after
    quiet_staff(story)


def test_a_superior_who_died_still_joins_those_above_and_below(tell: MakeStory) -> None:
    cast = metro("jordan", "sam", peers=1)
    cast.rows["sam"]["reports_to"] = "peer-1"
    cast.rows["jordan"]["reports_to"] = "sam"
    story = tell(cast)
    story.begin(NOON)
    story.roster("sam", status="deceased")
    story.log("THREAT", "jordan:A", severity="S1", ended_at=NOON - timedelta(hours=1))
    story.phone("peer-1").expects_nothing()
    quiet_staff(story)


def test_people_are_not_told_the_number_of_a_coordinator_who_died(story: Story) -> None:
    assert story.rows(Agency)[0].duty_phone == story.cast.phone("cora")
    story.roster("cora", status="deceased")
    story.phone("jordan").says("3").expects("call_now", "988", but=story.cast.phone("cora"))
    quiet_staff(story)


def test_a_death_that_was_a_mistake_is_taken_back_and_a_human_calls_before_any_text(story: Story) -> None:
    peer = with_helper(story)
    story.advance(hours=25)
    story.phone("jordan").expects("check_in").replies("1")
    story.roster("jordan", status="deceased")
    story.phone("cora").expects("queue_new")
    story.read_the_queue()
    story.advance(hours=3)
    row = story.person("jordan")
    story.act(lambda session: mistaken_death.take_back(session, session.merge(row), by=None, now=story.now()))
    story.run()
    story.phone("cora").expects("queue_new", "a call is needed")
    story.read_the_queue()
    story.advance(days=6)
    story.phone("jordan").expects_nothing()  # whose number it is now, nobody has said
    calls = [one for one in story.arrivals if one.kind == "peer_task" and one.at > NOON + timedelta(hours=28)]
    assert {one.who for one in calls} == {peer}
    story.phone("jordan").says("3").expects("call_now")  # theirs again: they are known, and heard
    assert {item.person_id for item in story.rows(Escalation)} == {row.id}
    quiet_staff(story)


def test_only_a_death_can_be_taken_back(story: Story) -> None:
    row = story.person("jordan")
    with pytest.raises(AlreadyDone, match="active: there is no death"):
        story.act(lambda session: mistaken_death.take_back(session, session.merge(row), by=None, now=NOON))


def test_a_death_is_never_lifted_by_a_later_file(story: Story) -> None:
    story.roster("jordan", status="deceased")
    story.roster("jordan", status="active")
    assert story.person("jordan").status.value == "deceased"
