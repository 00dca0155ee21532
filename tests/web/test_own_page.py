"""A person's own page: consents, the limits of confidentiality, the trust receipt."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from cism.domain.consents import Purpose
from cism.domain.disclosure import Recipient
from cism.domain.people import Role
from cism.domain.scopes import Scope
from cism.services import audit, consents, disclosures, notices, numbers, people, roster, tokens
from cism.store.states import SessionState
from cism.store.tables import (
    Assignment,
    Consent,
    GroupSession,
    Incident,
    Invitation,
    Notice,
    NoticeGiven,
    Person,
    QueueItem,
)
from tests.conftest import START
from tests.pages.test_board import counted
from tests.web.browsing import fields, first, open_link, press, sign_in
from tests.web.conftest import AGENCY, ROSTER, Site
from tests.web.test_signing_in import by_phone, signed_in

OWN_WORDS = "Limits at Metro: court orders.  Two  spaces & <b>all</b>\n\tas written."


async def test_only_whoever_proved_to_be_the_person_sees_their_own_page(site: Site) -> None:
    assert (await site.client.get("/me")).headers["location"] == first("/me")
    await sign_in(site)  # a token says that somebody may log, not who holds the phone
    assert await signed_in(site)
    assert (await site.client.get("/me")).headers["location"] == first("/me")
    assert (await site.client.get("/me/receipt")).headers["location"] == first("/me/receipt")
    await by_phone(site, "S1")
    assert "Sam Super" in (await site.client.get("/me")).text


async def test_a_consent_is_taken_back_and_given_with_number_way_and_wording(site: Site) -> None:
    await by_phone(site, "R1")
    await press(site, "/me", await site.client.get("/me"), "Ask me no more how I am")
    assert site.person("R1").revoked_care
    assert not site.person("R1").revoked_pages
    text = (await site.client.get("/me")).text
    assert "You took your yes back on this page, Mon 2 Mar, 10:00." in text
    assert "You have not said yes." not in text
    await press(site, "/me", await site.client.get("/me"), "Yes, ask how I am")
    assert not site.person("R1").revoked_care
    rows = site.rows(select(Consent).where(Consent.person_id == site.id_of("R1")).order_by(Consent.id))
    assert [(row.purpose, row.given, row.how, row.wording) for row in rows] == [
        ("pages", True, "attested", "attested"),
        ("care", True, "attested", "attested"),
        ("care", False, "page", "2026-11-en"),
        ("care", True, "page", "2026-11-en"),
    ]
    assert {row.phone_hash for row in rows} == {site.person("R1").phone_hash}


async def test_somebody_of_whom_nothing_is_known_enrols_in_one_pass_and_is_then_asked_how_they_are(
    site: Site,
) -> None:
    """A code from the phone, one yes a purpose, the limits read: one page, and nothing else is needed."""
    newcomer = "N1,Nora New,+12125550191,,metro-pd,law_enforcement,Patrol,N,,responder,,America/New_York,,,,"
    with site.db.transaction() as session:
        roster.import_file(session, f"{ROSTER}\n{newcomer}no,no,,,,active", START)
    nora = site.person("N1")
    assert (nora.consent_care, nora.phone_confirmed_at, site.messages("check_in", "N1")) == (False, None, [])
    await by_phone(site, "N1")
    page = await site.client.get("/me")
    assert "Confirmed" in page.text
    assert "Yes, ask me to help" not in page.text, "nobody asks a responder to help"
    await press(site, "/me", page, "Yes, ask how I am")
    await press(site, "/me", await site.client.get("/me"), "I have read this")
    assert "You said yes." in (await site.client.get("/me")).text
    (said,) = site.rows(select(Consent).where(Consent.person_id == nora.id))
    assert (said.purpose, said.given, said.how, said.phone_hash) == ("care", True, "page", nora.phone_hash)
    assert [row.how for row in site.rows(select(NoticeGiven).where(NoticeGiven.person_id == nora.id))] == [
        "page"
    ]
    await site.log(affected=[{"person_id": "N1", "circle": "B"}])
    site.perform()
    for _ in range(40):
        site.perform(hours=1)
    assert site.messages("check_in", "N1")


async def test_no_consent_on_the_page_lifts_a_stop(site: Site) -> None:
    await site.text("R1", "STOP")
    await by_phone(site, "R1")
    page = await site.client.get("/me")
    assert "You stopped everything" in page.text
    assert "by text" in page.text
    assert "You said yes." not in page.text
    assert "You took your yes back by text, Mon 2 Mar, 10:00." in page.text
    await press(site, "/me", page, "Ask me no more how I am")
    await press(site, "/me", await site.client.get("/me"), "Yes, ask how I am")
    assert site.person("R1").opted_out_at is not None


async def test_a_new_number_has_a_consent_of_its_own(site: Site) -> None:
    old = site.person("R1").phone_hash
    with site.db.transaction() as session:
        roster.import_file(session, ROSTER.replace("+12125550104", "+12125550190"), START)
    rows = site.rows(select(Consent).where(Consent.person_id == site.id_of("R1")).order_by(Consent.id))
    fresh = [row for row in rows if row.phone_hash == site.person("R1").phone_hash]
    assert [(row.purpose, row.how) for row in fresh] == [("pages", "attested"), ("care", "attested")]
    assert {row.phone_hash for row in rows} == {old, site.person("R1").phone_hash}
    assert site.person("R1").phone_confirmed_at is None


async def test_a_year_old_number_loses_care_texts_and_keeps_pages(site: Site) -> None:
    await by_phone(site, "P1")
    for days in (366, 20):
        site.clock.advance(days=days)
        with site.db.transaction() as session:
            numbers.look_through(session, site.clock.at)
        site.perform(hours=12)
    person = site.person("P1")
    assert person.phone_confirmed_at is None
    assert people.reachable(person)
    assert site.messages("confirm_phone", "P1")


def _notice(site: Site, body: str = OWN_WORDS) -> None:
    with site.db.transaction() as session:
        notices.put(session, AGENCY, "en", body, by=None, now=START)


async def test_the_agencys_notice_is_shown_word_for_word_and_recorded_once_it_was_read(site: Site) -> None:
    _notice(site)
    await by_phone(site, "R1")
    page = await site.client.get("/me")
    assert OWN_WORDS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page.text
    await press(site, "/me", page, "I have read this")
    (row,) = site.rows(select(NoticeGiven))
    assert (row.person_id, row.version, row.how) == (site.id_of("R1"), f"{AGENCY}-en-1", "page")
    assert "I have read this" not in (await site.client.get("/me")).text


async def test_a_new_version_is_told_anew_and_the_old_one_stays(site: Site) -> None:
    _notice(site)
    await by_phone(site, "R1")
    page = await site.client.get("/me")
    _notice(site, "Newer words.")
    await press(
        site, "/me", page, "I have read this"
    )  # of the old one: what they read is not the present one
    assert not site.rows(select(NoticeGiven))
    assert "Newer words." in (await site.client.get("/me")).text
    assert [row.body for row in site.rows(select(Notice).order_by(Notice.version))] == [
        OWN_WORDS,
        "Newer words.",
    ]


async def test_an_invited_person_is_told_the_limits_before_the_meeting(site: Site) -> None:
    keys = ("R1", "R2", "R3")
    await site.log(affected=[{"person_id": key, "circle": "B"} for key in keys])
    site.perform()
    site.perform(hours=3)
    meeting = site.rows(select(GroupSession).where(GroupSession.kind == "cisd"))[0]
    with site.db.transaction() as session:
        session.get_one(GroupSession, meeting.id).state = SessionState.APPROVED
        assert session.get(Invitation, (meeting.id, site.id_of("R1"))) is not None
    page = await open_link(site, site.link("R1", "invitation", meeting.id))
    assert "There are limits" in page.text
    (row,) = site.rows(select(NoticeGiven))
    assert (row.person_id, row.version, row.how) == (site.id_of("R1"), "shipped-1-en", "page")


async def _assignment(site: Site) -> Assignment:
    from tests.web.test_link_pages import _assigned

    return await _assigned(site)


async def test_a_peer_tells_the_limits_in_the_agencys_words_and_to_their_own_people_alone(site: Site) -> None:
    _notice(site)
    row = await _assignment(site)
    helper = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == row.peer_id)
    path = site.link(helper, "assignment", row.id)
    page = await open_link(site, path)
    assert "Limits at Metro" in page.text
    refused = await press(
        site, path, page, "I told them the limits of confidentiality", person=site.id_of("T1")
    )
    assert refused.status_code == 403
    assert not site.rows(select(NoticeGiven))
    await press(site, path, page, "I told them the limits of confidentiality")
    (given,) = site.rows(select(NoticeGiven))
    assert (given.how, given.version) == ("aloud", f"{AGENCY}-en-1")


async def test_a_receipt_tells_roles_and_times_and_no_name_and_nothing_of_own_looks(site: Site) -> None:
    served = await _assignment(site)
    helper = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == served.peer_id)
    (row,) = site.rows(select(Incident))
    await open_link(site, site.link("C1", "incident", row.id))
    await site.text("R1", "the chief said I should ask you about leave")
    item = site.rows(select(QueueItem).where(QueueItem.kind == "free_text"))[0]
    await open_link(site, site.link("C1", "queue", item.id))  # their own peer reads it first
    await open_link(site, site.link(helper, "queue", item.id))
    ref = row.ref
    await site.client.get(f"/api/v1/incidents/{ref}", headers=site.token(Role.SUPERVISOR, person="S1"))
    await by_phone(site, "R1")
    await site.client.get("/me")
    text = (await site.client.get("/me/receipt")).text
    assert "peer: words that you texted" in text
    assert "a coordinator: words that you texted" not in text
    assert "a coordinator: that you are on an incident" in text
    assert "a supervisor: put your name on an incident" in text
    assert "a supervisor: that you are on" not in text  # the header shows nobody
    assert not any(name in text for name in ("Carla", "Sam Super", "Pia", "Paul", "Petra"))
    assert site.id_of("R1") not in text


async def test_a_receipt_leaves_own_looks_out_and_tells_what_was_seen_at_the_machine_itself(
    site: Site,
) -> None:
    await site.log()
    (row,) = site.rows(select(Incident))
    await by_phone(site, "R1")
    for _ in range(3):
        await site.client.get("/me")
    before = (await site.client.get("/me/receipt")).text
    assert "a colleague" not in before, "that is what they are themselves"
    machine = "whoever runs this program"  # and once in what the page says of itself
    with site.db.transaction() as session:
        audit.write(session, "owner root", "cli incident", row.id)
    assert (await site.client.get("/me/receipt")).text.count(machine) == before.count(machine) + 1


async def test_a_receipt_is_its_persons_alone_also_by_api(site: Site) -> None:
    await _assignment(site)
    mine = _for_the_receipt(site, "R1")
    lines = (await site.client.get("/api/v1/me/receipt", headers=mine)).json()
    assert {"a supervisor", "a colleague"} & {line["who"] for line in lines}
    assert all(set(line) == {"at", "who", "what"} for line in lines)
    nobodys = await site.client.get("/api/v1/me/receipt", headers=site.token(Role.CLINICAL_DIRECTOR))
    assert nobodys.status_code == 403
    theirs = (await site.client.get("/api/v1/me/receipt", headers=_for_the_receipt(site, "T1"))).json()
    assert not [line for line in theirs if "incident" in line["what"]]


async def test_a_token_that_somebody_handed_out_opens_no_receipt_and_one_made_for_it_stands_in_it(
    site: Site,
) -> None:
    """Whoever made a token for somebody has it too: it must not tell what the person alone may know."""
    usual = await site.client.get("/api/v1/me/receipt", headers=site.token(Role.SUPERVISOR, person="S1"))
    assert usual.status_code == 403
    assert "receipt:read" in usual.json()["detail"]
    named = _for_the_receipt(site, "S1", Role.SUPERVISOR)
    assert (await site.client.get("/api/v1/me/receipt", headers=named)).json() == []
    await by_phone(site, "S1")
    text = (await site.client.get("/me/receipt")).text
    assert "a supervisor: this list of who saw what about you" in text


async def test_looks_of_the_same_minute_stand_together_with_their_number(site: Site) -> None:
    """Three of one minute, by the same role, are one line; a minute later, or another kind, is another."""
    logged = await site.log(affected=[{"person_id": "R2", "circle": "B"}])
    row = site.rows(select(Incident).where(Incident.ref == logged["ref"]))[0]
    actor = site.id_of("C1")
    with site.db.transaction() as session:
        for _ in range(3):
            audit.write(session, actor, "page read incident", row.id)
        audit.write(session, actor, "page stand down", row.id)
    site.clock.advance(minutes=1)
    with site.db.transaction() as session:
        audit.write(session, actor, "page read incident", row.id)
    await by_phone(site, "R2")
    lines = re.findall(r"<li>[^<]*: (a coordinator: [^<]*)</li>", (await site.client.get("/me/receipt")).text)
    assert lines == [
        "a coordinator: that you are on an incident&#39;s list",
        "a coordinator: the facts of an incident whose list you are on",
        "a coordinator: that you are on an incident&#39;s list, 3 times",
    ]


async def test_a_receipt_asks_the_database_as_often_however_much_was_seen(site: Site) -> None:
    logged = await site.log(affected=[{"person_id": "R2", "circle": "B"}])
    (row,) = site.rows(select(Incident).where(Incident.ref == logged["ref"]))
    await by_phone(site, "R2")
    asked = []
    for _ in range(2):
        with site.db.transaction() as session:
            for key in ("C1", "P1", "K1"):
                for _look in range(5):
                    audit.write(session, site.id_of(key), "page read incident", row.id)
        with counted(site) as said:
            assert (await site.client.get("/me/receipt")).status_code == 200
        asked.append(len(said))
    assert asked[0] == asked[1]
    assert asked[0] < 40


def _for_the_receipt(site: Site, key: str, role: Role = Role.RESPONDER) -> dict[str, str]:
    """A token that says by name that it opens the receipt."""
    with site.db.transaction() as session:
        made = tokens.create(session, role=role, agency=AGENCY, roster_id=key, scopes=[Scope.RECEIPT_READ])
    return {"Authorization": f"Bearer {made}"}


async def test_what_was_told_outside_stands_in_the_receipt(site: Site) -> None:
    with site.db.transaction() as session:
        person, one, other = (people.get(session, site.id_of(key)) for key in ("R1", "C1", "K1"))
        made = disclosures.propose(
            session, person, exception="mt_harm", recipient=Recipient.EMERGENCY_SERVICES, by=one, now=START
        )
        disclosures.confirm(session, made.id, by=other, now=START)
    await by_phone(site, "R1")
    text = (await site.client.get("/me/receipt")).text
    assert "told somebody outside (emergency services)" in text
    assert not any(name in text for name in ("Carla", "Kim"))


async def test_signing_out_everywhere_ends_every_browser_and_every_open_page(site: Site) -> None:
    page = await by_phone(site, "S1")
    path = str(page.url.path)
    token = fields(await site.client.get("/me"), "/me/sign-out-everywhere")
    other = site.client.cookies["cism_session"]
    await by_phone(site, "S1")
    token = fields(await site.client.get("/me"), "/me/sign-out-everywhere")
    await site.client.post("/me/sign-out-everywhere", data=token)
    for cookie in (other, site.client.cookies.get("cism_session") or ""):
        site.client.cookies.set("cism_session", cookie, domain="cism.test", path="/")
        assert not await signed_in(site)
    assert (
        "This page is private" in (await site.client.get(path)).text
        or "time of this page" in (await site.client.get(path)).text
    )


async def test_nobody_frozen_reads_their_own_page(site: Site) -> None:
    await by_phone(site, "R1")
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("R1")).frozen_at = site.clock.at + timedelta(seconds=1)
    assert (await site.client.get("/me")).status_code == 303


@pytest.mark.parametrize(
    "said",
    [
        ["STOP", "START"],
        ["page no", "START"],
        ["page no", "STOP", "START"],
        ["please stop texting me", "START"],
        ["STOP", "page no", "START", "START"],
        ["page no", "page yes", "STOP"],
    ],
    ids=" ".join,
)
async def test_the_newest_line_of_each_consent_says_what_stands(site: Site, said: list[str]) -> None:
    """Whatever somebody says by text and on their page, in whatever order."""
    for words in said:
        site.clock.advance(minutes=1)
        if words.startswith("page"):
            await by_phone(site, "P1")
            button = "Ask me no more how I am" if words.endswith("no") else "Yes, ask how I am"
            await press(site, "/me", await site.client.get("/me"), button)
        else:
            await site.text("P1", words)
    person = site.person("P1")
    for purpose in Purpose:
        stands = person.opted_out_at is None and consents.holds(person, purpose)
        rows = site.rows(select(Consent).where(Consent.person_id == person.id).order_by(Consent.id))
        newest = [row for row in rows if row.purpose == purpose.value][-1]
        assert newest.given is stands, (purpose, [(row.purpose, row.given, row.how) for row in rows])
