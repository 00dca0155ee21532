"""Every page is measured, or says why not."""

from __future__ import annotations

import re

import pytest

from bench import pages
from tests.proof.surfaces import routes
from tests.web.conftest import Site
from tests.web.conftest import site as site
from tests.web.conftest import web_settings as web_settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PROGRAMS = ("/api/", "/twilio/")


def _pattern(route: str) -> re.Pattern[str]:
    """What a measured path of this route looks like; names in braces stand for themselves."""
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in _parts(route)))


def _parts(route: str) -> list[str]:
    return [part for part in re.split(r"({[^}]+})", route) if part]


def test_every_page_route_is_measured_or_says_why_not(site: Site) -> None:
    opened = [path.partition("?")[0] for path in pages.measured()]
    page_routes = [route for route in routes(site) if not route.startswith(PROGRAMS)]
    left = {route for route in page_routes if not any(_pattern(route).fullmatch(path) for path in opened)}
    assert left == set(pages.UNMEASURED)
