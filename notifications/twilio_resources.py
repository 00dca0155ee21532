"""What Twilio's resources say, as values of ours; the SDK's objects are read here and go no further."""

from datetime import UTC, datetime
from typing import Any, Final

from notifications import gateway
from notifications.gateway import (
    CallReceipt,
    CallStatus,
    InboundSms,
    ListedCall,
    ListedMessage,
    MessageStatus,
    Receipt,
    SendError,
    SendFailure,
)

_STATUSES: Final = {status.value: status for status in MessageStatus}
_CALL_STATUSES: Final = {status.value: status for status in CallStatus}


def receipt(resource: Any) -> Receipt:
    """What became of a message; UNKNOWN where the answer names none."""
    if not resource.sid:
        raise SendError(SendFailure.UNKNOWN)
    # A word that we do not know yet is taken as the lowest status: later ones still count.
    status = _STATUSES.get(resource.status, MessageStatus.ACCEPTED)
    return Receipt(resource.sid, status, getattr(resource, "error_code", None))


def call_receipt(resource: Any) -> CallReceipt:
    """What became of a call; UNKNOWN where the answer names none."""
    if not resource.sid:
        raise SendError(SendFailure.UNKNOWN)
    return CallReceipt(resource.sid, _call_status(resource))


def listed_call(call: Any) -> ListedCall:
    """One call of a list."""
    return ListedCall(call.sid, _call_status(call), _date(call))


def _call_status(resource: Any) -> CallStatus:
    return _CALL_STATUSES.get(str(resource.status), CallStatus.QUEUED)


def listed(message: Any) -> ListedMessage:
    """One outbound message of a list."""
    return ListedMessage(
        sid=message.sid,
        to=message.to,
        status=_STATUSES.get(message.status, MessageStatus.ACCEPTED),
        error_code=message.error_code,
        created_at=_date(message),
        body_digest=gateway.body_digest(message.body or ""),
    )


def inbound(message: Any) -> InboundSms:
    """One text that came in."""
    return InboundSms(
        sid=message.sid,
        from_=message.from_,
        to=message.to,
        body=message.body or "",
        num_media=int(message.num_media or 0),
        received_at=_date(message),
    )


def _date(message: Any) -> datetime:
    created: datetime = message.date_created or message.date_sent  # of a message or a call
    return created.astimezone(UTC)


def since(message: Any, moment: datetime) -> bool:
    """Whether a message or call was made at that moment or later."""
    # Twilio's dates are whole seconds, cut off: a message of this very second must not be missed.
    return _date(message) >= moment.astimezone(UTC).replace(microsecond=0)
