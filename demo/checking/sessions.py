"""Group sessions: inside everybody's window, approved by a clinician, counted by heads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from demo.checking.evidence import Affected, Evidence, Incident, Person, Text
from demo.checking.findings import Aliases, Promise
from demo.checking.spanish import MONTHS
from demo.checking.words import Kind, digit_and_code

_WHEN = re.compile(r"(?:get-together|eunion voluntaria) (?:\w{3} (\d{1,2}) (\w{3}) )?(\d\d):(\d\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", *MONTHS)
_H, _D = timedelta(hours=1), timedelta(days=1)
_DEFUSING = (0 * _H, 12 * _H)
_DEBRIEFING = (24 * _H, 10 * _D)
_BRIEFING = (0 * _H, 36 * _H)  # a unit's half-hour on release, briefings for many; nobody approves these
_AFTER_DISASTER = (21 * _D, 28 * _D)
_ON_THE_DAY = (0 * _H, 24 * _H)  # the short group of those who were closest, once a clinician agrees
_AFTER_FUNERAL = (3 * _D, 7 * _D)
REPORT_WITHIN = timedelta(hours=4)


@dataclass
class Verdicts:
    """The promises that this module looks at."""

    windows: Promise = field(default_factory=lambda: Promise("sessions inside each person's window"))
    approved: Promise = field(default_factory=lambda: Promise("no debriefing before a clinician approved it"))


def judge(evidence: Evidence, names: Aliases) -> Verdicts:
    """Every invitation."""
    verdicts = Verdicts()
    for text in evidence.of_kind(Kind.INVITATION):
        person = evidence.by_phone[text.to]
        begins = begins_at(text, person)
        listed = _listed(evidence, person, text)
        where = f"{names.of(person.key)}, invited {text.at:%a %d %b %H:%M}Z"
        fits = begins is not None and any(_inside(begins, incident, one) for incident, one in listed)
        verdicts.windows.look(fits, f"{where}: outside every window")
        if begins is not None and not any(_needs_nobody(begins, incident, one) for incident, one in listed):
            verdicts.approved.look(_approved_before(evidence, text), f"{where}: no approval before it")
    return verdicts


def begins_at(text: Text, person: Person) -> datetime | None:
    """When the meeting begins, read from the invitation as its reader would."""
    found = _WHEN.search(text.body)
    if found is None:
        return None
    zone = ZoneInfo(person.hours.zone)
    local = text.at.astimezone(zone)
    day = local
    if found[1]:
        month = _MONTHS.index(found[2]) % 12 + 1
        year = local.year + (month < local.month)
        day = local.replace(year=year, month=month, day=int(found[1]))
    return day.replace(hour=int(found[3]), minute=int(found[4]), second=0, microsecond=0).astimezone(UTC)


def _listed(evidence: Evidence, person: Person, text: Text) -> list[tuple[Incident, Affected]]:
    return [
        (incident, one)
        for incident in evidence.incidents
        for one in incident.affected
        if one.person == person.key and incident.logged <= text.at
    ]


def _inside(begins: datetime, incident: Incident, one: Affected) -> bool:
    spans = [(one.exposure_end, _DEFUSING), (one.exposure_end, _DEBRIEFING)]
    if incident.type == "MCI":
        spans = [(one.exposure_end, _BRIEFING), (one.exposure_end, _AFTER_DISASTER)]
    if incident.type == "LODD":
        # after a death on duty the funeral sets the date, and nothing is held before it
        spans = [(incident.funeral_at, _AFTER_FUNERAL)] if incident.funeral_at else []
        spans += [(one.exposure_end, _ON_THE_DAY)] if incident.protocol == "lodd" else []
    return any(anchor + low <= begins <= anchor + high for anchor, (low, high) in spans)


def _needs_nobody(begins: datetime, incident: Incident, one: Affected) -> bool:
    """A defusing, or what many get together after a large incident: no clinician has to agree."""
    latest = _BRIEFING[1] if incident.type == "MCI" else _DEFUSING[1]
    return incident.type != "LODD" and begins <= one.exposure_end + latest


def _approved_before(evidence: Evidence, text: Text) -> bool:
    for asked in evidence.of_kind(Kind.APPROVAL):
        clinician = evidence.by_phone[asked.to]
        licensed = clinician.roles & {"clinician", "clinical_director"}
        for said in evidence.said_by[asked.to]:
            if digit_and_code(said.body) == ("1", asked.code) and said.real <= text.real and licensed:
                return True
    return False
