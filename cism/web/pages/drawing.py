"""Where things stand on the picture of an incident. Hours are as wide as months: the scale is logarithmic.

Places are percentages, so that the server's one drawing fits any screen and its words keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cism.services.picture import Item, Lane, Standing
from cism.web.words import Said, _

_HOUR: Final = timedelta(hours=1)
_WHOLE: Final = timedelta(days=380)  # as long as an incident is followed
_LEFT, _RIGHT = 2.0, 97.0  # per cent: room for half a mark
_TOP, _ROW, _TRACK = 34, 44, 29  # pixels: above the first row, of a row, from a row's top to its track
_NARROWEST: Final = 0.7
_LINE, _SHORT = 20, 36  # pixels of a line of a title, and letters that fit one on the narrowest phone
_TICKS: Final = (
    (timedelta(), _("end")),
    (_HOUR, _("1 h")),
    (timedelta(hours=8), _("8 h")),
    (timedelta(days=1), _("1 d")),
    (timedelta(days=3), _("3 d")),
    (timedelta(days=7), _("7 d")),
    (timedelta(days=30), _("30 d")),
    (timedelta(days=90), _("90 d")),
    (timedelta(days=365), _("1 y")),
)
_ONE_ROW: Final = frozenset({Lane.TEAM, Lane.CHECK_INS, Lane.CALLS})  # all of it on one line


@dataclass(frozen=True, slots=True)
class Mark:
    """One sign, at its place; `window` is from where and how wide."""

    x: float
    shape: str
    words: Said
    window: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture."""

    title: Said
    top: int
    track: int
    marks: tuple[Mark, ...]
    room: int
    long: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template draws."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, Said], ...]
    now: float
    height: int


def draw(
    items: Sequence[tuple[Item, Said, Said]], titles: dict[Lane, Said], began: datetime, now: datetime
) -> Drawing:
    """Lay everything out. Each item comes with what it is and with what is said when it is pointed at."""
    lines: dict[tuple[Lane, str], tuple[Said, list[Mark]]] = {}
    for item, name, words in items:
        if item.standing is Standing.OFF:
            continue
        whole = item.lane in _ONE_ROW
        key = (item.lane, "" if whole else item.name)
        title = titles[item.lane] if whole else name
        lines.setdefault(key, (title, []))[1].append(_mark(item, words, began))
    rows, top = [], _TOP
    for title, marks in lines.values():
        rows.append(_row(title, top, marks))
        top += _ROW + rows[-1].room - _LINE
    ticks = tuple((_place(began + after, began), words) for after, words in _TICKS)
    return Drawing(tuple(rows), ticks, _place(now, began), top + 12)


def _row(title: Said, top: int, marks: Sequence[Mark]) -> Row:
    long = len(title) > _SHORT
    room = 2 * _LINE if long else _LINE
    return Row(title, top, top + _TRACK + room - _LINE, tuple(marks), room, long)


def _mark(item: Item, words: Said, began: datetime) -> Mark:
    window = None
    if item.begins is not None and item.ends is not None and item.ends > item.begins:
        left, right = _place(item.begins, began), _place(item.ends, began)
        window = (left, max(_NARROWEST, round(right - left, 2)))
    return Mark(_place(item.at, began), item.standing.value, words, window)


def _place(at: datetime, began: datetime) -> float:
    """Per cent from the left; what was before the end of exposure stands at its very beginning."""
    hours = max(0.0, (at - began) / _HOUR)
    share = min(1.0, math.log1p(hours) / math.log1p(_WHOLE / _HOUR))
    return round(_LEFT + share * (_RIGHT - _LEFT), 2)
