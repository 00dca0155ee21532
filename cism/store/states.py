"""The states that rows move through; each member says what it means to the person."""

from __future__ import annotations

from enum import StrEnum

from cism.domain.delivery import OutboxState

__all__ = [
    "AssignmentState",
    "CallState",
    "InboundState",
    "OfferState",
    "OutboxState",
    "QueueState",
    "SessionState",
]


class AssignmentState(StrEnum):
    """A helper's part in one incident."""

    ASKED = "asked"  # has a page, nothing promised
    ACCEPTED = "accepted"  # serves
    DECLINED = "declined"  # said no, no reason is kept
    SILENT = "silent"  # did not answer in time; may still say yes while places are open
    COVERED = "covered"  # others were first
    HANDED_BACK = "handed_back"  # gave it back, no reason is kept
    REVOKED = "revoked"  # became affected, or a rule came to forbid it
    STOOD_DOWN = "stood_down"  # not needed any more


class SessionState(StrEnum):
    """A group session."""

    BLOCKED = "blocked"  # may not be held, for the reason given; one-to-one instead
    PROPOSED = "proposed"  # a clinician is asked
    APPROVED = "approved"  # will be offered
    REFUSED = "refused"  # one-to-one instead
    HELD = "held"  # took place; only the headcount is kept
    CANCELLED = "cancelled"  # will not take place
    LAPSED = "lapsed"  # nobody decided in time; one-to-one instead


class OfferState(StrEnum):
    """Something that is offered beside the groups."""

    BLOCKED = "blocked"  # is not offered, for the reason given
    OPEN = "open"  # is to be made
    OFFERED = "offered"  # was made; what they do with it is theirs
    WANTED = "wanted"  # a helper is looked for
    TAKEN = "taken"  # a helper has it
    NOBODY = "nobody"  # no helper took it: those in charge have it
    DONE = "done"  # took place
    CANCELLED = "cancelled"  # is not needed any more


class CallState(StrEnum):
    """A call that asks somebody beside a text."""

    PENDING = "pending"  # not handed over yet
    DIALING = "dialing"  # being handed over right now
    PLACED = "placed"  # the provider has it: it rings, or somebody listens
    ANSWERED = "answered"  # a key was pressed: a person was there
    NOT_ANSWERED = "not_answered"  # nobody, a machine, or somebody who pressed nothing that counts
    FAILED = "failed"  # the provider refused it for good
    UNKNOWN = "unknown"  # handed over or not: being settled with the provider
    UNSETTLED = "unsettled"  # could not be settled; never dialled again, the ladder went on
    SUPPRESSED = "suppressed"  # not made: consent, opt-out or state forbade it at the last moment
    EXPIRED = "expired"  # not made: its moment passed
    CANCELLED = "cancelled"  # not made: no longer wanted


class InboundState(StrEnum):
    """A text that came in."""

    ACTED = "acted"  # read and acted on
    QUEUED = "queued"  # waits for a human
    HANDLED = "handled"  # a human has read it
    WAITING = "waiting"  # its answer waits for the sender's open hours


class QueueState(StrEnum):
    """An item of the human queue."""

    OPEN = "open"
    HANDLED = "handled"
