"""Sends through Twilio's REST API, by the official SDK; `gateway.Gateway` says what each method promises.

Creating a message is not idempotent and takes no idempotency key, so nothing is repeated in here: a lost
answer is `SendFailure.UNKNOWN`, and is settled by whoever holds the rows.
"""

import base64
import json
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import aiohttp
from twilio.base.exceptions import (  # type: ignore[import-untyped]
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from notifications import twilio_resources as told
from notifications.addresses import checked_base_url
from notifications.gateway import (
    CallReceipt,
    InboundSms,
    ListedCall,
    ListedMessage,
    OutgoingCall,
    OutgoingSms,
    Receipt,
    SendError,
    SendFailure,
)
from notifications.http_session import Session, ThrottledError
from notifications.twilio_codes import FAILURES

_T = TypeVar("_T")

_CALL_EVENTS: Final = ("initiated", "ringing", "answered", "completed")


class TwilioGateway:
    """One account at Twilio, or at a server that speaks its API. Used from one event loop."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str | None,
        messaging_service_sid: str | None,
        urgent_sender: str | None,
        base_url: str | None,
        status_callback_base: str | None,
        timeout: float = 10.0,
    ) -> None:
        """`timeout`: seconds for each request as a whole. No `status_callback_base`: no receipts come."""
        if not sender and not messaging_service_sid:
            message = "give a sender or a messaging_service_sid: without one no message has a From"
            raise ValueError(message)
        self._sender = sender
        self._service = messaging_service_sid
        self._urgent_sender = urgent_sender
        self._callback_base = status_callback_base and status_callback_base.rstrip("/")
        self._http = _HttpClient(account_sid, auth_token, timeout)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        if base_url is not None:
            self._client.api.base_url = checked_base_url(base_url)

    async def send(self, sms: OutgoingSms) -> Receipt:
        """Hand one text to Twilio, once."""
        request = self._client.messages.create_async(
            to=sms.to,
            body=sms.body,
            validity_period=min(max(sms.validity_seconds, 1), 36_000),
            **self._from(urgent=sms.urgent),
            **self._callback(sms.message_id),
        )
        return told.receipt(await _answer(request))

    async def call(self, call: OutgoingCall) -> CallReceipt:
        """Start one call, once; the receipt's status is where the call stands at its creation.

        Twilio waits until a voicemail's greeting is over before it asks for the words, so that they are kept.
        """
        callers = [number for number in (self._urgent_sender, self._sender) if number and number[0] == "+"]
        if not callers:  # neither a messaging service nor a short code has a voice
            raise SendError(SendFailure.CONFIGURATION)
        callback = self._callback(call.call_id)
        request = self._client.calls.create_async(
            to=call.to,
            from_=callers[0],
            url=call.url,
            timeout=call.ring_seconds,
            machine_detection="DetectMessageEnd",
            **({**callback, "status_callback_event": list(_CALL_EVENTS)} if callback else {}),
        )
        return told.call_receipt(await _answer(request))

    async def fetch_call(self, sid: str) -> CallReceipt:
        """Ask what became of a call."""
        return told.call_receipt(await _answer(self._client.calls(sid).fetch_async(), repeatable=True))

    async def find_calls(self, to: str, made_after: datetime) -> Sequence[ListedCall]:
        """Our calls to a number since then, at most the last 100.

        No StartTime filter: a call that still rings has no such date, and it is the one looked for.
        """
        request = self._client.calls.list_async(to=to, limit=100, page_size=100)
        listed = [call for call in await _answer(request, repeatable=True) if told.since(call, made_after)]
        return [told.listed_call(call) for call in listed]

    async def fetch(self, sid: str) -> Receipt:
        """Ask what became of a message."""
        return told.receipt(await _answer(self._client.messages(sid).fetch_async(), repeatable=True))

    async def find(
        self, to: str, sent_after: datetime, body_digest: str | None = None
    ) -> Sequence[ListedMessage]:
        """Our outbound messages to a number, newest first, at most the last 1,000.

        No DateSent filter: a message that is still queued has no such date, and it is the one looked for.
        """
        request = self._client.messages.list_async(to=to, limit=1000, page_size=1000)
        listed = [
            told.listed(message)
            for message in await _answer(request, repeatable=True)
            if str(message.direction).startswith("outbound") and told.since(message, sent_after)
        ]
        wanted = [message for message in listed if body_digest in (None, message.body_digest)]
        return sorted(wanted, key=lambda message: message.created_at, reverse=True)

    async def outbound_since(self, since: datetime) -> Sequence[ListedMessage]:
        """Every text of ours since then, oldest first, however many pages that takes.

        Those that are queued have no DateSent, and so are in no list that asks for one: the newest thousand
        are read beside it.
        """
        sent = self._client.messages.list_async(date_sent_after=since.astimezone(UTC), page_size=1000)
        newest = self._client.messages.list_async(limit=1000, page_size=1000)
        found = {
            message.sid: message
            for request in (sent, newest)
            for message in await _answer(request, repeatable=True)
            if str(message.direction).startswith("outbound") and told.since(message, since)
        }
        listed = [told.listed(message) for message in found.values()]
        return sorted(listed, key=lambda message: (message.created_at, message.sid))

    async def inbound_since(self, since: datetime) -> Sequence[InboundSms]:
        """Every text that came in to our senders since then, oldest first, however many pages that takes."""
        own = [number for number in (self._sender, self._urgent_sender) if number]
        # The senders behind a service are not known here, so all of the account is listed and sifted.
        filters: list[dict[str, str]] = [{}] if self._service else [{"to": number} for number in own]
        found = []
        for narrowed in filters:
            request = self._client.messages.list_async(
                date_sent_after=since.astimezone(UTC), page_size=1000, **narrowed
            )
            # listed newest first, in whole seconds: a STOP and a START of one second must keep their order
            found += reversed(await _answer(request, repeatable=True))
        inbound = [message for message in found if self._is_ours(message) and told.since(message, since)]
        return sorted(map(told.inbound, inbound), key=lambda sms: str(sms.received_at))

    async def redact(self, sid: str) -> None:
        """Make Twilio forget the text of a message."""
        await _answer(self._client.messages(sid).update_async(body=""), repeatable=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _from(self, *, urgent: bool) -> dict[str, str]:
        if urgent and self._urgent_sender:
            return {"from_": self._urgent_sender}
        if self._service:
            return {"messaging_service_sid": self._service}
        return {"from_": str(self._sender)}

    def _callback(self, message_id: str) -> dict[str, str]:
        if not self._callback_base:
            return {}
        # Our own id: a callback can arrive before create has returned the SID.
        return {"status_callback": f"{self._callback_base}/twilio/status?d={quote(message_id, safe='')}"}

    def _is_ours(self, message: Any) -> bool:
        if message.direction != "inbound":
            return False
        if not self._service or message.to in (self._sender, self._urgent_sender):
            return True
        return message.messaging_service_sid in (self._service, None)


class _HttpClient(AsyncTwilioHttpClient):  # type: ignore[misc]
    """The SDK's client on our session, silent: its log lines carry numbers."""

    def __init__(self, account_sid: str, auth_token: str, timeout: float) -> None:
        super().__init__(pool_connections=False, timeout=timeout)
        self.session = Session(timeout)
        credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._authorization = {"Authorization": f"Basic {credentials}"}

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> Any:
        # As a header, because aiohttp 3.14 deprecates the BasicAuth object that the SDK would make.
        signed = {**(headers or {}), **self._authorization}
        return await super().request(method, url, params=params, data=data, headers=signed)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: the query of a list names a phone."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing, for symmetry."""


async def _answer(request: Awaitable[_T], *, repeatable: bool = False) -> _T:
    """Await a request; `repeatable`: asking twice does no harm, so a lost answer means to ask again."""
    try:
        return await request
    except (
        TwilioException,
        ThrottledError,
        aiohttp.ClientError,
        OSError,
        ValueError,
        AttributeError,
    ) as error:
        failure = _failure(error)
    if repeatable and failure.kind is SendFailure.UNKNOWN:
        failure = SendError(SendFailure.RETRY, failure.code)
    # Outside of the except block: the SDK's exception, which quotes numbers, must not hang on ours.
    raise failure


def _failure(error: Exception) -> SendError:
    match error:
        case ThrottledError():
            return SendError(SendFailure.RETRY, 20429, error.retry_after)
        case TwilioRestException() | TwilioServiceException():
            return _refused(int(error.status), error.code)
        case TwilioException() if len(error.args) > 1:  # a list page: the response itself
            return _refused(int(error.args[1].status_code), _code_in(error.args[1].text))
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError():
            return SendError(SendFailure.RETRY)  # no connection: the request never left
        case UnicodeEncodeError():
            return SendError(SendFailure.PERMANENT)  # not a text that can be sent; never left either
        case _:
            return SendError(SendFailure.UNKNOWN)


def _refused(status: int, code: object) -> SendError:
    # The SDK puts the HTTP status where the answer had no code.
    known = int(code) if isinstance(code, int | str) and str(code).isdigit() and int(code) > 999 else None
    if status == 429:
        return SendError(SendFailure.RETRY, known)
    if not 400 <= status < 500 or status == 408:
        return SendError(SendFailure.UNKNOWN, known)
    default = SendFailure.CONFIGURATION if status in (401, 403) else SendFailure.PERMANENT
    return SendError(default if known is None else FAILURES.get(known, default), known)


def _code_in(text: str) -> object:
    try:
        return json.loads(text).get("code")
    except (ValueError, AttributeError):
        return None
