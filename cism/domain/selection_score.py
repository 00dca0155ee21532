"""Who of those who pass is asked first: own agency, on call, awake, by points, by a lot that stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b
from itertools import groupby

from cism.domain.people import Discipline, Person
from cism.domain.quiet_hours import is_asleep
from cism.domain.selection_context import SelectionContext

_Kind = Discipline | str  # a discipline, or the key of an agency


def draw(incident_id: str, peer_id: str) -> str:
    """A lot that differs by incident, so that ties do not always fall on the same peer."""
    return blake2b(peer_id.encode(), key=incident_id.encode()[:64], digest_size=8).hexdigest()


def _share(ctx: SelectionContext, fits: Callable[[Person], bool]) -> float:
    served = ctx.to_serve
    return sum(map(fits, served)) / len(served) if served else 0.0


def _elsewhere(peer: Person, person: Person) -> bool:
    return (peer.agency, peer.station) != (person.agency, person.station)


def _same_rank(peer: Person, person: Person) -> bool:
    return bool(peer.rank) and peer.rank.casefold() == person.rank.casefold()


def points(peer: Person, ctx: SelectionContext) -> float:
    """How well a peer fits the people to be served, less what the peer did lately."""
    policy, load = ctx.policy, ctx.load(peer)
    fit = (
        policy.points_known * _share(ctx, lambda p: (p.id, peer.id) in ctx.known)
        + policy.points_same_discipline * _share(ctx, lambda p: p.discipline is peer.discipline)
        + policy.points_language * _share(ctx, lambda p: p.language == peer.language)
        + policy.points_other_station * _share(ctx, lambda p: _elsewhere(peer, p))
        + policy.points_rank_parity * _share(ctx, lambda p: _same_rank(peer, p))
    )
    lately = (
        policy.points_off_per_activation * load.activations_30d
        + policy.points_off_per_open_person * load.open_persons
        + policy.points_off_per_hour * load.hours_30d
    )
    return fit - lately


def is_mutual_aid(peer: Person, ctx: SelectionContext) -> bool:
    """Whether a peer comes from an agency that has nobody on the list: asked after all others."""
    own = {ctx.incident.agency} | {person.agency for person in ctx.to_serve}
    return peer.agency not in own


def _queue(peer: Person, ctx: SelectionContext) -> tuple[bool, bool, bool]:
    ready = peer.id in ctx.on_call
    return is_mutual_aid(peer, ctx), not ready, not ready and is_asleep(ctx.now, peer.zone, peer.sleep)


def _own_kind_first(queue: list[Person], wanted: list[_Kind]) -> list[Person]:
    """Move the best peer of each wanted kind to the front; found kinds leave `wanted`."""
    front: list[Person] = []
    for kind in list(wanted):
        found = next((peer for peer in queue if kind in _kinds(peer)), None)
        if found is not None:
            front += [] if found in front else [found]
            wanted.remove(kind)
    return front + [peer for peer in queue if peer not in front]


def _kinds(person: Person) -> tuple[_Kind, ...]:
    return (person.discipline, person.agency)


def lacking(team: Iterable[Person], ctx: SelectionContext) -> frozenset[_Kind]:
    """The disciplines and agencies on the list of which nobody is among these helpers."""
    have = {kind for peer in team for kind in _kinds(peer)}
    return frozenset(kind for person in ctx.to_serve for kind in _kinds(person)) - have


def is_of(peer: Person, kinds: Collection[_Kind]) -> bool:
    """Whether a person is of one of these disciplines or agencies."""
    return not frozenset(kinds).isdisjoint(_kinds(peer))


def rank(candidates: Iterable[Person], ctx: SelectionContext) -> list[Person]:
    """Order those who passed the rules: first to be asked first, the same for any order of input.

    Own agencies before mutual aid, who is on call before all others, the awake before the sleeping, then one
    of each discipline and of each agency on the list that the team does not have yet (a dispatcher gets a
    dispatch peer, a neighbours' crew one of its own), then by points, then by lot.
    """
    counts = Counter(kind for person in ctx.to_serve for kind in _kinds(person))
    wanted = sorted(
        lacking(ctx.team, ctx),
        key=lambda kind: (not isinstance(kind, Discipline), -counts[kind], str(kind)),
    )
    ordered = sorted(
        candidates,
        key=lambda p: (*_queue(p, ctx), -points(p, ctx), draw(ctx.incident.id, p.id), p.id),
    )
    ranked: list[Person] = []
    for _, queue in groupby(ordered, key=lambda p: _queue(p, ctx)):
        ranked += _own_kind_first(list(queue), wanted)
    return ranked
