"""Read YAML and remember on which line every value stands.

Scalars stay text as they are written, so that 10:00 is not read as a number nor NO as false: what a
value means is the model's to say. `~`, `null` and nothing are None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

Loc = tuple[str | int, ...]
_NULL = "tag:yaml.org,2002:null"
# the same language; where the library was built with its fast parser, ten times as fast
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to write instead."""

    loc: Loc
    text: str
    line: int | None = None  # where the place is not enough, such as a doubled key


@dataclass(slots=True)
class Lined:
    """A document as plain values, the line (from 1) of each place in it, and what could not be read."""

    value: object = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, loc: Loc) -> int:
        """The line of that place, or of the nearest place around it that was written."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def path_of(loc: Iterable[str | int]) -> str:
    """A place as people write it: contacts[1].after."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).removeprefix(".")


def plain_yaml(text: str) -> Any:
    """The document in `text` as `yaml.safe_load` reads it. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - one of the two safe ones


def read_yaml(text: str) -> Lined:
    """The document in `text`; never raises, what is broken is in `problems`."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        return Lined(problems=[_unreadable(error)])
    lined = Lined()
    if root is not None:
        lined.value = _Reader(lined).value(root, ())
    return lined


def _unreadable(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = (
        getattr(error, "problem", None)
        or "it is nested too deeply or holds characters that YAML does not allow"
    )
    return Problem(
        (), f"this is not YAML: {what}; mend the line, or the one above it", mark.line + 1 if mark else 1
    )


@dataclass(slots=True)
class _Reader:
    out: Lined
    inside: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, loc: Loc) -> object:
        self.out.lines.setdefault(loc, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return None if node.tag == _NULL else str(node.value)
        if id(node) in self.inside:
            self.out.problems.append(Problem(loc, "it contains itself; write it out instead of an alias"))
            return None
        self.inside.add(id(node))
        read = self._mapping(node, loc) if isinstance(node, yaml.MappingNode) else self._sequence(node, loc)
        self.inside.discard(id(node))
        return read

    def _sequence(self, node: yaml.Node, loc: Loc) -> list[object]:
        return [self.value(part, (*loc, index)) for index, part in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
        read: dict[str, object] = {}
        for key_node, part in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.out.problems.append(Problem(loc, "a key must be a plain word", line))
                continue
            key = str(key_node.value)
            if key in read:
                self.out.problems.append(
                    Problem((*loc, key), "it is written twice; keep one of the two", line)
                )
                continue
            self.out.lines[*loc, key] = line
            read[key] = self.value(part, (*loc, key))
        return read
