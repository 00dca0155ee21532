"""From YAML to a checked protocol, or to every error at once by file and line."""

from __future__ import annotations

from typing import Any

from cism.domain.model_errors import said, validated
from cism.domain.proof import problems_with
from cism.domain.protocol_checks import check_section
from cism.domain.protocol_difference import Bases, is_difference, whole
from cism.domain.protocol_model import Protocol
from cism.domain.yaml_lines import Lined, Problem, read_yaml
from cism.errors import BadInput


class ProtocolInvalid(BadInput):
    """The protocol file cannot be used."""

    problem = "protocol-invalid"


def read_protocol(text: str, name: str, bases: Bases, *, prove: bool = True) -> Protocol:
    """The protocol in `text`, perhaps a difference to one of `bases`; `prove` unless it is known to hold.

    Raises ProtocolInvalid with every error at once, one a line.
    """
    lined = read_yaml(text)
    if is_difference(lined):
        lined = whole(lined, bases)
    protocol, problems = _read(lined, prove)
    if protocol is not None and not problems:
        return protocol
    lines = said(name, lined, problems)
    raise ProtocolInvalid("\n".join(lines), errors=lines)


def _read(lined: Lined, prove: bool) -> tuple[Protocol | None, list[Problem]]:
    if lined.value is None:
        return None, lined.problems or [Problem((), "the file is empty; write a protocol into it")]
    protocol, problems = validated(lined.value, Protocol)
    for section in Protocol.model_fields:
        problems += check_section(section, _section(lined.value, protocol, section))
    if prove and protocol is not None and not problems:
        problems = problems_with(protocol)  # a proof takes each section to be sound by itself
    return protocol, [*lined.problems, *problems]


def _section(written: object, protocol: Protocol | None, name: str) -> Any:
    """One section, even when another one is broken, so that all errors are told at once; else None."""
    if protocol is not None:
        return getattr(protocol, name)
    if not isinstance(written, dict) or name not in written:
        return None
    return validated(written[name], Protocol.model_fields[name].annotation)[0]
