"""A protocol written as a difference: it names its base and says only what is otherwise.

Sections are laid over the base's, key by key; in `contacts` the points by their id. `~` takes a key out, and
`{id: f3, remove: true}` a point. Everything else that is written stands instead of the base's. The result is
read and proved as a whole, and an error is told at the line of the difference, or of `base` where what is
inherited contradicts it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cism.domain.durations import parse_duration
from cism.domain.suggestions import nearest_hint
from cism.domain.yaml_lines import Lined, Loc, Problem, read_yaml

Bases = Callable[[], dict[str, str]]  # the protocols that come with the product, text by key

BASE: Final = "base"
BASE_VERSION: Final = "base_version"
_CONTACTS: Final = "contacts"
_OWN: Final = ("key", "version")  # never inherited


def is_difference(lined: Lined) -> bool:
    """Whether the file names a base."""
    return isinstance(lined.value, dict) and BASE in lined.value


def whole(lined: Lined, bases: Bases) -> Lined:
    """The protocol that a difference makes, with the lines of the difference; what is wrong with the
    difference itself is in `problems`."""
    written: dict[str, Any] = dict(lined.value) if isinstance(lined.value, dict) else {}
    base_key, base_version = written.pop(BASE), written.pop(BASE_VERSION, None)
    known = bases()
    if not isinstance(base_key, str) or base_key not in known:
        hint = nearest_hint(str(base_key), known)
        return _refused(lined, (BASE,), f"there is no protocol {base_key!r} to start from. {hint}")
    read = read_yaml(known[base_key]).value
    base: dict[str, Any] = dict(read) if isinstance(read, dict) else {}
    out = Lined(problems=list(lined.problems))
    out.problems += _doubts(written, base_key, base_version, str(base["version"]), known)
    out.lines = {loc: line for loc, line in lined.lines.items() if loc[:1] != (_CONTACTS,)}
    out.lines[()] = lined.line_of((BASE,))
    merged = _over({name: part for name, part in base.items() if name not in _OWN}, written)
    merged[_CONTACTS] = _contacts(base.get(_CONTACTS), written.get(_CONTACTS, []), lined, out)
    if "title" not in written:
        merged["title"] = f"{base['title']}, as changed here"
    out.value = merged
    return out


def _refused(lined: Lined, loc: Loc, text: str) -> Lined:
    return Lined(value=None, lines=lined.lines, problems=[*lined.problems, Problem(loc, text)])


def _doubts(
    written: dict[str, Any], base: str, asked: object, version: str, known: dict[str, str]
) -> list[Problem]:
    found = []
    if asked is None:
        found.append(Problem((BASE,), f"say which version was read; write base_version: {version}"))
    elif asked != version:
        found.append(
            Problem(
                (BASE_VERSION,),
                f"{base} is at version {version}; read what changed, then write base_version: {version}",
            )
        )
    if written.get("key") in known:
        found.append(Problem(("key",), "that key comes with the product; give yours another one"))
    return found


def _over(base: Any, written: Any) -> Any:
    """`written` laid over `base`, key by key; nothing (~) takes a key out."""
    if not isinstance(base, dict) or not isinstance(written, dict):
        return written
    merged = dict(base)
    for name, part in written.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = _over(merged.get(name), part)
    return merged


def _contacts(base: Any, written: Any, lined: Lined, out: Lined) -> Any:
    """Points by id, in order of time; the lines of the written ones go with them."""
    if not isinstance(written, list) or not all(isinstance(part, dict) and "id" in part for part in written):
        _copy_lines(lined, (_CONTACTS,), out, (_CONTACTS,))
        return written
    points: dict[str, Any] = {part["id"]: part for part in base}
    lines: dict[str, int] = {}
    for index, part in enumerate(written):
        name = str(part["id"])
        lines[name] = index
        if part.get("remove") == "true":
            points.pop(name, None)
        else:
            points[name] = _over(points.get(name, {}), part)
    ordered = sorted(points, key=lambda name: _after(points[name]))
    if _CONTACTS in (lined.value if isinstance(lined.value, dict) else {}):
        out.lines[_CONTACTS,] = lined.line_of((_CONTACTS,))
    for place, name in enumerate(ordered):
        if name in lines:
            _copy_lines(lined, (_CONTACTS, lines[name]), out, (_CONTACTS, place))
        else:
            out.lines[_CONTACTS, place] = out.lines[()]
    return [points[name] for name in ordered]


def _copy_lines(lined: Lined, source: Loc, out: Lined, target: Loc) -> None:
    for loc, line in lined.lines.items():
        if loc[: len(source)] == source:
            out.lines[target + loc[len(source) :]] = line


def _after(point: dict[str, Any]) -> float:
    """Where a point stands; one whose span cannot be read stands last, and is told by the reader."""
    try:
        return parse_duration(str(point.get("after"))).total_seconds()
    except ValueError:
        return float("inf")
