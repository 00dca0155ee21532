"""The worked scenarios of the practice, minute by minute as far as the product acts in them."""

from __future__ import annotations

from datetime import timedelta

from cism.store.tables import Assignment, GroupSession
from tests.stories.clock import at
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NEW_YORK, quiet_offers, report_calls
from tests.stories.roster import Cast

LA = "America/Los_Angeles"


def los_angeles() -> Cast:
    """A shift with an officer-involved shooting, and the peers around it."""
    cast = Cast(zone=LA)
    cast.add("cora", roles="coordinator")
    cast.add("clint", roles="clinician")
    cast.add("dina", roles="clinical_director")
    cast.add("sergeant", roles="supervisor")
    cast.add("lieutenant", roles="peer;supervisor")  # above the officer: chain of command
    cast.add("shooter", unit="adam-12", reports_to="lieutenant")
    cast.add("present-1", unit="adam-14")
    cast.add("present-2", unit="adam-16")
    for key, unit in (("scene-1", "adam-12"), ("scene-2", "adam-14"), ("scene-3", "adam-16")):
        cast.add(key, roles="peer", unit=unit)
    cast.add("internal-affairs", roles="peer", not_with="shooter")
    for number in (1, 2, 3):
        cast.add(f"peer-{number}", roles="peer")
    for key in ("dispatcher", "call-taker", "radio"):
        cast.add(key, discipline="dispatch", unit="comm-a")
    cast.add("dispatch-peer", roles="peer", discipline="dispatch", unit="comm-c")
    return cast


AFFECTED = (
    "shooter:A",
    "present-1:B",
    "present-2:B",
    "dispatcher:C",
    "call-taker:C",
    "radio:C",
    "sergeant:E",
)
OFFICERS = ("shooter", "present-1", "present-2", "sergeant")
DISPATCH = ("dispatcher", "call-taker", "radio")


def test_scenario_a_officer_involved_shooting_on_the_night_that_clocks_go_forward(tell: MakeStory) -> None:
    story = tell(los_angeles())
    end = at("2026-03-07 23:10", LA)
    logged = at("2026-03-08 01:05", LA)
    story.begin(logged)
    story.log(
        "OIS_SHOOTER", *AFFECTED, protocol="iacp-ois", occurred_at=end, ended_at=end, logged_by="sergeant"
    )

    # 01:05 coordinator and clinician hear of it; nobody on scene, in the chain or in conflict is asked
    story.phone("cora").expects("team_notice", "has 0 of 3", at=logged)
    story.phone("clint").expects("team_notice", at=logged)
    asked = [one.who for one in story.arrivals if one.kind == "page"]
    assert sorted(asked) == ["dispatch-peer", "peer-1", "peer-2", "peer-3"]
    story.phone("dispatch-peer").expects("page", "01:15", at=logged).replies("1 {code}").expects("assigned")
    story.phone("peer-1").expects("page").replies("1 {code}").expects("assigned", "you are on")
    story.phone("peer-2").expects("page").replies("0 {code}").expects_nothing()
    story.go_to(at("2026-03-08 01:14", LA))
    story.phone("peer-3").expects("page").replies("1 {code}").expects("assigned")

    # the first calls are the peers', the dispatcher's is a dispatch peer's
    calls = {one.who for one in story.arrivals if one.kind == "peer_task"}
    assert calls == {"dispatch-peer", "peer-1", "peer-3"}
    report_calls(story)
    served = {row.peer_id for row in story.rows(Assignment, Assignment.state == "accepted")}
    assert len(served) == 3
    _dispatch_is_served_by_dispatch(story)

    # no text to an officer overnight; the window of the defusing closes 12 elapsed hours on: 12:10 PDT
    story.go_to(at("2026-03-08 07:59", LA))
    for key in (*OFFICERS, *DISPATCH):
        story.phone(key).expects_nothing()
    defusings = story.rows(GroupSession, GroupSession.kind == "defusing")
    blocked = {row.group_key[0]: row.reason for row in defusings if row.reason}
    assert {blocked["A"], blocked["B"]} == {"legal_jeopardy"}
    (offered,) = [row for row in defusings if row.reason is None]
    assert offered.window_to == at("2026-03-08 12:10", LA) == end + timedelta(hours=12)
    assert offered.starts_at is not None
    assert at("2026-03-08 08:45", LA) <= offered.starts_at <= offered.window_to
    story.phone("dispatch-peer").ignores("session_team")
    for key in ("peer-1", "peer-3"):
        story.phone(key).ignores("session_team")
    story.go_to(at("2026-03-08 08:00", LA))
    for key in DISPATCH:
        story.phone(key).expects("invitation", "Optional", at=at("2026-03-08 08:00", LA))
        story.phone(key).replies("0").expects_nothing()
    for key in OFFICERS:
        story.phone(key).expects_nothing()

    # Mon 9 Mar 08:00: +24 h is 00:10 PDT, the next open minute is 08:00
    story.go_to(at("2026-03-09 08:00", LA))
    for key in (*OFFICERS, *DISPATCH):
        named = ("Dispatch-Peer here",) if key in DISPATCH else ()
        story.phone(key).expects("check_in", *named, at=at("2026-03-09 08:00", LA)).replies("1")
        story.phone(key).expects_nothing()
    for key in ("peer-1", "peer-3", "dispatch-peer"):
        story.phone(key).ignores("session_off")

    # Tue 10 Mar 02:40: an officer wants to talk now
    story.go_to(at("2026-03-10 02:40", LA))
    story.phone("present-1").says("3").expects("call_now", "by 03:40", at=at("2026-03-10 02:40", LA))
    (helper,) = {one.who for one in story.arrivals if one.kind == "escalation"}
    assert helper in {"peer-1", "peer-3"}
    story.phone(helper).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("present-1").expects("escalation_taken", f"{helper.title()} will call you")
    story.phone(helper).replies("4 {code}").expects("noted")

    # Wed 11 Mar 08:00 (f3), Sat 14 Mar (f7), 6 Apr (f30)
    for day in ("2026-03-11 08:00", "2026-03-14 10:00", "2026-04-06 10:00"):
        story.go_to(at(day, LA))
        for key in (*OFFICERS, *DISPATCH):
            story.phone(key).expects("check_in", at=at(day, LA)).replies("1").expects_nothing()
    # the professional within a week: by Sat 14 Mar; the coordinator is reminded on day 5
    story.phone("cora").expects(
        "mhp_reminder", "appointments are due by Sat 23:10", at=at("2026-03-13 08:00", LA)
    )
    # by 5 Jul the second individual contact; f90, then the opt-in; the anniversary before 7 Mar 2027
    story.go_to(at("2026-06-05 10:00", LA))
    for key in (*OFFICERS, *DISPATCH):
        story.phone(key).expects("check_in", at=at("2026-06-05 10:00", LA)).replies("1").expects("opt_in")
        story.phone(key).replies("1" if key == "shooter" else "0")
        story.phone(key).expects("opt_in_done" if key == "shooter" else "contacts_ended")
    story.go_to(at("2026-07-05 00:00", LA))
    story.phone("cora").expects("mhp_reminder", "by Sun 23:10", at=at("2026-06-29 08:00", LA))
    story.go_to(at("2026-09-03 10:00", LA))
    story.phone("shooter").expects("check_in", at=at("2026-09-03 10:00", LA)).replies("1")
    story.go_to(at("2027-02-28 10:00", LA))
    story.phone("cora").expects("mhp_reminder", "by Sat 23:10", at=at("2027-02-28 08:00", LA))
    story.phone("shooter").expects("check_in", at=at("2027-02-28 10:00", LA)).replies("1")
    story.go_to(at("2027-06-01 00:00", LA))
    for key in set(story.cast.rows) - {
        *OFFICERS,
        *DISPATCH,
    }:  # whoever is not looked after is asked each year
        story.phone(key).ignores("confirm_phone")
    quiet_offers(story)


def _dispatch_is_served_by_dispatch(story: Story) -> None:
    from cism.store.tables import AffectedPerson

    peer = story.person("dispatch-peer").id
    mine = {row.person_id for row in story.rows(AffectedPerson, AffectedPerson.peer_id == peer)}
    assert {story.person(key).id for key in DISPATCH} == mine


def test_scenario_b_nobody_close_is_texted_before_the_next_of_kin_know_and_nothing_hangs_on_a_guessed_funeral(
    tell: MakeStory,
) -> None:
    cast = Cast(zone=NEW_YORK, discipline="fire")
    cast.add("cora", roles="coordinator")
    cast.add("clint", roles="clinician")
    for number in range(1, 6):
        cast.add(f"peer-{number}", roles="peer")
    cast.add("brother-in-law", roles="peer", not_with="captain")
    cast.add("captain", unit="ladder-3")
    cast.add("fallen", unit="ladder-3", status="deceased")
    for key in ("mate-1", "mate-2", "mate-3"):
        cast.add(key, unit="ladder-3")
    story = tell(cast)
    end = at("2026-10-05 16:20", NEW_YORK)
    story.begin(at("2026-10-05 16:35", NEW_YORK))
    who = ("captain:A", "fallen:A", "mate-1:D", "mate-2:D", "mate-3:D")
    incident = story.log("LODD", *who, ended_at=end, occurred_at=end)
    assert not [one for one in story.arrivals if one.who == "brother-in-law"]
    for number in range(1, 6):
        phone = story.phone(f"peer-{number}")
        if "page" in {one.kind for one in phone.unread()} and "covered" not in {
            o.kind for o in phone.unread()
        }:
            phone.expects("page").replies("1 {code}")
    report_calls(story)
    _ignore_team(story)
    assert {row.reason for row in story.rows(GroupSession, GroupSession.kind == "cisd")} == {
        "funeral_unknown"
    }

    # Tue 6 Oct 16:20: f1 to A; the dead are never texted, and circle D only once the kin know
    story.go_to(at("2026-10-06 16:20", NEW_YORK))
    story.phone("captain").expects("check_in", at=at("2026-10-06 16:20", NEW_YORK)).replies("1")
    for key in ("fallen", "mate-1", "mate-2", "mate-3"):
        story.phone(key).expects_nothing()
    story.go_to(at("2026-10-06 19:00", NEW_YORK))
    story.change(incident, kin_notified=True)
    for key in ("mate-1", "mate-2", "mate-3"):
        story.phone(key).expects("check_in", at=at("2026-10-06 19:00", NEW_YORK)).replies(
            "1"
        ).expects_nothing()

    # the funeral is set to Sat 10 Oct: a debriefing is proposed three to seven days after it
    story.change(incident, funeral_at=at("2026-10-10 11:00", NEW_YORK))
    story.advance(hours=3)
    proposed = [row for row in story.rows(GroupSession) if row.kind == "cisd" and row.reason is None]
    assert proposed
    for row in proposed:
        assert row.starts_at is not None
        assert at("2026-10-13 00:00", NEW_YORK) <= row.starts_at <= at("2026-10-17 23:59", NEW_YORK)
    _ignore_team(story)

    # 8 Oct f3, 12 Oct f7 by the local clock; 4 Nov f30 is after the change of clocks
    for day in ("2026-10-08 16:20", "2026-10-12 10:00", "2026-11-04 10:00"):
        story.go_to(at(day, NEW_YORK))
        _ignore_team(story)
        for key in ("captain", "mate-1", "mate-2", "mate-3"):
            story.phone(key).expects("check_in", at=at(day, NEW_YORK)).replies("1")
    story.phone("fallen").expects_nothing()
    for key in ("captain", "mate-1", "mate-2", "mate-3"):
        story.phone(key).ignores("invitation")

    # "I can't do this anymore": a clinician within minutes, whatever else was said
    story.phone("mate-2").says("I can't do this anymore").expects("crisis_answer")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("mate-2").expects("escalation_taken", "Clint will call you")
    story.phone("clint").replies("4 {code}").expects("noted")
    _ignore_team(story)


def _ignore_team(story: Story) -> None:
    for key, row in story.cast.rows.items():
        if row["roles"] != "responder":
            story.phone(key).ignores()
