"""The provider is away for half an hour, and answers nothing or 503: F9."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from bench import surge
from cism.services import readiness
from demo.checking.words import Kind
from tests.faults import judge, load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.faults.provider import store_of
from tests.faults.rig import Rig

_PEOPLE = 12
_AWAY = timedelta(minutes=30)
_RATE = 5.0  # messages a second
_PAGES = 2
_MOST_UNCLEAR = 8  # two pages and a check-in or two at once, and what is tried to see whether it is back
_FLAGGED = ("unsettled_send", "call_needed", "contact_missed")


def half_an_hour(seed: int, ground: Ground) -> Outcome:
    """An incident is logged, check-ins fall due and somebody asks for a call, while the provider is away."""
    rig = Rig(ground, store_of(seed), check_ins=_PEOPLE, rate=_RATE)
    rig.turn()
    how, afterwards = ("close", "503")[seed // 2 % 2], ("come", "lost")[seed // 4 % 2]
    rig.wall.ask("POST", "/faults", {"kind": "outage", "seconds": 3600, "how": how, "afterwards": afterwards})
    load.log(rig.db, "R1")
    rig.check_ins_due()
    writer = rig.phone("R12")
    rig.wall.say(writer, "3")
    rig.for_seconds(_AWAY.total_seconds())
    with rig.db.read() as session:
        seen = {check.name: check.verdict for check in readiness.of_database(session)}
    silent = not rig.wall.texts()
    rig.wall.ask("POST", "/faults", {"kind": "outage", "times": 0})
    back = rig.clock.now()
    rig.until_rest()
    texts = judge.texts_of(rig.wall.export(), judge.moves_of(rig.db))
    return _judged(
        rig, texts, back, writer, [] if silent else ["a text left while the provider was away"], seen
    )


def _judged(
    rig: Rig, texts: list[judge.Text], back: datetime, writer: str, broken: list[str], seen: dict[str, str]
) -> Outcome:
    checked = rig.phones(f"R{number}" for number in range(1, _PEOPLE + 1)).values()
    due = [judge.Due(number, Kind.CHECK_IN, surge.DUE, surge.DUE + timedelta(hours=2)) for number in checked]
    told = judge.judge([text for text in texts if text.arrived], due)
    items = Counter(item["kind"] for item in rig.ground.queue(rig.url))
    flagged = sum(items[kind] for kind in _FLAGGED)
    pages = [text for text in texts if text.kind is Kind.PAGE]
    calls = [text for text in texts if text.kind is Kind.CALL_NOW and text.to == writer]
    if any(" late:" not in page.body for page in pages):
        broken.append("a page after the outage is not marked late")
    if len(calls) != 1:
        broken.append(f"who asked for a call was answered {len(calls)} times")
    if seen.get("provider") == "ok":
        broken.append("after half an hour nobody could see that the provider is away")
    unclear = rig.states().get("unsettled", 0)
    if unclear > _MOST_UNCLEAR:
        broken.append(f"{unclear} texts were handed to a provider that only failed")
    broken += _bursts([text.real for text in texts if text.real >= back])
    return Outcome(
        injected=sum(1 for one in rig.injected()["injected"] if one["kind"] == "outage"),
        sent=len(texts),
        lost=max(0, len(told.missing) - flagged) + max(0, _PAGES - len(pages)),
        doubled=len(judge.doubled(texts)),
        early=told.early,
        unknown=unclear,
        note=f"30 min skipped; {unclear} unclear; {dict(items)} for humans",
        broken=tuple(broken),
    )


def _bursts(moments: Sequence[datetime]) -> list[str]:
    """Never more than a second's worth beyond the rate, in any second and in any ten."""
    for span in (1, 10):
        for first in moments:
            many = sum(1 for one in moments if first <= one < first + timedelta(seconds=span))
            if many > _RATE * (span + 1):
                return [f"{many} texts in {span} s after the outage, at a rate of {_RATE:g} a second"]
    return []


CASES = (Case("F9", "the provider is away for 30 minutes", half_an_hour, seeds=8, short=(0,)),)
