"""One group format of one incident: from when its window counts, and who needs which team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cism.domain.incident import Affected, Incident
from cism.domain.incident_types import IncidentType
from cism.domain.interventions import GROUP_FORMATS, Anchor, Element, LeaderRole, Split, TeamRule
from cism.domain.protocol_model import Protocol, SessionRule
from cism.domain.windows import Window, disaster_window, funeral_window, session_window, shifted

DEFUSING: Final = "defusing"
CISD: Final = "cisd"


@dataclass(frozen=True, slots=True)
class SessionCase:
    """What one kind of session of one incident is judged by."""

    incident: Incident
    type: IncidentType
    kind: str
    rule: SessionRule
    now: datetime
    later: timedelta = timedelta(0)  # held again: so long after the first time

    @property
    def element(self) -> Element:
        """What the catalogue says of the format."""
        return GROUP_FORMATS[self.kind]

    @property
    def debriefing(self) -> bool:
        """Whether it is the structured talk that only a clinician approves."""
        return self.kind == CISD

    @property
    def after_funeral(self) -> bool:
        """Whether the funeral sets its dates."""
        return (self.debriefing and self.type.lodd) or self.anchor is Anchor.FUNERAL

    @property
    def anchor(self) -> Anchor:
        """What its window counts from, before a death in the line of duty changes that."""
        return anchor_of(self.kind, self.rule)

    def instant(self, affected: Affected) -> datetime | None:
        """This person's own anchor; None while it is unknown."""
        if self.after_funeral:
            return self.incident.funeral_at
        if self.anchor is Anchor.INCIDENT_START:
            return self.incident.occurred_at or self.incident.logged_at
        return self.incident.ended_at if self.anchor is Anchor.INCIDENT_END else affected.exposure_end

    def window(self, anchors: Sequence[datetime]) -> Window:
        """The window of people with these anchors (at least one)."""
        return shifted(self._first_window(anchors), self.later)

    @property
    def funeral_spans(self) -> tuple[timedelta, timedelta] | None:
        """From when to when after the funeral it may be held; None where the funeral plays no part."""
        if not self.after_funeral:
            return None
        first, last = self.rule.after_funeral if self.debriefing else (self.rule.earliest, self.rule.latest)
        return first + self.later, last + self.later

    def _first_window(self, anchors: Sequence[datetime]) -> Window:
        if self.debriefing and self.after_funeral:
            return funeral_window(self.rule, max(anchors))
        if self.type.disaster or self.rule.as_disaster:
            return disaster_window(self.rule, anchors)
        return session_window(self.rule, anchors)


def anchor_of(kind: str, rule: SessionRule) -> Anchor:
    """What a format's window counts from: as the protocol says, else as the catalogue does."""
    return Anchor(rule.anchor) if rule.anchor is not None else GROUP_FORMATS[kind].anchors[0]


def split_of(kind: str) -> Split:
    """Who may sit together in this format."""
    group = GROUP_FORMATS[kind].group
    return Split.CREW if group is None else group.split


def team_of(kind: str, rule: SessionRule) -> TeamRule:
    """How many helpers this format needs."""
    return rule.team or GROUP_FORMATS[kind].team or TeamRule()


def led_by_clinician(kind: str, rule: SessionRule) -> bool:
    """Whether only a licensed clinician who is trained for groups may lead it."""
    only = GROUP_FORMATS[kind].lead == (LeaderRole.CLINICIAN,)
    return only or rule.lead == "clinician"


def formats_for(protocol: Protocol, type_: IncidentType, incident: Incident) -> Mapping[str, SessionRule]:
    """The group formats of the protocol that are meant for such an incident, in the catalogue's order.

    Where no group is allowed at all they are all there, so that each is told why not. A format that takes the
    place of another one leaves it out.
    """
    meant = {
        kind: protocol.sessions[kind]
        for kind, element in GROUP_FORMATS.items()
        if kind in protocol.sessions
        and (element.code in type_.interventions or not type_.group_allowed)
        and incident.severity in protocol.sessions[kind].severities
    }
    replaced = {other for kind in meant for other in GROUP_FORMATS[kind].instead_of}
    return {kind: rule for kind, rule in meant.items() if kind not in replaced}
