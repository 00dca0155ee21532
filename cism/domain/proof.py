"""Proves a protocol before it can run, or says by place what cannot be kept and what to write instead.

What is proved holds for every day of a year, every zone and every sleep window that the roster takes. Dates
and zones are not walked through: they fall into classes (`proof_classes`), and the classes are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cism.domain.incident import Severity
from cism.domain.proof_contacts import check_contacts, classes
from cism.domain.proof_counts import Texts, most_texts
from cism.domain.proof_paths import Path, check_paths, paths
from cism.domain.proof_sessions import Reach, check_sessions, reaches
from cism.domain.protocol_model import Protocol
from cism.domain.yaml_lines import Problem

_PROOFS: Final[tuple[Callable[[Protocol], Iterator[Problem]], ...]] = (
    check_contacts,
    check_sessions,
    check_paths,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a proof found out, for whoever signs the protocol."""

    classes: int  # start minute by sleep window by kind of night
    texts: tuple[Texts, ...]  # by severity
    groups: tuple[Reach, ...]
    paths: tuple[Path, ...]


def problems_with(protocol: Protocol) -> list[Problem]:
    """What cannot be kept; nothing where the protocol is proved. Each section is taken to be sound by itself
    (`protocol_checks`).
    """
    return [problem for proof in _PROOFS for problem in proof(protocol)]


def facts_of(protocol: Protocol) -> Facts:
    """What a proved protocol does at its worst."""
    texts = tuple(most_texts(protocol, severity) for severity in Severity)
    return Facts(classes(), texts, tuple(reaches(protocol)), tuple(paths(protocol)))
