"""What every language promises: the words that carriers act on everywhere, and the digits of each kind.

What differs from language to language stands in its `words.yaml` (notifications.languages).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from notifications.message_kinds import MessageKind

CARRIER_WORDS: Final = frozenset(
    (
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt-out"),
        *("start", "yes", "unstop", "help", "info"),
    )
)
"""Words that carriers act on by themselves: in no text of any language, so that nobody is led to send one."""

DIGITS: Final[Mapping[MessageKind, str]] = MappingProxyType(
    {
        MessageKind.PAGE: "01",
        MessageKind.ASSIGNED: "9",
        MessageKind.ALREADY_COVERED: "23",
        MessageKind.TEAM_NOTICE: "01",
        MessageKind.APPROVAL: "01",
        MessageKind.SESSION_TEAM: "9",
        MessageKind.SESSION_REMINDER: "9",
        MessageKind.SESSION_REPORT: "4",
        MessageKind.PEER_TASK: "45679",
        MessageKind.PEER_TASK_OVERDUE: "45679",
        MessageKind.NOTED: "7",
        MessageKind.ESCALATION: "01",
        MessageKind.ESCALATION_ASSIGNED: "4569",
        MessageKind.ESCALATION_OVERDUE: "4569",
        MessageKind.WELFARE: "14",
        MessageKind.QUEUE_OVERDUE: "01",
        MessageKind.OFFERS_DUE: "01",
        MessageKind.TURN: "01",
        MessageKind.TURN_TAKEN: "4569",
        MessageKind.SWAP_ASK: "01",
        MessageKind.CONFIRM_PHONE: "01",
        MessageKind.PHONE_CONFIRMED: "23",
        MessageKind.CHECK_IN: "0123",
        MessageKind.CHECK_IN_REMINDER: "0123",
        MessageKind.CONTACTS_ENDED: "23",
        MessageKind.OPT_IN: "01",
        MessageKind.OPT_IN_DONE: "23",
        MessageKind.INVITATION: "012",
        MessageKind.CALL_PROMISED: "3",
        MessageKind.CALL_ARRANGED: "3",
        MessageKind.DESK: "1",
        MessageKind.WORD_HOW: "3",
        MessageKind.WHICH_CODE: "8",  # the sample of whatever digit was sent
    }
)
"""Exactly the digits that a kind offers; kinds that are not here offer none."""
