"""What is forgotten after months and years: lists of incidents that go on, consents, notices, shells."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from cism.domain.consents import How, Purpose
from cism.domain.incident import Circle
from cism.domain.retention import Kept
from cism.domain.selection_rules import was_on_scene
from cism.services import choice, consents, notices, people, response, roster_moves
from cism.store.db import now, real_now
from cism.store.past_tables import PastMember
from cism.store.states import OutboxState
from cism.store.tables import AffectedPerson, Consent, Incident, NoticeGiven, Outbox, Question, Step
from tests.services.test_retention import _all_done, _looked_after, _run
from tests.services.world import World


def test_whoever_was_forgotten_is_still_not_asked_to_help_in_the_incident_that_goes_on(world: World) -> None:
    incident, jordan, sam = _looked_after(world), world.id_of("jordan"), world.id_of("sam")
    peer, *others = (one.id for one in world.act(choice.roster))
    world.act(_put_on_the_list, incident, peer)
    _run(world, days=90)
    assert world.rows(AffectedPerson) == []
    barred = world.act(lambda s: choice.context(s, s.get_one(Incident, incident), now(s)).on_scene)
    assert barred == {jordan, sam, peer}
    assert _barred(world, incident) == {peer}
    assert others
    stolen = str([(row.incident_id, row.mark) for row in world.rows(PastMember)])
    assert not any(one in stolen for one in (jordan, sam, peer)), "without the keys it is nobody's"
    world.act(lambda s: response.close(s, incident, by=None, now=now(s)))
    assert _run(world, days=89)[Kept.CONTACTS].count == 0
    assert _run(world, days=90)[Kept.CONTACTS].count >= 3
    assert world.rows(PastMember) == []


def _put_on_the_list(session: Session, incident: str, person: str) -> None:
    row = AffectedPerson(incident_id=incident, person_id=person, circle=Circle.C, added_at=now(session))
    row.ended_at = now(session)
    session.add(row)


def _barred(world: World, incident: str) -> set[str]:
    def look(session: Session) -> set[str]:
        ctx = choice.context(session, session.get_one(Incident, incident), now(session))
        return {one.id for one in choice.roster(session) if was_on_scene(one, ctx)}

    return world.act(look)


# --- what people agreed to, and were told


def test_what_somebody_agreed_to_is_kept_while_it_stands_and_five_years_after_they_took_it_back(
    any_world: World,
) -> None:
    jordan, years = any_world.id_of("jordan"), 5 * 365 + 1
    stands = {row.id for row in any_world.rows(Consent)}
    assert stands
    any_world.act(_say, jordan, False)
    assert _run(any_world, days=years - 1)[Kept.CONSENTS].count == 0
    assert _run(any_world, days=years)[Kept.CONSENTS].count == 2, "the yes, and the no that replaced it"
    assert jordan not in {row.person_id for row in any_world.rows(Consent, Consent.purpose == "care")}
    assert {row.id for row in any_world.rows(Consent)} < stands
    assert _run(any_world, days=2 * years)[Kept.CONSENTS].count == 0, "what others said stands"


def test_the_notice_that_somebody_was_told_is_kept_until_five_years_after_the_next(any_world: World) -> None:
    jordan, years = any_world.id_of("jordan"), 5 * 365 + 1
    any_world.act(lambda s: notices.given(s, people.get(s, jordan), notices.PAGE, now(s)))
    assert _run(any_world, days=years)[Kept.CONSENTS].count == 0
    any_world.act(lambda s: notices.put(s, any_world.cast.agency, "en", "Ours.", by=None, now=now(s)))
    any_world.act(lambda s: notices.given(s, people.get(s, jordan), notices.PAGE, now(s)))
    assert _run(any_world, days=years)[Kept.CONSENTS].count == 1
    (left,) = any_world.rows(NoticeGiven)
    assert left.version == f"{any_world.cast.agency}-en-1"


def test_five_years_after_somebody_was_removed_no_proof_of_theirs_is_left(any_world: World) -> None:
    jordan, years = any_world.id_of("jordan"), 5 * 365 + 1
    any_world.act(lambda s: notices.given(s, people.get(s, jordan), notices.PAGE, now(s)))
    any_world.act(lambda s: roster_moves.remove(s, people.get(s, jordan), by=None, now=now(s)))
    _run(any_world, days=years - 1)
    assert any_world.rows(Consent, Consent.person_id == jordan)
    any_world.db.clock.pass_real(days=years)  # type: ignore[attr-defined]
    _run(any_world)
    assert any_world.rows(Consent, Consent.person_id == jordan) == []
    assert any_world.rows(NoticeGiven) == []


def _say(session: Session, person: str, given: bool) -> None:
    consents.note(session, people.get(session, person), Purpose.CARE, given, How.PAGE, now(session))


def test_half_a_year_after_a_list_was_forgotten_no_step_and_no_question_of_it_tells_of_anybody(
    any_world: World,
) -> None:
    incident = _looked_after(any_world)
    any_world.act(lambda s: response.close(s, incident, by=None, now=now(s)))
    any_world.act(_all_done)
    settled = {"state": OutboxState.DELIVERED, "redacted": True}
    any_world.act(lambda s: s.execute(update(Outbox).values(**settled, redacted_at=real_now(s))))
    _run(any_world, days=91)
    assert any_world.rows(Question), "their codes are given to nobody for half a year"
    _run(any_world, days=179)
    assert any_world.rows(Question)
    for _ in range(2):  # texts go first, then what they asked
        _run(any_world, days=271)
    assert any_world.rows(Question) == []
    assert [row.kind for row in any_world.rows(Step, Step.person_id.is_not(None))] == []
