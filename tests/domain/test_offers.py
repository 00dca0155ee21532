"""What is offered beside the groups: by type and protocol together, while there is time, never by guess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cism.domain.incident import Affected, Circle, IncidentState, Severity
from cism.domain.offer_kinds import EMPLOYERS, OfferKind
from cism.domain.offers import OfferBlocked, OfferPlan, plan_offers
from cism.domain.people import Person, PersonStatus
from cism.domain.protocol import OfferRule, Protocol, ProtocolInvalid, load_protocol, parse_protocol
from tests.domain.test_protocol_errors import NAME, SHIPPED
from tests.domain.test_sessions import HOUR, NOON, crew, incident, on_list

DAY = timedelta(days=1)


def rule(kind: str, **fields: object) -> OfferRule:
    """A rule by the coordinator, unless something else is said."""
    given: dict[str, object] = {"kind": kind, "within": "24h"}
    if "serve" not in fields:
        given["by"] = "coordinator"
    return OfferRule.model_validate(given | fields)


def by(*rules: OfferRule) -> Protocol:
    return load_protocol("sfa-follow-up").model_copy(update={"offers": rules})


def offered(
    type_: str, affected: tuple[Affected, ...], people: Iterable[Person], *rules: OfferRule, **changes: object
) -> list[OfferPlan]:
    event = replace(incident(type_, affected), **changes)  # type: ignore[arg-type]
    now = changes.get("now", NOON)
    assert isinstance(now, datetime)
    return plan_offers(event, {one.id: one for one in people}, by(*rules), now)


def test_what_the_type_lists_is_offered_in_the_protocols_way_and_nothing_else() -> None:
    (ana,) = people = crew(1)
    rules = (rule("family_support"), rule("organisational_consultation"), rule("relief_from_tour"))
    kinds = {
        type_: [plan.kind for plan in offered(type_, on_list(people, NOON), [ana], *rules)]
        for type_ in ("LODD", "MEDIA", "TRESPASSER_STRIKE", "OTHER", "NO_SUCH_TYPE")
    }
    assert kinds == {
        "LODD": ["family_support", "organisational_consultation"],
        "MEDIA": ["organisational_consultation"],
        "TRESPASSER_STRIKE": ["relief_from_tour"],
        "OTHER": [],
        "NO_SUCH_TYPE": [],
    }


def test_an_offer_for_everybody_and_the_teams_own_support_need_no_type() -> None:
    rules = (rule("pastoral", always=True), rule("post_action_staff_support", serve=["peer"]))
    found = offered("NO_SUCH_TYPE", (), [], *rules)
    assert [plan.kind for plan in found] == ["pastoral", "post_action_staff_support"]


def test_a_referral_is_never_planned_because_somebody_has_to_ask_for_it() -> None:
    assert offered("LODD", (), [], rule("referral", serve=["clinician"], always=True)) == []


def test_an_incident_that_is_over_or_not_grave_enough_offers_nothing() -> None:
    grave = rule("organisational_consultation", severities=["S4"])
    assert offered("MEDIA", (), [], rule("organisational_consultation"), state=IncidentState.CLOSED) == []
    assert offered("MEDIA", (), [], grave, severity=Severity.S3) == []
    assert len(offered("MEDIA", (), [], grave, severity=Severity.S4)) == 1


def test_each_person_is_counted_from_their_own_end_and_one_still_out_there_is_not_guessed() -> None:
    ana, ben, cal = people = crew(3)
    affected = (*on_list([ana], NOON - HOUR), *on_list([ben], NOON - 3 * HOUR), *on_list([cal], None))
    (first, second) = offered(
        "LODD", affected, people, rule("pastoral", each="person", anchor="exposure_end", after="4h")
    )
    assert [(plan.person_id, plan.due_at) for plan in (first, second)] == [
        (ana.id, NOON + 3 * HOUR),
        (ben.id, NOON + HOUR),
    ]
    assert first.since == NOON - HOUR
    assert first.by_at == NOON - HOUR + DAY


def test_the_dead_those_who_ended_it_and_strangers_to_the_roster_are_offered_nothing() -> None:
    ana, ben, cal = crew(3)
    affected = (*on_list([ana], NOON), replace(on_list([ben], NOON)[0], ended=True), *on_list([cal], NOON))
    found = offered(
        "LODD", affected, [replace(ana, status=PersonStatus.DECEASED), ben], rule("pastoral", each="person")
    )
    assert found == []


def test_whoever_stands_below_the_dead_and_a_stranger_on_the_list_is_offered_theirs() -> None:
    ana, ben, cal = crew(3)
    affected = on_list([ana, ben, cal], NOON)
    known = [replace(ana, status=PersonStatus.DECEASED), cal]
    found = offered("LODD", affected, known, rule("pastoral", each="person"))
    assert [plan.person_id for plan in found] == [cal.id]


def test_an_offer_that_comes_late_still_leaves_time_to_make_it() -> None:
    (ana,) = people = crew(1)
    for late in (9 * DAY, DAY):  # long ago, and at the very end of its time
        affected = on_list(people, NOON - late)
        (plan,) = offered("LODD", affected, [ana], rule("pastoral", each="person", anchor="exposure_end"))
        assert (plan.blocked, plan.due_at, plan.by_at) == (None, NOON, NOON + 4 * HOUR)


def test_on_scene_support_is_for_while_it_goes_on_and_one_to_one_comes_instead() -> None:
    scene = rule("on_scene_support", serve=["peer"], within="2h")
    for ended, blocked, instead in (
        (None, None, None),
        (NOON + HOUR, None, None),
        (NOON, OfferBlocked.SCENE_OVER, OfferKind.ONE_ON_ONE),
        (NOON - HOUR, OfferBlocked.SCENE_OVER, OfferKind.ONE_ON_ONE),
    ):
        (plan,) = offered("HOSTAGE", (), [], scene, ended_at=ended)
        assert (plan.blocked, plan.alternative) == (blocked, instead)


def test_a_family_is_not_approached_before_next_of_kin_are_told_and_then_without_asking_a_responder() -> None:
    ana, mia = people = crew(2)
    affected = (*on_list([ana], NOON), *on_list([mia], NOON, Circle.F))
    family = rule("family_support", each="person", by="assigned_peer", circles=["A", "B", "F"])
    waits, told = (
        {plan.person_id: plan for plan in offered("LODD", affected, people, family, kin_notified=kin)}
        for kin in (False, True)
    )
    assert (waits[mia.id].blocked, waits[mia.id].alternative) == (OfferBlocked.KIN_NOT_TOLD, None)
    assert (told[mia.id].blocked, told[mia.id].formal) == (None, True)
    assert {plan[ana.id].formal for plan in (waits, told)} == {False}
    assert {plan[ana.id].blocked for plan in (waits, told)} == {None}


def test_families_are_left_out_unless_a_rule_names_them() -> None:
    (mia,) = people = crew(1)
    found = offered("LODD", on_list([mia], NOON, Circle.F), people, rule("family_support", each="person"))
    assert found == []


@pytest.mark.parametrize(
    ("anchor", "facts", "since"),
    [
        ("logged", {}, NOON),
        ("incident_start", {}, NOON),
        ("incident_start", {"occurred_at": NOON - HOUR}, NOON - HOUR),
        ("incident_end", {}, None),
        ("incident_end", {"ended_at": NOON - HOUR}, NOON - HOUR),
        ("funeral", {}, None),
        ("funeral", {"funeral_at": NOON + DAY}, NOON + DAY),
    ],
)
def test_hours_run_from_what_is_known_and_from_nothing_else(
    anchor: str, facts: dict[str, object], since: datetime | None
) -> None:
    found = offered("LODD", (), [], rule("organisational_consultation", anchor=anchor), **facts)
    assert [plan.since for plan in found] == ([] if since is None else [since])


def test_somebody_added_later_is_offered_it_from_then_on() -> None:
    (ana,) = people = crew(1)
    late = replace(on_list(people, NOON)[0], added_at=NOON + 2 * HOUR)
    (plan,) = offered("LODD", (late,), [ana], rule("pastoral", each="person"))
    assert plan.since == NOON + 2 * HOUR


def test_the_team_is_supported_within_a_day_of_each_session_and_called_days_later_where_that_is_over() -> (
    None
):
    staff = rule("post_action_staff_support", each="session", anchor="session_end", serve=["peer"])
    event = incident("CHILD", ())
    ends = {"s1": NOON - HOUR, "s2": NOON - DAY, "s3": NOON + HOUR}
    found = {plan.session_id: plan for plan in plan_offers(event, {}, by(staff), NOON, session_ends=ends)}
    assert {key: plan.blocked for key, plan in found.items()} == {
        "s1": None,
        "s2": OfferBlocked.TOO_LATE,
        "s3": None,
    }
    assert found["s2"].alternative is OfferKind.TEAM_CHECK_IN
    assert (found["s3"].due_at, found["s3"].by_at) == (NOON + HOUR, NOON + HOUR + DAY)
    assert plan_offers(event, {}, by(staff), NOON) == []


def test_planning_twice_finds_the_same_offers_by_the_same_keys() -> None:
    people = crew(3)
    rules = (rule("pastoral", each="person"), rule("organisational_consultation"))
    first, second = (offered("LODD", on_list(people, NOON), people, *rules) for _ in range(2))
    assert first == second
    keys = [*(f"pastoral:{one.id}" for one in people), "organisational_consultation"]
    assert [plan.key for plan in first] == keys  # they are kept, so they stay what they are


def test_whether_somebody_accepted_is_kept_of_the_employers_acts_alone() -> None:
    assert OfferKind.COUNSELLING not in EMPLOYERS
    assert {kind.value for kind in EMPLOYERS} == {
        "relief_information",
        "relief_from_tour",
        "transport_home",
        "relief_next_tours",
        "treatment_leave",
        "other_railroad",
    }


GOOD: list[tuple[str, str]] = [
    ("organisational_consultation", "by: coordinator, within: 24h"),
    ("pastoral", "each: person, by: assigned_peer, within: 24h, serve: [chaplain]"),
    ("referral", "within: 24h, serve: [clinician]"),
    (
        "post_action_staff_support",
        "each: session, anchor: session_end, within: 24h, serve: [clinician, peer]",
    ),
]
BAD: list[tuple[str, str, str, str]] = [
    ("pastoral", "by: coordinator, after: 24h, within: 24h", ".within", "write more than after"),
    ("pastoral", "by: coordinator, within: 24h, ack: 0h", ".ack", "write e.g. 4h"),
    (
        "organisational_consultation",
        "each: person, by: coordinator, within: 24h",
        ".each",
        "never about one person; write incident",
    ),
    (
        "pastoral",
        "each: session, anchor: session_end, by: coordinator, within: 24h",
        ".each",
        "only the team itself",
    ),
    (
        "team_check_in",
        "each: session, within: 96h, serve: [peer]",
        ".anchor",
        "each: session and anchor: session_end belong together",
    ),
    ("pastoral", "anchor: exposure_end, by: coordinator, within: 24h", ".anchor", "write each: person"),
    ("individual_session", "within: 7d", "", "nobody makes this offer"),
    ("pastoral", "by: assigned_peer, within: 24h", ".by", "a peer is assigned to a person"),
    ("pastoral", "serve: [chaplain], within: 24h", "", "a chaplain comes on request"),
    (
        "organisational_consultation",
        "serve: [peer], within: 24h",
        ".by",
        "goes to command through the coordinator",
    ),
    ("pastoral", "by: coordinator, serve: [peer], within: 24h", ".serve", "write one of chaplain"),
    ("counselling", "by: coordinator, serve: [peer], within: 24h", ".serve", "take serve out"),
    ("referral", "by: coordinator, within: 24h, serve: [clinician]", ".by", "take by out"),
    (
        "post_action_staff_support",
        "within: 25h, serve: [peer]",
        ".within",
        "within a day; write 24h or less",
    ),
]


def with_offers(*lines: str) -> str:
    shipped = SHIPPED.partition("\noffers:")[0]
    return shipped + "\noffers:\n" + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(("kind", "fields"), GOOD)
def test_an_offer_that_somebody_can_make_in_time_is_allowed(kind: str, fields: str) -> None:
    (read,) = parse_protocol(with_offers(f"{{kind: {kind}, {fields}}}"), NAME).offers
    assert read.kind == kind


@pytest.mark.parametrize(("kind", "fields", "where", "what"), BAD, ids=[f"{b[0]} {b[3]}" for b in BAD])
def test_an_offer_that_nobody_can_make_or_nobody_should_is_refused_at_its_line(
    kind: str, fields: str, where: str, what: str
) -> None:
    text = with_offers(f"{{kind: {kind}, {fields}}}")
    with pytest.raises(ProtocolInvalid) as refused:
        parse_protocol(text, NAME)
    line = text[: text.index(f"kind: {kind}")].count("\n") + 1
    told = [one for one in refused.value.errors if f":{line}: offers[0]{where}: " in one]
    assert len(told) == 1
    assert what in told[0]


def test_the_same_offer_is_not_written_twice() -> None:
    twice = with_offers(*["{kind: pastoral, by: coordinator, within: 24h}"] * 2)
    with pytest.raises(ProtocolInvalid, match="pastoral for each incident is there twice; keep one"):
        parse_protocol(twice, NAME)
