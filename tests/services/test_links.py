"""Short-lived addresses: one person, one purpose, and a code to the enrolled phone before anything shows."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from cism.errors import NotFound, NotSignedIn
from cism.services import links
from cism.store.tables import Link, Person
from tests.services.world import World


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def _link(world: World) -> str:
    def make(session: Session) -> str:
        person = session.get_one(Person, world.id_of("peer-1"))
        return links.link_for(session, person, "assignment", "abc")

    return world.act(make).rpartition("/")[2]


def _code(world: World, secret: str) -> str:
    before = {row.id for row in world.sent("link_code")}
    world.act(links.send_code, secret, world.now())
    (row,) = [row for row in world.sent("link_code") if row.id not in before]
    return str(json.loads(row.payload)["secret"])


def test_the_page_opens_for_the_browser_that_gave_the_code_and_no_other(world: World) -> None:
    secret = _link(world)
    browser = world.act(links.open_with, secret, _code(world, secret))
    assert world.act(links.opened, secret, browser).person_id == world.id_of("peer-1")
    for other in (None, "another"):
        with pytest.raises(NotSignedIn):
            world.act(links.opened, secret, other)


def test_neither_the_address_nor_the_code_is_kept(world: World) -> None:
    secret = _link(world)
    code = _code(world, secret)
    (row,) = world.rows(Link)
    assert secret not in (row.hash, row.code_hash)
    assert code not in (row.hash, row.code_hash)


def test_a_code_works_once(world: World) -> None:
    secret = _link(world)
    code = _code(world, secret)
    assert world.act(links.open_with, secret, code)
    assert world.act(links.open_with, secret, code) is None


def test_a_link_expires_in_real_time_and_a_new_code_renews_it(world: World) -> None:
    secret = _link(world)
    code = _code(world, secret)
    world.db.clock.pass_real(minutes=16)  # type: ignore[attr-defined]
    assert world.act(links.open_with, secret, code) is None
    assert world.act(links.open_with, secret, _code(world, secret))


def test_guessing_ends_after_five_tries(any_world: World) -> None:
    secret = _link(any_world)
    code = _code(any_world, secret)
    for _ in range(links.TRIES):
        assert any_world.act(links.open_with, secret, "not-it") is None
    assert any_world.act(links.open_with, secret, code) is None


def test_an_unknown_address_says_what_to_do(world: World) -> None:
    with pytest.raises(NotFound, match="newest text"):
        world.act(links.send_code, "nothing", world.now())
