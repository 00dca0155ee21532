"""The page on which somebody looks although the table refuses it, and on which others see that they did."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cism.domain.people import Role
from cism.services import people, sign_ins
from cism.services.sign_ins import Way
from cism.store.tables import Audit, BrokenGlass
from tests.web.browsing import fields, first
from tests.web.conftest import AGENCY, Site

PAGE = "/break-glass"


def comes(site: Site, key: str, agency: str = AGENCY) -> None:
    """This browser is now theirs, signed in by phone."""
    with site.db.transaction() as session:
        person = people.by_roster_id(session, agency, key)
        assert person is not None
        secret = sign_ins.of_person(session, person, Way.CODE)
    site.client.cookies.clear()
    site.client.cookies.set("cism_session", secret)


async def breaks(site: Site, ref: str, reason: str = "danger") -> str:
    """Fill in the form; where it leads, or the problem in words."""
    form = fields(await site.client.get(PAGE), PAGE) | {"ref": ref, "reason": reason}
    answer = await site.client.post(PAGE, data=form)
    return answer.headers["location"] if answer.status_code == 303 else f"{answer.status_code} {answer.text}"


async def test_a_peer_opens_a_list_and_the_clinical_director_sees_who_why_and_how_often(site: Site) -> None:
    ref = (await site.log())["ref"]
    comes(site, "P3")
    path = await breaks(site, ref.lower())
    for _ in range(2):
        page = await site.client.get(path)
    for key in ("R1", "R2"):
        assert site.person(key).name in page.text
        assert f'href="tel:{site.person(key).phone}"' in page.text
    assert "present, witnessed it" in page.text
    assert "circle B" not in page.text
    assert site.messages("looked", "D1")
    assert "Who looked" not in (await site.client.get(PAGE)).text  # that is not for whoever looked
    comes(site, "D1")
    seen = (await site.client.get(PAGE)).text
    assert "Petra Peer" in seen
    assert "Somebody may be in danger now" in seen
    assert "looks: 2" in seen
    assert "Rita" not in seen
    acts = [row.act for row in site.rows(select(Audit)) if "glass" in row.act]
    assert acts == ["page break glass", *["page look under glass"] * 2, "page list broken glass"]


async def test_nobody_in_command_and_nobody_on_the_list_opens_it_and_the_refusal_is_kept(site: Site) -> None:
    ref = (await site.log(affected=[{"person_id": key, "circle": "B"} for key in ("R1", "P3")]))["ref"]
    comes(site, "S1")
    assert (await site.client.get(PAGE)).status_code == 403
    comes(site, "P3")
    assert "on this incident&#39;s list" in await breaks(site, ref)
    comes(site, "P1")
    path = await breaks(site, ref)
    comes(site, "P2")
    assert (await site.client.get(path)).status_code == 404
    assert len(site.rows(select(BrokenGlass))) == 1
    refused = site.rows(select(Audit).where(Audit.allowed.is_(False), Audit.actor == site.id_of("P3")))
    assert len(refused) == 1


@pytest.mark.parametrize("ref", ["C-NONE1", "another agency's"])
async def test_what_is_not_there_and_what_is_another_agency_s_is_refused_in_the_same_words(
    site: Site, ref: str
) -> None:
    comes(site, "P1")
    given = ref
    if ref.startswith("another"):
        body = site.incident(agency="north-fire", affected=[{"person_id": "F2", "circle": "B"}])
        head = site.token(Role.COORDINATOR, "north-fire", "F1")
        given = (await site.client.post("/api/v1/incidents", json=body, headers=head)).json()["ref"]
    answer = await breaks(site, given)
    assert answer.startswith("404")
    assert "There is no incident by that reference." in answer
    assert f'value="{given}"' in answer, "what was typed stays, to be mended"
    assert 'value="danger" required checked' in answer


async def test_it_needs_a_reason_and_a_sign_in_of_one_s_own(site: Site) -> None:
    ref = (await site.log())["ref"]
    assert (await site.client.get(PAGE)).headers["location"] == first(PAGE)
    comes(site, "P1")
    assert (await breaks(site, ref, reason="curious")).startswith("4")
    assert site.rows(select(BrokenGlass)) == []
