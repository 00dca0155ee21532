"""Offers beside the groups: few texts, the right reader, kept as made, and a helper for whoever wants it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.protocol import load_protocol, parse_protocol, to_json
from cism.errors import AlreadyDone, BadInput
from cism.services import contact_answers, intake, offers, people, response, turn_helpers, turns
from cism.services.offers import Made
from cism.store.tables import Incident, Offer, Outbox, Question
from tests.domain.test_offers import with_offers
from tests.services.world import World
from tests.stories.places import NOON, local, metro
from tests.stories.roster import Cast

Make = Callable[..., World]
FAMILY = (
    "{kind: family_support, each: person, by: assigned_peer, anchor: exposure_end, after: 4h, within: 24h,"
    " serve: [family_peer, chaplain], always: true}"
)
PASTORAL = (
    "{kind: pastoral, each: person, by: assigned_peer, anchor: exposure_end, after: 4h, within: 24h,"
    " serve: [chaplain], always: true}"
)
ADVICE = "{kind: organisational_consultation, by: coordinator, after: 2h, within: 24h, always: true}"
SESSIONS = "{kind: individual_session, by: coordinator, after: 2h, within: 7d, always: true}"
SCENE = "{kind: on_scene_support, within: 2h, serve: [peer], ack: 10m, at_once: true, always: true}"
STAFF = "{kind: post_action_staff_support, after: 6h, within: 24h, serve: [clinician, peer], ack: 1h}"
REFERRAL = "{kind: referral, within: 7d, serve: [clinician, clinical_director], ack: 4h}"
RELIEF = "{kind: relief_from_tour, each: person, by: coordinator, within: 30m, at_once: true, always: true}"


def church() -> Cast:
    """The usual department, with a chaplain and a family peer."""
    cast = metro("jordan", "sam", peers=5)
    cast.add("chad", roles="chaplain")
    cast.add("fay", roles="family_peer")
    return cast


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    """A world whose incidents have these offers."""
    made: list[World] = []

    def world(cast: Cast | None = None, start: datetime = NOON) -> World:
        made.append(World(sqlite_url, cast or church(), start))
        return made[0]

    yield world
    made[0].close()


def log(world: World, *rules: str, type_: str = "OTHER", severity: str = "S2", **details: object) -> str:
    """Something happens to two people under a protocol with these offers; a team comes."""
    protocol = parse_protocol(with_offers(*rules), "test.yaml")

    def work(session: Session) -> str:
        report = intake.IncidentInput(
            type=type_,
            agency=world.cast.agency,
            severity=intake.Severity(severity),
            affected=(
                intake.AffectedInput(person_id="jordan", circle=intake.Circle.A),
                intake.AffectedInput(person_id="sam", circle=intake.Circle.B),
            ),
            **({"ended_at": world.now()} | details),  # type: ignore[arg-type]
        )
        row = intake.log(session, report)
        row.protocol_body = to_json(protocol)
        return row.id

    incident = world.act(work)
    world.rest()
    world.answer("page")
    return incident


def offer(world: World, kind: str, who: str | None = None) -> Offer:
    """The one offer of a kind, to somebody."""
    rows = world.rows(Offer, Offer.kind == kind)
    (found,) = [row for row in rows if who is None or row.person_id == world.id_of(who)]
    return found  # type: ignore[no-any-return]


def say(world: World, row: Offer, how: Made, by: str = "cora") -> None:
    """Somebody records an offer."""
    world.act(offers.make, row.id, how, by=world.id_of(by), now=world.now())
    world.rest()


def asked(world: World, kind: str) -> str:
    """The one helper with an open question of a kind."""
    (row,) = world.rows(Question, Question.kind == kind, Question.state == "open")
    return world.key_of(row.person_id)


def reply(world: World, kind: str, digit: str) -> str:
    """The one helper who is asked answers; says who it was."""
    (row,) = world.rows(Question, Question.kind == kind, Question.state == "open")
    who = world.key_of(row.person_id)
    world.text(who, f"{digit} {row.code}")
    return who


def test_a_coordinator_gets_one_text_for_all_offers_of_a_moment_and_one_answer_is_enough(make: Make) -> None:
    world = make()
    log(world, ADVICE, SESSIONS)
    assert world.told("offers_due") == []
    world.advance(hours=2)
    assert world.told("offers_due") == ["cora"]
    (text,) = world.sent("offers_due")
    assert '"count": 2' in text.payload
    world.answer("offers")
    assert {row.state.value for row in world.rows(Offer)} == {"offered"}
    assert {row.offered_by for row in world.rows(Offer)} == {world.id_of("cora")}
    world.advance(taken=True, days=8)
    assert world.told("offers_due") == ["cora"]


def test_what_was_made_before_its_moment_is_never_asked_for(make: Make) -> None:
    world = make()
    log(world, ADVICE)
    say(world, offer(world, "organisational_consultation"), Made.MADE)
    world.advance(taken=True, days=3)
    assert world.told("offers_due") == []


def test_a_peer_makes_the_offers_to_their_own_people_and_passes_them_to_the_coordinator(make: Make) -> None:
    world = make()
    log(world, FAMILY, PASTORAL)
    world.advance(hours=4)
    peers = world.told("offers_due")
    assert len(peers) == len(set(peers)) <= 2
    assert all(who.startswith("peer-") for who in peers)
    first = peers[0]
    question = next(
        row for row in world.rows(Question, Question.kind == "offers") if world.key_of(row.person_id) == first
    )
    theirs = [row for row in world.rows(Offer) if row.told_to == world.id_of(first)]
    assert theirs
    world.text(first, f"0 {question.code}")
    assert "cora" in world.told("offers_due")
    assert {row.told for row in world.rows(Offer) if row.id in {one.id for one in theirs}} == {"coordinator"}


def test_an_offer_that_nobody_made_comes_to_those_in_charge_in_their_open_hours(make: Make) -> None:
    world = make(start=local("2026-03-03 23:00"))
    log(world, FAMILY, ADVICE)
    world.advance(hours=8)  # 07:00: nobody is woken for it
    assert world.told("offers_due") == []
    world.advance(hours=1, minutes=1)
    assert "cora" in world.told("offers_due")
    before = world.told("offers_due").count("cora")
    world.advance(hours=24)
    assert world.told("offers_due").count("cora") > before
    assert {row.state.value for row in world.rows(Offer)} == {"open"}
    world.answer("offers")
    assert {row.state.value for row in world.rows(Offer)} == {"offered"}


def test_who_took_over_is_told_alone(make: Make) -> None:
    cast = church()
    cast.add("cody", roles="coordinator")
    world = make(cast)
    incident = log(world, ADVICE)
    world.act(response.accept, incident, by=world.id_of("cody"), now=world.now())
    world.advance(hours=2)
    assert world.told("offers_due") == ["cody"]


def test_one_answer_of_two_coordinators_is_enough(make: Make) -> None:
    cast = church()
    cast.add("cody", roles="coordinator")
    world = make(cast)
    log(world, ADVICE)
    world.advance(hours=2)
    assert sorted(world.told("offers_due")) == ["cody", "cora"]
    question = world.rows(Question, Question.kind == "offers", Question.person_id == world.id_of("cody"))[0]
    world.text("cody", f"1 {question.code}")
    assert world.rows(Question, Question.kind == "offers", Question.state == "open") == []


def test_a_family_is_supported_only_where_the_responder_wants_it_and_the_next_is_asked_on_a_pass(
    make: Make,
) -> None:
    world = make()
    log(world, FAMILY)
    world.advance(hours=1)
    assert world.told("turn") == []
    say(world, offer(world, "family_support", "jordan"), Made.WANTED)
    assert reply(world, "hand_off", "0") == "fay"
    assert reply(world, "hand_off", "1") == "chad"
    assert offer(world, "family_support", "jordan").state.value == "taken"
    assert world.told("turn_taken") == ["chad"]
    assert reply(world, "hand_off", "4") == "chad"
    assert offer(world, "family_support", "jordan").state.value == "done"
    assert offer(world, "family_support", "sam").state.value == "open"


def test_a_chaplain_is_asked_on_request_and_never_by_default(make: Make) -> None:
    world = make()
    log(world, PASTORAL)
    world.advance(taken=True, days=3)
    assert "chad" not in world.told("turn")
    say(world, offer(world, "pastoral", "sam"), Made.WANTED)
    assert asked(world, "hand_off") == "chad"


def test_what_nobody_takes_comes_to_those_in_charge(make: Make) -> None:
    world = make()
    log(world, PASTORAL)
    say(world, offer(world, "pastoral", "sam"), Made.WANTED)
    reply(world, "hand_off", "0")
    row = offer(world, "pastoral", "sam")
    assert (row.state.value, row.reason) == ("nobody", "nobody_took_it")
    assert world.told("offers_due") == ["cora"]
    world.answer("offers")
    assert offer(world, "pastoral", "sam").state.value == "done"


def test_a_helper_who_does_not_answer_is_passed_and_told_nothing_more_than_that(make: Make) -> None:
    world = make()
    log(world, FAMILY)
    say(world, offer(world, "family_support", "sam"), Made.WANTED)
    (first,) = world.rows(Question, Question.kind == "hand_off")
    world.advance(hours=4, minutes=1)
    assert asked(world, "hand_off") == "chad"
    world.text("fay", f"1 {first.code}")
    assert "fay" in world.told("already_covered")
    assert offer(world, "family_support", "sam").state.value == "wanted"


def test_a_helper_who_hands_back_keeps_nothing_and_the_next_is_asked(make: Make) -> None:
    world = make()
    log(world, FAMILY)
    say(world, offer(world, "family_support", "sam"), Made.WANTED)
    reply(world, "hand_off", "1")
    reply(world, "hand_off", "9")
    row = offer(world, "family_support", "sam")
    assert (row.state.value, row.helper_id) == ("wanted", None)
    assert asked(world, "hand_off") == "chad"


def test_what_was_taken_and_not_reported_is_asked_for_once_and_then_comes_to_those_in_charge(
    make: Make,
) -> None:
    world = make()
    log(world, PASTORAL)
    say(world, offer(world, "pastoral", "sam"), Made.WANTED)
    reply(world, "hand_off", "1")
    world.advance(hours=26)
    assert world.told("turn_taken") == ["chad", "chad"]
    world.advance(hours=24)
    assert offer(world, "pastoral", "sam").reason == "unreported"
    assert "cora" in world.told("offers_due")
    reply(world, "hand_off", "4")
    assert offer(world, "pastoral", "sam").state.value == "done"


def test_whether_somebody_accepted_is_kept_of_relief_and_of_nothing_else(make: Make) -> None:
    world = make()
    log(world, RELIEF, PASTORAL)
    relief = offer(world, "relief_from_tour", "jordan")
    say(world, relief, Made.ACCEPTED)
    again = offer(world, "relief_from_tour", "jordan")
    assert (again.accepted, again.offered_at) == (True, world.now())
    with pytest.raises(BadInput, match="is theirs and is not kept"):
        say(world, offer(world, "pastoral", "jordan"), Made.ACCEPTED)
    with pytest.raises(BadInput, match="nobody is asked for this kind"):
        say(world, offer(world, "relief_from_tour", "sam"), Made.WANTED)


def test_relief_is_offered_at_once_at_any_hour_and_those_in_charge_hear_of_it_again_when_it_is_late(
    make: Make,
) -> None:
    world = make(start=local("2026-03-03 03:00"))
    log(world, RELIEF)
    assert world.told("offers_due") == ["cora"]
    world.advance(minutes=31)
    assert world.told("offers_due") == ["cora", "cora"]


def test_while_it_goes_on_one_of_the_team_is_asked_to_go_there(make: Make) -> None:
    world = make()
    incident = log(world, SCENE, ended_at=None, occurred_at=NOON - timedelta(hours=1))
    world.advance(minutes=10)
    who = asked(world, "turn")
    assert who in world.told("assigned")
    world.act(intake.change, incident, {"ended_at": world.now()})
    world.rest()
    row = offer(world, "on_scene_support")
    assert (row.state.value, row.reason) == ("cancelled", "scene_over")
    assert world.rows(Question, Question.kind == "turn", Question.state == "open") == []


def test_nobody_is_sent_on_site_when_it_is_over(make: Make) -> None:
    world = make()
    log(world, SCENE)
    world.advance(hours=3)
    row = offer(world, "on_scene_support")
    assert (row.state.value, row.reason) == ("blocked", "scene_over")
    assert world.told("turn") == []


def test_the_team_is_supported_by_somebody_who_was_not_part_of_it(make: Make) -> None:
    world = make()
    incident = log(world, STAFF, severity="S3")
    world.advance(hours=6, minutes=1)
    serving = set(world.told("assigned"))
    first = reply(world, "turn", "0")
    assert first == "clint"  # a professional before a peer
    second = asked(world, "turn")
    assert second not in serving
    assert second.startswith("peer-")
    reply(world, "turn", "1")
    row = offer(world, "post_action_staff_support")
    with world.db.read() as session:
        event = session.get_one(Incident, incident)
        team = {world.key_of(one.id) for one in turn_helpers.team(session, event, row)}
    assert team == serving
    assert not {row.person_id for row in world.rows(Outbox, Outbox.kind == "turn")} & {
        world.id_of(key) for key in serving
    }


def test_where_nobody_served_the_team_needs_no_support(make: Make) -> None:
    cast = metro("jordan", "sam", peers=0)
    world = make(cast)
    log(world, STAFF, severity="S3")
    world.advance(hours=30)
    assert offer(world, "post_action_staff_support").state.value == "cancelled"


def test_a_person_is_handed_over_warm_and_the_peer_hears_that_it_was_received_and_no_more(make: Make) -> None:
    world = make()
    incident = log(world, REFERRAL)
    peer = world.told("assigned")[0]

    def hand(who: str) -> None:
        world.act(_refer, incident, world.id_of(who), world.id_of(peer), world.now())
        world.rest()

    hand("jordan")
    with pytest.raises(AlreadyDone):
        hand("jordan")
    assert world.told("hand_off") == []
    assert reply(world, "hand_off", "1") == "clint"
    assert world.told("hand_off") == [peer]
    assert '"received": true' in world.sent("hand_off")[0].payload
    assert reply(world, "hand_off", "4") == "clint"
    assert world.told("hand_off") == [peer]
    assert offer(world, "referral").state.value == "done"
    hand("jordan")  # another time
    assert [row.state.value for row in world.rows(Offer)].count("wanted") == 1


def test_a_hand_off_that_nobody_acknowledges_returns_to_the_sender_and_those_in_charge(make: Make) -> None:
    world = make()
    incident = log(world, REFERRAL)
    peer = world.told("assigned")[0]
    world.act(_refer, incident, world.id_of("sam"), world.id_of(peer), world.now())
    world.rest()
    assert asked(world, "hand_off") == "clint"
    world.advance(hours=4, minutes=1)
    assert asked(world, "hand_off") == "dina"
    world.advance(hours=20)
    assert offer(world, "referral").state.value == "nobody"
    assert world.told("hand_off") == [peer]
    assert '"received": false' in world.sent("hand_off")[0].payload
    assert world.told("offers_due") == ["cora"]


def test_a_chaplain_can_be_asked_for_also_where_the_protocol_does_not_speak_of_one(make: Make) -> None:
    world = make()
    incident = log(world, ADVICE)
    peer = world.told("assigned")[0]
    world.act(_refer, incident, world.id_of("sam"), world.id_of(peer), world.now(), OfferKind.PASTORAL)
    world.rest()
    assert asked(world, "hand_off") == "chad"


def test_a_person_who_ended_it_is_offered_nothing_more(make: Make) -> None:
    world = make()
    incident = log(world, PASTORAL)
    world.act(contact_answers.end_contacts, incident, world.id_of("sam"), "declined", world.now())
    world.advance(hours=5)
    assert offer(world, "pastoral", "sam").state.value in {"cancelled", "open"}
    counts = [row.payload for row in world.sent("offers_due")]
    assert all('"count": 1' in payload for payload in counts)


def test_standing_down_calls_every_offer_off_without_a_word(make: Make) -> None:
    world = make()
    incident = log(world, FAMILY, ADVICE)
    world.act(response.stand_down, incident, by=None, now=world.now())
    world.advance(taken=True, days=3)
    assert {row.state.value for row in world.rows(Offer)} == {"cancelled"}
    assert world.told("offers_due") == []


def test_an_affected_coordinator_or_helper_is_never_asked(make: Make) -> None:
    """Invariant 3: who is on the list is not team."""
    cast = church()
    cast.rows["fay"]["roles"] = "responder;family_peer"
    world = make(cast)
    incident = log(world, FAMILY)
    world.act(intake.add_affected, incident, [intake.AffectedInput(person_id="fay", circle=intake.Circle.B)])
    world.rest()
    say(world, offer(world, "family_support", "jordan"), Made.WANTED)
    assert asked(world, "hand_off") == "chad"


def test_planning_twice_writes_nothing_twice(make: Make) -> None:
    world = make()
    incident = log(world, FAMILY, ADVICE, STAFF)
    before = len(world.rows(Offer))

    def again(session: Session) -> None:
        response.lay_out(session, people.lock_incident(session, incident), world.now())

    world.act(again)
    world.act(again)
    assert len(world.rows(Offer)) == before


def _refer(
    session: Session, incident: str, who: str, by: str, now: datetime, to: OfferKind = OfferKind.REFERRAL
) -> None:
    turns.refer(session, people.lock_incident(session, incident), who, by=by, now=now, to=to)


def _heard(world: World, key: str) -> list[tuple[str, datetime]]:
    """Every text to one person, by kind and minute."""
    rows = world.rows(Outbox, Outbox.person_id == world.id_of(key))
    return sorted((row.kind, row.not_before) for row in rows)


@pytest.mark.parametrize("type_", ["LODD", "TRESPASSER_STRIKE"])
def test_offers_add_no_text_to_those_whom_they_are_for(
    sqlite_template: Path, tmp_path: Path, type_: str
) -> None:
    heard = {}
    for offered in (True, False):
        copy = tmp_path / f"{offered}.db"
        shutil.copyfile(sqlite_template, copy)
        world = World(f"sqlite:///{copy}", church())
        try:
            rules = load_protocol("sfa-follow-up")
            kept = rules if offered else rules.model_copy(update={"offers": ()})
            _log_with(world, to_json(kept), type_)
            world.advance(taken=True, days=4)
            heard[offered] = [_heard(world, key) for key in ("jordan", "sam")]
            assert bool(world.rows(Offer)) == offered
        finally:
            world.close()
    assert heard[True] == heard[False]
    assert all(heard[True])


def _log_with(world: World, body: str, type_: str) -> None:
    def work(session: Session) -> None:
        affected = tuple(
            intake.AffectedInput(person_id=key, circle=intake.Circle.B) for key in ("jordan", "sam")
        )
        report = intake.IncidentInput(
            type=type_, agency=world.cast.agency, affected=affected, ended_at=NOON, kin_notified=True
        )
        intake.log(session, report).protocol_body = body

    world.act(work)
    world.rest()
    world.answer("page")
