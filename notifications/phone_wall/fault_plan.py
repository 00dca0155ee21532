"""A plan of faults as somebody writes it: JSON, from a file, an option or the wall's own API."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from notifications.phone_wall.faults import DEFAULTS, GROUPS, Fault, Rule
from notifications.phone_wall.outage import OutagePlan

CHANCED: Final = tuple(fault for groups in GROUPS.values() for group in groups for fault in group)
"""Faults that strike an occasion; an outage strikes everything for a while."""
_LONGEST_SECONDS: Final = 24 * 3600.0
_MOST: Final = 10_000
_FIELDS: Final = ("chance", "burst", "seconds", "copies", "codes", "rank", "arrives")
_OUTAGE: Final = ("after", "seconds", "how", "afterwards")

SAY_PLAN: Final = (
    f'a plan is a JSON object such as {{"429": 0.5, "slow_answer": {{"chance": 0.1, "seconds": [1, 3]}}}}; '
    f"its names are: {', '.join((*CHANCED, Fault.OUTAGE))}; each is a chance from 0 to 1, or an object of: "
    f"{', '.join(_FIELDS)} (an outage: {', '.join(_OUTAGE)})"
)


class WrongPlanError(ValueError):
    """A plan that makes no sense; the sentence says what to write."""


class FaultPlan:
    """Rules by fault, and perhaps an outage."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        """Read a plan; a WrongPlanError says what to write instead."""
        self.written = dict(written)
        outage = self.written.get(Fault.OUTAGE)
        self.outage = None if outage is None else outage_from(outage)
        self.rules = {
            _fault(name): rule_from(_fault(name), told)
            for name, told in self.written.items()
            if name != Fault.OUTAGE
        }
        _check_sums(self.rules)


def read_plan(text: str) -> FaultPlan:
    """A plan from an option: the JSON itself, or the name of a file that holds it."""
    try:
        told = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except OSError as problem:
        sentence = f"cannot read the plan of faults in {text} ({problem.strerror})"
        raise WrongPlanError(sentence) from problem
    except ValueError as problem:
        raise WrongPlanError(SAY_PLAN) from problem
    if not isinstance(told, dict):
        raise WrongPlanError(SAY_PLAN)
    return FaultPlan(told)


def rule_from(fault: Fault, told: object) -> Rule:
    """The rule that a number (its chance) or an object asks for."""
    usual = DEFAULTS.get(fault, Rule())
    if _is_number(told):
        told = {"chance": told}
    if not isinstance(told, dict) or not set(told) <= set(_FIELDS):
        raise WrongPlanError(SAY_PLAN)
    changes: dict[str, Any] = {name: _READERS[name](value) for name, value in told.items()}
    rule = replace(usual, **changes)
    if fault in (Fault.REFUSED, Fault.NOT_DELIVERED) and not rule.codes:
        raise WrongPlanError(SAY_PLAN)
    return rule


def outage_from(told: object) -> OutagePlan:
    """The outage that an object asks for."""
    if not isinstance(told, dict) or not set(told) <= set(_OUTAGE):
        raise WrongPlanError(SAY_PLAN)
    how, afterwards = told.get("how", "close"), told.get("afterwards", "come")
    if how not in ("close", "503") or afterwards not in ("come", "lost"):
        sentence = 'an outage is "how": "close" or "503", and "afterwards": "come" or "lost"'
        raise WrongPlanError(sentence)
    return OutagePlan(
        after=_seconds(told.get("after", 0))[0],
        seconds=_seconds(told.get("seconds", 60))[0],
        how=how,
        afterwards=afterwards,
    )


def _fault(name: str) -> Fault:
    if name not in CHANCED:
        raise WrongPlanError(SAY_PLAN)
    return Fault(name)


def _check_sums(rules: Mapping[Fault, Rule]) -> None:
    for groups in GROUPS.values():
        for group in groups:
            if sum(rules[fault].chance for fault in group if fault in rules) > 1 + 1e-9:
                sentence = (
                    f"the chances of these exclude each other, and add up to more than 1: {_names(group)}"
                )
                raise WrongPlanError(sentence)


def _names(faults: Iterable[Fault]) -> str:
    return ", ".join(faults)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pair(value: object, lowest: float, highest: float) -> tuple[float, float]:
    bounds: list[Any] = value if isinstance(value, list) else [value, value]
    if len(bounds) != 2 or not all(_is_number(item) for item in bounds):
        raise WrongPlanError(SAY_PLAN)
    low, high = float(bounds[0]), float(bounds[1])
    if not lowest <= low <= high <= highest:
        raise WrongPlanError(SAY_PLAN)
    return low, high


def _chance(value: object) -> float:
    return _pair(value, 0, 1)[0]


def _count(value: object) -> tuple[int, int]:
    low, high = _pair(value, 1, _MOST)
    return int(low), int(high)


def _seconds(value: object) -> tuple[float, float]:
    return _pair(value, 0, _LONGEST_SECONDS)


def _codes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(isinstance(code, int) and code > 9999 for code in value):
        raise WrongPlanError(SAY_PLAN)
    return tuple(value)


def _rank(value: object) -> int:
    return int(_pair(value, 0, _MOST)[0])


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongPlanError(SAY_PLAN)
    return value


_READERS: Final = {
    "chance": _chance,
    "burst": _count,
    "seconds": _seconds,
    "copies": _count,
    "codes": _codes,
    "rank": _rank,
    "arrives": _yes_or_no,
}
