"""The paths of Twilio's REST API that the wall answers: Messages and Calls."""

import asyncio
import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from notifications.phone_wall.calls import call_page, call_resource, ending
from notifications.phone_wall.faults import Fault, Occasion
from notifications.phone_wall.listing import page, resource
from notifications.phone_wall.records import Message
from notifications.phone_wall.refusals import NoAnswer, Refusal, Silence
from notifications.phone_wall.unanswered import CutOff, Unanswered
from notifications.phone_wall.wall import Wall, refusal_of

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

Endpoint = Callable[[Request], Awaitable[Response]]


def routes() -> list[Route]:
    """The routes, below the address that the SDK would call `https://api.twilio.com`."""
    account = "/2010-04-01/Accounts/{account_sid}"
    return [
        _route(f"{account}/Messages.json", _messages, "GET", "POST"),
        _route(f"{account}/Messages/{{sid}}.json", _message, "GET", "POST", "DELETE"),
        _route(f"{account}/Calls.json", _calls, "GET", "POST"),
        _route(f"{account}/Calls/{{sid}}.json", _call, "GET", "POST", "DELETE"),
        _route(f"{account}/{{rest:path}}", _nothing, *_METHODS),
    ]


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The pairs of a posted form, blank ones too."""
    return parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)


def _route(path: str, endpoint: Endpoint, *allowed: str) -> Route:
    # every method comes in, because what is not allowed is answered in Twilio's form too
    return Route(path, _guarded(endpoint, allowed), methods=list(_METHODS))


async def _nothing(_request: Request) -> Response:
    raise Refusal(20404)


def _guarded(endpoint: Endpoint, allowed: Sequence[str]) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            _refuse_in_outage(_wall(request))
            _authenticate(request)
            _allow(request, allowed)
            _misread(request)
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.response()
        except NoAnswer as none:
            return Unanswered(none.how)

    return answer


def _refuse_in_outage(wall: Wall) -> None:
    outage = wall.injector.outage
    if not outage.is_on:
        return
    wall.injector.write(Fault.OUTAGE, befell="request", how=outage.plan.how)
    if outage.plan.how == "503":
        raise Refusal(20503)
    raise NoAnswer(Silence.CLOSE)


def _misread(request: Request) -> None:
    """Let a request that only asks for something go wrong."""
    if request.method == "GET":
        for strike in _wall(request).injector.befall(Occasion.READ, path=request.url.path).values():
            raise refusal_of(strike)


def _allow(request: Request, methods: Sequence[str]) -> None:
    if request.method not in methods:
        raise Refusal(20004)


def _authenticate(request: Request) -> None:
    config = _wall(request).config
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(20003) from None
    wanted = f"{config.account_sid}:{config.auth_token}"
    if scheme.lower() != "basic" or not secrets.compare_digest(given.encode(), wanted.encode()):
        raise Refusal(20003)
    if request.path_params["account_sid"] != config.account_sid:
        raise Refusal(20404)


async def _messages(request: Request) -> Response:
    wall = _wall(request)
    if request.method != "POST":
        return JSONResponse(page(request.query_params, wall.store, wall.config.account_sid))
    form = dict(reversed(await form_of(request)))
    with wall.counted():
        late = await wall.misbehave(form)
        message = wall.create_message(form)
        created = resource(message, wall.config.account_sid, just_created=True)
        return await _answer_created(wall, created, late)


async def _message(request: Request) -> Response:
    wall = _wall(request)
    message = wall.store.by_sid.get(request.path_params["sid"])
    if message is None or message.deleted:
        raise Refusal(20404)
    if request.method == "DELETE":
        wall.store.record("deleted", sid=message.sid)
        return Response(status_code=204)
    if request.method == "POST":
        _update(wall, message, dict(await form_of(request)))
    return JSONResponse(resource(message, wall.config.account_sid))


def _update(wall: Wall, message: Message, form: dict[str, str]) -> None:
    if "Status" in form:
        if form["Status"] != "canceled" or message.status not in ("accepted", "scheduled", "queued"):
            raise Refusal(20009)
        wall.carrier.cancel(message)
    if "Body" in form:
        if form["Body"]:
            raise Refusal(20001)  # a text can be made empty, and nothing else
        wall.store.record("redacted", sid=message.sid)


async def _calls(request: Request) -> Response:
    wall = _wall(request)
    if request.method != "POST":
        return JSONResponse(call_page(request.query_params, wall.store, wall.config.account_sid))
    pairs = await form_of(request)
    events = [value for name, value in pairs if name == "StatusCallbackEvent"]
    form = dict(reversed(pairs))
    with wall.counted():
        late = await wall.misbehave(form)
        call = wall.create_call(form, tuple(" ".join(events).split()))
        return await _answer_created(wall, call_resource(call, wall.config.account_sid), late)


async def _call(request: Request) -> Response:
    wall = _wall(request)
    call = wall.store.calls_by_sid.get(request.path_params["sid"])
    if call is None or call.deleted:
        raise Refusal(20404)
    if request.method == "DELETE":
        wall.store.record("call_deleted", sid=call.sid)
        return Response(status_code=204)
    if request.method == "POST":
        wall.exchange.move(call, ending(dict(await form_of(request)), call))
    return JSONResponse(call_resource(call, wall.config.account_sid))


async def _answer_created(wall: Wall, created: dict[str, object], late: float) -> Response:
    await asyncio.sleep(wall.config.answer_seconds + late)
    befalls = wall.injector.befall(Occasion.ACCEPTED, sid=created["sid"], to=created["to"])
    match next(iter(befalls), None):
        case Fault.ERROR_AFTER:
            raise Refusal(20500)
        case Fault.CUT_AFTER:
            return CutOff(created, 201)
        case Fault.RESET_AFTER:
            raise NoAnswer(Silence.RESET)
        case Fault.HANG_AFTER:
            raise NoAnswer(Silence.HANG)
        case _:
            return JSONResponse(created, 201)


def _wall(request: Request) -> Wall:
    wall: Wall = request.app.state.wall
    return wall
