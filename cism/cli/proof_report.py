"""What a proof of a protocol found out, for whoever signs it and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cism.domain.durations import format_duration
from cism.domain.proof import Facts
from cism.domain.proof_counts import Texts
from cism.domain.proof_paths import Path
from cism.domain.protocol import Protocol
from cism.services.proofs import TextFacts

_MINUTES_A_DAY = 1440


def as_lines(protocol: Protocol, facts: Facts) -> Iterator[str]:
    """The report of one protocol, a line a thing."""
    yield f"{protocol.key}, version {protocol.version}: {protocol.title}: proved"
    yield (
        f"  windows: each contact in open hours of its window, {facts.classes:,} classes "
        "(start minute by sleep window by kind of night), any zone, any day"
    )
    for texts in facts.texts:
        yield f"  {texts.severity}: {_texts(texts)}"
    for reach in facts.groups:
        share = f"{reach.minutes} of {_MINUTES_A_DAY} start minutes"
        yield f"  {reach.kind}, who sleeps {reach.sleeps}: in time from {share}; else one-to-one"
    for path in facts.paths:
        yield f"  {path.name}: {_path(path)}"


def of_texts(found: TextFacts) -> str:
    """The report of the texts, which are the same under every protocol."""
    return (
        f"texts: {found.kinds} kinds in {', '.join(found.languages)}, {found.rendered} written out with the "
        f"longest names, links and numbers: each one GSM-7 segment, the longest {found.longest} units; "
        "no word that carriers act on, no word that tells a bystander"
    )


def as_data(protocol: Protocol, facts: Facts) -> dict[str, Any]:
    """The same for programs."""
    return {
        "key": protocol.key,
        "version": protocol.version,
        "title": protocol.title,
        "classes": facts.classes,
        "texts": [{**asdict(texts), "total": texts.total} for texts in facts.texts],
        "groups": [asdict(reach) for reach in facts.groups],
        "paths": [
            {
                "name": path.name,
                "asked": [{"who": who, "after": format_duration(at)} for at, who in path.steps],
                "ends": path.ends,
            }
            for path in facts.paths
        ],
    }


def _texts(texts: Texts) -> str:
    parts = {
        "check-ins": texts.check_ins,
        "reminders": texts.reminders,
        "question to keep in touch": texts.opt_in,
        "invitations": texts.invitations,
        "more by opting in": texts.opted_in,
    }
    listed = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"at most {texts.total} texts a person ({listed}), {texts.most_a_day} on one day"


def _path(path: Path) -> str:
    asked = ", ".join(
        f"{who} after {format_duration(at)}" if at else f"{who} at once" for at, who in path.steps
    )
    return f"{asked}; then {path.ends}"
