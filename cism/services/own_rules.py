"""What an installation adds to the practice without code: its own types of incident and its own protocols.

`CISM_HOME/types.yaml` and `CISM_HOME/protocols/*.yaml`, read when a process starts. What is not sound is
refused with file and line, and nothing starts with it: an incident would be answered by rules that nobody
proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cism.domain.incident_types import INCIDENT_TYPES, IncidentTypesInvalid, load_incident_types
from cism.domain.protocol import Protocol, parse_protocol, shipped_keys, use_protocols
from cism.domain.protocol_reader import ProtocolInvalid
from cism.errors import ConfigurationError

TYPES: Final = "types.yaml"
PROTOCOLS: Final = "protocols"


def use_installed(home: Path) -> None:
    """Use the types and protocols of CISM_HOME from now on, beside the shipped ones.

    Raises ConfigurationError, which says where the first error is, and what to write.
    """
    file = home / TYPES
    try:
        INCIDENT_TYPES.use(load_incident_types(file if file.exists() else None))
        use_protocols(own_protocols(home))
    except (IncidentTypesInvalid, ProtocolInvalid) as error:
        told = error.errors or [str(error)]
        message = f"{told[0]}{_more(len(told) - 1)}; nothing starts before it is mended"
        raise ConfigurationError(message) from error


def own_protocols(home: Path) -> Mapping[str, Protocol]:
    """The installation's own protocols by key, each proved; raises ProtocolInvalid where one is not."""
    found: dict[str, Protocol] = {}
    for path in sorted((home / PROTOCOLS).glob("*.yaml")):
        protocol = parse_protocol(_read(path), str(path))
        if protocol.key in (*found, *shipped_keys()):
            message = f"{path}: key: there is another protocol {protocol.key}; give each a key of its own"
            raise ProtocolInvalid(message, errors=[message])
        found[protocol.key] = protocol
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path}: it cannot be read: {error.strerror}; make it readable, or take it away"
        raise ProtocolInvalid(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: it is not UTF-8; save it as UTF-8"
        raise ProtocolInvalid(message) from error


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""
