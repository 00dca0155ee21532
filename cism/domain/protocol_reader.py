"""From YAML to a checked protocol, or to every error at once by file and line."""

from __future__ import annotations

from pydantic import ValidationError

from cism.domain.protocol_model import Protocol
from cism.domain.yaml_lines import Loc, Problem, path_of, read_yaml
from cism.errors import BadInput


class ProtocolInvalid(BadInput):
    """The protocol file cannot be used."""

    problem = "protocol-invalid"


def read_protocol(text: str, name: str) -> Protocol:
    """The protocol in `text`; raises ProtocolInvalid with every error at once."""
    lined = read_yaml(text)
    problems = list(lined.problems)
    protocol = None
    if not problems:
        try:
            protocol = Protocol.model_validate(lined.value)
        except ValidationError as error:
            problems += [Problem(tuple(found["loc"]), found["msg"]) for found in error.errors()]
    if protocol is not None and not problems:
        return protocol
    lines = [_said(name, lined.line_of(p.loc) if p.line is None else p.line, p.loc, p.text) for p in problems]
    raise ProtocolInvalid("\n".join(lines), errors=lines)


def _said(name: str, line: int, loc: Loc, text: str) -> str:
    where = path_of(loc)
    return f"{name}:{line}: {where + ': ' if where else ''}{text}"
