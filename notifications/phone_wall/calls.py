"""Calls, as far as a wall of texts needs them: accepted, rung, answered, and what they would say.

Source: twilio.com/docs/voice/api/call-resource.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifications.phone_wall.accept import E164, MAGIC_GOOD, is_url
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.dates import rfc2822
from notifications.phone_wall.listing import paged
from notifications.phone_wall.records import CALL_ENDED, Call
from notifications.phone_wall.refusals import Refusal
from notifications.phone_wall.store import Store

_MAGIC_TO: Final = {
    "+15005550001": 21217,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}
_LONGEST_TWIML: Final = 4000
_LONGEST_RING: Final = 600
_ALWAYS_NULL: Final = dict.fromkeys(
    (
        "parent_call_sid",
        "phone_number_sid",
        "price",
        "annotation",
        "forwarded_from",
        "group_sid",
        "caller_name",
        "trunk_sid",
    )
)


def judge_call(form: Mapping[str, str], config: WallConfig) -> None:
    """Raise the Refusal that Twilio would answer to this request for a call, if any."""
    to, from_ = form.get("To", ""), form.get("From", "")
    if not to:
        raise Refusal(21201)
    if to in _MAGIC_TO or not E164.fullmatch(to):
        raise Refusal(_MAGIC_TO.get(to, 21217))
    if not from_:
        raise Refusal(21213)
    if not E164.fullmatch(from_):
        raise Refusal(21212)
    if config.numbers and from_ not in (*config.numbers, MAGIC_GOOD):
        raise Refusal(21606)
    _check_script(form.get("Twiml", ""), form.get("Url", ""))
    ring = form.get("Timeout", "60")
    if not ring.isdecimal() or not 1 <= int(ring) <= _LONGEST_RING:
        raise Refusal(20001)


def _check_script(twiml: str, url: str) -> None:
    if not twiml and not is_url(url):
        raise Refusal(21205)
    if len(twiml) > _LONGEST_TWIML:
        raise Refusal(20001)


def call_resource(call: Call, account_sid: str) -> dict[str, Any]:
    """A call as the REST API shows it."""
    answered = next((step.at for step in call.steps if step.status == "in-progress"), None)
    ended = call.steps[-1].at if call.status in CALL_ENDED else None
    uri = f"/2010-04-01/Accounts/{account_sid}/Calls/{call.sid}"
    talked = int((ended - answered).total_seconds()) if answered and ended else None
    return {
        **_ALWAYS_NULL,
        "sid": call.sid,
        "account_sid": account_sid,
        "date_created": rfc2822(call.accepted_at),
        "date_updated": rfc2822(call.steps[-1].at),
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from_,
        "from_formatted": call.from_,
        "status": call.status,
        "answered_by": call.answered_by,
        "start_time": rfc2822(answered),
        "end_time": rfc2822(ended),
        "duration": None if talked is None else str(talked),
        "price_unit": "USD",
        "direction": "outbound-api",
        "api_version": "2010-04-01",
        "queue_time": "0",
        "uri": f"{uri}.json",
        "subresource_uris": {"recordings": f"{uri}/Recordings.json", "events": f"{uri}/Events.json"},
    }


def call_page(query: Mapping[str, str], store: Store, account_sid: str) -> dict[str, Any]:
    """One page of the calls, newest first."""

    def matching(before: int) -> Iterator[Call]:
        for call in reversed(store.calls[:before]):
            facts = {"To": call.to, "From": call.from_, "Status": call.status}
            if not call.deleted and all(query.get(name, fact) == fact for name, fact in facts.items()):
                yield call

    return paged(
        query,
        path=f"/2010-04-01/Accounts/{account_sid}/Calls.json",
        name="calls",
        filters=("To", "From", "Status"),
        newest=len(store.calls),
        matching=matching,
        show=lambda call: call_resource(call, account_sid),
    )


def ending(form: Mapping[str, str], call: Call) -> str:
    """How a request ends a call; a Refusal where it asks for something else, or the call has ended."""
    status = form.get("Status", "")
    if status not in ("canceled", "completed"):
        raise Refusal(20001)
    if call.status in CALL_ENDED or (status == "canceled" and call.status == "in-progress"):
        raise Refusal(21220)
    return status
