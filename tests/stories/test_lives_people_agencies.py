"""Agencies: what one attests is in its first texts, and only those that it names lend it their helpers."""

from __future__ import annotations

from datetime import timedelta

from cism.services import agencies, roster
from cism.services.agencies import AgencyChange
from cism.store.tables import Outbox
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, quiet_staff, report_calls
from tests.stories.roster import Cast


def set_agency(story: Story, key: str, **wanted: object) -> None:
    """What a coordinator sets at a terminal."""
    change = AgencyChange(**wanted)  # type: ignore[arg-type]
    story.act(agencies.change, key, change, by=None, now=story.now())


def with_neighbours() -> Cast:
    """A department without peers of its own, and two neighbours that have some."""
    cast = metro("jordan", peers=0)
    for agency, key in (("bay-fd", "bay"), ("hill-ems", "hill")):
        for number in (1, 2):
            cast.add(f"{key}-{number}", roles="peer", agency=agency, discipline="fire")
    return cast


def paged(story: Story) -> set[str]:
    """Who was asked to help."""
    return {one.who for one in story.arrivals if one.kind == "page"}


def test_command_not_seeing_replies_is_said_only_where_the_agency_attests_it(tell: MakeStory) -> None:
    cast = metro("jordan", "sam")
    for key in ("jordan", "sam"):
        cast.unconfirmed.add(key)
    cast.rows["sam"]["agency"] = "bay-fd"
    story = tell(cast)
    story.begin(NOON)
    set_agency(story, "metro-pd", command_blind=True)
    story.act(roster.confirm, None, story.now())
    story.run()
    story.phone("jordan").expects("confirm_phone", "Metro PD", "peer", "Command")
    story.phone("sam").expects("confirm_phone", "BAY FD", "peer", but="Command")
    story.phone("jordan").replies("1").expects("phone_confirmed", but="Command")
    story.phone("sam").replies("1").expects("phone_confirmed", but="Command")


def test_a_crisis_line_and_a_duty_phone_that_were_set_are_what_people_are_told(tell: MakeStory) -> None:
    story = tell(metro("jordan"))
    story.begin(NOON)
    set_agency(story, "metro-pd", crisis_line="call 1-800-555-0100", duty_phone="+12125550123")
    story.phone("jordan").says("3").expects("call_now", "Call 1-800-555-0100", "+12125550123")
    quiet_staff(story)


def test_when_the_own_helpers_are_out_only_the_agencies_that_lend_theirs_are_asked(tell: MakeStory) -> None:
    story = tell(with_neighbours())
    story.begin(NOON)
    set_agency(story, "metro-pd", mutual_aid=("hill-ems",))
    story.log("THREAT", "jordan:A", severity="S2", ended_at=NOON - timedelta(hours=1))
    assert paged(story) == {"hill-1", "hill-2"}
    story.phone("hill-1").expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)


def test_without_mutual_aid_nobody_elsewhere_is_asked_and_those_in_charge_take_over(tell: MakeStory) -> None:
    story = tell(with_neighbours())
    story.begin(NOON)
    set_agency(story, "metro-pd", mutual_aid=())
    story.log("THREAT", "jordan:A", severity="S2", ended_at=NOON - timedelta(hours=1))
    assert paged(story) == set()
    story.phone("cora").expects("team_notice", "please take over")
    story.phone("clint").expects("team_notice", "please take over")


def test_a_clinician_elsewhere_answers_for_an_agency_only_if_that_agency_may_ask_them(
    tell: MakeStory,
) -> None:
    cast = with_neighbours()
    for key in ("clint", "dina"):
        cast.rows[key]["agency"] = "bay-fd"
    story = tell(cast)
    story.begin(NOON)
    set_agency(story, "metro-pd", mutual_aid=("hill-ems",))
    story.log("THREAT", "jordan:A", severity="S2", ended_at=NOON - timedelta(hours=1))
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.advance(hours=30)
    for key in ("clint", "dina"):
        story.phone(key).expects_nothing()
    assert not story.rows(Outbox, Outbox.kind == "check_in")
    quiet_staff(story)
