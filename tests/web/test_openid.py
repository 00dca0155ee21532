"""An agency's own sign-in, against a real issuer on loopback."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import select

from cism.domain.people import Role
from cism.services import openid_staff
from cism.store.tables import OpenIdSubject, Person, SignIn
from tests.fakes.issuer import CLIENT, SECRET, Issuer, running_issuer
from tests.web.browsing import fields, first, sign_in
from tests.web.conftest import AGENCY, OTHER, Site
from tests.web.test_signing_in import by_phone, signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def issuer(site: Site) -> Iterator[Issuer]:
    """The agency's issuer, where Sam has an account."""
    site.db.public_url = site.settings.public_url
    with running_issuer() as found:
        with site.db.transaction() as session:
            openid_staff.put(session, AGENCY, found.address, CLIENT, SECRET, openid_staff.EMAIL)
            session.get_one(Person, site.id_of("S1")).email = "Sam@Example.org"
        yield found


async def away(site: Site, agency: str = AGENCY) -> str:
    """Press the button; the address at the issuer."""
    page = await site.client.get("/sign-in")
    form = fields(page, "/sign-in/agency") | {"agency": agency}
    answer = await site.client.post("/sign-in/agency", data=form)
    found = re.search(r'class="button big" href="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found.group(1))


async def round_trip(site: Site, issuer: Issuer) -> httpx.Response:
    """There and back."""
    return await site.client.get(issuer.signed_in(await away(site)))


async def test_staff_sign_in_at_their_agency_and_log_and_no_own_page_opens(
    site: Site, issuer: Issuer
) -> None:
    assert (await round_trip(site, issuer)).status_code == 200
    assert await signed_in(site)
    assert (await site.client.get("/me")).headers["location"] == first("/me")  # the employer could be anybody
    assert site.rows(select(SignIn.way)) == ["openid"]
    assert issuer.secrets_given == [f"{CLIENT}:{SECRET.replace(' ', '+')}"] or issuer.secrets_given == [
        f"{CLIENT}:{SECRET}"
    ]
    assert SECRET not in str(site.rows(select(SignIn)))


_STAFF = ("/board", "/queue", "/escalations", "/readiness", "/roster", "/break-glass", "/peer", "/week")


async def test_no_page_of_staff_opens_to_the_employer_s_sign_in_nor_to_a_pasted_token(
    site: Site, issuer: Issuer
) -> None:
    """The employer could sign in as the coordinator; whoever handed a token out has it too."""
    issuer.account["email"] = "carla@example.org"
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("C1")).email = "carla@example.org"
    assert (await round_trip(site, issuer)).status_code == 200
    for way in ("openid", "token"):
        assert await signed_in(site), "the log form opens"
        assert way in site.rows(select(SignIn.way))
        for path in _STAFF:
            answer = await site.client.get(path)
            assert answer.status_code in {303, 404}, (way, path)
            assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), (way, path)
        site.client.cookies.clear()
        await sign_in(site, "C1", Role.COORDINATOR)
    site.client.cookies.clear()
    await by_phone(site, "C1")
    assert (await site.client.get("/board")).status_code == 200, "the phone opens them"


async def test_an_account_stays_its_persons_when_the_address_moves_to_another(
    site: Site, issuer: Issuer
) -> None:
    await round_trip(site, issuer)
    issuer.account["email"] = "carla@example.org"
    with site.db.transaction() as session:
        session.get_one(Person, site.id_of("C1")).email = "carla@example.org"
    await round_trip(site, issuer)
    assert {row.person_id for row in site.rows(select(SignIn))} == {site.id_of("S1")}
    assert site.count(OpenIdSubject) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_000_000_000},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "nobody@example.org"},
        {"email": ""},
        {"azp": "another-client"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_a_claim_that_does_not_hold_signs_nobody_in(
    site: Site, issuer: Issuer, lie: dict[str, Any]
) -> None:
    issuer.claims = lie
    assert (await round_trip(site, issuer)).status_code == 401
    assert site.count(SignIn) == 0


async def test_a_token_that_another_key_signed_signs_nobody_in(site: Site, issuer: Issuer) -> None:
    issuer.signs_with = ECKey.generate_key("P-256", {"kid": "one"})
    assert (await round_trip(site, issuer)).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_that_nobody_signed_or_whoever_knows_the_client_s_secret_signs_nobody_in(
    site: Site, issuer: Issuer, algorithm: str
) -> None:
    """The classic forgeries: no signature, and one made with a secret that the program knows itself."""
    issuer.algorithm = algorithm
    issuer.signs_with = OctKey.import_key(SECRET * 3, {"kid": "one"})
    assert (await round_trip(site, issuer)).status_code == 401
    assert site.count(SignIn) == 0


@pytest.mark.parametrize("change", ["state=other", "code=other", "iss=https://elsewhere.example.org"])
async def test_an_answer_that_does_not_fit_is_refused(site: Site, issuer: Issuer, change: str) -> None:
    name, _, value = change.partition("=")
    back = issuer.signed_in(await away(site))
    url = httpx.URL(back)
    assert (await site.client.get(url.copy_set_param(name, value))).status_code == 401


async def test_an_answer_is_good_once_and_in_the_browser_that_began(site: Site, issuer: Issuer) -> None:
    back = issuer.signed_in(await away(site))
    cookies = dict(site.client.cookies)
    site.client.cookies.clear()
    assert (await site.client.get(back)).status_code == 401
    for name, value in cookies.items():
        site.client.cookies.set(name, value)
    assert (await site.client.get(back)).status_code == 200
    assert (await site.client.get(back)).status_code == 401


@pytest.mark.parametrize(
    "lie", [{"issuer": "http://127.0.0.1:1"}, {"token_endpoint": "http://elsewhere.example.org"}]
)
async def test_an_issuer_that_names_another_or_an_open_address_is_not_asked(
    site: Site, issuer: Issuer, lie: dict[str, str]
) -> None:
    issuer.discovery = lie
    page = await site.client.get("/sign-in")
    answer = await site.client.post("/sign-in/agency", data=fields(page, "/sign-in/agency"))
    assert answer.status_code == 401


async def test_an_agency_without_a_sign_in_of_its_own_is_not_offered_and_a_silent_issuer_refuses_plainly(
    site: Site, issuer: Issuer
) -> None:
    page = await site.client.get("/sign-in")
    assert page.text.count('action="/sign-in/agency"') == 1
    form = fields(page, "/sign-in/agency")
    assert (await site.client.post("/sign-in/agency", data=form | {"agency": OTHER})).status_code == 404
    with site.db.transaction() as session:
        openid_staff.put(session, AGENCY, "http://127.0.0.1:1", CLIENT, None, openid_staff.EMAIL)
    silent = await site.client.post("/sign-in/agency", data=form)
    assert silent.status_code == 401
    assert "sign in with a code" in silent.text


async def test_a_claim_with_the_rosters_id_names_the_person(site: Site, issuer: Issuer) -> None:
    with site.db.transaction() as session:
        openid_staff.put(session, AGENCY, issuer.address, CLIENT, SECRET, "employee_number")
    issuer.claims = {"employee_number": "C1"}
    await round_trip(site, issuer)
    assert site.rows(select(SignIn.person_id)) == [site.id_of("C1")]
