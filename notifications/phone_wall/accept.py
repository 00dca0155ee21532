"""Whether a message may be created: the checks of Twilio's create request, in its order, with its codes.

Sources: twilio.com/docs/messaging/api/message-resource, .../iam/test-credentials, .../api/errors.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.refusals import Refusal
from notifications.phone_wall.store import Store

E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
MAGIC_GOOD: Final = "+15005550006"
MAGIC_FROM: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_TO: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_LONGEST_BODY: Final = 1600
_SOONEST, _LATEST = timedelta(seconds=300), timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that may be created. `status` is the first one that it has."""

    from_: str
    to: str
    body: str
    status: str
    status_callback: str | None
    service_sid: str | None
    send_at: datetime | None


def judge(form: Mapping[str, str], config: WallConfig, store: Store) -> Draft:
    """The message that a form asks for; raises the Refusal that Twilio would answer."""
    to, body = form.get("To", ""), form.get("Body", "")
    service = form.get("MessagingServiceSid") or None
    _check_to(to, config)
    from_ = _sender(form.get("From", ""), service, to, config, store)
    _check_body(body, has_media="MediaUrl" in form)
    _check_options(form)
    send_at = _send_at(form, service, store.now())
    if (to, service or pool_of(from_, config)) in store.opted_out:
        raise Refusal(21610)
    status = "scheduled" if send_at else "accepted" if service else "queued"
    return Draft(from_, to, body, status, form.get("StatusCallback") or None, service, send_at)


def pool_of(sender: str, config: WallConfig) -> str:
    """What an opt-out from this sender holds for: its messaging service, or the number itself."""
    return config.messaging_service_sid or sender


def _check_to(to: str, config: WallConfig) -> None:
    if not to:
        raise Refusal(21604)
    if to in MAGIC_TO:
        raise Refusal(MAGIC_TO[to])
    if not E164.fullmatch(to):
        raise Refusal(21211)
    if config.verified is not None and to not in config.verified:
        raise Refusal(21608)


def _sender(from_: str, service: str | None, to: str, config: WallConfig, store: Store) -> str:
    if not from_ and not service:
        raise Refusal(21603)
    if service and service != config.messaging_service_sid:
        raise Refusal(21701)
    if not from_:
        return _sticky(to, config, store)
    if from_ in MAGIC_FROM:
        raise Refusal(MAGIC_FROM[from_])
    if not E164.fullmatch(from_):
        raise Refusal(21212)
    if config.numbers and from_ not in (*config.numbers, MAGIC_GOOD):
        raise Refusal(21606)
    return from_


def _sticky(to: str, config: WallConfig, store: Store) -> str:
    """The number that this handset knows already, or the first of the pool."""
    if not config.numbers:
        raise Refusal(21603)
    known = (message.from_ for message in reversed(store.by_handset.get(to, [])) if not message.is_inbound)
    return next((number for number in known if number in config.numbers), config.numbers[0])


def _check_body(body: str, *, has_media: bool) -> None:
    if not body and not has_media:
        raise Refusal(21619)
    if len(body) > _LONGEST_BODY:
        raise Refusal(21617)


def _check_options(form: Mapping[str, str]) -> None:
    validity = form.get("ValidityPeriod", "36000")
    if not validity.isdecimal() or not 1 <= int(validity) <= 36_000:
        raise Refusal(20001)
    callback = form.get("StatusCallback")
    if callback and not is_url(callback):
        raise Refusal(21609)


def is_url(text: str) -> bool:
    """Whether Twilio would call this address: http or https, and a host without an underscore."""
    match = re.match(r"https?://([^/?#]+)", text)
    return match is not None and "_" not in match[1]


def _send_at(form: Mapping[str, str], service: str | None, now: datetime) -> datetime | None:
    if form.get("ScheduleType") != "fixed":
        return None
    if service is None:
        raise Refusal(35118)
    try:
        moment = datetime.fromisoformat(form.get("SendAt", ""))
    except ValueError:
        raise Refusal(35114) from None
    if moment.tzinfo is None or not _SOONEST < moment - now <= _LATEST:
        raise Refusal(35114)
    return moment
