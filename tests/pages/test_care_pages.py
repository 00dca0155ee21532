"""What somebody does for themselves on their pages: as by text, and the private questions without a trace."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationLevel
from cism.domain.people import Role
from cism.services import escalations, people, rungs
from cism.store.tables import Audit, Base, Escalation, InboundMessage, Outbox, Question
from tests.web.browsing import fields, first, open_link, press, sign_in
from tests.web.conftest import Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CARE = "/me/care"
ALL = {
    "event": "yes",
    **{f"ptsd{n}": "yes" for n in range(1, 6)},
    "phq1": "3",
    "phq2": "2",
    "gad1": "1",
    "gad2": "0",
}
NONE = {"event": "no", "phq1": "0", "phq2": "0", "gad1": "0", "gad2": "0"}


async def _first_check_in(site: Site) -> None:
    for key in ("R2", "R1"):
        await by_phone(site, key)  # which confirms the number
    await site.log()
    site.perform(hours=26)
    await by_phone(site, "R1")


async def _after_a_month(site: Site, key: str = "R1") -> None:
    await site.log()
    site.clock.advance(days=31)
    await by_phone(site, key)


def _rows(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """Every value of every table, but for the last look of a sign-in and the process's own heartbeat."""
    found = {}
    with site.db.read() as session:
        for table in Base.metadata.sorted_tables:
            columns = [one for one in table.columns if (table.name, one.name) != ("sign_in", "seen_real")]
            if table.name != "heartbeat":
                found[table.name] = sorted((tuple(row) for row in session.execute(select(*columns))), key=str)
    return found


async def _questions(site: Site, **answers: str) -> httpx.Response:
    page = await site.client.get(f"{CARE}/questions")
    return await site.client.post(
        f"{CARE}/questions", data=fields(page, "/questions") | answers, headers={"referer": "x"}
    )


async def test_only_the_person_opens_these_pages(site: Site) -> None:
    await sign_in(site, "S1", Role.SUPERVISOR)  # a pasted token is handed out by somebody else
    for path in ("", "/questions", "/data", "/stop"):
        assert (await site.client.get(CARE + path)).headers["location"] == first(CARE + path)
    page = await site.client.get("/log")
    token = fields(page, "/sign-out")["form_token"]
    for path in ("/answer", "/call", "/share", "/stop", "/questions"):
        answer = await site.client.post(CARE + path, data={"form_token": token, "digit": "3", **ALL})
        assert answer.headers["location"].startswith("/sign-in?to=")
    assert site.count(Escalation) == 0


async def test_the_questions_leave_no_trace_of_any_kind(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    await _after_a_month(site)
    await site.client.get(f"{CARE}/questions")  # a first look may renew the sign-in's own time
    before = _rows(site)
    caplog.set_level(0)
    capfd.readouterr()
    answer = await _questions(site, **ALL)
    assert answer.status_code == 200
    assert "5 of 5" in answer.text
    assert _rows(site) == before
    written = caplog.text + "".join(capfd.readouterr())
    assert not re.search(r"ptsd|phq|gad|event", written, re.IGNORECASE)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.url.query == b""
    assert answer.history == []
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("answers", [ALL, NONE, {"event": "yes"} | NONE, {"phq1": "0", "phq2": "0"}])
async def test_every_result_shows_the_crisis_line_and_the_one_button(
    site: Site, answers: dict[str, str]
) -> None:
    await _after_a_month(site)
    page = await _questions(site, **answers)
    assert 'href="tel:988"' in page.text
    assert page.text.count('action="/me/care/call"') == 1
    await press(site, CARE, page, "Call me now")
    (row,) = site.rows(select(Escalation))
    assert (row.person_id, row.level.value, row.reason) == (site.id_of("R1"), "URGENT", "call_now")
    assert len(site.messages("call_now", "R1")) == 1


async def test_the_scores_are_those_of_the_instruments(site: Site) -> None:
    await _after_a_month(site)
    found = re.findall(r"<strong>(\d) of (\d)</strong>", (await _questions(site, **ALL)).text)
    assert found == [("5", "5"), ("5", "6"), ("1", "6")]
    below = (await _questions(site, **{**ALL, "ptsd1": "no", "ptsd2": "no", "ptsd3": "no"})).text
    assert "2 of 5" in below
    assert "Below the 3 points" in below
    assert "do not apply" in (await _questions(site, **NONE)).text


async def test_a_missing_answer_gives_no_score_and_nothing_is_guessed(site: Site) -> None:
    await _after_a_month(site)
    part = await _questions(site, **{**ALL, "ptsd4": ""})
    assert part.text.count("No score: an answer is missing.") == 1
    nothing = await _questions(site, event="yes", phq1="2", gad2="1")
    assert nothing.status_code == 422
    assert "nothing can be added up" in nothing.text
    assert 'name="phq1" value="2" checked' in nothing.text
    strange = await _questions(site, event="maybe", phq1="9", phq2="-1")
    assert strange.status_code == 422


async def test_before_day_thirty_they_are_not_asked_and_something_else_is_offered(site: Site) -> None:
    await site.log()
    site.clock.advance(days=29)
    await by_phone(site, "R1")
    page = await site.client.get(f"{CARE}/questions")
    assert "These questions mean something from Wednesday 1 April on." in page.text
    assert "These questions mean something from Wednesday 1 April on." in (await site.client.get(CARE)).text
    assert "ptsd1" not in page.text
    assert "Call me now" in page.text
    token = fields(page, "/call")["form_token"]
    sent = await site.client.post(f"{CARE}/questions", data={"form_token": token, **ALL})
    assert "5 of 5" not in sent.text
    assert "Not yet" in sent.text
    site.clock.advance(days=1)
    await by_phone(site, "R1")
    assert "ptsd1" in (await site.client.get(f"{CARE}/questions")).text


async def test_whoever_is_still_there_is_told_that_it_is_not_over(site: Site) -> None:
    await site.log(ended_at=None)
    site.clock.advance(days=40)
    await by_phone(site, "R1")
    assert "a month after it is over" in (await site.client.get(f"{CARE}/questions")).text


async def test_sharing_is_an_act_of_its_own_and_carries_no_answer(site: Site) -> None:
    await _after_a_month(site)
    page = await _questions(site, **ALL)
    answer = await press(site, CARE, page, "Share: a clinician, in the next days", digit="2")
    assert "5" not in answer.headers["location"].replace("said=5", "")
    (row,) = site.rows(select(Escalation))
    assert (row.level.value, row.reason) == ("ROUTINE", "screening_shared")
    assert "A clinician is asked" in (await site.client.get(answer.headers["location"])).text
    site.perform(minutes=1)
    asked = site.rows(select(Question).where(Question.kind == "escalation"))
    assert [one.person_id for one in asked] == [site.id_of("K1")]
    assert {row.body for row in site.rows(select(InboundMessage))} == {None}


async def test_a_check_in_is_answered_by_its_buttons(site: Site) -> None:
    await _first_check_in(site)
    page = await site.client.get(CARE)
    assert "Your check-in" in page.text
    await press(site, CARE, page, "All good", digit="1")
    (mine,) = site.rows(
        select(Question).where(Question.person_id == site.id_of("R1"), Question.kind == "check_in")
    )
    assert (mine.state, mine.answer) == ("answered", "1")
    assert "Your check-in" not in (await site.client.get(CARE)).text
    assert (await press(site, CARE, page, "All good", digit="1")).status_code == 303  # pressed twice


async def test_nobody_answers_another_persons_check_in(site: Site) -> None:
    await _first_check_in(site)
    (other,) = site.rows(
        select(Question).where(Question.person_id == site.id_of("R2"), Question.kind == "check_in")
    )
    form = fields(await site.client.get(CARE), "/answer") | {"question": other.id, "digit": "0"}
    assert (await site.client.post(f"{CARE}/answer", data=form)).status_code == 403
    assert site.rows(select(Question).where(Question.id == other.id))[0].state == "open"


async def test_a_call_without_any_incident_is_promised_on_the_page(site: Site) -> None:
    await by_phone(site, "R2")
    page = await site.client.get(CARE)
    assert '<button class="big" type="submit">Call me now</button>' in page.text
    answer = await press(site, CARE, page, "Call me now")
    shown = (await site.client.get(answer.headers["location"])).text
    assert "Somebody will call you by Mon 2 Mar, 11:00." in shown
    assert "These questions mean something" not in shown, "nothing happened to them that is known"
    assert "Somebody is being asked right now" in shown
    assert '<button class="big quiet" type="submit">Call me now</button>' in shown, "it was pressed already"
    assert [row.incident_id for row in site.rows(select(Escalation))] == [None]


async def test_a_worry_of_a_helper_shows_nothing_on_the_persons_page(site: Site) -> None:
    await by_phone(site, "R2")
    before = (await site.client.get(CARE)).text
    with site.db.transaction() as session:
        person = people.lock_person(session, site.id_of("R2"))
        escalations.open_for(
            session,
            person=person,
            agency=person.agency,
            level=EscalationLevel.URGENT,
            reason="worry",
            now=site.clock.now(),
        )
    assert (await site.client.get(CARE)).text == before


async def test_stopping_everything_is_a_stop_and_says_how_to_return(site: Site) -> None:
    await by_phone(site, "R1")
    page = await site.client.get(f"{CARE}/stop")
    assert "START" in page.text
    await press(site, CARE, page, "Yes, stop everything")
    assert site.person("R1").opted_out_at is not None
    assert "START, texted to our number, lifts it." in (await site.client.get(CARE)).text
    await site.text("R1", "START")
    assert site.person("R1").opted_out_at is None


async def test_looking_is_not_written_down_and_acting_names_no_act_of_care(site: Site) -> None:
    await _after_a_month(site)
    before = site.count(Audit)
    for path in ("", "/questions", "/data", "/stop"):
        assert (await site.client.get(CARE + path)).status_code == 200
    assert site.count(Audit) == before
    await press(site, CARE, await site.client.get(CARE), "Call me now")
    acts = [row.act for row in site.rows(select(Audit).order_by(Audit.id))][before:]
    assert acts == ["own care"]


async def test_the_address_of_a_check_in_asks_for_a_code_and_opens_ones_own_page(site: Site) -> None:
    await by_phone(site, "R1")
    await site.log()
    for _ in range(31):
        site.perform(days=1)
    texts = [row for row in site.messages("check_in", "R1") if '"link": "http' in row.payload]
    assert len(texts) == 1
    path = "/a/" + re.search(r"/a/([\w-]+)", texts[0].payload)[1]  # type: ignore[index]
    for _ in range(3):  # whoever looks ahead of a text uses nothing up
        assert "This page is private" in (await site.client.get(path)).text
    await open_link(site, path)
    answer = await site.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, CARE)
    assert "How are you?" in (await site.client.get(CARE)).text


async def test_no_text_says_a_word_of_the_questions(site: Site) -> None:
    await _after_a_month(site)
    await press(site, CARE, await _questions(site, **ALL), "Share: a clinician, now", digit="3")
    site.perform(hours=1)
    said = " ".join(row.payload for row in site.rows(select(Outbox)))
    assert not re.search(r"screen|ptsd|phq|gad-2|score", said, re.IGNORECASE)


async def test_the_pages_are_in_the_persons_language(site: Site) -> None:
    with site.db.transaction() as session:
        people.lock_person(session, site.id_of("R1")).language = "es"
    await _after_a_month(site)
    assert "¿Cómo estás?" in (await site.client.get(CARE)).text
    page = await site.client.get(f"{CARE}/questions")
    assert "Durante las últimas 2 semanas" in page.text
    assert "Traducción nuestra, no validada" in page.text
    assert "5 de 5" in (await _questions(site, **ALL)).text


async def test_the_receipt_speaks_the_persons_language(site: Site) -> None:
    with site.db.transaction() as session:
        people.lock_person(session, site.id_of("R1")).language = "es"
    await site.log()
    await by_phone(site, "R1")
    text = (await site.client.get("/me/receipt")).text
    assert "puso tu nombre en la lista de un incidente" in text
    assert "incident&#39;s list" not in text


async def test_a_refusal_does_not_lead_back_to_the_page_that_refused(site: Site) -> None:
    await by_phone(site, "R1")
    refused = await site.client.get("/log")
    assert refused.status_code == 403
    main = refused.text.partition("<main")[2]
    assert "Supervisors and coordinators log incidents." in main
    assert 'href="/log"' not in main
    assert 'href="/"' in main


@pytest.mark.parametrize(("key", "told"), [("K1", True), ("P1", False), ("C1", False)])
async def test_only_a_clinician_who_has_the_call_reads_that_something_was_shared(
    site: Site, key: str, told: bool
) -> None:
    await _after_a_month(site)
    await press(site, CARE, await _questions(site, **ALL), "Share: a clinician, now", digit="3")
    (row,) = site.rows(select(Escalation))
    with site.db.transaction() as session:
        here, helper = rungs.locked(session, row.id), people.lock_person(session, site.id_of(key))
        escalations.acknowledge(session, here, helper, site.clock.now())
    path = site.link(key, "escalation", row.id)
    await open_link(site, path)
    page = (await site.client.get(path)).text
    assert "Rita" in page
    assert ("private questions" in page) is told
    assert not re.search(r"\d of \d|PTSD|PHQ|GAD", page)
