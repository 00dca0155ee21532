"""Every message that the product can send: the vocabulary. The words are in templates/."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from notifications.message_base import Message, Purpose, Value, specs
from notifications.message_kinds import MessageKind
from notifications.offer_messages import OFFER_CLASSES, HandOff, OffersDue, Turn, TurnTaken
from notifications.on_call_messages import SWAP_CLASSES, SwapAnswer, SwapAsk, SwapTold
from notifications.person_messages import (
    CallArranged,
    CallNow,
    CallPromised,
    CheckIn,
    CheckInReminder,
    ConfirmPhone,
    ContactsEnded,
    CrisisAnswer,
    EscalationTaken,
    HelpAnswer,
    Invitation,
    InvitationAccepted,
    LinkCode,
    OptIn,
    OptInDone,
    OptOutDone,
    PasskeyAdded,
    PhoneConfirmed,
    ReadBy,
    WhichCode,
    Who,
)
from notifications.programme_messages import Attestation, Looked, Restored
from notifications.reader_messages import AskExposureEnd, MhpReminder, QueueNew, QueueOverdue, UnsettledSend
from notifications.team_messages import (
    AlreadyCovered,
    Approval,
    Assigned,
    Covered,
    Escalation,
    EscalationAssigned,
    EscalationCovered,
    EscalationOverdue,
    HandedBack,
    Noted,
    Page,
    PeerTask,
    PeerTaskOverdue,
    Released,
    SessionOff,
    SessionReminder,
    SessionReport,
    SessionTeam,
    StandDown,
    TeamMemberStopped,
    TeamNotice,
    Welfare,
)
from notifications.word_messages import (
    WORD_CLASSES,
    BriefIn,
    Desk,
    MyTasks,
    MyTurns,
    WordDone,
    WordHow,
    Words,
)
from notifications.wording import by_text, short_name, span_text, when_text

_CLASSES: Final[tuple[type[Message], ...]] = (
    Page,
    Assigned,
    Covered,
    StandDown,
    Released,
    AlreadyCovered,
    TeamNotice,
    TeamMemberStopped,
    Approval,
    SessionTeam,
    SessionReminder,
    SessionOff,
    SessionReport,
    PeerTask,
    PeerTaskOverdue,
    Noted,
    HandedBack,
    Escalation,
    EscalationAssigned,
    EscalationCovered,
    EscalationOverdue,
    Welfare,
    QueueNew,
    QueueOverdue,
    AskExposureEnd,
    MhpReminder,
    *OFFER_CLASSES,
    UnsettledSend,
    Attestation,
    Restored,
    Looked,
    ConfirmPhone,
    PhoneConfirmed,
    CheckIn,
    CheckInReminder,
    ContactsEnded,
    OptIn,
    OptInDone,
    OptOutDone,
    Invitation,
    InvitationAccepted,
    CallPromised,
    CallArranged,
    CallNow,
    EscalationTaken,
    CrisisAnswer,
    ReadBy,
    HelpAnswer,
    WhichCode,
    Who,
    LinkCode,
    PasskeyAdded,
    *SWAP_CLASSES,
    *WORD_CLASSES,
)

MESSAGE_CLASSES: Final[Mapping[MessageKind, type[Message]]] = MappingProxyType(
    {MessageKind(message_class.kind): message_class for message_class in _CLASSES}
)
"""The class of each kind."""

URGENT_KINDS: Final[frozenset[MessageKind]] = frozenset(
    kind for kind, message_class in MESSAGE_CLASSES.items() if message_class.purpose is Purpose.URGENT
)
"""Kinds that leave before all others."""

_AFTER_STOP: Final = frozenset(
    {
        MessageKind.OPT_OUT_DONE,
        MessageKind.CRISIS_ANSWER,
        MessageKind.CALL_NOW,
        MessageKind.CALL_PROMISED,
        MessageKind.READ_BY,
        MessageKind.HELP_ANSWER,
        MessageKind.WHO,
        MessageKind.LINK_CODE,
    }
)


def is_urgent(kind: MessageKind) -> bool:
    """Whether it leaves before all others, at any hour."""
    return kind in URGENT_KINDS


def is_care(kind: MessageKind) -> bool:
    """Whether it is a care text: in the person's open hours, with consent and a confirmed phone only."""
    return MESSAGE_CLASSES[kind].purpose is Purpose.CARE


def is_direct_answer(kind: MessageKind) -> bool:
    """Whether it answers what a person just wrote: at once, at any hour."""
    return MESSAGE_CLASSES[kind].purpose is Purpose.ANSWER


def survives_stop(kind: MessageKind) -> bool:
    """Whether it may answer a person whose texts have ended: one confirmation, and what they ask for.

    Nothing else may. Where the person used a carrier's stop word, the carrier refuses even these.
    """
    return kind in _AFTER_STOP


def first_contact(message: Message, *, attested: bool) -> Message:
    """The same message as the first text that its reader ever gets from us: it says who we are.

    `attested`: the agency attests that command does not see replies. Kinds that can never be the first, and
    answers to a number that nobody knows, stay as they are.
    """
    if "first" not in specs(type(message)) or getattr(message, "agency", "") == "":
        return message
    changes: dict[str, Any] = {"first": True, "attested": attested}
    return dataclasses.replace(message, **changes)  # type: ignore[type-var]


def marked_late(message: Message) -> Message:
    """The same message, saying that it leaves later than it should have; kinds that cannot say so stay."""
    if "late" not in specs(type(message)):
        return message
    return dataclasses.replace(message, late=True)  # type: ignore[type-var]


def to_payload(message: Message) -> dict[str, Value]:
    """The fields as plain values, to be kept until the message leaves."""
    return {name: getattr(message, name) for name in specs(type(message))}


def from_payload(kind: MessageKind, payload: Mapping[str, object]) -> Message:
    """The message that `to_payload` was given; raises ValueError where a field is missing or of another type.

    Fields that this version does not know are left out.
    """
    message_class = MESSAGE_CLASSES[kind]
    known: dict[str, Any] = {name: payload[name] for name in specs(message_class) if name in payload}
    try:
        return message_class(**known)
    except TypeError as error:
        message = f"the payload of {kind} lacks a field: has only {sorted(known)}"
        raise ValueError(message) from error


__all__ = [
    "MESSAGE_CLASSES",
    "URGENT_KINDS",
    "AlreadyCovered",
    "Approval",
    "AskExposureEnd",
    "Assigned",
    "Attestation",
    "BriefIn",
    "CallArranged",
    "CallNow",
    "CallPromised",
    "CheckIn",
    "CheckInReminder",
    "ConfirmPhone",
    "ContactsEnded",
    "Covered",
    "CrisisAnswer",
    "Desk",
    "Escalation",
    "EscalationAssigned",
    "EscalationCovered",
    "EscalationOverdue",
    "EscalationTaken",
    "HandOff",
    "HandedBack",
    "HelpAnswer",
    "Invitation",
    "InvitationAccepted",
    "LinkCode",
    "Looked",
    "Message",
    "MessageKind",
    "MhpReminder",
    "MyTasks",
    "MyTurns",
    "Noted",
    "OffersDue",
    "OptIn",
    "OptInDone",
    "OptOutDone",
    "Page",
    "PasskeyAdded",
    "PeerTask",
    "PeerTaskOverdue",
    "PhoneConfirmed",
    "Purpose",
    "QueueNew",
    "QueueOverdue",
    "ReadBy",
    "Released",
    "Restored",
    "SessionOff",
    "SessionReminder",
    "SessionReport",
    "SessionTeam",
    "StandDown",
    "SwapAnswer",
    "SwapAsk",
    "SwapTold",
    "TeamMemberStopped",
    "TeamNotice",
    "Turn",
    "TurnTaken",
    "UnsettledSend",
    "Welfare",
    "WhichCode",
    "Who",
    "WordDone",
    "WordHow",
    "Words",
    "by_text",
    "first_contact",
    "from_payload",
    "is_care",
    "is_direct_answer",
    "is_urgent",
    "marked_late",
    "short_name",
    "span_text",
    "survives_stop",
    "to_payload",
    "when_text",
]
