"""Telling somebody outside: the exceptions as data, each with its source and how far it was checked."""

from __future__ import annotations

import pytest

from cism.domain.disclosure import EXCEPTIONS, Checked, Recipient, refused_because


def test_the_jurisdictions_that_come_with_it() -> None:
    assert {item.jurisdiction for item in EXCEPTIONS.values()} == {
        "any",
        "federal",
        "WA",
        "LA",
        "MT",
        "HI",
        "CO",
    }
    assert all(item.says and item.source and item.key == key for key, item in EXCEPTIONS.items())


def test_the_federal_exception_for_suicide_is_an_explicit_threat_and_not_thoughts_alone() -> None:
    found = EXCEPTIONS["federal_suicide_threat"]
    assert "intent and a plan or means; not solely suicidal thoughts" in found.says
    assert found.checked is Checked.READ


def test_whatever_was_not_read_says_so_to_whoever_selects_it() -> None:
    for item in EXCEPTIONS.values():
        assert (item.warning is None) == (item.checked is Checked.READ)
    assert "only a summary was read" in str(EXCEPTIONS["co_listed_crimes"].warning)
    assert "unverified" in str(EXCEPTIONS["hi_statute"].warning)


@pytest.mark.parametrize("recipient", Recipient)
def test_the_employer_and_whoever_they_named_are_told_by_consent_alone(recipient: Recipient) -> None:
    only = {Recipient.EMPLOYER, Recipient.NAMED_BY_THEM}
    assert (refused_because("mt_crime", recipient) is None) == (recipient not in only)
    assert refused_because("consent", recipient) is None


def test_an_exception_that_is_not_there_is_refused() -> None:
    assert "cism disclosure exceptions" in str(refused_because("because", Recipient.COURT))
