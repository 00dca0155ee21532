"""Kinds of critical incident: data, which an agency extends by a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cism.domain.incident import Severity
from cism.domain.model_errors import said, validated
from cism.domain.people import Discipline
from cism.domain.rule_parts import Basis
from cism.domain.suggestions import nearest
from cism.domain.yaml_lines import Problem, read_yaml
from cism.errors import BadInput

_SHIPPED: Final = "incident_types.yaml"
_HINT_LENGTH: Final = 3
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]


class Intervention(StrEnum):
    """What the practice can offer; the value is the field's own shorthand."""

    ONE_TO_ONE = "121"  # somebody listens, one to one
    FOLLOW_UP = "FU"  # contacts over the following months
    ON_SCENE = "OSS"  # somebody is there while it goes on
    DEMOBILIZATION = "DEM"  # information and rest when a unit is released
    BRIEFING = "CMB"  # facts and ways to cope, for many at once
    DEFUSING = "DEF"  # a short group talk on the same day, offered
    DEBRIEFING = "CISD?"  # a group debriefing, only ever proposed to a clinician
    FAMILY = "FAM"  # an offer to the family
    ORGANISATION = "ORG"  # advice to command, never about a person
    PASTORAL = "PAS"  # a chaplain, on request
    PROFESSIONAL = "MHP"  # an individual session with a mental-health professional
    AFTER_ACTION = "AAR"  # After Action Review, an alternative to the defusing (NFFF)
    RELIEF = "REL"  # relief from duty and a way home (49 CFR 272)
    LODD_SEQUENCE = "LODD"  # a short group on the day, funeral support, the debriefing after the funeral


ALWAYS: Final = frozenset({Intervention.ONE_TO_ONE, Intervention.FOLLOW_UP})
GROUPS: Final = frozenset(
    {
        Intervention.DEMOBILIZATION,
        Intervention.BRIEFING,
        Intervention.DEFUSING,
        Intervention.DEBRIEFING,
        Intervention.AFTER_ACTION,
        Intervention.LODD_SEQUENCE,
    }
)


class IncidentType(BaseModel):
    """One kind of incident. `interventions` always holds one-to-one support and follow-up."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    code: Code
    label: Annotated[str, Field(min_length=1, max_length=80)]
    severity: Severity  # where the practice names a range, its lower end
    disciplines: frozenset[Discipline] = frozenset(Discipline)
    jeopardy: bool = False  # statements may be pending: no group before they are complete
    group_allowed: bool = True  # false where a group itself would do harm
    lodd: bool = False  # the funeral sets the dates
    disaster: bool = False  # a debriefing waits three to four weeks
    cumulative: bool = False  # there is no single end of exposure
    interventions: frozenset[Intervention] = frozenset()
    protocol: str | None = None  # suggested instead of the agency's own
    # of the kind and of what is offered after it; every severity is a design
    basis: Basis = Basis.DESIGN
    sources: tuple[str, ...] = ()

    def model_post_init(self, context: object, /) -> None:
        """Nobody is left without one-to-one support and follow-up."""
        object.__setattr__(self, "interventions", self.interventions | ALWAYS)


class IncidentTypesInvalid(BadInput):
    """The file of incident types cannot be used."""

    problem = "incident-types-invalid"


class UnknownIncidentType(BadInput):
    """There is no such incident type."""

    problem = "unknown-incident-type"


def load_incident_types(extra: Path | None = None) -> Mapping[str, IncidentType]:
    """All types by code: the shipped ones and those of the agency's own file `extra`.

    A code that is shipped already may get another label, severity or interventions, but what protects people
    (`jeopardy`, `group_allowed`, `lodd`) cannot be lifted. Raises IncidentTypesInvalid with every error by
    file and line.
    """
    text = resources.files("cism.domain").joinpath("data", _SHIPPED).read_text(encoding="utf-8")
    shipped = parse_incident_types(text, f"cism/domain/data/{_SHIPPED}")
    if extra is None:
        return shipped
    return parse_incident_types(_read(extra), str(extra), onto=shipped)


def parse_incident_types(
    text: str, name: str, onto: Mapping[str, IncidentType] | None = None
) -> Mapping[str, IncidentType]:
    """The types that `text` (YAML, by code) writes, added to `onto`; `name` is for the reader of errors."""
    lined = read_yaml(text)
    problems = list(lined.problems)
    types = dict(onto or {})
    written = lined.value if isinstance(lined.value, dict) else {}
    if not written:
        problems = problems or [
            Problem((), "there are no types in it; write e.g. FLOOD: {label: …, severity: S2}")
        ]
    for code, entry in written.items():
        found, wrong = _one(code, entry, (onto or {}).get(code))
        problems += [Problem((code, *p.loc), p.text) for p in wrong]
        if found is not None:
            types[code] = found
    if problems:
        lines = said(name, lined, problems)
        raise IncidentTypesInvalid("\n".join(lines), errors=lines)
    return MappingProxyType(types)


def _one(code: str, entry: object, shipped: IncidentType | None) -> tuple[IncidentType | None, list[Problem]]:
    if not isinstance(entry, dict):
        return None, [Problem((), "it must be keys with values, e.g. {label: …, severity: S2}")]
    found, problems = validated({**entry, "code": code}, IncidentType)
    if found is None:
        return None, [_at_the_code(problem) for problem in problems]
    return found, [*_group_conflicts(found), *_unsourced(found), *_lifted(found, shipped)]


def _at_the_code(problem: Problem) -> Problem:
    if problem.loc != ("code",):
        return problem
    return Problem((), "a code has capital letters, digits and _ only, 2 to 40 of them, e.g. FLOOD_RESCUE")


def _group_conflicts(found: IncidentType) -> list[Problem]:
    groups = sorted(found.interventions & GROUPS)
    if found.group_allowed or not groups:
        return []
    return [Problem(("interventions",), f"group_allowed is false; take out {', '.join(groups)}")]


def _unsourced(found: IncidentType) -> list[Problem]:
    if found.basis is Basis.DESIGN or found.sources:
        return []
    return [Problem(("basis",), "there is no source; write sources, or basis: design")]


def _lifted(found: IncidentType, shipped: IncidentType | None) -> list[Problem]:
    if shipped is None:
        return []
    protections = {
        "jeopardy": shipped.jeopardy and not found.jeopardy,
        "group_allowed": found.group_allowed and not shipped.group_allowed,
        "lodd": shipped.lodd and not found.lodd,
    }
    return [
        Problem((name,), f"it protects people and cannot be lifted; write {name}: {_written(shipped, name)}")
        for name, lifted in protections.items()
        if lifted
    ]


def _written(shipped: IncidentType, name: str) -> str:
    return "true" if getattr(shipped, name) else "false"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; give the path of a readable file"
        raise IncidentTypesInvalid(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8; save it as UTF-8"
        raise IncidentTypesInvalid(message) from error


class TypesInUse(Mapping[str, IncidentType]):
    """The types that an incident may have: the shipped ones, or with the installation's own beside them."""

    def __init__(self, types: Mapping[str, IncidentType]) -> None:
        self._types = types

    def use(self, types: Mapping[str, IncidentType]) -> None:
        """These are the types from now on."""
        self._types = types

    def __getitem__(self, code: str) -> IncidentType:
        return self._types[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


INCIDENT_TYPES: Final = TypesInUse(load_incident_types())


def suggest_types(code: str, types: Mapping[str, IncidentType] = INCIDENT_TYPES) -> list[str]:
    """Up to three codes that were probably meant: by spelling first, then by a word of the label."""
    wanted = code.strip().casefold()
    close = nearest(wanted.replace(" ", "_").replace("-", "_"), types)
    worded = [t.code for t in types.values() if len(wanted) >= _HINT_LENGTH and wanted in t.label.casefold()]
    return list(dict.fromkeys([*close, *worded]))[:3]


def unknown_type_error(code: str, types: Mapping[str, IncidentType] = INCIDENT_TYPES) -> UnknownIncidentType:
    """The refusal of a code that is no type, with the nearest ones (to be raised by whoever was given it)."""
    near = suggest_types(code, types)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Use OTHER for an event that no type fits."
    return UnknownIncidentType(f"There is no incident type {code!r}. {hint}")
