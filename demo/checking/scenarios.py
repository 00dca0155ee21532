"""The worked scenarios: what the practice says must happen to these people on these days, and must not.

Written down by local date and hour, from the practice and not from the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from demo.checking.evidence import Evidence, Text
from demo.checking.findings import Promise
from demo.checking.words import PROACTIVE, Kind

_NY, _CHICAGO, _DENVER = (ZoneInfo(f"America/{name}") for name in ("New_York", "Chicago", "Denver"))
_A_MINUTE = timedelta(seconds=60)
CRISIS_WITHIN = timedelta(minutes=15)


class _Told:
    """One scenario's promise, and quick ways to look."""

    def __init__(self, evidence: Evidence, name: str, promise: Promise, zone: ZoneInfo) -> None:
        self.evidence, self.name, self.promise, self.zone = evidence, name, promise, zone

    def look(self, ok: bool, what: str) -> None:
        self.promise.look(ok, f"scenario {self.name}: {what}")

    def at(self, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=self.zone)

    def texts(
        self, person: str, *kinds: Kind, since: str = "2026-09-01", until: str = "2028-01-01"
    ) -> list[Text]:
        phone = self.evidence.people[person].phone
        return [
            text
            for text in self.evidence.texts_to[phone]
            if (not kinds or text.kind in kinds) and self.at(since) <= text.at < self.at(until)
        ]

    def one_at(self, people: Iterable[str], kind: Kind, moment: str) -> None:
        """Each of them got one text of that kind, in that very minute."""
        for number, person in enumerate(people, 1):
            found = [text for text in self.texts(person, kind) if abs(text.at - self.at(moment)) < _A_MINUTE]
            self.look(len(found) == 1, f"{kind.value} at {moment}: {len(found)} to person {number}")

    def none(self, people: Iterable[str], *kinds: Kind, since: str, until: str) -> None:
        for number, person in enumerate(people, 1):
            found = self.texts(person, *kinds, since=since, until=until)
            what = ", ".join(sorted({text.kind.value for text in found}))
            self.look(not found, f"{what or 'nothing'} to person {number} between {since} and {until}")


def judge(evidence: Evidence) -> list[Promise]:
    """One promise a scenario that was played."""
    played = {incident.scenario for incident in evidence.incidents if incident.scenario}
    found = []
    for name, zone, check in (("B", _NY, _b), ("C", _CHICAGO, _c), ("D", _DENVER, _d)):
        if name in played:
            promise = Promise(f"scenario {name} as the practice tells it")
            check(_Told(evidence, name, promise, zone))
            found.append(promise)
    return found


def _b(told: _Told) -> None:
    crew = [f"hudson-fd:{key}" for key in ("H103", "H104", "H105", "H106", "H108", "H109", "H113")]
    close, family, dead = ["hudson-fd:H107"], ["hudson-fd:H117"], ["hudson-fd:H118"]
    on_alarm = ["hudson-fd:H108", "hudson-fd:H109"]
    told.none(dead, since="2026-09-01", until="2028-01-01")
    told.none(on_alarm, Kind.PAGE, since="2026-10-05", until="2026-11-05")
    told.none([*close, *family], *PROACTIVE, since="2026-10-05", until="2026-10-05T19:00")
    told.one_at(crew, Kind.CHECK_IN, "2026-10-06T16:20")
    told.one_at(crew, Kind.CHECK_IN, "2026-10-08T16:20")
    told.one_at([one for one in crew if one != "hudson-fd:H104"], Kind.CHECK_IN, "2026-10-12T10:00")
    told.one_at(crew[2:], Kind.CHECK_IN, "2026-11-04T10:00")  # by the local clock, although it changed
    told.none([*crew, *close], *PROACTIVE, since="2026-10-10T11:00", until="2026-10-10T13:00")  # the service
    _called_within(told, "hudson-fd:H104", "2026-10-12T10:00")
    told.none(["hudson-fd:H103"], Kind.QUEUE_NEW, Kind.ESCALATION, since="2026-10-12", until="2026-10-13")
    wished = [p for p in crew if told.texts(p, Kind.CHECK_IN, since="2027-09-01", until="2027-11-01")]
    told.look(wished == ["hudson-fd:H105"], f"{len(wished)} asked before the anniversary")
    days = told.texts("hudson-fd:H105", Kind.CHECK_IN, since="2027-09-28", until="2027-10-05")
    told.look(len(days) == 1, "the anniversary's contact lies between 28 Sep and 4 Oct")


def _called_within(told: _Told, person: str, moment: str) -> None:
    """An answer in the same minute, a clinician asked at once, and a human who says how it ended."""
    said = [
        one
        for one in told.evidence.said_by[told.evidence.people[person].phone]
        if one.means == "crisis" and abs(one.at - told.at(moment)) < _A_MINUTE
    ]
    told.look(len(said) == 1, f"the words of {moment} were not put in")
    for one in said:
        answered = [t for t in told.texts(person, Kind.CRISIS_ANSWER) if one.at <= t.at < one.at + _A_MINUTE]
        told.look(len(answered) == 1, "no answer in the same minute")
        asked = [
            text
            for text in told.evidence.of_kind(Kind.ESCALATION)
            if one.at <= text.at < one.at + _A_MINUTE
            and told.evidence.by_phone[text.to].roles & {"clinician", "clinical_director"}
        ]
        told.look(bool(asked), "no clinician was asked in the same minute")
        named = [
            text
            for text in told.texts(person, Kind.ESCALATION_TAKEN)
            if one.at <= text.at < one.at + CRISIS_WITHIN
        ]
        told.look(len(named) == 1, "the person was not told within a quarter of an hour who calls")


def _c(told: _Told) -> None:
    night = [f"lake-ems:{key}" for key in ("L104", "L105", "L109")]
    told.none(night, since="2026-10-31T08:00", until="2026-10-31T16:00")
    told.none(night, Kind.INVITATION, since="2026-10-31", until="2026-11-01")
    told.none(["lake-ems:L106"], Kind.PAGE, since="2026-10-31", until="2026-11-05")  # of the same crew
    told.one_at(night, Kind.CHECK_IN, "2026-11-01T16:00")
    helpers = {
        told.evidence.people[key].key
        for key in ("lake-ems:L107", "lake-ems:L108", "lake-ems:L110", "lake-ems:L115")
        if told.texts(key, Kind.PEER_TASK, since="2026-10-31", until="2026-11-01")
    }
    told.look("lake-ems:L110" in helpers, "the dispatcher has no dispatch peer who calls")
    told.look(len(helpers) > 1, "one helper calls everybody")
    answered = told.texts(
        "lake-ems:L109", Kind.HELP_ANSWER, since="2026-11-01T16:00", until="2026-11-01T16:01"
    )
    told.look(len(answered) == 1, "HELP got no answer of ours")
    told.one_at(night[:1], Kind.CHECK_IN, "2026-11-30T16:00")
    _merged(told, "lake-ems:L105")


def _merged(told: _Told, person: str) -> None:
    """On two calls within five days: asked once about both, never twice in a day."""
    asked = told.texts(person, Kind.CHECK_IN, until="2026-12-15")
    apart = [later.at - sooner.at for sooner, later in pairwise(asked)]
    told.look(all(span >= timedelta(hours=24) for span in apart), "two check-ins within one day")
    told.look(len(asked) < 9, f"{len(asked)} check-ins about two incidents by the middle of December")


def _d(told: _Told) -> None:
    own = [f"plains-ems:D{number}" for number in (103, *range(104, 118))]
    neighbours = ["ridge-fd:R102", "ridge-fd:R103"]
    told.one_at([*own, *neighbours], Kind.CHECK_IN, "2026-10-21T14:30")
    clinicians = [key for key, one in told.evidence.people.items() if one.roles & {"clinician"}]
    mine = [key for key in clinicians if key.startswith("plains-ems")]
    told.none(mine, Kind.APPROVAL, since="2026-10-20", until="2026-11-08")  # not before the fourth week
    proposed = [key for key in mine if told.texts(key, Kind.APPROVAL, since="2026-11-08", until="2026-11-18")]
    told.look(bool(proposed), "no debriefing was proposed in the fourth week")
    kept = told.texts("plains-ems:D104", Kind.CHECK_IN, since="2027-04-15", until="2027-05-15")
    told.look(len(kept) == 1, "raised to S4: half a year later whoever wished it is asked")
    helpers = [key for key in told.evidence.people if told.texts(key, Kind.PEER_TASK, until="2026-10-23")]
    theirs = [key for key in helpers if key.startswith("ridge-fd")]
    told.look(bool(theirs), "the neighbours' crew is looked after by their own people")
