"""The hard rules of the choice (domain.md 6), each its own predicate: True when it is VIOLATED.

Nothing relaxes one of them; when nobody passes, the coordinator and the clinician are called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cism.domain.incident import Severity
from cism.domain.people import Person, PersonStatus, Role
from cism.domain.quiet_hours import is_asleep
from cism.domain.selection_context import (
    EVERY_HELPER,
    PEERS,
    SERVING,
    Helper,
    SelectionContext,
    crew,
    local_date,
)

_ROLES: dict[Helper, frozenset[Role]] = {
    Helper.PEER: frozenset({Role.PEER}),
    Helper.CLINICIAN: frozenset({Role.CLINICIAN}),
    Helper.LEADER: frozenset({Role.CLINICIAN, Role.CLINICAL_DIRECTOR}),
    Helper.CLINICAL_DIRECTOR: frozenset({Role.CLINICAL_DIRECTOR}),
    Helper.COORDINATOR: frozenset({Role.COORDINATOR}),
}
_LICENCES: dict[Helper, frozenset[str]] = {
    Helper.CLINICIAN: frozenset({"LICENSE"}),
    Helper.LEADER: frozenset({"LICENSE", "GCI"}),
}


def lacks_role(peer: Person, ctx: SelectionContext) -> bool:
    """Does not have the role that is asked for."""
    return not peer.roles & _ROLES[ctx.helper]


def is_not_active(peer: Person, _ctx: SelectionContext) -> bool:
    """Has left the service or died."""
    return peer.status in (PersonStatus.RETIRED, PersonStatus.DECEASED)


def is_on_leave(peer: Person, _ctx: SelectionContext) -> bool:
    """Is on leave."""
    return peer.status is PersonStatus.LEAVE


def is_of_another_agency(peer: Person, ctx: SelectionContext) -> bool:
    """Belongs to an agency that does not help here."""
    return peer.agency != ctx.incident.agency and peer.agency not in ctx.mutual_aid


def is_not_designated(peer: Person, ctx: SelectionContext) -> bool:
    """Was never designated by the agency, or only from a later day on."""
    return peer.designated_at is None or peer.designated_at > local_date(peer, ctx.now)


def lacks_certificate(peer: Person, ctx: SelectionContext) -> bool:
    """Holds no valid certificate for this work.

    A certificate is good through its last day, in the helper's own zone.
    """
    today = local_date(peer, ctx.now)
    valid = {cert.name.upper() for cert in peer.certs if cert.expires >= today}
    licences = _LICENCES.get(ctx.helper)
    return not valid & ctx.policy.peer_certs if licences is None else not licences <= valid


def has_not_consented(peer: Person, _ctx: SelectionContext) -> bool:
    """Has not consented to be paged."""
    return not peer.consent_pages


def has_opted_out(peer: Person, _ctx: SelectionContext) -> bool:
    """Has stopped our texts."""
    return peer.opted_out


def is_frozen(peer: Person, _ctx: SelectionContext) -> bool:
    """Has a phone that may be someone else's."""
    return peer.frozen


def is_affected(peer: Person, ctx: SelectionContext) -> bool:
    """Is on the affected list, or is the person to be served.

    In any circle: serving could destroy the privilege (invariant 3).
    """
    return peer.id in ctx.concerned_ids


def was_on_scene(peer: Person, ctx: SelectionContext) -> bool:
    """Was an initial responder, witness or party."""
    return peer.id in ctx.on_scene


def logged_it(peer: Person, ctx: SelectionContext) -> bool:
    """Logged the incident, and so belongs to circle E."""
    return peer.id == ctx.incident.logged_by


def reviews_it(peer: Person, ctx: SelectionContext) -> bool:
    """Investigates, reviews or represents in this event."""
    return peer.id in ctx.reviewers


def shares_unit(peer: Person, ctx: SelectionContext) -> bool:
    """Is of the same unit or crew as someone who acted or was present."""
    return crew(peer) in ctx.near_crews


def is_in_chain_of_command(peer: Person, ctx: SelectionContext) -> bool:
    """Stands above or below an affected person in the chain of command.

    Directly or through others (invariant 4).
    """
    commands = peer.id in ctx.commanders
    return commands or not ctx.above(peer.id, peer.reports_to).isdisjoint(ctx.concerned_ids)


def is_kept_apart(peer: Person, ctx: SelectionContext) -> bool:
    """Is never to be paired with an affected person.

    Whichever of the two the roster says it of; no reason is kept.
    """
    return peer.id in ctx.apart or not peer.not_with.isdisjoint(ctx.concerned_ids)


def was_refused(peer: Person, ctx: SelectionContext) -> bool:
    """Is not wanted by an affected person.

    By the one to be served; for a whole team, by anyone on the list.
    """
    asked_of = ctx.affected_ids if ctx.for_person is None else {ctx.for_person.id}
    return any((person_id, peer.id) in ctx.refused for person_id in asked_of)


def was_asked_before(peer: Person, ctx: SelectionContext) -> bool:
    """Was asked about this before; nobody is asked twice."""
    return peer.id in ctx.asked


def has_too_many_persons(peer: Person, ctx: SelectionContext) -> bool:
    """Already looks after as many people as one helper may."""
    return ctx.load(peer).open_persons >= ctx.policy.max_open_persons


def has_open_s3(peer: Person, ctx: SelectionContext) -> bool:
    """Already serves in another grave incident."""
    grave = ctx.incident.severity.at_least(Severity.S3)
    return grave and ctx.load(peer).s3_open >= ctx.policy.max_open_s3


def _rests(end: datetime | None, rest: timedelta, now: datetime) -> bool:
    return end is not None and now < end + rest


def rests_after_s3(peer: Person, ctx: SelectionContext) -> bool:
    """Rests after a grave incident."""
    return _rests(ctx.load(peer).last_s3_end, ctx.policy.rest_after_s3, ctx.now)


def rests_after_s2(peer: Person, ctx: SelectionContext) -> bool:
    """Rests after a serious incident."""
    return _rests(ctx.load(peer).last_s2_end, ctx.policy.rest_after_s2, ctx.now)


def was_active_often(peer: Person, ctx: SelectionContext) -> bool:
    """Was activated as often as one may be in 30 days."""
    return ctx.load(peer).activations_30d >= ctx.policy.max_activations_30d


def rests_after_own_incident(peer: Person, ctx: SelectionContext) -> bool:
    """Was affected by an incident lately, and is looked after rather than asked."""
    return _rests(ctx.load(peer).own_critical_incident_until, timedelta(0), ctx.now)


def is_away(peer: Person, ctx: SelectionContext) -> bool:
    """Has said that nobody is to ask them for a while."""
    return _rests(ctx.load(peer).away_until, timedelta(0), ctx.now)


def must_sleep(peer: Person, ctx: SelectionContext) -> bool:
    """Sleeps, is not on call, and the incident is not grave or urgent enough to wake anyone."""
    waking = ctx.urgent or ctx.incident.severity.at_least(Severity.S3) or peer.id in ctx.on_call
    return not waking and is_asleep(ctx.now, peer.zone, peer.sleep)


def was_designated_late(peer: Person, ctx: SelectionContext) -> bool:
    """Was not designated before the day of the incident: privilege may not attach.

    A warning, never a bar (domain.md 6).
    """
    return peer.designated_at is not None and peer.designated_at >= local_date(peer, ctx.started_at)


@dataclass(frozen=True, slots=True)
class HardRule:
    """A rule, the helpers it holds for, and whether it also ends an assignment when it comes true later."""

    code: str
    violated: Callable[[Person, SelectionContext], bool]
    helpers: frozenset[Helper] = SERVING
    lasting: bool = False

    @property
    def sentence(self) -> str:
        """Why not, in words for a coordinator; it names nobody."""
        return (self.violated.__doc__ or "").strip().partition("\n")[0]

    def holds_against(self, peer: Person, ctx: SelectionContext) -> bool:
        """Whether this rule keeps the peer out of this choice."""
        return ctx.helper in self.helpers and self.violated(peer, ctx)


ASLEEP = "asleep"
RULES: tuple[HardRule, ...] = (
    HardRule("no_role", lacks_role, EVERY_HELPER),
    HardRule("not_active", is_not_active, EVERY_HELPER, lasting=True),
    HardRule("on_leave", is_on_leave, EVERY_HELPER, lasting=True),
    HardRule("other_agency", is_of_another_agency, EVERY_HELPER),
    HardRule("not_designated", is_not_designated, PEERS),
    HardRule("no_certificate", lacks_certificate),
    HardRule("no_consent", has_not_consented, EVERY_HELPER),
    HardRule("opted_out", has_opted_out, EVERY_HELPER),
    HardRule("frozen", is_frozen, EVERY_HELPER),
    HardRule("affected", is_affected, EVERY_HELPER, lasting=True),
    HardRule("on_scene", was_on_scene, EVERY_HELPER, lasting=True),
    HardRule("logged_it", logged_it, lasting=True),
    HardRule("reviews_it", reviews_it, SERVING | {Helper.CLINICAL_DIRECTOR}, lasting=True),
    HardRule("same_unit", shares_unit),
    HardRule("chain_of_command", is_in_chain_of_command),
    HardRule("conflict", is_kept_apart),
    HardRule("refused", was_refused),
    HardRule("asked_before", was_asked_before),
    HardRule("too_many_persons", has_too_many_persons, PEERS),
    HardRule("open_s3", has_open_s3, PEERS),
    HardRule("rest_s3", rests_after_s3, PEERS),
    HardRule("rest_s2", rests_after_s2, PEERS),
    HardRule("active_often", was_active_often, PEERS),
    HardRule("own_incident", rests_after_own_incident, PEERS, lasting=True),
    HardRule("away", is_away, PEERS),
    HardRule(ASLEEP, must_sleep),
)
WARNINGS: tuple[HardRule, ...] = (HardRule("designated_late", was_designated_late, PEERS),)
