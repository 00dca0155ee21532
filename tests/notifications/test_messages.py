"""The vocabulary: fields that never blow a segment, payloads that come back, names and moments."""

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import messages as m
from notifications.gsm import is_gsm7, units
from notifications.lint import variants
from notifications.message_base import LINE_FIELD, specs
from notifications.wording import by_text, cut, plain_text, short_name, when_text

CLASSES = list(m.MESSAGE_CLASSES.values())
PAGE = m.Page(agency="Metro", code="A7K2", by="02:55", link="http://127.0.0.1:8080/a/k3x9Qw2p")


def test_every_kind_has_exactly_one_class_of_its_kind() -> None:
    assert set(m.MESSAGE_CLASSES) == set(m.MessageKind)
    assert all(message_class.kind is kind for kind, message_class in m.MESSAGE_CLASSES.items())


@pytest.mark.parametrize("message_class", CLASSES, ids=lambda c: c.kind)
def test_a_message_comes_back_from_its_payload_as_it_was(message_class: type[m.Message]) -> None:
    for message in variants(message_class):
        payload = m.to_payload(message)
        assert all(isinstance(value, str | int | bool) for value in payload.values())
        assert m.from_payload(m.MessageKind(message.kind), payload) == message


@pytest.mark.parametrize("message_class", CLASSES, ids=lambda c: c.kind)
def test_a_message_cannot_be_changed_and_holds_nothing_else(message_class: type[m.Message]) -> None:
    message = next(variants(message_class))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(message, next(iter(specs(message_class))), "other")
    assert not hasattr(message, "__dict__")


def test_a_payload_of_a_newer_version_is_read_without_what_is_unknown() -> None:
    assert m.from_payload(m.MessageKind.PAGE, {**m.to_payload(PAGE), "colour": "red"}) == PAGE


def test_a_payload_that_lacks_an_optional_field_gets_its_default() -> None:
    payload = {k: v for k, v in m.to_payload(PAGE).items() if k not in ("first", "attested", "repeat")}
    assert m.from_payload(m.MessageKind.PAGE, payload) == PAGE


def test_a_payload_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks a field"):
        m.from_payload(m.MessageKind.PAGE, {"agency": "Metro"})


@pytest.mark.parametrize(
    ("field", "value"), [("code", 7), ("repeat", "yes"), ("repeat", 1), ("agency", None)]
)
def test_a_payload_with_a_field_of_another_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field} has the wrong type"):
        m.from_payload(m.MessageKind.PAGE, {**m.to_payload(PAGE), field: value})


def test_a_number_is_not_yes_or_no() -> None:
    with pytest.raises(ValueError, match="waiting has the wrong type"):
        m.from_payload(
            m.MessageKind.ESCALATION, {"agency": "Metro", "code": "A7K2", "by": "02:55", "waiting": True}
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "7A2K"),
        ("code", "A7K2 "),
        ("link", "ftp://x"),
        ("link", "http://a b"),
        ("by", "Wednesday 10 March"),
    ],
)
def test_a_value_that_is_not_of_its_form_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is not of the form"):
        m.from_payload(m.MessageKind.PAGE, {**m.to_payload(PAGE), field: value})


def test_a_long_name_is_cut_because_no_name_may_hold_up_a_message() -> None:
    assert m.Covered(agency="The Metropolitan County Sheriff", code="A7K2").agency == "The Metropolitan Cou"


def test_a_crisis_line_is_never_cut_but_its_limit_can_be_asked_for() -> None:
    long_line = "call the state's own line at 1-800-555-0100"
    answer = m.CrisisAnswer(line=long_line, emergency="911")
    assert answer.line == long_line
    assert not LINE_FIELD.fits(long_line)
    assert LINE_FIELD.fits("call or text 988")
    assert not LINE_FIELD.fits("call “988”")


def test_a_span_beyond_what_fits_is_shown_as_the_longest_that_does() -> None:
    page = m.Escalation(agency="Metro", code="A7K2", by="02:55", waiting=123456)
    assert page.waiting == 9999
    assert dataclasses.replace(page, waiting=-5).waiting == 0


def test_every_purpose_excludes_the_others() -> None:
    for kind in m.MessageKind:
        assert m.is_urgent(kind) + m.is_care(kind) + m.is_direct_answer(kind) <= 1


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        (m.is_urgent, ["page", "escalation", "welfare", "queue_overdue"]),
        (
            m.is_care,
            ["check_in", "check_in_reminder", "invitation", "opt_in", "confirm_phone", "call_arranged"],
        ),
        (m.is_direct_answer, ["call_now", "crisis_answer", "read_by", "contacts_ended", "which_code", "who"]),
        (m.survives_stop, ["opt_out_done", "crisis_answer"]),
    ],
)
def test_kinds_wait_for_what_they_must_wait_for(question: object, kinds: list[str]) -> None:
    assert callable(question)
    assert all(question(m.MessageKind(kind)) for kind in kinds)


@pytest.mark.parametrize("kind", [kind for kind in m.MessageKind if m.is_care(kind) or m.is_urgent(kind)])
def test_after_a_stop_neither_a_care_text_nor_a_page_goes_out(kind: m.MessageKind) -> None:
    assert not m.survives_stop(kind)


def test_a_first_contact_is_marked_where_the_kind_can_be_the_first() -> None:
    first = m.first_contact(PAGE, attested=True)
    assert first == dataclasses.replace(PAGE, first=True, attested=True)
    covered = m.Covered(agency="Metro", code="A7K2")
    assert m.first_contact(covered, attested=True) is covered


def test_a_number_that_nobody_knows_is_never_told_whose_number_this_is() -> None:
    answer = m.ReadBy(by="14:00", line="call or text 988")
    assert m.first_contact(answer, attested=True) is answer


def test_as_many_codes_as_fit_are_listed() -> None:
    asked = [(f"A{n}K2", "keep in touch, maybe") for n in range(2, 9)]
    listed = m.WhichCode.of("0", asked, held=True)
    assert listed.code == "A2K2"
    assert listed.choices.count("K2") == 4
    assert listed.held


@pytest.mark.parametrize(
    ("written", "called"),
    [
        ("Jordan Rivera", "Jordan"),
        ("Rivera, Jordan", "Jordan"),
        ("Rivera,", "Rivera"),
        ("Żółć Kowalska", "Zolc"),
        ("Łukasz", "Lukasz"),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("Seán O\u2019Brien", "Sean"),
        ("D\u2019Angelo", "D'Angelo"),
        ("Dr. Ana Pérez", "Dr. Ana Pérez"),
        ("Chief Anne-Marie Montgomery-Smith", "Chief Anne-Marie Mon"),
        ("J. Smith", "J. Smith"),
        ("Wolfeschlegelsteinhausen", "Wolfeschlegelsteinha"),
        ("[Al] \n", "Al"),
        ("Олена", ""),
        ("", ""),
    ],
)
def test_a_person_is_called_by_first_name_in_letters_every_phone_has(written: str, called: str) -> None:
    assert short_name(written) == called


@settings(max_examples=300)
@given(st.text())
def test_no_name_ever_costs_more_than_twenty_units(name: str) -> None:
    for short in (short_name(name), cut(name)):
        assert is_gsm7(short)
        assert units(short) <= 20
        assert short == plain_text(short)


NOW = datetime(2026, 3, 7, 10, 40, tzinfo=UTC)  # Saturday 02:40 in Los Angeles


@pytest.mark.parametrize(
    ("at", "by", "when"),
    [
        (datetime(2026, 3, 7, 10, 55, tzinfo=UTC), "02:55", "02:55"),
        (datetime(2026, 3, 8, 7, 59, tzinfo=UTC), "23:59", "23:59"),
        (datetime(2026, 3, 8, 10, 30, tzinfo=UTC), "Sun 03:30", "Sun 8 Mar 03:30"),
        (datetime(2026, 3, 13, 21, 0, tzinfo=UTC), "Fri 14:00", "Fri 13 Mar 14:00"),
        (datetime(2026, 3, 14, 21, 0, tzinfo=UTC), "Sat 14 Mar", "Sat 14 Mar 14:00"),
        (datetime(2026, 3, 6, 21, 0, tzinfo=UTC), "Fri 6 Mar", "Fri 6 Mar 13:00"),
    ],
)
def test_a_moment_is_told_on_the_readers_own_clock(at: datetime, by: str, when: str) -> None:
    assert by_text(at, NOW, "America/Los_Angeles") == by
    assert when_text(at, NOW, "America/Los_Angeles") == when


@settings(max_examples=300)
@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_moment_fits_its_field(at: datetime) -> None:
    m.Page(agency="Metro", code="A7K2", by=by_text(at, NOW, "America/Los_Angeles"))
    m.SessionOff(agency="Metro", when=when_text(at, NOW, "America/Los_Angeles"))
