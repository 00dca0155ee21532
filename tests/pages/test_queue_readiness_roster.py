"""The queue with its clocks, what has to be mended, and a roster that is looked at before it is written."""

from __future__ import annotations

import html
import re
from datetime import date, time, timedelta

import httpx
import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.people import Role
from cism.services import on_call, queue
from cism.services.on_call import Calendar
from cism.store.states import QueueState
from cism.store.tables import Escalation, Incident, Outbox, Person, PersonCert, QueueItem, Step
from tests.pages.test_board import as_person, counted
from tests.web.browsing import fields
from tests.web.conftest import AGENCY, HEADER, ROSTER, Site

WORDS = "could somebody tell me where the van keys are"


async def _waiting(site: Site) -> QueueItem:
    await site.text("R1", WORDS)
    (item,) = site.rows(select(QueueItem).where(QueueItem.kind == "free_text"))
    return item


async def test_the_queue_lists_clocks_and_neither_names_nor_words(site: Site) -> None:
    item = await _waiting(site)
    as_person(site, "C1")
    text = (await site.client.get("/queue")).text
    assert f"/queue/{item.id}" in text
    assert "To be read by Mon 2 Mar, 10:30." in text
    assert WORDS not in text
    assert "Rita" not in text
    site.perform(minutes=31)
    as_person(site, "C1")
    assert "It should have been read by" in (await site.client.get("/queue")).text


async def test_whoever_read_it_says_so_and_it_waits_no_more(site: Site) -> None:
    item = await _waiting(site)
    as_person(site, "C1")
    page = await site.client.get(f"/queue/{item.id}")
    assert WORDS in page.text
    done = await site.client.post(f"/queue/{item.id}/handled", data=fields(page, "/handled"))
    assert done.headers["location"] == "/queue"
    (row,) = site.rows(select(QueueItem).where(QueueItem.id == item.id))
    assert (row.state, row.handled_by) == (QueueState.HANDLED, site.id_of("C1"))
    assert "Nothing waits." in (await site.client.get("/queue")).text


async def test_what_is_about_oneself_is_on_nobodys_own_queue(site: Site) -> None:
    await site.text("C1", WORDS)
    (item,) = site.rows(select(QueueItem).where(QueueItem.kind == "free_text"))
    as_person(site, "C1")
    assert item.id not in (await site.client.get("/queue")).text
    assert WORDS not in (await site.client.get(f"/queue/{item.id}")).text


async def test_readiness_names_what_has_to_be_mended(site: Site) -> None:
    with site.db.transaction() as session:
        cert = session.get_one(PersonCert, (site.id_of("P1"), "AIC"))
        cert.expires = date(2026, 3, 20)
        session.get_one(PersonCert, (site.id_of("P2"), "AIC")).expires = date(2026, 2, 1)
        session.get_one(Person, site.id_of("P3")).opted_out_at = site.clock.at
        on_call.rotate(
            session,
            Calendar(AGENCY, Role.PEER),
            [site.id_of("P1")],
            zone="America/New_York",
            first_day=date(2026, 3, 9),
            handover=time(8),
            days=7,
            now=site.clock.at,
        )
    as_person(site, "C1")
    text = re.sub(r"\s+", " ", (await site.client.get("/readiness")).text)
    assert "Pia Peer, AIC: until 2026-03-20" in text
    assert "Paul Peer, AIC: over since 2026-02-01" in text
    assert "no peer: Mon 2 Mar, 10:00 to Mon 9 Mar, 08:00" in text
    assert "<li>Petra Peer</li>" in text
    assert "0 of 11 who agreed to care texts" in text


async def test_everybody_who_has_not_confirmed_is_asked_once(site: Site) -> None:
    as_person(site, "C1")
    page = await site.client.get("/readiness")
    for _ in range(2):
        done = await site.client.post("/roster/confirm", data=fields(page, "/roster/confirm"))
    assert "Each of them is asked by text" not in page.text
    assert "Each of them is asked by text" in (await site.client.get(done.headers["location"])).text
    asked = site.rows(select(Step).where(Step.kind == "confirm_phone"))
    assert len(asked) == 11
    assert len({step.person_id for step in asked}) == 11


def _changed(*changes: tuple[str, str]) -> str:
    """This agency's own lines of the roster, with something else in them."""
    mine = [HEADER, *(line for line in ROSTER.splitlines() if f",{AGENCY}," in line)]
    text = "\n".join([*mine, ""])
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


async def _look(site: Site, text: str) -> httpx.Response:
    page = await site.client.get("/roster")
    form = {"form_token": fields(page, "/roster/preview")["form_token"]}
    file = {"file": ("roster.csv", text.encode(), "text/csv")}
    return await site.client.post("/roster/preview", data=form, files=file)


async def test_a_preview_tells_every_change_and_writes_nothing(site: Site) -> None:
    as_person(site, "C1")
    before = site.everything()
    page = await _look(site, _changed(("Rita Respond", "Rita Resolute")))
    assert page.status_code == 200
    assert "Not written yet" in page.text
    assert re.search(r"Line \d+: metro-pd:R1 <span class=\"tag\">changed</span> name<?", page.text)
    told = page.text[page.text.index("Line by line") :]
    assert "Resolute" not in told, "which columns changed, and not what stands in them"
    assert site.person("R1").name == "Rita Respond"
    after = site.everything()
    # the mark says which row is the audit log's last
    assert {name for name in after if after[name] != before[name]} == {"audit", "mark"}


async def test_what_was_looked_at_is_written_whole(site: Site) -> None:
    as_person(site, "C1")
    page = await _look(site, _changed(("Rita Respond", "Rita Resolute")))
    text = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page.text, re.S)
    assert text is not None
    form = {name: (None, value) for name, value in fields(page, "/roster/import").items() if name != "file"}
    done = await site.client.post("/roster/import", files=form | {"text": (None, text[1])})
    assert "Imported" in done.text
    assert site.person("R1").name == "Rita Resolute"


async def test_another_file_than_the_one_looked_at_is_not_written(site: Site) -> None:
    as_person(site, "C1")
    page = await _look(site, _changed())
    form = {name: (None, value) for name, value in fields(page, "/roster/import").items()}
    other = _changed(("Rita Respond", "Rita Resolute"))
    done = await site.client.post("/roster/import", files=form | {"text": (None, other)})
    assert done.status_code == 422
    assert "This is not the file that was looked at." in done.text
    assert site.person("R1").name == "Rita Respond"


async def test_every_error_stands_there_by_its_line(site: Site) -> None:
    as_person(site, "C1")
    page = await _look(site, _changed(("2024-01-01", "tomorrow"), ("+12125550104", "nonsense")))
    assert page.status_code == 422
    assert len(re.findall(r"<li>line \d+: ", page.text)) > 10
    assert re.search(r"line \d+: phone", page.text)


async def test_who_reads_spanish_reads_of_each_error_and_warning_in_spanish(site: Site) -> None:
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("C1")).language = "es"
    as_person(site, "C1")
    wrong = await _look(site, _changed(("2024-01-01", "tomorrow"), ("+12125550104", "nonsense")))
    told = html.unescape(wrong.text)
    assert re.search(r"<li>línea \d+: phone: no es un número de teléfono; escribe \+1…", told)
    assert re.search(r"<li>línea \d+: designated_at: 'tomorrow' no es una fecha; escríbela", told)
    assert " line " not in told
    assert "is not" not in told
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("R1")).revoked_care = True
        session.get_one(Person, site.id_of("R1")).consent_care = False
    right = await _look(site, _changed(("Rita Respond", "Rita Resolute")))
    assert "consent_care sigue revocado; solo la persona puede darlo otra vez" in right.text
    assert "stays revoked" not in right.text


async def test_nobody_writes_another_agencys_people_or_learns_who_has_a_number_there(site: Site) -> None:
    as_person(site, "C1")
    page = await _look(site, ROSTER)
    assert page.status_code == 422
    assert page.text.count("north-fire is not yours") == 1, "once, however many lines it has"
    page = await _look(site, _changed(("+12125550104", "+12125550120")))
    assert "somebody of another agency" in page.text
    assert "north-fire" not in page.text


async def test_the_example_of_the_page_can_be_copied_looked_at_and_written(site: Site) -> None:
    as_person(site, "C1")
    asked = await site.client.get("/roster")
    example = html.unescape(asked.text.partition("readonly")[2].partition(">")[2].partition("</textarea>")[0])
    page = await _look(site, example.lstrip("\n"))
    assert "Not written yet" in page.text
    done = await site.client.post(
        "/roster/import",
        files={name: (None, value) for name, value in fields(page, "/roster/import").items()}
        | {"text": (None, example.lstrip("\n"))},
    )
    assert "Imported" in done.text
    assert site.person("X5").agency == AGENCY


@pytest.mark.parametrize("sent", [b"\xff\xfe\x00", b"   "])
async def test_what_is_no_roster_is_refused_in_words(site: Site, sent: bytes) -> None:
    as_person(site, "C1")
    page = await site.client.get("/roster")
    form = {"form_token": fields(page, "/roster/preview")["form_token"]}
    answer = await site.client.post("/roster/preview", data=form, files={"file": ("r.csv", sent, "text/csv")})
    assert answer.status_code == 422
    assert site.rows(select(Outbox)) == []


async def test_a_long_queue_takes_as_many_questions_as_a_short_one(site: Site) -> None:
    await _waiting(site)
    as_person(site, "C1")
    await site.client.get("/queue")
    with counted(site) as few:
        await site.client.get("/queue")
    with site.db.transaction() as session:
        for number in range(20):
            queue.add(
                session,
                "call_needed",
                now=site.clock.at,
                within=timedelta(hours=1),
                person=session.get_one(Person, site.id_of("R2" if number % 2 else "R3")),
                tell=False,
            )
    with counted(site) as many:
        text = (await site.client.get("/queue")).text
    assert text.count("This person is to be called") == 20
    assert len(many) == len(few)


async def test_a_long_list_of_calls_for_help_takes_as_many_questions_as_a_short_one(site: Site) -> None:
    ref = str((await site.log())["ref"])

    def open_calls(count: int) -> None:
        with site.db.transaction() as session:
            incident = session.scalars(select(Incident).where(Incident.ref == ref)).one()
            for _number in range(count):
                session.add(
                    Escalation(
                        agency=AGENCY,
                        incident_id=incident.id,
                        level=EscalationLevel.URGENT,
                        reason="asked",
                        state=EscalationState.OPEN,
                        rung=0,
                        opened_at=site.clock.at,
                        level_at=site.clock.at,
                    )
                )

    open_calls(1)
    as_person(site, "K1")
    await site.client.get("/escalations")
    with counted(site) as few:
        await site.client.get("/escalations")
    open_calls(20)
    with counted(site) as many:
        text = (await site.client.get("/escalations")).text
    assert text.count("Nobody has taken it.") == 21
    assert len(many) == len(few)
