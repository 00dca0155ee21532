"""Every route there is: protecting headers on its answers, and no form that no page of ours made."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from cism.domain.people import Role
from cism.web.app import ROUTES, create_app
from cism.web.middleware import MOST_BYTES
from tests.web.conftest import Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TEMPLATES = Path(__file__).parent.parent.parent / "cism" / "web" / "templates"
_PROGRAMS = ("/api/", "/twilio/", "/healthz", "/readyz", "/metrics")


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route, its parameters filled in with what is not there."""
    for route in [route for module in ROUTES for route in module.router.routes]:
        if isinstance(route, APIRoute):
            for method in sorted(route.methods):
                yield method, re.sub(r"\{[^}]*\}", "I-ABCD", route.path)


def assert_guarded(answer: httpx.Response, where: str) -> None:
    """The headers of one answer."""
    told = answer.headers
    policy = told["content-security-policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert "base-uri 'none'" in policy, where
    assert "form-action 'self'" in policy, where
    assert "unsafe" not in policy, where
    assert told["cache-control"] == "no-store", where
    assert told["referrer-policy"] == "no-referrer", where
    assert told["x-content-type-options"] == "nosniff", where
    assert "server" not in told, where


async def test_every_route_answers_with_the_protecting_headers_signed_in_or_not(site: Site) -> None:
    found = list(routes())
    assert len(found) > 40
    for _ in range(2):
        for method, path in found:
            answer = await site.client.request(method, path)
            assert answer.status_code < 500 or path == "/readyz", (method, path)
            assert_guarded(answer, f"{method} {path}")
        await by_phone(site, "S1")


@pytest.mark.parametrize(("address", "told"), [("https://cism.test", True), ("http://cism.test", False)])
async def test_browsers_are_told_to_come_encrypted_where_that_is_the_address(
    site: Site, address: str, *, told: bool
) -> None:
    app = create_app(site.db, site.settings.model_copy(update={"public_url": address}), None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=address) as client:
        answer = await client.get("/healthz")
        assert ("max-age" in answer.headers.get("strict-transport-security", "")) is told
        cookies = (await client.get("/sign-in")).headers.get_list("set-cookie")
        assert all(one.startswith("__Host-") and "Secure" in one for one in cookies) is told


@pytest.mark.parametrize("path", ["/api/v1/incidents", "/log", "/twilio/sms"])
async def test_a_body_that_tells_no_length_is_bounded_too(site: Site, path: str) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 4 * MOST_BYTES:
            taken += 50_000
            yield b"x" * 50_000

    answer = await site.client.post(path, content=endless(), headers=site.token(Role.SUPERVISOR))
    assert answer.status_code in {400, 413}  # FastAPI takes a body that breaks off for one it cannot read
    assert taken < 2 * MOST_BYTES


async def test_no_page_acts_on_a_form_that_was_not_made_for_this_browser(site: Site) -> None:
    await by_phone(site, "S1")
    before = site.everything()
    pages = [path for method, path in routes() if method == "POST" and not path.startswith(_PROGRAMS)]
    assert len(pages) > 15
    for path in pages:
        for form in ({}, {"form_token": "0" * 64}):
            answer = await site.client.post(path, data=form)
            assert answer.status_code == 403, path
    grown = {name for name, count in site.everything().items() if count != before[name]}
    assert grown <= {"audit", "mark"}  # the refusals themselves


async def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    page = await site.client.get("/sign-in")
    for told in page.headers.get_list("set-cookie"):
        assert "HttpOnly" in told
        assert "samesite=strict" in told.lower()


def test_every_form_that_is_posted_carries_the_token(database_url: str) -> None:
    found = 0
    for path in TEMPLATES.rglob("*.html"):
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), re.DOTALL):
            found += 1
            assert 'name="form_token"' in form, path.name
    assert found > 15


def test_no_template_switches_escaping_off_or_holds_a_script_or_a_style(database_url: str) -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\|\s*safe|autoescape|\sstyle=|\son[a-z]+=|<style|javascript:", text), path.name
        ours = '<script src="/static/{{ script }}" defer></script>'  # whose names the handler gives
        assert text.count("<script") == (1 if path.name == "base.html" and ours in text else 0), path.name
