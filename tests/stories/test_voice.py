"""Phones that ring: a page that does not arrive, or that nobody answers, is a call; only a key takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.store.states import CallState
from cism.store.tables import Escalation, PhoneCall
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, with_helper

TWO = timedelta(minutes=2)


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    made.every_call_counts = True
    return made


@pytest.fixture
def peer(story: Story) -> str:
    """Somebody serves already."""
    return with_helper(story)


def states(story: Story) -> list[str]:
    return [row.state.value for row in sorted(story.rows(PhoneCall), key=lambda row: row.made_at)]


def test_an_urgent_page_that_is_not_delivered_in_two_minutes_is_called_and_a_key_takes_it(
    story: Story, peer: str
) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.go_to(local("2026-03-04 02:40"))
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=1)
    story.phone(peer).does_not_ring()
    story.advance(minutes=1)
    story.phone(peer).rings(at=local("2026-03-04 02:42")).answers()
    story.phone(peer).hears("Metro", "Someone asks for a call now", "press 1", "press 0").presses("1")
    story.phone(peer).hears("is yours", "call by 03:40", "press 9").says_nothing()
    story.phone(peer).expects("escalation_assigned", "Call by 03:40")
    story.phone("jordan").expects("escalation_taken", "will call you by 03:40")
    assert states(story) == ["answered"]
    story.advance(minutes=20)
    story.phone("clint").expects_nothing().does_not_ring()
    story.phone(peer).replies("4 {code}").expects("noted")


def test_a_page_that_arrived_is_called_when_its_time_is_over_while_the_next_is_asked(
    story: Story, peer: str
) -> None:
    begun = story.now()
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=14)
    story.phone(peer).does_not_ring()
    story.advance(minutes=1)
    story.phone(peer).rings(at=begun + timedelta(minutes=15))
    story.phone("clint").expects("escalation", at=begun + timedelta(minutes=15)).does_not_ring()
    story.phone(peer).answers().presses("1").hears("is yours").hangs_up()
    story.phone(peer).expects("escalation_assigned")
    story.phone("clint").expects("escalation_covered").does_not_ring()
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")


def test_a_call_never_delays_the_next_rung(story: Story, peer: str) -> None:
    begun = story.now()
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=15)
    story.phone(peer).rings()  # and rings on
    story.phone("clint").expects("escalation", at=begun + timedelta(minutes=15))
    story.advance(minutes=15)
    story.phone("clint").rings(at=begun + timedelta(minutes=30))
    story.phone("dina").expects("escalation", at=begun + timedelta(minutes=30)).replies("1 {code}")
    story.phone("dina").expects("escalation_assigned").replies("4 {code}").expects("noted")
    for key in (peer, "clint"):
        story.phone(key).expects("escalation_covered", "Dina")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).answers().hears("already covered, thank you")
    story.phone("clint").hangs_up()


def test_the_key_0_passes_and_the_next_is_asked_at_once(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    passed_at = story.now()
    story.phone(peer).rings().answers().presses("0").hears("Someone else is asked now")
    story.phone(peer).expects("handed_back")
    story.phone("clint").expects("escalation", at=passed_at).replies("1 {code}")
    story.phone("clint").expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")
    story.advance(minutes=30)
    story.phone(peer).does_not_ring()


def test_9_on_the_same_call_hands_it_back_and_somebody_else_is_asked(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    story.phone(peer).rings().answers().presses("1").hears("is yours").presses("9").hears("handed back")
    story.phone(peer).expects("escalation_assigned").expects("handed_back")
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").replies("4 {code}").expects("noted")


@pytest.mark.parametrize("first", ["2", "4", "7", "9"])
def test_a_wrong_key_has_the_menu_repeated_once_and_takes_nothing(
    story: Story, peer: str, first: str
) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    phone = story.phone(peer).rings().answers()
    phone.presses(first).hears("once more", "press 1").presses("5").hears("We heard no answer")
    assert [row.state.value for row in story.rows(Escalation)] == ["open"]
    assert states(story) == ["not_answered"]
    story.phone(peer).replies("1 {code}").expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")


def test_silence_acknowledges_nothing_and_the_ladder_goes_on(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    phone = story.phone(peer).rings().answers()
    phone.says_nothing().hears("once more").says_nothing().hears("a person goes on")
    story.advance(minutes=13)
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone(peer).expects("escalation_covered").rings().answers().hears("already covered")
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").replies("4 {code}").expects("noted")


def test_a_wrong_key_and_then_the_right_one_takes_it(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    story.phone(peer).rings().answers().presses("8").presses("1").hears("is yours").hangs_up()
    story.phone(peer).expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")


def test_a_voicemail_hears_a_neutral_message_and_acknowledges_nothing(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.servers.line_is(story.phone(peer).number, "machine")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    story.phone(peer).was_called("completed").hears("A text to you waits for an answer")
    (call,) = story.rows(PhoneCall)
    assert (call.state, call.answered_by) == (CallState.NOT_ANSWERED, "machine")
    assert [row.state.value for row in story.rows(Escalation)] == ["open"]
    assert len(story.calls()[0].words) == 1
    story.phone(peer).replies("1 {code}").expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")


@pytest.mark.parametrize(("line", "ending"), [("busy", "busy"), ("no_answer", "no-answer")])
def test_a_line_that_is_busy_or_not_answered_is_called_again_when_the_time_is_over(
    story: Story, peer: str, line: str, ending: str
) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.servers.line_is(story.phone(peer).number, line)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.advance(minutes=2)
    story.phone(peer).was_called(ending)
    story.servers.line_is(story.phone(peer).number, "rings")
    story.advance(minutes=13)
    story.phone("clint").expects("escalation")
    story.phone(peer).rings().answers().presses("1").hears("is yours").hangs_up()
    story.phone(peer).expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("clint").expects("escalation_covered")
    story.phone("jordan").expects("escalation_taken")
    assert sorted(states(story)) == ["answered", "not_answered"]


def test_after_fifteen_minutes_of_an_emergency_the_director_and_the_coordinator_are_both_called(
    story: Story, peer: str
) -> None:
    """domain.md 5: at 15 min clinical director and coordinator by voice."""
    begun = story.now()
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.phone("cora").expects("queue_new")
    story.phone("clint").expects("escalation", at=begun)
    story.advance(minutes=5)
    story.phone("clint").rings(at=begun + timedelta(minutes=5)).hangs_up()
    story.advance(minutes=10)
    quiet_staff(story)
    story.phone("clint").rings(at=begun + timedelta(minutes=15)).hangs_up()
    story.phone("cora").rings(at=begun + timedelta(minutes=15))
    story.phone("dina").rings(at=begun + timedelta(minutes=10))  # and still does: she is not called twice
    story.phone("dina").answers().presses("1").hears("is yours").hangs_up()
    story.phone("cora").answers().hears("already covered")
    story.phone("dina").expects("escalation_assigned").replies("4 {code}").expects("noted")
    quiet_staff(story)
    story.phone("jordan").expects("escalation_taken", "Dina")


def test_a_duty_phone_that_belongs_to_nobody_is_called_when_the_whole_ladder_is_silent(
    story: Story, peer: str
) -> None:
    hotline = story.phone("+12125550190")
    story.act(_set_duty_phone, hotline.number)
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.every_call_counts = False
    story.advance(minutes=14)
    quiet_staff(story)
    hotline.does_not_ring()
    story.advance(minutes=1)
    hotline.rings().answers().hears("nobody has taken it", "press 1").presses("1").hears("We go on asking")
    assert [row.state.value for row in story.rows(Escalation)] == ["open"]  # only a helper takes it
    quiet_staff(story)
    story.advance(minutes=15)
    hotline.rings().hangs_up()
    quiet_staff(story)


def test_a_team_page_is_called_too_and_a_key_takes_the_turn(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    first, second = (one.who for one in story.arrivals if one.kind == "page")
    story.phone("cora").expects("team_notice")
    for key in (first, second):
        story.phone(key).expects("page")
    story.advance(minutes=10)
    story.phone(second).rings()
    story.phone(first).rings(at=NOON + timedelta(minutes=10)).answers().hears("take an assignment")
    story.phone(first).presses("1").hears("is yours").hangs_up()
    story.phone(first).expects("assigned")
    story.phone(second).answers().hears("already covered").expects("covered")
    report_calls(story)
    quiet_staff(story)


def test_9_gives_a_turn_back_by_phone(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    first, second = (one.who for one in story.arrivals if one.kind == "page")
    story.advance(minutes=10)
    story.phone(second).rings().hangs_up()
    story.phone(first).rings().answers().presses("1").hears("is yours").presses("9").hears("handed back")
    quiet_staff(story)
    story.every_call_counts = False  # the next ones are asked, and some of them ring later


def test_a_lesser_incident_wakes_nobody_by_phone(tell: MakeStory) -> None:
    story = tell(metro("jordan", peers=2))
    story.begin(local("2026-03-03 20:55"))
    story.every_call_counts = True
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    story.advance(minutes=6)
    asleep = [key for key in ("peer-1", "peer-2") if story.person(key).sleep_start.hour == 21]
    story.advance(minutes=5)
    for key in asleep:
        story.phone(key).does_not_ring()
    quiet_staff(story)
    story.phone("cora").rings().hangs_up()  # nobody is left to ask: the duty phone is hers


def test_a_helper_who_texted_stop_is_not_called_either_and_the_next_is_asked(story: Story, peer: str) -> None:
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").says("STOP").expects("carrier")
    story.phone("cora").expects("team_member_stopped")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.advance(minutes=30)
    story.phone(peer).was_never_called()
    story.every_call_counts = False  # another peer is asked to serve instead, and called in the end
    story.phone("clint").replies("4 {code}").expects("noted")
    quiet_staff(story)
    story.phone("jordan").ignores()


def test_after_the_person_s_stop_their_open_escalation_goes_on_by_voice(story: Story, peer: str) -> None:
    story.phone("jordan").says("3").expects("call_now").says("STOP").expects("carrier")
    story.phone(peer).expects("escalation")
    story.advance(minutes=15)
    story.phone("clint").expects("escalation")
    story.phone(peer).rings().answers().presses("1").hears("is yours").hangs_up()
    story.phone(peer).expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("clint").expects("escalation_covered")
    story.phone("jordan").expects_nothing().does_not_ring()


def test_a_routine_request_rings_nobody(story: Story, peer: str) -> None:
    story.phone("jordan").says("2").expects("call_promised")
    story.advance(hours=3)
    story.phone(peer).expects("escalation").does_not_ring()


def test_a_call_whose_outcome_is_unknown_is_found_in_the_list_and_not_dialled_again(
    story: Story, peer: str
) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.servers.goes_wrong("500_after_accept", 1)
    story.advance(minutes=2)
    assert len(story.calls()) == 1
    story.settle()
    assert states(story) == ["placed"]
    story.phone(peer).rings().answers().presses("1").hears("is yours").hangs_up()
    assert len(story.calls()) == 1
    story.phone(peer).expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")


def test_a_call_that_cannot_be_settled_is_never_dialled_again(story: Story, peer: str) -> None:
    story.servers.handset_is(story.phone(peer).number, "no_receipts")
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.servers.goes_wrong("500_before", 1)
    story.advance(minutes=2)
    story.settle()
    assert states(story) == ["unknown"]
    story.pass_real(seconds=31)
    story.settle()
    assert states(story) == ["unsettled"]
    assert story.calls() == []
    story.phone(peer).replies("1 {code}").expects("escalation_assigned").replies("4 {code}").expects("noted")
    story.phone("jordan").expects("escalation_taken")


def test_a_helper_hears_their_own_language(tell: MakeStory) -> None:
    cast = metro("jordan")
    for key in ("peer-1", "peer-2", "peer-3", "peer-4"):
        cast.rows[key]["language"] = "es"
    story = tell(cast)
    story.begin(NOON)
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    first = next(one.who for one in story.arrivals if one.kind == "page")
    story.advance(minutes=10)
    story.phone(first).rings().answers().hears("Somos los compañeros", "marca 1").hangs_up()
    scripts = [call.script or "" for call in story.calls()]
    assert any('language="es-MX"' in script for script in scripts)
    story.every_call_counts = False
    quiet_staff(story)


def _set_duty_phone(session: object, number: str) -> None:
    from cism.store.tables import Agency

    session.get_one(Agency, "metro-pd").duty_phone = number  # type: ignore[attr-defined]
