"""Words that templates may not contain, and what each digit may be called. One entry a language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from notifications.message_kinds import MessageKind

BANNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "en": (
            *(
                "abus",
                "accident",
                "affected",
                "alcohol",
                "assault",
                "bod(?:y|ies)",
                "casualt",
                "child",
                "clinic",
            ),
            *("collision", "counsel", "crash", "crime", "crisis", "critical", "dead", "death", "debrief"),
            *("defus", "deceased", "diagnos", r"die[ds]?\b", "disaster", "drug", "drunk", "dying", "escalat"),
            *(
                "evidence",
                "exposure",
                "exposed",
                "fatal",
                "gun",
                "homicide",
                "hostage",
                "hurt",
            ),
            *(
                "incident",
                "injur",
                "investigat",
                "kill",
                "mental",
                "murder",
                "officer",
                "overdose",
                "patient",
            ),
            *("psych", "ptsd", "scene", "screening", "self.?harm", "shoot", "shot", "stress", "suicid"),
            *("support group", "survivor", "symptom", "therap", "trauma", "victim", "violen", "weapon"),
            *("welfare", "wound"),
        )
    }
)
"""Beginnings of words (as patterns) that would tell whoever sees a locked screen what it is about."""

PREVIEW_BANNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"en": ("danger", "emergenc", "urgen", "worr", "declin", "ambulance", "police")}
)
"""More beginnings that may not stand in the first 40 characters, which a locked screen shows."""

CARRIER_WORDS: Final = frozenset(
    (
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt-out"),
        *("start", "yes", "unstop", "help", "info"),
    )
)
"""Words that carriers act on by themselves: in no text at all, so that nobody is led to send one."""

PEERS: Final[Mapping[str, str]] = MappingProxyType({"en": "peer"})
"""The word by which a first text says that peers run this."""

COMMAND: Final[Mapping[str, str]] = MappingProxyType({"en": "Command"})
"""The word by which it says that command does not see replies."""

MEANINGS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "en": {
            "0": ("no ", "not now", "not for me", "I cannot", "pass", "refused"),
            "1": (
                *("all good", "available", "I take it", "I read it", "approved", "count me in"),
                *("keep in touch", "this is me"),
            ),
            "2": ("call me", "in the next days", "for a call in the next days"),
            "3": ("call me now", "now", "for a call now"),
            "4": ("reached", "once met or reached", "and the number"),
            "5": ("declined",),
            "6": ("not reached",),
            "7": ("worried",),
            "9": ("hand back",),
        }
    }
)
"""Every digit means one thing; these are the words it may have, at the beginning of what follows it."""

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
        MessageKind.WHICH_CODE: "8",  # the sample of whatever digit was sent
    }
)
"""Exactly the digits that a kind offers; kinds that are not here offer none."""
