"""Adding whoever was there to an incident that is logged."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cism.domain.incident import Circle
from cism.domain.people import Role
from cism.store.tables import AffectedPerson, Event, Incident, QueueItem
from tests.web.browsing import fields, filled, first, sign_in
from tests.web.conftest import Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _listed(site: Site) -> dict[str, Circle]:
    return {row.person_id: row.circle for row in site.rows(select(AffectedPerson))}


async def _for_later(site: Site, **changed: str) -> str:
    """What a phone sends that had no line: a kind, when it ended, and how long it waited. Where it leads."""
    await sign_in(site)
    page = fields(await site.client.get("/log"), "/log")
    form = {
        "form_token": page["form_token"],
        "key": "a phone's own",
        "list": "later",
        "ended": "30",
        "waited": "10",
    }
    answer = await site.client.post("/log", data={**form, "type": "CROSSING_FATAL", **changed})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_form_without_a_line_logs_what_and_when_and_leads_to_its_list(site: Site) -> None:
    crew = await _for_later(site)
    (row,) = site.rows(select(Incident))
    assert crew == f"/log/{row.ref}/crew"
    assert row.ended_at is not None
    assert (site.clock.at - row.ended_at).total_seconds() == 40 * 60
    assert _listed(site) == {site.id_of("S1"): Circle.E}
    assert await _for_later(site) == crew, "the same key is the same incident"
    assert site.count(Incident) == 1


async def test_the_family_counts_as_not_told_where_nobody_was_asked(site: Site) -> None:
    await _for_later(site, type="LODD")
    assert [row.kin_notified for row in site.rows(select(Incident))] == [False]


async def test_people_are_added_once_and_whoever_is_listed_is_not_shown(site: Site) -> None:
    crew = await _for_later(site)
    page = await site.client.get(crew)
    assert page.text.count(" checked") == 0
    form = fields(page, "/crew") | {"dispatcher": "none", "call_taker": site.id_of("T1")}
    missing = await site.client.post(crew, data={**form, "dispatcher": ""})
    assert missing.status_code == 422
    for _ in range(2):
        answer = await site.client.post(crew, data={**form, "there": [site.id_of("R1")]})
        assert answer.headers["location"] == crew.removesuffix("/crew")
    assert _listed(site) == {
        site.id_of("S1"): Circle.E,
        site.id_of("R1"): Circle.B,
        site.id_of("T1"): Circle.C,
    }
    unknown = await site.client.post(crew, data={**form, "others": "NOBODY B"})
    assert unknown.status_code == 422
    assert "NOBODY" in unknown.text
    assert (await site.client.get(crew)).text.count(" checked") == 0
    assert crew in (await site.client.get(crew.removesuffix("/crew"))).text


async def test_the_list_is_missing_until_somebody_says_that_nobody_else_was_there(site: Site) -> None:
    crew = await _for_later(site)
    assert await _for_later(site) == crew
    (item,) = site.rows(select(QueueItem))
    assert (item.kind, item.state.value, item.person_id) == ("list_missing", "open", None)
    page = await site.client.get(crew)
    assert "Nobody else was there." in page.text
    form = fields(page, "/crew") | {"dispatcher": "none", "call_taker": "none"}
    await site.client.post(crew, data={**form, "there": [site.id_of("R1")]})
    assert [row.state.value for row in site.rows(select(QueueItem))] == ["open"]
    await site.client.post(crew, data={**form, "nobody_else": "yes"})
    (item,) = site.rows(select(QueueItem))
    assert (item.state.value, item.handled_by) == ("handled", site.id_of("S1"))
    handled = site.rows(select(Event).where(Event.kind == "queue.handled"))
    assert [row.actor_id for row in handled] == [site.id_of("S1")]
    assert "Nobody else was there." not in (await site.client.get(crew)).text


async def test_a_coordinator_reads_it_in_the_queue_and_says_there_that_the_list_is_whole(site: Site) -> None:
    crew = await _for_later(site)
    (item,) = site.rows(select(QueueItem))
    await by_phone(site, "C1")
    assert "logged without its list" in (await site.client.get("/queue")).text
    page = await site.client.get(f"/queue/{item.id}")
    assert f'href="{crew}"' in page.text
    assert "Nobody on the roster" not in page.text
    await site.client.post(f"/queue/{item.id}/handled", data=fields(page, "/handled"))
    assert [row.state.value for row in site.rows(select(QueueItem))] == ["handled"]


async def test_a_whole_form_leaves_no_list_to_ask_for(site: Site) -> None:
    await sign_in(site)
    await site.client.post("/log", data=await filled(site))
    (row,) = site.rows(select(Incident))
    assert "Nobody else was there." not in (await site.client.get(f"/log/{row.ref}/crew")).text
    assert site.rows(select(QueueItem)) == []


async def test_only_whoever_may_add_opens_it(site: Site) -> None:
    await sign_in(site)
    await site.client.post("/log", data=await filled(site))
    (row,) = site.rows(select(Incident))
    crew = f"/log/{row.ref}/crew"
    site.client.cookies.clear()
    assert (await site.client.get(crew)).headers["location"] == first(crew)
    await by_phone(site, "R1")
    assert (await site.client.get(crew)).status_code == 403
    site.client.cookies.clear()
    await sign_in(site, "P1", Role.PEER)
    assert (await site.client.get(crew)).status_code == 303


async def test_the_form_that_a_phone_keeps_is_the_same_for_everybody(site: Site) -> None:
    as_nobody = (await site.client.get("/log-offline")).text
    await sign_in(site)
    await site.client.get("/log")
    again = await site.client.get("/log-offline")
    assert again.text == as_nobody
    assert "set-cookie" not in again.headers
    for name in ("Rita", "Sam", "Metro", "metro-pd", "form_token", "<nav"):
        assert name not in as_nobody
    spanish = await site.client.get("/log-offline", headers={"accept-language": "es"})
    assert "Registrar sin conexión" in spanish.text
    worker = await site.client.get("/log-worker.js")
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert worker.headers["content-security-policy"] == policy
    assert worker.headers["content-type"].startswith("text/javascript")
