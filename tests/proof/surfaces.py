"""Every surface on which somebody could see something: found by walking the application and the command line.

For one viewer `gather` asks all of them and gives back what each said: the API with the viewer's own token,
every page with a browser that is signed in as the viewer by the sign-in service, every page behind a link
that could be made for them, and every listing of the command line with `--as`. A route or a command that is
new is found by itself; where it cannot be asked without more, the failure says what to add here.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.main import get_command
from typer.testing import CliRunner

from cism.cli import ground as cli_ground
from cism.cli.main import app as commands
from cism.domain.people import Role
from cism.services import links, people, sign_ins
from cism.services.sign_ins import Way
from cism.store.tables import Link
from tests.web.conftest import AGENCY, Site

_PARAMETER = re.compile(r"{([\w:]+)}")
# Pages that are the same for everybody or no page, with the reason; they are asked as a stranger asks.
OF_NOBODY = {
    "/": "leads to somebody's first page",
    "/a/{secret}": "asked below, once for each purpose and subject",
    "/a/{secret}/{_act}": "leads to the address itself",
    "/sign-in/agency/back": "the way back from an agency's own sign-in",
}
# Commands with `--as` that read nothing to somebody: they act, and say one line about what was done.
ACTS = frozenset(
    {
        *("log", "accept", "stand-down", "close", "end-contacts", "reopen", "refer", "roster status"),
        *(
            "backup gone",
            "backup confirm",
            "paper passphrase",
            "paper make",
            "roster transfer",
            "roster remove",
        ),
        *(
            "roster not-deceased",
            "roster ready",
            "agency set",
            "agency sign-in",
            "agency notice",
            "incident remove",
        ),
        *("incident dates add", "incident dates remove", "escalation ack", "escalation close"),
        *("session approve", "session refuse", "session held", "queue handle", "offer made", "hold set"),
        *("hold lift", "disclosure propose", "disclosure confirm", "disclosure withdraw", "break-glass open"),
        *("break-glass look", "on-call accept", "on-call ask", "on-call end", "on-call override"),
        *("on-call read", "on-call refuse", "on-call remove", "on-call rotate", "on-call withdraw"),
    }
)
# Listings and views, with what they have to be told.
READS = {
    "escalations": "",
    "offers": "{ref}",
    "incidents": "",
    "incident show": "{ref}",
    "incident dates list": "{ref}",
    "session brief": "{meeting}",
    "queue list": "",
    "disclosure list": "",
    "break-glass list": "",
    "on-call show": "--agency metro-pd",
    "on-call rotations": "--agency metro-pd",
    "on-call calendars": "--agency metro-pd",
    "on-call swaps": "",
    "statistics": "--agency metro-pd",
}


@dataclass
class Ground:
    """The department that is looked at, and the ids by which its routes ask."""

    site: Site
    ids: dict[str, list[str]] = field(default_factory=dict)

    def fill(self, path: str) -> Iterator[str]:
        """A route with every combination of what its parameters can be."""
        names = [name.partition(":")[0] for name in _PARAMETER.findall(path)]
        missing = [name for name in names if name not in self.ids]
        assert not missing, (
            f"{path}: this test does not know what {missing} can be. Add the ids to `_ids` of tests/proof/"
            "access_ground.py, or the page to OF_NOBODY of tests/proof/surfaces.py with the reason"
        )
        for values in itertools.product(*(self.ids[name] for name in names)):
            chosen = dict(zip(names, values, strict=True))
            if "subject" in chosen and chosen["subject"] not in self.ids[chosen["purpose"]]:
                continue  # another purpose's: it opens as nothing, whoever asks
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = re.sub(r"{" + name + r"(:\w+)?}", value, filled)
            yield filled


def routes(site: Site) -> list[str]:
    """Every path that the application answers a GET at."""
    return sorted(set(_walk(site.client._transport.app.routes)))  # type: ignore[attr-defined]


def _walk(found: Any) -> Iterator[str]:
    for route in found:
        if hasattr(route, "original_router"):
            yield from _walk(route.original_router.routes)
        if "GET" in (getattr(route, "methods", None) or ()):
            yield route.path


def listings() -> list[str]:
    """Every command that takes `--as`; one that is in neither list above is new, and fails."""
    found = sorted(name for name, command in _commands(get_command(commands)) if _takes_as(command))
    new = [name for name in found if name not in ACTS and name not in READS]
    assert new == [], (
        f"{new}: add them to READS (what they must be told) or to ACTS of tests/proof/surfaces.py"
    )
    gone = sorted((ACTS | set(READS)) - set(found) - {"incidents"})
    assert gone == [], f"{gone} are commands no more: take them out of tests/proof/surfaces.py"
    return sorted(READS)


def _commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for key in list(group.commands):
        command, whole = group.commands[key], f"{name} {key}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, command


def _takes_as(command: Any) -> bool:
    return any(option.name == "as_id" for option in command.params)


async def gather(ground: Ground, key: str, role: Role, agency: str = AGENCY) -> dict[str, str]:
    """What every surface says to this person; a page that is refused says so, and is kept too."""
    found = await _api(ground, ground.site.token(role, agency, key))
    found |= await _pages(ground, _signed_in(ground.site, key, agency))
    found |= await _links(ground, key, agency)
    found |= await asyncio.to_thread(_terminal, ground, f"{agency}:{key}")
    return found


async def stranger(ground: Ground) -> dict[str, str]:
    """What every surface says to whoever is not signed in, and what is published as figures."""
    return await _api(ground, {}) | await _pages(ground, {})


async def _api(ground: Ground, head: dict[str, str]) -> dict[str, str]:
    found = {}
    for route in routes(ground.site):
        if route.startswith("/api/"):
            for path in ground.fill(route):
                answer = await ground.site.client.get(path, headers=head)
                found[f"API {path}"] = answer.text if answer.is_success else ""
                assert answer.status_code < 500, (path, answer.text)
    return found


async def _pages(ground: Ground, cookies: dict[str, str]) -> dict[str, str]:
    found = {}
    async with _browser(ground.site, cookies) as browser:
        for route in routes(ground.site):
            if not route.startswith("/api/") and route not in OF_NOBODY:
                for path in ground.fill(route):
                    answer = await browser.get(path)
                    assert answer.status_code < 500 or path == "/readyz", (path, answer.text)
                    found[f"page {path}"] = answer.text if answer.is_success else ""
    return found


async def _links(ground: Ground, key: str, agency: str) -> dict[str, str]:
    """Every purpose with every subject, as if an address had been made for this person."""
    found = {}
    for purpose, subjects in _purposes(ground).items():
        for subject in subjects:
            secret, browser_secret = _opened(ground.site, key, agency, purpose, subject)
            async with _browser(ground.site, {"cism_page": browser_secret}) as browser:
                answer = await browser.get(f"/a/{secret}")
            assert answer.status_code == 200, (purpose, subject, answer.text)
            found[f"link {purpose} {subject or ''}"] = answer.text
    return found


def _purposes(ground: Ground) -> dict[str, list[str | None]]:
    from cism.web.pages import link_view

    known = sorted(link_view._BY_PURPOSE)
    missing = [name for name in known if name not in ground.ids]
    assert not missing, f"links for {missing}: add their subjects to `ids` of tests/proof/access_ground.py"
    return {links.HOME: [None], **{name: list(ground.ids[name]) for name in known}}


def _opened(site: Site, key: str, agency: str, purpose: str, subject: str | None) -> tuple[str, str]:
    """An address of theirs, whose code was given in this browser a moment ago."""
    secret = links.new_secret()
    browser = f"browser-{secret}"
    with site.db.transaction() as session:
        person = people.by_roster_id(session, agency, key)
        assert person is not None
        links.link_for(session, person, purpose, subject, secret=secret)
        session.flush()
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        row = session.scalars(select(Link).where(Link.hash == hashed)).one()
        row.opened_hash = hashlib.sha256(browser.encode()).hexdigest()
    return secret, browser


def _signed_in(site: Site, key: str, agency: str) -> dict[str, str]:
    with site.db.transaction() as session:
        person = people.by_roster_id(session, agency, key)
        assert person is not None
        return {"cism_session": sign_ins.of_person(session, person, Way.CODE)}


def _browser(site: Site, cookies: dict[str, str]) -> httpx.AsyncClient:
    transport = site.client._transport
    return httpx.AsyncClient(transport=transport, base_url="http://cism.test", cookies=cookies)


def _terminal(ground: Ground, who: str) -> dict[str, str]:
    found = {}
    with _same_database(ground.site), pytest.MonkeyPatch.context() as patch:
        patch.setenv("CISM_HOME", str(ground.site.settings.home))
        for name in listings():
            for line in ground.fill(f"{name} {READS[name]}".strip()):
                for more in ([], ["--json"]):
                    got = CliRunner().invoke(commands, [*line.split(), "--as", who, *more])
                    found[" ".join(["cism", line, *more])] = got.stdout if got.exit_code == 0 else ""
                    assert got.exit_code in {0, 1}, (line, got.output)
    return found


@contextmanager
def _same_database(site: Site) -> Iterator[None]:
    """The command line in this process, over the database and on the clock of the department."""

    @contextmanager
    def opened(*_any: Any, **_more: Any) -> Iterator[Any]:
        yield site.db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_ground, "opened", opened)
        yield
