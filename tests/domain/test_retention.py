"""How long what is kept is kept: the table of the practice, and what an agency may choose instead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.retention import CLASSES, Kept, choose, kept_for

_H = timedelta(hours=1)


def test_the_table_is_that_of_the_practice() -> None:
    days = {kept.value: item.kept / timedelta(days=1) for kept, item in CLASSES.items()}
    assert days == {
        "words": 3,
        "invitations": 2,
        "sent": 30,
        "calls": 30,
        "links": 7,
        "contacts": 90,
        "escalations": 365,
        "consents": 1826,
        "shells": 180,
    }
    assert all(item.says and item.counted_from and item.source for item in CLASSES.values())


def test_an_agency_keeps_what_it_chose_and_else_what_the_table_says() -> None:
    assert kept_for(Kept.CONTACTS, {}) == timedelta(days=90)
    assert kept_for(Kept.CONTACTS, {"contacts": "120d"}) == timedelta(days=120)
    assert kept_for(Kept.WORDS, {"contacts": "120d"}) == 72 * _H


@pytest.mark.parametrize("written", ["30d", "2555d", "2160h"])
def test_an_agency_may_choose_within_bounds(written: str) -> None:
    kept, span = choose("contacts", written)
    assert kept is Kept.CONTACTS
    assert kept_for(kept, {"contacts": span}) == kept_for(kept, {"contacts": written})


@pytest.mark.parametrize(
    ("name", "written", "said"),
    [
        ("contacts", "29d", "between 30d and 2555d"),
        ("contacts", "2556d", "between 30d and 2555d"),
        ("contacts", "long", "not a span"),
        ("words", "100d", "an agency chooses contacts, escalations"),
        ("everything", "100d", "cannot be chosen"),
    ],
)
def test_what_an_agency_may_not_choose_is_refused_with_what_it_may(
    name: str, written: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        choose(name, written)
