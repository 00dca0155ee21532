"""A bound of a protocol itself: what may just be written is taken, what just may not is refused there."""

from __future__ import annotations

from datetime import time

import pytest

from cism.domain.protocol import ProtocolInvalid
from cism.domain.protocol_model import Protocol
from cism.domain.protocol_reader import read_protocol
from tests.domain.test_protocol_errors import BRIEFING, NAME, SHIPPED

BASE = SHIPPED.replace("sessions:\n", "sessions:\n" + BRIEFING)
ONE_HOUR = "duration: 2h"
BRIEFED = "size: [10, 300]"


def written(old: str, new: str) -> Protocol:
    """As it comes with one thing written otherwise; whether everybody is reached then is asked elsewhere."""
    assert BASE.count(old) >= 1
    return read_protocol(BASE.replace(old, new, 1), NAME, dict, prove=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("window: [16h, 40h]", "window: [24h, 40h]"),
        ("window: [16h, 40h]", "window: [16h, 24h]"),
        ("window: [30d, 33d]", "window: [30d, 33d], screen: pc-ptsd-5"),
        ('at: "10:00", window: [6d', 'at: "08:00", window: [6d'),
        ('at: "10:00", window: [6d', 'at: "20:59", window: [6d'),
        ('slot_hour: "14:00"', 'slot_hour: "08:00"'),
        ('slot_hour: "14:00"', 'slot_hour: "20:59"'),
        ("night: 60m", "night: 4h"),
        ("queue: {", "mhp: [{within: 5d, remind: 119h}]\nqueue: {"),
        ("ideal: 8h", "ideal: 12h"),
        ("size: [3, 20]", "size: [4, 4]"),
        ("duration: 45m", "duration: 45m\n    invite_before: 45m"),
        ("approve_within: 4h", "approve_within: 237h"),
        (ONE_HOUR, ONE_HOUR + "\n    team: {least: 2, one_for: 7, clinicians: 1}"),
        (ONE_HOUR, ONE_HOUR + "\n    after_funeral: [3d, 4d]"),
        (BRIEFED, BRIEFED + "\n    team: {least: 2, extra_for: 50}"),
        (BRIEFED, BRIEFED + "\n    again_after: [1d, 2d]"),
    ],
)
def test_what_may_just_be_written_is_taken(old: str, new: str) -> None:
    assert written(old, new).key == "sfa-follow-up"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("window: [16h, 40h]", "window: [24h, 24h]", "contacts[1].window"),
        ("window: [16h, 40h]", "window: [16h, 23h]", "contacts[1].window"),
        ("window: [6d, 8d]", "window: [6d, 8d], screen: tsq", "contacts[3].screen"),
        ('at: "10:00", window: [6d', 'at: "07:59", window: [6d', "contacts[3].at"),
        ('slot_hour: "14:00"', 'slot_hour: "21:00"', "sessions.cisd.slot_hour"),
        ("repeat: 15m", "repeat: 0m", "ladders.EMERGENCY.repeat"),
        ("day: 30m", "day: 0m", "queue.day"),
        ("size: [3, 20]", "size: [3, 21]", "sessions.defusing.size"),
        ("size: [3, 20]", "size: [5, 4]", "sessions.defusing.size"),
        ("disaster: [21d, 28d]", "disaster: [21d, 21d]", "sessions.cisd.disaster"),
        ("disaster: [21d, 28d]", "disaster: [20d, 28d]", "sessions.cisd.disaster"),
        ("approve_within: 4h", "approve_within: 238h", "sessions.cisd.approve_within"),
        (ONE_HOUR, ONE_HOUR + "\n    after_funeral: [3d, 3d]", "sessions.cisd.after_funeral"),
        (
            BRIEFED,
            BRIEFED + "\n    again_after: [1d, 1d]",
            "sessions.crisis_management_briefing.again_after[1]",
        ),
    ],
)
def test_what_just_may_not_is_refused_there_and_nowhere_else(old: str, new: str, where: str) -> None:
    with pytest.raises(ProtocolInvalid) as refused:
        written(old, new)
    assert [line.split(": ")[1] for line in refused.value.errors] == [where]


def test_a_time_of_day_keeps_its_minutes() -> None:
    assert written('slot_hour: "14:00"', 'slot_hour: "20:59"').sessions["cisd"].slot_hour == time(20, 59)


@pytest.mark.parametrize("mistake", ["? [a, b]\n: c\n", "key: x1\n"])
def test_a_key_that_cannot_be_taken_keeps_nothing_behind_it_from_being_read(mistake: str) -> None:
    with pytest.raises(ProtocolInvalid) as refused:
        read_protocol(mistake + BASE, NAME, dict, prove=False)
    assert len(refused.value.errors) == 1


def test_whether_anybody_is_asked_to_keep_in_touch_is_seen_for_each_severity_by_itself() -> None:
    calls, asked = "window: [85d, 95d], severities: [S2, S3, S4]", "window: [358d, 364d], opt_in"
    assert calls in BASE
    assert asked in BASE
    nobody_of_s2 = BASE.replace(calls, "window: [85d, 95d], severities: [S2], by: peer").replace(
        asked, "window: [358d, 364d], severities: [S1, S3, S4], opt_in"
    )
    assert read_protocol(nobody_of_s2, NAME, dict, prove=False).contacts[5].by == "peer"
