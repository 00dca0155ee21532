"""What a page says: what is wrong, since when, what to do, what paper there is. It names nobody."""

from __future__ import annotations

import time
from pathlib import Path

from cism_watchdog.judging import TROUBLES
from cism_watchdog.paging import Alarm, Page, next_repeat
from cism_watchdog.settings import Rhythm, Settings

_ONE_TEXT = 160  # characters of one text message
_PAPER = (
    "If it is not put right within minutes, go by paper: the call tree and the open promises of last night. "
    "The file opens on any machine with openssl and the coordinator's passphrase."
)


def subject(page: Page, settings: Settings) -> str:
    """The subject of a mail."""
    if page is Page.WELL:
        return f"{settings.name}: is well again"
    return f"{settings.name}: the engine needs you"


def body(page: Page, alarm: Alarm, settings: Settings) -> str:
    """A whole mail."""
    if page is Page.WELL:
        return (
            f"{settings.name} answers and is on time again.\n\n"
            "What fell due meanwhile is done late, once each, or not at all if its moment has passed. Run "
            "`cism doctor`, and look at `cism queue list` and `cism escalations`.\n"
        )
    told = [
        f"- {TROUBLES[key].says}, since {_clock(alarm.since.get(key))}.\n  What to do: {TROUBLES[key].todo}"
        for key in alarm.troubles
    ]
    lines = [
        f"The watchdog of {settings.name} found:",
        "\n".join(told),
        f"{_PAPER} {_newest(settings.paper_folder)}{settings.paper_note or ''}".strip(),
        _next(page, alarm, settings.rhythm),
    ]
    return "\n\n".join(lines) + "\n"


def text(page: Page, alarm: Alarm, settings: Settings) -> str:
    """The same in one text message; the name is cut where it would not fit."""
    name = settings.name[:20]
    if page is Page.WELL:
        return f"{name}: is well again. Run cism doctor."
    worst = alarm.troubles[0]
    said = TROUBLES[worst].says.split(":")[0]
    more = f" (+{len(alarm.troubles) - 1})" if len(alarm.troubles) > 1 else ""
    told = f"{name}: {said}{more}, since {_clock(alarm.since.get(worst))}. Look now; else go by paper."
    return told[:_ONE_TEXT]


def _next(page: Page, alarm: Alarm, rhythm: Rhythm) -> str:
    after = next_repeat(alarm, rhythm) if page is Page.MORE else _after(alarm, rhythm)
    return f"The next mail comes in {_span(after)}, unless all is well again by then."


def _after(alarm: Alarm, rhythm: Rhythm) -> float:
    return rhythm.repeat[min(alarm.pages, len(rhythm.repeat) - 1)]


def _newest(folder: Path | None) -> str:
    if folder is None:
        return ""
    try:
        files = [(one.stat().st_mtime, one.name) for one in folder.iterdir() if one.is_file()]
    except OSError:
        return f"The folder {folder} cannot be read from here. "
    if not files:
        return f"In {folder} there is none. "
    made, name = max(files)
    return f"The newest here is {folder / name}, of {_clock(made)}. "


def _clock(moment: float | None) -> str:
    if moment is None:
        return "just now"
    return time.strftime("%d %b %H:%M UTC", time.gmtime(moment))


def _span(seconds: float) -> str:
    return f"{round(seconds / 60)} minutes" if seconds >= 60 else f"{seconds:g} seconds"
