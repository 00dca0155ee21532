"""What services refuse is told in the reader's language, values and all."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date

import pytest

from cism.domain.people import Role
from cism.domain.roster_csv import parse_roster
from cism.errors import BadInput, CismError
from cism.services import away
from cism.store.db import now
from cism.web import refusals, words
from tests.pages import refusals as found
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone

SPANISH = {str(message.id): str(message.string) for message in words.catalogue("es") if message.id}


def shown(sentence: str, find: Callable[[str], words.Said] = refusals.told) -> str:
    with words.spoken_in("es"):
        return find(sentence).told()


@pytest.mark.parametrize("msgid", sorted(found.sentences()))
def test_every_refusal_that_a_page_can_show_has_its_spanish(msgid: str) -> None:
    values = {"one": "'M-77'", "two": "closed", "three": "reached, declined"}
    said = msgid % values if "%(" in msgid else msgid
    find = refusals.by_line if msgid in found.of_roster() else refusals.told
    assert shown(said, find) == (SPANISH[msgid] % values if "%(" in msgid else SPANISH[msgid])
    assert str(find(said)) == said  # programs and terminals read it as it was


def test_what_has_no_translation_reads_as_it_was_worded() -> None:
    assert shown("100 % of them said no") == "100 % of them said no"


def test_a_state_is_said_in_a_sentence_of_its_own() -> None:
    """A state that is filled in would stay English, or bend wrongly: each has its own sentence."""
    assert found.of_states() == {one for one in found.FILLED if " does not end " not in one}
    assert shown("this session is lapsed already") == "esta reunión ya venció sin decisión"


def test_a_roster_is_refused_by_line_in_spanish() -> None:
    header = ",".join(found.COLUMNS)
    good = "R1,Ana,+12125550101,,metro-pd,law_enforcement,,,,responder,,America/New_York,,,,yes,yes,,,,active"
    bad = good.replace("R1", "R2").replace("+12125550101", "call me").replace("responder", "per")
    with pytest.raises(BadInput) as refused:
        parse_roster(f"{header}\n{good}\n{bad}\n{good},more\n", today=date(2026, 3, 2))
    told = [shown(one, refusals.by_line) for one in refused.value.errors]
    assert told == [
        "línea 3: phone: no es un número de teléfono; escribe +1… o un número nacional de US",
        f"línea 3: roles: 'per' no se conoce (¿quisiste decir peer?); usa uno de estos: {' '.join(Role)}",
        "línea 4: 22 celdas, 21 columnas; un valor con una coma necesita comillas",
    ]
    both = "agency metro-pd has no reachable coordinator and no reachable licensed clinician in this file: "
    assert "ningún coordinador ni ningún clínico con licencia" in shown(
        f"{both}it sends no check-in", refusals.by_line
    )


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
