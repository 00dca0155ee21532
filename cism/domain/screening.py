"""Scores of three short questionnaires that somebody may fill in for themselves alone. Never a diagnosis.

PC-PTSD-5: Prins, Bovin, Kimerling, Kaloupek, Marx, Pless Kaiser and Schnurr, National Center for PTSD; it is
work of the US government, in the public domain; Prins et al. 2016, J Gen Intern Med 31:1206-1211. A gate and
five yes/no items on the past month. The cut 3 is the sensitive one, 4 the most efficient.
PHQ-2 and GAD-2: Spitzer, Williams, Kroenke and colleagues, with a grant from Pfizer; no permission is needed
to reproduce, translate, display or distribute them. Two items each on the past two weeks, 0 to 3, cut 3:
Kroenke et al. 2003, Med Care 41:1284-1292; Kroenke et al. 2007, Ann Intern Med 146:317-325.

Nothing here is kept, and nothing is guessed: an item without an answer gives no score at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PTSD_ITEMS: Final = 5
PTSD_CUT: Final = 3  # screening rather looks once too often; Prins et al. 2016
PAIR_ITEMS: Final = 2  # of PHQ-2, and of GAD-2
PAIR_MOST: Final = 3  # "nearly every day"
PAIR_CUT: Final = 3  # Kroenke et al. 2003, 2007
# The items ask about a month: sooner, what most people feel after such an event would count as a sign.
DAYS_BEFORE: Final = 30


@dataclass(frozen=True, slots=True)
class Score:
    """Points out of the most that there are, and whether they reach the cut."""

    points: int
    most: int
    reached: bool


@dataclass(frozen=True, slots=True)
class PtsdScore:
    """What PC-PTSD-5 gives. Without such an event (the gate) it ends at 0, another 0 than five noes."""

    event: bool
    score: Score


@dataclass(frozen=True, slots=True)
class NotYet:
    """Too early to ask. `since` is the first day on which it means something; None while it is not over."""

    since: date | None


def pc_ptsd_5(event: bool | None, answers: Sequence[bool | None], cut: int = PTSD_CUT) -> PtsdScore | None:
    """The score of a gate and five answers, 0 to 5; None where the gate or a needed item is missing."""
    if event is None:
        return None
    if not event:
        return PtsdScore(event=False, score=Score(0, PTSD_ITEMS, reached=False))
    given = [one for one in answers if one is not None]
    if len(answers) != PTSD_ITEMS or len(given) != PTSD_ITEMS:
        return None
    points = sum(given)
    return PtsdScore(event=True, score=Score(points, PTSD_ITEMS, points >= cut))


def pair(answers: Sequence[int | None], cut: int = PAIR_CUT) -> Score | None:
    """The score of PHQ-2 or GAD-2, 0 to 6; None where an item is missing or is not 0 to 3."""
    given = [one for one in answers if one is not None and 0 <= one <= PAIR_MOST]
    if len(answers) != PAIR_ITEMS or len(given) != PAIR_ITEMS:
        return None
    points = sum(given)
    return Score(points, PAIR_ITEMS * PAIR_MOST, points >= cut)


def too_early(ends: Sequence[datetime | None], zone: str, now: datetime) -> NotYet | None:
    """Whether any event of this person is too young to ask about; None where the questions mean something.

    `ends` are the ends of their exposures (aware), None while one lasts. Days are those of the person's own
    calendar, as for the check-in of day 30. The newest event counts: its answers would be about that one.
    """
    if None in ends:
        return NotYet(None)
    place = ZoneInfo(zone)
    known = [one.astimezone(place).date() for one in ends if one is not None]
    since = max(known, default=date.min) + timedelta(days=DAYS_BEFORE)
    return NotYet(since) if now.astimezone(place).date() < since else None
