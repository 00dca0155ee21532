"""What Twilio posts to us: is it really from Twilio, and what does the form say.

What the words mean is not decided here. Sources, under twilio.com/docs: usage/webhooks/webhooks-security
(signature), messaging/guides/webhook-request (inbound), .../track-outbound-message-status (callback),
voice/twiml (a call's requests), voice/answering-machine-detection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notifications.gateway import (
    AnsweredBy,
    CallStatus,
    HeardOnCall,
    InboundSms,
    MessageStatus,
    OptOutType,
)

SIGNATURE_HEADER: Final = "X-Twilio-Signature"

_STATUSES: Final = {status.value: status for status in MessageStatus}
_CALL_STATUSES: Final = {status.value: status for status in CallStatus}
_MACHINES: Final = ("machine", "fax")  # what AnsweredBy begins with; "human" and "unknown" are persons
_OPT_OUTS: Final = {word.value: word for word in OptOutType}

Params = Sequence[tuple[str, str]]
"""A form as it was posted: every pair, in order, blank values too (parse with `keep_blank_values=True`)."""


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What a status callback says; `status` is None where the word is one that we do not know."""

    sid: str
    status: MessageStatus | None
    error_code: int | None


def validate(signature: str, url: str, params: Params, auth_tokens: Sequence[str]) -> bool:
    """Whether a webhook was signed with one of our tokens (two of them while a token is being changed).

    `url` is the address as Twilio called it, query included: build it from the configured public address,
    never from Host or X-Forwarded headers, which a stranger may set. It proves origin, not freshness.
    """
    if not signature or not signature.isascii():
        return False
    form = _Form(params)
    return any(
        RequestValidator(token).validate(url, form, signature) is True for token in auth_tokens if token
    )


def sign(url: str, params: Params, auth_token: str) -> str:
    """The signature that Twilio would send with this form: what a self-test posts to our own address."""
    return str(RequestValidator(auth_token).compute_signature(url, _Form(params)))


def parse_inbound(params: Params) -> InboundSms:
    """Read the form of an inbound text. A ValueError names a field that is missing, never a value."""
    form = _first_values(params)
    return InboundSms(
        sid=_required(form, "MessageSid", "SmsSid"),
        from_=_required(form, "From"),
        to=_required(form, "To"),
        body=form.get("Body", ""),
        num_media=_integer(form.get("NumMedia")) or 0,
        opt_out_type=_OPT_OUTS.get(form.get("OptOutType", "").upper()),
    )


def parse_status(params: Params) -> StatusUpdate:
    """Read the form of a status callback. A ValueError names a field that is missing, never a value."""
    form = _first_values(params)
    word = form.get("MessageStatus") or form.get("SmsStatus") or ""
    return StatusUpdate(
        sid=_required(form, "MessageSid", "SmsSid", "CallSid"),
        # New words come unannounced; an unknown one is no reason to refuse the callback.
        status=_STATUSES.get(word),
        error_code=_integer(form.get("ErrorCode")),
    )


def is_about_a_call(params: Params) -> bool:
    """Whether a status callback tells of a call; of a text it has no CallSid."""
    return any(name == "CallSid" and value for name, value in params)


def parse_call(params: Params) -> HeardOnCall:
    """Read the form that comes with a call: its status, or a request for words after a key or silence."""
    form = _first_values(params)
    return HeardOnCall(
        sid=_required(form, "CallSid"),
        status=_CALL_STATUSES.get(form.get("CallStatus", "")),
        answered_by=AnsweredBy.MACHINE
        if form.get("AnsweredBy", "").startswith(_MACHINES)
        else AnsweredBy.PERSON,
        keys=form.get("Digits"),
    )


class _Form(dict[str, list[str]]):
    """The form as the SDK's validator wants it: names, and all values of each."""

    def __init__(self, params: Params) -> None:
        super().__init__()
        for name, value in params:
            self.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _first_values(params: Params) -> dict[str, str]:
    return dict(reversed(params))


def _required(form: dict[str, str], *names: str) -> str:
    for name in names:
        if form.get(name):
            return form[name]
    message = f"the form has no {names[0]}: this is not a webhook of Twilio"
    raise ValueError(message)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
