"""No page says to whoever reads Spanish what it says in English: every page, as everybody, in both."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cism.store.tables import Person
from tests.conftest import FakeClock
from tests.pages import leftovers
from tests.proof import access_ground, surfaces
from tests.proof import ground as department
from tests.web.conftest import AGENCY, ROSTER, Site

# People and units of the roster, and what somebody wrote.
PEOPLE = csv.DictReader(f"{ROSTER.rstrip()}\n{access_ground.MORE}".splitlines())
WRITTEN = [re.escape(row[column]) for row in PEOPLE for column in ("name", "unit")]
WORDS = (access_ground.PLAIN_WORDS, access_ground.CRISIS_WORDS, access_ground.LOOSE_WORDS)
SAID = [f"{word} .*" for word in WORDS]
# Names of questionnaires; an incident's reference; a file's columns; addresses and commands.
NAMES = [
    r"GAD-2|PC-PTSD-5|PHQ-2",
    r"C-[0-9A-Z]{5}",
    r"id,name,phone,.*",
    r"https?://.*",
    r"cism [a-z ]+ metro-pd",
]
# The same word in both languages, and a citation, which stays in the language of its title.
ALIKE = [
    *WRITTEN,
    *SAID,
    *NAMES,
    "No",
    "Token",
    "S1, notable",
    "funeral",
    "Primary Care PTSD Screen for DSM-5: .*",
]

# Kept by a phone, and the same for everybody: it speaks as the browser asks (tests/web/test_log_crew.py).
NOBODYS = "page /log-offline"


async def read_in(ground: surfaces.Ground, key: str, tag: str) -> dict[str, str]:
    """What every page, and every page behind a link, says to somebody who reads this language."""
    site = ground.site
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of(key)).language = tag
    cookies = surfaces._signed_in(site, key, AGENCY)
    found = await surfaces._pages(ground, cookies) | await surfaces._links(ground, key, AGENCY)
    found.pop(NOBODYS)
    return {page: text for page, text in found.items() if text.startswith("<!doctype html>")}


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """An empty installation of its own; words do not depend on the database."""
    file = tmp_path / "cism.db"
    shutil.copyfile(sqlite_template, file)
    async with department.opened(f"sqlite:///{file}", FakeClock(), tmp_path / "home") as site:
        yield site


async def test_who_reads_spanish_meets_no_english_sentence(site: Site) -> None:
    ground = await access_ground.build(site)
    found: dict[str, str] = {}
    for relation, key in access_ground.VIEWERS.items():
        english, spanish = await read_in(ground, key, "en"), await read_in(ground, key, "es")
        assert set(english) == set(spanish)
        for page, text in spanish.items():
            left = {*leftovers.left(english[page], text, ALIKE), *leftovers.mixed(text, ALIKE)}
            found |= dict.fromkeys(left, f"{relation.value} {page}")
        assert len(spanish) > 10, relation
    assert found == {}


async def test_no_sentence_runs_into_the_next(site: Site) -> None:
    ground = await access_ground.build(site)
    found: dict[str, str] = {}
    for relation, key in access_ground.VIEWERS.items():
        for page, text in (await read_in(ground, key, "en")).items():
            found |= dict.fromkeys(leftovers.run_on(text), f"{relation.value} {page}")
    assert found == {}


async def test_a_page_that_is_not_there_says_so_in_the_readers_language(site: Site) -> None:
    await access_ground.build(site)
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("C1")).language = "es"
    async with surfaces._browser(site, surfaces._signed_in(site, "C1", AGENCY)) as browser:
        for path in ("/nowhere", "/board/C-NNNNN", "/log/C-NNNNN", "/practice"):
            answer = await browser.get(path, headers={"Accept-Language": "en"})
            assert answer.status_code == 404, path
            assert '<html lang="es">' in answer.text, path
            assert leftovers.mixed(answer.text, ALIKE) == [], path
            assert "A tu primera página" in answer.text, path
