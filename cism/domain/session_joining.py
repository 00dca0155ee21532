"""People who are added to an incident late, and a group of theirs that meets already: who joins which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cism.domain.sessions import SessionPlan

_TURN: Final = re.compile(r"#\d+")  # a group that meets again is another meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A meeting that is to come. `coming` counts those who have not declined."""

    id: str
    group: str
    starts_at: datetime
    invited: frozenset[str]
    coming: int


@dataclass(frozen=True, slots=True)
class Joining:
    """Whom a meeting takes in as well (person and meeting), and for whom there is no place any more."""

    places: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()


def join_late(
    plan: SessionPlan, meetings: Sequence[Meeting], most: int, notice: timedelta, now: datetime
) -> Joining | None:
    """Who of the plan's people joins a meeting of the same group; None where no such meeting is to come.

    It is the same group where somebody of it is invited already. A place is open while the meeting is not
    full, lies in the hours that all of them have, and is not nearer than the notice.
    """
    same = [
        one for one in meetings if one.invited & set(plan.members) and _turn(one.group) == _turn(plan.group)
    ]
    if not same:
        return None
    invited = frozenset().union(*(one.invited for one in same))
    room = {one.id: most - one.coming for one in same if _in_time(plan, one, notice, now)}
    places: list[tuple[str, str]] = []
    left_out: list[str] = []
    for person_id in plan.members:
        if person_id in invited:
            continue
        best = max(room, key=lambda meeting: room[meeting], default=None)
        if best is None or room[best] < 1:
            left_out.append(person_id)
        else:
            room[best] -= 1
            places.append((person_id, best))
    return Joining(tuple(places), tuple(left_out))


def _in_time(plan: SessionPlan, meeting: Meeting, notice: timedelta, now: datetime) -> bool:
    fits = plan.window is not None and plan.window.earliest <= meeting.starts_at <= plan.window.latest
    return fits and meeting.starts_at - now >= notice


def _turn(group: str) -> str | None:
    found = _TURN.search(group)
    return found.group() if found else None
