"""Protocols: read a file, check it, keep it with the incident that started with it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import time, timedelta
from functools import cache
from importlib import resources

from pydantic import BaseModel

from cism.domain.durations import format_duration
from cism.domain.protocol_model import (
    EVERY_SEVERITY,
    ActivationRule,
    ContactRule,
    LadderRule,
    MhpRule,
    OfferRule,
    Protocol,
    QueueRule,
    RungRole,
    SessionRule,
)
from cism.domain.protocol_reader import ProtocolInvalid, read_protocol
from cism.domain.suggestions import nearest_hint
from cism.errors import NotFound

__all__ = [
    "DEFAULT_PROTOCOL",
    "EVERY_SEVERITY",
    "ActivationRule",
    "ContactRule",
    "LadderRule",
    "MhpRule",
    "OfferRule",
    "Protocol",
    "ProtocolInvalid",
    "ProtocolUnknown",
    "QueueRule",
    "RungRole",
    "SessionRule",
    "digest",
    "from_json",
    "load_protocol",
    "parse_protocol",
    "protocol_keys",
    "protocol_or_default",
    "shipped_keys",
    "to_json",
    "use_protocols",
]

DEFAULT_PROTOCOL = "sfa-follow-up"
_FOLDER = "cism/protocols"
_own: dict[str, Protocol] = {}


class ProtocolUnknown(NotFound):
    """There is no protocol by that key."""

    problem = "protocol-unknown"
    status = 422


def protocol_keys() -> tuple[str, ...]:
    """The keys of the protocols that can be chosen, in alphabetical order: those that come with the product,
    and the installation's own."""
    return tuple(sorted({*shipped_keys(), *_own}))


def use_protocols(own: Mapping[str, Protocol]) -> None:
    """Let these be chosen from now on, beside the shipped ones; they replace those of the last call."""
    _own.clear()
    _own.update(own)


def load_protocol(key: str) -> Protocol:
    """The protocol by that key.

    Raises ProtocolUnknown, which names the nearest key, and ProtocolInvalid when its file is broken.
    """
    if key in _own:
        return _own[key]
    if key not in shipped_keys():
        message = f"There is no protocol {key!r}. {nearest_hint(key, protocol_keys())}"
        raise ProtocolUnknown(message)
    return _shipped(key)


def protocol_or_default(key: str) -> Protocol:
    """The protocol by that key, or the default where it is gone: nobody is left without a response because
    a file was taken away."""
    return load_protocol(key if key in protocol_keys() else DEFAULT_PROTOCOL)


def parse_protocol(text: str, name: str) -> Protocol:
    """The protocol that `text` (YAML) writes, whole or as a difference to one that comes with the product;
    `name` is the file's name for the reader of errors.

    Raises ProtocolInvalid with every error at once, each with file, line, key and what to write.
    """
    return read_protocol(text, name, _bases)


@cache
def shipped_keys() -> tuple[str, ...]:
    """The keys of the protocols that come with the product, in alphabetical order."""
    files = resources.files("cism.protocols").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def prove_shipped(key: str) -> Protocol:
    """One that comes with the product, proved anew, whatever became of its file since it was packed.

    Raises ProtocolInvalid with every error at once.
    """
    return parse_protocol(_text(key), f"{_FOLDER}/{key}.yaml")


@cache
def _shipped(key: str) -> Protocol:
    # proved where the product is tested, and by `cism protocols check`; not again in each process
    return read_protocol(_text(key), f"{_FOLDER}/{key}.yaml", _bases, prove=False)


def _bases() -> dict[str, str]:
    return {key: _text(key) for key in shipped_keys()}


def _text(key: str) -> str:
    return resources.files("cism.protocols").joinpath(f"{key}.yaml").read_text(encoding="utf-8")


def to_json(protocol: Protocol) -> str:
    """The whole protocol in one canonical line, as an incident keeps it."""
    return json.dumps(_plain(protocol), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@functools.lru_cache(maxsize=64)  # few versions are in use at a time, and each is asked for at every act
def from_json(text: str) -> Protocol:
    """The protocol that `to_json` wrote; raises ValueError when it was altered beyond reading.

    It is not checked again: what an incident started with stays valid for that incident.
    """
    return Protocol.model_validate_json(text)


def digest(protocol: Protocol) -> str:
    """SHA-256 of the protocol, hexadecimal; the same in every process and for every way to write the file."""
    return hashlib.sha256(to_json(protocol).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return {name: _plain(part) for name, part in value if part is not None}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(part) for part in value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, timedelta):
        return format_duration(value)
    return value.strftime("%H:%M") if isinstance(value, time) else value
