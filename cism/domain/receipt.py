"""The trust receipt: in plain words, who looked at what about somebody, from the acts of the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.access import Access, Datum, Fact, Relation, best_access
from cism.domain.people import Role


class Seen(StrEnum):
    """A class of data, as the person it is about would call it."""

    LISTED = "that you are on an incident's list"
    PUT_ON = "put your name on an incident's list, or took it off"
    CONTACTS = "which contacts with you were planned and made, not what you answered"
    CALL = "that somebody is to call you, your name and your number"
    WORDS = "words that you texted"
    HELPED = "your name and number, to call you"
    CHOICE = "your name among those of your agency, to choose from"
    ASKED = "that help was asked for, in an incident whose list you are on; not your name"
    FACTS = "the facts of an incident whose list you are on"
    ANSWERED = "told us how it stands with a call to you"
    ENTRY = "your entry on the roster"
    RECEIPT = "this list of who saw what about you"
    DATA = "something about you that this page has no words for; ask your coordinator"


_OF_INCIDENT: Final = (
    *("change incident", "stand down", "stand-down", "close incident", "close", "reopen incident", "reopen"),
    *("add date", "remove date", "read dates"),
    *("incident dates add", "incident dates list", "incident dates remove"),
)
_OF_ROSTER: Final = (
    "roster status",
    "roster not-deceased",
    "roster transfer",
    "roster remove",
    "roster ready",
)
_BY_ACT: Final[Mapping[str, Seen]] = MappingProxyType(
    {
        "log incident": Seen.PUT_ON,
        "log": Seen.PUT_ON,
        "add affected": Seen.PUT_ON,
        "remove affected": Seen.PUT_ON,
        "read timeline": Seen.CONTACTS,
        "ack escalation": Seen.CALL,
        "close escalation": Seen.CALL,
        "close escalation for another": Seen.CALL,
        "escalation_other": Seen.CALL,
        "escalation_open": Seen.CALL,
        "escalation_mine": Seen.CALL,
        "escalation ack": Seen.CALL,
        "escalation close": Seen.CALL,
        "queue": Seen.WORDS,
        "queue_call": Seen.CALL,
        "handle queue": Seen.CALL,  # whoever read the words opened them before: that is a line of its own
        "queue handle": Seen.CALL,
        "assignment": Seen.HELPED,
        "offers": Seen.HELPED,
        "turn": Seen.HELPED,
        "worry": Seen.HELPED,
        "refer": Seen.HELPED,
        "break glass": Seen.HELPED,
        "break-glass": Seen.HELPED,
        "look under glass": Seen.HELPED,
        "read roster for log form": Seen.CHOICE,
        "read incident": Seen.LISTED,
        "incident": Seen.LISTED,
        "accept incident": Seen.LISTED,
        "accept": Seen.LISTED,
        "incident remove": Seen.PUT_ON,
        "end-contacts": Seen.CONTACTS,
        "offer made": Seen.HELPED,
        "ask helper": Seen.FACTS,
        "page": Seen.ASKED,
        "answer": Seen.ANSWERED,
        "read receipt": Seen.RECEIPT,
        **dict.fromkeys(_OF_INCIDENT, Seen.FACTS),
        **dict.fromkeys(_OF_ROSTER, Seen.ENTRY),
    }
)
_NEEDS: Final[Mapping[Seen, Datum]] = MappingProxyType(
    {Seen.LISTED: Datum.AFFECTED_ROSTER, Seen.CONTACTS: Datum.AFFECTED_ROSTER}
)
_TITLES: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.CLINICAL_DIRECTOR: "the clinical director",
        Role.CLINICIAN: "a clinician",
        Role.COORDINATOR: "a coordinator",
        Role.SUPERVISOR: "a supervisor",
        Role.CHAPLAIN: "a chaplain",
        Role.FAMILY_PEER: "a family peer",
        Role.PEER: "a peer",
        Role.ADMIN: "an administrator",
        Role.RESPONDER: "a colleague",
    }
)


_OWN_PEER: Final = "your own peer"
_GONE: Final = "somebody who has left"
OWNER: Final = "whoever runs this program's machine"
WHO: Final = (*_TITLES.values(), _OWN_PEER, _GONE, OWNER)
"""Everybody whom a receipt may name, for whoever translates them."""


def seen(act: str, relations: Collection[Relation]) -> Seen | None:
    """What an act of the audit log showed of a person; None where the actor's row shows nothing of them.

    The prefixes that say by which way it was done count for nothing. An act that is not known here is
    not left out: it is told as something that has no words here.
    """
    plain = act.removeprefix("cli ").removeprefix("page ")
    found = _BY_ACT.get(plain, Seen.DATA)
    datum = _NEEDS.get(found)
    hidden = datum is not None and best_access(relations, datum, (Fact.OWN_PERSON,)) is Access.NONE
    return None if hidden else found


def seen_by_owner(act: str) -> Seen | None:
    """What an act at the machine itself showed: its owner has the coordinator's row."""
    return seen(act, (Relation.COORDINATOR,))


def title(roles: Collection[Role], *, own_peer: bool = False) -> str:
    """Who it was, by role and never by name: the graver duty first."""
    if own_peer:
        return _OWN_PEER
    return next((words for role, words in _TITLES.items() if role in roles), _GONE)
