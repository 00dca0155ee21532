"""Offers behind a link: who may make them, what is kept, and the brief of whoever leads."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.store.db import now
from cism.store.states import AssignmentState, OfferState, SessionState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Event,
    GroupSession,
    Incident,
    NoticeGiven,
    Offer,
    Question,
)
from tests.web.browsing import fields, open_link, press
from tests.web.conftest import Site


async def _served(site: Site) -> None:
    """A death in the line of duty: offers to everybody; Pia and Paul serve."""
    await site.log(type="LODD", severity="S4", kin_notified=True)
    site.perform()
    for peer in ("P1", "P2", "P3"):
        await site.text(peer, "1")
    site.perform()


def _peer(site: Site) -> tuple[str, str, str]:
    """A serving peer, their assignment, and one person whom they look after."""
    for item in site.rows(select(AffectedPerson).where(AffectedPerson.peer_id.is_not(None))):
        for key in ("P1", "P2", "P3"):
            if site.id_of(key) == item.peer_id:
                query = select(Assignment).where(
                    Assignment.peer_id == item.peer_id, Assignment.state == AssignmentState.ACCEPTED
                )
                return key, site.rows(query)[0].id, item.person_id
    raise AssertionError("nobody is looked after")


def _offer(site: Site, kind: str, person_id: str) -> Offer:
    return site.rows(select(Offer).where(Offer.kind == kind, Offer.person_id == person_id))[0]


async def test_a_peer_says_on_the_page_of_their_assignment_what_they_offered_and_what_is_wanted(
    site: Site,
) -> None:
    await _served(site)
    key, part, _ = _peer(site)
    path = site.link(key, "assignment", part)
    page = await open_link(site, path)
    assert "Support for the family, if they agree to it" in page.text
    assert "A chaplain, if they wish for one" in page.text
    await press(site, path, page, "Offered")
    site.perform()
    made = [row for row in site.rows(select(Offer)) if row.offered_by == site.id_of(key)]
    assert [row.state for row in made] == [OfferState.OFFERED]
    page = await site.client.get(path)
    assert "Offered. If they want it, say so." in page.text
    assert _offer(site, made[0].kind, made[0].person_id or "").accepted is None


async def test_a_peer_cannot_make_an_offer_that_is_not_to_their_own_person(site: Site) -> None:
    await _served(site)
    key, part, _ = _peer(site)
    (foreign,) = site.rows(select(Offer).where(Offer.kind == "organisational_consultation"))
    path = site.link(key, "assignment", part)
    page = await open_link(site, path)
    answer = await press(site, path, page, "Offered", offer=foreign.id)
    assert answer.status_code == 403
    (still,) = site.rows(select(Offer).where(Offer.id == foreign.id))
    assert still.state is OfferState.OPEN


async def test_those_in_charge_see_what_is_to_be_offered_and_never_what_became_of_it(site: Site) -> None:
    await _served(site)
    (row,) = site.rows(select(Incident))
    path = site.link("C1", "incident", row.id)
    page = await open_link(site, path)
    assert "Advice to command: relief, messages, dates; nobody by name" in page.text
    path = site.link("C1", "offers", row.id)
    page = await open_link(site, path)
    advice = page.text.count("Advice to command")
    assert advice == 1
    await press(site, path, page, "They want it: ask somebody")
    after = await site.client.get(path)
    assert after.text.count('name="offer"') < page.text.count('name="offer"')
    for word in ("nobody could take it", "accepted", "declined"):
        assert word not in after.text
    stranger = site.link("R3", "offers", row.id)
    assert "nothing left to offer" in (await open_link(site, stranger)).text


async def test_a_person_who_agrees_is_handed_over_once_and_the_clinician_sees_whom_only_after_taking_it(
    site: Site,
) -> None:
    await _served(site)
    key, part, _ = _peer(site)
    path = site.link(key, "assignment", part)
    page = await open_link(site, path)
    label = "They agree: hand over to a clinician, no hurry"
    assert (await press(site, path, page, label, person=site.id_of("C1"))).status_code == 403
    await press(site, path, page, label)
    await press(site, path, page, label)
    told = (await site.client.get(path)).text
    assert told.count("A clinician is asked to take them over.") == 1
    assert told.count(label) == page.text.count(label) - 1
    (row,) = site.rows(select(Offer).where(Offer.kind == "referral"))
    site.perform()
    (question,) = site.rows(select(Question).where(Question.subject_id == row.id))
    helper = next(one for one in ("K1", "D1") if site.id_of(one) == question.person_id)
    name = site.rows(select(Offer).where(Offer.id == row.id))[0].person_id
    person = next(one for one in ("R1", "R2", "R3", "S1", "T1") if site.id_of(one) == name)
    path = site.link(helper, "turn", row.id)
    page = await open_link(site, path)
    assert site.person(person).name not in page.text
    await press(site, path, page, "I take it")
    page = await site.client.get(path)
    assert site.person(person).name in page.text
    assert site.messages("hand_off", key)
    await press(site, path, page, "Reached")
    assert site.rows(select(Offer).where(Offer.kind == "referral"))[0].state is OfferState.DONE


async def test_whoever_leads_a_meeting_reads_its_phases_in_order_and_what_it_never_is(site: Site) -> None:
    await _served(site)
    key, part, _ = _peer(site)
    (row,) = site.rows(select(Incident))
    with site.db.transaction() as session:
        meeting = _approved(session, row.id, site.id_of("K1"))
    for who, purpose, subject in ((key, "assignment", part), ("K1", "session", meeting)):
        text = (await open_link(site, site.link(who, purpose, subject))).text
        places = [text.index(f"<li>{phase}</li>") for phase in ("Introduction", "Fact", "Re-entry")]
        assert places == sorted(places)
        assert "Never:" in text
        assert "take notes or record anything" in text
        assert "A team of 2" in text
    assert "You lead it" in text
    outsider = await open_link(site, site.link("R3", "session", meeting))
    assert "This is no longer yours" in outsider.text


async def test_whoever_leads_a_meeting_says_once_that_the_limits_were_read_out_before_it(site: Site) -> None:
    await _served(site)
    (row,) = site.rows(select(Incident))
    with site.db.transaction() as session:
        meeting = _approved(session, row.id, site.id_of("K1"))
    pages = [(await open_link(site, site.link(key, "session", meeting))).text for key in ("P1", "P2", "P3")]
    helpers = [text for text in pages if "Read this out before it begins" in text]
    assert helpers
    assert not any("I have read it out" in text for text in pages)  # whoever leads says so
    path = site.link("K1", "session", meeting)
    page = await open_link(site, path)
    for _ in range(2):
        await press(site, path, page, "I have read it out")
    assert "Read out: " in (await site.client.get(path)).text
    (told,) = site.rows(select(Event).where(Event.kind == "session.limits_read"))
    assert (told.subject_id, told.actor_id) == (meeting, site.id_of("K1"))
    assert site.rows(select(NoticeGiven)) == []  # of nobody is kept that they were there


async def test_nobody_but_the_leader_says_that_the_limits_were_read_out(site: Site) -> None:
    """The leader's own form, sent by each of the others behind their own address: nothing is kept."""
    await _served(site)
    key, _, _ = _peer(site)
    (row,) = site.rows(select(Incident))
    with site.db.transaction() as session:
        meeting = _approved(session, row.id, site.id_of("K1"))
    for other in sorted({key, "P1", "P2", "P3", "S1", "R1", "C1"}):
        path = site.link(other, "session", meeting)
        assert (await open_link(site, path)).status_code == 200
        token = fields(await site.client.get("/sign-in"), "/sign-in/phone")["form_token"]
        answer = await site.client.post(f"{path}/read-out", data={"form_token": token, "subject": meeting})
        assert answer.status_code == 403, other
        assert "This form" not in answer.text, "it is not the form that is refused"
        assert site.rows(select(Event).where(Event.kind == "session.limits_read")) == [], other
    path = site.link("K1", "session", meeting)
    await press(site, path, await open_link(site, path), "I have read it out")
    assert len(site.rows(select(Event).where(Event.kind == "session.limits_read"))) == 1


def _approved(session: Session, incident_id: str, leader_id: str) -> str:
    start = now(session) + timedelta(days=2)
    row = GroupSession(
        incident_id=incident_id,
        kind="cisd",
        group_key="test",
        state=SessionState.APPROVED,
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        window_from=start,
        window_to=start,
        team_size=2,
        leader_id=leader_id,
    )
    session.add(row)
    session.flush()
    return row.id
