"""Refusals as Twilio words them: a code, an HTTP status, a sentence.

Source: twilio.com/docs/api/errors and .../iam/test-credentials.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from starlette.responses import JSONResponse


@dataclass(eq=False, slots=True)  # not frozen: Python itself writes into an exception that passes a `with`
class Refusal(Exception):
    """A request that is answered with an error and leaves nothing behind but a line in the export."""

    code: int
    retry_after: int | None = None
    """Seconds, whole ones, as the header says them."""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return _STATUSES.get(self.code, 400)

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {
            "code": self.code,
            "message": _SENTENCES.get(self.code, "The request was refused."),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }

    def response(self) -> JSONResponse:
        """The whole answer."""
        said = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse(self.body(), self.status, said)


class Silence(StrEnum):
    """How a request goes unanswered."""

    RESET = "reset"  # its connection is reset
    CLOSE = "close"  # its connection is closed
    HANG = "hang"  # it stays open, and nothing comes


class NoAnswer(Exception):
    """A request that gets no answer."""

    def __init__(self, how: Silence) -> None:
        super().__init__(how)
        self.how = how


_STATUSES: Final = {
    10001: 403,
    20003: 401,
    20004: 405,
    20404: 404,
    20429: 429,
    20500: 500,
    20503: 503,
    21408: 403,
    30002: 403,
}

_SENTENCES: Final = {
    10001: "The account is not active.",
    20001: "A parameter has a value outside of its range.",
    20003: "Authenticate",
    20404: "The requested resource was not found.",
    20004: "This method is not allowed here.",
    20429: "Too many requests.",
    20500: "An internal server error has occurred.",
    20503: "The service is unavailable for the moment.",
    20009: "The message is not in a state in which it can be updated like that.",
    21201: "No 'To' number is specified.",
    21205: "Url is not a valid address, and there is no Twiml.",
    21211: "The 'To' number is not a valid phone number.",
    21212: "The 'From' number is not a valid phone number, short code or sender id.",
    21213: "No 'From' number is specified.",
    21214: "The 'To' number cannot be reached by a call.",
    21215: "The account is not authorized to call this number.",
    21216: "The account is not allowed to call this number.",
    21217: "The phone number does not appear to be valid.",
    21220: "The call is not in a state in which it can be changed like that.",
    21408: "Permission to send to this region has not been enabled.",
    21603: "A 'From' phone number or a MessagingServiceSid is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' number is not one of the account's, or cannot send to this number.",
    21608: "The 'To' number is not verified: trial accounts reach verified numbers only.",
    21609: "The StatusCallback is not a valid address.",
    21610: "Attempt to send to a recipient who has unsubscribed.",
    21611: "This 'From' number has too many messages in its queue.",
    21612: "There is no route between this 'From' and this 'To'.",
    21614: "The 'To' number is not a mobile number.",
    21617: "The body of the message has more than 1600 characters.",
    21619: "A text message body or media urls must be specified.",
    21635: "The 'To' number is a landline.",
    21701: "The Messaging Service does not exist.",
    30002: "The account is suspended.",
    35114: "Scheduling does not support this time.",
    35115: "The time to send at is too soon or too late.",
    35117: "The time to send at is too soon.",
    35118: "A MessagingServiceSid is required to schedule a message.",
}
