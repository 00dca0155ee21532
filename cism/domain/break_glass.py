"""Looking although the table refuses it: when somebody must be helped and whoever may look is not there.

It opens the coordinator's row of one incident for an hour, to somebody of the programme, never to command and
never to whoever is on the list. Another one hears of it at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final

from cism.domain.people import Role, is_command

LASTS: Final = timedelta(hours=1)  # real time


class GlassReason(StrEnum):
    """Why. A code, never a story."""

    DANGER = "danger"  # somebody may be in danger now
    NOBODY_THERE = "nobody_there"  # the coordinator and the clinicians cannot be reached
    HANDED_OVER = "handed_over"  # a helper fell out, and the person waits
    WRONG_LIST = "wrong_list"  # the list may hold the wrong person


def refused_because(roles: Collection[Role], *, affected: bool) -> str | None:
    """Why the glass stays whole, in words that say what to do; None where it may be broken."""
    if is_command(roles):
        return "nobody who commands others may look, not even in an emergency: call the duty phone"
    if affected:
        return "you are on this incident's list: call the duty phone, and your deputy looks"
    return None


def witness_of(roles: Collection[Role]) -> Role:
    """Who hears of it: the clinical director, and of the clinical director's own looking the coordinator."""
    return Role.COORDINATOR if Role.CLINICAL_DIRECTOR in roles else Role.CLINICAL_DIRECTOR
