"""What every text of every story keeps, judged from the texts and the roster file alone."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from notifications.gsm import segments
from notifications.messages import MessageKind, is_care, is_direct_answer

if TYPE_CHECKING:
    from tests.stories.harness import Story

# Invariant 7, on top of the linter of templates: what names, places and reasons could bring into a text.
NEVER = (
    "shooting", "shot", "dead", "death", "suicid", "debrief", "counsel", "therap", "trauma", "ptsd", "stress",
    "incident", "crisis", "screening", "OIS", "LODD", "paediatric", "mandatory",
)  # fmt: skip

_LINK = re.compile(r"https?://\S+")


def check(story: Story) -> None:
    """Every promise about every text that arrived."""
    for arrival in story.arrivals:
        assert segments(arrival.body) == 1, f"more than one segment: {arrival}"
        words = _LINK.sub("", arrival.body)  # a link's letters are drawn by lot, and may spell anything
        for word in NEVER:
            assert word not in words, f"{word!r} on a lock screen: {arrival}"
        if (
            arrival.kind != "carrier"
            and is_care(MessageKind(arrival.kind))
            and arrival.who in story.cast.rows
        ):
            row = story.cast.rows[arrival.who]
            local = arrival.at.astimezone(ZoneInfo(row["timezone"]))
            assert _open(local, row), f"in quiet hours ({local:%H:%M} local): {arrival}"
    # two texts in one moment are answered twice; nothing else is ever said twice
    unasked = [
        one for one in story.arrivals if one.kind == "carrier" or not is_direct_answer(MessageKind(one.kind))
    ]
    doubled = [one for one, n in Counter((a.who, a.body, a.at) for a in unasked).items() if n > 1]
    assert not doubled, f"the same text twice at once: {doubled}"
    for call in story.calls():
        for said in call.words:
            for word in NEVER:
                assert word not in said, f"{word!r} said aloud: {said}"
        row_called = story.cast.rows.get(story.who_is(call.to))
        assert row_called is None or row_called["roles"] != "responder", f"a call to no helper: {call}"


def _open(local: datetime, row: dict[str, str]) -> bool:
    here = local.time()
    start = time.fromisoformat(row["sleep_start"] or "21:00")
    end = time.fromisoformat(row["sleep_end"] or "08:00")
    asleep = start <= here < end if start <= end else here >= start or here < end
    return time(8) <= here < time(21) and not asleep
