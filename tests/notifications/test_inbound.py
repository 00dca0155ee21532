"""A webhook is believed only when it is signed, and says the same whatever else the provider adds."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.gateway import AnsweredBy, CallStatus, MessageStatus, OptOutType, further
from notifications.inbound import is_about_a_call, parse_call, parse_inbound, parse_status, validate

TOKEN = "a" * 32
URL = "https://care.example/twilio/status?d=42&x=1"
FORM = [("MessageSid", "SM1"), ("Body", ""), ("From", "+12125550123"), ("To", "+12125550100")]


def sign(url: str, params: list[tuple[str, str]], token: str = TOKEN) -> str:
    """Twilio's rule written out once more: the URL, then each name with each distinct value, sorted."""
    text = url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_a_webhook_signed_with_our_token_is_believed() -> None:
    assert validate(sign(URL, FORM), URL, FORM, [TOKEN])


def test_during_a_rotation_either_token_is_believed() -> None:
    signature = sign(URL, FORM)
    assert validate(signature, URL, FORM, ["b" * 32, TOKEN])
    assert validate(signature, URL, FORM, [TOKEN, "b" * 32])
    assert not validate(signature, URL, FORM, ["b" * 32])


def test_several_values_of_one_name_are_all_signed() -> None:
    form = [*FORM, ("MediaUrl", "z"), ("MediaUrl", "a"), ("MediaUrl", "a")]
    signature = sign(URL, form)
    assert validate(signature, URL, form, [TOKEN])
    assert not validate(signature, URL, form[:-2], [TOKEN])


def test_blank_values_are_signed() -> None:
    form = [*FORM, ("OptOutType", "")]
    assert not validate(sign(URL, form), URL, FORM, [TOKEN])
    assert validate(sign(URL, form), URL, form, [TOKEN])


def test_the_query_is_signed() -> None:
    assert not validate(sign(URL, FORM), URL.replace("d=42", "d=43"), FORM, [TOKEN])


def test_the_address_may_be_signed_with_or_without_its_usual_port() -> None:
    with_port = URL.replace("care.example", "care.example:443")
    assert validate(sign(with_port, FORM), URL, FORM, [TOKEN])


@pytest.mark.parametrize("signature", ["", "nonsense", "ü", "=" * 28])
def test_anything_else_is_refused(signature: str) -> None:
    assert not validate(signature, URL, FORM, [TOKEN])


def test_without_a_token_nothing_is_believed() -> None:
    assert not validate(sign(URL, FORM, ""), URL, FORM, [""])
    assert not validate(sign(URL, FORM), URL, FORM, [])


def test_an_inbound_text_is_read_from_its_form() -> None:
    sms = parse_inbound([*FORM, ("NumMedia", "2"), ("OptOutType", "HELP"), ("Unannounced", "field")])
    assert (sms.sid, sms.from_, sms.to, sms.body) == ("SM1", "+12125550123", "+12125550100", "")
    assert (sms.num_media, sms.opt_out_type) == (2, OptOutType.HELP)


def test_a_field_given_twice_counts_as_it_came_first() -> None:
    assert parse_inbound([*FORM, ("From", "+19995550123")]).from_ == "+12125550123"


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
def test_a_form_without_a_needed_field_is_refused_by_the_name_of_the_field(missing: str) -> None:
    form = [(name, value) for name, value in FORM if name != missing]
    with pytest.raises(ValueError, match=f"has no {missing}") as refusal:
        parse_inbound(form)
    assert "+1" not in str(refusal.value)


def test_a_status_is_read_from_its_form() -> None:
    update = parse_status([("SmsSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")])
    assert (update.sid, update.status, update.error_code) == ("SM1", MessageStatus.UNDELIVERED, 30003)


@pytest.mark.parametrize("code", ["", "none", "-1", "9" * 40])
def test_a_status_or_code_that_nobody_announced_is_tolerated(code: str) -> None:
    update = parse_status([("MessageSid", "SM1"), ("MessageStatus", "teleported"), ("ErrorCode", code)])
    assert (update.status, update.error_code) == (None, None)


def test_a_status_callback_tells_of_a_text_or_of_a_call() -> None:
    assert is_about_a_call([("CallSid", "CA1"), ("CallStatus", "completed")])
    assert not is_about_a_call([("MessageSid", "SM1"), ("MessageStatus", "sent")])
    assert not is_about_a_call([("CallSid", ""), ("MessageSid", "SM1")])


@pytest.mark.parametrize("status", [*CallStatus, None])
def test_a_call_is_read_from_its_form(status: CallStatus | None) -> None:
    heard = parse_call([("CallSid", "CA1"), ("CallStatus", status or "teleported")])
    assert (heard.sid, heard.status, heard.keys) == ("CA1", status, None)


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("human", AnsweredBy.PERSON),
        ("unknown", AnsweredBy.PERSON),
        ("", AnsweredBy.PERSON),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("machine_end_silence", AnsweredBy.MACHINE),
        ("machine_end_other", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.MACHINE),
    ],
)
def test_a_machine_is_told_from_a_person(word: str, who: AnsweredBy) -> None:
    assert parse_call([("CallSid", "CA1"), ("AnsweredBy", word)]).answered_by is who


def test_no_key_and_an_empty_one_are_two_things() -> None:
    assert parse_call([("CallSid", "CA1"), ("Digits", "")]).keys == ""
    assert parse_call([("CallSid", "CA1")]).keys is None


def test_a_form_without_a_call_is_refused() -> None:
    with pytest.raises(ValueError, match="CallSid"):
        parse_call([("MessageSid", "SM1")])


@given(told=st.lists(st.sampled_from(CallStatus), min_size=1, max_size=6))
def test_the_status_of_a_call_moves_only_forward(told: list[CallStatus]) -> None:
    known = CallStatus.QUEUED
    for status in told:
        before, known = known, further(known, status)
        assert known is before or not before.is_terminal
    assert known.is_terminal is any(status.is_terminal for status in told)
