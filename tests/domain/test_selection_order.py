"""Who is asked first among those who pass."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.incident import Circle, Severity
from cism.domain.people import Cert, Discipline, Person
from cism.domain.selection import Load, choose, consider, match_peers, rank
from tests.domain.selection_makers import NIGHT, NIGHTS, context, incident, peer, responder

LAW, FIRE, DISPATCH = Discipline.LAW_ENFORCEMENT, Discipline.FIRE, Discipline.DISPATCH


def first(*pair: Person, **changes: Any) -> str:
    """Who of these comes first; asserted the same for both orders of input."""
    affected = changes.pop("affected", (responder("a", rank="officer", station="north"),))
    ctx = context(*affected, **changes)
    assert rank(pair, ctx) == rank(tuple(reversed(pair)), ctx)
    return rank(pair, ctx)[0].id


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"discipline": LAW}, {"discipline": FIRE}),
        ({"language": "en"}, {"language": "es"}),
        ({"station": "south"}, {"station": "north"}),
        ({"rank": "Officer", "station": "south"}, {"rank": "captain", "station": "south"}),
    ],
)
@pytest.mark.parametrize("names", [("x", "y"), ("y", "x")])
def test_whoever_fits_the_people_better_is_asked_first(
    better: dict[str, object], worse: dict[str, object], names: tuple[str, str]
) -> None:
    assert first(peer(names[0], **better), peer(names[1], **worse)) == names[0]


@pytest.mark.parametrize("load", [Load(activations_30d=1), Load(open_persons=1), Load(hours_30d=3.5)])
@pytest.mark.parametrize("names", [("x", "y"), ("y", "x")])
def test_whoever_did_less_lately_is_asked_first(load: Load, names: tuple[str, str]) -> None:
    assert first(peer(names[0]), peer(names[1]), loads={names[1]: load}) == names[0]


def test_the_sleeping_are_asked_last_however_well_they_fit() -> None:
    awake = peer("x", discipline=FIRE, language="es", sleep=NIGHTS)
    assert first(awake, peer("y"), now=NIGHT, severity=Severity.S4) == "x"


def test_whoever_is_on_call_is_asked_first_even_asleep_and_however_well_another_fits() -> None:
    on_call = peer("x", discipline=FIRE, language="es")
    assert first(on_call, peer("y"), on_call=frozenset({"x"})) == "x"
    awake = peer("y", sleep=NIGHTS)
    assert first(on_call, awake, on_call=frozenset({"x"}), now=NIGHT, severity=Severity.S4) == "x"


def test_whoever_fits_half_of_the_people_gets_half_of_the_points() -> None:
    affected = (responder("a"), responder("b", language="es"))
    busy = {"x": Load(activations_30d=1)}  # takes more than half of the points of a language, not all
    assert first(peer("x"), peer("y", language="fr"), affected=affected, loads=busy) == "y"
    assert first(peer("x"), peer("y", language="fr"), affected=affected[:1], loads=busy) == "x"


def test_one_of_their_own_discipline_comes_before_one_of_their_agency_alone() -> None:
    known = peer("x", discipline=FIRE)
    assert first(known, peer("y"), known=frozenset({("a", "x")})) == "y"


def test_mutual_aid_is_asked_after_all_of_the_own_also_after_the_sleeping() -> None:
    ctx = context(responder("a"), now=NIGHT, mutual_aid=frozenset({"county"}))
    neighbour = peer("x", agency="county", sleep=NIGHTS)
    chosen = choose([neighbour, peer("y")], ctx)
    assert chosen.own == (peer("y"),)
    assert chosen.mutual_aid == (neighbour,)
    assert [p.id for p in rank([neighbour, peer("y")], ctx)] == ["y", "x"]


def test_mutual_aid_relaxes_no_rule() -> None:
    ctx = context(responder("a"), mutual_aid=frozenset({"county"}))
    expired = peer("x", agency="county", certs=(Cert("SFA", date(2020, 1, 1)),))
    assert choose([expired], ctx).mutual_aid == ()


def test_the_agency_of_an_affected_person_counts_as_own() -> None:
    dispatcher = responder("d", agency="radio", discipline=DISPATCH)
    ctx = context(responder("a"), dispatcher, mutual_aid=frozenset({"radio"}))
    assert [p.id for p in choose([peer("r", agency="radio", discipline=DISPATCH)], ctx).own] == ["r"]


def test_a_dispatcher_on_the_list_brings_a_dispatch_peer_into_the_first_two() -> None:
    officers = [responder(f"o{i}") for i in range(3)]
    ctx = context(*officers, responder("d", discipline=DISPATCH))
    roster = [peer(f"p{i}") for i in range(5)] + [peer("radio", discipline=DISPATCH)]
    assert [p.discipline for p in rank(roster, ctx)][:3] == [LAW, DISPATCH, LAW]


def test_a_discipline_that_the_team_has_already_is_not_preferred_again() -> None:
    people = (responder("o1"), responder("o2"), responder("d", discipline=DISPATCH))
    roster = [peer("p1"), peer("p2"), peer("radio", discipline=DISPATCH)]
    ctx = context(*people, team=(peer("serving", discipline=DISPATCH), peer("p0")))
    assert rank(roster, ctx)[2].id == "radio"


def test_a_discipline_found_among_the_awake_is_not_preferred_among_the_sleeping() -> None:
    people = (responder("o1"), responder("o2"), responder("d", discipline=DISPATCH))
    asleep = [peer("p1"), peer("p2"), peer("radio-2", discipline=DISPATCH)]
    awake = peer("radio-1", discipline=DISPATCH, sleep=NIGHTS)
    order = [p.id for p in rank([*asleep, awake], context(*people, now=NIGHT))]
    assert (order[0], order[3]) == ("radio-1", "radio-2")


def test_the_one_person_to_be_served_decides_the_fit() -> None:
    ctx = context(responder("a"), responder("b"), for_person=responder("f", discipline=FIRE, language="es"))
    assert rank([peer("x"), peer("y", discipline=FIRE, language="es")], ctx)[0].id == "y"


def test_with_nobody_known_on_the_list_the_lot_decides() -> None:
    ctx = context(incident=incident(("unknown", Circle.A)))
    assert {p.id for p in rank([peer("x"), peer("y")], ctx)} == {"x", "y"}


def test_equal_peers_take_turns_by_incident_and_the_lot_never_changes() -> None:
    peers = [peer(f"p{i}") for i in range(4)]
    firsts = [rank(peers, context(incident=incident(ref=f"i{n}")))[0].id for n in range(60)]
    assert firsts == [rank(peers[::-1], context(incident=incident(ref=f"i{n}")))[0].id for n in range(60)]
    assert set(firsts) == {"p0", "p1", "p2", "p3"}


IDS = [f"x{i}" for i in range(8)]
some_ids = st.frozensets(st.sampled_from(IDS), max_size=3)
charts = st.dictionaries(st.sampled_from(IDS), st.none() | st.sampled_from(IDS))
people = st.fixed_dictionaries(
    {
        i: st.builds(
            peer,
            st.just(i),
            unit=st.sampled_from(["", "u1", "u2", "u3"]),
            not_with=some_ids,
            discipline=st.sampled_from([LAW, FIRE, DISPATCH]),
            agency=st.sampled_from(["metro", "county"]),
        )
        for i in IDS
    }
)


def _above(person_id: str, chart: dict[str, str | None]) -> set[str]:
    """Written apart from the code under test: everyone above, by repeated steps."""
    above: set[str] = set()
    for _ in IDS:
        above |= {boss for i in {person_id, *above} if (boss := chart.get(i)) is not None}
    return above


@settings(max_examples=300, deadline=None)
@given(
    roster=people,
    listed=st.lists(st.sampled_from(IDS), unique=True, max_size=4),
    late=st.sampled_from(IDS),
    circles=st.lists(st.sampled_from(list(Circle)), min_size=5, max_size=5),
    chart=charts,
    refused=st.frozensets(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=3),
)
def test_adding_an_affected_person_never_adds_a_candidate_and_no_candidate_is_involved(
    roster: dict[str, Person],
    listed: list[str],
    late: str,
    circles: list[Circle],
    chart: dict[str, str | None],
    refused: frozenset[tuple[str, str]],
) -> None:
    def candidates(ids: list[str]) -> set[str]:
        ctx = context(
            incident=incident(*zip(ids, circles, strict=False)),
            people={i: roster[i] for i in ids},
            reports_to=chart,
            refused=refused,
            mutual_aid=frozenset({"county"}),
        )
        chosen = choose(roster.values(), ctx)
        found = {p.id for p in (*chosen.own, *chosen.mutual_aid)}
        assert found == {i for i, p in roster.items() if not consider(p, ctx)}
        return found

    before = candidates(listed)
    assert candidates([*listed, *({late} - set(listed))]) <= before
    for i in before:
        for affected in listed:
            assert i != affected
            assert affected not in _above(i, chart)
            assert i not in _above(affected, chart)
            assert i not in roster[affected].not_with
            assert affected not in roster[i].not_with
            assert (affected, i) not in refused


def test_a_helper_whom_they_know_is_asked_before_others_who_fit_as_well() -> None:
    served = responder("r1")
    others = [peer(f"p{number}") for number in range(6)]
    last = rank(others, context(served))[-1]
    assert rank(others, context(served, known=frozenset({("r1", last.id)})))[0] is last


def test_a_person_gets_the_helper_whom_they_know() -> None:
    persons, helpers = (responder("r1"), responder("r2")), (peer("p1"), peer("p2"))
    for helper in ("p1", "p2"):
        ctx = context(*persons, known=frozenset({("r1", helper)}))
        assert match_peers(helpers, persons, ctx)["r1"] == helper
