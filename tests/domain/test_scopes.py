"""What tokens open."""

from __future__ import annotations

import pytest

from cism.domain.people import Role
from cism.domain.scopes import Scope, excess, of_role


def test_no_role_gets_a_scope_without_an_act_that_it_may_do() -> None:
    assert of_role(Role.RESPONDER, person=False) == frozenset()
    assert of_role(Role.ADMIN, person=True) == {Scope.RECEIPT_READ}
    assert of_role(Role.PEER, person=False) == {Scope.INCIDENTS_READ}


def test_a_supervisor_reads_neither_timelines_nor_escalations() -> None:
    assert of_role(Role.SUPERVISOR, person=True) == {
        Scope.INCIDENTS_LOG,
        Scope.INCIDENTS_READ,
        Scope.INCIDENTS_CHANGE,
        Scope.RECEIPT_READ,
    }


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.CLINICAL_DIRECTOR])
def test_whoever_is_in_charge_may_have_every_scope(role: Role) -> None:
    assert of_role(role, person=True) == frozenset(Scope)


def test_what_a_role_cannot_have_is_named() -> None:
    wanted = [Scope.TIMELINE_READ, Scope.INCIDENTS_LOG, Scope.RECEIPT_READ]
    assert excess(wanted, Role.SUPERVISOR, person=False) == ["receipt:read", "timeline:read"]
    assert excess(wanted, Role.COORDINATOR, person=True) == []
