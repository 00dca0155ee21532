"""The wall's own API: for its page, scripted phones, tests, and whoever checks what was promised."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from notifications.phone_wall.accept import E164
from notifications.phone_wall.exchange import KEYS, Act
from notifications.phone_wall.faults import Fault
from notifications.phone_wall.records import HandsetMode, VoiceMode
from notifications.phone_wall.wall import Wall

_LONGEST_WAIT: Final = 60.0
_MOST_AT_ONCE: Final = 500

_SAY_MODE: Final = (
    f"send mode, one of: {', '.join(HandsetMode)}; or voice, one of: {', '.join(VoiceMode)}; or both"
)
_SAY_ACT: Final = 'send {"do": "answer"}, {"do": "press", "keys": "1"}, {"do": "silence"}, {"do": "hang_up"}'
_SAY_TEXT: Final = 'send {"body": "…"}, and "to" with one of our numbers if the handset is to choose'
_SAY_FAULT: Final = f"kind is one of: {', '.join(Fault)}; times is a number, 0 switches it off"
_SAY_NUMBER: Final = "a handset is named by its number in E.164 form, such as +12125550123"
_SAY_JSON: Final = "send application/json"
_SAY_OBJECT: Final = "send a JSON object"

Endpoint = Callable[[Request, Wall], Awaitable[Any]]


class _WrongRequestError(ValueError):
    """The request makes no sense; the sentence says what to send."""


def routes() -> list[Route]:
    """Everything below /wall/api."""
    return [
        Route("/wall/api/export", _json(_export)),
        Route("/wall/api/messages", _json(_messages)),
        Route("/wall/api/version", _json(_version)),
        Route("/wall/api/handsets/{number}", _json(_mode), methods=["PATCH"]),
        Route("/wall/api/handsets/{number}/say", _json(_say), methods=["POST"]),
        Route("/wall/api/handsets/{number}/call", _json(_act), methods=["POST"]),
        Route("/wall/api/faults", _json(_faults), methods=["GET", "POST"]),
    ]


def _json(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await endpoint(request, request.app.state.wall))
        except ValueError as problem:
            return JSONResponse({"error": str(problem)}, 400)

    return answer


async def _export(_: Request, wall: Wall) -> Any:
    return wall.export()


async def _messages(request: Request, wall: Wall) -> Any:
    """Texts that reached a handset, from the place `since` on; waits up to `wait` seconds for one."""
    since = int(request.query_params.get("since", "0"))
    arrivals = wall.store.arrivals
    await wall.store.changes.until(lambda: len(arrivals) > since, _wait(request))
    last = min(len(arrivals), since + _MOST_AT_ONCE)
    return {
        "messages": [
            {"seq": since + place, **message.exported()}
            for place, message in enumerate(arrivals[since:last], start=1)
        ],
        "last": max(last, since),
    }


async def _version(request: Request, wall: Wall) -> Any:
    """A number that grows with every change; waits up to `wait` seconds until it is not `since`."""
    since = int(request.query_params.get("since", "-1"))
    changes = wall.store.changes
    await changes.until(lambda: changes.version != since, _wait(request))
    return {"version": changes.version}


async def _mode(request: Request, wall: Wall) -> Any:
    number = _number(request)
    asked = await _object(request)
    mode, voice = asked.get("mode"), asked.get("voice")
    if (
        mode not in (None, *HandsetMode)
        or voice not in (None, *VoiceMode)
        or (mode is None and voice is None)
    ):
        raise _WrongRequestError(_SAY_MODE)
    if mode is not None:
        wall.store.record("mode", handset=number, mode=mode)
    if voice is not None:
        wall.store.record("voice", handset=number, voice=voice)
    return {"number": number, "mode": wall.store.mode(number), "voice": wall.store.voice(number)}


async def _act(request: Request, wall: Wall) -> Any:
    """Answer the call that rings at a handset, press keys on it, say nothing, or hang up."""
    number, asked = _number(request), await _object(request)
    do, keys = asked.get("do"), asked.get("keys", "")
    if not isinstance(do, str) or not isinstance(keys, str) or not KEYS.fullmatch(keys):
        raise _WrongRequestError(_SAY_ACT)
    return wall.exchange.act(number, Act(do, keys)).exported()


async def _say(request: Request, wall: Wall) -> Any:
    asked = await _object(request)
    body, to = asked.get("body"), asked.get("to")
    if not isinstance(body, str) or not isinstance(to, str | None):
        raise _WrongRequestError(_SAY_TEXT)
    return (await wall.handsets.say(_number(request), body, to)).exported()


async def _faults(request: Request, wall: Wall) -> Any:
    switched = wall.switched_faults
    if request.method == "POST":
        asked = await _object(request)
        faults = {fault.value: fault for fault in Fault}
        kind, times = asked.get("kind"), asked.get("times", 1)
        if kind not in faults or not isinstance(times, int) or times < 0:
            raise _WrongRequestError(_SAY_FAULT)
        switched.switch(faults[kind], times)
    return {fault.value: switched.left[fault] for fault in Fault}


def _number(request: Request) -> str:
    number: str = request.path_params["number"]
    if not E164.fullmatch(number):
        raise _WrongRequestError(_SAY_NUMBER)
    return number


def _wait(request: Request) -> float:
    return min(float(request.query_params.get("wait", "0")), _LONGEST_WAIT)


async def _object(request: Request) -> dict[str, Any]:
    # A JSON type, so that no form on another page can reach this without the browser asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _WrongRequestError(_SAY_JSON)
    content = json.loads(await request.body() or b"{}")
    if not isinstance(content, dict):
        raise _WrongRequestError(_SAY_OBJECT)
    return content
