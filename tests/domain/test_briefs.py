"""The leader's brief of every group and every offer that the practice knows."""

from __future__ import annotations

import pytest

from cism.domain.briefs import brief_of
from cism.domain.interventions import CATALOGUE, GROUP_FORMATS, WHILE
from cism.domain.offer_kinds import OfferKind
from cism.domain.protocol import load_protocol


@pytest.mark.parametrize("kind", [*GROUP_FORMATS, *OfferKind])
def test_whoever_leads_reads_what_it_is_and_what_it_never_is(kind: str) -> None:
    brief = brief_of(kind)
    assert brief is not None
    assert brief.title
    assert brief.what.endswith(".")
    assert brief.lead


@pytest.mark.parametrize("kind", GROUP_FORMATS)
def test_a_group_is_led_through_its_phases_and_is_no_therapy_and_no_investigation(kind: str) -> None:
    brief = brief_of(kind)
    assert brief is not None
    assert brief.phases
    assert any("therapy" in one and "investigation" in one for one in brief.never)
    assert any("notes" in one for one in brief.never)


@pytest.mark.parametrize("kind", GROUP_FORMATS)
def test_whoever_leads_reads_what_must_be_so_before_where_it_is_not_held_and_what_follows(kind: str) -> None:
    brief, element = brief_of(kind), CATALOGUE[kind]
    assert brief is not None
    # each of them once: what stops it, then what holds always, both in the catalogue's order
    forbids = element.contraindicated.items()
    assert brief.not_while == tuple(text for reason, text in forbids if reason in WHILE) != ()
    assert brief.always == tuple(text for reason, text in forbids if reason not in WHILE) != ()
    assert (brief.beforehand, brief.afterwards) == (element.preconditions, element.afterwards)


def test_nobody_in_acute_shock_is_debriefed_and_everybody_is_called_within_a_day() -> None:
    brief = brief_of("cisd")
    assert brief is not None
    assert "nobody in acute shock or exhausted" in brief.beforehand
    assert any(one.startswith("Statements are pending") for one in brief.not_while)
    assert "a call within 24 hours" in brief.afterwards


def test_who_leads_it_is_named_in_words() -> None:
    leads = {one for kind in CATALOGUE if (brief := brief_of(kind)) for one in brief.lead}
    assert "family peer" in leads
    assert not any("_" in one for one in leads)


def test_the_phases_of_a_debriefing_stand_in_their_order() -> None:
    brief = brief_of("cisd")
    assert brief is not None
    assert brief.phases == (
        "Introduction",
        "Fact",
        "Thought",
        "Reaction",
        "Symptom",
        "Teaching",
        "Re-entry",
    )


def test_how_long_it_takes_is_the_protocols_word_before_the_catalogues() -> None:
    own, planned = brief_of("cisd"), brief_of("cisd", load_protocol("sfa-follow-up").sessions["cisd"])
    assert own is not None
    assert planned is not None
    assert (own.minutes, planned.minutes) == ("60 to 180", "120")


def test_one_to_one_is_not_told_what_only_groups_are_told() -> None:
    brief = brief_of("one_on_one")
    assert brief is not None
    assert brief.never == ("therapy", "obligatory retelling of the event") or not any(
        "take notes" in one for one in brief.never
    )


@pytest.mark.parametrize("kind", [*GROUP_FORMATS, *OfferKind])
def test_what_stops_it_stands_apart_from_what_holds_always(kind: str) -> None:
    brief = brief_of(kind)
    assert brief is not None
    assert not set(brief.not_while) & set(brief.always)
    turned_round = ("nobody", "never", "not ", "only", "families", "no ")
    assert [one for one in brief.not_while if one.lower().startswith(turned_round)] == []


def test_that_nobody_may_be_ordered_to_come_stops_nothing() -> None:
    brief = brief_of("defusing")
    assert brief is not None
    assert "Nobody may be ordered to come." in brief.always
    assert "Statements are pending." in brief.not_while


def test_what_the_catalogue_does_not_know_has_no_brief() -> None:
    assert brief_of("seance") is None


@pytest.mark.parametrize("kind", GROUP_FORMATS)
def test_what_a_group_never_is_stands_there_once(kind: str) -> None:
    brief = brief_of(kind)
    assert brief is not None
    for word in ("therapy", "investigation", "critique"):
        assert sum(word in one for one in brief.never) == 1, word
