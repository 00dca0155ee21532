"""Check-ins, reminders and opt-ins of one person after another: in time, once, and never before."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from demo.checking.cadence import Point, points_of
from demo.checking.escalations import Chain, held_spans
from demo.checking.evidence import Affected, Evidence, Incident, Person, Said, Text
from demo.checking.findings import Aliases, Promise
from demo.checking.hours import next_open
from demo.checking.words import Kind, digit_and_code

LATE = timedelta(seconds=60)
SOONER = timedelta(seconds=30)  # what counts from a text of ours was counted from when it was written
NEAR = timedelta(hours=14)  # a text this much before its moment was meant for it, too early
MERGED_WITHIN = timedelta(hours=47, minutes=59)  # less than two days, to the minute
A_DAY = timedelta(hours=24)
MARGIN = timedelta(minutes=5)  # what is due in the last minutes before the end is not judged
_ABOUT_THEMSELVES = {
    *("check-in answer", "call later", "call now", "crisis", "words"),
    *("stop", "wrong number", "help"),
}
_CONTRACTS = (None, "sfa-follow-up", "iacp-ois")
_KINDS = (Kind.CHECK_IN, Kind.REMINDER, Kind.OPT_IN)


class Verdicts:
    """The promises that this module looks at."""

    def __init__(self) -> None:
        self.in_time = Promise("check-ins (f1 to f90, f180, fA) in time, none lost")
        self.after = Promise("one reminder to the silent, one opt-in at the end")
        self.doubled = Promise("nothing twice")
        self.early = Promise("nothing early")


def judge(evidence: Evidence, chains: list[Chain], names: Aliases) -> Verdicts:
    """Every person who was ever affected, and everybody else too: they get none of these texts."""
    verdicts = Verdicts()
    by_person: dict[str, list[tuple[Incident, Affected]]] = defaultdict(list)
    for incident in evidence.incidents:
        for affected in incident.affected:
            by_person[affected.person].append((incident, affected))
    apart = {
        one.person
        for incident in evidence.incidents
        if incident.protocol not in _CONTRACTS
        for one in incident.affected
    }
    for person in evidence.people.values():
        if person.key in apart:  # another cadence than the contract's: judged by the scenario's own days
            continue
        listed = by_person.get(person.key, [])
        _Person(evidence, chains, person, listed, verdicts, names).judge()
    return verdicts


class _Person:
    """One person's texts against what they were promised."""

    def __init__(
        self,
        evidence: Evidence,
        chains: list[Chain],
        person: Person,
        listed: list[tuple[Incident, Affected]],
        verdicts: Verdicts,
        names: Aliases,
    ) -> None:
        self.evidence, self.person, self.listed = evidence, person, listed
        self.verdicts, self.names = verdicts, names
        self.until = evidence.until - MARGIN
        mine = evidence.texts_to[person.phone]
        self.sent = {kind: [text for text in mine if text.kind is kind] for kind in _KINDS}
        self.said = evidence.said_by[person.phone]
        self.held = held_spans(chains, person.key, evidence.until)
        self.used: set[str] = set()
        self.speaks_for: dict[str, set[str]] = {}  # check-in -> the incidents it asks about
        self.points_at: dict[str, Point] = {}
        self.stays: dict[str, str] = {}  # opt-in -> its incident
        self.ended: dict[str, datetime] = {}

    def judge(self) -> None:
        """Go through the points in order of time; then whatever is left over."""
        points = [
            point
            for incident, one in self.listed
            for point in points_of(incident, one, self.person, by_wish=False)
        ]
        self._all(points)
        wished = [
            point
            for incident, one in self.listed
            if self._keeps_in_touch(incident.ref)
            for point in points_of(incident, one, self.person, by_wish=True)
        ]
        self._all(wished)
        for check_in in self.sent[Kind.CHECK_IN]:
            if check_in.sid in self.points_at:
                self._reminder(check_in, points + wished)
        self._left_over(points + wished)

    def _all(self, points: list[Point]) -> None:
        for point in sorted(points, key=lambda item: (item.due, item.ref)):
            self._point(point)

    def _point(self, point: Point) -> None:
        due = self._released(point)
        if due is None or due > self.until or not self._may_be_texted(due, point):
            return
        if self._merges(point, due):
            return
        found = self._take(Kind.CHECK_IN, due)
        self.verdicts.in_time.look(found is not None, self._named(f"check-in {point.name}", point, due))
        if found is None:
            return
        self.speaks_for[found.sid] = {point.ref}
        self.points_at[found.sid] = point
        self._answered(found)
        if point.last:
            self._opt_in(found, point)

    def _released(self, point: Point) -> datetime | None:
        """The due moment; after the calling where a human was being found; None where that took too long."""
        if point.kin_told is not None and point.kin_told > point.due:
            due = self._after_calling(next_open(point.kin_told, self.person.hours))
        else:
            due = self._after_calling(point.due)
        return due if due == point.due or due < point.expires else None

    def _after_calling(self, due: datetime) -> datetime:
        for start, end in sorted(self.held):
            if start <= due < end:
                due = next_open(end, self.person.hours)
        return due

    def _may_be_texted(self, due: datetime, point: Point) -> bool:
        silenced = self.evidence.silenced(self.person.phone)
        if silenced is not None and silenced.at <= due:
            return False
        ended = self.ended.get(point.ref)
        if ended is not None and ended <= due:
            return False
        return self.person.consent_care and self.person.status == "active" and self._confirmed(due)

    def _confirmed(self, at: datetime) -> bool:
        mine = self.evidence.texts_to[self.person.phone]
        asked = [text for text in mine if text.kind is Kind.CONFIRM_PHONE]
        return any(said.at <= at and asked and said.at >= asked[0].at for said in self.said)

    def _merges(self, point: Point, due: datetime) -> bool:
        """Another incident's check-in of the last two days speaks for this one too."""
        for sid in list(self.speaks_for):
            other = next(text for text in self.sent[Kind.CHECK_IN] if text.sid == sid)
            fresh = max(due - MERGED_WITHIN, point.earliest) <= other.at <= due + LATE
            if fresh and self.points_at[sid].ref != point.ref and not self._declined(other, due):
                self.speaks_for[sid].add(point.ref)
                self._answered(other, since=due)
                if point.last:
                    self._opt_in_of_merged(other, point, due)
                return True
        return False

    def _answered(self, check_in: Text, since: datetime | None = None) -> None:
        answer = self._answer(check_in)
        if answer is not None and _digit(answer) == "0" and answer.at >= (since or answer.at):
            for ref in self.speaks_for[check_in.sid]:
                self.ended[ref] = answer.at

    def _declined(self, check_in: Text, due: datetime) -> bool:
        answer = self._answer(check_in)
        return answer is not None and _digit(answer) == "0" and answer.at < due

    def _answer(self, check_in: Text) -> Said | None:
        """What the person said of themselves first, before they were asked anything new."""
        later = [text.real for text in self.sent[Kind.CHECK_IN] if text.real > check_in.real]
        until = min(later, default=None)
        return next(
            (
                said
                for said in self.said
                if said.real > check_in.real
                and (until is None or said.real < until)
                and said.means in _ABOUT_THEMSELVES
            ),
            None,
        )

    def _reminder(self, check_in: Text, points: list[Point]) -> None:
        point = self.points_at[check_in.sid]
        due = next_open(check_in.at + A_DAY, self.person.hours)
        later = [p.due for p in points if p.ref == point.ref and p.due > check_in.at + LATE]
        following = min(later, default=None)
        answer = self._answer(check_in)
        superseded = any(check_in.at < text.at <= due for text in self.sent[Kind.CHECK_IN])
        not_needed = (
            superseded or point.last or (following is not None and due >= following) or due > self.until
        )
        held = any(start <= due < end for start, end in self.held)
        if not_needed or held or not self._may_be_texted(due, point):
            return
        found = self._take(Kind.REMINDER, due)
        if answer is None or (answer.real > found.real if found else answer.at > due):
            self.verdicts.after.look(found is not None, self._named(f"reminder of {point.name}", point, due))
        else:
            self.verdicts.after.look(found is None, self._named("reminder after an answer", point, due))

    def _opt_in(self, check_in: Text, point: Point) -> None:
        answer = self._answer(check_in)
        since = check_in.at + A_DAY
        if answer is not None and _digit(answer) == "1":
            since = min(answer.at, since)
        due = self._after_calling(next_open(since, self.person.hours))
        if due > self.until or not self._may_be_texted(due, point):
            return
        found = self._take(Kind.OPT_IN, due)
        self.verdicts.after.look(found is not None, self._named("opt-in", point, due))
        if found is not None:
            self.stays[found.sid] = point.ref

    def _opt_in_of_merged(self, check_in: Text, point: Point, due: datetime) -> None:
        """The question for the other incident: with the answer, at most a day later."""
        by = self._after_calling(next_open(due + A_DAY, self.person.hours))
        if by > self.until or not self._may_be_texted(by, point):
            return
        found = next(
            (
                text
                for text in self.sent[Kind.OPT_IN]
                if text.sid not in self.used and check_in.at <= text.at <= by + LATE
            ),
            None,
        )
        self.verdicts.after.look(found is not None, self._named("opt-in", point, by))
        if found is not None:
            self.used.add(found.sid)
            self.stays[found.sid] = point.ref

    def _keeps_in_touch(self, ref: str) -> bool:
        for text in self.sent[Kind.OPT_IN]:
            if self.stays.get(text.sid) == ref:
                answers = [
                    said for said in self.said if said.real > text.real and said.means == "opt-in answer"
                ]
                return bool(answers) and _digit(answers[0]) == "1"
        return False

    def _take(self, kind: Kind, due: datetime) -> Text | None:
        for text in self.sent[kind]:
            sooner = timedelta(0) if kind is Kind.CHECK_IN else SOONER
            if text.sid not in self.used and due - sooner <= text.at <= due + LATE:
                self.used.add(text.sid)
                return text
        return None

    def _left_over(self, points: list[Point]) -> None:
        """Texts that belong to no moment: before theirs, or once more."""
        for kind in _KINDS:
            for text in self.sent[kind]:
                extra = text.sid not in self.used
                ahead = extra and self._is_ahead(text, points)
                where = f"{kind.value} to {self.names.of(self.person.key)} at {text.at:%a %d %b %Y %H:%M}Z"
                self.verdicts.early.look(not ahead, f"{where}: before its moment")
                self.verdicts.doubled.look(not extra or ahead, f"{where}: once more than promised")

    def _is_ahead(self, text: Text, points: list[Point]) -> bool:
        if text.kind is not Kind.CHECK_IN:
            moments = [other.at + A_DAY for other in self.sent[Kind.CHECK_IN]]
        else:
            moments = [point.due for point in points]
        return any(timedelta(0) < due - text.at < NEAR for due in moments)

    def _named(self, what: str, point: Point, due: datetime) -> str:
        who = f"{self.names.of(self.person.key)} (circle {point.circle}, {point.ref})"
        return f"{what} of {who}: due {due:%a %d %b %Y %H:%M}Z, not there in time"


def _digit(said: Said) -> str | None:
    return digit_and_code(said.body)[0]
