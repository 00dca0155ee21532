"""Mail as a way to carry messages: what a real mail server says, and what is made of it."""

from __future__ import annotations

import pytest

from notifications.email_gateway import EmailGateway, MailServer
from notifications.gateway import MessageStatus, OutgoingSms, SendError, SendFailure
from notifications.second_way import SecondWay, write
from tests.fakes.smtp import SmtpSink, smtp_sink

SMS = OutgoingSms(
    "m1", "peer@example.org", "Please answer\n\nText 1 A7K2.\n", urgent=True, validity_seconds=60
)


def gateway(sink: SmtpSink, **changed: object) -> EmailGateway:
    given = {
        "host": "127.0.0.1",
        "from_": "cism@example.org",
        "tls": "none",
        "port": sink.port,
        "timeout": 5.0,
    }
    return EmailGateway(MailServer(**(given | changed)))  # type: ignore[arg-type]


async def failure(way: EmailGateway, sms: OutgoingSms = SMS) -> SendError:
    try:
        with pytest.raises(SendError) as caught:
            await way.send(sms)
    finally:
        await way.aclose()
    return caught.value


async def test_a_mail_is_handed_over_with_its_first_line_as_the_subject() -> None:
    with smtp_sink() as sink:
        way = gateway(sink)
        receipt = await way.send(SMS)
        await way.aclose()
    (mail,) = sink.mails
    assert (mail.to, mail.from_, mail.message["Subject"]) == (
        "peer@example.org",
        "cism@example.org",
        "Please answer",
    )
    assert mail.text == "Text 1 A7K2.\n"
    assert receipt.status is MessageStatus.SENT
    assert receipt.sid == mail.message["Message-ID"] == "<m1@example.org>"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"greeting": "421 busy"}, SendFailure.RETRY),
        ({"refuse_to": lambda _: "451 later"}, SendFailure.RETRY),
        ({"refuse_to": lambda _: "550 nobody here"}, SendFailure.PERMANENT),
        ({"login": ("cism", "hush")}, SendFailure.CONFIGURATION),
        ({"at_data": "452 full"}, SendFailure.RETRY),
        ({"at_data": "554 no"}, SendFailure.PERMANENT),
    ],
)
async def test_what_was_surely_not_taken_is_never_unknown(
    changed: dict[str, object], kind: SendFailure
) -> None:
    with smtp_sink(SmtpSink(**changed)) as sink:  # type: ignore[arg-type]
        error = await failure(gateway(sink, user="cism" if sink.login else None, password="wrong"))
    assert error.kind is kind
    assert sink.mails == []


async def test_a_server_that_hangs_up_after_the_whole_mail_may_have_taken_it() -> None:
    with smtp_sink(SmtpSink(at_data="")) as sink:
        error = await failure(gateway(sink))
    assert error.kind is SendFailure.UNKNOWN
    assert len(sink.dropped) == 1


async def test_no_server_at_all_is_tried_again() -> None:
    error = await failure(gateway(SmtpSink(port=1)))
    assert error.kind is SendFailure.RETRY


@pytest.mark.parametrize("to", ["peer@example.org\nBcc: all@example.org", "p\u00e9er@example.org"])
async def test_an_address_that_no_server_takes_is_refused_for_good(to: str) -> None:
    with smtp_sink() as sink:
        error = await failure(
            gateway(sink), OutgoingSms("m1", to, "a\n\nb", urgent=True, validity_seconds=60)
        )
    assert error.kind is SendFailure.PERMANENT
    assert sink.connections == 0


def test_mail_without_encryption_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match="encrypted"):
        MailServer(host="mail.example.org", from_="a@example.org", tls="none")


def test_neither_sender_nor_password_stands_in_a_repr() -> None:
    shown = repr(MailServer(host="mail.example.org", from_="a@example.org", user="u", password="hush"))
    assert "hush" not in shown
    assert "a@example" not in shown


ASKED = SecondWay(agency="Metro PD", code="A7K2", by="14:10", number="+12025550100", duty="+12125550101")


@pytest.mark.parametrize("language", ["en", "es", "es-US", "xx"])
def test_what_is_written_says_how_to_answer_and_not_what_about(language: str) -> None:
    said = write(ASKED, language)
    for words in ("1 A7K2", "0 A7K2", "+12025550100", "+12125550101", "14:10", "Metro PD"):
        assert words in said
    assert "\n\n" in said
    assert not any(word in said.lower() for word in ("incident", "incidente", "c-4", "http", "crisis"))


def test_a_repeat_says_that_it_is_one() -> None:
    repeated = SecondWay(agency="A", code="A7K2", by="", number="", duty="", repeat=True)
    assert "This is a repeat" in write(repeated, "en")
    assert "to the number that our texts come from" in write(repeated, "en")
    assert "Es una repetición" in write(repeated, "es")
    assert "repeat" not in write(ASKED, "en")
