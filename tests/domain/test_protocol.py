"""The shipped protocols, durations, and keeping a protocol with its incident."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import time, timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.durations import format_duration, parse_duration
from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Circle, Severity
from cism.domain.protocol import (
    DEFAULT_PROTOCOL,
    ContactRule,
    ProtocolUnknown,
    digest,
    from_json,
    load_protocol,
    parse_protocol,
    protocol_keys,
    protocol_or_default,
    prove_shipped,
    shipped_keys,
    to_json,
    use_protocols,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@given(st.integers(0, 999_999), st.sampled_from("smhd"))
def test_every_written_span_reads_back_as_itself(number: int, unit: str) -> None:
    size = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[unit]
    span = parse_duration(f"{number}{unit}")
    assert span == timedelta(seconds=number * size)


@given(st.integers(0, 900_000).map(lambda minutes: timedelta(minutes=minutes)))
def test_every_span_can_be_written_and_read(span: timedelta) -> None:
    assert parse_duration(format_duration(span)) == span


@given(st.text(max_size=8).filter(lambda text: not text.strip()[:-1].isdecimal()))
def test_whatever_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write a whole number and one of s m h d, "):
        parse_duration(text)


@pytest.mark.parametrize("text", ["24", "-1h", "1.5h", "24 h", "٣h", "1w", "1H", "", "9999999h"])
def test_near_misses_of_a_span_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a span of time"):
        parse_duration(text)


@pytest.mark.parametrize("span", [timedelta(seconds=-1), timedelta(milliseconds=1)])
def test_a_span_that_cannot_be_written_is_not_rounded(span: timedelta) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        format_duration(span)


def test_the_default_protocol_and_the_shooting_protocol_are_shipped() -> None:
    assert {"iacp-ois", "sfa-follow-up"} <= set(protocol_keys())
    assert load_protocol(DEFAULT_PROTOCOL).key == "sfa-follow-up"


def test_one_that_is_proved_anew_is_the_one_that_is_used() -> None:
    assert prove_shipped("sfa-follow-up") == load_protocol("sfa-follow-up")


@pytest.mark.parametrize("key", protocol_keys())
def test_every_shipped_protocol_is_valid_and_says_what_it_rests_on(key: str) -> None:
    protocol = load_protocol(key)
    assert protocol.key == key
    assert "does not claim to prevent PTSD" in protocol.evidence_note
    assert "design" in protocol.evidence_note
    assert all(source.strip() for source in protocol.sources)
    assert load_protocol(key) is protocol


def test_the_cadence_by_severity_is_that_of_the_contract() -> None:
    protocol = load_protocol("sfa-follow-up")

    def points(severity: Severity, opt_in: bool) -> list[str]:
        return [rule.id for rule in protocol.contacts_for(severity) if rule.opt_in is opt_in]

    assert points(Severity.S1, opt_in=False) == ["f0", "f1", "f7", "f30"]
    assert points(Severity.S2, opt_in=False) == ["f0", "f1", "f3", "f7", "f30", "f90"]
    assert (
        points(Severity.S4, opt_in=False)
        == points(Severity.S3, opt_in=False)
        == points(Severity.S2, opt_in=False)
    )
    assert points(Severity.S4, opt_in=True) == ["f180", "fA"]
    assert points(Severity.S1, opt_in=True) == ["fA"]


def test_only_the_peer_calls_before_the_first_check_in() -> None:
    protocol = load_protocol("sfa-follow-up")
    f0, f1 = protocol.contact("f0"), protocol.contact("f1")
    assert f0 is not None
    assert f0.by == "peer"
    assert f1 is not None
    assert (f1.by, f1.kind, f1.after, f1.window) == ("sms", "elapsed", 24 * HOUR, (16 * HOUR, 40 * HOUR))
    assert protocol.contact("f2") is None


def test_day_scale_points_go_out_from_ten_on_their_date() -> None:
    points = [rule for rule in load_protocol("sfa-follow-up").contacts if rule.kind != "elapsed"]
    assert [(rule.id, rule.at) for rule in points] == [
        (point, time(10, 0)) for point in ("f7", "f30", "f90", "f180", "fA")
    ]
    assert points[-1].window == (358 * DAY, 364 * DAY)  # seven days to one day before the anniversary


def test_the_windows_of_groups_are_those_of_the_literature() -> None:
    sessions = load_protocol("sfa-follow-up").sessions
    defusing, cisd = sessions["defusing"], sessions["cisd"]
    assert (defusing.earliest, defusing.ideal, defusing.latest) == (0 * HOUR, 8 * HOUR, 12 * HOUR)
    assert (cisd.earliest, cisd.ideal, cisd.latest) == (24 * HOUR, 72 * HOUR, 10 * DAY)
    assert cisd.disaster == (21 * DAY, 28 * DAY)
    assert (defusing.approval, cisd.approval) == ("none", "clinician")
    assert defusing.size == cisd.size == (3, 20)


def test_a_shooting_has_a_companion_no_group_before_statements_and_individual_sessions() -> None:
    protocol = load_protocol("iacp-ois")
    assert protocol.activation.companion
    assert all(rule.after_statements for rule in protocol.sessions.values())
    assert protocol.sessions["cisd"].statement_circles == {Circle.A, Circle.B}
    assert [(rule.within, rule.remind) for rule in protocol.mhp] == [
        (7 * DAY, 5 * DAY),
        (120 * DAY, 113 * DAY),
        (364 * DAY, 357 * DAY),  # before the first anniversary
    ]
    assert not load_protocol("sfa-follow-up").mhp


def test_the_ladders_keep_the_targets_of_the_practice() -> None:
    ladders = load_protocol("sfa-follow-up").ladders
    urgent, emergency = ladders[EscalationLevel.URGENT], ladders[EscalationLevel.EMERGENCY]
    assert (urgent.ack, urgent.voice) == (timedelta(minutes=15), HOUR)
    assert (emergency.ack, emergency.voice) == (timedelta(minutes=5), timedelta(minutes=15))
    assert emergency.rungs[0] == "clinician"
    assert ladders[EscalationLevel.ROUTINE].waking
    assert {rule.repeat for rule in ladders.values()} == {timedelta(minutes=15)}


def test_an_unknown_protocol_names_the_nearest() -> None:
    with pytest.raises(ProtocolUnknown, match=r"no protocol 'iacp-osi'. Did you mean iacp-ois\?"):
        load_protocol("iacp-osi")
    with pytest.raises(ProtocolUnknown, match="Known: cism-classic, fra-272, iacp-ois, "):
        load_protocol("../../etc/passwd")


def test_an_installations_own_protocols_are_chosen_like_the_shipped_ones() -> None:
    own = load_protocol("trim").model_copy(update={"key": "ours"})
    use_protocols({"ours": own})
    try:
        assert set(protocol_keys()) == {*shipped_keys(), "ours"}
        assert load_protocol("ours") is protocol_or_default("ours") is own
    finally:
        use_protocols({})
    assert protocol_keys() == shipped_keys()


def test_where_a_protocol_is_gone_the_default_answers() -> None:
    assert protocol_or_default("trim").key == "trim"
    assert protocol_or_default("taken-away") is load_protocol(DEFAULT_PROTOCOL)


@pytest.mark.parametrize("key", protocol_keys())
def test_an_incident_keeps_the_protocol_it_started_with(key: str) -> None:
    protocol = load_protocol(key)
    kept = to_json(protocol)
    assert from_json(kept) == protocol
    assert to_json(from_json(kept)) == kept
    assert digest(from_json(kept)) == digest(protocol)
    assert "1d" in [point["after"] for point in json.loads(kept)["contacts"]]


def test_the_digest_is_the_same_in_every_process() -> None:
    code = "from cism.domain.protocol import *; print(digest(load_protocol('iacp-ois')))"
    seen = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        seen.add(run.stdout.strip())
    assert seen == {digest(load_protocol("iacp-ois"))}


def test_the_digest_changes_with_a_number_and_not_with_the_way_of_writing(shipped: str) -> None:
    same = parse_protocol(
        shipped.replace("answer_within: 10m", "answer_within: 600s  # ten minutes"), "p.yaml"
    )
    other = parse_protocol(shipped.replace("answer_within: 10m", "answer_within: 11m"), "p.yaml")
    assert digest(same) == digest(load_protocol("sfa-follow-up"))
    assert digest(other) != digest(same)


def test_a_protocol_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_protocol("iacp-ois").version = 2  # type: ignore[misc]


@pytest.fixture
def shipped() -> str:
    return resources.files("cism.protocols").joinpath("sfa-follow-up.yaml").read_text(encoding="utf-8")


def test_a_contact_point_may_do_without_a_window(shipped: str) -> None:
    without = parse_protocol(shipped.replace(", window: [56h, 96h]", ""), "p.yaml").contact("f3")
    assert without is not None
    assert without.window is None


def test_a_rule_can_be_built_from_values_as_well() -> None:
    rule = ContactRule(id="f7", after=7 * DAY, kind="date", at=time(9, 30))
    assert (rule.after, rule.at, rule.by) == (7 * DAY, time(9, 30), "sms")


def test_what_an_incident_keeps_of_a_protocol_has_the_letters_of_every_language() -> None:
    assert '"title":"Primeros años"' in to_json(
        load_protocol("trim").model_copy(update={"title": "Primeros años"})
    )
