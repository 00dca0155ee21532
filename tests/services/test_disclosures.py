"""Telling somebody outside: two people, a code, nobody in command, and the person reads of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.domain.disclosure import DisclosureState, Recipient
from cism.domain.people import Role
from cism.errors import AlreadyDone, BadInput, CismError, NotAllowed, NotFound, WindowClosed
from cism.services import disclosures, people
from cism.store.db import now
from cism.store.tables import Disclosure, PersonRole
from tests.services.world import World


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def _propose(world: World, by: str = "cora", **changed: object) -> str:
    given: dict[str, object] = {"exception": "mt_harm", "recipient": Recipient.EMERGENCY_SERVICES, **changed}

    def work(session: Session) -> str:
        person, who = (people.get(session, world.id_of(key)) for key in ("jordan", by))
        return disclosures.propose(session, person, by=who, now=now(session), **given).id  # type: ignore[arg-type]

    return world.act(work)


def _decide(world: World, id_: str, by: str, *, confirm: bool = True) -> DisclosureState:
    def work(session: Session) -> DisclosureState:
        act = disclosures.confirm if confirm else disclosures.withdraw
        return act(session, id_, by=people.get(session, world.id_of(by)), now=now(session)).state

    return world.act(work)


def _about(world: World, key: str = "jordan") -> list[tuple[str, str]]:
    person = world.id_of(key)
    found = world.see(lambda session: disclosures.about(session, person))
    return [(one.ground.key, one.recipient.value) for one in found]


def test_two_people_decide_and_the_person_reads_of_it_by_code(any_world: World) -> None:
    made = _propose(any_world)
    assert _about(any_world) == []  # a proposal is no disclosure
    assert _decide(any_world, made, "clint") is DisclosureState.CONFIRMED
    assert _about(any_world) == [("mt_harm", "emergency_services")]
    assert _about(any_world, "cora") == []
    (row,) = any_world.rows(Disclosure)
    assert {row.proposed_by, row.decided_by} == {any_world.id_of("cora"), any_world.id_of("clint")}


def test_nobody_confirms_what_they_proposed(world: World) -> None:
    made = _propose(world)
    with pytest.raises(NotAllowed, match="another authorised person"):
        _decide(world, made, "cora")
    assert _about(world) == []


@pytest.mark.parametrize("who", ["peer-1", "jordan"])
def test_nobody_but_those_who_answer_for_it_proposes_or_confirms(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        _propose(world, who)
    made = _propose(world)
    with pytest.raises(NotAllowed):
        _decide(world, made, who)


@pytest.mark.parametrize("command", ["role", "chain"])
def test_nobody_in_command_takes_part_whatever_else_they_are(world: World, command: str) -> None:
    def promote(session: Session) -> None:
        if command == "role":
            session.add(PersonRole(person_id=world.id_of("cora"), role=Role.SUPERVISOR))
        else:
            people.get(session, world.id_of("jordan")).reports_to = world.id_of("cora")

    made = _propose(world, "clint")
    world.act(promote)
    with pytest.raises(NotAllowed, match="in command"):
        _propose(world, "cora", exception="mt_crime")
    with pytest.raises(NotAllowed, match="in command"):
        _decide(world, made, "cora")


def test_whoever_is_on_a_list_with_them_takes_no_part(world: World) -> None:
    made = _propose(world, "cora")
    world.log("THREAT", "jordan:A", "clint:B", severity="S2", ended_at=world.now())
    with pytest.raises(NotAllowed, match="your deputy"):
        _decide(world, made, "clint")
    seen = world.see(lambda s: disclosures.listed(s, people.get(s, world.id_of("clint"))))
    assert list(seen) == []
    assert _decide(world, made, "dina") is DisclosureState.CONFIRMED


def test_a_proposal_that_nobody_confirmed_in_three_days_is_made_anew(world: World) -> None:
    made = _propose(world)
    with pytest.raises(AlreadyDone, match=made):
        _propose(world, "clint")
    world.advance(hours=72)
    with pytest.raises(WindowClosed):
        _decide(world, made, "clint")
    assert _propose(world) != made


def test_what_was_decided_stays_decided(world: World) -> None:
    made = _propose(world)
    assert _decide(world, made, "cora", confirm=False) is DisclosureState.WITHDRAWN
    with pytest.raises(AlreadyDone):
        _decide(world, made, "clint")
    assert _about(world) == []
    with pytest.raises(NotFound):
        _decide(world, "0" * 20, "clint")


@pytest.mark.parametrize(
    "changed",
    [{"exception": "because"}, {"recipient": Recipient.EMPLOYER}, {"recipient": Recipient.NAMED_BY_THEM}],
)
def test_what_no_exception_allows_is_refused_with_what_to_do(
    world: World, changed: dict[str, object]
) -> None:
    with pytest.raises(BadInput):
        _propose(world, **changed)
    assert world.rows(Disclosure) == []


def test_only_those_who_may_propose_see_the_list(world: World) -> None:
    _propose(world)
    for key in ("cora", "clint", "dina"):
        assert len(world.see(lambda s, key=key: disclosures.listed(s, people.get(s, world.id_of(key))))) == 1  # type: ignore[misc]
    with pytest.raises(CismError):
        world.see(lambda s: disclosures.listed(s, people.get(s, world.id_of("peer-1"))))
    assert timedelta(hours=72) == disclosures.CONFIRMED_WITHIN
