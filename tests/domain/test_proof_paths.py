"""Every way that asking goes, as it is told to whoever reads a protocol's proof."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.proof_paths import Path, paths
from cism.domain.protocol import load_protocol

HOUR = timedelta(hours=1)
SFA = load_protocol("sfa-follow-up")


def test_every_way_is_told_with_whom_it_comes_to_when_and_how_it_ends() -> None:
    found = {path.name: path for path in paths(SFA.model_copy(update={"answer_wait": 30 * HOUR}))}
    assert found["team"] == Path(
        "team",
        ((HOUR, "coordinator"), (HOUR, "clinician")),
        "they are asked to take over, by name",
    )
    assert found["ROUTINE"] == Path(
        "ROUTINE",
        ((timedelta(0), "assigned_peer"), (4 * HOUR, "coordinator")),
        "all of them every 15m with an alarm, until a human closes it",
    )
    assert found["cisd"] == Path(
        "cisd", ((2 * HOUR, "a clinician"),), "the next clinician every 4h; after the last, one-to-one"
    )
    assert found["check-in"] == Path(
        "check-in", ((24 * HOUR, "one reminder"),), "recorded as not reached after 54h; the next point stays"
    )
