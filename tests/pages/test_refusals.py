"""What services refuse is told in the reader's language, values and all."""

from __future__ import annotations

import ast

import pytest

from cism.errors import CismError
from cism.services import away
from cism.store.db import now
from cism.web import refusals, words
from tests.pages import refusals as found
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone

SPANISH = {str(message.id): str(message.string) for message in words.catalogue("es") if message.id}


def shown(sentence: str) -> str:
    with words.spoken_in("es"):
        return refusals.told(sentence).told()


@pytest.mark.parametrize("msgid", sorted(found.sentences()))
def test_every_refusal_that_a_page_can_show_has_its_spanish(msgid: str) -> None:
    values = {"one": "'M-77'", "two": "closed", "three": "reached, declined"}
    said = msgid % values if "%(" in msgid else msgid
    assert shown(said) == (SPANISH[msgid] % values if "%(" in msgid else SPANISH[msgid])
    assert str(refusals.told(said)) == said  # programs and terminals read it as it was


def test_what_has_no_translation_reads_as_it_was_worded() -> None:
    assert shown("100 % of them said no") == "100 % of them said no"


def test_the_sentences_are_found_where_pages_reach_them() -> None:
    every = found.sentences()
    assert every["Choose a day from tomorrow on, within a year. A longer leave belongs on the roster."] == (
        "cism/services/away.say"
    )
    assert "there is no incident %(one)s; `cism incidents` lists them" in every
    assert len(every) > 60
    assert found.template_of(ast.parse("f'{a}: {b!r} is not known'", mode="eval").body) == (
        "%(one)s: %(two)s is not known"
    )


async def test_a_page_refuses_in_spanish_what_a_service_refused(site: Site) -> None:
    with site.db.transaction() as session:
        session.get_one(type(site.person("P1")), site.id_of("P1")).language = "es"
    await by_phone(site, "P1")
    page = await site.client.get("/week")
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    answer = await site.client.post("/week/away", data={"day": "2020-01-01", "form_token": token})
    assert answer.status_code == 422
    assert "Elige un día desde mañana" in answer.text
    assert "Choose a day" not in answer.text
    with site.db.read() as session, pytest.raises(CismError, match="Choose a day"):
        away.say(session, site.person("P1"), now(session), now(session))
