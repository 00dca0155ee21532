"""API tokens: shown once, kept by hash, bound to a role, expiring."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.people import Role
from cism.domain.scopes import Scope
from cism.errors import AlreadyDone, BadInput, NotFound, NotSignedIn
from cism.services import tokens
from cism.store.tables import Token
from tests.services.world import World


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def test_a_token_speaks_for_its_role_and_person(world: World) -> None:
    secret = world.act(tokens.create, role=Role.RESPONDER, agency="metro-pd", roster_id="jordan")
    caller = world.act(tokens.caller, secret)
    assert (caller.role, caller.agency, caller.person_id) == (
        Role.RESPONDER,
        "metro-pd",
        world.id_of("jordan"),
    )


def test_the_secret_itself_is_not_kept(world: World) -> None:
    secret = world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd")
    (row,) = world.rows(Token)
    assert secret not in (row.hash, row.id)


def test_a_wrong_an_expired_and_a_revoked_token_speak_for_nobody(world: World) -> None:
    with pytest.raises(NotSignedIn):
        world.act(tokens.caller, "cism_wrong")
    secret = world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd")
    short = world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", lasts=timedelta(days=1))
    world.db.clock.pass_real(days=2)  # type: ignore[attr-defined]
    with pytest.raises(NotSignedIn):
        world.act(tokens.caller, short)
    world.act(tokens.caller, secret)
    (token,) = [row.id for row in world.rows(Token) if row.expires_real > world.db.clock.now()]
    world.act(tokens.revoke, token)
    with pytest.raises(NotSignedIn):
        world.act(tokens.caller, secret)
    later = world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd")
    world.db.clock.pass_real(days=tokens.LIFETIME.days + 1)  # type: ignore[attr-defined]
    with pytest.raises(NotSignedIn):
        world.act(tokens.caller, later)


def test_a_token_opens_what_it_was_made_for_and_no_more(world: World) -> None:
    reads = [Scope.INCIDENTS_READ]
    secret = world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", scopes=reads)
    assert world.act(tokens.caller, secret).scopes == {Scope.INCIDENTS_READ}
    with pytest.raises(BadInput, match="cannot have timeline:read; possible"):
        world.act(tokens.create, role=Role.SUPERVISOR, agency="metro-pd", scopes=[Scope.TIMELINE_READ])


def test_no_token_lasts_longer_than_a_year_or_speaks_in_a_role_that_its_person_lacks(world: World) -> None:
    with pytest.raises(BadInput, match="365"):
        world.act(tokens.create, role=Role.SUPERVISOR, agency="metro-pd", lasts=timedelta(days=366))
    with pytest.raises(BadInput, match="no coordinator"):
        world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", roster_id="jordan")


def test_listed_tokens_say_whose_and_until_when_and_no_secret(world: World) -> None:
    secret = world.act(tokens.create, role=Role.RESPONDER, agency="metro-pd", roster_id="jordan")
    (row,) = world.act(tokens.listed)
    assert (row["role"], row["person"], row["state"]) == ("responder", "jordan", "in use")
    assert secret not in str(row)
    world.act(tokens.revoke, row["id"])
    assert world.act(tokens.listed)[0]["state"] == "revoked"
    with pytest.raises(AlreadyDone):
        world.act(tokens.revoke, row["id"])
    with pytest.raises(NotFound, match="token list"):
        world.act(tokens.revoke, "nothing")


def test_an_unknown_agency_or_person_is_named(world: World) -> None:
    with pytest.raises(BadInput, match="metro-pd"):
        world.act(tokens.create, role=Role.COORDINATOR, agency="elsewhere")
    with pytest.raises(BadInput, match="roster"):
        world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", roster_id="nobody")
