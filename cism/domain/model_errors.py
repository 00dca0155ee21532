"""Say what is wrong with a written file so that whoever wrote it can mend it without the manual."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cism.domain.suggestions import nearest_hint
from cism.domain.yaml_lines import Lined, Loc, Problem, path_of

_VOLUNTARY: Final = frozenset({"mandatory", "compulsory", "obligatory", "required", "require_attendance"})
_KEY: Final = "[key]"  # how the validator marks that the key itself is wrong, not what stands under it
_TYPES: Final = {
    "int_parsing": "{input!r} is not a whole number; write e.g. 2",
    "int_from_float": "{input!r} is not a whole number; write e.g. 2",
    "int_type": "it must be a whole number; write e.g. 2",
    "bool_parsing": "{input!r} is neither true nor false",
    "bool_type": "it must be true or false",
    "string_type": "it must be text",
    "string_too_short": "it is empty; write something for whoever reads it",
    "too_short": "it is empty; write at least one entry",
    "too_long": "it has too many entries; write {max_length}",
    "model_type": "it must be keys with values, e.g. {{day: 30m, night: 60m}}",
    "mapping_type": "it must be keys with values, e.g. {{S1: 1, S2: 1}}",
    "tuple_type": "it must be a list, e.g. [a, b]",
    "frozen_set_type": "it must be a list, e.g. [S3, S4]",
    "greater_than_equal": "{input!r} is too small; write {ge} or more",
    "less_than_equal": "{input!r} is too large; write {le} or less",
    "string_pattern_mismatch": "{input!r} cannot be used; write small letters, digits and - as in {example}",
}
_EXAMPLES: Final = {"id": "f7 or fA", "key": "sfa-follow-up"}


def problems_of(error: ValidationError, root: Any) -> list[Problem]:
    """Everything the validator found in a value of the type `root`, in the writer's words."""
    found = error.errors(include_url=False)
    return [_explain(one, root) for one in found if not _only_an_echo(one)]


def validated(value: object, kind: Any) -> tuple[Any, list[Problem]]:
    """`value` as the type `kind` and no problems, or None and every problem."""
    try:
        return TypeAdapter(kind).validate_python(value), []
    except ValidationError as error:
        return None, problems_of(error, kind)


def said(name: str, lined: Lined, problems: Iterable[Problem]) -> list[str]:
    """One line a problem, in the order of the file: "name:12: contacts[1].after: what; what to write"."""
    placed = sorted({(p.line or lined.line_of(p.loc), path_of(p.loc), p.text) for p in problems})
    return [f"{name}:{line}: {f'{path}: ' if path else ''}{text}" for line, path, text in placed]


def _only_an_echo(found: ErrorDetails) -> bool:
    """A list whose entries are all wrong is also called too short; the entries are told already."""
    return found["type"] == "too_short" and bool(found["input"])


def _explain(found: ErrorDetails, root: Any) -> Problem:
    loc: Loc = tuple(part for part in found["loc"] if part != _KEY)
    if found["type"] == "missing":
        return Problem(loc, "it is missing; write it")
    if found["type"] == "extra_forbidden":
        return Problem(loc, _unknown_key(str(loc[-1]), _keys_at(root, loc[:-1])))
    if found["input"] is None:
        return Problem(loc, "it is empty; write a value, or take the key out where it may be left out")
    return Problem(loc, _wording(found, loc))


def _unknown_key(key: str, known: Iterable[str]) -> str:
    if key.casefold().replace("-", "_") in _VOLUNTARY:
        return "participation is always voluntary, there is no such key; take it out"
    return f"there is no such key. {nearest_hint(key, known)}"


def _wording(found: ErrorDetails, loc: Loc) -> str:
    context = found.get("ctx", {})
    if "expected" in context:
        return f"{found['input']!r} is not known here. {_hint(str(found['input']), str(context['expected']))}"
    template = _TYPES.get(found["type"])
    if template is None:
        return found["msg"].removeprefix("Value error, ")
    example = _EXAMPLES.get(str(loc[-1]) if loc else "", "f7")
    return template.format(input=found["input"], **{"example": example, **context})


def _hint(written: str, expected: str) -> str:
    return nearest_hint(written, re.findall(r"'([^']+)'", expected))


def _keys_at(kind: Any, loc: Loc) -> tuple[str, ...]:
    for part in loc:
        kind = _inside(kind, part)
    model = _bare(kind)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _inside(kind: Any, part: str | int) -> Any:
    """The type of what stands under `part` in a value of that type."""
    bare = _bare(kind)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return bare.model_fields[str(part)].annotation
    inner = get_args(bare)
    return (
        inner[1] if isinstance(get_origin(bare), type) and issubclass(get_origin(bare), Mapping) else inner[0]
    )


def _bare(kind: Any) -> Any:
    """The type without notes (Annotated) about it."""
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind
