"""Telling somebody outside of the programme: by which ground, to what kind of recipient, and by whom.

Another act than escalation inside: a peer who tells a clinician discloses nothing. The software tells nobody
anything; it records that two people decided to, by a code and without a word of what was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from cism.domain.yaml_lines import plain_yaml

CONFIRMED_WITHIN: Final = timedelta(hours=72)  # design: what nobody agreed to by then is proposed anew


class Checked(StrEnum):
    """How far an exception was looked up."""

    READ = "read"  # the passage itself
    SUMMARY = "summary"  # a summary of it alone
    UNVERIFIED = "unverified"  # from general knowledge, or not read at all


class Recipient(StrEnum):
    """To what kind of recipient."""

    EMERGENCY_SERVICES = "emergency_services"
    MEDICAL = "medical"  # who treats them
    THREATENED_PERSON = "threatened_person"
    LAW_ENFORCEMENT = "law_enforcement"
    PROTECTIVE_SERVICES = "protective_services"  # of children, elders, vulnerable adults
    COURT = "court"
    LICENSING_BOARD = "licensing_board"
    NAMED_BY_THEM = "named_by_them"  # somebody whom the person named
    EMPLOYER = "employer"  # only by their own consent


class DisclosureState(StrEnum):
    """How far it has come."""

    PROPOSED = "proposed"  # one person thinks that it must be
    CONFIRMED = "confirmed"  # a second one agrees: it may be told
    WITHDRAWN = "withdrawn"  # not agreed to, or not needed any more


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground on which confidentiality ends, where it is from, and how far that was checked."""

    key: str
    jurisdiction: str
    says: str
    source: str
    checked: Checked

    @property
    def warning(self) -> str | None:
        """What whoever selects it has to know; None where the passage itself was read."""
        if self.checked is Checked.READ:
            return None
        how = "only a summary was read" if self.checked is Checked.SUMMARY else "unverified"
        return f"{how}: ask counsel before you lean on {self.source}"


def _read(key: str, entry: Mapping[str, Any]) -> Ground:
    words = {name: str(entry[name]) for name in ("jurisdiction", "says", "source")}
    return Ground(key, checked=Checked(entry["checked"]), **words)


_DATA: Final[Mapping[str, Any]] = plain_yaml(
    resources.files("cism.domain.data").joinpath("disclosure.yaml").read_text(encoding="utf-8")
)
EXCEPTIONS: Final[Mapping[str, Ground]] = MappingProxyType(
    {key: _read(key, entry) for key, entry in _DATA.items()}
)
_BY_CONSENT: Final = frozenset({"consent", "federal_permission", "wa_consent"})


def refused_because(exception: str, recipient: Recipient) -> str | None:
    """Why this may not be proposed, in words that say what to do; None where it may."""
    if exception not in EXCEPTIONS:
        return f"there is no exception {exception!r}; `cism disclosure exceptions` lists them"
    if recipient is Recipient.EMPLOYER and exception not in _BY_CONSENT:
        return "the employer is told only by the person's own consent; choose another recipient, or that"
    if recipient is Recipient.NAMED_BY_THEM and exception not in _BY_CONSENT:
        return "somebody whom the person named is told by their consent; choose that"
    return None
