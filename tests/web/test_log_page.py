"""The supervisor's form at the roadside."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from cism.domain.incident import Circle
from cism.domain.people import Discipline, Role
from cism.errors import BadInput
from cism.services import answers, engine, intake, removal
from cism.store.tables import AffectedPerson, Audit, Incident, Person, Question, Token
from cism.web.pages import log_choices
from cism.web.pages.local_time import instant
from tests.conftest import START
from tests.web.browsing import fields, filled, first, sign_in
from tests.web.conftest import AGENCY, Site
from tests.web.test_signing_in import by_phone


async def _circles(site: Site) -> dict[str, Circle]:
    names = {site.id_of(key): key for key in ("S1", "R1", "R2", "T1", "C1")}
    return {names[row.person_id]: row.circle for row in site.rows(select(AffectedPerson))}


async def test_the_token_is_pasted_once_and_kept_in_a_strict_cookie(site: Site) -> None:
    assert (await site.client.get("/log")).headers["location"] == first("/log")
    answer = await sign_in(site)
    assert (answer.status_code, answer.headers["location"]) == (303, "/log")
    cookie = next(item for item in answer.headers.get_list("set-cookie") if item.startswith("cism_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "cism_" + "session" in cookie
    assert site.tokens["supervisor:metro-pd:S1"] not in cookie
    assert (await site.client.get("/log")).status_code == 200


async def test_a_token_that_is_none_or_of_another_role_does_not_sign_in(site: Site) -> None:
    page = await site.client.get("/sign-in")
    wrong = await site.client.post("/sign-in", data=fields(page, "/sign-in") | {"token": "cism_x"})
    assert wrong.status_code == 401
    assert (await sign_in(site, "P1", Role.PEER)).status_code == 403
    assert (await site.client.get("/log")).headers["location"] == first("/log")
    assert [row.allowed for row in site.rows(select(Audit))] == [False, False]


async def test_a_session_ends_after_a_shift_and_with_its_token(site: Site) -> None:
    await sign_in(site)
    with site.db.transaction() as session:
        session.query(Token).update({"revoked": True})
    assert (await site.client.get("/log")).status_code == 303
    with site.db.transaction() as session:
        session.query(Token).update({"revoked": False})
    assert (await site.client.get("/log")).status_code == 200
    site.clock.advance(hours=12, seconds=1)
    assert (await site.client.get("/log")).status_code == 303


async def test_signing_out_forgets_the_token(site: Site) -> None:
    await sign_in(site)
    page = await site.client.get("/log")
    await site.client.post("/sign-out", data=fields(page, "/sign-out"))
    assert (await site.client.get("/log")).status_code == 303


@pytest.mark.parametrize("path", ["/log", "/sign-in", "/sign-out", "/sign-in/phone", "/a/x/code"])
async def test_a_form_that_no_page_of_ours_made_is_refused(site: Site, path: str) -> None:
    await sign_in(site)
    before = site.everything()
    for token in ("", "0" * 64, "é"):
        answer = await site.client.post(path, data={"form_token": token, "token": "x"})
        assert answer.status_code == 403
    after = site.everything()
    assert {name for name in after if after[name] != before[name]} <= {"audit"}


async def test_a_form_token_of_another_browser_is_refused(site: Site) -> None:
    await sign_in(site)
    form = await filled(site)
    site.client.cookies.set("cism_visit", "x" * 32, domain="cism.test")
    answer = await site.client.post("/log", data=form)
    assert answer.status_code == 403
    assert site.count(Incident) == 0


async def test_the_form_offers_the_crew_the_zone_and_whoever_logs(site: Site) -> None:
    await sign_in(site)
    text = (await site.client.get("/log")).text
    assert text.index("Probably on shift with you") < text.index("Rita Respond") < text.index("Command")
    assert "Sam Super (you)" in text
    assert "New York time (EST)" in text
    assert "Mon 2 Mar, 10:00" in text
    assert "Fay Fire" not in text  # another agency's people stay unseen
    assert re.findall(r"<script[^>]*>[^<]*", text) == ['<script src="/static/log.js" defer>']
    assert "style=" not in text
    assert 'name="kin"' not in text


async def test_a_filled_form_logs_one_incident_with_everybody_in_their_circles(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site))
    (row,) = site.rows(select(Incident))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/log/{row.ref}")
    assert row.ended_at == START - timedelta(minutes=20)
    assert row.logged_by == site.id_of("S1")
    assert row.severity.value == "S3"  # as usual for this kind
    assert await _circles(site) == {"S1": Circle.E, "R1": Circle.A, "T1": Circle.C}


async def test_the_receipt_says_whether_a_team_is_working_and_nothing_about_anybody(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site))
    text = (await site.client.get(answer.headers["location"])).text
    assert "The team is working." in text
    assert "What not to say" in text
    assert "No real phone is reached" in text
    for name in ("Rita", "Pia", "Paul", "accepted", "declined"):
        assert name not in text


async def test_the_receipt_says_that_nobody_is_found_yet(site: Site) -> None:
    await sign_in(site)
    everybody = [site.id_of(key) for key in ("S1", "P1", "P2", "P3")]
    answer = await site.client.post("/log", data=await filled(site, there=everybody))
    text = (await site.client.get(answer.headers["location"])).text
    assert "Nobody yet, the coordinator is being called." in text


async def test_the_receipt_says_that_no_text_leaves(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site))
    site.clock.advance(minutes=2)  # and no conductor was seen since
    text = (await site.client.get(answer.headers["location"])).text
    assert "Nobody yet, and no text leaves this installation." in text
    assert "Call the coordinator yourself, now" in text
    assert "The team is working" not in text


async def test_the_receipt_of_what_is_over_asks_nobody_to_call(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site))
    path = f"/api/v1/incidents/{answer.headers['location'].rpartition('/')[2]}/stand-down"
    headers = site.token(Role.COORDINATOR, AGENCY, "C1")
    assert (await site.client.post(path, json={}, headers=headers)).status_code == 200
    site.clock.advance(minutes=2)  # and no conductor was seen since
    text = (await site.client.get(answer.headers["location"])).text
    assert "It is closed: nothing more goes out." in text
    for alarm in ("Nobody yet", "now, and stay with your crew", "No check-ins will be sent"):
        assert alarm not in text


async def test_another_agencys_receipt_is_not_shown(site: Site) -> None:
    logged = await site.log()
    headers = site.token(Role.SUPERVISOR, "north-fire", "F2")
    page = await site.client.get("/sign-in")
    token = headers["Authorization"].removeprefix("Bearer ")
    await site.client.post("/sign-in", data=fields(page, "/sign-in") | {"token": token})
    assert (await site.client.get(f"/log/{logged['ref']}")).status_code == 404


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"type": ""}, "Choose what happened"),
        ({"type": "", "type_search": "shooter"}, "Did you mean"),
        ({"type": "MCI", "type_search": "CHILD"}, "different things"),
        ({"ended": ""}, "Say when it ended"),
        ({"minutes_ago": "soon"}, "how many minutes"),
        ({"ended": "at", "ended_time": ""}, "Write the date"),
        ({"ended": "at", "ended_time": "23:00"}, "This lies in the future"),
        ({"dispatcher": ""}, "or that there was none"),
        ({"call_taker": ""}, "or that there was none"),
        ({"dispatcher": "other"}, "like north-fire:R12"),
        ({"nobody_else": ""}, "Confirm that nobody else"),
        ({"others": "R2 Q"}, "then a letter"),
        ({"others": "X9"}, "write north-fire:R12 for R12 of north-fire"),
        ({"type": "LODD"}, "whether the family has been told"),
        ({"severity": "S7"}, "Choose one of the list"),
    ],
)
async def test_a_field_that_is_wrong_is_marked_and_the_rest_is_kept(
    site: Site, changed: dict[str, str], told: str
) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site, **changed))
    assert answer.status_code == 422
    assert told in answer.text
    assert site.count(Incident) == 0
    kept = fields(answer, "/log")
    assert kept["minutes_ago"] == changed.get("minutes_ago", "20")
    assert kept[f"circle_{site.id_of('R1')}"] == "A"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"others": "X9 A"}, "others"),
        ({"dispatcher": "other", "dispatcher_other": "north-fire:X9"}, "dispatcher"),
        ({"ended": "at", "ended_time": "23:00"}, "ended"),
        ({"began_date": "2026-03-02", "began_time": "09:59"}, "ended"),
    ],
)
async def test_what_the_intake_refuses_stands_beside_the_field(
    site: Site, changed: dict[str, str], field: str
) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site, **changed))
    assert answer.status_code == 422
    assert re.findall(r'class="problem" id="(\w+)-problem"', answer.text) == [field]
    assert "affected:" not in answer.text
    assert "occurred_at" not in answer.text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"others": "X9 A"}, "Nadie con &#39;X9&#39; está en la lista del personal de metro-pd"),
        ({"dispatcher": "other", "dispatcher_other": "north-fire:X9"}, "Nadie con &#39;north-fire:X9&#39;"),
        ({"ended": "at", "ended_time": "23:00"}, "Está en el futuro; indica la hora en que ocurrió."),
        ({"began_date": "2026-03-02", "began_time": "09:59"}, "Es antes de la hora en que empezó"),
        ({"type": "", "type_search": "shooter"}, "¿Querías decir: Tiroteo con un agente"),
    ],
)
async def test_the_field_speaks_spanish_to_whoever_reads_it(
    site: Site, changed: dict[str, str], told: str
) -> None:
    site.client.headers["Accept-Language"] = "es"  # a pasted token is nobody's: the browser is asked
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site, **changed))
    assert answer.status_code == 422
    problem = re.findall(r'class="problem" id="\w+-problem">([^<]*)', answer.text)
    assert len(problem) == 1
    assert told in problem[0]


async def test_the_receipt_says_whom_to_call_while_nobody_is_found(site: Site) -> None:
    await sign_in(site)
    everybody = [site.id_of(key) for key in ("S1", "P1", "P2", "P3")]
    answer = await site.client.post("/log", data=await filled(site, there=everybody))
    text = (await site.client.get(answer.headers["location"])).text
    assert f'href="tel:{site.person("C1").phone}"' in text


async def test_kin_and_funeral_are_asked_only_after_a_death_in_the_line_of_duty(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, type="LODD")
    asked = await site.client.post("/log", data=form)
    assert 'name="kin"' in asked.text
    answer = {**form, "kin": "yes", "funeral_date": "2026-03-09", "funeral_time": "11:00"}
    await site.client.post("/log", data=answer)
    (row,) = site.rows(select(Incident))
    assert row.kin_notified is True
    assert row.funeral_at == datetime(2026, 3, 9, 15, 0, tzinfo=UTC)  # summer time by then


async def test_the_kind_can_be_searched_by_word(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, type="", type_search="MCI - Multi-casualty incident, disaster or terrorism")
    await site.client.post("/log", data=form)
    assert site.rows(select(Incident))[0].type == "MCI"


async def test_what_is_not_over_has_no_end_and_people_count_as_still_exposed(site: Site) -> None:
    await sign_in(site)
    await site.client.post("/log", data=await filled(site, ended="ongoing"))
    assert {row.exposure_end for row in site.rows(select(AffectedPerson))} == {None}


async def test_people_of_another_service_are_named_by_agency_and_id(site: Site) -> None:
    await sign_in(site)
    changed = {"dispatcher": "other", "dispatcher_other": "north-fire:F2", "others": "north-fire:F3 D"}
    await site.client.post("/log", data=await filled(site, **changed))
    circles = {row.person_id: row.circle for row in site.rows(select(AffectedPerson))}
    assert circles[site.id_of("F2", "north-fire")] is Circle.C
    assert circles[site.id_of("F3", "north-fire")] is Circle.D


async def test_pressing_twice_logs_once_even_when_now_has_moved_on(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, ended="now")
    first = await site.client.post("/log", data=form)
    site.clock.advance(minutes=3)
    second = await site.client.post("/log", data=form)
    assert first.headers["location"] == second.headers["location"]
    assert site.count(Incident) == 1


async def test_pressing_at_the_same_moment_logs_once(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, ended="now")
    answers = await asyncio.gather(*(site.client.post("/log", data=form) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert site.count(Incident) == 1


async def test_one_touch_names_the_kind_and_another_the_time(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, type="", favourite="CHILD", ended="30", minutes_ago="")
    await site.client.post("/log", data=form)
    (row,) = site.rows(select(Incident))
    assert (row.type, row.ended_at) == ("CHILD", START - timedelta(minutes=30))


async def test_two_kinds_at_once_are_asked_about(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site, type="MCI", favourite="CHILD"))
    assert "You chose two kinds" in answer.text
    again = fields(answer, "/log") | {"favourite": ""}
    assert again["type"] == "MCI"
    assert (await site.client.post("/log", data=await filled(site, **again))).status_code == 303


def _chips(text: str) -> list[str]:
    return [one for one in re.findall(r'name="favourite" value="(\w*)"', text) if one]


async def test_favourites_are_ones_own_kinds_and_tell_of_nobody_elses_rare_one(site: Site) -> None:
    await site.log(type="COLLEAGUE_SUICIDE")  # by somebody else of the agency, once
    await sign_in(site)
    usual = _chips((await site.client.get("/log")).text)
    assert len(usual) == 4
    assert "COLLEAGUE_SUICIDE" not in usual
    await site.client.post("/log", data=await filled(site, type="MCI"))
    assert _chips((await site.client.get("/log")).text)[0] == "MCI"
    for _ in range(10):
        await site.log(type="COLLEAGUE_SUICIDE")
    assert "COLLEAGUE_SUICIDE" in _chips((await site.client.get("/log")).text)  # eleven tell of none


async def test_a_form_that_waited_for_a_line_counts_from_when_it_was_pressed(site: Site) -> None:
    await sign_in(site)
    await site.client.post("/log", data=await filled(site, ended="now", waited="40"))
    assert site.rows(select(Incident))[0].ended_at == START - timedelta(minutes=40)


@pytest.mark.parametrize(("waited", "counts"), [("", 0), ("soon", 0), ("-5", 0), ("99999", 720)])
async def test_nobody_waits_longer_than_a_shift_and_nonsense_counts_for_nothing(
    site: Site, waited: str, counts: int
) -> None:
    await sign_in(site)
    await site.client.post("/log", data=await filled(site, ended="now", waited=waited))
    assert site.rows(select(Incident))[0].ended_at == START - timedelta(minutes=counts)


async def test_sent_again_because_the_answer_was_lost_it_is_the_same_incident(site: Site) -> None:
    await sign_in(site)
    form = await filled(site, ended="15")
    first = await site.client.post("/log", data={**form, "waited": "10"})
    site.clock.advance(minutes=25)
    again = await site.client.post("/log", data={**form, "waited": "35"})
    assert again.headers["location"] == first.headers["location"]
    assert site.count(Incident) == 1


async def test_sent_again_after_another_sign_in_it_is_the_same_incident(site: Site) -> None:
    await by_phone(site, "S1")
    form = await filled(site)
    first = await site.client.post("/log", data=form)
    await by_phone(site, "S1")
    renewed = fields(await site.client.get("/log"), "/log")["form_token"]
    again = await site.client.post("/log", data={**form, "form_token": renewed})
    assert again.headers["location"] == first.headers["location"]
    assert site.count(Incident) == 1


async def test_the_relief_of_the_law_is_listed_where_it_applies(site: Site) -> None:
    """Its duties are a railroad's: whoever came to the crossing from another service has none of them."""
    await sign_in(site)
    cases = (("fire", "CROSSING_FATAL", False), ("rail", "CROSSING_FATAL", True), ("rail", "CHILD", False))
    for service, kind, applies in cases:
        with site.db.transaction() as session:
            session.get_one(Person, site.id_of("S1")).discipline = Discipline(service)
        answer = await site.client.post("/log", data=await filled(site, type=kind))
        text = (await site.client.get(answer.headers["location"])).text
        assert ("49 CFR 272" in text) is applies, (service, kind)
        assert "Relief from the" in text or "relief from the" in text
        assert not re.search(r'<input type="checkbox" name', text)  # a tick is sent nowhere


async def test_a_day_later_the_page_does_not_say_that_peers_are_being_asked_now(site: Site) -> None:
    """By the clock alone: with the same answers, and with none, it changes at the same moment."""
    await sign_in(site)
    shown = []
    for accepting in (("P1", "P2"), ()):
        where = (await site.client.post("/log", data=await filled(site))).headers["location"]
        site.perform()
        for peer in accepting:
            await site.text(peer, "1")
        texts = []
        for minutes in (0, 239, 2, 24 * 60):
            site.clock.advance(minutes=minutes)
            with site.db.transaction() as session:
                engine.beat(session, "worker")  # texts leave
            await sign_in(site)
            text = (await site.client.get(where)).text
            texts.append(("Peers are being asked now" in text, "What comes next does not need you" in text))
        shown.append(texts)
    assert shown == [[(True, False), (True, False), (False, True), (False, True)]] * 2


async def test_the_page_afterwards_does_not_change_with_what_anybody_does(site: Site) -> None:
    await sign_in(site)
    answer = await site.client.post("/log", data=await filled(site))
    where = answer.headers["location"]
    before = (await site.client.get(where)).text
    site.perform(minutes=1)
    for question in site.rows(select(Question).where(Question.kind == "page")):
        with site.db.transaction() as session:
            asked = session.get_one(Question, question.id)
            if asked.state == "open":  # the team may be full by then
                answers.apply(session, asked, "1", None, START)
    with site.db.transaction() as session:
        engine.beat(session, "worker")
    assert (await site.client.get(where)).text == before


async def test_going_back_and_changing_the_form_is_told_and_not_lost_in_silence(site: Site) -> None:
    await sign_in(site)
    form = await filled(site)
    await site.client.post("/log", data=form)
    answer = await site.client.post("/log", data={**form, "type": "MCI"})
    assert answer.status_code == 409
    assert "What you changed since was not saved" in answer.text
    assert site.rows(select(Incident))[0].ref in answer.text


def test_a_local_time_that_came_twice_or_never_is_refused() -> None:
    assert instant("2026-03-07", "23:10", "America/Los_Angeles") == datetime(2026, 3, 8, 7, 10, tzinfo=UTC)
    with pytest.raises(BadInput, match="did not exist"):
        instant("2026-03-08", "02:30", "America/Los_Angeles")
    with pytest.raises(BadInput, match="came twice"):
        instant("2026-11-01", "01:30", "America/Chicago")
    for day, clock in (("", "10:00"), ("2026-03-07", "10:00Z"), ("9999-12-31", "23:59")):
        with pytest.raises(BadInput):
            instant(day, clock, "America/Los_Angeles")


def _shown(text: str) -> list[str]:
    """Names in the order of the form, as far as the first folded unit."""
    first_group = text.split('<details class="crew"')[1]
    return re.findall(r"> ([^<]+?)(?: \(you\))?</label>", first_group.replace("\n", ""))


async def test_the_crew_of_the_last_incident_stands_first_whatever_became_of_the_list(site: Site) -> None:
    await sign_in(site)
    assert _shown((await site.client.get("/log")).text)[0] == "Sam Super"
    await site.client.post("/log", data=await filled(site, there=[site.id_of("S1"), site.id_of("P3")]))
    (row,) = site.rows(select(Incident))
    site.clock.advance(minutes=1)
    with site.db.transaction() as session:
        removal.remove(session, row.id, site.id_of("P3"), by=site.id_of("C1"), now=site.clock.at)
        report = [intake.AffectedInput(person_id="P1", circle=Circle.B)]
        intake.add_affected(session, row.id, report)
    found = _shown((await site.client.get("/log")).text)
    assert found[1:3] == ["Petra Peer", "Tom Talker"], "and the form does not tell that one was taken off"
    assert "Pia Peer" not in found, "nor that one was added"


async def test_whoever_would_be_asleep_when_it_ended_comes_last(site: Site) -> None:
    with site.db.transaction() as session:
        person = session.get_one(Person, site.id_of("R1"))
        person.sleep_start, person.sleep_end = time(9), time(17)
    await sign_in(site)
    assert _shown((await site.client.get("/log")).text) == [
        "Sam Super",
        "Ron Respond",
        "Rosa Respond",
        "Rita Respond",
    ]
    refused = await site.client.post(
        "/log",
        data=await filled(site, ended="at", ended_date="2026-03-01", ended_time="22:00", nobody_else=""),
    )
    assert refused.status_code == 422
    assert _shown(refused.text)[1] == "Rita Respond", "by the time that the form says"


async def test_nobody_falls_off_a_large_agencys_form_who_was_ticked_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_choices, "MOST_SHOWN", 3)
    await sign_in(site)
    assert "Petra Peer" not in (await site.client.get("/log")).text
    there = [site.id_of("S1"), site.id_of("P3")]
    refused = await site.client.post("/log", data=await filled(site, there=there, nobody_else=""))
    assert f'value="{site.id_of("P3")}" checked' in refused.text
    await site.client.post("/log", data=await filled(site, there=there))
    assert set(await _circles_of(site)) == {site.id_of(key) for key in ("S1", "P3", "T1")}


async def _circles_of(site: Site) -> dict[str, Circle]:
    return {row.person_id: row.circle for row in site.rows(select(AffectedPerson))}
