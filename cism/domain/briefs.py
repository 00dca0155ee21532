"""The leader's brief: what an intervention is, its phases in order, what it never is, and how long it takes.

Made of the catalogue, and of the protocol where that says a length of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from cism.domain.interventions import CATALOGUE, WHILE, Element
from cism.domain.offer_kinds import EMPLOYERS, OfferKind
from cism.domain.protocol_model import SessionRule

_MINUTE: Final = timedelta(minutes=1)
# Offers that the catalogue knows by another name.
_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {
        OfferKind.TEAM_CHECK_IN.value: "post_action_staff_support",
        OfferKind.COUNSELLING.value: "individual_session",
        **{kind.value: "relief_from_duty" for kind in EMPLOYERS},
    }
)
_OF_GROUPS: Final = (
    "make it therapy, an investigation or a critique of the operation",
    "take notes or record anything",
    "make anybody come, stay or speak",
)
# what the catalogue says of a format, and the sentences above say already
_SAID: Final = frozenset({"therapy", "investigation", "critique of the operation", "recording or notes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What whoever leads it reads before it. `phases` are in order; `minutes` is one number or a range."""

    title: str
    what: str
    minutes: str
    lead: tuple[str, ...]
    phases: tuple[str, ...]
    never: tuple[str, ...]
    beforehand: tuple[str, ...]
    not_while: tuple[str, ...]  # what stops it, as long as it is so
    always: tuple[str, ...]  # rules that hold each time
    afterwards: tuple[str, ...]


def brief_of(kind: str, rule: SessionRule | None = None) -> Brief | None:
    """The brief of a group format or an offer, by its name; None where the catalogue has none.

    `rule`: the protocol's, which says how long it is planned for.
    """
    element = CATALOGUE.get(_CALLED.get(kind, kind))
    if element is None:
        return None
    return Brief(
        title=element.title,
        what=element.what,
        minutes=_minutes(element, rule),
        lead=tuple(role.value.replace("_", " ") for role in element.lead),
        phases=element.phases,
        never=_never(element),
        beforehand=element.preconditions,
        not_while=tuple(text for reason, text in element.contraindicated.items() if reason in WHILE),
        always=tuple(text for reason, text in element.contraindicated.items() if reason not in WHILE),
        afterwards=element.afterwards,
    )


def _never(element: Element) -> tuple[str, ...]:
    if not element.is_group:
        return element.never
    return (*_OF_GROUPS, *(one for one in element.never if one not in _SAID))


def _minutes(element: Element, rule: SessionRule | None) -> str:
    spans = (rule.duration,) if rule is not None else element.duration or ()
    return " to ".join(str(span // _MINUTE) for span in dict.fromkeys(spans))
