"""A protocol by difference: only what is otherwise is written, and the whole of it is proved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.escalation_level import EscalationLevel
from cism.domain.protocol import Protocol, ProtocolInvalid, load_protocol, parse_protocol, protocol_keys

DAY = timedelta(days=1)
HEAD = "base: sfa-follow-up\nbase_version: 1\nkey: ours\nversion: 7\n"  # four lines
SFA = load_protocol("sfa-follow-up")


def read(text: str, head: str = HEAD) -> Protocol:
    return parse_protocol(head + text, "ours.yaml")


def refusals(text: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ProtocolInvalid) as refused:
        read(text, head)
    return refused.value.errors


def test_whoever_changes_nothing_has_the_base_under_another_name() -> None:
    found = read("")
    assert (found.key, found.version) == ("ours", 7)
    assert found.title == "Stress First Aid and follow-up, as changed here"
    changed = {"key": "ours", "version": 7, "title": found.title}
    assert found == SFA.model_copy(update=changed)


@pytest.mark.parametrize("key", protocol_keys())
def test_every_shipped_protocol_can_be_a_base(key: str) -> None:
    found = read("title: Ours\n", f"base: {key}\nbase_version: 1\nkey: ours\nversion: 1\n")
    assert found.title == "Ours"
    assert found.contacts == load_protocol(key).contacts


def test_a_section_is_laid_over_key_by_key_however_deep() -> None:
    found = read(
        "activation: {team: {S1: 3}}\nsessions: {cisd: {slot_hour: '10:00'}}\nladders: {URGENT: {ack: 10m}}\n"
    )
    assert found.activation.team == {**SFA.activation.team, "S1": 3}
    assert found.activation.max_rounds == SFA.activation.max_rounds
    assert found.sessions["cisd"] == SFA.sessions["cisd"].model_copy(
        update={"slot_hour": found.sessions["cisd"].slot_hour}
    )
    assert found.sessions["defusing"] == SFA.sessions["defusing"]
    urgent = found.ladders[EscalationLevel.URGENT]
    assert (urgent.ack, urgent.voice) == (timedelta(minutes=10), timedelta(hours=1))


def test_a_list_stands_instead_of_the_base_s_and_nothing_takes_a_key_out() -> None:
    found = read("sources: [Our director]\nsessions: {cisd: ~}\n")
    assert found.sources == ("Our director",)
    assert set(found.sessions) == {"defusing"}


def test_contact_points_are_changed_added_and_removed_by_their_id_in_order_of_time() -> None:
    found = read(
        "contacts:\n"
        "  - {id: f14, after: 14d, kind: date}\n"
        "  - {id: f7, by: peer}\n"
        "  - {id: f3, remove: true}\n"
        "  - {id: f2, remove: true}\n"
    )
    assert [rule.id for rule in found.contacts] == ["f0", "f1", "f7", "f14", "f30", "f90", "f180", "fA"]
    seventh = found.contact("f7")
    assert seventh is not None
    assert (seventh.by, seventh.window) == ("peer", (6 * DAY, 8 * DAY))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sessions:\n  cisd:\n    latest: 11d\n", "ours.yaml:7: sessions.cisd.latest: a cisd is not held"),
        ("contacts:\n  - {id: f7, at: 22:00}\n", "ours.yaml:6: contacts[3].at: it lies in quiet hours"),
        (
            "contacts:\n  - id: f14\n    after: soon\n    kind: date\n",
            "ours.yaml:7: contacts[8].after: 'soon' is not a span",
        ),
        ("contacts:\n  - {id: f1, remove: true}\n", "ours.yaml:5: contacts: f1, the contact of the next day"),
        ("contacts: [f7]\n", "ours.yaml:5: contacts[0]: it must be keys with values"),
        ("contacts: none\n", "ours.yaml:5: contacts: it must be a list"),
        ("activation: quick\n", "ours.yaml:5: activation: it must be keys with values"),
        ("mandatory: yes\n", "ours.yaml:5: mandatory: participation is always voluntary"),
        ("queue: ~\n", "ours.yaml:5: queue: it is missing; write it"),
        ("title: A\ntitle: B\n", "ours.yaml:6: title: it is written twice"),
    ],
)
def test_a_mistake_is_told_at_the_line_of_the_difference(text: str, told: str) -> None:
    assert [line for line in refusals(text) if line.startswith(told)], refusals(text)


def test_what_is_inherited_and_contradicts_the_difference_is_told_at_the_base() -> None:
    (told,) = refusals("contacts:\n  - {id: f90, by: peer}\n")
    assert told.startswith("ours.yaml:6: contacts[5].by: nobody would be asked")
    (told,) = refusals("contacts:\n  - {id: f90, remove: true}\n  - {id: f30, by: peer}\n")
    assert told.startswith("ours.yaml:7: contacts[4].by: nobody would be asked")
    (told,) = refusals("contacts:\n  - {id: f1, after: 80h, window: [70h, 90h]}\n")
    assert told.startswith("ours.yaml:1: contacts[1].by: no text goes out before f1")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (
            HEAD.replace("sfa-follow-up", "sfa-followup"),
            "ours.yaml:1: base: there is no protocol 'sfa-followup' to start from. Did",
        ),
        (
            HEAD.replace("sfa-follow-up", "[a]"),
            "ours.yaml:1: base: there is no protocol ['a'] to start from.",
        ),
        (
            HEAD.replace("base_version: 1", "base_version: 2"),
            "ours.yaml:2: base_version: sfa-follow-up is at",
        ),
        (HEAD.replace("base_version: 1\n", ""), "ours.yaml:1: base: say which version was read; write base_"),
        (HEAD.replace("key: ours", "key: lodd"), "ours.yaml:3: key: that key comes with the product"),
        (HEAD.replace("key: ours\n", ""), "ours.yaml:1: key: it is missing; write it"),
        (HEAD.replace("version: 7\n", ""), "ours.yaml:1: version: it is missing; write it"),
    ],
)
def test_a_difference_says_what_it_differs_from_and_which_one_it_is(head: str, told: str) -> None:
    assert any(line.startswith(told) for line in refusals("", head)), refusals("", head)


def test_nothing_takes_no_key_out_where_there_is_none() -> None:
    assert read("ladders: {URGENT: {again: ~}}\n").ladders == SFA.ladders
    assert read("contacts:\n  - {id: f14, after: 14d, kind: date, window: ~}\n").contact("f14") is not None


@pytest.mark.parametrize("point", ["{after: 14d}", "f14"])
def test_a_contact_point_without_an_id_is_refused_and_tells_its_line(point: str) -> None:
    told = refusals(f"title: Ours\ncontacts:\n  - {point}\n")
    assert told
    assert all(line.startswith("ours.yaml:") for line in told)
    assert any(line.startswith("ours.yaml:7: ") for line in told)


def test_what_is_wrong_with_the_base_is_told_at_its_own_line_wherever_it_stands() -> None:
    (unknown,) = refusals("", "key: ours\nversion: 1\nbase: nobody\nbase_version: 1\n")
    assert unknown.startswith("ours.yaml:3: base: there is no protocol 'nobody' to start from.")
    moved = "key: ours\nversion: 1\nbase: sfa-follow-up\nbase_version: 1\n"
    (told,) = refusals("contacts:\n  - {id: f1, after: 80h, window: [70h, 90h]}\n", moved)
    assert told.startswith("ours.yaml:3: contacts[1].by: no text goes out before f1")


def test_an_inherited_point_is_never_told_at_the_line_of_another_one() -> None:
    late = "contacts:\n  - {id: f1, after: 80h, window: [70h, 90h]}\n  - {id: f30, by: sms}\n"
    (told,) = refusals(late)  # of f2, which is the second now; the second written is f30
    assert told.startswith("ours.yaml:1: contacts[1].by: no text goes out before f1")


def test_nothing_in_a_new_point_is_as_if_it_were_not_written() -> None:
    found = read("contacts:\n  - {id: f14, after: 14d, kind: date, at: ~, by: ~}\n").contact("f14")
    assert found == read("contacts:\n  - {id: f14, after: 14d, kind: date}\n").contact("f14")
