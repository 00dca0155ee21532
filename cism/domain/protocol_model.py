"""What a protocol file can say. Spans are timedeltas, hours are local wall-clock times without a zone.

The numbers are the protocol's; what they must not contradict is in `protocol_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Circle, Severity
from cism.domain.interventions import TeamRule
from cism.domain.offer_kinds import OfferKind
from cism.domain.rule_parts import Count, Rule, Span, Text, WallClock

RungRole = Literal["assigned_peer", "on_call_peer", "clinician", "clinical_director", "coordinator"]
OfferedBy = Literal["assigned_peer", "coordinator"]
ServingRole = Literal["peer", "family_peer", "chaplain", "clinician", "clinical_director"]
OfferAnchor = Literal["logged", "incident_start", "incident_end", "exposure_end", "funeral", "session_end"]
GroupAnchor = Literal["exposure_end", "incident_start", "incident_end", "release", "funeral"]
EVERY_SEVERITY: Final = frozenset(Severity)


class ContactRule(Rule):
    """One contact point, counted from each person's own end of exposure.

    `elapsed` counts hours; `date` counts calendar days in the person's zone and goes out from `at`;
    `anniversary` counts days back from the same calendar date a year later, which stands for 365d.
    """

    id: Annotated[str, Field(pattern=r"^f([0-9]{1,3}|A)$")]
    after: Span
    kind: Literal["elapsed", "date", "anniversary"]
    window: tuple[Span, Span] | None = None  # earliest and latest; beyond it the point is dropped
    at: WallClock = time(10, 0)  # the earliest local time of day-scale points
    severities: frozenset[Severity] = EVERY_SEVERITY
    by: Literal["sms", "peer"] = "sms"
    opt_in: bool = False  # only for people who asked to be kept in touch with
    screen: Literal["pc-ptsd-5", "tsq"] | None = None  # a voluntary private form, in its valid time frame


class SessionRule(Rule):
    """One group format: when it may be held, how large, who leads and who agrees.

    Spans are elapsed from the anchor. What is None is as the catalogue of interventions says of the format,
    which a protocol may narrow and never widen.
    """

    earliest: Span
    ideal: Span  # the end of the best stretch
    latest: Span
    anchor: GroupAnchor | None = None
    severities: frozenset[Severity] = EVERY_SEVERITY
    size: tuple[Count, Count] = (3, 20)
    team: TeamRule | None = None
    lead: Literal["peer", "clinician"] | None = None
    notice: Span = timedelta(minutes=45)  # the least time between invitation and beginning
    invite_before: Span | None = None  # invited no sooner than so long before; None: once it is planned
    duration: Span = timedelta(minutes=45)
    approval: Literal["none", "clinician"] = "none"
    approve_within: Span = timedelta(hours=4)  # an unanswered proposal goes to the next clinician
    propose_at: Span = timedelta(0)  # when the clinician is asked, at the earliest
    decide_ahead: Span | None = None  # and at most so long before the window opens
    slot_hour: WallClock = time(14, 0)  # the local hour that is suggested
    reminder: Span = timedelta(hours=2)  # before the beginning, to the team
    report_after: Span = timedelta(minutes=15)  # after the end: held? how many?
    after_statements: bool = False  # not before the statements are complete, for `statement_circles`
    statement_circles: frozenset[Circle] = frozenset({Circle.A, Circle.B})
    blocked_for_types: frozenset[str] = frozenset()
    disaster: tuple[Span, Span] | None = None  # the window for catastrophes, clinician's choice
    as_disaster: bool = False  # in that window whatever the type of incident
    # a debriefing after a death in the line of duty: from the funeral, which overrides the anchor
    after_funeral: tuple[Span, Span] = (timedelta(days=3), timedelta(days=7))
    phases: tuple[Text, ...] = ()  # the catalogue's in its order, where the file writes them out
    again_after: tuple[Span, ...] = ()  # held again so long after the first time, with the same window


class ActivationRule(Rule):
    """How the team is asked: so many by severity, in rounds, then a human in charge."""

    team: Mapping[Severity, Annotated[int, Field(ge=1, le=50)]]
    ask_extra: Count = 1  # asked beyond the need, "first N accept"
    answer_within: Span = timedelta(minutes=10)
    max_rounds: Annotated[int, Field(ge=1, le=100)] = 6
    then: tuple[Literal["coordinator", "clinician", "clinical_director"], ...]
    page_clinician_from: Severity | None = None
    companion: bool = False  # the first who accepts stays with the person most exposed


class LadderRule(Rule):
    """Whom an escalation asks, in order; a role named twice is the next person of that role.

    After the last rung everybody on it is asked every `repeat`, with an alarm, until a human takes it.
    """

    ack: Span  # a rung that has not answered by then is passed
    voice: Span  # by then a human has spoken with the person, counted from the opening
    rungs: Annotated[tuple[RungRole, ...], Field(min_length=1)]
    repeat: Span = timedelta(minutes=15)
    waking: bool = False  # `ack`, `voice` and `repeat` run in the helper's open hours only


class QueueRule(Rule):
    """How long a text may lie unread before it goes up the URGENT ladder."""

    day: Span = timedelta(minutes=30)
    night: Span = timedelta(minutes=60)


class MhpRule(Rule):
    """An individual session with a mental-health professional, offered within a time."""

    within: Span
    remind: Span  # when the coordinator is reminded to offer it
    circles: frozenset[Circle] = frozenset({Circle.A, Circle.B})


class OfferRule(Rule):
    """One thing that is offered beside the groups: by whom, until when, and who does it for whoever wants it.

    It stands on the list of whoever makes it from the beginning; `after` the anchor they are reminded by
    text, and `within` the anchor the coordinator is, where it was not made. Without `by` it is offered to
    nobody: a helper of `serve` is asked to do it `after` the anchor, each given `ack` to answer.
    """

    kind: OfferKind
    anchor: OfferAnchor = "logged"
    after: Span = timedelta(0)
    within: Span
    each: Literal["incident", "person", "session"] = "incident"
    by: OfferedBy | None = None
    serve: tuple[ServingRole, ...] = ()
    ack: Span = timedelta(hours=4)
    at_once: bool = False  # at any hour; else in the reader's open hours
    always: bool = False  # whatever the type of incident lists
    circles: frozenset[Circle] = frozenset(Circle) - {Circle.F}
    severities: frozenset[Severity] = EVERY_SEVERITY


class Protocol(Rule):
    """One way of working, chosen for an incident; the incident keeps the version it started with."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,31}$")]
    version: Annotated[int, Field(ge=1)]
    title: Text
    evidence_note: Text  # shown to whoever selects it
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    activation: ActivationRule
    sessions: Mapping[str, SessionRule]
    contacts: Annotated[tuple[ContactRule, ...], Field(min_length=1)]
    reminder_after: Span = timedelta(hours=24)  # the one reminder of a point
    answer_wait: Span = timedelta(hours=24)  # after the reminder; then the point is closed as not reached
    opt_in_after: Span = timedelta(hours=24)
    still_exposed_ask: Span = timedelta(hours=2)
    ladders: Mapping[EscalationLevel, LadderRule]
    queue: QueueRule
    mhp: tuple[MhpRule, ...] = ()
    offers: tuple[OfferRule, ...] = ()

    def contact(self, point: str) -> ContactRule | None:
        """The contact point of that id, if this protocol has one."""
        return next((rule for rule in self.contacts if rule.id == point), None)

    def contacts_for(self, severity: Severity) -> tuple[ContactRule, ...]:
        """The contact points of an incident this grave, in order of time."""
        return tuple(rule for rule in self.contacts if severity in rule.severities)
