"""Pages: out within seconds, each answer acknowledged, and a whole team, or those in charge told."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.checking.evidence import Evidence, Incident, Said, Text
from demo.checking.findings import Promise
from demo.checking.words import Kind, digit_and_code

PAGE_WITHIN = 5.0  # real seconds from the request to the provider's acceptance
TOLD_WITHIN = timedelta(seconds=60)
COMPLETE_WITHIN = timedelta(hours=2)
_TEAM = {"S1": 1, "S2": 1, "S3": 2, "S4": 2}
_EACH = 3  # people that one helper looks after at most
_NOBODY = re.compile(r"Nobody left to ask")


@dataclass
class Verdicts:
    """The promises that this module looks at."""

    paged: Promise
    acknowledged: Promise
    complete: Promise


def judge(evidence: Evidence) -> Verdicts:
    """Every incident, and every answer to a page."""
    verdicts = Verdicts(
        Promise(f"a page leaves within {PAGE_WITHIN:.0f} s of logging"),
        Promise("each answer to a page is acknowledged at once"),
        Promise("the team is complete, or those in charge are told"),
    )
    pages = evidence.of_kind(Kind.PAGE)
    for incident in evidence.incidents:
        _paged(evidence, incident, verdicts.paged)
    for page in pages:
        _acknowledged(evidence, page, verdicts.acknowledged)
    for incident in evidence.incidents:
        if incident.logged + COMPLETE_WITHIN < evidence.until:
            _complete(evidence, incident, verdicts.complete)
    return verdicts


def _paged(evidence: Evidence, incident: Incident, promise: Promise) -> None:
    """A page, or the word to those in charge that nobody can be asked."""
    waits = [
        (text.real - incident.logged_real).total_seconds()
        for text in evidence.of_kind(Kind.PAGE, Kind.TEAM_NOTICE)
        if text.real >= incident.logged_real
        and (text.kind is Kind.PAGE or (incident.ref in text.body and _NOBODY.search(text.body)))
    ]
    first = min(waits, default=None)
    told = "no page at all" if first is None else f"first page after {first:.1f} s"
    promise.look(first is not None and first <= PAGE_WITHIN, f"{incident.ref}: {told}")


def _acknowledged(evidence: Evidence, page: Text, promise: Promise) -> None:
    for said in _answers(evidence, page):
        digit, _ = digit_and_code(said.body)
        if digit != "1":
            continue
        told = any(
            text.code == page.code
            and text.kind in {Kind.ASSIGNED, Kind.COVERED, Kind.ALREADY_COVERED}
            and said.real <= text.real
            and text.at - said.at <= TOLD_WITHIN
            for text in evidence.texts_to[page.to]
        ) or _told_without_code(evidence, page, said)
        promise.look(told, f"an acceptance at {said.at:%a %d %b %H:%M}Z was not acknowledged within a minute")


def _told_without_code(evidence: Evidence, page: Text, said: Said) -> bool:
    """The assignment is a question of its own and may carry a new code."""
    return any(
        text.kind in {Kind.ASSIGNED, Kind.ALREADY_COVERED}
        and said.real <= text.real
        and text.at - said.at <= TOLD_WITHIN
        for text in evidence.texts_to[page.to]
    )


def _answers(evidence: Evidence, page: Text) -> list[Said]:
    return [
        said
        for said in evidence.said_by[page.to]
        if said.real > page.real and digit_and_code(said.body)[1] == page.code
    ]


def need_of(incident: Incident) -> int:
    """How many helpers an incident needs."""
    served = sum(item.circle != "F" for item in incident.affected)
    return max(_TEAM[incident.severity], math.ceil(served / _EACH))


def _complete(evidence: Evidence, incident: Incident, promise: Promise) -> None:
    """Counted together with what else this agency logged within the same two hours."""
    beside = [
        other
        for other in evidence.incidents
        if other.agency == incident.agency and abs(other.logged - incident.logged) < COMPLETE_WITHIN
    ]
    until = max(other.logged for other in beside) + COMPLETE_WITHIN
    serving = _serving(evidence, incident.agency, incident.logged, until)
    told = any(
        incident.ref in text.body and _NOBODY.search(text.body) is not None
        for text in evidence.of_kind(Kind.TEAM_NOTICE)
        if incident.logged <= text.at <= until
    )
    enough = serving >= sum(need_of(other) for other in beside)
    promise.look(
        enough or told, f"{incident.ref}: {serving} helpers, needed {need_of(incident)}, nobody told"
    )


def _serving(evidence: Evidence, agency: str, since: datetime, until: datetime) -> int:
    """Who was told that they are on, and did not hand it back, in this agency's name."""
    helpers = set()
    for text in evidence.of_kind(Kind.ASSIGNED):
        if since <= text.at <= until and _plain(agency) in _plain(text.body):
            back = any(
                digit_and_code(said.body) == ("9", text.code) and since <= said.at <= until
                for said in evidence.said_by[text.to]
            )
            if not back:
                helpers.add(text.to)
    return len(helpers)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
