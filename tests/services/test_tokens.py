"""API tokens: shown once, kept by hash, bound to a role, expiring."""

from __future__ import annotations

import pytest

from cism.domain.people import Role
from cism.errors import BadInput, NotSignedIn
from cism.services import tokens
from cism.store.tables import Token
from tests.services.world import World


def test_a_token_speaks_for_its_role_and_person(world: World) -> None:
    secret = world.act(tokens.create, role=Role.SUPERVISOR, agency="metro-pd", roster_id="jordan")
    caller = world.act(tokens.caller, secret)
    assert (caller.role, caller.agency, caller.person_id) == (
        Role.SUPERVISOR,
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
    world.db.clock.pass_real(days=366)  # type: ignore[attr-defined]
    with pytest.raises(NotSignedIn):
        world.act(tokens.caller, secret)


def test_an_unknown_agency_or_person_is_named(world: World) -> None:
    with pytest.raises(BadInput, match="metro-pd"):
        world.act(tokens.create, role=Role.COORDINATOR, agency="elsewhere")
    with pytest.raises(BadInput, match="roster"):
        world.act(tokens.create, role=Role.COORDINATOR, agency="metro-pd", roster_id="nobody")
