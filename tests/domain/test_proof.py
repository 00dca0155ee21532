"""For every property that is proved: a protocol that breaks it is refused for that reason at that line, and
passes once it is mended as the refusal says.
"""

from __future__ import annotations

from importlib import resources

import pytest

from cism.domain.incident import Severity
from cism.domain.proof import facts_of, problems_with
from cism.domain.protocol import ProtocolInvalid, load_protocol, parse_protocol, protocol_keys

NAME = "cism/protocols/x.yaml"
SHIPPED = resources.files("cism.protocols").joinpath("sfa-follow-up.yaml").read_text(encoding="utf-8")
SFA = load_protocol("sfa-follow-up")

BRIEFING = """\
  crisis_management_briefing:
    earliest: 0h
    ideal: 24h
    latest: 48h
    size: [10, 300]
    team: {{least: 2, one_for: {one_for}, extra_for: 50}}
  cisd: """

# property: what is written, what breaks it, where that is told, what is told, what mends it
BROKEN = {
    "a window that counts hours reaches everybody in every zone on every night": (
        "id: f3, after: 72h, kind: elapsed, window: [56h, 96h]",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 80h]",
        "contacts[2].window",
        "f3 does not reach somebody who sleeps 10:00 to 08:00 and left at 22:00; write [60h, 84h] or later",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 84h]",
    ),
    "a window also reaches whoever's night is an hour longer": (
        "id: f3, after: 72h, kind: elapsed, window: [56h, 96h]",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 82h]",
        "contacts[2].window",
        "in the night when the clocks go back; write [60h, 84h] or later",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 84h]",
    ),
    "a window also reaches whoever's night is two hours longer": (
        "id: f3, after: 72h, kind: elapsed, window: [56h, 96h]",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 5039m]",
        "contacts[2].window",
        "in the night when the clocks go back; write [60h, 84h] or later",
        "id: f3, after: 72h, kind: elapsed, window: [60h, 84h]",
    ),
    "a window that counts days reaches whoever sleeps at its hour": (
        "window: [6d, 8d]",
        "window: [6d, 7d]",
        "contacts[3].window",
        "f7 does not reach somebody who sleeps 10:00 to 08:00 and left at 00:00; write [6d, 8d] or later",
        "window: [6d, 8d]",
    ),
    "hours are counted as long as they are near": (
        'id: f30, after: 30d, kind: date, at: "10:00", window: [30d, 33d]',
        "id: f30, after: 720h, kind: elapsed, window: [720h, 750h]",
        "contacts[4].after",
        "hours are counted up to 14d; beyond, write kind: date",
        'id: f30, after: 30d, kind: date, at: "10:00", window: [30d, 33d]',
    ),
    "two points that count hours never fall together": (
        "window: [56h, 96h]",
        "window: [39h, 96h]",
        "contacts[2].window",
        "f3 can fall due before f1 has run out; let its window begin after 40h",
        "window: [41h, 96h]",
    ),
    "two points that count days never fall together": (
        'id: f30, after: 30d, kind: date, at: "10:00", window: [30d, 33d]',
        'id: f30, after: 8d, kind: date, at: "09:00", window: [8d, 33d]',
        "contacts[4].window",
        "f30 can fall due before f7 has run out",
        'id: f30, after: 9d, kind: date, at: "09:00", window: [9d, 33d]',
    ),
    "a point that counts days never falls together with one that counts hours": (
        'id: f7, after: 7d, kind: date, at: "10:00", window: [6d, 8d]',
        'id: f7, after: 4d, kind: date, at: "10:00", window: [4d, 8d]',
        "contacts[3].window",
        "f7 can fall due before f3 has run out; let its window begin after 4d",
        'id: f7, after: 5d, kind: date, at: "10:00", window: [5d, 8d]',
    ),
    "whoever is contacted by opting in was asked before": (
        "window: [56h, 96h], severities: [S2, S3, S4]}",
        "window: [56h, 96h], severities: [S2], opt_in: true}",
        "contacts[2].opt_in",
        "of S2, f3 falls due before anybody was asked whether they want it; put it well after f90, or take",
        "window: [56h, 96h], severities: [S2]}",
    ),
    "no text is planned for an hour at which people may sleep": (
        "id: f0, after: 0h, kind: elapsed, window: [0h, 6h], by: peer}\n"
        "  - {id: f1, after: 24h, kind: elapsed, window: [16h, 40h]}",
        "id: f1, after: 0h, kind: elapsed, window: [0h, 40h]}",
        "contacts[0]",
        "by: f1 would be texted at once, whatever the hour; write by: peer, or a later hour",
        "id: f1, after: 24h, kind: elapsed, window: [0h, 40h]}",
    ),
    "the question to keep in touch is a text": (
        "window: [85d, 95d], severities: [S2, S3, S4]}",
        "window: [85d, 95d], severities: [S2, S3, S4], by: peer}",
        "contacts[5].by",
        "nobody would be asked for the points by opt-in; let f90 go by sms",
        "window: [85d, 95d], severities: [S2, S3, S4], by: sms}",
    ),
    "those in charge hear in time that there is no team": (
        "max_rounds: 6",
        "max_rounds: 25",
        "activation.max_rounds",
        "nobody in charge hears for 250m that there is no team; write fewer rounds",
        "max_rounds: 24",
    ),
    "every ladder comes to a human in charge before the call is due": (
        "ack: 5m",
        "ack: 6m",
        "ladders.EMERGENCY.ack",
        "coordinator is asked after 18m, when the call is overdue; write less, or take a rung out",
        "ack: 5m",
    ),
    "a group of the same day has an hour in its window": (
        "    notice: 45m\n    duration: 45m",
        "    notice: 12h\n    duration: 45m",
        "sessions.defusing.latest",
        "whoever sleeps at night finds no hour in a window of 12h with 12h to arrange and 45m to hold",
        "    notice: 6h\n    duration: 45m",
    ),
    "a group of a later day has an hour from every start, also for those who sleep by day": (
        "    duration: 2h",
        "    duration: 6h",
        "sessions.cisd.latest",
        "whoever sleeps by day finds no hour in a window of 9d with 10h to arrange and 6h to hold",
        "    duration: 5h",
    ),
    "the later window for catastrophes has an hour as well": (
        "    disaster: [21d, 28d]",
        "    disaster: [21d, 510h]",
        "sessions.cisd.disaster",
        "whoever sleeps at night finds no hour in a window of 6h",
        "    disaster: [21d, 23d]",
    ),
    "the helpers of a group have had time to answer when it begins": (
        "    notice: 45m",
        "    notice: 5m",
        "sessions.defusing.notice",
        "it could begin before its helpers have had their 10m to answer; write 10m or more",
        "    notice: 10m",
    ),
    "a team is never asked for more clinicians than lead": (
        "    approval: none",
        "    team: {least: 2, one_for: 7, clinicians: 1}\n    approval: none",
        "sessions.defusing.team.clinicians",
        "only its leader is asked as a clinician; write clinicians: 0",
        "    team: {least: 2, one_for: 7}\n    approval: none",
    ),
    "a team can be as large as its ratio wants": (
        "  cisd: ",
        BRIEFING.format(one_for=5),
        "sessions.crisis_management_briefing.size",
        "300 people need 66 helpers, more than a team has (50); write a smaller size",
        BRIEFING.format(one_for=7),
    ),
    "the phases of a group are in the practice's order": (
        "    approval: none",
        "    phases: [Exploration, Introduction, Information]\n    approval: none",
        "sessions.defusing.phases",
        "they are Introduction, Exploration, Information, in this order; write them so, or nothing",
        "    phases: [Introduction, Exploration, Information]\n    approval: none",
    ),
    "silence comes to an end": (
        "answer_wait: 24h",
        "answer_wait: 0h",
        "answer_wait",
        "two texts would come at once; write e.g. 24h",
        "answer_wait: 24h",
    ),
    "nobody is asked two things at once": (
        "opt_in_after: 24h",
        "opt_in_after: 0h",
        "opt_in_after",
        "two texts would come at once; write e.g. 24h",
        "opt_in_after: 24h",
    ),
    "the coordinator is not asked without a pause": (
        "still_exposed_ask: 2h",
        "still_exposed_ask: 0h",
        "still_exposed_ask",
        "asked again before they could find out; write 15m or more",
        "still_exposed_ask: 15m",
    ),
}


def refusals(text: str) -> list[str]:
    with pytest.raises(ProtocolInvalid) as refused:
        parse_protocol(text, NAME)
    return refused.value.errors


def line_to_mend(text: str, place: str, mistake: str) -> int:
    """A point stands on one line; elsewhere the line of the key, found by reading down the file."""
    at = text.index(mistake)
    if not place.startswith("contacts"):
        at = 0
        for key in place.split("."):
            at = text.index(f"{key}:", at)
    return text[:at].count("\n") + 1


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_protocol_is_refused_at_the_line_to_mend_and_passes_once_mended(
    broken: tuple[str, str, str, str, str],
) -> None:
    written, mistake, place, said, mended = broken
    assert written in SHIPPED
    text = SHIPPED.replace(written, mistake, 1)
    assert len(refusals(text)) == 1
    assert refusals(text)[0].startswith(f"{NAME}:{line_to_mend(text, place, mistake)}: {place}")
    assert said in refusals(text)[0]
    parse_protocol(SHIPPED.replace(written, mended, 1), NAME)


def test_every_reason_is_told_at_once() -> None:
    text = SHIPPED.replace("ack: 5m", "ack: 6m").replace("[56h, 96h]", "[60h, 80h]")
    assert len(refusals(text)) == 2


def test_what_is_wrong_with_a_section_is_told_before_anything_is_proved() -> None:
    text = SHIPPED.replace("ack: 5m", "ack: 0m").replace("[56h, 96h]", "[60h, 80h]")
    assert ["nobody can answer in no time" in line for line in refusals(text)] == [True]


@pytest.mark.parametrize("key", protocol_keys())
def test_every_protocol_that_comes_with_it_is_proved(key: str) -> None:
    assert problems_with(load_protocol(key)) == []


def test_a_window_that_is_left_open_reaches_everybody() -> None:
    rule = SFA.contacts[1].model_copy(update={"window": None})
    protocol = SFA.model_copy(update={"contacts": (SFA.contacts[0], rule, *SFA.contacts[3:])})
    assert problems_with(protocol) == []


def test_where_everything_hangs_on_opting_in_nobody_is_ever_asked() -> None:
    first = SFA.contacts[1].model_copy(update={"after": SFA.contacts[0].after, "by": "peer"})
    protocol = SFA.model_copy(update={"contacts": (first, SFA.contacts[-1])})
    assert {problem.loc for problem in problems_with(protocol)} == {("contacts", 1, "opt_in")}


# What a proof tells whoever signs.


def test_a_proof_counts_the_most_texts_that_anybody_can_get() -> None:
    of = {texts.severity: texts for texts in facts_of(SFA).texts}
    # f1, f7, f30 and the reminders of two of them; the third is followed by the opt-in
    assert (of[Severity.S1].check_ins, of[Severity.S1].reminders, of[Severity.S1].opt_in) == (3, 2, 1)
    assert (of[Severity.S3].check_ins, of[Severity.S3].reminders, of[Severity.S3].opt_in) == (5, 4, 1)
    assert of[Severity.S2].opted_in == 2  # fA and its reminder
    assert of[Severity.S3].opted_in == 4  # and f180


def test_two_check_ins_and_an_invitation_are_the_most_of_a_day() -> None:
    found = facts_of(SFA)
    assert {texts.most_a_day for texts in found.texts} == {3}
    alone = SFA.model_copy(update={"sessions": {}, "reminder_after": SFA.reminder_after * 100})
    assert {texts.most_a_day for texts in facts_of(alone).texts} == {2}  # an answer is followed at once


def test_a_meeting_that_is_held_again_invites_again_and_only_where_it_is_grave_enough() -> None:
    again = SFA.sessions["defusing"].model_copy(
        update={"again_after": (SFA.opt_in_after,), "severities": frozenset({Severity.S3})}
    )
    protocol = SFA.model_copy(update={"sessions": {"defusing": again}})
    invited = {texts.severity: texts.invitations for texts in facts_of(protocol).texts}
    assert invited == {Severity.S1: 0, Severity.S2: 0, Severity.S3: 2, Severity.S4: 0}


def test_where_nothing_hangs_on_opting_in_the_last_check_in_has_its_reminder() -> None:
    promised = tuple(rule for rule in SFA.contacts if not rule.opt_in)
    found = facts_of(SFA.model_copy(update={"contacts": promised})).texts[0]
    assert (found.check_ins, found.reminders, found.opt_in) == (3, 3, 0)


def test_a_protocol_of_calls_alone_sends_no_text() -> None:
    calls = tuple(rule.model_copy(update={"by": "peer"}) for rule in SFA.contacts)
    protocol = SFA.model_copy(update={"sessions": {}, "contacts": calls})
    assert {texts.total for texts in facts_of(protocol).texts} == {0}
    assert {texts.most_a_day for texts in facts_of(protocol).texts} == {0}


def test_a_proof_names_whom_every_way_comes_to() -> None:
    found = {path.name: path for path in facts_of(SFA).paths}
    assert [role for _, role in found["URGENT"].steps] == list(SFA.ladders["URGENT"].rungs)  # type: ignore[index]
    assert "until a human closes it" in found["EMERGENCY"].ends
    assert [role for _, role in found["team"].steps] == ["coordinator", "clinician"]
    assert "defusing" not in found  # nobody is asked about an offer
    assert "one-to-one" in found["cisd"].ends


def test_a_proof_stands_for_every_start_minute_sleep_window_and_night() -> None:
    assert facts_of(SFA).classes == 1440 * 780 * 7
