"""Follow-up: when each affected person is asked how they are, and by whom.

Every point is counted from the person's own end of exposure. f1 and f3 count elapsed hours and then take the
next open minute; day-scale points go out on a calendar date of the person's zone, from the hour the protocol
names. Whoever is late (logged late, added late) catches up with one check-in at most; two are never stacked.
Source: contract.md (texts to affected people), domain.md 3 and 11 items 1, 2, 8 and 24.

People on leave are looked after like everybody else, because leave often follows the event itself, and so
are retired ones.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from cism.domain.incident import Affected, Circle, Incident, IncidentState, Severity
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.people import Person, PersonStatus
from cism.domain.protocol import ContactRule, Protocol
from cism.domain.quiet_hours import is_open, last_open, next_open

Channel = Literal["sms", "peer"]
_YEAR: Final = timedelta(days=365)  # what a protocol writes for one calendar year
_DAY: Final = timedelta(days=1)
_APART: Final = timedelta(hours=12)  # design: what is caught up with this near before the next is one with it
# Contact points of several incidents of one person this near become one (domain.md 11 item 8).
MERGE_WITHIN: Final = timedelta(hours=48)


class NoContacts(StrEnum):
    """Why somebody gets no contact at all."""

    NOT_OPEN = "not_open"  # the incident is history, stood down or closed
    DECEASED = "deceased"  # nobody texts the dead
    STOPPED = "stopped"  # their STOP beats everything; only an open escalation goes on, by voice
    ENDED = "ended"  # they ended this incident's contacts, or were taken off it


class Dropped(StrEnum):
    """Why one point is not asked."""

    MERGED = "merged"  # it would have come no earlier than the next point, or late and just before it
    TOO_LATE = "too_late"  # its whole window had passed when it was planned


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedContact:
    """One contact point: `due_at`, and `expires_at` after which it must not be made any more (both UTC).

    With `dropped` set it is not made at all. A `provisional` one is replaced when the exposure has ended.
    """

    point: str
    due_at: datetime
    expires_at: datetime
    channel: Channel
    provisional: bool = False
    dropped: Dropped | None = None


@dataclass(frozen=True, slots=True)
class _Point:
    rule: ContactRule
    due: datetime
    closes: datetime | None  # the end of its window


def plan_contacts(
    incident: Incident,
    affected: Affected,
    person: Person,
    protocol: Protocol,
    now: datetime,
    *,
    opted_in: bool = False,
) -> list[PlannedContact]:
    """The contact points of one person in order of time, dropped ones included, each with its reason.

    Empty for whom `why_no_contacts` names a reason. While somebody is still exposed there is nothing but a
    provisional first check-in, counted from the logging. `opted_in` adds the points by opt-in.
    """
    if why_no_contacts(incident, affected, person) is not None:
        return []
    rules = [rule for rule in protocol.contacts_for(incident.severity) if opted_in or not rule.opt_in]
    today = [rule for rule in rules if not rule.after]
    later = [rule for rule in rules if rule.after]
    if affected.exposure_end is None:
        since = max(incident.logged_at, affected.added_at)
        first = [_point(rule, since, person) for rule in later[:1]]
        return _check_ins(first, person, protocol, now, provisional=True)
    points = sorted((_point(rule, affected.exposure_end, person) for rule in later), key=lambda p: p.due)
    at_once = [_at_once(_point(rule, affected.exposure_end, person), points, person, now) for rule in today]
    return at_once + _check_ins(points, person, protocol, now)


def why_no_contacts(incident: Incident, affected: Affected, person: Person) -> NoContacts | None:
    """Why this person gets no contact point at all in this incident; None when they get them."""
    if incident.state is not IncidentState.OPEN:
        return NoContacts.NOT_OPEN
    if person.status is PersonStatus.DECEASED:
        return NoContacts.DECEASED
    if person.opted_out:
        return NoContacts.STOPPED
    return NoContacts.ENDED if affected.ended else None


def may_be_texted(person: Person) -> bool:
    """Whether check-ins may go by text: consent, a confirmed phone, and nothing that holds texts back."""
    held_back = person.opted_out or person.frozen or person.care_held
    alive = person.status is not PersonStatus.DECEASED
    return alive and person.consent_care and person.phone_confirmed and not held_back


def channel_for(rule: ContactRule, person: Person) -> Channel:
    """By text, or by a peer's call where the protocol says so or the person may not be texted."""
    return "sms" if rule.by == "sms" and may_be_texted(person) else "peer"


def days_after(end: datetime, zone: str, span: timedelta) -> datetime:
    """`span` after the end of exposure by the calendar and the clock on the person's wall, in UTC: a week
    from Saturday evening is Saturday evening, also when clocks change in between."""
    return (end.astimezone(ZoneInfo(zone)) + span).astimezone(UTC)


def waits_for_kin(incident: Incident, affected: Affected) -> bool:
    """Whether no text at all may go to this person yet: after a death in the line of duty, colleagues and
    family of the dead are texted only when the next of kin have been told (domain.md 10 B)."""
    kind = INCIDENT_TYPES.get(incident.type)
    close = affected.circle in (Circle.D, Circle.F)
    return close and not incident.kin_notified and kind is not None and kind.lodd


def last_point(protocol: Protocol, severity: Severity) -> str | None:
    """The last promised contact point of an incident that stays as it is; the opt-in question follows it.

    None where nothing would come of a yes.
    """
    promised = promised_points(protocol)
    points = [rule.id for rule in protocol.contacts_for(severity) if rule.id in promised]
    return points[-1] if points and worth_asking(protocol, severity) else None


def promised_points(protocol: Protocol) -> frozenset[str]:
    """The contact points that need no opt-in; when none of them is to come, the opt-in question follows."""
    return frozenset(rule.id for rule in protocol.contacts if rule.after and not rule.opt_in)


def worth_asking(protocol: Protocol, severity: Severity) -> bool:
    """Whether anything would come of a yes to keeping in touch."""
    return any(rule.after and rule.opt_in for rule in protocol.contacts_for(severity))


def reminder_at(
    sent_at: datetime, person: Person, protocol: Protocol, next_due: datetime | None = None
) -> datetime | None:
    """When the one reminder of a check-in sent at `sent_at` is due; None when the next point comes first."""
    due = next_open(sent_at + protocol.reminder_after, person.zone, person.sleep)
    return None if next_due is not None and due >= next_due else due


def opt_in_at(
    sent_at: datetime, person: Person, protocol: Protocol, answered_at: datetime | None = None
) -> datetime:
    """When to ask whether to keep in touch: after the answer to the last check-in, or after its silence."""
    silence = sent_at + protocol.opt_in_after
    since = silence if answered_at is None else min(answered_at, silence)
    return next_open(since, person.zone, person.sleep)


def _check_ins(
    points: Sequence[_Point], person: Person, protocol: Protocol, now: datetime, *, provisional: bool = False
) -> list[PlannedContact]:
    """All check-ins; the newest one that is past is the only one that can still be caught up with."""
    planned = []
    for index, point in enumerate(points):
        following = points[index + 1].due if index + 1 < len(points) else None
        late = point.due < now
        due = next_open(now, person.zone, person.sleep) if late else point.due
        dropped = _why_dropped(point, due, following, late=late)
        # The first check-in is worth having until the next one; later ones keep to their window.
        closes = following if index == 0 and following else point.closes
        planned.append(
            PlannedContact(
                point=point.rule.id,
                due_at=point.due if dropped else due,
                expires_at=point.due if dropped else _expiry(due, closes, following, protocol),
                channel=channel_for(point.rule, person),
                provisional=provisional,
                dropped=dropped,
            )
        )
    return planned


def _why_dropped(point: _Point, due: datetime, following: datetime | None, *, late: bool) -> Dropped | None:
    if following is not None:
        # Whatever its own window: nobody who is found late waits weeks for a word, nor gets two at once.
        apart = _APART if late else timedelta(0)
        return Dropped.MERGED if due + apart >= following else None
    return Dropped.TOO_LATE if late and point.closes is not None and due > point.closes else None


def _expiry(
    due: datetime, closes: datetime | None, following: datetime | None, protocol: Protocol
) -> datetime:
    last_moment = following or due + protocol.reminder_after
    if closes is None or closes <= due:
        return last_moment
    return min(closes, following) if following else closes


def _at_once(point: _Point, later: Sequence[_Point], person: Person, now: datetime) -> PlannedContact:
    """A peer's call on the same day, before the person goes home: no text, so no quiet hours."""
    due = max(point.due, now)
    bounds = [bound for bound in (point.closes, later[0].due if later else None) if bound is not None]
    expires = min(bounds, default=point.due + _DAY)
    too_late = due > expires
    return PlannedContact(
        point=point.rule.id,
        due_at=point.due if too_late else due,
        expires_at=point.due if too_late else expires,
        channel=channel_for(point.rule, person),
        dropped=Dropped.TOO_LATE if too_late else None,
    )


def _point(rule: ContactRule, since: datetime, person: Person) -> _Point:
    if rule.kind == "elapsed":
        closes = None if rule.window is None else since + rule.window[1]
        return _Point(rule, _elapsed(rule, since, person), closes)
    place = ZoneInfo(person.zone)
    start = since.astimezone(place).date()
    if rule.kind == "anniversary":
        start = _a_year_later(start) - _YEAR
    due = next_open(_wall(start + rule.after, rule.at, place), person.zone, person.sleep)
    # The last day of a window counts as a whole.
    closes = None if rule.window is None else _wall(start + rule.window[1] + _DAY, time(0), place)
    return _Point(rule, due, closes)


def _elapsed(rule: ContactRule, since: datetime, person: Person) -> datetime:
    wanted = since + rule.after
    if not rule.after:
        return wanted
    due = next_open(wanted, person.zone, person.sleep)
    if rule.window is None or due <= since + rule.window[1]:
        return due
    earliest = since + rule.window[0]
    found = last_open(earliest, wanted, person.zone, person.sleep)
    if found is None and is_open(earliest, person.zone, person.sleep):
        return earliest  # the rest of an open minute that had begun already
    return found or due


def _a_year_later(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29) and not calendar.isleap(day.year + 1)
    return day.replace(year=day.year + 1, day=28 if leap_day else day.day)


def _wall(day: date, at: time, place: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=place).astimezone(UTC)
