"""What a text changes beside its plain meaning: late ones, doubtful numbers, changed minds, old codes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cism.errors import BadInput
from cism.services import inbound, notify, questions, queue
from cism.store.tables import AffectedPerson, Escalation, Person, Question, QueueItem
from notifications.gateway import InboundSms
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def arrives_late(story: Story, who: str, body: str) -> None:
    """The webhook of a text was lost; three quarters of an hour later it is found in the provider's list."""
    sent = story.db.clock.now() - timedelta(minutes=45)
    sid = f"SM{who}{body}".encode().hex()[:34].ljust(34, "0")
    sms = InboundSms(sid, story.phone(who).number, "+12125550199", body, received_at=sent)
    story.act(inbound.receive_once, sms)
    story.run()


def code_of(story: Story, kind: str) -> str:
    found: list[Question] = story.rows(Question, Question.kind == kind)
    return found[-1].code or ""


def test_what_is_found_late_at_night_changes_things_at_once_and_is_answered_in_the_morning(
    story: Story,
) -> None:
    peer = with_helper(story)
    story.go_to(local("2026-03-04 23:30"))
    story.phone("jordan").expects("check_in")
    arrives_late(story, "jordan", "0")
    arrives_late(story, "sam", "hello there")
    arrives_late(story, peer, f"7 {code_of(story, 'contact_report')}")
    assert story.rows(AffectedPerson)[0].ended_at == local("2026-03-04 23:30")
    for key in ("jordan", "sam"):
        story.phone(key).expects_nothing()
    quiet_staff(story)
    story.go_to(local("2026-03-05 08:00"))
    story.phone("jordan").expects("contacts_ended")
    story.phone("sam").expects("read_by", "by 08:30")
    story.phone(peer).expects("noted", "goes on")
    quiet_staff(story)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("2", "call_promised"),
        ("3 please", "call_now"),
        ("I want to die", "crisis_answer"),
        ("HELP", "help_answer"),
    ],
)
def test_what_cannot_wait_is_answered_at_night_however_late_it_was_found(
    story: Story, body: str, answer: str
) -> None:
    story.go_to(local("2026-03-04 23:30"))
    arrives_late(story, "jordan", body)
    story.phone("jordan").expects(answer, "988", at=local("2026-03-04 23:30"))
    quiet_staff(story)


def test_after_stop_and_start_check_ins_go_on(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("STOP").expects("carrier").says("START").expects("carrier")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1")
    story.go_to(local("2026-03-05 18:00"))
    story.phone("jordan").says("STOP").expects("carrier")
    story.go_to(local("2026-03-07 10:00"))
    story.phone("jordan").expects_nothing().says("UNSTOP").expects("carrier")
    story.run()
    # the one of the 6th is still of use, and goes out once
    story.phone("jordan").expects("check_in").expects_nothing().replies("1")
    story.go_to(local("2026-03-10 11:00"))
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    quiet_staff(story)


def test_start_brings_nothing_back_that_the_person_ended_or_that_is_over(story: Story) -> None:
    with_helper(story)
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    story.phone("jordan").says("STOP").expects("carrier").says("START").expects("carrier")
    story.advance(days=120)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_a_yes_to_a_page_gives_no_consent_back_that_was_refused(story: Story) -> None:
    with_helper(story)
    peer = next(key for key in staff(story) if key.startswith("peer"))

    def refuse(session: object) -> None:
        row = session.get(Person, story.person(peer).id)  # type: ignore[attr-defined]
        row.revoked_care = True
        questions.ask(session, person_id=row.id, kind="page", now=story.now())  # type: ignore[arg-type]

    story.act(refuse)
    story.phone(peer).says("yes")
    assert story.person(peer).revoked_care
    quiet_staff(story)


def test_a_number_that_may_be_a_strangers_answers_nothing_for_the_person(story: Story) -> None:
    with_helper(story)
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").says("who is this?").expects("read_by", but="Metro")
    story.phone("jordan").says("0").expects("read_by", but="Jordan")
    assert story.rows(AffectedPerson)[0].ended_at is None
    story.phone("jordan").says("WHO").expects("read_by")
    story.phone("jordan").says("3").expects("call_now", but="Metro")
    quiet_staff(story)


def test_whoever_passed_keeps_the_code_and_may_still_take_it_while_nobody_has_it(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    code = story.phone(peer).code
    story.phone(peer).replies(f"0 {code}").expects("handed_back")
    story.phone(peer).replies(f"1 {code}").expects("escalation_assigned", code)
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").expects("escalation").expects("escalation_covered")
    story.phone(peer).replies(f"4 {code}").expects("noted", code)
    story.advance(seconds=1)
    story.phone(peer).replies(f"4 {code}").expects("noted", code)
    assert not story.rows(QueueItem)


def test_a_passed_escalation_that_somebody_took_is_covered(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("0 {code}").expects("handed_back")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies(f"1 {code_of_first(story)}").expects("already_covered")
    assert story.person("clint").id == story.rows(Escalation)[0].acked_by
    quiet_staff(story)


def code_of_first(story: Story) -> str:
    rows: list[Question] = story.rows(Question, Question.kind == "escalation", Question.state == "answered")
    return rows[0].code or ""


def test_the_ladder_asks_again_with_the_code_that_each_helper_knows(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("0 {code}").expects("handed_back")
    story.advance(hours=2)
    asked = story.rows(Question, Question.kind == "escalation")
    assert len({(row.person_id, row.code) for row in asked}) == len({row.person_id for row in asked})
    quiet_staff(story)


def test_a_question_that_is_still_open_keeps_its_code_after_half_a_year(story: Story) -> None:
    peer = with_helper(story)
    code = code_of(story, "assignment")
    story.go_to(story.now() + timedelta(days=200), outage=True)
    quiet_staff(story)
    story.phone(peer).says(f"9 {code}").expects("handed_back", code)
    quiet_staff(story)


def test_the_code_of_a_question_that_ended_lately_is_not_given_again(story: Story) -> None:
    peer = story.person("peer-1").id

    def ask_and_end(session: object) -> str:
        row = questions.ask(session, person_id=peer, kind="page", now=NOON)  # type: ignore[arg-type]
        questions.answer(session, row, "0", _later(150))  # type: ignore[arg-type]
        return row.code or ""

    code = story.act(ask_and_end)

    def remembered(session: object, days: int) -> set[str | None]:
        return {row.code for row in questions.of_person(session, peer, _later(days))}  # type: ignore[arg-type]

    assert code in story.act(remembered, 300)
    assert code not in story.act(remembered, 331)


def _later(days: int) -> datetime:
    return NOON + timedelta(days=days)


def test_any_reply_confirms_a_phone_also_the_answer_to_another_question(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    peer = next(one.who for one in story.arrivals if one.kind == "page")

    def ask(session: object) -> None:
        row = session.get(Person, story.person(peer).id)  # type: ignore[attr-defined]
        row.phone_confirmed_at = None
        question = questions.ask(session, person_id=row.id, kind="confirm_phone", now=NOON)  # type: ignore[arg-type]
        notify.confirm_phone(session, row, question, NOON)  # type: ignore[arg-type]

    story.phone(peer).expects("page")
    code = story.phone(peer).code
    story.act(ask)
    story.run()
    story.phone(peer).expects("confirm_phone").says(f"0 {code}")
    assert story.person(peer).phone_confirmed_at is not None
    assert not story.person(peer).revoked_care
    quiet_staff(story)


def test_two_2s_out_of_the_blue_are_more_pressing_than_one(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("2").expects("call_promised", "by Wed 12:00").says("2").expects(
        "call_promised"
    )
    assert [row.level.value for row in story.rows(Escalation)] == ["ROUTINE"]
    story.advance(hours=20)
    story.phone("jordan").says("2").expects("call_promised", "by 09:00")
    assert [(row.level.value, row.reason) for row in story.rows(Escalation)] == [
        ("URGENT", "call_later_again")
    ]
    quiet_staff(story)


def test_crisis_words_with_a_wish_for_silence_hold_check_ins_until_a_human_has_asked(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("stop texting me, I want to die").expects("crisis_answer")
    quiet_staff(story)
    story.close_escalation("dina")
    story.go_to(local("2026-03-04 12:30"))
    story.phone("jordan").expects_nothing()
    story.read_the_queue()
    story.phone("jordan").expects("check_in").replies("1")
    quiet_staff(story)


def test_a_7_about_one_of_several_has_a_clinician_ask_the_helper_at_once(tell: MakeStory) -> None:
    story = tell(metro("jordan", "sam", peers=1))
    story.begin(NOON)
    story.log("THREAT", "jordan:A", "sam:A", severity="S2", ended_at=story.now())
    story.phone("peer-1").expects("page").replies("1 {code}").expects("assigned").replies("7 {code}")
    story.phone("peer-1").expects("noted", "Someone goes on from here")
    story.phone("clint").expects("escalation", "asks for a call now", at=NOON).replies("1 {code}")
    story.phone("clint").expects("escalation_assigned")
    assert story.rows(Escalation)[0].person_id == story.person("peer-1").id
    quiet_staff(story)


def test_yes_to_a_page_is_told_how_to_say_yes_and_a_human_reads_it(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    peer = next(one.who for one in story.arrivals if one.kind == "page")
    story.phone(peer).expects("page")
    code = story.phone(peer).code
    story.phone(peer).says("YES").expects("which_code", f"like 1 {code}")
    assert [row.kind for row in story.rows(QueueItem)] == ["free_text"]
    quiet_staff(story)


def test_a_helper_whose_number_was_never_confirmed_is_not_doubted_for_asking_who(tell: MakeStory) -> None:
    cast = metro("jordan", peers=1)
    cast.unconfirmed.add("peer-1")
    story = tell(cast)
    story.begin(NOON)
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    story.phone("peer-1").expects("page").replies("1 {code}").expects("assigned", but="WHO")
    story.phone("peer-1").says("WHO").expects("read_by")
    assert story.person("peer-1").frozen_at is None
    quiet_staff(story)


def test_a_helper_whose_number_is_doubted_is_replaced_and_the_coordinator_told(story: Story) -> None:
    peer = with_helper(story)
    quiet_staff(story)
    story.phone(peer).says("who is this").expects("read_by")
    story.phone("cora").expects("team_member_stopped", "Please call")
    assert any(one.kind == "page" and not one.expected for one in story.arrivals)
    quiet_staff(story)


def test_two_phones_that_answer_each_other_come_to_rest_and_every_text_is_still_read(story: Story) -> None:
    stranger = story.phone("+12125559999")
    for number in range(35):
        stranger.says(f"I am driving, {number}")
    assert sum(one.kind == "read_by" for one in stranger.unread()) == 30
    told = sum(one.kind == "queue_new" for one in story.phone("cora").unread())
    assert told == 30 + 1  # and once that a machine seems to answer us
    assert len(story.rows(QueueItem)) == 35 + 1
    stranger.ignores().says("I want to die").expects("crisis_answer")
    story.phone("clint").expects("escalation")
    quiet_staff(story)


def test_a_doubted_number_is_texted_again_once_a_human_has_asked_whose_it_is(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("who is this?").expects("read_by")
    story.phone("sam").says("hello").expects("read_by")
    doubted, other = story.rows(QueueItem)
    with pytest.raises(BadInput, match="in doubt"):
        story.act(queue.handle, other.id, by=None, now=story.now(), right_number=True)
    story.act(queue.handle, doubted.id, by=None, now=story.now(), right_number=True)
    assert story.person("jordan").frozen_at is None
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1")
    quiet_staff(story)
