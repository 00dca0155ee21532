"""What waits for somebody after a sign-in: quick however much waits, and the rest is one link away."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from cism.services import audit, queue
from cism.store.tables import Audit, Incident, Person, QueueItem
from tests.pages.test_board import counted
from tests.web.browsing import fields, open_link, press
from tests.web.conftest import AGENCY, Site

_SHOWN = 5  # of a kind


async def _waiting(site: Site, many: int) -> str:
    """So many more incidents and calls that are needed, and the coordinator's page, opened."""
    for _ in range(many):
        await site.log()
        site.clock.advance(minutes=1)
    with site.db.transaction() as session:
        for _ in range(many):
            person = session.get_one(Person, site.id_of("R1"))
            queue.add(
                session,
                "call_needed",
                now=site.clock.at,
                within=timedelta(hours=1),
                agency=AGENCY,
                person=person,
                tell=False,
            )
    path = site.link("C1", "home", None)
    await open_link(site, path)
    return path


async def test_a_coordinators_page_asks_the_database_as_often_however_much_waits(site: Site) -> None:
    path = await _waiting(site, 7)
    with counted(site) as few:
        await site.client.get(path)
    path = await _waiting(site, 7)
    with counted(site) as many:
        await site.client.get(path)
    assert len(many) == len(few)


async def test_what_a_page_leaves_out_is_told_with_its_number_and_one_link_away(site: Site) -> None:
    path = await _waiting(site, 7)
    text = (await site.client.get(path)).text
    assert text.count("For you to read</h1>") == _SHOWN
    assert len(re.findall(r"<h1>C-", text)) == _SHOWN
    assert '<a class="button quiet" href="/queue">More in the queue: 2</a>' in text
    assert '<a class="button quiet" href="/board">More incidents to take over, on the board: 2</a>' in text
    assert (await site.client.get("/queue")).text.count("<li") >= 7
    for _ in range(2):  # what is done makes room for the next
        await press(site, path, await site.client.get(path), "Handled")
        await press(site, path, await site.client.get(path), "I take over")
    text = (await site.client.get(path)).text
    assert text.count("For you to read</h1>") == _SHOWN
    assert "More in" not in text


async def test_nothing_is_taken_over_here_that_is_not_the_readers_to_take(site: Site) -> None:
    """Whoever is on the list of an incident is not in charge of it, nor of one that somebody took over."""
    path = await _waiting(site, 1)
    own = await site.log(affected=[{"person_id": "C1", "circle": "B"}, {"person_id": "R1", "circle": "B"}])
    text = (await site.client.get(path)).text
    assert own["ref"] not in text
    taken = fields(await site.client.get(path), "/take-over")
    ids = {row.ref: row.id for row in site.rows(select(Incident))}
    for subject in (ids[own["ref"]], "none"):
        await site.client.post(f"{path}/take-over", data=taken | {"subject": subject})
    assert not site.rows(select(Incident).where(Incident.accepted_at.is_not(None)))
    await site.client.post(f"{path}/take-over", data=taken)
    assert site.rows(select(Incident.ref).where(Incident.accepted_at.is_not(None))) == [
        ref for ref, key in ids.items() if key == taken["subject"]
    ]
    assert "I take over" not in (await site.client.get(path)).text


async def test_looks_of_one_page_are_a_row_each_in_the_chain(site: Site) -> None:
    path = await _waiting(site, 2)
    before = site.count(Audit)
    await site.client.get(path)
    rows = site.rows(select(Audit).where(Audit.actor == site.id_of("C1")).order_by(Audit.id.desc()).limit(4))
    assert site.count(Audit) == before + 4
    items, incidents = (set(site.rows(select(table.id))) for table in (QueueItem, Incident))
    assert {(row.act, row.object_id) for row in rows} == {
        *(("page queue", one) for one in items),
        *(("page incident", one) for one in incidents),
    }
    with site.db.read() as session:
        assert audit.verify(session)[1] is None


async def test_several_rows_at_once_are_chained_in_their_order(site: Site) -> None:
    with site.db.transaction() as session:
        audit.write_each(session, "somebody", [("first", None), ("second", "x"), ("third", None)])
        audit.write_each(session, "somebody", [])
    query = select(Audit.act).where(Audit.actor == "somebody").order_by(Audit.id)
    assert site.rows(query) == ["first", "second", "third"]
    with site.db.read() as session:
        assert audit.verify(session)[1] is None
