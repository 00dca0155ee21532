"""The words on a phone, as the person reads them who gets them."""

import dataclasses
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError

from cism.domain.lexicon import shipped_lexicons
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.domain.reply_text import Searchable
from notifications import messages as m
from notifications.gsm import segments
from notifications.languages import enabled, known
from notifications.lint import variants
from notifications.lint_words import DIGITS
from notifications.render import ENVIRONMENT, fill, render

LINK = "https://peer.metro.example/a/k3x9Qw2p"
LONGEST_LINK = "https://" + "w" * 52


def test_a_page_asks_for_a_digit_with_the_code() -> None:
    assert render(m.Page(agency="Metro", code="A7K2", by="02:55", link=LINK)) == (
        "Metro peer team: assignment, answer by 02:55. 1 A7K2 available, 0 A7K2 not now. Details: " + LINK
    )


def test_a_check_in_demands_nothing_and_comes_from_a_named_person() -> None:
    assert render(m.CheckIn(agency="Metro", name="Jordan", helper="Alex")) == (
        "Hi Jordan, Alex here. No need to answer. "
        "1 all good, 2 call me in the next days, 3 call me now, 0 no more check-ins"
    )


def test_a_check_in_without_names_comes_from_the_team() -> None:
    assert render(m.CheckIn(agency="Metro")).startswith("Hi, the Metro peer team here. No need to answer.")


def test_the_first_check_in_says_who_this_is_and_what_is_attested() -> None:
    first = m.first_contact(m.CheckIn(agency="Metro", name="Jordan", helper="Alex"), attested=True)
    assert render(first).startswith(
        "Hi Jordan, Alex here, Metro team, run by peers. Command does not see replies. No need to answer. 1 "
    )


def test_what_nobody_attested_is_not_said() -> None:
    first = m.first_contact(m.CheckIn(agency="Metro", name="Jordan", helper="Alex"), attested=False)
    assert "Command" not in render(first)


def test_the_answer_to_crisis_words_says_that_a_person_is_coming_and_what_to_do_until_then() -> None:
    assert render(m.CrisisAnswer(line="call or text 988", emergency="911")) == (
        "Thank you for telling us. We are finding a person to call you now. "
        "In danger: call 911. Call or text 988 any time."
    )


def test_crisis_line_and_emergency_number_come_from_the_agency() -> None:
    text = render(m.CrisisAnswer(line="call 116 123", emergency="999"))
    assert "call 999. Call 116 123 any time." in text
    assert "911" not in text
    assert "988" not in text


def test_a_helper_who_took_it_is_named_with_the_time() -> None:
    taken = m.EscalationTaken(helper="Alex", by="02:55", duty="+1 212-555-0100", line="call or text 988")
    assert (
        render(taken)
        == "Alex will call you by 02:55. Until then: +1 212-555-0100. Call or text 988 any time."
    )


def test_without_a_duty_phone_the_crisis_line_still_stands() -> None:
    assert render(m.CallNow(agency="Metro", by="03:40", line="call or text 988")) == (
        "Thanks for saying so. Someone from the Metro peer team will call you by 03:40. "
        "Call or text 988 any time."
    )


@pytest.mark.parametrize(
    "message",
    [
        m.CallPromised(agency="Metro", by="Wed 17:00", line="call or text 988"),
        m.CallNow(agency="Metro", by="Wed 17:00", line="call or text 988"),
        m.ReadBy(agency="Metro", by="Wed 17:00", line="call or text 988"),
        m.HelpAnswer(agency="Metro", by="Wed 17:00", line="call or text 988", emergency="911"),
    ],
    ids=lambda message: message.kind,
)
@pytest.mark.parametrize("first", [True, False])
def test_whoever_asks_is_told_by_when_and_the_crisis_line(message: m.Message, first: bool) -> None:
    text = render(m.first_contact(message, attested=True) if first else message)
    assert "by Wed 17:00" in text
    assert "988" in text


@pytest.mark.parametrize(
    "message",
    [
        m.ReadBy(by="14:00", duty="+1 212-555-0100", line="call or text 988"),
        m.CrisisAnswer(line="call or text 988", emergency="911"),
        m.HelpAnswer(by="14:00", line="call or text 988", emergency="911"),
    ],
    ids=lambda message: message.kind,
)
def test_an_unknown_number_is_not_told_what_this_number_is(message: m.Message) -> None:
    text = render(m.first_contact(message, attested=True))
    assert "peer" not in text.lower()
    assert "team" not in text.lower()


def test_after_a_late_answer_comes_thanks_and_nothing_else() -> None:
    assert render(m.AlreadyCovered(agency="Metro", code="A7K2")) == (
        "Metro peer team: A7K2 is already covered, thank you."
    )


def test_whoever_ends_their_check_ins_is_told_how_to_return() -> None:
    assert render(m.ContactsEnded(name="Jordan")) == (
        "OK, Jordan, no more check-ins. You can come back any time: "
        "text 2 for a call in the next days, 3 for a call now."
    )


def test_who_brings_the_sign_in_address_and_nothing_else() -> None:
    assert render(m.Who(link=LINK)) == f"Sign in here: {LINK}"


def test_a_sign_in_code_does_not_show_on_a_locked_screen() -> None:
    assert "480213" not in render(m.LinkCode(secret="480213", minutes=10))[:40]
    assert "480213" in render(m.LinkCode(secret="480213", minutes=10))


def test_a_link_that_can_be_spared_is_left_out_where_it_would_need_a_second_segment() -> None:
    invitation = m.Invitation(
        agency="Metro", name="Jordan", helper="Alex", when="Tue 10 Mar 14:00", link=LINK
    )
    assert render(invitation).endswith(f"Place: {LINK}")
    longer = m.Invitation(
        agency="Metro", name="Jordan", helper="Alex", when="Tue 10 Mar 14:00", link=LONGEST_LINK
    )
    assert "http" not in render(longer)
    assert segments(render(longer)) == 1


def test_a_helpers_task_keeps_its_link_whatever_else_goes() -> None:
    task = m.PeerTask(agency="The Metropolitan Cou", code="A7K2", by="Wed 10 Mar", link=LONGEST_LINK)
    assert LONGEST_LINK in render(task)
    assert segments(render(task)) == 1


def test_a_longer_link_than_allowed_is_sent_in_two_rather_than_not_at_all() -> None:
    text = render(m.Who(link="https://" + "w" * 200))
    assert text.endswith("w" * 200)


def test_names_are_shown_as_written() -> None:
    assert "O'Brien & <Sons>" in render(m.TeamMemberStopped(agency="Metro", member="O'Brien & <Sons>"))


def test_a_name_is_never_run_as_a_template() -> None:
    assert "{" not in render(m.CheckIn(agency="{{ 7*7 }}"))
    assert "49" not in render(m.CheckIn(agency="{{ 7*7 }}"))


def test_a_field_that_a_template_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        fill(ENVIRONMENT.from_string("{{ place }}"), m.Who(link=LINK), roomy=True)


def test_a_template_cannot_reach_out_of_its_box() -> None:
    with pytest.raises(SecurityError):
        ENVIRONMENT.from_string("{{ link.__class__.__mro__ }}").render(link=LINK)


def test_a_language_without_a_template_gets_english(tmp_path: Path) -> None:
    (tmp_path / "who.txt.j2").write_text("Entrez : {{ link }}", encoding="utf-8")
    french = dataclasses.replace(known()["es"], tag="fr", folder=tmp_path)
    assert render(m.Who(link=LINK), "fr-CA") == f"Sign in here: {LINK}"
    with enabled({"fr": french}):
        assert render(m.Who(link=LINK), "fr-CA") == f"Entrez : {LINK}"
        assert render(m.Covered(agency="Metro", code="A7K2"), "fr").startswith("Metro peer team: A7K2")
    assert render(m.Who(link=LINK), "fr-CA") == f"Sign in here: {LINK}"


def test_spanish_speaks_its_own_days_months_lines_and_lists() -> None:
    promised = m.CallPromised(agency="Metro", by="Sat 7 Jan", line="call or text 988")
    assert render(promised, "es-US") == (
        "Gracias, recibido. Alguien de los compañeros de Metro te llama antes de sab 7 ene. "
        "¿Antes? Escribe 3. Llama o escribe al 988 a toda hora."
    )
    which = m.WhichCode.of("1", [("A7K2", "team"), ("B3M4", "urgent call"), ("C5D6", "something new")])
    assert "A7K2 turno, B3M4 llamar ya, C5D6 something new." in render(which, "es")
    line = m.CallNow(agency="Metro", by="03:40", line="Samaritans 116 123")
    assert render(line, "es").endswith("Samaritans 116 123 a toda hora.")


def test_a_check_in_in_spanish_demands_nothing_and_comes_from_a_named_person() -> None:
    assert render(m.CheckIn(agency="Metro", name="Jordan", helper="Alex"), "es") == (
        "Hola Jordan, soy Alex. No hace falta contestar. "
        "1 todo bien, 2 llamame en estos dias, 3 llamame ya, 0 no mas mensajes"
    )


def test_a_language_is_never_a_path() -> None:
    assert render(m.Who(link=LINK), "../../etc") == f"Sign in here: {LINK}"
    with pytest.raises(TemplateNotFound):
        ENVIRONMENT.get_template("../render.py")


@pytest.mark.parametrize("message_class", m.MESSAGE_CLASSES.values(), ids=lambda c: c.kind)
def test_our_own_words_quoted_back_at_us_are_no_cry_for_help(message_class: type[m.Message]) -> None:
    for message in variants(message_class):
        for tag in known():
            text = Searchable(render(message, tag))
            assert all(lexicon.crisis(text) is None for lexicon in shipped_lexicons())


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        (m.MessageKind.PAGE, QuestionKind.PAGE),
        (m.MessageKind.ASSIGNED, QuestionKind.ASSIGNMENT),
        (m.MessageKind.SESSION_TEAM, QuestionKind.ASSIGNMENT),
        (m.MessageKind.APPROVAL, QuestionKind.APPROVAL),
        (m.MessageKind.SESSION_REPORT, QuestionKind.REPORT),
        (m.MessageKind.PEER_TASK, QuestionKind.CONTACT_REPORT),
        (m.MessageKind.PEER_TASK_OVERDUE, QuestionKind.CONTACT_REPORT),
        (m.MessageKind.ESCALATION, QuestionKind.ESCALATION),
        (m.MessageKind.ESCALATION_ASSIGNED, QuestionKind.ESCALATION),
        (m.MessageKind.ESCALATION_OVERDUE, QuestionKind.ESCALATION),
        (m.MessageKind.QUEUE_OVERDUE, QuestionKind.ESCALATION),
        (m.MessageKind.CHECK_IN, QuestionKind.CHECK_IN),
        (m.MessageKind.CHECK_IN_REMINDER, QuestionKind.CHECK_IN),
        (m.MessageKind.OPT_IN, QuestionKind.OPT_IN),
        (m.MessageKind.INVITATION, QuestionKind.INVITATION),
        (m.MessageKind.CONFIRM_PHONE, QuestionKind.CONFIRM_PHONE),
        (m.MessageKind.WELFARE, QuestionKind.WELFARE),
    ],
)
def test_every_digit_that_is_offered_will_be_understood(kind: m.MessageKind, question: QuestionKind) -> None:
    always = set("237")  # about the sender's own care, or a worry
    assert set(DIGITS[kind]) <= ALLOWED_DIGITS[question] | always


def test_a_check_in_brings_the_private_page_where_it_fits_beside_the_greeting() -> None:
    link = "https://care.metro.example/a/Ab3dEf6hIj9l"
    text = render(m.CheckIn(agency="Metro PD", name="Jordan", helper="Alex", link=link))
    assert text.startswith("Hi Jordan, Alex here.")
    assert text.endswith(f"3 call me now, 0 no more. In private: {link}")
    assert segments(text) == 1
    longer = render(m.CheckIn(agency="Metro PD", name="Jordan", helper="Alexandra", link=link))
    assert longer == text.replace("Hi Jordan, Alex here.", "Alexandra here.")
    spanish = render(m.CheckIn(agency="Metro PD", name="Jordan", helper="Alex", link=link), "es")
    assert spanish.endswith(f"En privado: {link}")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_check_in_without_room_leaves_out_the_page_and_keeps_the_greeting(language: str) -> None:
    link = "https://a-long-name-of-a-county.example.gov/a/Ab3dEf6hIj9l"
    long = m.CheckIn(agency="Metro PD", name="Bartholomew", helper="Christopher", link=link)
    text = render(long, language)
    assert link not in text
    assert text == render(m.CheckIn(agency="Metro PD", name="Bartholomew", helper="Christopher"), language)
