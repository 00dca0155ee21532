"""The interventions of the practice: when, for how many, who leads, what happens in order, what forbids it.

Data (`data/interventions.yaml`), which protocols draw on and may narrow, and which the leader's brief is made
of. What has no source behind it is named in `design` or `unverified`, for whoever selects it.
Source: domain.md 2; each entry names its own sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from cism.domain.incident_types import Intervention
from cism.domain.model_errors import said, validated
from cism.domain.rule_parts import Basis, Count, Rule, Span, Text
from cism.domain.yaml_lines import Problem, read_yaml
from cism.errors import BadInput

_SHIPPED: Final = "interventions.yaml"
_LEAST_GROUP: Final = 2  # from two on, somebody has to know how many helpers it takes


class Anchor(StrEnum):
    """The instant that a window is counted from."""

    EXPOSURE_END = "exposure_end"  # when this person left it
    INCIDENT_START = "incident_start"  # when it happened; where nobody knows, when it was logged
    INCIDENT_END = "incident_end"
    RELEASE = "release"  # released from the scene: the end of this person's exposure
    FUNERAL = "funeral"  # unknown until it is set; nothing is guessed
    SESSION_END = "session_end"  # of a group session, for those who served in it
    ANY = "any"  # anytime, driven by what somebody needs


class Split(StrEnum):
    """Who may sit together."""

    CREW = "crew"  # same circle, crew and band of rank: what was lived through is shared
    UNIT = "unit"  # an intact unit, whatever the circle
    AGENCY = "agency"  # everybody of one agency; facts only, nobody is asked to speak
    PERSON = "person"  # nobody else


class LeaderRole(StrEnum):
    """Who leads it."""

    PEER = "peer"
    CLINICIAN = "clinician"
    CHAPLAIN = "chaplain"
    FAMILY_PEER = "family_peer"
    COORDINATOR = "coordinator"
    AUTHORITY = "authority"  # somebody of the agency whose word on the facts is believed


class Contraindication(StrEnum):
    """What forbids an intervention."""

    LODD = "lodd"  # on the day of a death in the line of duty
    ROUTINE_SIZE = "routine_size"  # not large enough for it
    LEGAL_JEOPARDY = "legal_jeopardy"  # statements are pending
    KIN_UNAWARE = "kin_unaware"  # after a death in the line of duty, before the next of kin have been told
    FAMILY_IN_GROUP = "family_in_group"
    STILL_OPERATING = "still_operating"
    UNFIT = "unfit"  # injured, exhausted, intoxicated, in acute shock
    MIXED_EXPOSURE = "mixed_exposure"
    MIXED_COMMAND = "mixed_command"  # somebody beside their own superior
    ATTENDANCE_ORDERED = "attendance_ordered"
    CRITIQUE = "critique"  # as discipline, or as a critique of the operation
    ACUTE_RISK = "acute_risk"  # suicidal, psychotic, dissociating: to a clinician
    SINGLE_PERSON = "single_person"  # of the event with one person alone, in a single session
    NOTHING_ELSE_PLANNED = "nothing_else_planned"  # as the only thing that is offered


# The engine blocks these by itself; the others are for the leader's eyes, on the brief.
ENFORCED: Final = frozenset(
    {
        Contraindication.LODD,
        Contraindication.ROUTINE_SIZE,
        Contraindication.LEGAL_JEOPARDY,
        Contraindication.KIN_UNAWARE,
        Contraindication.FAMILY_IN_GROUP,
        Contraindication.STILL_OPERATING,
        Contraindication.MIXED_EXPOSURE,
        Contraindication.MIXED_COMMAND,
        Contraindication.SINGLE_PERSON,
    }
)

# Each of these is so or is not so, and while it is, nothing of the kind is held. The others are rules that
# hold each time: "nobody may be ordered to come" stops nothing.
WHILE: Final = frozenset(
    {
        Contraindication.LODD,
        Contraindication.ROUTINE_SIZE,
        Contraindication.LEGAL_JEOPARDY,
        Contraindication.KIN_UNAWARE,
        Contraindication.STILL_OPERATING,
    }
)


class TeamRule(Rule):
    """How many helpers so many participants need."""

    least: Annotated[int, Field(ge=1, le=50)] = 2
    one_for: Annotated[int, Field(ge=1, le=1_000)] | None = None  # one helper for so many
    extra_for: Annotated[int, Field(ge=1, le=1_000)] | None = None  # one more for each full so many
    clinicians: Count = 0  # of them, mental-health professionals

    def size(self, participants: int) -> int:
        """Helpers for so many participants."""
        by_ratio = math.ceil(participants / self.one_for) if self.one_for else 0
        return max(self.least, by_ratio) + (participants // self.extra_for if self.extra_for else 0)


class GroupShape(Rule):
    """How large a group is, and who may sit in it."""

    size: tuple[Count, Count]
    split: Split


class Element(Rule):
    """One intervention. Spans count from the anchor; None is no limit."""

    title: Text
    code: Intervention | None = None  # how types of incident name it
    aliases: tuple[Text, ...] = ()
    what: Text  # one sentence
    anchors: Annotated[tuple[Anchor, ...], Field(min_length=1)]  # the first unless a protocol says otherwise
    earliest: Span = timedelta(0)
    ideal: Span | None = None  # the end of the best stretch
    latest: Span | None = None
    until: Literal[Anchor.INCIDENT_END] | None = None  # it ends with the incident, whatever the hours
    disaster: tuple[Span, Span] | None = None
    repeatable: bool = False
    open_door: bool = False  # whoever is there takes part, and nobody has to say so before
    duration: tuple[Span, Span] | None = None  # least and most
    group: GroupShape | None = None  # None: not a matter of numbers
    team: TeamRule | None = None
    lead: Annotated[tuple[LeaderRole, ...], Field(min_length=1)]
    together: bool = False  # one of each role in `lead` leads it together, not one of them
    approval: Literal["none", "clinician"] = "none"
    at_hour: bool = False  # held at a set hour of a day to come, not as soon as possible
    instead_of: tuple[Text, ...] = ()  # formats that it takes the place of
    phases: tuple[Text, ...] = ()  # in this order
    content: tuple[Text, ...] = ()  # what it is made of, in no order
    use_when: Text | None = None
    never: tuple[Text, ...] = ()
    preconditions: tuple[Text, ...] = ()
    contraindicated: Mapping[Contraindication, Text] = Field(default_factory=dict)
    afterwards: tuple[Text, ...] = ()
    basis: Basis = Basis.SOURCE
    unverified: tuple[Text, ...] = ()  # fields whose wording or figure was not read in a source
    design: tuple[Text, ...] = ()  # fields that are this product's proposal
    sources: tuple[Text, ...] = ()

    @property
    def is_group(self) -> bool:
        """Whether several people sit together."""
        return self.group is not None and self.group.size[1] >= _LEAST_GROUP

    def forbids(self, reason: Contraindication) -> bool:
        """Whether it is contraindicated then."""
        return reason in self.contraindicated


class InterventionsInvalid(BadInput):
    """The catalogue of interventions cannot be used."""

    problem = "interventions-invalid"


def parse_interventions(text: str, name: str) -> Mapping[str, Element]:
    """The catalogue that `text` (YAML, by key) writes; `name` is the file's name for the reader of errors.

    Raises InterventionsInvalid with every error at once, each with file, line and what to write.
    """
    lined = read_yaml(text)
    problems = list(lined.problems)
    written = lined.value if isinstance(lined.value, dict) else {}
    if not written:
        problems = problems or [Problem((), "there is nothing in it; write e.g. defusing: {title: …}")]
    found: dict[str, Element] = {}
    for key, entry in written.items():
        element, wrong = validated(entry, Element)
        problems += [Problem((key, *p.loc), p.text) for p in wrong]
        if element is not None:
            found[key] = element
            problems += [Problem((key, *p.loc), p.text) for p in _conflicts(element, written)]
    if problems:
        lines = said(name, lined, problems)
        raise InterventionsInvalid("\n".join(lines), errors=lines)
    return MappingProxyType(found)


def _conflicts(element: Element, written: Mapping[str, object]) -> Iterator[Problem]:
    for check in (_window, _group, _basis):
        yield from check(element)
    for other in element.instead_of:
        if other not in written:
            yield Problem(("instead_of",), f"there is no intervention {other!r}")


def _group(element: Element) -> Iterator[Problem]:
    if element.group is not None and element.group.size[0] > element.group.size[1]:
        yield Problem(("group", "size"), "the smaller first")
    if element.is_group and element.team is None:
        yield Problem((), "a group needs a team; write e.g. team: {least: 2, one_for: 7}")
    if len(set(element.phases)) < len(element.phases):
        yield Problem(("phases",), "a phase is there twice; each once, in order")


def _basis(element: Element) -> Iterator[Problem]:
    if element.basis is not Basis.DESIGN and not element.sources:
        yield Problem((), "there is no source; write sources, or basis: design")
    for name in ("unverified", "design"):
        for field in getattr(element, name):
            if field not in Element.model_fields:
                yield Problem((name,), f"there is no field {field!r} to say that about")


def _window(element: Element) -> Iterator[Problem]:
    known = [span for span in (element.earliest, element.ideal, element.latest) if span is not None]
    if known != sorted(known):
        yield Problem(("latest",), "the window closes before it opens; earliest, then ideal, then latest")
    if element.duration is not None and element.duration[0] > element.duration[1]:
        yield Problem(("duration",), "the smaller first")


def _load() -> Mapping[str, Element]:
    text = resources.files("cism.domain").joinpath("data", _SHIPPED).read_text(encoding="utf-8")
    return parse_interventions(text, f"cism/domain/data/{_SHIPPED}")


CATALOGUE: Final[Mapping[str, Element]] = _load()
# What a protocol's `sessions` may name: several people sit together, and types of incident name it.
GROUP_FORMATS: Final[Mapping[str, Element]] = MappingProxyType(
    {key: element for key, element in CATALOGUE.items() if element.is_group and element.code is not None}
)
