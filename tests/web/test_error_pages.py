"""A page that refuses: a whole sentence, and a way on that does not sign anybody in who is signed in."""

from __future__ import annotations

import re

import pytest

from cism.web import words
from cism.web.pages.local_time import clock_time
from cism.web.pages.numbers import spoken_number
from tests.web.browsing import fields, filled, sign_in
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def way_on(text: str) -> tuple[str, str]:
    (found,) = re.findall(r'<a class="button" href="([^"]*)">([^<]*)</a>', text)
    return found


async def test_a_form_that_is_refused_leads_back_to_its_page(site: Site) -> None:
    await by_phone(site, "P1")
    form = fields(await site.client.get("/week"), "/week/away")
    answer = await site.client.post("/week/away", data={**form, "day": "2020-01-01"})
    assert answer.status_code == 422
    assert way_on(answer.text) == ("/week", "Back")
    answer = await site.client.post("/break-glass", data={**form, "ref": "C-NONE"})
    assert answer.status_code == 422
    assert fields(answer, "/break-glass")["ref"] == "C-NONE", "the page itself, as it was filled in"


async def test_who_is_signed_in_is_not_sent_to_sign_in_from_an_address_that_is_none(site: Site) -> None:
    assert way_on((await site.client.get("/nowhere")).text) == ("/sign-in", "Sign in")
    await by_phone(site, "P1")
    for path in ("/nowhere", "/board", "/task/nonsense/x"):
        assert way_on((await site.client.get(path)).text) == ("/", "To your first page"), path


async def test_a_page_that_refuses_gives_the_duty_phone_to_whoever_is_signed_in_and_to_nobody_else(
    site: Site,
) -> None:
    duty = 'href="tel:+12125550101"'
    for path in (
        "/nowhere",
        "/sign-in",
        site.link("P1", "home", None),
        f"{site.link('P1', 'home', None)}?sent=1",
    ):
        text = (await site.client.get(path)).text
        assert "+12125550101" not in text, path
        assert "duty phone" not in text, path
    assert "the number that your agency gave you" in (await site.client.get("/nowhere")).text
    await by_phone(site, "P1")
    assert duty in (await site.client.get("/nowhere")).text
    await by_phone(site, "C1")
    text = (await site.client.get("/nowhere")).text
    assert duty not in text, "it is the reader's own"
    assert "act by phone yourself" in text


async def test_a_form_that_was_sent_before_gives_the_number_to_call(site: Site) -> None:
    await sign_in(site)
    form = await filled(site)
    assert (await site.client.post("/log", data=form)).status_code == 303
    answer = await site.client.post("/log", data=form | {"minutes_ago": "50"})
    assert answer.status_code == 409
    assert 'href="tel:+12125550101"' in answer.text
    assert 'href="tel:+12125550101"' in (await site.client.get("/log")).text, "for when there is no line"


async def test_what_a_service_words_for_a_terminal_reads_as_a_sentence(site: Site) -> None:
    await by_phone(site, "S1")
    text = (await site.client.get("/log/C-NONE")).text
    assert "There is no incident by that reference; look at the receipt, or ask the coordinator." in text


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("give a reason", "Give a reason."),
        ("north-fire is not yours", "north-fire is not yours."),
        ("C-7HK2: closed", "C-7HK2: closed."),
        ("Is it so?", "Is it so?"),
    ],
)
def test_a_sentence_begins_large_and_ends_and_a_key_stays_a_key(
    said: str, read: str, database_url: str
) -> None:
    assert words.sentence(said) == read


def test_numbers_and_times_are_written_for_people(database_url: str) -> None:
    assert spoken_number("+12125550101") == "+1 212-555-0101"
    assert spoken_number("none") == "none"
    assert str(clock_time("2026-04-15T08:00:00-04:00")) == "Wed 15 Apr, 08:00"
