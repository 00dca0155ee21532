"""The way around: one list of the pages that people find by themselves, and for whom each is.

What a page shows, and whether it opens at all, its own handler decides by the same table (`access.py`); a
link that is missing here hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cism.domain.access import Act
from cism.web.pages.who import Visitor
from cism.web.words import Said, _


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the list. `opens` tells whose it is; a `rare` one stands behind "More"."""

    href: str
    words: Said
    opens: Callable[[Visitor], bool]
    rare: bool = False

    def is_here(self, path: str) -> bool:
        """Whether an address is this page or one below it."""
        return path == self.href or path.startswith(f"{self.href}/")


def _own(visitor: Visitor) -> bool:
    return visitor.own


def _logs(visitor: Visitor) -> bool:
    return visitor.may(Act.LOG_INCIDENT)


def staff_who_may(act: Act) -> Callable[[Visitor], bool]:
    """People signed in by phone or passkey whose role allows this."""
    return lambda visitor: visitor.works and visitor.may(act)


# In the order of the page; the first that opens is where `/` leads.
ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("/board", _("Board"), staff_who_may(Act.SEE_TIMELINE)),
    Entry("/queue", _("Queue"), staff_who_may(Act.SEE_TIMELINE)),
    Entry("/readiness", _("Readiness"), staff_who_may(Act.CHANGE_ROSTER), rare=True),
    Entry("/roster", _("Roster"), staff_who_may(Act.CHANGE_ROSTER), rare=True),
    Entry("/escalations", _("Calls for help"), staff_who_may(Act.LIST_ESCALATIONS)),
    Entry("/peer", _("My people and calls"), staff_who_may(Act.SERVE)),
    Entry("/log", _("Log an incident"), _logs),
    Entry("/me", _("My page"), _own),
    Entry("/break-glass", _("Break-glass"), staff_who_may(Act.BREAK_GLASS), rare=True),
    Entry("/set-up", _("Set up"), staff_who_may(Act.SET_AGENCY), rare=True),
)
_NOBODY: Final = "/sign-in"


def entries(visitor: Visitor | None) -> list[Entry]:
    """What this visitor's roles open."""
    return [] if visitor is None else [entry for entry in ENTRIES if entry.opens(visitor)]


def main_page(visitor: Visitor | None) -> str:
    """Where somebody begins."""
    found = entries(visitor)
    return found[0].href if found else _NOBODY
