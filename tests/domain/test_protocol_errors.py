"""A broken protocol is refused at the line to mend, with what to write; nothing else is wrong then."""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.durations import parse_duration
from cism.domain.protocol import ProtocolInvalid, parse_protocol

NAME = "cism/protocols/x.yaml"
SHIPPED = resources.files("cism.protocols").joinpath("sfa-follow-up.yaml").read_text(encoding="utf-8")


def refusals(text: str) -> list[str]:
    with pytest.raises(ProtocolInvalid) as refused:
        parse_protocol(text, NAME)
    assert str(refused.value) == "\n".join(refused.value.errors)
    return refused.value.errors


def line_of(fragment: str, text: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


ROUTINE_ASSIGNED = "rungs: [assigned_peer, coordinator]"
# One mistake each: what is written, the mistake, where it is told, what is told.
MISTAKES = [
    ("id: f1, after: 24h", "id: f1, after: 1 day", "contacts[1].after", "e.g. 24h"),
    ("kind: elapsed, window: [16h", "kind: elapse, window: [16h", "contacts[1].kind", "Did you mean elapsed"),
    ('at: "10:00", window: [6d', "at: 25:00, window: [6d", "contacts[3].at", "write HH:MM, e.g. 10:00"),
    ("id: f7,", "id: seven,", "contacts[3].id", "f7 or fA"),
    ("by: peer", "by: sms", "contacts[0].by", "no text goes out before f1; write by: peer"),
    ("id: f30, after: 30d", "id: f30, after: 6d", "contacts[4].after", "put the points in order of time"),
    ("id: f30, after: 30d", "id: f30, after: 7d", "contacts[4].after", "it is not later than f7"),
    ("id: f30, after: 30d", "id: f7, after: 30d", "contacts[4].id", "f7 is there twice"),
    ("id: f1, after", "id: f2, after", "contacts", "f1, the contact of the next day, is missing"),
    ("window: [16h, 40h]", "window: [16h, 40h], opt_in: true", "contacts[1]", "f1 is for everybody"),
    ("window: [16h, 40h]", "window: [40h, 16h]", "contacts[1].window", "the smaller first"),
    ("window: [16h, 40h]", "window: [30h, 40h]", "contacts[1].window", "24h after the end of exposure lies"),
    ("window: [6d, 8d]", "window: [6d]", "contacts[3].window[1]", "it is missing"),
    ("window: [6d, 8d]", "window: [6d, 8d, 9d]", "contacts[3].window", "too many entries; write 2"),
    (
        "after: 7d, kind: date",
        "after: 170h, kind: date",
        "contacts[3].after",
        "counts whole days; write e.g. 7d",
    ),
    ("window: [358d, 364d]", "window: [358d, 365d]", "contacts[7].after", "before the anniversary"),
    (
        "window: [6d, 8d]",
        "window: [6d, 8d], screen: pc-ptsd-5",
        "contacts[3].screen",
        "no meaning before 720h",
    ),
    ('at: "10:00", window: [6d', 'at: "21:00", window: [6d', "contacts[3].at", "quiet hours"),
    ("S3: 2, S4: 2", "S3: 2", "activation.team", "S4 is missing"),
    ("S1: 1,", "S1: 0,", "activation.team.S1", "write 1 or more"),
    ("S1: 1,", "S9: 1, S1: 1,", "activation.team.S9", "Did you mean"),
    ("ask_extra: 1", "ask_xtra: 1", "activation.ask_xtra", "Did you mean ask_extra?"),
    ("ask_extra: 1", "ask_extra: one", "activation.ask_extra", "not a whole number"),
    ("answer_within: 10m", "answer_within: 0m", "activation.answer_within", "write e.g. 10m"),
    ("max_rounds: 6", "max_rounds: 101", "activation.max_rounds", "write 100 or less"),
    ("then: [coordinator, clinician]", "then: [clinician]", "activation.then", "add coordinator"),
    ("then: [coordinator, clinician]", "then: coordinator", "activation.then", "it must be a list"),
    ("ask_extra: 1", "companion: maybe", "activation.companion", "neither true nor false"),
    ("  defusing:  ", "  defusng:  ", "sessions.defusng", "Did you mean defusing?"),
    ("approval: clinician", "approval: none", "sessions.cisd.approval", "a clinician approves it"),
    (
        "approval: none",
        "blocked_for_types: [OIS_SHOTER]",
        "sessions.defusing.blocked_for_types",
        "OIS_SHOOTER",
    ),
    ("approval: none", "mandatory: true", "sessions.defusing.mandatory", "participation is always voluntary"),
    ("ideal: 8h", "ideal: 0h", "sessions.defusing.ideal", "write more than earliest"),
    ("ideal: 8h", "ideal: 13h", "sessions.defusing.latest", "write ideal or more"),
    ("latest: 12h", "latest: 13h", "sessions.defusing.latest", "write 12h or less"),
    ("earliest: 24h", "earliest: 23h", "sessions.cisd.earliest", "write 24h or more"),
    ("latest: 10d", "latest: 11d", "sessions.cisd.latest", "write 240h or less"),
    ("disaster: [21d, 28d]", "disaster: [9d, 28d]", "sessions.cisd.disaster", "write e.g. [21d, 28d]"),
    ("approve_within: 4h", "approve_within: 10d", "sessions.cisd.approve_within", "after the window closed"),
    ("size: [3, 20]", "size: [2, 20]", "sessions.defusing.size", "a group has 3 to 20"),
    ("duration: 45m", "duration: 0m", "sessions.defusing.duration", "write e.g. 45m"),
    (
        "duration: 45m",
        "duration: 45m\n    lead: chaplain",
        "sessions.defusing.lead",
        "Known: clinician, peer.",
    ),
    ("duration: 2h", "duration: 2h\n    lead: peer", "sessions.cisd.lead", "a cisd is led by clinician"),
    ("duration: 45m", "duration: 45m\n    anchor: release", "sessions.defusing.anchor", "from exposure_end"),
    ("duration: 45m", "duration: 45m\n    anchor: logged", "sessions.defusing.anchor", "is not known here"),
    ("duration: 45m", "duration: 45m\n    again_after: [1d]", "sessions.defusing.again_after", "held once"),
    (
        "duration: 45m",
        "duration: 45m\n    disaster: [21d, 28d]",
        "sessions.defusing.disaster",
        "it knows no later window for catastrophes; take it out",
    ),
    ("disaster: [21d, 28d]", "disaster: [28d, 21d]", "sessions.cisd.disaster", "the smaller first"),
    ("disaster: [21d, 28d]", "disaster: [21d, 29d]", "sessions.cisd.disaster", "write e.g. [21d, 28d]"),
    (
        "duration: 45m",
        "duration: 45m\n    invite_before: 30m",
        "sessions.defusing.invite_before",
        "told too late; write notice or more",
    ),
    (
        "disaster: [21d, 28d]",
        "as_disaster: true",
        "sessions.cisd.as_disaster",
        "write disaster, e.g. [21d, 28d]",
    ),
    (
        "window: [85d, 95d]",
        "window: [85d, 95d], by: peer",
        "contacts[5].by",
        "nobody would be asked for the points by opt-in; let f90 go by sms",
    ),
    (
        "duration: 2h",
        "duration: 2h\n    after_funeral: [7d, 3d]",
        "sessions.cisd.after_funeral",
        "write e.g. [3d, 7d]",
    ),
    (
        "duration: 2h",
        "duration: 2h\n    team: {least: 1, one_for: 7, clinicians: 1}",
        "sessions.cisd.team.least",
        "2 helpers at least",
    ),
    (
        "duration: 2h",
        "duration: 2h\n    team: {one_for: 8, clinicians: 1}",
        "sessions.cisd.team.one_for",
        "one helper for 7 at most",
    ),
    (
        "duration: 2h",
        "duration: 2h\n    team: {clinicians: 1}",
        "sessions.cisd.team.one_for",
        "one helper for 7 at most",
    ),
    (
        "duration: 2h",
        "duration: 2h\n    team: {one_for: 7}",
        "sessions.cisd.team.clinicians",
        "1 of them at least",
    ),
    ('slot_hour: "14:00"', 'slot_hour: "07:59"', "sessions.cisd.slot_hour", "e.g. 14:00"),
    ("ack: 5m", "ack: 15m", "ladders.EMERGENCY.voice", "write more than ack"),
    ("ack: 5m", "ack: 0m", "ladders.EMERGENCY.ack", "write e.g. 5m"),
    ("repeat: 15m", "repeat: 16m", "ladders.EMERGENCY.repeat", "write 15m or less"),
    (
        ROUTINE_ASSIGNED,
        "rungs: [coordinator, on_call_peer]",
        "ladders.ROUTINE.rungs",
        "end at a human in charge",
    ),
    (ROUTINE_ASSIGNED, "rungs: [asigned_peer]", "ladders.ROUTINE.rungs[0]", "Did you mean assigned_peer "),
    (ROUTINE_ASSIGNED, "rungs: []", "ladders.ROUTINE.rungs", "write at least one entry"),
    (
        "[clinician, clinician,",
        "[on_call_peer, clinician,",
        "ladders.EMERGENCY.rungs",
        "begin with clinician",
    ),
    ("    repeat: 15m", "    waking: true", "ladders.EMERGENCY.waking", "knows no quiet hours"),
    ("  EMERGENCY:", "  EMERGENZY:", "ladders.EMERGENZY", "Did you mean EMERGENCY"),
    ("night: 60m", "night: 5h", "queue.night", "at most 4h"),
    ("queue: {day: 30m, night: 60m}", "queue: soon", "queue", "it must be keys with values"),
    ("queue: {", "mhp: [{within: 5d, remind: 5d}]\nqueue: {", "mhp[0].remind", "write less than within"),
    ("reminder_after: 24h", "reminder_after: 23h", "reminder_after", "write 24h or more"),
    ("opt_in_after: 24h", "opt_in_after:", "opt_in_after", "it is empty"),
    ("version: 1", "version: 1\nversion: 2", "version", "written twice"),
    ("key: sfa-follow-up", "key: SFA", "key", "as in sfa-follow-up"),
    ("title: Stress First Aid and follow-up", "title: ''", "title", "it is empty"),
    ("title: Stress First Aid and follow-up", "title: [a]", "title", "it must be text"),
    ("version: 1", "version: 1\nrequired: yes", "required", "participation is always voluntary"),
]


@pytest.mark.parametrize(("old", "new", "where", "what"), MISTAKES, ids=[f"{m[2]} {m[1]}" for m in MISTAKES])
def test_one_mistake_is_told_once_at_its_place_with_a_remedy(
    old: str, new: str, where: str, what: str
) -> None:
    assert SHIPPED.count(old) >= 1
    broken = SHIPPED.replace(old, new, 1)
    told = [line for line in refusals(broken) if f": {where}: " in line]
    assert len(told) == 1
    assert what in told[0]
    assert told[0].startswith(f"{NAME}:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: f1, after: 24h", "id: f1, after: 1 day"),
        ("ask_extra: 1", "ask_xtra: 1"),
        ("by: peer", "by: sms"),
        ("approval: clinician", "approval: boss"),
        ("version: 1", "version: x"),
        ('slot_hour: "14:00"', "slot_hour: 14:00:00"),
    ],
)
def test_the_line_is_the_one_with_the_mistake(old: str, new: str) -> None:
    broken = SHIPPED.replace(old, new, 1)
    (told,) = refusals(broken)
    assert told.startswith(f"{NAME}:{line_of(new, broken)}: ")


BRIEFING = """  crisis_management_briefing:
    earliest: 0h
    ideal: 24h
    latest: 72h
    size: [10, 300]
"""


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ("    size: [9, 300]\n", "size", "write [10, 300]"),
        ("    team: {least: 2}\n", "team.extra_for", "one more for each 50"),
        ("    team: {least: 2, extra_for: 51}\n", "team.extra_for", "one more for each 50"),
        ("    again_after: [2d, 1d]\n", "again_after[1]", "put them in order"),
        ("    again_after: [0h]\n", "again_after[0]", "put them in order"),
        ("    anchor: release\n", "anchor", "incident_start or incident_end or exposure_end or funeral"),
    ],
)
def test_a_briefing_is_narrowed_and_never_widened(line: str, where: str, what: str) -> None:
    good = SHIPPED.replace("sessions:\n", "sessions:\n" + BRIEFING)
    assert parse_protocol(good, NAME).sessions["crisis_management_briefing"].size == (10, 300)
    size = "    size: [10, 300]\n"
    broken = good.replace(size, line if "size" in line else size + line)
    (told,) = refusals(broken)
    assert told.startswith(f"{NAME}:{line_of(line.strip(), broken)}: sessions.crisis_management_briefing.")
    assert f".{where}: " in told
    assert what in told


def test_a_short_group_after_a_death_needs_a_clinicians_word() -> None:
    group = "  lodd_group: {earliest: 0h, ideal: 12h, latest: 24h, approve_within: 1h}\n"
    (told,) = refusals(SHIPPED.replace("sessions:\n", "sessions:\n" + group))
    assert "sessions.lodd_group.approval: a lodd_group is only ever proposed" in told


def test_an_entry_of_a_list_has_its_own_line() -> None:
    broken = SHIPPED.replace(
        ROUTINE_ASSIGNED, "rungs:\n      - assigned_peer\n      - nobody\n      - coordinator"
    )
    (told,) = refusals(broken)
    assert told.startswith(f"{NAME}:{line_of('- nobody', broken)}: ladders.ROUTINE.rungs[1]: 'nobody'")


def test_limits_themselves_are_allowed() -> None:
    limit = SHIPPED
    for old, new in [("ideal: 8h", "ideal: 12h"), ("ideal: 72h", "ideal: 10d"), ("night: 60m", "night: 4h")]:
        limit = limit.replace(old, new, 1)
    assert parse_protocol(limit, NAME).sessions["defusing"].ideal == parse_duration("12h")


def test_a_mistake_reads_as_a_sentence_with_file_line_key_and_remedy() -> None:
    broken = SHIPPED.replace("id: f1, after: 24h", "id: f1, after: soon")
    line = line_of("after: soon", broken)
    assert refusals(broken) == [
        f"{NAME}:{line}: contacts[1].after: 'soon' is not a span of time; "
        "write a whole number and one of s m h d, e.g. 24h"
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    broken = SHIPPED
    for old, new in [
        ("version: 1", "version: x"),
        ("ask_extra", "ask_xtra"),
        ("approval: clinician", "approval: none"),
        ("by: peer", "by: sms"),
        ("ack: 5m", "ack: 20m"),
        ("night: 60m", "night: 60"),
    ]:
        broken = broken.replace(old, new, 1)
    told = refusals(broken)
    lines = [int(line.split(":")[1]) for line in told]
    assert len(told) == 6
    assert lines == sorted(lines)


def test_a_protocol_without_evidence_or_sources_is_refused() -> None:
    without = SHIPPED.replace("evidence_note: >-", "note: >-").replace("sources:", "links:")
    told = refusals(without)
    assert any(": evidence_note: it is missing" in line for line in told)
    assert any(": sources: it is missing" in line for line in told)


def test_every_level_needs_a_ladder() -> None:
    without = SHIPPED[: SHIPPED.index("  URGENT:")] + SHIPPED[SHIPPED.index("queue:") :]
    assert [line.split(": ", 2)[2] for line in refusals(without)] == [
        "EMERGENCY is missing; write its ack, voice and rungs",
        "URGENT is missing; write its ack, voice and rungs",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n- b\n", "it must be keys with values"),
        ("a: [1\nb: 2\n", "this is not YAML"),
        ("a: \x00", "this is not YAML"),
        ("? [a, b]\n: c\n", "a key must be a plain word"),
        ("a: &x [*x]\n", "it contains itself"),
        ("[" * 5000, "this is not YAML"),
    ],
)
def test_a_file_that_is_no_protocol_at_all_is_refused_in_words(text: str, what: str) -> None:
    assert any(what in line for line in refusals(text))


@given(st.text(alphabet="{}[]&*!|>-:?,#'\" \nabc019%@`~", max_size=60))
def test_no_text_gets_anything_but_a_refusal(text: str) -> None:
    assert refusals(text)


@settings(deadline=None)  # the first file that is sound pays for the proofs
@given(st.data())
def test_a_file_cut_or_garbled_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SHIPPED)))
    end = data.draw(st.integers(start, min(len(SHIPPED), start + 200)))
    garbled = (
        SHIPPED[:start] + data.draw(st.sampled_from(["", "x", ": ", "\n", "~", "[", "9"])) + SHIPPED[end:]
    )
    try:
        cisd = parse_protocol(garbled, NAME).sessions.get("cisd")
    except ProtocolInvalid as error:
        refused = error.errors
    else:
        assert cisd is None or cisd.approval == "clinician"
        return
    assert refused
    assert all(line.startswith(f"{NAME}:") for line in refused)
