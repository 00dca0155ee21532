"""Twilio's webhooks. What is not signed by Twilio is refused and leaves nothing behind."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.errors import BadInput, NotAllowed
from cism.services import crash, delivery, dialling, inbound, keypad
from cism.settings import Settings
from cism.web.backend import backend_of
from notifications.gateway import HeardOnCall, InboundSms
from notifications.inbound import (
    SIGNATURE_HEADER,
    Params,
    is_about_a_call,
    parse_call,
    parse_inbound,
    parse_status,
    validate,
)
from notifications.spoken import Spoken, Words, tell

router = APIRouter(prefix="/twilio", include_in_schema=False)

_MOST_FIELDS: Final = 300
_MOST_MENUS: Final = 9
_SILENCE: Final = "<Response/>"


@router.post("/sms")
async def sms(request: Request) -> Response:
    """A text that came in; read once however often it is posted."""
    params = await _signed(request)
    try:
        text = parse_inbound(params)
    except ValueError as error:
        raise BadInput(str(error)) from None
    backend = backend_of(request)
    crash.passing(backend.db, crash.Point.WEBHOOK_BEGUN)
    await backend.act(lambda session: _read(session, text))
    crash.passing(backend.db, crash.Point.WEBHOOK_COMMITTED)
    return _twiml(_SILENCE)


def _read(session: Session, text: InboundSms) -> None:
    inbound.receive_once(session, text)
    crash.passing(session, crash.Point.WEBHOOK_WRITTEN)


@router.post("/status")
async def status(request: Request) -> Response:
    """What became of a message or call of ours, which `d` names; an unknown word changes nothing."""
    params = await _signed(request)
    if is_about_a_call(params):
        return await _call_status(request, _heard(params))
    try:
        update = parse_status(params)
    except ValueError as error:
        raise BadInput(str(error)) from None
    told, d = update.status, request.query_params.get("d", "")
    if told is not None and d:
        await backend_of(request).act(
            lambda session: delivery.apply_receipt(session, d, told, update.error_code, update.sid)
        )
    return Response(status_code=204)


@router.post("/voice")
async def voice(request: Request) -> Response:
    """The words of a call of ours, which `c` names, after a key or silence; or somebody rings our number.

    Whoever rings may be anybody: they are not told what this number is, nor left without a way on.
    """
    params = await _signed(request)
    call_id, turn = request.query_params.get("c", ""), request.query_params.get("n", "0")
    if not call_id:
        return _xml(tell(Spoken.STRANGER, Words()))
    heard, spoken = _heard(params), min(int(turn), _MOST_MENUS) if turn.isdecimal() else _MOST_MENUS
    return _xml(
        await backend_of(request).act(lambda session: keypad.converse(session, call_id, heard, spoken))
    )


async def _call_status(request: Request, heard: HeardOnCall) -> Response:
    call_id = request.query_params.get("d", "")
    if heard.status is not None and call_id:
        await backend_of(request).act(
            lambda session: dialling.apply_status(session, call_id, heard.sid, heard.status)
        )
    return Response(status_code=204)


def _heard(params: Params) -> HeardOnCall:
    try:
        return parse_call(params)
    except ValueError as error:
        raise BadInput(str(error)) from None


def auth_tokens(settings: Settings) -> tuple[str, ...]:
    """What Twilio signs with; without Twilio, what the phone wall does."""
    if settings.uses_wall:
        return (settings.wall_credentials()[1],)
    return (settings.twilio_auth_token or "",)


async def _signed(request: Request) -> Params:
    """The form, if the signature fits; nothing is read from it and nothing written otherwise."""
    backend = backend_of(request)
    params = _form(await request.body())
    signature = request.headers.get(SIGNATURE_HEADER, "")
    url = _address(backend.settings, request)
    if params is None or not validate(signature, url, params, auth_tokens(backend.settings)):
        backend.forged_webhooks += 1
        message = "the signature does not fit: check CISM_PUBLIC_URL and the auth token"
        raise NotAllowed(message)
    return params


def _form(body: bytes) -> Params | None:
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return None


def _address(settings: Settings, request: Request) -> str:
    """The address as Twilio called it: never from Host or X-Forwarded headers."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope.get("query_string", b"")
    path = raw.partition(b"?")[0].decode("latin-1")
    return settings.public_url + path + (f"?{query.decode('latin-1')}" if query else "")


def _twiml(body: str) -> Response:
    return _xml(f'<?xml version="1.0" encoding="UTF-8"?>{body}')


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
