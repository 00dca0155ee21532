"""Twilio's error codes, and what each means for the next step. Data only: it needs no SDK.

Source: twilio.com/docs/api/errors. New codes appear unannounced.
"""

from collections.abc import Mapping
from typing import Final

from notifications.gateway import SendFailure

FAILURES: Final[Mapping[int, SendFailure]] = {
    **dict.fromkeys(
        (
            21201,  # To missing
            21211,  # To invalid
            21214,  # To cannot be called
            21217,  # To is no number
            21604,  # To missing
            21612,  # no route between this sender and this number
            21614,  # not a mobile number
            21617,  # too long: our own mistake
            21619,  # empty: our own mistake
            21635,  # landline
            30004,  # blocked by the person or the carrier
            30005,  # nobody has this number
            30006,  # landline or carrier out of reach
            30007,  # filtered; never the same text again
            30036,  # too late: the moment has passed
            30640,  # on a litigator's list
            35114,  # outside the window for scheduling: our own mistake, as are the next three
            35115,
            35117,
            35118,
        ),
        SendFailure.PERMANENT,
    ),
    **dict.fromkeys(
        (
            20429,  # too many at once, never processed
            21611,  # ten hours already queued at this sender
            30001,  # queue overflow
            30003,  # handset off or without signal
            30008,  # no reason given: once more
            30047,  # could not be moved out of quiet hours
            30610,  # held back in quiet hours
        ),
        SendFailure.RETRY,
    ),
    **dict.fromkeys((30410,), SendFailure.UNKNOWN),  # a carrier's time-out
    **dict.fromkeys((21610,), SendFailure.OPTED_OUT),
    **dict.fromkeys(
        (
            10001,  # account not active
            20003,  # wrong credentials
            21212,  # From invalid
            21408,  # region not enabled
            21603,  # From missing
            21606,  # From not ours
            21608,  # trial account
            30002,  # account suspended
            30032,  # toll-free number not verified
            30034,  # sender not registered with the carriers
            30450,  # taken for pumping
        ),
        SendFailure.CONFIGURATION,
    ),
}
"""What to do about each of Twilio's codes, at create and in receipts. Source: twilio.com/docs/api/errors."""


def failure_kind(code: int | None) -> SendFailure:
    """What a code means for the next step; a new or missing one is not retried: a person looks."""
    return SendFailure.PERMANENT if code is None else FAILURES.get(code, SendFailure.PERMANENT)
