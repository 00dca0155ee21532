"""Who was probably there with a supervisor: what their form offers first.

The roster has no shifts. What it does say stands in for them: with whom the supervisor logged last, who
reports to them, and who works in the same unit or at the same station. Whoever would be asleep by their
own sleep window when it ended comes last and is not left out: a window that nobody filled in says
21:00-08:00, and a crew that worked that evening is then "asleep" to a man.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from cism.domain.people import Person, PersonStatus
from cism.domain.quiet_hours import is_asleep

MOST_OFFERED: Final = 12  # a thumb runs over no more; the others stand below, by unit
RECENT: Final = timedelta(days=28)  # four weeks: usual rotations have come round by then
LAST_INCIDENTS: Final = 5  # of the supervisor's own; older crews tell less than the roster does


def on_shift(
    people: Collection[Person], me: Person, *, at: datetime, recent: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """The ids of those who were probably on shift with `me` at `at` (aware), likeliest first.

    `recent`: how many of `me`'s own incidents ago somebody was listed, 0 for the last one. Never `me`, whom
    the form names anyway, and nobody who is on leave, retired or deceased: whoever was there all the same is
    found below. Equals stay in the order in which they were given.
    """
    before = recent or {}
    near = [
        (is_asleep(at, person.zone, person.sleep), place, person.id)
        for person in people
        if person.id != me.id and person.status is PersonStatus.ACTIVE
        if (place := _place(person, me, before)) is not None
    ]
    return tuple(person_id for _asleep, _place, person_id in sorted(near, key=lambda one: one[:2]))[
        :MOST_OFFERED
    ]


def _place(person: Person, me: Person, recent: Mapping[str, int]) -> tuple[int, int] | None:
    """How near somebody works to `me`; None where nothing says that they do."""
    if person.id in recent:
        return 0, recent[person.id]
    if person.reports_to == me.id:
        return 1, 0
    unit = bool(me.unit) and person.unit == me.unit
    station = bool(me.station) and person.station == me.station
    if unit or station:
        return (2 if unit and station else 3 if unit else 4), 0
    return None
