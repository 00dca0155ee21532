"""A person with a phone's browser, without JavaScript: follows forms as they stand on the page."""

from __future__ import annotations

import hashlib
import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx

from cism.domain.people import Role
from tests.web.conftest import Site


class Fields(HTMLParser):
    """The forms of a page: action and fields as a browser would send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a browser would."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found["action"], {}))
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and self._select is not None:
            if "selected" in found or self._select not in self.forms[-1][1]:
                self.forms[-1][1][self._select] = found["value"]
        elif tag == "input" and self.forms and "name" in found:
            if found.get("type") in {"radio", "checkbox"} and "checked" not in found:
                return
            self.forms[-1][1][found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """A datalist's options belong to no select."""
        if tag == "select":
            self._select = None


def fields(answer: httpx.Response, action: str) -> dict[str, str]:
    """The fields of the first form that goes to this address."""
    return next(
        dict(values) for found, values in Fields(answer.text).forms if found.split("?")[0].endswith(action)
    )


async def sign_in(site: Site, person: str | None = "S1", role: Role = Role.SUPERVISOR) -> httpx.Response:
    """Paste the token once."""
    headers = site.token(role, person=person)
    page = await site.client.get("/sign-in")
    form = fields(page, "/sign-in") | {"token": headers["Authorization"].removeprefix("Bearer ")}
    return await site.client.post("/sign-in", data=form)


async def filled(site: Site, **changed: Any) -> dict[str, Any]:
    """The log form, filled in as a supervisor would."""
    page = await site.client.get("/log")
    return {
        **fields(page, "/log"),
        "type": "CHILD",
        "ended": "ago",
        "minutes_ago": "20",
        "there": [site.id_of("S1"), site.id_of("R1")],
        f"circle_{site.id_of('R1')}": "A",
        "dispatcher": "none",
        "call_taker": site.id_of("T1"),
        "nobody_else": "yes",
        **changed,
    }


def first(path: str) -> str:
    """The way of whoever opens this page without being signed in."""
    return f"/sign-in?{urlencode({'to': path})}"


async def open_link(site: Site, path: str) -> httpx.Response:
    """Ask for the code, read it from the text, and give it."""
    gate = await site.client.get(path)
    await site.client.post(f"{path}/code", data=fields(gate, "/code"))
    shown = await site.client.get(f"{path}?sent=1")
    form = fields(shown, "/open") | {"code": newest_code(site, path)}
    await site.client.post(f"{path}/open", data=form)
    return await site.client.get(path)


def newest_code(site: Site, path: str) -> str:
    """The code in the text that was sent for this address."""
    name = hashlib.sha256(path.rpartition("/")[2].encode()).hexdigest()[:20]
    sent = [row for row in site.messages("link_code") if row.key.startswith(f"code:{name}:")]
    return str(json.loads(sent[-1].payload)["secret"])


async def press(site: Site, path: str, page: httpx.Response, label: str, **changed: str) -> httpx.Response:
    """Press the button with this label."""
    before = page.text[: page.text.index(f">{label}</button>")]
    values = Fields(before).forms[-1]
    return await site.client.post(values[0], data={**values[1], **changed})
