"""What a replay of real incidents invents: who was exposed, and what people answer. Drawn from a seed alone.

No source names the people exposed, and none is to: a few of an invented department stand for them. Every
share below is a design, chosen so that each path of the practice is walked often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import MappingProxyType
from typing import Final

from cism.domain.incident import Circle
from cism.domain.incident_files import IncidentReport
from cism.domain.incident_types import INCIDENT_TYPES

LARGEST_CREW: Final = 4  # design: a source that counts everybody who ever came counts crews again and again
# Said to a check-in; "" is silence. The rest of the answers of people looked after.
_CHECK_IN: Final = (
    *(("", 46), ("1", 25), ("2", 5), ("3", 3), ("0", 5), ("STOP", 1), ("1 thanks for asking", 3)),
    *(("thank you all", 4), ("I can't do this anymore", 1), ("who is this", 1), ("HELP", 1)),
    *(("please stop texting me", 1), ("Liked a message", 4)),
)
_ASKED: Final[Mapping[str, Sequence[tuple[str, int]]]] = MappingProxyType(
    {
        "check_in": _CHECK_IN,
        "opt_in": (("", 50), ("1", 35), ("0", 15)),
        "invitation": (("", 30), ("1", 50), ("0", 15), ("2", 5)),
        "page": (("1 {}", 70), ("0 {}", 15), ("", 15)),
        "assignment": (("", 97), ("9 {}", 3)),
        "approval": (("1 {}", 60), ("0 {}", 20), ("", 20)),
        "report": (("4 {} 6", 80), ("4 {}", 5), ("", 15)),
        "contact_report": (("4 {}", 70), ("6 {}", 10), ("5 {}", 8), ("7 {}", 2), ("9 {}", 2), ("", 8)),
        "escalation": (("1 {}", 75), ("0 {}", 10), ("", 15)),
        "welfare": (("1 {}", 85), ("", 15)),
    }
)
# Said by whoever took an escalation, once it is theirs.
_TAKEN: Final[Mapping[str, Sequence[tuple[str, int]]]] = MappingProxyType(
    {
        "escalation": (("4 {}", 70), ("5 {}", 8), ("6 {}", 8), ("9 {}", 4), ("", 10)),
        "welfare": (("4 {}", 90), ("9 {}", 3), ("", 7)),
    }
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """One of the people who were there: which of the department, how near, and whether they left early."""

    place: int
    circle: Circle
    left_before: timedelta | None = None


def exposed(report: IncidentReport, department: int, rng: Random) -> list[Exposed]:
    """One to four of a department's people, never the same twice; a real count is taken up to a crew."""
    told = report.people_exposed
    many = min(LARGEST_CREW, told) if told else rng.choices((1, 2, 3, 4), _CREWS)[0]
    places = rng.sample(range(department), min(many, department))
    lodd = INCIDENT_TYPES[report.type].lodd
    circles = [Circle.D if lodd else Circle.A, *rng.choices((Circle.B, Circle.C, Circle.D), k=many)]
    return [
        Exposed(place, circle, timedelta(minutes=rng.randint(1, 30)) if rng.random() < _EARLY else None)
        for place, circle in zip(places, circles, strict=False)
    ]


def says(question: str, rng: Random, *, taken: bool = False) -> str | None:
    """What somebody answers, with a place for the code; None is silence, or a text that asks nothing."""
    listed = (_TAKEN if taken else _ASKED).get(question)
    if listed is None:
        return None
    words, weights = zip(*listed, strict=True)
    said: str = rng.choices(words, weights)[0]
    return said or None


def after(question: str, rng: Random) -> timedelta:
    """How long somebody takes to answer: those on duty minutes, those looked after minutes to a day."""
    on_duty = question not in {"check_in", "opt_in", "invitation"}
    return timedelta(minutes=rng.randint(1, 9) if on_duty else rng.choice((3, 20, 90, 600, 1500)))


_EARLY: Final = 0.1
_CREWS: Final = (70, 20, 7, 3)
