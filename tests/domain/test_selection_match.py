"""Who looks after whom."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.incident import Circle
from cism.domain.people import Discipline, Person
from cism.domain.selection import Load, SelectionPolicy, has_their_own, match_peers, may_serve
from tests.domain.selection_makers import context, incident, peer, responder

FIRE, DISPATCH = Discipline.FIRE, Discipline.DISPATCH


def test_a_dispatcher_gets_the_dispatch_peer_and_the_officers_the_other() -> None:
    persons = [responder("o1"), responder("d", discipline=DISPATCH), responder("o2")]
    peers = [peer("radio", discipline=DISPATCH), peer("patrol")]
    assert match_peers(peers, persons, context(*persons)) == {"o1": "patrol", "d": "radio", "o2": "patrol"}


def test_with_no_helper_or_no_person_there_is_no_pair() -> None:
    assert match_peers([], [responder("a")], context(responder("a"))) == {"a": None}
    assert match_peers([peer()], [], context()) == {}


def test_a_helper_of_another_discipline_is_better_than_none() -> None:
    assert match_peers([peer(discipline=FIRE)], [responder("a")], context(responder("a"))) == {"a": "p"}


def test_a_language_shared_decides_between_two_of_the_own_discipline() -> None:
    person = responder("a", language="es")
    peers = [peer("x"), peer("y", language="es")]
    assert match_peers(peers, [person], context(person)) == {"a": "y"}


def test_a_neighbours_crew_is_looked_after_by_its_own_people() -> None:
    persons = [responder("near", agency="ours"), responder("theirs", agency="ridge")]
    peers = [peer("x", agency="ridge"), peer("y", agency="ours")]
    assert match_peers(peers, persons, context(*persons)) == {"near": "y", "theirs": "x"}
    one_place = context(*persons, policy=SelectionPolicy(max_open_persons=1))
    assert match_peers(peers[:1], persons, one_place) == {"near": None, "theirs": "x"}


def test_people_are_spread_evenly_over_equal_helpers() -> None:
    persons = [responder(f"a{i}") for i in range(4)]
    matched = match_peers([peer("x"), peer("y")], persons, context(*persons))
    assert sorted(matched.values(), key=str) == ["x", "x", "y", "y"]


def test_no_helper_looks_after_more_than_three_counting_other_incidents() -> None:
    persons = [responder(f"a{i}") for i in range(5)]
    ctx = context(*persons, loads={"x": Load(open_persons=2), "y": Load(open_persons=3)})
    matched = list(match_peers([peer("x"), peer("y")], persons, ctx).values())
    assert (matched.count("x"), matched.count("y"), matched.count(None)) == (1, 0, 4)


def test_the_nearest_circle_is_served_first_when_places_are_few() -> None:
    persons = [responder(i) for i in ("e", "b", "a", "unlisted")]
    listed = incident(("e", Circle.E), ("b", Circle.B), ("a", Circle.A))
    ctx = context(
        incident=listed, people={p.id: p for p in persons}, policy=SelectionPolicy(max_open_persons=1)
    )
    two = match_peers([peer("x"), peer("y")], persons, ctx)
    assert {person for person, by in two.items() if by} == {"a", "b"}


@pytest.mark.parametrize(
    ("helper", "person"),
    [
        (peer("p", reports_to="a"), responder("a")),
        (peer("p"), responder("a", reports_to="p")),
        (peer("p", not_with=frozenset({"a"})), responder("a")),
        (peer("p"), responder("a", not_with=frozenset({"p"}))),
        (peer("p", unit="u"), responder("a", unit="u")),
        (peer("a"), responder("a")),
    ],
)
def test_invariant_4_and_the_other_rules_of_pairs_leave_a_person_without_rather_than_bend(
    helper: Person, person: Person
) -> None:
    assert match_peers([helper], [person], context(person)) == {"a": None}


def test_invariant_3_a_helper_put_on_the_list_later_serves_nobody() -> None:
    ctx = context(responder("a"), peer("p"))
    assert not may_serve(peer("p"), responder("a"), ctx)


def test_a_helper_serves_no_person_who_is_them_even_off_the_list() -> None:
    assert not may_serve(peer("p"), peer("p"), context())


def test_a_refusal_moves_only_the_person_who_refused() -> None:
    persons = [responder("a"), responder("b")]
    ctx = context(*persons, refused=frozenset({("a", "p")}))
    assert match_peers([peer("p")], persons, ctx) == {"a": None, "b": "p"}


def test_crew_mates_may_be_paired_where_neither_was_there() -> None:
    person = responder("a", unit="u")
    assert may_serve(peer("p", unit="u"), person, context(person, circle=Circle.C))
    assert may_serve(peer("p", unit=""), responder("a", unit=""), context(responder("a", unit="")))


def test_a_commander_put_on_the_list_later_leaves_the_other_pairs_alone() -> None:
    persons = [responder("a"), responder("chief")]
    matched = match_peers([peer("p", reports_to="chief")], persons, context(*persons))
    assert matched == {"a": "p", "chief": None}


def test_a_pair_that_exists_is_kept_and_one_that_became_forbidden_is_not() -> None:
    persons = [responder("a"), responder("b"), responder("c")]
    peers = [peer("x"), peer("fire", discipline=FIRE)]
    ctx = context(*persons, refused=frozenset({("b", "fire")}))
    kept = {"a": "fire", "b": "fire", "c": "gone"}
    matched = match_peers(peers, persons, ctx, kept=kept, spoken={"a"})
    assert matched == {"a": "fire", "b": "x", "c": "x"}


def test_somebody_of_the_own_discipline_takes_over_until_the_two_have_spoken() -> None:
    person = responder("d", discipline=DISPATCH)
    peers, ctx = [peer("patrol"), peer("radio", discipline=DISPATCH)], context(person)
    assert match_peers(peers, [person], ctx, kept={"d": "patrol"}) == {"d": "radio"}
    assert match_peers(peers, [person], ctx, kept={"d": "patrol"}, spoken={"d"}) == {"d": "patrol"}


def test_the_own_agency_takes_over_at_any_time_while_it_has_room() -> None:
    persons = [responder("r1", agency="ridge"), responder("r2", agency="ridge")]
    peers = [peer("ours"), peer("theirs", agency="ridge", discipline=FIRE)]
    kept, spoken = {"r1": "ours", "r2": "ours"}, {"r1", "r2"}
    ctx = context(*persons)
    assert match_peers(peers, persons, ctx, kept=kept, spoken=spoken) == {"r1": "theirs", "r2": "theirs"}
    one = context(
        *persons, policy=SelectionPolicy(max_open_persons=2), loads={"theirs": Load(open_persons=1)}
    )
    matched = match_peers(peers, persons, one, kept=kept, spoken=spoken)
    assert sorted(str(by) for by in matched.values()) == ["ours", "theirs"]


def test_only_a_helper_of_a_kind_that_the_team_lacks_is_one_too_many_and_still_wanted() -> None:
    persons = [responder("o"), responder("d", discipline=DISPATCH), responder("r", agency="ridge")]
    ctx = context(*persons, refused=frozenset({("d", "not-wanted")}))
    team = [peer("patrol")]
    assert has_their_own(peer("radio", discipline=DISPATCH), team, ctx)
    assert has_their_own(peer("theirs", agency="ridge"), team, ctx)
    assert not has_their_own(peer("patrol-2"), team, ctx)
    assert not has_their_own(peer("fire", discipline=FIRE), team, ctx)
    assert not has_their_own(peer("not-wanted", discipline=DISPATCH), team, ctx)
    assert not has_their_own(
        peer("radio", discipline=DISPATCH), [*team, peer("r-2", discipline=DISPATCH)], ctx
    )


def test_a_kept_pair_is_not_broken_to_make_room() -> None:
    persons = [responder("a"), responder("b")]
    ctx = context(*persons, refused=frozenset({("b", "y")}), policy=SelectionPolicy(max_open_persons=1))
    assert match_peers([peer("x"), peer("y")], persons, ctx, kept={"a": "x"}) == {"a": "x", "b": None}


def test_two_people_move_over_one_after_the_other_so_that_a_third_is_not_left_alone() -> None:
    persons = [responder("a"), responder("b"), responder("c", discipline=FIRE)]
    ctx = context(
        incident=incident(("a", Circle.A), ("b", Circle.B), ("c", Circle.C)),
        people={p.id: p for p in persons},
        known=frozenset({("a", "x"), ("b", "y")}),
        refused=frozenset({("a", "z"), ("b", "x"), ("c", "y"), ("c", "z")}),
        policy=SelectionPolicy(max_open_persons=1),
    )
    assert match_peers([peer("x"), peer("y"), peer("z")], persons, ctx) == {"a": "y", "b": "z", "c": "x"}


def test_a_pair_that_is_handed_over_loosens_no_other() -> None:
    persons = [responder("a", agency="ridge"), responder("b"), responder("c")]
    peers = [peer("far"), peer("near", agency="ridge"), peer("x"), peer("y")]
    refused = frozenset(("c", other) for other in ("far", "near", "y"))
    ctx = context(*persons, refused=refused, policy=SelectionPolicy(max_open_persons=1))
    found = match_peers(peers, persons, ctx, kept={"a": "far", "b": "x"})
    assert found == {"a": "near", "b": "x", "c": None}


def test_one_person_moves_over_so_that_another_is_not_left_alone() -> None:
    persons = [responder("a"), responder("b", discipline=FIRE)]
    peers = [peer("x"), peer("y", discipline=DISPATCH)]
    ctx = context(*persons, refused=frozenset({("b", "y")}), policy=SelectionPolicy(max_open_persons=1))
    assert match_peers(peers, persons, ctx) == {"a": "y", "b": "x"}


def _most(persons: list[Person], peers: list[Person], allowed: set[tuple[str, str]], cap: int) -> int:
    """By trying everything: the greatest number of people who can have a helper."""
    best = 0
    for chosen in product([None, *peers], repeat=len(persons)):
        pairs = [(a.id, b.id) for a, b in zip(persons, chosen, strict=True) if b is not None]
        helpers = [by for _, by in pairs]
        if set(pairs) <= allowed and all(helpers.count(by) <= cap for by in helpers):
            best = max(best, len(pairs))
    return best


def test_whoever_has_no_helper_of_the_own_discipline_does_not_take_that_of_another() -> None:
    persons = [responder("d", discipline=DISPATCH), responder("o")]
    listed = incident(("d", Circle.A), ("o", Circle.B))
    ctx = context(
        incident=listed, people={p.id: p for p in persons}, policy=SelectionPolicy(max_open_persons=1)
    )
    for other in ("w", "x", "y", "z"):  # whatever the lot says
        matched = match_peers([peer("patrol"), peer(other, discipline=FIRE)], persons, ctx)
        assert matched == {"d": other, "o": "patrol"}


ANY_LOT = [("x", "y"), ("y", "x"), ("v", "w"), ("w", "v")]


@pytest.mark.parametrize(("good", "other"), ANY_LOT)
def test_among_helpers_of_another_discipline_one_of_the_own_agency_comes_first(good: str, other: str) -> None:
    person = responder("a", agency="ridge")
    peers = [peer(good, agency="ridge", discipline=FIRE), peer(other, discipline=FIRE)]
    assert match_peers(peers, [person], context(person)) == {"a": good}


@pytest.mark.parametrize(("good", "other"), ANY_LOT)
def test_whoever_has_more_room_is_given_the_next_person(good: str, other: str) -> None:
    person = responder("a")
    ctx = context(person, loads={good: Load(open_persons=1), other: Load(open_persons=2)})
    assert match_peers([peer(good), peer(other)], [person], ctx) == {"a": good}


@pytest.mark.parametrize(("good", "other"), ANY_LOT)
def test_of_the_own_agency_that_takes_over_one_of_the_own_discipline_comes_first(
    good: str, other: str
) -> None:
    person = responder("a", agency="ridge")
    peers = [peer("far"), peer(good, agency="ridge"), peer(other, agency="ridge", discipline=FIRE)]
    assert match_peers(peers, [person], context(person), kept={"a": "far"}) == {"a": good}


@pytest.mark.parametrize("other", ["w", "x", "y", "z"])  # whatever the lot says
def test_a_helper_of_somebodys_discipline_is_left_to_them_also_by_another_agency(other: str) -> None:
    persons = [responder("d", discipline=DISPATCH), responder("o", agency="ridge")]
    ctx = context(
        incident=incident(("d", Circle.A), ("o", Circle.B)),
        people={p.id: p for p in persons},
        policy=SelectionPolicy(max_open_persons=1),
    )
    matched = match_peers([peer("patrol"), peer(other, discipline=FIRE)], persons, ctx)
    assert matched == {"d": other, "o": "patrol"}


def test_invariant_4_whoever_is_on_no_chart_is_asked_for_their_own_superior() -> None:
    assert not may_serve(peer("p"), responder("b", reports_to="p"), context())
    assert may_serve(peer("q"), responder("b", reports_to="p"), context())


@pytest.mark.parametrize("chart", [{"p": "a"}, {"a": "p"}])
def test_invariant_4_the_chart_counts_where_the_two_themselves_name_nobody(chart: dict[str, str]) -> None:
    person = responder("a")
    assert not may_serve(peer("p"), person, context(person, reports_to=chart))


@settings(max_examples=250, deadline=None)
@given(
    disciplines=st.lists(st.sampled_from([FIRE, DISPATCH]), min_size=7, max_size=7),
    count=st.integers(0, 4),
    refused=st.frozensets(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), max_size=8),
    kept=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"), max_size=1),
    cap=st.integers(1, 2),
    spoken=st.booleans(),
)
def test_nobody_is_left_alone_who_could_have_a_helper_and_no_rule_or_cap_is_bent(
    disciplines: list[Discipline],
    count: int,
    refused: frozenset[tuple[str, str]],
    kept: dict[str, str],
    cap: int,
    spoken: bool,
) -> None:
    persons = [responder(i, discipline=d) for i, d in zip("abcd"[:count], disciplines, strict=False)]
    peers = [peer(i, discipline=d) for i, d in zip("xyz", disciplines[4:], strict=True)]
    ctx = context(*persons, refused=refused, policy=SelectionPolicy(max_open_persons=cap))
    met = frozenset(kept) if spoken else frozenset()
    matched = match_peers(peers, persons, ctx, kept=kept, spoken=met)
    assert matched == match_peers(peers[::-1], persons[::-1], ctx, kept=kept, spoken=met)
    pairs = {(a, b) for a, b in matched.items() if b}
    assert pairs.isdisjoint(refused)
    assert all(list(matched.values()).count(p.id) <= cap for p in peers)
    held = {(a, b) for a, b in kept.items() if a in matched and (a, b) not in refused}
    holding = {a for a, _ in held}
    assert holding <= {a for a, _ in pairs}
    assert held <= pairs or not spoken
    allowed = {(a.id, b.id) for a in persons for b in peers if (a.id, b.id) not in refused}
    allowed = {pair for pair in allowed if pair in held or pair[0] not in holding}
    most = _most(persons, peers, allowed, cap)
    assert len(pairs) == most or (len(pairs) > most and not spoken)


@pytest.mark.parametrize(("helper", "person"), [("p", "a"), ("a", "p")])
def test_invariant_4_the_chain_of_command_is_walked_to_its_top_either_way_round(
    helper: str, person: str
) -> None:
    chief = responder("chief", reports_to="p")
    chart = {"a": responder("a", reports_to="chief"), "chief": chief, "p": responder("p")}
    ctx = context(people=chart)
    assert not may_serve(replace(peer(helper), reports_to=chart[helper].reports_to), chart[person], ctx)
    assert may_serve(peer("q"), chart[person], ctx)
