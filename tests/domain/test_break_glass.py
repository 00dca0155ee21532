"""Who may look although the table refuses it, and who hears of it."""

from __future__ import annotations

import pytest

from cism.domain.break_glass import refused_because, witness_of
from cism.domain.people import Role


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUPERVISOR])
def test_command_never_looks_whatever_else_somebody_is(role: Role) -> None:
    assert "commands others" in (refused_because({role, Role.SUPERVISOR}, affected=False) or "")


def test_whoever_is_on_the_list_never_looks_and_whoever_is_neither_may() -> None:
    assert "you are on this incident's list" in (refused_because({Role.PEER}, affected=True) or "")
    assert refused_because({Role.PEER}, affected=False) is None


def test_nobody_is_the_witness_of_their_own_looking() -> None:
    for role in Role:
        assert witness_of({role}) is not role
    assert witness_of({Role.COORDINATOR}) is Role.CLINICAL_DIRECTOR
    assert witness_of({Role.CLINICAL_DIRECTOR, Role.COORDINATOR}) is Role.COORDINATOR
