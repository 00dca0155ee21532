"""Every sentence of every page has its Spanish, and a page speaks the language of whoever reads it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from cism.web import words
from cism.web.pages.local_time import lasting, spoken
from cism.web.words import Said, _
from tests.conftest import START
from tests.pages import sentences
from tests.web.browsing import open_link
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone

NAMES = re.compile(r"%\((\w+)\)")
# Still in English alone; each goes from here with its own pages.
NOT_YET: set[str] = set()


def test_every_sentence_of_every_page_has_its_spanish() -> None:
    spanish = words.catalogue("es")
    known = {one for message in spanish for one in ids(message.id) if all(texts(message.string))}
    assert {said: where for said, where in sentences.everything().items() if said not in known} == {}


def test_a_translation_fills_in_the_same_values() -> None:
    for message in words.catalogue("es"):
        for form in texts(message.string):
            assert set(NAMES.findall(form)) == set(NAMES.findall(ids(message.id)[-1])), message.id


def test_no_translation_is_left_over_and_none_is_given_twice() -> None:
    said = sentences.everything()
    assert [
        one for message in words.catalogue("es") for one in ids(message.id) if one and one not in said
    ] == []
    folder = words.LOCALE / "es"
    given = [message for path in sorted(folder.glob("*.po")) for message in one_file(path)]
    assert sorted({one for one in given if given.count(one) > 1}) == []


def test_templates_say_nothing_past_the_catalogue() -> None:
    every = {str(path.relative_to(sentences.TEMPLATES)): path for path in sentences.templates()}
    found = {name: sentences.bare(path) for name, path in every.items() if name not in NOT_YET}
    assert {name: bare for name, bare in found.items() if bare} == {}
    assert {name: sentences.variable(path) for name, path in every.items() if sentences.variable(path)} == {}


def test_a_sentence_reads_english_anywhere_and_as_the_page_when_shown() -> None:
    said = _("Call by %(when)s.", when=spoken(START, "UTC"))
    assert str(said).startswith("Call by ")
    with words.spoken_in("es"):
        assert said.told() != str(said)
        assert "<" not in Said("%(x)s", {"x": "<b>"}).__html__()


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (61, "1 min 1 s"),
        (3600, "1 h 0 min"),
        (86461, "1 d 0 h"),
        (40 * 86400, "40 d 0 h"),
    ],
)
def test_a_length_of_time_reads_in_the_two_units_that_matter(seconds: int, read: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == read


@pytest.mark.parametrize(
    ("own", "accepted", "spoken_in"),
    [
        ("es", "en-US,en;q=0.9", "es"),
        ("es-MX", "", "es"),
        (None, "fr;q=0.9, es-ES;q=0.8, en;q=0.1", "es"),
        (None, "en, es;q=0.9", "en"),
        (None, "", "en"),
        ("fr", "es", "en"),
        (None, "es;q=nonsense", "es"),
    ],
)
def test_the_own_language_goes_before_the_browsers(own: str | None, accepted: str, spoken_in: str) -> None:
    assert words.best(own, accepted) == spoken_in


async def test_the_browsers_language_is_spoken_to_strangers(site: Site) -> None:
    answer = await site.client.get("/sign-in", headers={"Accept-Language": "es-US,es;q=0.9"})
    assert '<html lang="es">' in answer.text
    assert "Iniciar sesión" in answer.text
    assert '<html lang="en">' in (await site.client.get("/sign-in")).text


async def test_own_pages_speak_the_persons_language_whatever_the_browser_asks_for(site: Site) -> None:
    await by_phone(site, "R1")
    with site.db.transaction() as session:
        session.get_one(type(site.person("R1")), site.id_of("R1")).language = "es"
    page = await site.client.get("/me", headers={"Accept-Language": "en"})
    assert '<html lang="es">' in page.text
    assert "Mi número" in page.text
    assert "My number" not in page.text
    receipt = await site.client.get("/me/receipt", headers={"Accept-Language": "en"})
    assert "Quién vio qué sobre ti" in receipt.text


async def test_a_page_behind_a_link_speaks_its_owners_language(site: Site) -> None:
    with site.db.transaction() as session:
        session.get_one(type(site.person("R1")), site.id_of("R1")).language = "es"
    page = await open_link(site, site.link("R1", "home", None))
    assert '<html lang="es">' in page.text
    assert "Nada te espera" in page.text


async def test_a_refusal_is_told_in_the_readers_language(site: Site) -> None:
    answer = await site.client.get("/nowhere", headers={"Accept-Language": "es"})
    assert answer.status_code == 404
    assert "Aquí no hay nada" in answer.text


def ids(found: object) -> list[str]:
    return [found] if isinstance(found, str) else list(found)  # type: ignore[call-overload]


def texts(found: object) -> list[str]:
    return ids(found)


def one_file(path: object) -> list[str]:
    from babel.messages.pofile import read_po

    with open(path, "rb") as file:  # type: ignore[call-overload]
        return [ids(message.id)[0] for message in read_po(file) if message.id]
