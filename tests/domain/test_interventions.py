"""The catalogue of interventions: what the practice's sources say, checked entry by entry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.incident_types import GROUPS, Intervention
from cism.domain.interventions import (
    CATALOGUE,
    ENFORCED,
    GROUP_FORMATS,
    Anchor,
    Contraindication,
    Element,
    InterventionsInvalid,
    LeaderRole,
    Split,
    TeamRule,
    parse_interventions,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_every_intervention_of_the_practice_is_in_the_catalogue() -> None:
    assert list(CATALOGUE) == [
        "pre_incident_education",
        "on_scene_support",
        "demobilization",
        "crisis_management_briefing",
        "defusing",
        "after_action_review",
        "cisd",
        "lodd_group",
        "one_on_one",
        "family_support",
        "pastoral",
        "organisational_consultation",
        "referral",
        "individual_session",
        "relief_from_duty",
        "post_action_staff_support",
    ]
    named = {element.code for element in CATALOGUE.values() if element.code is not None}
    assert named == set(Intervention) - {Intervention.FOLLOW_UP}  # contact points, not an intervention


def test_group_formats_are_what_types_of_incident_call_groups() -> None:
    assert {element.code for element in GROUP_FORMATS.values()} == GROUPS


@pytest.mark.parametrize(
    ("key", "anchor", "span", "duration", "size", "split"),
    [
        ("on_scene_support", Anchor.INCIDENT_START, (0 * HOUR, None, None), (5, 15), (1, 1), Split.PERSON),
        ("demobilization", Anchor.RELEASE, (0 * HOUR, 0 * HOUR, HOUR), (30, 30), (3, 60), Split.UNIT),
        (
            "crisis_management_briefing",
            Anchor.INCIDENT_START,
            (0 * HOUR, None, None),
            (45, 75),
            (10, 300),
            Split.AGENCY,
        ),
        (
            "defusing",
            Anchor.EXPOSURE_END,
            (0 * HOUR, 8 * HOUR, 12 * HOUR),
            (20, 60),
            (3, 20),
            Split.CREW,
        ),
        ("cisd", Anchor.EXPOSURE_END, (DAY, 3 * DAY, 10 * DAY), (60, 180), (3, 20), Split.CREW),
        ("lodd_group", Anchor.EXPOSURE_END, (0 * HOUR, 12 * HOUR, DAY), (30, 60), (3, 20), Split.CREW),
        ("one_on_one", Anchor.ANY, (0 * HOUR, None, None), (15, 60), (1, 1), Split.PERSON),
    ],
)
def test_windows_sizes_and_durations_are_those_of_the_sources(
    key: str,
    anchor: Anchor,
    span: tuple[timedelta, timedelta | None, timedelta | None],
    duration: tuple[int, int],
    size: tuple[int, int],
    split: Split,
) -> None:
    element = CATALOGUE[key]
    assert element.anchors[0] is anchor
    assert (element.earliest, element.ideal, element.latest) == span
    assert element.duration == (duration[0] * MINUTE, duration[1] * MINUTE)
    assert element.group is not None
    assert (element.group.size, element.group.split) == (size, split)


PHASES = {
    "demobilization": "Information|Rest and food",
    "crisis_management_briefing": "Assemble|Facts|Reactions|Coping and resources",
    "defusing": "Introduction|Exploration|Information",
    "cisd": "Introduction|Fact|Thought|Reaction|Symptom|Teaching|Re-entry",
    "lodd_group": "Introduction|Fact|Reaction|Teaching|Re-entry",
    "one_on_one": "Stabilize|Acknowledge|Facilitate understanding|Encourage effective coping"
    "|Recovery or Referral",
    "post_action_staff_support": "Review|Response|Remind",
}


@pytest.mark.parametrize("key", PHASES)
def test_phases_stand_in_the_order_of_the_practice(key: str) -> None:
    assert "|".join(CATALOGUE[key].phases) == PHASES[key]


def test_a_debriefing_is_proposed_to_a_clinician_who_leads_it_and_never_for_one_person_alone() -> None:
    cisd = CATALOGUE["cisd"]
    assert cisd.approval == "clinician"
    assert cisd.lead == (LeaderRole.CLINICIAN,)
    assert cisd.team is not None
    assert cisd.team.clinicians == 1
    assert cisd.disaster == (21 * DAY, 28 * DAY)
    assert cisd.forbids(Contraindication.SINGLE_PERSON)
    assert not CATALOGUE["one_on_one"].forbids(Contraindication.SINGLE_PERSON)


def test_every_group_is_forbidden_to_families_and_while_statements_are_pending() -> None:
    for key, element in GROUP_FORMATS.items():
        assert element.forbids(Contraindication.LEGAL_JEOPARDY), key
        assert element.forbids(Contraindication.FAMILY_IN_GROUP), key
        assert element.forbids(Contraindication.STILL_OPERATING), key
        assert element.group is not None
        assert element.group.size[0] >= 3, key
    assert Contraindication.LEGAL_JEOPARDY in ENFORCED
    assert Contraindication.UNFIT not in ENFORCED  # only a human sees that


def test_what_has_no_source_is_said_to_be_so() -> None:
    assert CATALOGUE["crisis_management_briefing"].unverified == ("group", "phases", "duration")
    assert "team" in CATALOGUE["defusing"].design
    assert CATALOGUE["lodd_group"].basis == "unverified"
    assert all(element.sources for element in CATALOGUE.values())


def test_no_intervention_orders_anybody_to_come_or_claims_to_prevent() -> None:
    for element in CATALOGUE.values():
        told = element.model_dump_json().casefold()
        assert "prevent" not in told
        assert "mandatory" not in told


@pytest.mark.parametrize(
    ("team", "sizes"),
    [
        (TeamRule(least=2, one_for=7), {3: 2, 14: 2, 15: 3, 20: 3}),
        (TeamRule(least=2, extra_for=50), {10: 2, 49: 2, 50: 3, 300: 8}),
        (TeamRule(least=1), {3: 1, 60: 1}),
    ],
)
def test_a_team_grows_with_the_group(team: TeamRule, sizes: dict[int, int]) -> None:
    assert {people: team.size(people) for people in sizes} == sizes


GOOD = "x: {title: X, what: It helps., anchors: [any], lead: [peer], sources: [a book]}"


def test_a_small_entry_is_enough() -> None:
    assert isinstance(parse_interventions(GOOD, "f.yaml")["x"], Element)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("lead: [peer]", "lead: [boss]", "f.yaml:1: x.lead[0]: 'boss' is not known here"),
        ("lead: [peer]", "lead: []", "f.yaml:1: x.lead: it is empty"),
        ("anchors: [any]", "anchors: [any], ideal: 5h, latest: 4h", "f.yaml:1: x.latest: the window closes"),
        ("anchors: [any]", "anchors: [any], earliest: soon", "f.yaml:1: x.earliest: 'soon' is not a span"),
        ("anchors: [any]", "anchors: [any], duration: [2h, 1h]", "x.duration: the smaller first"),
        (
            "anchors: [any]",
            "anchors: [any], team: {least: 1}, group: {size: [9, 3], split: crew}",
            "x.group.size: the smaller first",
        ),
        ("anchors: [any]", "anchors: [any], group: {size: [3, 9], split: crew}", "x: a group needs a team"),
        ("anchors: [any]", "anchors: [any], phases: [a, b, a]", "x.phases: a phase is there twice"),
        (", sources: [a book]", "", "x: there is no source; write sources, or basis: design"),
        ("anchors: [any]", "anchors: [any], design: [size]", "x.design: there is no field 'size'"),
        ("anchors: [any]", "anchors: [any], unverified: [when]", "x.unverified: there is no field 'when'"),
        ("anchors: [any]", "anchors: [any], instead_of: [y]", "x.instead_of: there is no intervention 'y'"),
        ("anchors: [any]", "anchors: [any], mandatory: true", "participation is always voluntary"),
        (GOOD, "", "f.yaml:1: there is nothing in it"),
        (GOOD, "x: [", "this is not YAML"),
        (GOOD, "x: 1", "f.yaml:1: x: it must be keys with values"),
    ],
)
def test_a_mistake_in_the_catalogue_is_told_by_line_and_mended(old: str, new: str, told: str) -> None:
    broken = GOOD.replace(old, new, 1)
    with pytest.raises(InterventionsInvalid) as refused:
        parse_interventions(broken, "f.yaml")
    assert any(told in line for line in refused.value.errors)
    assert parse_interventions(broken.replace(new, old, 1) if new else GOOD, "f.yaml")


@pytest.mark.parametrize(
    ("first", "told"),
    [("lead: [boss]", "x.lead[0]: 'boss'"), ("lead: [peer], phases: [a, a]", "x.phases: a phase")],
)
def test_every_mistake_of_every_entry_is_told_at_once(first: str, told: str) -> None:
    twice = (
        f"{GOOD.replace('lead: [peer]', first)}\n{GOOD.replace('x:', 'y:').replace('lead: [peer]', first)}"
    )
    with pytest.raises(InterventionsInvalid) as refused:
        parse_interventions(twice, "f.yaml")
    assert [line.split(": ", 1)[0] for line in refused.value.errors] == ["f.yaml:1", "f.yaml:2"]
    assert told in refused.value.errors[0]
    assert told.replace("x.", "y.") in refused.value.errors[1]
    assert str(refused.value) == "\n".join(refused.value.errors)


def test_a_size_and_a_length_may_be_one_number() -> None:
    exact = "anchors: [any], duration: [1h, 1h], team: {least: 1}, group: {size: [4, 4], split: crew}"
    element = parse_interventions(GOOD.replace("anchors: [any]", exact), "f.yaml")["x"]
    assert element.group is not None
    assert element.group.size == (4, 4)
    assert element.duration == (timedelta(hours=1), timedelta(hours=1))


def test_a_design_needs_no_source() -> None:
    own = GOOD.replace(", sources: [a book]", ", basis: design")
    assert parse_interventions(own, "f.yaml")["x"].basis == "design"
