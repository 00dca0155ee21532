"""A database that went back in time: it is noticed, nothing goes out twice, and care texts wait."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.errors import AlreadyDone, NotAllowed
from cism.services import backups, copies, dialling, engine, outbox, people, restoring, roster, roster_moves
from cism.services.hold import URGENT_WAITS
from cism.services.reapplying import fold
from cism.store.apart import Apart, Line
from cism.store.db import now, real_now, tick
from cism.store.states import CallState, OutboxState
from cism.store.tables import Epoch, Outbox, Person, PersonKey, PhoneCall, QueueItem, Restore
from notifications.gateway import (
    CallStatus,
    InboundSms,
    ListedCall,
    ListedMessage,
    MessageStatus,
    OutgoingSms,
    body_digest,
)
from notifications.messages import CheckIn, Message, Page
from tests.services.sending import Provider, courier
from tests.services.world import World


class Life:
    """An installation on SQLite, its files kept apart, a backup of it, and what a provider saw."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.world.db.apart = Apart(folder, folder / "stop.list")
        self.provider = Provider()
        self.courier = courier(world, self.provider)
        self.listed = 0
        restoring.notice(world.db)

    def send(self) -> int:
        self.world.rest()
        sent = asyncio.run(self.courier.deliver())
        for sms in self.provider.sent[self.listed :]:
            self.provider.listed.append(listed(sms, self.listed, self.world.db.clock.now()))
            self.listed += 1
        return sent

    def sweep(self) -> None:
        asyncio.run(self.courier.sweep_inbound())

    def put(self, key: str, message: Message, name: str) -> None:
        def work(session: Session) -> None:
            person = people.get(session, self.world.id_of(key))
            outbox.put(session, message, key=name, now=now(session), person=person)

        self.world.act(work)

    def says(self, key: str, body: str, sid: str = "SMin") -> None:
        """Somebody texts us; the provider has it, and no webhook came."""
        at = self.world.db.clock.now()
        number = self.world.cast.phone(key)
        self.provider.inbound.append(InboundSms(sid, number, "+12025550100", body, received_at=at))

    def back_up(self) -> None:
        self.world.act(engine.beat, "conductor")
        self.world.db.engine.dispose()
        backup = self.folder / "copy"
        backup.unlink(missing_ok=True)
        backups._sqlite_copy(self.file, backup)

    def pass_real(self, **span: float) -> None:
        self.world.db.clock.pass_real(**span)  # type: ignore[attr-defined]

    def go_back(self, **outage: float) -> bool:
        """The database is lost, and somebody puts the backup in its place by hand."""
        self.world.db.engine.dispose()
        for tail in ("", "-wal", "-shm"):
            Path(f"{self.file}{tail}").unlink(missing_ok=True)
        shutil.copyfile(self.folder / "copy", self.file)
        self.world.db.keys.forget()  # a process that starts knows none
        self.pass_real(**(outage or {"minutes": 5}))
        return restoring.notice(self.world.db)

    @property
    def file(self) -> Path:
        return Path(self.world.db.engine.url.database or "")

    def held(self) -> str | None:
        return self.world.see(restoring.held_because)

    def state(self, name: str) -> OutboxState:
        found: OutboxState = self.world.rows(Outbox, Outbox.key == name)[0].state
        return found

    def person(self, key: str) -> Person:
        found: Person = self.world.rows(Person, Person.id == self.world.id_of(key))[0]
        return found

    def queue(self) -> list[str]:
        return sorted(item.kind for item in self.world.rows(QueueItem, QueueItem.state == "open"))

    def confirm(self, **how: bool) -> None:
        self.world.act(restoring.confirm, None, **how)


def listed(sms: OutgoingSms, number: int, at: datetime) -> ListedMessage:
    return ListedMessage(f"SM{number}", sms.to, MessageStatus.DELIVERED, None, at, body_digest(sms.body))


CHECK_IN = CheckIn(agency="Metro", name="Jordan", helper="Alex")
PAGE = Page(agency="Metro", code="K4T7", by="14:30")


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world, tmp_path)


# It is noticed.


def test_a_database_that_only_went_on_is_not_taken_for_a_restored_one(life: Life) -> None:
    life.world.act(tick)
    assert restoring.notice(life.world.db) is False
    assert life.held() is None


def test_a_database_that_went_back_is_noticed_at_the_next_start(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    assert life.go_back() is True
    assert "held since the database was restored" in (life.held() or "")


def test_one_text_that_left_is_enough_to_notice(life: Life) -> None:
    life.back_up()
    life.put("peer-1", PAGE, "page")
    assert life.send() == 1
    assert life.go_back() is True


def test_it_is_noticed_once(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    assert restoring.notice(life.world.db) is False
    assert len(life.world.rows(Restore)) == 1


def test_a_home_that_never_saw_a_database_that_has_lived_takes_it_for_restored(life: Life) -> None:
    life.back_up()
    for path in life.folder.glob("*.seen"):
        path.unlink()
    assert life.go_back() is True


def test_one_more_machine_beside_those_that_work_notices_nothing(life: Life) -> None:
    life.world.act(engine.beat, "conductor")
    for path in life.folder.glob("*.seen"):
        path.unlink()
    assert restoring.notice(life.world.db) is False


def test_two_parts_that_start_at_once_on_a_fresh_database_notice_nothing(
    any_world: World, tmp_path: Path
) -> None:
    any_world.db.apart = Apart(tmp_path, tmp_path / "stop.list")
    # the other has ticked, and has neither written its mark nor been seen yet
    any_world.act(lambda session: setattr(session.get_one(Epoch, 1), "ticks", 1))
    assert not restoring.notice(any_world.db)


def test_a_mark_of_another_database_says_nothing(life: Life) -> None:
    life.world.act(engine.beat, "conductor")
    for path in life.folder.glob("*.seen"):
        path.write_text("another 999999")
    assert restoring.notice(life.world.db) is False


# Nothing goes out twice.


@pytest.mark.parametrize(("key", "message"), [("jordan", CHECK_IN), ("peer-1", PAGE)])
def test_a_text_that_left_after_the_backup_is_not_sent_again(life: Life, key: str, message: Message) -> None:
    life.put(key, message, "text")
    life.back_up()
    assert life.send() == 1
    assert life.go_back()
    life.sweep()
    life.confirm()
    life.send()
    assert [sms.to for sms in life.provider.sent].count(life.world.cast.phone(key)) == 1
    assert life.state("text") is OutboxState.DELIVERED


def test_of_two_texts_that_read_alike_only_the_one_that_did_not_leave_is_sent(life: Life) -> None:
    life.put("jordan", CHECK_IN, "first")
    life.back_up()
    assert life.send() == 1
    life.go_back()
    life.put("jordan", CHECK_IN, "second")
    life.sweep()
    life.confirm()
    life.send()
    assert [sms.to for sms in life.provider.sent].count(life.world.cast.phone("jordan")) == 2


def test_what_may_have_gone_out_in_other_words_is_a_humans(life: Life) -> None:
    life.back_up()
    life.put("jordan", CHECK_IN, "sent")
    life.send()
    life.go_back()
    life.put("jordan", CheckIn(agency="Metro", name="Jordan", helper="Sam"), "made anew")
    life.sweep()
    life.confirm()
    life.send()
    assert life.state("made anew") is OutboxState.UNSETTLED
    assert life.queue() == ["restored", "unsettled_send"]


def test_a_page_made_anew_goes_out_and_says_that_it_is_a_repeat(life: Life) -> None:
    life.back_up()
    life.put("peer-1", PAGE, "sent")
    life.send()
    life.go_back()
    life.put("peer-1", Page(agency="Metro", code="B3M4", by="14:40"), "made anew")
    life.sweep()
    life.send()
    said = [sms.body for sms in life.provider.sent if sms.to == life.world.cast.phone("peer-1")]
    assert ["(repeat)" in body for body in said] == [False, True]


def test_a_page_waits_for_the_providers_list_and_not_longer_than_half_a_minute(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    life.put("peer-1", PAGE, "page")
    life.put("jordan", CHECK_IN, "care")
    assert life.send() == 0
    life.pass_real(seconds=URGENT_WAITS.total_seconds() + 1)
    assert life.send() == 1
    assert (life.state("page"), life.state("care")) == (OutboxState.SENT, OutboxState.PENDING)


def test_the_answer_to_a_text_from_before_is_not_given_twice_and_a_human_is_found(life: Life) -> None:
    life.back_up()
    life.says("jordan", "3")
    life.sweep()
    life.send()
    told = life.world.cast.phone("jordan")
    assert [sms.to for sms in life.provider.sent].count(told) == 1
    life.go_back()
    life.sweep()
    life.send()
    assert [sms.to for sms in life.provider.sent].count(told) == 1
    asked = [sms.body for sms in life.provider.sent if " I take it" in sms.body]
    assert len(asked) == 2
    assert "has waited" in asked[1]


def test_an_answer_that_nobody_gave_before_is_given_now(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.says("jordan", "3")
    life.go_back()
    life.sweep()
    life.send()
    assert [sms.to for sms in life.provider.sent].count(life.world.cast.phone("jordan")) == 1


def _call(session: Session, person_id: str) -> None:
    moment = now(session)
    about: dict[str, Any] = {"key": "call", "reason": "page", "agency": "metro-pd", "person_id": person_id}
    call = PhoneCall(**about, made_at=moment, expires_at=moment + timedelta(hours=1), attempts=0)
    call.state = CallState.PENDING
    session.add(call)


@pytest.mark.parametrize(("rang", "state"), [(True, CallState.CANCELLED), (False, CallState.PENDING)])
def test_a_phone_that_rang_since_the_backup_does_not_ring_again(
    life: Life, rang: bool, state: CallState
) -> None:
    life.world.act(_call, life.world.id_of("peer-1"))
    life.back_up()
    life.world.act(tick)
    if rang:
        life.provider.calls.append(ListedCall("CA1", CallStatus.COMPLETED, life.world.db.clock.now()))
    life.go_back()
    assert life.world.act(dialling.claim) == []  # not before the provider was asked
    life.sweep()
    assert [call.state for call in life.world.rows(PhoneCall)] == [state]


# Care texts wait.


def test_care_texts_wait_for_list_inbox_and_word_while_pages_go(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    life.put("jordan", CHECK_IN, "care")
    assert "not carried out" in (life.held() or "")
    life.sweep()
    life.put("peer-1", PAGE, "page")
    life.send()
    assert (life.state("page"), life.state("care")) == (OutboxState.SENT, OutboxState.PENDING)
    assert (life.held() or "").endswith(
        "a coordinator has not confirmed the roster yet: `cism backup confirm`"
    )
    life.confirm()
    life.send()
    assert life.state("care") is OutboxState.SENT


def test_while_something_is_missing_a_word_is_not_enough(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    with pytest.raises(NotAllowed, match="what people wrote since"):
        life.confirm()
    life.confirm(anyway=True)
    with pytest.raises(AlreadyDone):
        life.confirm()


def test_a_lost_stop_list_is_said_and_needs_its_own_word(life: Life) -> None:
    life.back_up()
    life.says("sam", "STOP")
    life.sweep()
    life.provider.inbound.clear()
    (life.folder / "stop.list").unlink()
    life.go_back()
    life.sweep()
    # the carrying out itself writes a new list, and does not hide that the old one is gone
    assert "the stop list is missing" in (life.held() or "")
    with pytest.raises(NotAllowed):
        life.confirm()


def test_the_clock_of_a_trial_does_not_wait_for_what_is_held(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    life.sweep()
    life.put("jordan", CHECK_IN, "care")
    life.send()
    assert life.world.see(lambda session: engine.busy(session, timedelta(0))) is False
    following = life.world.see(engine.next_due)
    assert following is None or following > life.world.now()


# What people had said is not forgotten.


def _stop(life: Life) -> None:
    life.world.text("jordan", "STOP")


def _dies(life: Life) -> None:
    life.world.act(_status, life.world.id_of("jordan"), PersonStatus.DECEASED)


def _leaves(life: Life) -> None:
    life.world.act(_status, life.world.id_of("jordan"), PersonStatus.RETIRED)


def _is_removed(life: Life) -> None:
    life.world.act(_remove, life.world.id_of("jordan"))


def _doubts(life: Life) -> None:
    life.world.text("jordan", "who is this?")


def _opts_out(life: Life) -> None:
    life.world.text("jordan", "please stop texting me, leave me alone")


@pytest.mark.parametrize("act", [_stop, _dies, _is_removed, _doubts, _opts_out])
def test_no_care_text_after_a_restore_to_whoever_had_ended_it(
    life: Life, act: Callable[[Life], None]
) -> None:
    life.put("jordan", CHECK_IN, "care")
    life.back_up()
    act(life)
    life.go_back()
    life.sweep()  # the provider's list is empty: nothing but the stop list knows
    life.confirm()
    life.send()
    assert life.world.cast.phone("jordan") not in [sms.to for sms in life.provider.sent]
    assert life.state("care") in {OutboxState.CANCELLED, OutboxState.SUPPRESSED}


def test_whoever_left_is_off_the_team_again(life: Life) -> None:
    life.back_up()
    _leaves(life)
    life.go_back()
    assert life.person("jordan").status is PersonStatus.ACTIVE
    life.sweep()
    assert life.person("jordan").status is PersonStatus.RETIRED


def test_what_was_forgotten_is_forgotten_again(life: Life) -> None:
    life.back_up()
    _is_removed(life)
    life.go_back()
    assert life.person("jordan").phone is not None
    life.sweep()
    assert (life.person("jordan").phone, life.person("jordan").name) == (None, "removed")
    (key,) = life.world.rows(PersonKey, PersonKey.person_id == life.world.id_of("jordan"))
    assert key.wrapped is None
    assert [one.person_id for one in life.world.see(copies.erasures)] == [key.person_id]


def test_a_number_that_changed_meanwhile_is_not_texted(life: Life) -> None:
    life.back_up()
    life.world.cast.rows["jordan"]["phone"] = "+12025550199"
    life.world.act(roster.import_file, life.world.cast.text(), life.world.now())
    life.go_back()
    life.sweep()
    assert life.person("jordan").frozen_at is not None
    assert "who_is_this" in life.queue()


def test_a_stop_that_was_taken_back_is_not_carried_out(life: Life) -> None:
    life.back_up()
    life.world.text("jordan", "STOP")
    life.world.text("jordan", "START")
    life.go_back()
    life.sweep()
    assert life.person("jordan").opted_out_at is None


def test_whoever_came_after_the_backup_keeps_their_stop_when_they_are_imported_again(life: Life) -> None:
    life.back_up()
    life.world.cast.add("late")
    life.world.act(roster.import_file, life.world.cast.text(), life.world.now())
    life.world.text("late", "STOP")
    life.go_back()
    life.sweep()
    life.world.act(roster.import_file, life.world.cast.text(), life.world.now())
    assert life.person("late").opted_out_at is not None


def test_the_end_of_an_incidents_contacts_is_carried_out(life: Life) -> None:
    incident = life.world.log("THREAT", "jordan:A", severity="S2", ended_at=life.world.now())
    life.world.advance(days=1, hours=12)
    life.back_up()
    life.world.text("jordan", "0")
    life.go_back()
    life.sweep()
    assert [item.ended_reason for item in _affected(life, incident)] == ["declined"]


def test_a_zero_to_an_incident_that_is_gone_holds_care_texts_until_a_human_has_asked(life: Life) -> None:
    life.back_up()
    life.world.log("THREAT", "jordan:A", severity="S2", ended_at=life.world.now())
    life.world.advance(days=1, hours=12)
    life.world.text("jordan", "0")
    life.go_back()
    life.sweep()
    assert life.person("jordan").care_held_at is not None
    assert "care_held" in life.queue()


def test_what_people_wrote_meanwhile_is_read(life: Life) -> None:
    life.back_up()
    life.says("sam", "STOP")
    life.sweep()
    (life.folder / "stop.list").write_text("")  # not by the list this time
    life.go_back()
    life.sweep()
    assert life.person("sam").opted_out_at is not None


def test_an_answer_with_a_code_that_nobody_knows_any_more_goes_to_a_human(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.says("peer-1", "1 K4T7")
    life.go_back()
    life.sweep()
    assert "free_text" in life.queue()


def test_such_an_answer_is_not_taken_for_one_to_another_question(life: Life) -> None:
    life.world.log("THREAT", "jordan:A", severity="S2", ended_at=life.world.now())
    life.back_up()
    life.world.act(tick)
    asked = life.world.told("page")[0]
    life.says(asked, "1 K4T7")
    life.go_back()
    life.sweep()
    assert "free_text" in life.queue()
    assert life.world.told("assigned") == []


def test_without_a_restore_a_code_that_was_mistyped_goes_to_nobody(life: Life) -> None:
    life.world.log("THREAT", "jordan:A", severity="S2", ended_at=life.world.now())
    life.world.text(life.world.told("page")[0], "1 K4T7")
    assert life.queue() == []


# Those in charge are told.


def test_the_coordinator_is_told_how_many_texts_are_not_on_record(life: Life) -> None:
    life.back_up()
    life.put("peer-1", PAGE, "page")
    life.put("peer-2", PAGE, "page 2")
    life.send()
    life.go_back()
    life.sweep()
    life.send()
    told = [sms.body for sms in life.provider.sent if sms.to == life.world.cast.phone("cora")]
    assert any("2 later texts missing" in body for body in told)
    row = life.world.rows(Restore)[0]
    count, first, last = life.world.see(lambda session: restoring.unknown_sends(session, row))
    assert (count, first is not None, last is not None) == (2, True, True)


def test_a_database_goes_back_twice(life: Life) -> None:
    life.back_up()
    life.world.act(tick)
    life.go_back()
    life.sweep()
    life.world.act(tick)
    life.go_back()
    assert "not carried out" in (life.held() or "")
    assert len(life.world.rows(Restore, Restore.confirmed_at.is_(None))) == 1


def _affected(life: Life, incident: str) -> list[Any]:
    from cism.store.tables import AffectedPerson

    return life.world.rows(AffectedPerson, AffectedPerson.incident_id == incident)


def _status(session: Session, person_id: str, status: PersonStatus) -> None:
    roster_moves.set_status(session, people.get(session, person_id), status, by=None, now=now(session))


def _remove(session: Session, person_id: str) -> None:
    roster_moves.remove(session, people.get(session, person_id), by=None, now=now(session))


def test_the_ticks_are_those_of_the_mark(life: Life) -> None:
    life.back_up()
    for _ in range(3):
        life.world.act(tick)
    life.go_back()
    assert life.world.db.apart is not None
    marks = {mark.ticks for mark in life.world.db.apart.marks()}
    ticks = life.world.see(lambda session: session.scalars(select(Epoch.ticks)).one())
    assert marks == {ticks}
    assert life.world.see(real_now) is not None


def _line(number: int, tx: str, *, done: bool = False, stopped: str | None = None) -> Line:
    entry = {"what": "person", "id": "p", "phone": "h", "status": "active", "stopped": stopped}
    entry |= dict.fromkeys(("frozen", "no_pages", "no_care", "gone"), False) | {"held": None}
    return Line(number, tx, "2026-03-03T12:00:00+00:00", done, () if done else (entry,))


@pytest.mark.parametrize(("committed", "still"), [(False, "2026-03-03T12:00:00+00:00"), (True, None)])
def test_a_start_lifts_a_stop_only_where_its_commit_was_seen(committed: bool, still: str | None) -> None:
    stop = "2026-03-03T12:00:00+00:00"
    lines = [_line(1, "a", stopped=stop), _line(2, "a", done=True), _line(3, "b")]
    lines += [_line(4, "b", done=True)] if committed else []
    (entry,) = fold(lines, datetime.fromisoformat(stop))
    assert entry["stopped"] == still
