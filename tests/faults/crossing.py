"""A STOP, or another's "I take it", between the claim of a text and its sending: F17."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from cism.clock import wait
from cism.store.tables import Event
from demo.checking.moves import moment
from demo.checking.words import Kind, code_of, kind_of
from tests.faults import judge, load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.faults.provider import store_of
from tests.faults.rig import Rig

_PEOPLE = 12
_ANSWERS_AFTER = 0.7  # seconds: slow enough that what was claimed together leaves one after the other
_STOPS = ("STOP", "please do not text me any more")
_OF_THE_STOP = frozenset({Kind.OPT_OUT_DONE, Kind.UNKNOWN})  # its confirmation, and the carrier's own


def stop_in_between(seed: int, ground: Ground) -> Outcome:
    """Two people say STOP while their check-ins are claimed and wait for their turn."""
    rig = Rig(ground, store_of(seed), check_ins=_PEOPLE, at_once=1, answer_seconds=_ANSWERS_AFTER)
    rig.check_ins_due()
    everybody = rig.phones(f"R{number}" for number in range(1, _PEOPLE + 1)).values()
    stopped: dict[str, Any] = {}

    def stop(accepted: list[dict[str, Any]]) -> None:
        waiting = sorted(set(everybody) - {one["to"] for one in accepted})
        for number in waiting[:2]:
            rig.wall.say(number, _STOPS[(seed // 2) % 2])
            stopped[number] = rig.clock.now()

    _while_delivering(rig, 2, Kind.CHECK_IN, stop)
    rig.until_rest()
    texts = rig.wall.texts()
    after = {number: _after(texts, number, at) for number, at in stopped.items()}
    asked = [one for one in rig.wall.export()["rejected"] if one["to"] in stopped]
    crossed = sum(after.values()) + len(asked)
    recorded = _recorded(rig, "message.on_its_way_at_stop")
    broken = []
    if crossed > 1:  # one at a time is with the provider here
        broken.append(f"{crossed} texts were handed over after a STOP was committed")
    if crossed > recorded:
        broken.append(f"{crossed} texts crossed a STOP, {recorded} are written down")
    got = {one["to"] for one in rig.got(Kind.CHECK_IN)}
    return Outcome(
        injected=len(stopped),
        sent=len(texts),
        lost=len(set(everybody) - got - set(stopped)),
        doubled=len(judge.doubled(judge.texts_of(rig.wall.export(), judge.moves_of(rig.db)))),
        note=f"{crossed} of {len(stopped)} in flight when the STOP was committed",
        broken=tuple(broken),
    )


def taken_in_between(seed: int, ground: Ground) -> Outcome:
    """A helper takes the turn while the page to the next one is claimed and waits."""
    rig = Rig(ground, store_of(seed), at_once=1, answer_seconds=_ANSWERS_AFTER)
    load.log(rig.db, "R1")
    taken: dict[str, Any] = {}

    def take(accepted: list[dict[str, Any]]) -> None:
        page = accepted[0]
        rig.wall.say(page["to"], f"1 {code_of(page['body'])}")
        taken["at"], taken["by"] = rig.clock.now(), page["to"]

    _while_delivering(rig, 1, Kind.PAGE, take)
    rig.until_rest()
    pages = [one for one in rig.wall.texts() if kind_of(one["body"]) is Kind.PAGE]
    late = [one for one in pages if moment(one["accepted_at"]) > taken["at"] + timedelta(seconds=0.05)]
    assigned = [one["to"] for one in rig.got(Kind.ASSIGNED)]
    told = {one["to"] for one in rig.wall.texts() if kind_of(one["body"]) is Kind.COVERED}
    broken = [] if assigned == [taken["by"]] else [f"{len(assigned)} helpers were told that it is theirs"]
    in_time = taken["at"] - moment(pages[0]["accepted_at"]) < timedelta(seconds=_ANSWERS_AFTER - 0.1)
    if len(late) > (0 if in_time else 1):  # the first page was still with the provider
        broken.append(f"{len(late)} pages were handed over after the turn was taken")
    if {one["to"] for one in pages} - {taken["by"]} - told:
        broken.append("a helper was paged and never told that it is covered")
    return Outcome(
        injected=1,
        sent=len(rig.wall.texts()),
        doubled=len(judge.doubled(judge.texts_of(rig.wall.export(), judge.moves_of(rig.db)))),
        note=f"{len(late)} in flight when the turn was taken",
        broken=tuple(broken),
    )


def _while_delivering(rig: Rig, after: int, kind: Kind, act: Callable[[list[dict[str, Any]]], None]) -> None:
    """Do something while texts are being handed over, once so many of a kind were accepted."""

    def when_some_are_there() -> None:
        while len(found := [one for one in rig.wall.texts() if kind_of(one["body"]) is kind]) < after:
            wait(0.01)
        act(found)

    beside = threading.Thread(target=when_some_are_there, daemon=True)
    beside.start()
    rig.turn()
    beside.join(10)


def _after(texts: list[dict[str, Any]], number: str, at: Any) -> int:
    return sum(
        1
        for one in texts
        if one["to"] == number
        and moment(one["accepted_at"]) > at
        and kind_of(one["body"]) not in _OF_THE_STOP
    )


def _recorded(rig: Rig, name: str) -> int:
    with rig.db.read() as session:
        return len(session.scalars(select(Event.id).where(Event.kind == name)).all())


CASES = (
    Case("F17-stop", "STOP between claim and send", stop_in_between, seeds=12, short=(0,)),
    Case(
        "F17-taken", "another takes the turn between claim and send", taken_in_between, seeds=12, short=(1,)
    ),
)
