"""Leave, retirement, another agency, another superior: what was promised goes on, the rules hold anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.people import PersonStatus
from cism.errors import AlreadyDone, BadInput, CismError, NotAllowed
from cism.services import intake, roster_moves
from cism.services.roster_moves import NewPlace
from cism.store.tables import AffectedPerson, Assignment, Escalation, Incident, Outbox, Person, Step, Token
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, live_until, local, metro, quiet_staff, report_calls, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def looks_after(story: Story, key: str) -> str | None:
    """Who looks after somebody in the incident logged last."""
    where = AffectedPerson.incident_id == story.incidents[-1]
    (row,) = story.rows(AffectedPerson, where, AffectedPerson.person_id == story.person(key).id)
    names = {story.person(name).id: name for name in story.cast.rows}
    return names.get(row.peer_id)


def somebody_accepts(story: Story) -> str:
    """The next helper who has a page takes the turn."""
    who = next(one.who for one in story.arrivals if one.kind == "page" and not one.expected)
    story.phone(who).expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)
    return who


def move(story: Story, key: str, agency: str, **new: str) -> None:
    """A coordinator moves somebody to another agency."""

    def work(session: object) -> None:
        person = session.get_one(Person, who)  # type: ignore[attr-defined]
        place = NewPlace(agency=agency, **new)  # type: ignore[arg-type]
        roster_moves.transfer(session, person, place, by=None, now=moment)  # type: ignore[arg-type]

    who, moment = story.person(key).id, story.now()
    story.act(work)
    story.cast.rows[key]["agency"] = agency
    story.run()


def with_neighbour(*affected: str, peers: int = 2) -> Story | object:
    """A department and a neighbour."""
    cast = metro(*(affected or ("jordan",)), peers=peers)
    cast.add("bay-peer", roles="peer", agency="bay-fd", discipline="fire")
    return cast


@pytest.mark.parametrize("status", ["leave", "retired"])
def test_a_helper_who_goes_on_leave_or_retires_is_released_and_replaced(story: Story, status: str) -> None:
    peer = with_helper(story)
    story.roster(peer, status=status)
    story.phone(peer).expects("released", "someone else takes").expects_nothing()
    assert somebody_accepts(story) != peer
    assert looks_after(story, "jordan") not in {peer, None}


@pytest.mark.parametrize("status", ["leave", "retired"])
def test_a_call_that_somebody_on_leave_had_taken_is_taken_by_the_next(story: Story, status: str) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    code = story.phone(peer).code
    story.phone("jordan").expects("escalation_taken")
    story.roster(peer, status=status)
    story.phone("clint").expects("escalation", at=story.now()).replies("1 {code}")
    story.phone("jordan").expects("escalation_taken", "Clint will call you")
    quiet_staff(story)
    story.phone(peer).says(f"4 {code}").expects("already_covered")
    assert [row.state.value for row in story.rows(Escalation)] == ["acked"]
    quiet_staff(story)


def test_a_clinician_who_goes_on_leave_leaves_a_decision_to_the_next_at_once(tell: MakeStory) -> None:
    story = tell(metro("jordan", "sam", "kim", "lee", peers=4))
    story.begin(NOON)
    for key in ("jordan", "sam", "kim", "lee"):
        story.roster(key, unit="unit-1")
    ended = NOON - timedelta(hours=1)
    story.log("CHILD", "jordan:B", "sam:B", "kim:B", "lee:B", severity="S3", ended_at=ended)
    story.go_to(local("2026-03-03 14:00"))
    asked = next(one.who for one in story.arrivals if one.kind == "approval")
    other = {"clint": "dina", "dina": "clint"}[asked]
    story.phone(other).ignores()
    story.roster(asked, status="leave")
    story.phone(other).expects("approval", at=story.now())
    quiet_staff(story)
    for key in ("jordan", "sam", "kim", "lee"):
        story.phone(key).ignores()


@pytest.mark.parametrize("status", ["leave", "retired"])
def test_an_affected_person_on_leave_or_retired_keeps_every_contact(story: Story, status: str) -> None:
    with_helper(story)
    story.roster("jordan", status=status)
    live_until(story, local("2026-03-04 14:00"))
    story.phone("jordan").expects("check_in").replies("3").expects("call_now")
    quiet_staff(story)


def test_a_helper_who_becomes_somebodys_superior_no_longer_looks_after_them(story: Story) -> None:
    peer = with_helper(story)
    story.roster("jordan", reports_to=peer)
    new = somebody_accepts(story)
    assert new != peer
    assert looks_after(story, "jordan") == new


def test_a_change_far_up_the_chain_of_command_counts_too(story: Story) -> None:
    story.roster("jordan", reports_to="sam")
    peer = with_helper(story)
    story.roster("sam", reports_to=peer)
    assert looks_after(story, "jordan") is None
    assert somebody_accepts(story) == looks_after(story, "jordan") != peer


def test_a_pair_that_is_never_to_be_paired_from_now_on_is_parted(story: Story) -> None:
    peer = with_helper(story)
    story.roster("jordan", not_with=peer)
    assert somebody_accepts(story) == looks_after(story, "jordan") != peer


def test_a_file_that_changes_nothing_asks_nobody_anything(story: Story) -> None:
    peer = with_helper(story)
    story.roster("jordan")
    story.roster("sam", unit="unit-9")
    assert looks_after(story, "jordan") == peer
    for key in ("cora", "clint", peer):
        story.phone(key).expects_nothing()


def test_after_a_transfer_check_ins_and_the_anniversary_go_on(tell: MakeStory) -> None:
    story = tell(with_neighbour())
    story.begin(NOON)
    incident = story.log("THREAT", "jordan:A", severity="S3", ended_at=NOON - timedelta(hours=1))
    somebody_accepts(story)
    quiet_staff(story)

    def keep(session: object) -> None:
        row = session.get_one(Incident, incident)  # type: ignore[attr-defined]
        row.affected[0].keep_in_touch = True

    story.act(keep)
    story.act(intake.change, incident, {"ended_at": NOON - timedelta(minutes=59)})
    before = {step.key for step in planned(story, Step.person_id == story.person("jordan").id)}
    move(story, "jordan", "bay-fd", roster_id="jordan")
    after = {step.key for step in planned(story, Step.person_id == story.person("jordan").id)}
    assert before == after
    assert any(key.endswith(":fA") for key in after)
    live_until(story, local("2026-03-04 14:00"))
    story.phone("jordan").expects("check_in").replies("1")
    quiet_staff(story)


def test_after_a_transfer_nobody_of_the_new_chain_of_command_looks_after_them(tell: MakeStory) -> None:
    story = tell(with_neighbour(peers=0))
    story.begin(NOON)
    story.log("THREAT", "jordan:A", severity="S1", ended_at=NOON - timedelta(hours=1))
    story.phone("bay-peer").expects("page").replies("1 {code}").expects("assigned")
    report_calls(story)
    quiet_staff(story)
    move(story, "jordan", "bay-fd", reports_to="bay-peer")
    assert looks_after(story, "jordan") is None
    story.phone("cora").expects("team_notice", "please take over")
    quiet_staff(story)


def test_whoever_stopped_texts_before_a_transfer_gets_none_after_it(tell: MakeStory) -> None:
    story = tell(with_neighbour())
    story.begin(NOON)
    with_helper(story, "THREAT", "jordan:A")
    story.phone("jordan").says("STOP").expects("carrier")
    move(story, "jordan", "bay-fd", roster_id="J7")
    live_until(story, NOON + timedelta(days=8))
    quiet_staff(story)
    story.phone("jordan").expects_nothing()


def test_whoever_leaves_an_agency_reads_nothing_of_it_any_more(story: Story) -> None:
    from cism.domain.people import Role
    from cism.services import tokens

    story.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", roster_id="cora")
    story.roster("cora", status="retired")
    assert [row.revoked for row in story.rows(Token)] == [True]


@pytest.mark.parametrize(
    ("agency", "new", "why"),
    [
        ("nowhere", {}, "there is no agency"),
        ("metro-pd", {}, "already"),
        ("bay-fd", {"roster_id": "bay-peer"}, "somebody else"),
        ("bay-fd", {"roster_id": "a b"}, "is not an id"),
        ("bay-fd", {"reports_to": "nobody"}, "on the roster of bay-fd"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(
    tell: MakeStory, agency: str, new: dict[str, str], why: str
) -> None:
    story = tell(with_neighbour())
    story.begin(NOON)
    with pytest.raises(CismError, match=why):
        move(story, "jordan", agency, **new)


def status(story: Story, key: str, to: PersonStatus) -> None:
    """A coordinator says so at a terminal."""
    who, moment = story.person(key).id, story.now()

    def work(session: object) -> None:
        person = session.get_one(Person, who)  # type: ignore[attr-defined]
        roster_moves.set_status(session, person, to, by=None, now=moment)  # type: ignore[arg-type]

    story.act(work)
    story.run()


def test_a_death_can_be_entered_at_once_and_no_other_status_takes_it_back(story: Story) -> None:
    with_helper(story)
    status(story, "jordan", PersonStatus.DECEASED)
    story.phone("cora").expects("queue_new")
    with pytest.raises(AlreadyDone):
        status(story, "jordan", PersonStatus.DECEASED)
    with pytest.raises(NotAllowed, match="a mistake is taken back with"):
        status(story, "jordan", PersonStatus.ACTIVE)


def end(story: Story, key: str) -> None:
    """A coordinator enters what somebody told by voice."""
    who, moment = story.person(key).id, story.now()

    def work(session: object) -> None:
        row = session.get_one(Incident, story.incidents[-1])  # type: ignore[attr-defined]
        person = session.get_one(Person, who)  # type: ignore[attr-defined]
        roster_moves.end_contacts(session, row, person, by=None, now=moment)  # type: ignore[arg-type]

    story.act(work)
    story.run()


def test_contacts_that_somebody_ended_by_voice_end_without_a_text_and_a_3_still_works(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B")
    end(story, "jordan")
    story.phone("jordan").expects_nothing()
    live_until(story, NOON + timedelta(days=1.5))
    story.phone("jordan").expects_nothing()
    story.phone("sam").expects("check_in").replies("1")
    with pytest.raises(AlreadyDone):
        end(story, "jordan")
    with pytest.raises(BadInput, match="not on the incident's list"):
        end(story, "cora")
    story.phone("jordan").says("3").expects("call_now")
    quiet_staff(story)
    story.stand_down(story.incidents[-1])
    quiet_staff(story)
    with pytest.raises(AlreadyDone):
        end(story, "sam")


def remove(story: Story, key: str) -> None:
    """A coordinator takes somebody off the roster."""
    who, moment = story.person(key).id, story.now()

    def work(session: object) -> None:
        person = session.get_one(Person, who)  # type: ignore[attr-defined]
        roster_moves.remove(session, person, by=None, now=moment)  # type: ignore[arg-type]

    story.act(work)
    story.run()


def test_whoever_is_taken_off_the_roster_is_forgotten_and_no_file_brings_texts_back(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B")
    remove(story, "jordan")
    row = story.person("jordan")
    assert (row.name, row.phone, row.phone_hash, row.email) == ("removed", None, None, None)
    story.roster("jordan")
    live_until(story, NOON + timedelta(days=1.5))
    story.phone("jordan").expects_nothing()
    story.phone("sam").expects("check_in").replies("1")
    assert not story.rows(Outbox, Outbox.person_id == row.id, Outbox.state == "pending")
    quiet_staff(story)


def test_a_helper_who_is_taken_off_the_roster_is_replaced(story: Story) -> None:
    peer = with_helper(story)
    remove(story, peer)
    story.phone(peer).ignores("released")
    assert somebody_accepts(story) == looks_after(story, "jordan") != peer
    assert story.rows(Assignment, Assignment.peer_id == story.person(peer).id)


def test_nobody_is_taken_off_the_roster_while_a_human_is_being_found_for_them(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    quiet_staff(story)
    with pytest.raises(NotAllowed, match="being found"):
        remove(story, "jordan")
