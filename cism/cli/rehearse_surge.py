"""How a what-if is told: what it assumes first, then what would be short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from cism.cli import show
from cism.cli.rehearse_views import header
from cism.domain.protocol import Protocol
from cism.domain.surge import SEED, Surge
from cism.domain.surge_queues import HOUR, HourOfWork
from cism.domain.what_if import WhatIf

_FROM_START = timedelta(hours=72)  # hours shown one by one; later ones are summed up


def tell(protocol: Protocol, given: WhatIf, found: Surge, start: datetime, *, as_json: bool) -> None:
    """The result with all its assumptions."""
    if as_json:
        show.data(_document(protocol, given, found, start))
        return
    for line in (*header(protocol), *_assumed(given), *_team(found), *_texts(given, found, start)):
        show.line(line)
    for line in _hours("Peers", found.peers, start):
        show.line(line)
    for line in _hours("Clinicians", found.clinicians, start):
        show.line(line)


def _assumed(given: WhatIf) -> Iterator[str]:
    people = given.assumed.affected
    yield f"Reckoned, not performed: {people} invented people (seed {SEED}), who sleep as the responders do."
    yield f"Assumed, all of it a design; shares in percent; prices of {given.as_of}, not verified:"
    yield f"  sender={given.assumed.sender}, {given.told()}"


def _team(found: Surge) -> Iterator[str]:
    short = found.needed - found.found
    yield (
        f"Team: {found.needed} helpers needed, {found.asked} on the roster asked, {found.found} found"
        + (f"; {short} short: ask for mutual aid" if short else "")
    )
    if found.sessions:
        yield f"Individual sessions with a professional to be offered: {found.sessions}"


def _texts(given: WhatIf, found: Surge, start: datetime) -> Iterator[str]:
    for name, at in found.sent.last.items():
        wait = _span(found.sent.longest[name])
        yield f"Last {name}: {_span(at - start)} after the logging; longest wait for the sender {wait}"
    last = max(found.sent.last.values(), default=start)
    yield f"Last SMS of all: {_span(last - start)} after the logging"
    yield f"{found.sent.count} segments, {found.cost:.2f} {given.currency}"
    yield (
        f"{found.sent.expired} texts waited past their window and {found.sent.refused} were over what the "
        "carrier takes a day: a human is told of each"
    )


def _span(by: timedelta) -> str:
    """A span by its two largest units: 3d 4h, 16s."""
    seconds = int(by.total_seconds())
    parts = (
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    )
    return " ".join([f"{count}{unit}" for count, unit in parts if count][:2]) or "0s"


def _hours(who: str, hours: Sequence[HourOfWork], start: datetime) -> Iterator[str]:
    """Hours in which somebody is missing: one by one at first, equal ones together, then summed up."""
    short = [hour for hour in hours if hour.short]
    worst = max((hour.oldest for hour in hours), default=timedelta(0))
    longest = max((hour.waiting for hour in hours), default=0)
    yield f"{who}: longest queue {longest}, longest wait {_span(worst)}, short in {len(short)} hours"
    near = [hour for hour in short if hour.at < start + _FROM_START]
    for (needed, there), group in groupby(near, key=lambda hour: (hour.needed, hour.there)):
        run = list(group)
        times = f"{run[0].at:%a %H:%M}-{run[-1].at + HOUR:%a %H:%M} UTC"
        yield f"  {times}: {needed} needed, {there} there, {needed - there} short"
    if len(short) > len(near):
        yield f"  and in {len(short) - len(near)} hours after the first three days"


def _document(protocol: Protocol, given: WhatIf, found: Surge, start: datetime) -> dict[str, Any]:
    last = max(found.sent.last.values(), default=start)
    return {
        "protocol": protocol.key,
        "evidence_note": protocol.evidence_note,
        "assumed": given.model_dump(mode="json"),
        "seed": SEED,
        "team": {"needed": found.needed, "asked": found.asked, "found": found.found},
        "sessions_to_offer": found.sessions,
        "last_sms_after_seconds": (last - start).total_seconds(),
        "last_after_seconds": {name: (at - start).total_seconds() for name, at in found.sent.last.items()},
        "longest_wait_seconds": {name: wait.total_seconds() for name, wait in found.sent.longest.items()},
        "segments": found.sent.count,
        "expired": found.sent.expired,
        "refused_by_carrier": found.sent.refused,
        "cost": round(found.cost, 2),
        "currency": given.currency,
        "peers": [_hour(hour) for hour in found.peers],
        "clinicians": [_hour(hour) for hour in found.clinicians],
    }


def _hour(hour: HourOfWork) -> dict[str, Any]:
    return {
        "at": show.moment(hour.at),
        "needed": hour.needed,
        "there": hour.there,
        "short": hour.short,
        "waiting": hour.waiting,
        "oldest_seconds": hour.oldest.total_seconds(),
    }
