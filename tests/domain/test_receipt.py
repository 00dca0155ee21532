"""The trust receipt's words, and what consents and notices are made of."""

from __future__ import annotations

import pytest

from cism.domain.access import Relation
from cism.domain.consents import (
    WORDINGS,
    Purpose,
    always,
    checked_notice,
    purposes,
    shipped_notice,
    wording,
)
from cism.domain.people import Role
from cism.domain.receipt import Seen, seen, seen_by_owner, title
from cism.errors import BadInput


@pytest.mark.parametrize("relation", [Relation.LOGGING_SUPERVISOR, Relation.COMMAND])
def test_who_gets_the_header_alone_saw_nothing_of_a_person(relation: Relation) -> None:
    assert seen("read incident", [relation]) is None
    assert seen("log incident", [relation]) is Seen.PUT_ON


def test_whoever_was_to_call_somebody_and_saw_their_name_on_the_list_is_in_their_receipt() -> None:
    assert seen("read incident", [Relation.ASSIGNED_PEER]) is Seen.LISTED
    assert seen("read timeline", [Relation.CLINICIAN_ASSIGNED]) is Seen.CONTACTS
    assert seen("read incident", [Relation.OTHER_PEER]) is None


def test_ways_count_for_nothing_and_an_unknown_act_is_not_left_out() -> None:
    assert seen("page queue", [Relation.COORDINATOR]) is Seen.WORDS
    assert seen("cli queue handle", [Relation.COORDINATOR]) is Seen.CALL
    assert seen("page queue", [Relation.ASSIGNED_PEER]) is Seen.WORDS
    assert seen("page queue_call", [Relation.COORDINATOR]) is Seen.CALL
    assert seen("read incident", [Relation.COORDINATOR]) is Seen.LISTED
    assert seen_by_owner("cli incident") is Seen.LISTED
    assert seen("page answer", [Relation.ASSIGNED_PEER]) is Seen.ANSWERED
    assert seen("an act of next year", [Relation.COORDINATOR]) is Seen.DATA


@pytest.mark.parametrize(
    "act",
    [
        *("change incident", "page stand down", "cli stand-down", "page close incident", "cli close"),
        *("reopen incident", "cli reopen", "add date", "page remove date", "cli incident dates list"),
    ],
)
def test_whatever_is_done_to_an_incident_shows_its_facts(act: str) -> None:
    assert seen(act, [Relation.COORDINATOR]) is Seen.FACTS
    assert seen(act, [Relation.LOGGING_SUPERVISOR]) is Seen.FACTS, "of the header there is nothing to hide"


def test_roles_are_told_and_never_names() -> None:
    assert title({Role.RESPONDER, Role.COORDINATOR}) == "a coordinator"
    assert title({Role.PEER}, own_peer=True) == "your own peer"
    assert title(set()) == "somebody who has left"


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_purpose_has_words_in_each_language_and_all_say_how_to_take_it_back(language: str) -> None:
    assert wording(language) == f"2026-11-{language}"
    assert set(WORDINGS[wording(language)]) == set(Purpose)
    assert "STOP" in always(language)
    assert "HELP" in always(language)
    assert {"en": "my choice", "es": "mi decisión"}[language] in always(language)


def test_another_language_gets_the_english_words_and_keeps_them_by_that_name() -> None:
    assert wording("fr") == wording("en")
    assert always("fr") == always("en")


def test_only_helpers_are_asked_whether_they_may_be_asked_to_help() -> None:
    assert purposes([Role.RESPONDER, Role.SUPERVISOR]) == (Purpose.CARE,)
    assert purposes([Role.RESPONDER, Role.PEER]) == (Purpose.PAGES, Purpose.CARE)


def test_the_shipped_notice_is_there_in_both_languages_and_in_english_for_others() -> None:
    assert shipped_notice("en")[0] == "shipped-1-en"
    assert "daño" in shipped_notice("es")[1]
    assert shipped_notice("fr") == shipped_notice("en")


def test_a_notice_that_says_nothing_or_too_much_is_refused() -> None:
    assert checked_notice(" As written. \n") == " As written. \n"
    assert len(checked_notice("x" * 8_000)) == 8_000
    with pytest.raises(BadInput, match="empty"):
        checked_notice("  \n")
    with pytest.raises(BadInput, match="8000"):
        checked_notice("x" * 8_001)
