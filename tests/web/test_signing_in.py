"""Sign-ins: short, kept on the server, over at once, and silent about who is enrolled."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from cism.domain.people import PersonStatus, Role
from cism.services import lives, people, roster, tokens
from cism.services.sign_ins import IDLE, IDLE_WITH_TOKEN, LONGEST
from cism.store.tables import Link, Outbox, Person, PersonRole, SignIn, Token
from tests.conftest import START
from tests.web.browsing import fields, newest_code, sign_in
from tests.web.conftest import AGENCY, ROSTER, Site


async def ask_for_code(site: Site, number: str, **headers: str) -> str:
    """Ask for a code on the sign-in page; the path of the page that it opens."""
    page = await site.client.get("/sign-in")
    form = fields(page, "/sign-in/phone") | {"phone": number}
    answer = await site.client.post("/sign-in/phone", data=form, headers=headers)
    return answer.headers["location"].partition("?")[0]


async def by_phone(site: Site, key: str) -> httpx.Response:
    """Sign in with the code that the phone gets; the page that opens."""
    path = await ask_for_code(site, site.person(key).phone or "")
    gate = await site.client.get(f"{path}?sent=1")
    await site.client.post(f"{path}/open", data=fields(gate, "/open") | {"code": newest_code(site, path)})
    return await site.client.get(path)


async def signed_in(site: Site) -> bool:
    """Whether this browser may do staff work."""
    return (await site.client.get("/log")).status_code == 200


async def test_a_supervisor_signs_in_with_the_phone_and_logs(site: Site) -> None:
    await by_phone(site, "S1")
    assert await signed_in(site)


async def test_a_code_signs_in_a_responder_who_may_log_nothing(site: Site) -> None:
    await by_phone(site, "R1")
    assert (await site.client.get("/log")).status_code == 403


@pytest.mark.parametrize(("token", "idle"), [(False, IDLE), (True, IDLE_WITH_TOKEN)])
async def test_a_sign_in_that_is_not_used_ends_and_one_that_is_stays(
    site: Site, token: bool, idle: object
) -> None:
    await (sign_in(site) if token else by_phone(site, "S1"))
    for _ in range(3):
        site.clock.at += idle * 0.9  # type: ignore[operator]
        assert await signed_in(site)
    site.clock.at += idle  # type: ignore[operator]
    assert not await signed_in(site)


async def test_no_sign_in_is_longer_than_a_shift(site: Site) -> None:
    await by_phone(site, "S1")
    end = site.clock.at + LONGEST
    while site.clock.at + IDLE * 0.9 < end:
        site.clock.at += IDLE * 0.9
        assert await signed_in(site)
    site.clock.at = end
    assert not await signed_in(site)


async def test_the_cookie_is_not_the_token_and_nothing_that_the_database_keeps(site: Site) -> None:
    await sign_in(site)
    cookie = site.client.cookies["cism_session"]
    assert site.tokens[f"{Role.SUPERVISOR}:{AGENCY}:S1"] not in cookie
    (row,) = site.rows(select(SignIn))
    assert cookie not in (row.hash, row.id, row.standing)


async def test_signing_out_ends_it_on_the_server_also_for_a_copied_cookie(site: Site) -> None:
    page = await by_phone(site, "S1")
    copied = site.client.cookies["cism_session"]
    form = fields(await site.client.get("/sign-in"), "/sign-in/phone")
    await site.client.post("/sign-out", data={"form_token": form["form_token"]})
    site.client.cookies.set("cism_session", copied, domain="cism.test", path="/")
    assert not await signed_in(site)
    assert page.status_code == 200


def _changed(site: Site, **changed: str) -> None:
    """A new roster file in which the supervisor's line is otherwise."""
    old = next(line for line in ROSTER.splitlines() if line.startswith("S1,"))
    cells = dict(zip(ROSTER.splitlines()[0].split(","), old.split(","), strict=True)) | changed
    with site.db.transaction() as session:
        roster.import_file(session, ROSTER.replace(old, ",".join(cells.values())), START)


@pytest.mark.parametrize(
    "changed", [{"roles": "responder"}, {"status": "retired"}, {"phone": "+12125550199"}]
)
async def test_a_lost_role_a_status_and_another_number_end_the_sign_in_at_once(
    site: Site, changed: dict[str, str]
) -> None:
    await by_phone(site, "S1")
    _changed(site, **changed)
    assert not await signed_in(site)
    _changed(site)  # and what was given back does not bring it back
    assert not await signed_in(site)


async def test_a_sign_in_is_worth_nothing_without_its_roles_even_if_nobody_ended_it(site: Site) -> None:
    await by_phone(site, "S1")
    with site.db.transaction() as session:
        person = session.get_one(Person, site.id_of("S1"))
        person.roles = [*person.roles, PersonRole(role=Role.COORDINATOR)]
    assert not await signed_in(site), "a new role is used after a new sign-in alone, and so is a lost one"


async def test_a_number_that_may_be_a_strangers_ends_the_sign_in(site: Site) -> None:
    await by_phone(site, "S1")
    await site.text("S1", "who is this?")
    assert not await signed_in(site)


async def test_a_lost_role_ends_the_tokens_of_that_role_for_good(site: Site) -> None:
    headers = site.token(Role.SUPERVISOR, person="S1")
    assert (await site.client.get("/api/v1/incidents/I-AAAA", headers=headers)).status_code == 404
    _changed(site, roles="responder")
    _changed(site)
    assert (await site.client.get("/api/v1/incidents/I-AAAA", headers=headers)).status_code == 401
    (row,) = site.rows(select(Token))
    assert row.revoked


async def test_a_token_is_worth_nothing_without_its_role_even_if_nobody_revoked_it(site: Site) -> None:
    headers = site.token(Role.SUPERVISOR, person="S1")
    with site.db.transaction() as session:
        person = session.get_one(Person, site.id_of("S1"))
        person.roles = [item for item in person.roles if item.role is not Role.SUPERVISOR]
    assert (await site.client.get("/api/v1/incidents/I-AAAA", headers=headers)).status_code == 401


async def test_a_revoked_token_ends_the_browser_that_it_signed_in(site: Site) -> None:
    await sign_in(site)
    (row,) = site.rows(select(Token))
    with site.db.transaction() as session:
        tokens.revoke(session, row.id)
    assert not await signed_in(site)


async def test_the_dead_are_signed_in_nowhere(site: Site) -> None:
    await by_phone(site, "S1")
    with site.db.transaction() as session:
        person = people.get(session, site.id_of("S1"))
        lives.set_status(session, person, PersonStatus.DECEASED, by=None, now=START)
    assert not await signed_in(site)
    before = site.count(Outbox)
    await ask_for_code(site, "+12125550103")
    assert site.count(Outbox) == before


async def test_a_code_that_comes_back_confirms_the_number(site: Site) -> None:
    assert site.person("R1").phone_confirmed_at is None
    await by_phone(site, "R1")
    assert site.person("R1").phone_confirmed_at == site.clock.at


async def test_the_answer_is_given_before_the_number_is_looked_for(site: Site) -> None:
    """What is looked for only after the answer cannot tell by its time whether somebody is enrolled."""
    seen: list[str] = []
    page = await site.client.get("/sign-in")
    body = httpx.QueryParams(fields(page, "/sign-in/phone") | {"phone": "+12125550104"})
    headers = httpx.Headers({"content-type": "application/x-www-form-urlencoded", "host": "cism.test"})
    headers["cookie"] = "; ".join(f"{name}={value}" for name, value in site.client.cookies.items())
    scope = {
        "type": "http", "method": "POST", "path": "/sign-in/phone", "raw_path": b"/sign-in/phone",
        "query_string": b"", "headers": headers.raw, "client": ("192.0.2.7", 1), "server": ("cism.test", 80),
        "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": str(body).encode(), "more_body": False}

    async def send(message: dict[str, object]) -> None:
        seen.append(f"{message['type']} {site.count(Link)}")

    await site.client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    assert seen == ["http.response.start 0", "http.response.body 0"]
    assert site.count(Link) == 1


async def test_a_stranger_who_asks_for_codes_does_not_shut_the_owner_out(site: Site) -> None:
    number = "+12125550103"
    for asked in range(20):
        await ask_for_code(site, number, **{"x-forwarded-for": f"192.0.2.{asked}"})
    assert len(site.messages("link_code", "S1")) == 6
    await site.text("S1", "WHO")
    await by_phone(site, "S1")
    assert await signed_in(site)


async def test_one_asker_is_bounded_and_another_is_not_touched_by_it(site: Site) -> None:
    for _ in range(5):
        await ask_for_code(site, "+12125550103", **{"x-forwarded-for": "192.0.2.1"})
    assert len(site.messages("link_code", "S1")) == 3
    await ask_for_code(site, "+12125550103", **{"x-forwarded-for": "192.0.2.2"})
    assert len(site.messages("link_code", "S1")) == 4


async def test_one_asker_has_codes_sent_to_a_bounded_number_of_people(site: Site) -> None:
    """Whoever goes through a list of numbers wakes sixty of them in a quarter of an hour, not the city."""
    for number in range(60):
        await ask_for_code(site, f"+1212555{1000 + number}", **{"x-forwarded-for": "192.0.2.1"})
    await ask_for_code(site, "+12125550103", **{"x-forwarded-for": "192.0.2.1"})
    assert site.messages("link_code") == []
    await ask_for_code(site, "+12125550103", **{"x-forwarded-for": "192.0.2.2"})
    assert len(site.messages("link_code", "S1")) == 1


async def test_only_the_last_forwarded_address_counts_and_only_from_this_machine(site: Site) -> None:
    for asked in range(5):
        told = f"198.51.100.{asked}, 192.0.2.1"
        await ask_for_code(site, "+12125550103", **{"x-forwarded-for": told})
    assert len(site.messages("link_code", "S1")) == 3
    name = hashlib.sha256(b"+12125550103").hexdigest()
    assert not site.backend.phones.allow(f"{name} 192.0.2.1")


async def test_a_sign_in_is_forgotten_a_week_after_its_end(site: Site) -> None:
    await by_phone(site, "S1")
    site.clock.at += LONGEST + timedelta(days=7)
    await by_phone(site, "R1")
    assert site.rows(select(SignIn.person_id)) == [site.id_of("R1")]


async def test_signing_out_closes_the_page_that_the_code_opened_too(site: Site) -> None:
    """Whoever takes the phone up next and goes back finds no name and no number."""
    path = await ask_for_code(site, site.person("P1").phone or "")
    gate = await site.client.get(f"{path}?sent=1")
    code = fields(gate, "/open") | {"code": newest_code(site, path)}
    await site.client.post(f"{path}/open", data=code)
    assert "This page is private" not in (await site.client.get(path)).text
    form = fields(await site.client.get("/sign-in"), "/sign-in/phone")
    await site.client.post("/sign-out", data={"form_token": form["form_token"]})
    assert "This page is private" in (await site.client.get(path)).text


async def test_a_stranger_who_asks_for_new_codes_at_each_address_texts_nobody_all_day(site: Site) -> None:
    number = "+12125550103"
    for asked in range(10):
        path = await ask_for_code(site, number, **{"x-forwarded-for": f"192.0.2.{asked}"})
        for _ in range(5):
            site.clock.advance(seconds=6)
            await site.client.post(f"{path}/code", data=fields(await site.client.get(path), "/code"))
    assert len(site.messages("link_code", "S1")) == 6
    await site.text("S1", "WHO")
    await by_phone(site, "S1")
    assert await signed_in(site)
