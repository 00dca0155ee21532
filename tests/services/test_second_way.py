"""Urgent texts by mail while the provider does not take them; a real mail server at the far end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cism.domain.second_way import FAILS_AFTER, RESTS
from cism.services import provider_line, readiness
from cism.services.gateway import build_second
from cism.services.second_way import Mailer
from cism.settings import Settings
from cism.store.states import OutboxState
from cism.store.tables import AffectedPerson, Event, Incident, Outbox, Person, Question
from cism.web import metrics
from flows import runtime
from notifications.email_gateway import EmailGateway, MailServer
from notifications.gateway import OutgoingSms, Receipt, SendError, SendFailure
from tests.fakes.smtp import SmtpSink, smtp_sink
from tests.services.sending import Provider, check_in, courier, pass_real, put
from tests.services.world import World


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with smtp_sink() as made:
        yield made


class Failing(Provider):
    """A provider that answers every send with one failure, until it is mended."""

    def __init__(self, kind: SendFailure = SendFailure.RETRY) -> None:
        self.kind: SendFailure | None = kind
        self.asked_in = 0
        super().__init__()

    async def send(self, sms: OutgoingSms) -> Receipt:
        if self.kind is not None:
            raise SendError(self.kind)
        return await super().send(sms)

    async def inbound_since(self, since: Any) -> Any:
        self.asked_in += 1
        if self.kind is not None:
            raise SendError(self.kind)
        return []


def give_mail(world: World, *without: str) -> None:
    """Everybody has a mail address, but for some."""

    def write(session: Session) -> None:
        barred = {world.id_of(key) for key in without}
        for person in session.scalars(select(Person)):
            person.email = None if person.id in barred else f"{person.id}@example.org"

    world.act(write)


def deliver(world: World, provider: Provider) -> None:
    asyncio.run(courier(world, provider).deliver(urgent_only=True))


def mailed(world: World, sink: SmtpSink, provider: Provider | None = None, address: str = "{email}") -> int:
    """One look of the second way."""

    async def look() -> int:
        server = MailServer(host="127.0.0.1", from_="cism@example.org", tls="none", port=sink.port, timeout=5)
        gateway = EmailGateway(server)
        primary: Any = provider or Provider()
        mailer = Mailer(world.db, gateway, primary, number="+12025550100", address=address)
        try:
            return await mailer.write()
        finally:
            await mailer.aclose()

    return asyncio.run(look())


def pages(world: World) -> list[Outbox]:
    return sorted(world.sent("page"), key=lambda row: row.id)


def tries(world: World, provider: Provider, seconds: float, every: float = 5.0) -> None:
    """The provider is asked again and again for so long."""
    for _ in range(int(seconds / every)):
        deliver(world, provider)
        pass_real(world, seconds=every)


def paged(world: World, sink: SmtpSink, provider: Provider) -> list[Outbox]:
    """A page that the provider has refused for longer than it may wait."""
    world.log("THREAT", "jordan:A", severity="S1")
    give_mail(world)
    deliver(world, provider)
    pass_real(world, seconds=FAILS_AFTER.total_seconds() - 1)
    assert mailed(world, sink, provider) == 0
    pass_real(world, seconds=1)
    mailed(world, sink, provider)
    return pages(world)


def test_a_page_that_the_provider_refuses_for_too_long_goes_by_mail(any_world: World, sink: SmtpSink) -> None:
    rows = paged(any_world, sink, Failing())
    assert len(sink.mails) == len(rows) >= 1
    first = sink.mails[0]
    row = next(item for item in rows if first.to == f"{item.person_id}@example.org")
    question = any_world.rows(Question, Question.id == row.question_id)[0]
    assert (row.state, row.channel) == (OutboxState.SENT, "email")
    assert f"1 {question.code}" in first.text
    assert "+12025550100" in first.text
    assert any_world.cast.phone("cora") in first.text  # the duty phone
    assert "repeat" not in first.text
    ref = any_world.rows(Incident)[0].ref
    whole = first.text + str(first.message["Subject"])
    assert not any(word in whole for word in (ref, "Jordan", any_world.cast.phone("jordan")))


def test_what_went_by_mail_is_not_texted_when_the_provider_is_back(any_world: World, sink: SmtpSink) -> None:
    provider = Failing()
    mailed_ones = {row.id for row in paged(any_world, sink, provider)}
    provider.kind = None
    pass_real(any_world, seconds=300)
    deliver(any_world, provider)
    asyncio.run(courier(any_world, provider).settle())
    assert mailed_ones.isdisjoint(sms.message_id for sms in provider.sent)
    assert provider.asked == []  # nor is it asked what became of it
    assert mailed(any_world, sink, provider) == 0


def test_who_answers_a_mailed_page_by_text_serves(any_world: World, sink: SmtpSink) -> None:
    row = paged(any_world, sink, Failing())[0]
    question = any_world.rows(Question, Question.id == row.question_id)[0]
    any_world.text(any_world.key_of(row.person_id), f"1 {question.code}")
    assert any_world.told("assigned") == [any_world.key_of(row.person_id)]


def test_each_goes_by_mail_once_whoever_looks_at_the_same_moment(any_world: World, sink: SmtpSink) -> None:
    rows = paged(any_world, sink, Failing())
    for _ in range(3):
        pass_real(any_world, seconds=60)
        mailed(any_world, sink)
    assert len(sink.mails) == len(rows)


def test_an_unclear_send_is_repeated_by_mail_and_says_so(any_world: World, sink: SmtpSink) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing(SendFailure.UNKNOWN))
    before = pages(any_world)
    assert mailed(any_world, sink) == 0
    pass_real(any_world, seconds=40)
    asyncio.run(courier(any_world, Provider()).settle())
    assert {row.state for row in pages(any_world) if row.id in {item.id for item in before}} == {
        OutboxState.UNSETTLED
    }
    assert mailed(any_world, sink) == len(before)
    assert all("This is a repeat" in mail.text for mail in sink.mails)
    after = [row for row in pages(any_world) if row.id in {item.id for item in before}]
    assert {(row.state, row.channel) for row in after} == {(OutboxState.UNSETTLED, "sms")}
    assert mailed(any_world, sink) == 0


def test_care_texts_answers_and_texts_to_the_affected_never_go_by_mail(
    any_world: World, sink: SmtpSink
) -> None:
    give_mail(any_world)
    put(any_world, message=check_in())
    any_world.text("jordan", "3")
    provider = Failing()
    for _ in range(8):
        asyncio.run(courier(any_world, provider).deliver())
        pass_real(any_world, seconds=10)
        mailed(any_world, sink, provider)
    affected = any_world.id_of("jordan")
    assert sink.mails != []  # whoever is asked to call
    assert affected not in " ".join(mail.to for mail in sink.mails)
    other = [row for row in any_world.rows(Outbox) if row.person_id == affected]
    assert {row.channel for row in other} == {"sms"}


def test_whoever_became_affected_gets_no_mail_about_it(any_world: World, sink: SmtpSink) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    row = pages(any_world)[0]

    def joins(session: Session) -> None:
        first = session.scalars(select(AffectedPerson)).first()
        assert first is not None
        session.add(
            AffectedPerson(
                incident_id=row.incident_id,
                person_id=row.person_id,
                circle=first.circle,
                added_at=first.added_at,
            )
        )

    any_world.act(joins)
    pass_real(any_world, seconds=60)
    mailed(any_world, sink)
    assert f"{row.person_id}@example.org" not in {mail.to for mail in sink.mails}


@pytest.mark.parametrize("change", [{"opted_out_at": True}, {"consent_pages": False}, {"frozen_at": True}])
def test_what_forbids_a_text_forbids_a_mail(any_world: World, sink: SmtpSink, change: dict[str, Any]) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    moment = any_world.now()
    values = {name: moment if value is True else value for name, value in change.items()}
    any_world.act(lambda session: session.execute(update(Person).values(**values)))
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink) == 0


def test_without_an_address_it_goes_on_waiting_for_the_provider(any_world: World, sink: SmtpSink) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink) == 0
    assert {row.state for row in pages(any_world)} == {OutboxState.PENDING}


def test_a_service_that_turns_mail_into_texts_is_given_the_number(any_world: World, sink: SmtpSink) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink, address="{digits}@texts.example.org") >= 1
    row = pages(any_world)[0]
    phone = any_world.cast.phone(any_world.key_of(row.person_id)).lstrip("+")
    assert f"{phone}@texts.example.org" in {mail.to for mail in sink.mails}


def test_a_mail_server_that_takes_nothing_leaves_it_to_whichever_way_is_back_first(
    any_world: World, sink: SmtpSink
) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    sink.greeting = "421 not now"
    assert mailed(any_world, sink) == 0
    assert {(row.state, row.channel) for row in pages(any_world)} == {(OutboxState.PENDING, "sms")}
    pass_real(any_world, seconds=60)
    back = Provider()
    deliver(any_world, back)
    assert {row.id for row in pages(any_world)} <= {sms.message_id for sms in back.sent}
    sink.greeting = "220 sink"
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink) == 0


def test_an_address_that_is_refused_for_good_is_not_tried_again_and_the_text_goes_on_waiting(
    any_world: World, sink: SmtpSink
) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    sink.refuse_to = lambda _: "550 nobody here"
    assert mailed(any_world, sink) == 0
    asked = sink.connections
    assert {(row.state, row.channel) for row in pages(any_world)} == {(OutboxState.PENDING, "sms")}
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink) == 0
    assert sink.connections == asked
    back = Provider()
    deliver(any_world, back)
    assert {row.id for row in pages(any_world)} <= {sms.message_id for sms in back.sent}


def test_a_mail_server_that_is_back_first_takes_it(any_world: World, sink: SmtpSink) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    sink.greeting = "421 not now"
    mailed(any_world, sink)
    sink.greeting = "220 sink"
    pass_real(any_world, seconds=60)
    assert mailed(any_world, sink) == len(sink.mails) == len(pages(any_world))


def test_a_mail_of_which_nobody_can_say_whether_it_was_taken_is_not_sent_again(
    any_world: World, sink: SmtpSink
) -> None:
    any_world.log("THREAT", "jordan:A", severity="S1")
    give_mail(any_world)
    deliver(any_world, Failing())
    pass_real(any_world, seconds=60)
    sink.at_data = ""
    count = len(pages(any_world))
    mailed(any_world, sink)
    assert len(sink.dropped) == count
    sink.at_data = None
    provider = Provider()
    for _ in range(4):
        pass_real(any_world, seconds=40)
        asyncio.run(courier(any_world, provider).settle())
        mailed(any_world, sink, provider)
    first = pages(any_world)[:count]
    assert {row.state for row in first} == {OutboxState.UNSETTLED}
    assert sink.mails == []


def fails(world: World) -> bool:
    return world.see(provider_line.read).fails


def told(world: World) -> list[str]:
    found = world.rows(Event, Event.kind.in_(["second_way.opened", "second_way.closed"]))
    return [row.kind for row in sorted(found, key=lambda row: row.id)]


def test_while_the_provider_fails_one_failed_try_is_enough(any_world: World, sink: SmtpSink) -> None:
    provider = Failing()
    put(any_world, "cora", lane=0)
    tries(any_world, provider, 200, every=20)
    assert fails(any_world)
    give_mail(any_world)
    any_world.log("THREAT", "jordan:A", severity="S1")
    assert mailed(any_world, sink, provider) == 0  # not before the provider was asked
    deliver(any_world, provider)
    assert mailed(any_world, sink, provider) == len(pages(any_world))


def test_the_way_is_changed_and_changed_back_once_in_a_bad_hour(any_world: World, sink: SmtpSink) -> None:
    provider = Failing()
    put(any_world, "cora", lane=0)
    tries(any_world, provider, 200, every=20)
    provider.kind = None
    deliver(any_world, provider)
    assert fails(any_world)
    for _ in range(6):
        pass_real(any_world, seconds=RESTS.total_seconds() / 2)
        mailed(any_world, sink, provider)
    assert not fails(any_world)
    assert told(any_world) == ["second_way.opened", "second_way.closed"]
    asked = provider.asked_in
    mailed(any_world, sink, provider)
    assert provider.asked_in == asked  # a provider that works is not asked for nothing


def test_a_provider_that_answers_now_and_then_does_not_make_it_flap(any_world: World, sink: SmtpSink) -> None:
    provider = Failing()
    for turn in range(60):
        provider.kind = None if turn % 3 == 2 else SendFailure.RETRY
        put(any_world, "cora", lane=0)
        deliver(any_world, provider)
        pass_real(any_world, seconds=10)
    assert len(told(any_world)) <= 1


def test_a_provider_that_lists_but_takes_nothing_is_not_trusted_for_its_lists(
    any_world: World, sink: SmtpSink
) -> None:
    provider = Failing()
    put(any_world, "cora", lane=0)
    tries(any_world, provider, 200, every=20)
    assert fails(any_world)
    for _ in range(10):
        pass_real(any_world, seconds=RESTS.total_seconds())
        mailed(any_world, sink, Provider())  # it answers every question, and a text still waits for it
    assert fails(any_world)


def test_a_number_that_is_refused_for_good_is_no_failure_of_the_provider(any_world: World) -> None:
    for _ in range(12):
        put(any_world, "cora", lane=0)
        deliver(any_world, Failing(SendFailure.PERMANENT))
        pass_real(any_world, seconds=10)
    assert not fails(any_world)


WAY = {"second_smtp_host": "127.0.0.1", "second_from": "cism@example.org", "second_smtp_tls": "none"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"second_from": None}, "CISM_SECOND_FROM"),
        ({"second_smtp_host": "mail.example.org"}, "on this machine"),
        ({"second_smtp_host": "mail.example.org", "second_smtp_tls": "starttls"}, "reaches no real person"),
        ({"second_address": "duty@example.org"}, "{email} or {digits}"),
        ({"second_address": "{digits}{name}@example.org"}, "{email} or {digits}"),
        ({"second_address": "{email}{"}, "{email} or {digits}"),
    ],
)
def test_a_second_way_that_is_half_set_up_or_would_reach_people_in_a_trial_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(_env_file=None, **(WAY | changed))


def test_an_installation_without_it_has_none_and_the_doctor_says_so() -> None:
    real: dict[str, Any] = {
        "twilio_account_sid": "AC" + "2" * 32,
        "twilio_auth_token": "secret-for-tests",
        "twilio_from": "+12025550111",
        "_env_file": None,
    }
    assert build_second(Settings(**real)) is None
    found = {item.name: item for item in readiness.of_settings(Settings(**real))}
    assert found["second way"].verdict is readiness.Verdict.WARNING
    assert "CISM_SECOND_SMTP_HOST" in found["second way"].text
    host = {"second_smtp_host": "mail.example.org", "second_from": "cism@example.org"}
    found = {item.name: item for item in readiness.of_settings(Settings(**(real | host)))}
    assert found["second way"].verdict is readiness.Verdict.GOOD


def test_doctor_and_figures_show_a_provider_that_fails(any_world: World, sink: SmtpSink) -> None:
    def shown() -> tuple[list[str], bool]:
        checks = any_world.see(lambda session: list(readiness.of_database(session)))
        figures = any_world.see(metrics.read)
        text = metrics.text(figures, forged_webhooks=0, from_here=False).decode()
        bad = [item.text for item in checks if item.name == "provider"]
        return bad, "cism_second_way_open 1.0" in text

    assert shown() == ([], False)
    put(any_world, "cora", lane=0)
    tries(any_world, Failing(), 200, every=20)
    (said,), told_to_all = shown()
    assert said.startswith("takes no texts since ")
    assert told_to_all


async def test_the_runtime_of_an_installation_has_it_where_it_is_set(tmp_path: Path, sink: SmtpSink) -> None:
    url = f"sqlite:///{tmp_path / 'runtime.db'}"
    given: Any = {"home": tmp_path, "database_url": url, "_env_file": None}
    for more in ({}, WAY | {"second_smtp_port": sink.port}):
        made = runtime.from_settings(Settings(**given, **more))
        assert (made.mailer is not None) == bool(more)
        await made.aclose()


def test_a_page_that_was_held_back_from_a_provider_that_only_fails_goes_by_mail_within_a_minute(
    any_world: World, sink: SmtpSink
) -> None:
    provider = Failing(SendFailure.UNKNOWN)
    any_world.log("THREAT", "jordan:A", severity="S3")  # three are asked
    give_mail(any_world)
    before = {row.id for row in pages(any_world)}

    async def goes_on(seconds: int) -> None:
        for _ in range(seconds):
            await sender.deliver(urgent_only=True)
            pass_real(any_world, seconds=1)

    sender = courier(any_world, provider)
    asyncio.run(goes_on(5))
    assert sender.line.is_held
    any_world.log("THREAT", "sam:A", severity="S1")
    asyncio.run(goes_on(50))
    fresh = [row for row in pages(any_world) if row.id not in before]
    assert fresh
    assert {row.tried_real for row in fresh} == {None}
    mailed(any_world, sink, provider)
    assert {(row.state, row.channel) for row in pages(any_world) if row.id not in before} == {
        (OutboxState.SENT, "email")
    }
    assert provider.sent == []
