"""What an offer's rule must not contradict, whatever its hours; places relative to `offers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from cism.domain.offer_kinds import FOR_THE_TEAM, NEVER_ABOUT_PERSONS, ON_REQUEST, OfferKind
from cism.domain.protocol_model import OfferRule
from cism.domain.yaml_lines import Problem

# The team's own support comes within a day of the session (domain.md 2).
STAFF_SUPPORT_WITHIN: Final = timedelta(hours=24)
_NOTHING: Final = timedelta(0)
_SERVED_BY: Final[Mapping[OfferKind, frozenset[str]]] = MappingProxyType(
    {
        OfferKind.ON_SCENE_SUPPORT: frozenset({"peer"}),
        OfferKind.ONE_ON_ONE: frozenset({"peer", "chaplain", "clinician"}),
        OfferKind.FAMILY_SUPPORT: frozenset({"family_peer", "chaplain", "clinician"}),
        OfferKind.PASTORAL: frozenset({"chaplain"}),
        OfferKind.REFERRAL: frozenset({"clinician", "clinical_director"}),
        OfferKind.POST_ACTION_STAFF_SUPPORT: frozenset({"clinician", "clinical_director", "peer"}),
        OfferKind.TEAM_CHECK_IN: frozenset({"clinician", "clinical_director", "peer"}),
    }
)


def check_offers(rules: tuple[OfferRule, ...]) -> Iterator[Problem]:
    """Each offer has somebody who makes or does it, in time, and is made to whom it may be made."""
    for index, rule in enumerate(rules):
        for check in (_hours, _whom, _by, _served, _team):
            yield from (Problem((index, *p.loc), p.text) for p in check(rule))
        if (rule.kind, rule.each) in {(earlier.kind, earlier.each) for earlier in rules[:index]}:
            yield Problem((index, "kind"), f"{rule.kind} for each {rule.each} is there twice; keep one")


def _hours(rule: OfferRule) -> Iterator[Problem]:
    if not rule.after < rule.within:
        yield Problem(("within",), "its time is over before it begins; write more than after")
    if rule.ack <= _NOTHING:
        yield Problem(("ack",), "nobody can answer in no time; write e.g. 4h")


def _whom(rule: OfferRule) -> Iterator[Problem]:
    if rule.each == "person" and rule.kind in NEVER_ABOUT_PERSONS:
        yield Problem(("each",), f"{rule.kind} is never about one person; write incident")
    if rule.each == "session" and rule.kind not in FOR_THE_TEAM:
        yield Problem(("each",), "after a session only the team itself is offered something; write incident")
    if (rule.each == "session") != (rule.anchor == "session_end"):
        yield Problem(("anchor",), "each: session and anchor: session_end belong together; write both")
    if rule.anchor == "exposure_end" and rule.each != "person":
        yield Problem(("anchor",), "each person has an own end of exposure; write each: person")


def _by(rule: OfferRule) -> Iterator[Problem]:
    if rule.by is None and not rule.serve:
        yield Problem((), "nobody makes this offer; write e.g. by: coordinator")
    if rule.by == "assigned_peer" and rule.each != "person":
        yield Problem(("by",), "a peer is assigned to a person; write by: coordinator or each: person")
    if rule.by is None and rule.kind is OfferKind.PASTORAL:
        yield Problem((), "a chaplain comes on request, after the offer; write e.g. by: assigned_peer")
    if rule.by != "coordinator" and rule.kind is OfferKind.ORGANISATIONAL_CONSULTATION:
        yield Problem(("by",), "it goes to command through the coordinator; write coordinator")


def _served(rule: OfferRule) -> Iterator[Problem]:
    allowed = _SERVED_BY.get(rule.kind, frozenset())
    for role in rule.serve:
        if role not in allowed:
            instead = f"write one of {', '.join(sorted(allowed))}" if allowed else "take serve out"
            yield Problem(("serve",), f"a {role} does not do {rule.kind}; {instead}")


def _team(rule: OfferRule) -> Iterator[Problem]:
    if rule.kind in FOR_THE_TEAM | ON_REQUEST and rule.by is not None:
        yield Problem(("by",), "a helper is asked straight away; take by out")
    if rule.kind is OfferKind.POST_ACTION_STAFF_SUPPORT and rule.within > STAFF_SUPPORT_WITHIN:
        yield Problem(("within",), "the team is supported within a day; write 24h or less")
