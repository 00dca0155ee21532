"""Messages as the REST API shows them: one, or a filtered page of the list.

Source: twilio.com/docs/messaging/api/message-resource (properties, «Read multiple Message resources»).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from notifications.phone_wall.carrier import API_VERSION
from notifications.phone_wall.dates import DateFilter, rfc2822
from notifications.phone_wall.records import Call, Message
from notifications.phone_wall.refusals import Refusal
from notifications.phone_wall.store import Store

_LARGEST_PAGE: Final = 1000
_USUAL_PAGE: Final = 50

Test = Callable[[Message], bool]
T = TypeVar("T", Message, Call)


def resource(message: Message, account_sid: str, *, just_created: bool = False) -> dict[str, Any]:
    """A message as the REST API shows it. Behind a service the sender is not known yet when it is created."""
    unassigned = just_created and message.service_sid is not None
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": account_sid,
        "messaging_service_sid": message.service_sid,
        "to": message.to,
        "from": None if unassigned else message.from_,
        "body": "" if message.redacted else message.body,
        "status": message.status,
        "num_segments": "0" if unassigned else str(message.segments),
        "num_media": "0",
        "direction": message.direction,
        "api_version": API_VERSION,
        "price": None,
        "price_unit": "USD",
        "error_code": message.error_code,
        "error_message": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "date_created": rfc2822(message.accepted_at),
        "date_sent": rfc2822(message.sent_at),
        "date_updated": rfc2822(message.steps[-1].at),
    }


def page(query: Mapping[str, str], store: Store, account_sid: str) -> dict[str, Any]:
    """One page of the messages, newest first; a Refusal where the query makes no sense."""
    return paged(
        query,
        path=f"/{API_VERSION}/Accounts/{account_sid}/Messages.json",
        name="messages",
        filters=_FILTERS,
        newest=len(store.messages),
        matching=lambda before: _matching(query, store, before),
        show=lambda message: resource(message, account_sid),
    )


def paged(
    query: Mapping[str, str],
    *,
    path: str,
    name: str,
    filters: Sequence[str],
    newest: int,
    matching: Callable[[int], Iterator[T]],
    show: Callable[[T], dict[str, Any]],
) -> dict[str, Any]:
    """One page of a list as the REST API shows it.

    The token of a page is the place of its last item: what comes in while one reads moves nothing.
    """
    size = _number(query.get("PageSize"), _USUAL_PAGE, smallest=1, largest=_LARGEST_PAGE)
    place = _number(query.get("Page"), 0)
    before = _number(query.get("PageToken", "").removeprefix("PA") or None, newest)
    found = list(islice(matching(before), size + 1))
    shown = found[:size]
    kept = {item: query[item] for item in filters if item in query}

    def uri(number: int, token: int | None = None) -> str:
        tail = {} if token is None else {"PageToken": f"PA{token}"}
        return f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': number, **tail})}"

    return {
        name: [show(item) for item in shown],
        "page": place,
        "page_size": size,
        "start": place * size,
        "end": place * size + max(len(shown) - 1, 0),
        "uri": uri(place),
        "first_page_uri": uri(0),
        "next_page_uri": uri(place + 1, shown[-1].index) if len(found) > size else None,
        "previous_page_uri": None,
    }


_FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")


def _matching(query: Mapping[str, str], store: Store, before: int) -> Iterator[Message]:
    tests = list(_tests(query))
    messages = store.by_to.get(query["To"], []) if "To" in query else store.messages
    now = store.now()
    for message in reversed(messages):
        is_there = not message.deleted and (message.listed_from is None or message.listed_from <= now)
        if is_there and message.index < before and all(test(message) for test in tests):
            yield message


def _tests(query: Mapping[str, str]) -> Iterator[Test]:
    if "From" in query:
        yield lambda message: message.from_ == query["From"]
    for name, comparison in (
        ("DateSent", DateFilter.is_on),
        ("DateSent>", DateFilter.is_from),
        ("DateSent<", DateFilter.is_until),
    ):
        if query.get(name):
            yield _sent(query[name], comparison)


def _sent(text: str, comparison: Callable[[DateFilter, datetime], bool]) -> Test:
    try:
        wanted = DateFilter(text)
    except ValueError:
        raise Refusal(20001) from None
    # A message that has not left yet has no DateSent, and so is in no list that asks for one.
    return lambda message: message.sent_at is not None and comparison(wanted, message.sent_at)


def _number(text: str | None, usual: int, *, smallest: int = 0, largest: int | None = None) -> int:
    if text is None:
        return usual
    if not text.isdecimal():
        raise Refusal(20001)
    return max(smallest, int(text) if largest is None else min(int(text), largest))
