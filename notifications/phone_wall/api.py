"""The wall's own API: for its page, scripted phones, tests, and whoever checks what was promised."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from notifications.phone_wall.accept import E164
from notifications.phone_wall.by_hand import SIGNATURES, post_by_hand, tell_by_hand
from notifications.phone_wall.exchange import KEYS, Act
from notifications.phone_wall.fault_plan import CHANCED, SAY_PLAN, FaultPlan, outage_from, rule_from
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
_SAY_FAULT: Final = (
    f"kind is one of: {', '.join((*CHANCED, Fault.OUTAGE))}; times is a number, 0 switches it off; "
    'or send "plan" and "seed" (a number) for faults by chance'
)
_SAY_MESSAGE: Final = "there is no such message, or it has no StatusCallback"
_SAY_STATUSES: Final = 'send {"statuses": ["sent", "delivered"]}, and perhaps "error_code", a number'
_SAY_WEBHOOK: Final = (
    f'send "url", "form" (an object of texts), and "signed", one of: {", ".join(SIGNATURES)}'
)
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
        Route("/wall/api/injected", _json(_injected)),
        Route("/wall/api/messages/{sid}/statuses", _json(_statuses), methods=["POST"]),
        Route("/wall/api/webhooks", _json(_webhook), methods=["POST"]),
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
    """What is switched on by hand, and what happens by chance; POST changes either."""
    if request.method == "POST":
        asked = await _object(request)
        if "plan" in asked:
            _follow(wall, asked)
        else:
            _switch(wall, asked)
    return {
        **{fault.value: wall.switched_faults.left[fault] for fault in CHANCED},
        "outage": wall.injector.outage.seconds_left,
        "plan": wall.plan.written,
        "seed": wall.seed,
    }


def _follow(wall: Wall, asked: dict[str, Any]) -> None:
    plan, seed = asked["plan"], asked.get("seed", 0)
    if not isinstance(plan, dict) or not isinstance(seed, int) or set(asked) - {"plan", "seed"}:
        raise _WrongRequestError(SAY_PLAN)
    wall.follow(FaultPlan(plan), seed)


def _switch(wall: Wall, asked: dict[str, Any]) -> None:
    kind, times = asked.get("kind"), asked.get("times", 1)
    details = {name: value for name, value in asked.items() if name not in ("kind", "times")}
    if kind not in (*CHANCED, Fault.OUTAGE) or not isinstance(times, int) or times < 0:
        raise _WrongRequestError(_SAY_FAULT)
    if kind != Fault.OUTAGE:
        wall.switched_faults.switch(Fault(kind), times, rule_from(Fault(kind), details))
    elif times:
        wall.injector.go_away(outage_from(details))
    else:
        wall.injector.outage.end()


async def _injected(_: Request, wall: Wall) -> Any:
    """Every fault that happened, in order, and how many there were of each kind.

    Also how many requests to create something were on at once, at most, since this wall started.
    """
    injected = list(wall.store.injected)
    counts = Counter(one["kind"] for one in injected)
    return {"injected": injected, "counts": counts, "most_at_once": wall.most_at_once}


async def _statuses(request: Request, wall: Wall) -> Any:
    """Tell statuses of a message one after the other, whatever became of it: rightly signed callbacks."""
    asked, message = await _object(request), wall.store.by_sid.get(request.path_params["sid"])
    statuses, code = asked.get("statuses"), asked.get("error_code")
    if message is None or not message.status_callback:
        raise _WrongRequestError(_SAY_MESSAGE)
    if not isinstance(statuses, list) or not all(isinstance(status, str) for status in statuses):
        raise _WrongRequestError(_SAY_STATUSES)
    if not isinstance(code, int | None):
        raise _WrongRequestError(_SAY_STATUSES)
    return {"answers": [one.exported() for one in await tell_by_hand(wall, message, statuses, code)]}


async def _webhook(request: Request, wall: Wall) -> Any:
    """Post a webhook made by hand, signed rightly, wrongly or not at all."""
    asked = await _object(request)
    url, form, signed = asked.get("url"), asked.get("form"), asked.get("signed")
    if not isinstance(url, str) or not isinstance(form, dict) or signed not in SIGNATURES:
        raise _WrongRequestError(_SAY_WEBHOOK)
    if not all(isinstance(value, str) for value in form.values()):
        raise _WrongRequestError(_SAY_WEBHOOK)
    return (await post_by_hand(wall, url, list(form.items()), signed)).exported()


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
