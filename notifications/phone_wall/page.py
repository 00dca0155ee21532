"""The page where every handset can be seen and answered. It works without JavaScript."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from notifications.phone_wall import panel, words
from notifications.phone_wall.exchange import KEYS, Act
from notifications.phone_wall.records import Call, HandsetMode, Message, VoiceMode
from notifications.phone_wall.rest import form_of
from notifications.phone_wall.wall import Wall
from notifications.phone_wall.words import Sentence, WrongActError, _

_HERE: Final = Path(__file__).parent
_MOST_HANDSETS: Final = 60
_MOST_MESSAGES: Final = 30
_SEEN: Final = 0.1  # seconds
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_AFTER, _AT_ONCE = _("after %(seconds)s s"), _("at once")
_COOKIE_SECONDS: Final = 365 * 24 * 3600
_FIRST, _NO_SPAN = timedelta(days=36_500), timedelta(0)


@dataclass(frozen=True, slots=True)
class Handset:
    """One phone as the page shows it, oldest text or call first."""

    number: str
    mode: HandsetMode
    voice: VoiceMode
    opted_out: bool
    entries: list[Message | Call]
    hidden: int

    @property
    def call(self) -> Call | None:
        """The call that is up now."""
        return next((one for one in self.entries if isinstance(one, Call) and not one.is_over), None)

    @property
    def anchor(self) -> str:
        """The id of its card."""
        return "h" + self.number.removeprefix("+")


def routes() -> list[Route | Mount]:
    """The page, its form, its style and its script."""
    return [
        Route("/", _page),
        Route("/say", _say, methods=["POST"]),
        Route("/fault", _fault, methods=["POST"]),
        Route("/handset", _handset, methods=["POST"]),
        Route("/call", _act, methods=["POST"]),
        Route("/call/{do}", _act, methods=["POST"]),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]


def handsets(wall: Wall, only: str | None = None) -> list[Handset]:
    """The handsets with the latest texts and calls, or the one asked for."""
    store = wall.store
    numbers = (
        [only] if only else sorted(_numbers(wall), key=lambda number: _latest(wall, number), reverse=True)
    )
    stopped = {handset for handset, _ in store.opted_out}
    shown = []
    for number in numbers[:_MOST_HANDSETS]:
        entries: list[Message | Call] = [*store.by_handset.get(number, [])]
        entries += store.calls_by_handset.get(number, [])
        entries.sort(key=lambda entry: entry.accepted_at)
        recent = entries[-_MOST_MESSAGES:]
        shown.append(
            Handset(
                number,
                store.mode(number),
                store.voice(number),
                number in stopped,
                recent,
                len(entries) - len(recent),
            )
        )
    return shown


def took(entry: Message) -> Sentence | None:
    """How long a text was on its way, where that can be seen with bare eyes."""
    if entry.arrived_at is None or entry.is_inbound:
        return None
    seconds = (entry.arrived_at - entry.accepted_at).total_seconds()
    return Sentence(*((_AFTER, {"seconds": f"{seconds:.1f}"}) if seconds >= _SEEN else (_AT_ONCE, {})))


def _numbers(wall: Wall) -> set[str]:
    return {*wall.store.by_handset, *wall.store.calls_by_handset}


def _latest(wall: Wall, number: str) -> datetime:
    """When something last came or went; a phone that rings stands before all others."""
    calls = wall.store.calls_by_handset.get(number, [])
    moments = [one.accepted_at for one in wall.store.by_handset.get(number, [])[-1:]]
    moments += [one.steps[-1].at for one in calls[-1:]]
    ringing = any(not one.is_over for one in calls)
    return max(moments, default=_NEVER) + (_FIRST if ringing else _NO_SPAN)


async def _page(request: Request) -> Response:
    only = request.query_params.get("number") or None
    if (chosen := request.query_params.get("language")) in words.NAMES:
        answer = RedirectResponse(f"/?number={quote(only)}" if only else "/", status_code=303)
        answer.set_cookie(
            words.COOKIE, chosen or "", max_age=_COOKIE_SECONDS, httponly=True, samesite="strict"
        )
        return answer
    return _render(request, only=only)


async def _say(request: Request) -> Response:
    form = dict(await form_of(request))
    number, body = form.get("number", ""), form.get("body", "")
    wall: Wall = request.app.state.wall
    try:
        await wall.handsets.say(number, body, form.get("to") or None)
    except WrongActError as wrong:
        return _render(request, problem=wrong.sentence, given=form, status=400)
    return _back(form)


async def _fault(request: Request) -> Response:
    kind = dict(await form_of(request)).get("kind", "")
    wall: Wall = request.app.state.wall
    if kind == "clear":
        panel.clear(wall)
    else:
        try:
            panel.inject(wall, kind)
        except WrongActError as wrong:
            return _render(request, problem=wrong.sentence, status=400)
    return RedirectResponse("/#faults", status_code=303)


async def _handset(request: Request) -> Response:
    form = dict(await form_of(request))
    wall: Wall = request.app.state.wall
    try:
        panel.set_handset(wall, form)
    except WrongActError as wrong:
        return _render(request, problem=wrong.sentence, status=400)
    return _back(form)


async def _act(request: Request) -> Response:
    form = dict(await form_of(request))
    wall: Wall = request.app.state.wall
    do = request.path_params.get("do", form.get("do", "")).replace("-", "_")
    keys = form.get("keys", "")
    try:
        wall.exchange.act(form.get("number", ""), Act(do, keys if KEYS.fullmatch(keys) else ""))
    except WrongActError as wrong:
        return _render(request, problem=wrong.sentence, status=400)
    return _back(form)


def _back(form: Mapping[str, str]) -> Response:
    number, kept = form.get("number", ""), form.get("only")
    return RedirectResponse(
        f"/?number={quote(kept)}" if kept else f"/#h{quote(number.removeprefix('+'))}", status_code=303
    )


def _render(
    request: Request,
    *,
    only: str | None = None,
    problem: Sentence | None = None,
    given: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    wall: Wall = request.app.state.wall
    said = words.of(request)
    facts: dict[str, Any] = {
        "language": said.tag,
        "languages": words.NAMES,
        "handsets": handsets(wall, only),
        "total": len(_numbers(wall)),
        "version": wall.store.changes.version,
        "only": only,
        "problem": problem,
        "given": {"number": "", "to": "", "body": "", **(given or {})},
        "senders": wall.config.numbers,
        "took": took,
        "buttons": panel.BUTTONS,
        "armed": panel.armed(wall),
        "happened": len(wall.store.injected),
        "states": words.STATES,
        "modes": words.MODES,
        "voices": words.VOICES,
        "mode_tags": words.MODE_TAGS,
        "voice_tags": words.VOICE_TAGS,
    }
    page = said.templates.get_template("wall.html").render(facts)
    return HTMLResponse(page, status, {"Content-Language": said.tag})
