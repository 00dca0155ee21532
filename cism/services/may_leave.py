"""Whether a message may leave now, and for how long: asked in the transaction that claims it."""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache
from typing import Any

from cism.domain.people import PersonStatus, SleepWindow
from cism.domain.quiet_hours import closes, next_open
from cism.services import outbox
from cism.store.states import OutboxState
from notifications.messages import MessageKind, is_care, survives_stop

LONGEST = 36_000  # seconds; the provider's own limit
_SHORTEST = 10  # seconds; a provider that is given fewer gives up before it has tried
_TO_A_KNOWN_OWNER = frozenset(  # never to a number of which nobody knows whose it is by now
    {MessageKind.CHECK_IN, MessageKind.CHECK_IN_REMINDER, MessageKind.OPT_IN, MessageKind.INVITATION}
)
_ASK_FOR_WORK = frozenset(
    {
        MessageKind.PAGE,
        MessageKind.ESCALATION,
        MessageKind.WELFARE,
        MessageKind.QUEUE_OVERDUE,
        MessageKind.TURN,
    }
)


def held_back(row: Any, now: datetime) -> dict[str, Any] | None:
    """Consent, opt-out, state and hours once more; None: it may leave, else what becomes of its row."""
    if row.expires_at is not None and row.expires_at <= now:
        return {"state": OutboxState.EXPIRED, "reason": "its moment passed"}
    if row.question_state not in {None, "open"}:
        return {"state": OutboxState.CANCELLED, "reason": f"question {row.question_state}"}
    if row.person_id is None:
        return None
    reason = _forbidden(MessageKind(row.kind), row)
    if reason is not None:
        return {"state": OutboxState.SUPPRESSED, "reason": reason}
    if row.lane == outbox.LANE_CARE and _open_until(now, row.zone, *_sleep(row)) <= now:
        return {"not_before": next_open(now, row.zone, SleepWindow(*_sleep(row)))}
    return None


def for_seconds(row: Any, now: datetime) -> int:
    """After how long the provider is to give up: what its queue holds must not arrive when it is stale.

    Nor at night: a care text that has not left when the person's hours end does not leave.
    """
    left = LONGEST
    if row.expires_at is not None:
        left = min(left, int((row.expires_at - now).total_seconds()))
    if row.lane == outbox.LANE_CARE and row.person_id is not None:
        left = min(left, int((_open_until(now, row.zone, *_sleep(row)) - now).total_seconds()))
    return max(_SHORTEST, left)


def _sleep(row: Any) -> tuple[time, time]:
    return row.sleep_start, row.sleep_end


@lru_cache(maxsize=256)  # a handful is claimed at one moment, and most people keep the same hours
def _open_until(now: datetime, zone: str, start: time, end: time) -> datetime:
    """When this open stretch ends; `now` itself where the hour is closed."""
    return closes(now, zone, SleepWindow(start, end))


def _forbidden(kind: MessageKind, row: Any) -> str | None:
    care = is_care(kind)
    reasons = (
        (row.status is PersonStatus.DECEASED, "deceased"),
        (not row.phone, "no phone"),
        (row.frozen_at is not None, "number frozen"),
        (row.opted_out_at is not None and not survives_stop(kind), "opted out"),
        (kind in _ASK_FOR_WORK and (not row.consent_pages or row.revoked_pages), "no consent"),
        (care and (not row.consent_care or row.revoked_care), "no consent"),
        (kind in _TO_A_KNOWN_OWNER and row.phone_confirmed_at is None, "phone not confirmed"),
        (care and row.care_held_at is not None, "held until a human has asked"),
    )
    return next((reason for holds, reason in reasons if holds), None)
