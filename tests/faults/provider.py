"""The provider refuses, fails, loses answers and tells nothing: F7, F8 and F12."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

from bench import surge
from demo.checking.moves import moment
from demo.checking.words import Kind, kind_of
from notifications.phone_wall.records import callback_id
from tests.faults import judge, load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, WallSeen
from tests.faults.ground import Kind as Store
from tests.faults.rig import GIVEN_UP_SOON, Rig

_PEOPLE, _INCIDENTS = 24, 4
_PAGES_EACH = 2  # a team of one, and one more is asked
_AT_ONCE = 2
_REFUSED_FOR_GOOD = (21211, 21610, 21614, 21612)
_TOO_MANY = "20429"
_SETTLED_WITHIN = 120.0
_KNOWN_WITHIN = timedelta(minutes=10)
FLAGGED = ("unsettled_send", "call_needed", "contact_missed")

STORM = {
    "429": {"chance": 0.45, "seconds": [1, 4], "burst": [1, 4]},
    "refused": {"chance": 0.05, "codes": list(_REFUSED_FOR_GOOD)},
}
_TENTH = 0.1
_NEVER_ACCEPTED = ("500_before", "reset_before", "hang_before")
BROKEN = {
    **dict.fromkeys(_NEVER_ACCEPTED, _TENTH),
    **dict.fromkeys(("500_after_accept", "reset_after_accept", "hang_after_accept"), _TENTH),
    "lose_status_callback": 0.3,  # so that the list has to settle some
    "list_late": {"chance": 0.3, "seconds": [2, 20]},
}


def store_of(seed: int) -> Store:
    """Even seeds on SQLite, odd ones on PostgreSQL."""
    return "postgresql" if seed % 2 else "sqlite"


def storm_of_check_ins(seed: int, ground: Ground) -> Outcome:
    """Check-ins that fall due at once while every second request is turned away."""
    rig = Rig(ground, store_of(seed), check_ins=_PEOPLE, at_once=_AT_ONCE, answer_seconds=0.2)
    rig.faults(STORM, seed)
    rig.check_ins_due()
    rig.until_rest()
    return _check_ins(rig, _throttled_rules(rig))


def storm_of_pages(seed: int, ground: Ground) -> Outcome:
    """Incidents that are logged in the same storm."""
    rig = Rig(ground, store_of(seed), at_once=_AT_ONCE, answer_seconds=0.2)
    rig.faults(STORM, seed)
    _log(rig)
    rig.until_rest()
    return _pages(rig, _throttled_rules(rig))


def broken_check_ins(seed: int, ground: Ground) -> Outcome:
    """5xx, resets and time-outs, before and after a check-in was accepted."""
    rig = Rig(ground, store_of(seed), check_ins=_PEOPLE, time_out=GIVEN_UP_SOON)
    rig.faults(BROKEN, seed)
    rig.check_ins_due()
    rig.until_rest()
    return _check_ins(rig, [*handed_twice(rig.wall), *_too_slow(rig)])


def broken_pages(seed: int, ground: Ground) -> Outcome:
    """The same while incidents are logged."""
    rig = Rig(ground, store_of(seed), time_out=GIVEN_UP_SOON)
    rig.faults(BROKEN, seed)
    _log(rig)
    rig.until_rest()
    return _pages(rig, handed_twice(rig.wall))


def silent_callbacks(seed: int, ground: Ground) -> Outcome:
    """No status callback ever arrives: what became of each text is known by asking, within ten minutes."""
    rig = Rig(ground, store_of(seed), check_ins=_PEOPLE)
    rig.faults({"lose_status_callback": 1.0, "500_read": 0.2}, seed)
    dead = rig.phone("R1")
    rig.wall.handset(dead, mode="unknown")
    rig.check_ins_due()
    rig.until_rest()
    rig.for_seconds(_KNOWN_WITHIN.total_seconds())
    known = rig.states()
    untold = sum(count for state, count in known.items() if state not in ("delivered", "undelivered"))
    broken = [f"{untold} texts of which nothing is known ten minutes later"] if untold else []
    waiting = Counter(item["kind"] for item in ground.queue(rig.url))
    if waiting["call_needed"] != 1:
        broken.append(f"one check-in did not arrive, and {waiting['call_needed']} calls are asked for")
    return _check_ins(rig, broken)


# --- judging


def _log(rig: Rig) -> None:
    for place in range(_INCIDENTS):
        load.log(rig.db, f"R{place + 1}")


def _check_ins(rig: Rig, broken: Iterable[str]) -> Outcome:
    """Each person got theirs once, or a human item stands for them."""
    texts = judge.texts_of(rig.wall.export(), judge.moves_of(rig.db))
    due = surge.DUE
    until = due + timedelta(minutes=20)
    everybody = rig.phones(f"R{number}" for number in range(1, _PEOPLE + 1)).values()
    required = [judge.Due(number, Kind.CHECK_IN, due, until) for number in everybody]
    arrived = [text for text in texts if text.arrived]
    told = judge.judge(arrived, required)
    items = Counter(item["kind"] for item in rig.ground.queue(rig.url))
    flagged = sum(items[kind] for kind in FLAGGED)
    return Outcome(
        injected=len(rig.injected()["injected"]),
        sent=len(texts),
        lost=max(0, len(told.missing) - flagged),
        doubled=len(judge.doubled(texts)),
        early=told.early,
        late=told.late,
        unknown=items["unsettled_send"],
        note=f"late: more than 20 min of product time; {dict(items)} for humans",
        broken=(*broken, *_over_flagged(flagged, len(told.missing))),
    )


def _over_flagged(flagged: int, missing: int) -> Iterable[str]:
    if flagged > missing:
        yield f"{flagged} items for humans where {missing} check-ins did not arrive: some did, and were found"


def _pages(rig: Rig, broken: Iterable[str]) -> Outcome:
    """Two helpers were paged for each incident; of each text that nobody can settle a human knows."""
    texts = judge.texts_of(rig.wall.export(), judge.moves_of(rig.db))
    pages = [text for text in texts if text.kind is Kind.PAGE and text.arrived]
    told = sum(1 for text in texts if text.kind is Kind.UNSETTLED and text.arrived)
    return Outcome(
        injected=len(rig.injected()["injected"]),
        sent=len(texts),
        lost=max(0, _PAGES_EACH * _INCIDENTS - len(pages)),
        doubled=len(judge.doubled(texts)),
        unknown=told,
        note=f"{len(pages)} pages arrived for {_INCIDENTS} incidents",
        broken=tuple(broken),
    )


def _throttled_rules(rig: Rig) -> list[str]:
    """As long as was asked for is waited; few at once; what was refused for good is never tried again."""
    export, told = rig.wall.export(), rig.injected()
    found = []
    if told["most_at_once"] > 2 * _AT_ONCE:
        found.append(f"{told['most_at_once']} requests at once, {2 * _AT_ONCE} are the most")
    waits: dict[str | None, list[float]] = defaultdict(list)
    for one in told["injected"]:
        if one["kind"] == "429":
            waits[one["d"]].append(one["seconds"])
    for d, each in _tries(export).items():
        for (at, answer), (following, _) in pairwise(sorted(each)):
            if answer != _TOO_MANY:
                found.append(f"a text was tried again after {answer}")
            elif following < at + timedelta(seconds=waits[d].pop(0)):
                found.append("a text was tried again sooner than the provider asked for")
    return sorted(set(found))


def handed_twice(wall: WallSeen) -> list[str]:
    """A request that may have been accepted is never made again."""
    tries = _tries(wall.export())
    found = Counter(len(each) for d, each in tries.items() if d)
    more = sum(count for times, count in found.items() if times > 1)
    return [f"{more} texts were handed over more than once"] if more else []


def _too_slow(rig: Rig) -> list[str]:
    """Of what cannot be found a human knows within two minutes of the request that broke."""
    export, clock = rig.wall.export(), judge.moves_of(rig.db)
    checked = set(rig.phones(f"R{number}" for number in range(1, _PEOPLE + 1)).values())
    broke = sorted(
        clock.product(moment(one["at"]))
        for one in export["injected"]
        if one["kind"] in _NEVER_ACCEPTED and one["to"] in checked
    )
    known = sorted(
        moment(item["received_at"]) for item in rig.ground.queue(rig.url) if item["kind"] == "unsettled_send"
    )
    if len(broke) != len(known):
        return [f"{len(broke)} requests broke before they were accepted, humans have {len(known)}"]
    slowest = max(((b - a).total_seconds() for a, b in zip(broke, known, strict=True)), default=0.0)
    return [f"a human knew after {slowest:.0f} s only"] if slowest > _SETTLED_WITHIN else []


def _tries(export: Mapping[str, Any]) -> dict[str | None, list[tuple[Any, str]]]:
    """Every request to create a text by our own id: accepted, refused, or broken before it was accepted."""
    found: dict[str | None, list[tuple[Any, str]]] = defaultdict(list)
    for one in export["messages"]:
        if one["d"]:
            found[one["d"]].append((moment(one["accepted_at"]), "accepted"))
    for one in export["rejected"]:
        found[callback_id(one.get("status_callback"))].append((moment(one["at"]), str(one["code"])))
    for one in export["injected"]:
        if one["kind"] in ("reset_before", "hang_before"):
            found[one["d"]].append((moment(one["at"]), one["kind"]))
    return found


def kinds(texts: Iterable[Mapping[str, Any]]) -> Counter[Kind]:
    """How many there are of each kind."""
    return Counter(kind_of(one["body"]) for one in texts)


CASES = (
    Case(
        "F7-check-ins",
        "429 storms, half of all requests: check-ins",
        storm_of_check_ins,
        seeds=20,
        short=(0,),
    ),
    Case("F7-pages", "429 storms, half of all requests: pages", storm_of_pages, seeds=20, short=(1,)),
    Case(
        "F8-check-ins",
        "5xx, resets, time-outs, before and after accept: check-ins",
        broken_check_ins,
        seeds=20,
        short=(3,),
    ),
    Case(
        "F8-pages",
        "5xx, resets, time-outs, before and after accept: pages",
        broken_pages,
        seeds=20,
        short=(4,),
    ),
    Case("F12", "status callbacks never arrive", silent_callbacks, seeds=6, short=(0,)),
)
