"""What a token may be used for: a scope is an act or two of the API, and no role gets more than its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.access import Act, may_do
from cism.domain.people import Role


class Scope(StrEnum):
    """What a token opens, beside what its role may do."""

    INCIDENTS_LOG = "incidents:log"
    INCIDENTS_READ = "incidents:read"
    INCIDENTS_CHANGE = "incidents:change"
    TIMELINE_READ = "timeline:read"
    ESCALATIONS_READ = "escalations:read"
    ESCALATIONS_ANSWER = "escalations:answer"
    DISCLOSURES_DECIDE = "disclosures:decide"
    GLASS_BREAK = "glass:break"
    GLASS_READ = "glass:read"
    RECEIPT_READ = "receipt:read"  # who saw what about the token's own person


_ACTS: Final[Mapping[Scope, frozenset[Act]]] = MappingProxyType(
    {
        Scope.INCIDENTS_LOG: frozenset({Act.LOG_INCIDENT}),
        Scope.INCIDENTS_READ: frozenset({Act.SEE_INCIDENT}),
        Scope.INCIDENTS_CHANGE: frozenset({Act.ADD_AFFECTED, Act.STATE_FACTS, Act.CLOSE_INCIDENT}),
        Scope.TIMELINE_READ: frozenset({Act.SEE_TIMELINE}),
        Scope.ESCALATIONS_READ: frozenset({Act.LIST_ESCALATIONS}),
        Scope.ESCALATIONS_ANSWER: frozenset({Act.ACK_ESCALATION, Act.CLOSE_ESCALATION}),
        Scope.DISCLOSURES_DECIDE: frozenset({Act.PROPOSE_DISCLOSURE, Act.CONFIRM_DISCLOSURE}),
        Scope.GLASS_BREAK: frozenset({Act.BREAK_GLASS}),
        Scope.GLASS_READ: frozenset({Act.LIST_BROKEN_GLASS}),
    }
)


BY_NAME: Final = frozenset({Scope.RECEIPT_READ})
"""What no token opens that was made without saying so."""


def of_role(role: Role, *, person: bool) -> frozenset[Scope]:
    """Every scope that a token of this role can have; what somebody answers for only with a person."""
    found = {
        scope for scope, acts in _ACTS.items() if any(may_do([role], act, same_agency=True) for act in acts)
    }
    return frozenset(found | {Scope.RECEIPT_READ} if person else found - {Scope.GLASS_BREAK})


def excess(wanted: Iterable[Scope], role: Role, *, person: bool) -> list[str]:
    """Scopes asked for that the role cannot have, by name."""
    return sorted(scope.value for scope in set(wanted) - of_role(role, person=person))
