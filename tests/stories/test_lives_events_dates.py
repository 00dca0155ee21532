"""Days that matter: no text comes by itself, a voice does; and the days before an anniversary."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from cism.domain.sensitive_dates import DateKind
from cism.errors import AlreadyDone, BadInput, NotAllowed
from cism.services import sensitive_dates
from cism.store.tables import Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def keep(
    story: Story, day: str, kind: DateKind = DateKind.BIRTHDAY, hours: tuple[time, time] | None = None
) -> None:
    """The coordinator keeps a day of the last incident."""
    story.act(
        sensitive_dates.add,
        story.incidents[-1],
        date.fromisoformat(day),
        kind,
        hours=hours,
        by=story.person("cora").id,
        now=story.now(),
    )
    story.run()


def called(story: Story, moment: str) -> None:
    """A peer is asked to call then, and does."""
    story.go_to(local(moment))
    (asked,) = [one for one in story.arrivals if one.kind == "peer_task" and not one.expected]
    story.phone(asked.who).expects("peer_task", at=local(moment), but="birthday").replies("4 {code}")
    story.phone(asked.who).expects("noted")


def test_on_a_birthday_no_check_in_comes_by_itself_and_the_peer_calls_on_the_day_before(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1")
    keep(story, "2026-03-10")  # the day of f7
    called(story, "2026-03-09 10:00")
    story.go_to(local("2026-03-10 23:00"))
    story.phone("jordan").expects_nothing()
    story.go_to(local("2026-03-11 08:00"))
    story.phone("jordan").expects("check_in", at=local("2026-03-11 08:00")).replies("1").expects_nothing()
    quiet_staff(story)


@pytest.mark.parametrize("day_after_too", [False, True])
def test_an_invitation_waits_until_the_day_is_over_or_is_brought_by_a_voice(
    tell: MakeStory, day_after_too: bool
) -> None:
    crew = ("ana", "ben", "cal", "dee")
    cast = metro(*crew, peers=5)
    for key in crew:
        cast.rows[key]["unit"] = "engine-7"
    story = tell(cast)
    story.begin(NOON)
    ended = NOON - timedelta(hours=1)
    incident = story.log("CHILD", *(f"{key}:B" for key in crew[:3]), severity="S3", ended_at=ended)
    for key in crew[:3]:
        story.phone(key).expects("invitation")
    quiet_staff(story)
    hours = None if day_after_too else (time(12, 0), time(12, 20))
    keep(story, "2026-03-03", DateKind.BIRTHDAY, hours)
    story.add(incident, "dee:B")
    story.phone("dee").expects_nothing()
    if not day_after_too:
        story.advance(minutes=20)
        story.phone("dee").expects("invitation", at=local("2026-03-03 12:20"))
    brought = story.rows(Step, Step.kind == "peer_task", Step.key.startswith("session-bring:"))
    assert {row.person_id for row in brought} == ({story.person("dee").id} if day_after_too else set())
    quiet_staff(story)


def test_during_the_service_reminders_pause_and_come_after_it(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    keep(story, "2026-03-05", DateKind.FUNERAL, (time(11), time(15, 30)))
    quiet_staff(story)
    story.go_to(local("2026-03-05 15:29"))
    story.phone("jordan").expects_nothing()
    story.advance(minutes=1)
    story.phone("jordan").expects("check_in_reminder", at=local("2026-03-05 15:30")).replies("1")
    quiet_staff(story)


def test_around_the_funeral_of_an_incident_nothing_comes_by_itself(story: Story) -> None:
    with_helper(story, severity="S1")
    (incident,) = story.incidents
    story.change(incident, funeral_at=local("2026-03-04 11:00"))
    story.go_to(local("2026-03-04 16:59"))
    story.phone("jordan").expects_nothing()
    story.advance(minutes=1)
    story.phone("jordan").expects("check_in", at=local("2026-03-04 17:00")).replies("1")
    quiet_staff(story)


def test_a_day_of_one_incident_holds_for_the_check_ins_of_another(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-09 09:00"))
    story.phone("jordan").ignores()
    with_helper(story, severity="S1")
    keep(story, "2026-03-10", DateKind.TRIAL)
    quiet_staff(story)
    story.go_to(local("2026-03-10 20:00"))
    story.phone("jordan").expects_nothing()  # the first incident's f7 and the second's f1
    story.go_to(local("2026-03-11 08:00"))
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended").expects_nothing()
    quiet_staff(story)


def test_what_somebody_asks_for_waits_for_no_day(story: Story) -> None:
    peer = with_helper(story, severity="S1")
    keep(story, "2026-03-03", DateKind.MEMORIAL)
    quiet_staff(story)
    story.phone("jordan").says("3").expects("call_now", at=NOON)
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")
    quiet_staff(story)


def test_whoever_declined_or_is_asked_no_more_gets_no_call_on_such_a_day(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B", severity="S1")
    keep(story, "2026-03-20")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    story.phone("sam").expects("check_in").says("STOP").expects("carrier")
    quiet_staff(story)
    assert planned(story, Step.kind == "sensitive_date", Step.person_id == story.person("jordan").id) == []
    story.go_to(local("2026-03-21 12:00"))
    assert [one for one in story.arrivals if one.kind == "peer_task" and not one.expected] == []
    for key in ("jordan", "sam"):
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_a_day_that_is_forgotten_holds_nothing_and_a_wrong_one_is_refused(story: Story) -> None:
    with_helper(story, severity="S1")
    keep(story, "2026-03-10")
    with pytest.raises(AlreadyDone, match="among this incident's dates"):
        keep(story, "2026-03-10")
    with pytest.raises(BadInput, match="is past"):
        keep(story, "2026-03-01")
    with pytest.raises(BadInput, match="run backwards"):
        keep(story, "2026-03-12", DateKind.TRIAL, (time(12), time(9)))
    affected = {"by": story.person("jordan").id, "now": story.now()}
    with pytest.raises(NotAllowed):
        story.act(sensitive_dates.remove, story.incidents[0], date(2026, 3, 10), **affected)
    story.act(sensitive_dates.remove, story.incidents[0], date(2026, 3, 10), by=None, now=story.now())
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1")
    story.go_to(local("2026-03-10 10:00"))
    story.phone("jordan").expects("check_in", at=local("2026-03-10 10:00")).replies("0")
    story.phone("jordan").expects("contacts_ended")
    quiet_staff(story)


def test_two_incidents_anniversaries_are_one_check_in_before_the_first_of_them(story: Story) -> None:
    with_helper(story, severity="S1")
    story.advance(hours=2)
    with_helper(story, "CHILD", severity="S1")
    jordan = story.phone("jordan")
    for day in ("2026-03-04 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(day))
        jordan.expects("check_in").replies("1")
    jordan.expects("opt_in").replies("1").expects("opt_in_done")
    story.go_to(local("2027-03-05 12:00"))
    # a week before the day, and never on it or after it
    jordan.expects("check_in", at=local("2027-02-24 10:00")).expects("check_in_reminder").expects_nothing()
    story.phone("sam").expects("confirm_phone")  # the yearly question of whoever is not looked after
    quiet_staff(story)


def test_somebody_who_kept_in_touch_and_retired_hears_from_us_before_the_anniversary(story: Story) -> None:
    from cism.domain.people import PersonStatus
    from cism.services import lives, people

    with_helper(story, severity="S1")
    jordan = story.phone("jordan")
    for day in ("2026-03-04 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(day))
        jordan.expects("check_in").replies("1")
    jordan.expects("opt_in").replies("1").expects("opt_in_done")
    who = story.person("jordan").id
    story.act(
        lambda session: lives.set_status(
            session, people.get(session, who), PersonStatus.RETIRED, by=None, now=story.now()
        )
    )
    story.go_to(local("2027-02-24 10:00"))
    jordan.expects("check_in", at=local("2027-02-24 10:00")).replies("1").expects_nothing()
    story.phone("sam").expects("confirm_phone")  # the yearly question of whoever is not looked after
    quiet_staff(story)
