"""The page where every handset can be seen and answered. It works without JavaScript."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from notifications.phone_wall.records import HandsetMode, Message
from notifications.phone_wall.rest import form_of
from notifications.phone_wall.wall import Wall

_HERE: Final = Path(__file__).parent
_MOST_HANDSETS: Final = 60
_MOST_MESSAGES: Final = 30

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Handset:
    """One phone as the page shows it, oldest message first."""

    number: str
    mode: HandsetMode
    opted_out: bool
    messages: list[Message]
    hidden: int

    @property
    def anchor(self) -> str:
        """The id of its card."""
        return "h" + self.number.removeprefix("+")


def routes() -> list[Route | Mount]:
    """The page, its form, its style and its script."""
    return [
        Route("/", _page),
        Route("/say", _say, methods=["POST"]),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]


def handsets(wall: Wall, only: str | None = None) -> list[Handset]:
    """The handsets with the latest messages, or the one asked for."""
    store = wall.store
    numbers = (
        [only] if only else sorted(store.by_handset, key=lambda number: -_latest(store.by_handset[number]))
    )
    stopped = {handset for handset, _ in store.opted_out}
    shown = []
    for number in numbers[:_MOST_HANDSETS]:
        messages = store.by_handset.get(number, [])
        recent = messages[-_MOST_MESSAGES:]
        hidden = len(messages) - len(recent)
        shown.append(Handset(number, store.mode(number), number in stopped, recent, hidden))
    return shown


def _latest(messages: list[Message]) -> int:
    return messages[-1].index if messages else -1


async def _page(request: Request) -> Response:
    wall: Wall = request.app.state.wall
    only = request.query_params.get("number") or None
    return _render(wall, only=only)


async def _say(request: Request) -> Response:
    form = dict(await form_of(request))
    number, body = form.get("number", ""), form.get("body", "")
    wall: Wall = request.app.state.wall
    try:
        await wall.handsets.say(number, body, form.get("to") or None)
    except ValueError as problem:
        return _render(wall, problem=str(problem), given=form, status=400)
    kept = form.get("only")
    return RedirectResponse(
        f"/?number={quote(kept)}" if kept else f"/#h{quote(number.removeprefix('+'))}", status_code=303
    )


def _render(
    wall: Wall,
    *,
    only: str | None = None,
    problem: str | None = None,
    given: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    facts: dict[str, Any] = {
        "handsets": handsets(wall, only),
        "total": len(wall.store.by_handset),
        "version": wall.store.changes.version,
        "only": only,
        "problem": problem,
        "given": {"number": "", "to": "", "body": "", **(given or {})},
        "senders": wall.config.numbers,
    }
    return HTMLResponse(_TEMPLATES.get_template("wall.html").render(facts), status)
