"""Who may be asked, why not, in which order, and who looks after whom (domain.md 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cism.domain.incident import Circle
from cism.domain.people import Person
from cism.domain.selection_context import (
    Helper,
    Load,
    SelectionContext,
    SelectionPolicy,
    crew,
)
from cism.domain.selection_rules import ASLEEP, RULES, WARNINGS, HardRule, is_affected
from cism.domain.selection_score import draw, is_mutual_aid, is_of, lacking, rank

__all__ = [
    "RULES",
    "WARNINGS",
    "Chosen",
    "HardRule",
    "Helper",
    "Load",
    "Reason",
    "SelectionContext",
    "SelectionPolicy",
    "choose",
    "consider",
    "explain",
    "has_their_own",
    "match_peers",
    "may_serve",
    "must_step_back",
    "rank",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a helper is not asked; with `hard` False only a warning for the coordinator."""

    code: str
    sentence: str
    hard: bool = True


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who may be asked, first first: the own agencies' helpers, and those of mutual aid.

    `when_up`: those whom nothing keeps out but their sleep.
    """

    own: tuple[Person, ...]
    mutual_aid: tuple[Person, ...]
    when_up: tuple[Person, ...] = ()


def explain(peer: Person, ctx: SelectionContext) -> list[Reason]:
    """Everything that speaks against a helper, in the order of the rules, then the warnings."""
    hard = [Reason(r.code, r.sentence) for r in RULES if r.holds_against(peer, ctx)]
    return hard + [Reason(r.code, r.sentence, hard=False) for r in WARNINGS if r.holds_against(peer, ctx)]


def consider(peer: Person, ctx: SelectionContext) -> list[str]:
    """The codes of the rules that keep a helper out; empty means that they may be asked."""
    return [rule.code for rule in RULES if rule.holds_against(peer, ctx)]


def must_step_back(peer: Person, ctx: SelectionContext) -> list[Reason]:
    """Why someone who serves may not go on, for instance put on the affected list later (domain.md 11.3).

    Rules about pairs (chain of command, conflict, refusal) are not among them: `match_peers` minds those.
    """
    return [Reason(r.code, r.sentence) for r in RULES if r.lasting and r.holds_against(peer, ctx)]


def choose(roster: Iterable[Person], ctx: SelectionContext) -> Chosen:
    """Apply every hard rule, then put those who pass in order."""
    against = [(peer, consider(peer, ctx)) for peer in roster]
    ranked = rank([peer for peer, codes in against if not codes], ctx)
    return Chosen(
        own=tuple(peer for peer in ranked if not is_mutual_aid(peer, ctx)),
        mutual_aid=tuple(peer for peer in ranked if is_mutual_aid(peer, ctx)),
        when_up=tuple(peer for peer, codes in against if codes == [ASLEEP]),
    )


def may_serve(peer: Person, person: Person, ctx: SelectionContext) -> bool:
    """Whether this helper may look after this person (invariants 3 and 4, conflicts, refusals, own crew)."""
    chain = person.id in ctx.above(peer.id, peer.reports_to)
    chain = chain or peer.id in ctx.above(person.id, person.reports_to)
    apart = person.id in peer.not_with or peer.id in person.not_with
    crew_mates = person.id in ctx.near_ids and crew(peer) is not None and crew(peer) == crew(person)
    refused = (person.id, peer.id) in ctx.refused
    involved = is_affected(peer, ctx) or peer.id == person.id
    return not (involved or chain or apart or refused or crew_mates)


def has_their_own(peer: Person, team: Sequence[Person], ctx: SelectionContext) -> bool:
    """Whether somebody on the list would be looked after by their own people through this helper alone.

    Of a discipline or an agency that the team lacks: a dispatcher gets a dispatch peer, and the names of a
    neighbours' crew stay with their own agency (domain.md 10, C and D).
    """
    missing = {kind for kind in lacking(team, ctx) if is_of(peer, {kind})}
    return any(is_of(person, missing) and may_serve(peer, person, ctx) for person in ctx.to_serve)


# How near a helper has to be, in the order in which helpers are given.
_ANYBODY, _OWN_DISCIPLINE, _OWN_PEOPLE = range(3)


def match_peers(
    peers: Sequence[Person],
    persons: Sequence[Person],
    ctx: SelectionContext,
    *,
    kept: Mapping[str, str] | None = None,
    spoken: Collection[str] = (),
) -> dict[str, str | None]:
    """Give each person one of the accepted helpers, or None where no rule-abiding place is left.

    Nobody who can have a helper goes without; where that allows it, one of their own discipline and agency
    (a neighbours' crew is looked after by its own people); the nearest circles come first. `kept` (person ->
    helper) are pairs that exist: they stay while they may. Somebody of the own agency who joins the team late
    still takes over, and somebody of the own discipline whoever has not `spoken` with their helper yet.
    """
    matching = _Matching(peers, _nearest_first(persons, ctx), ctx, kept or {})
    matching.hand_over(spoken)
    for near in (_OWN_PEOPLE, _OWN_DISCIPLINE, _ANYBODY):
        for person in matching.persons:
            if person.id not in matching.peer_of:
                matching.place(person, near=near, tried=set())
    return {person.id: matching.peer_of.get(person.id) for person in persons}


def _nearest_first(persons: Sequence[Person], ctx: SelectionContext) -> list[Person]:
    circle = {a.person_id: a.circle for a in ctx.incident.affected}
    return sorted(persons, key=lambda p: (circle.get(p.id, Circle.F), draw(ctx.incident.id, p.id)))


class _Matching:
    """Augmenting paths: a full helper may pass a person on to another one who also fits."""

    def __init__(
        self,
        peers: Sequence[Person],
        persons: Sequence[Person],
        ctx: SelectionContext,
        kept: Mapping[str, str],
    ) -> None:
        self.ctx = ctx
        self.persons = persons
        self._person = {person.id: person for person in persons}
        self._fits = {person.id: [p for p in peers if may_serve(p, person, ctx)] for person in persons}
        self._peer = {peer.id: peer for peer in peers}
        self._room = {p.id: ctx.policy.max_open_persons - ctx.load(p).open_persons for p in peers}
        self.peer_of: dict[str, str] = {}
        self._fixed = self._keep(kept)

    def _keep(self, kept: Mapping[str, str]) -> frozenset[str]:
        for person in self.persons:
            if kept.get(person.id) in {peer.id for peer in self._fits[person.id]}:
                self.peer_of[person.id] = kept[person.id]
        return frozenset(self.peer_of)

    def hand_over(self, spoken: Collection[str]) -> None:
        """Pairs that exist give way to the person's own people, where one of those has room."""
        for person in self.persons:
            found = next((p for p in self._nearer(person, spoken) if self._has_room(p)), None)
            if found is not None:
                self.peer_of[person.id] = found.id
                self._fixed -= {person.id}

    def _nearer(self, person: Person, spoken: Collection[str]) -> list[Person]:
        if person.id not in self.peer_of:
            return []
        now = self._peer[self.peer_of[person.id]]
        own = [peer for peer in self._choices(person, near=_ANYBODY) if peer.agency == person.agency]
        if now.agency != person.agency:
            return own
        if now.discipline is person.discipline or person.id in spoken:
            return []
        return [peer for peer in own if peer.discipline is person.discipline]

    def _has_room(self, peer: Person) -> bool:
        return len(self._served_by(peer.id)) < self._room[peer.id]

    def _served_by(self, peer_id: str) -> list[str]:
        return [person_id for person_id, by in self.peer_of.items() if by == peer_id]

    def _choices(self, person: Person, *, near: int) -> list[Person]:
        """Those who fit, best first: known to them, own discipline, agency, language, fewest, then by lot."""
        fits = self._fits[person.id]
        if near >= _OWN_DISCIPLINE:
            fits = [peer for peer in fits if peer.discipline is person.discipline]
        if near >= _OWN_PEOPLE:
            fits = [peer for peer in fits if peer.agency == person.agency]
        return sorted(
            fits,
            key=lambda p: (
                (person.id, p.id) not in self.ctx.known,
                p.discipline is not person.discipline,
                p.agency != person.agency,
                p.language != person.language,
                len(self._served_by(p.id)) - self._room[p.id],
                draw(self.ctx.incident.id, p.id),
            ),
        )

    def place(self, person: Person, *, near: int, tried: set[str]) -> bool:
        """Find a helper with room for a person, moving others on where that makes room."""
        choices = [p for p in self._choices(person, near=near) if p.id not in tried]
        for peer in choices:
            if self._has_room(peer):
                self.peer_of[person.id] = peer.id
                return True
        for peer in choices:
            if peer.id not in tried:
                tried.add(peer.id)
                if self._pass_on(peer, near=near, tried=tried):
                    self.peer_of[person.id] = peer.id
                    return True
        return False

    def _pass_on(self, peer: Person, *, near: int, tried: set[str]) -> bool:
        movable = [i for i in self._served_by(peer.id) if i not in self._fixed]
        return any(self.place(self._person[i], near=near, tried=tried) for i in movable)
