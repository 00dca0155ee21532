"""Every protocol has a golden rehearsal, and no two rehearse the same incident alike."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import pytest

from cism.cli import rehearse_input
from cism.domain.protocol import load_protocol, protocol_keys
from cism.domain.rehearsed import Rehearsed, compare, masked
from cism.services import rehearsal_ground
from cism.services.rehearsal import rehearse
from tests.conftest import START
from tests.golden import FOLDER, golden


@pytest.mark.parametrize("key", protocol_keys())
def test_a_protocol_rehearses_as_its_golden_file_says(key: str) -> None:
    file = FOLDER / f"{key}.txt"
    assert file.is_file(), f"{key} has no golden rehearsal: run `make golden`, and read what it wrote"
    assert golden(key).splitlines() == file.read_text(encoding="utf-8").splitlines()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} <= set(protocol_keys())


@cache
def same_incident(key: str) -> Rehearsed:
    """The incident of the default protocol under another one."""
    script = rehearse_input.script(None, "sfa-follow-up", START, sample=True)
    return rehearse(load_protocol(key), script, rehearsal_ground.sample())


@pytest.mark.parametrize(("one", "other"), list(combinations(protocol_keys(), 2)))
def test_no_two_protocols_rehearse_the_same_incident_alike(one: str, other: str) -> None:
    assert compare(same_incident(one), same_incident(other)), f"{one} and {other} play alike"


@pytest.mark.parametrize("key", protocol_keys())
def test_nobody_who_is_looked_after_is_texted_in_their_sleep(key: str) -> None:
    asleep = [
        (item.person, item.kind, item.at)
        for item in same_incident(key).texts
        if item.kind in {"check_in", "check_in_reminder", "opt_in", "invitation"} and item.asleep
    ]
    assert asleep == []


def test_a_rehearsal_says_nothing_that_a_golden_file_would_not_repeat() -> None:
    found = same_incident("sfa-follow-up")
    assert any(masked(item.text) != item.text for item in found.said)
