"""Retention: each class is gone when it is due and kept before; a hold keeps it; what was done is proved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.plan import StepKind, StepState
from cism.domain.retention import HoldReason, Kept, LiftReason
from cism.errors import AlreadyDone, NotFound
from cism.services import audit, legal_holds, nightly, redaction, retention
from cism.services.retention import Done
from cism.store.db import now, real_now
from cism.store.states import InboundState, OutboxState, QueueState, SessionState
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Assignment,
    Counter,
    Escalation,
    Event,
    GroupSession,
    InboundMessage,
    Incident,
    Invitation,
    LegalHold,
    Link,
    Outbox,
    Question,
    QueueItem,
    RetentionRun,
    Step,
)
from tests.services.world import World

_WORDS = "please call my wife"


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def _run(world: World, *, dry_run: bool = False, **later: float) -> dict[Kept, Done]:
    return world.act(lambda s: retention.run(s, now(s) + timedelta(**later), dry_run=dry_run))


def _handled(world: World) -> str:
    """Jordan texts words, and a human handles them now."""
    world.text("jordan", _WORDS)
    (item,) = world.rows(QueueItem, QueueItem.kind == "free_text")

    def handle(session: Session) -> None:
        row = session.get_one(QueueItem, item.id)
        row.state, row.handled_at = QueueState.HANDLED, now(session)
        session.get_one(InboundMessage, row.inbound_sid).state = InboundState.HANDLED
        session.execute(update(Step).values(state=StepState.CANCELLED, done_at=now(session)))

    world.act(handle)
    return str(item.inbound_sid)


def test_words_are_kept_for_seventy_two_hours_after_they_were_handled_and_then_gone(any_world: World) -> None:
    sid = _handled(any_world)
    assert _run(any_world, hours=71, minutes=59)[Kept.WORDS].count == 0
    assert any_world.rows(InboundMessage, InboundMessage.sid == sid)[0].body == _WORDS
    assert _run(any_world, hours=72)[Kept.WORDS].count == 1
    assert any_world.rows(InboundMessage, InboundMessage.sid == sid)[0].body is None


@pytest.mark.parametrize("acted", [True, False])
def test_words_stay_while_somebody_still_needs_a_call_because_of_them(world: World, acted: bool) -> None:
    sid = _handled(world)

    def need(session: Session, state: EscalationState) -> None:
        row = session.query(Escalation).first() or Escalation(
            agency=world.cast.agency, level=EscalationLevel.URGENT, reason="crisis_words", inbound_sid=sid
        )
        row.state, row.opened_at, row.level_at = state, now(session), now(session)
        row.closed_at = now(session) + timedelta(hours=10) if state is EscalationState.CLOSED else None
        session.add(row)
        if acted:
            session.get_one(InboundMessage, sid).state = InboundState.ACTED

    world.act(need, EscalationState.OPEN)
    assert _run(world, days=30, dry_run=True)[Kept.WORDS].count == 0
    world.act(need, EscalationState.CLOSED)
    assert _run(world, hours=81, dry_run=True)[Kept.WORDS].count == 0
    assert _run(world, hours=82, dry_run=True)[Kept.WORDS].count == 1


def test_words_are_gone_within_a_minute_of_their_hour_and_not_only_in_the_next_night(world: World) -> None:
    sid = _handled(world)
    world.act(nightly.plan_first)
    world.advance(hours=71)  # the last night before it plans the hour itself
    (planned,) = world.rows(Step, Step.kind == StepKind.FORGET)
    due = world.rows(QueueItem, QueueItem.inbound_sid == sid)[0].handled_at + timedelta(hours=72)
    assert due <= planned.due_at <= due + timedelta(minutes=1)
    assert world.rows(InboundMessage, InboundMessage.sid == sid)[0].body == _WORDS
    world.advance(minutes=61)
    assert world.rows(InboundMessage, InboundMessage.sid == sid)[0].body is None
    assert world.rows(Step, Step.kind == StepKind.FORGET)[0].state is StepState.DONE


def test_a_stranger_s_number_goes_with_their_words(world: World) -> None:
    sid = _handled(world)
    world.act(lambda s: setattr(s.get_one(InboundMessage, sid), "person_id", None))
    _run(world, hours=72)
    assert world.rows(InboundMessage, InboundMessage.sid == sid)[0].from_number == ""


def test_invitations_are_gone_two_days_after_the_session_s_end(any_world: World) -> None:
    incident = any_world.log("THREAT", "jordan:A", severity="S2", ended_at=any_world.now())

    def invite(session: Session) -> None:
        meeting = GroupSession(incident_id=incident, kind="defusing", group_key="g", team_size=2)
        meeting.state, meeting.ends_at = SessionState.APPROVED, now(session)
        session.add(meeting)
        session.flush()
        session.add(Invitation(session_id=meeting.id, person_id=any_world.id_of("jordan"), state="coming"))

    any_world.act(invite)
    mine = len(any_world.rows(Invitation))
    assert _run(any_world, hours=47)[Kept.INVITATIONS].count == 0
    assert len(any_world.rows(Invitation)) == mine
    assert _run(any_world, hours=48)[Kept.INVITATIONS].count == 1
    assert len(any_world.rows(Invitation)) < mine


def test_what_texts_said_is_gone_after_thirty_days(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S2", ended_at=any_world.now())
    any_world.act(lambda s: s.execute(update(Outbox).values(state=OutboxState.DELIVERED)))
    texts = len(any_world.rows(Outbox))
    assert texts
    assert _run(any_world, days=29)[Kept.SENT].count == 0
    assert _run(any_world, days=30)[Kept.SENT].count == texts
    assert {(row.payload, row.redacted) for row in any_world.rows(Outbox)} == {("{}", True)}


def test_a_text_that_is_not_settled_keeps_what_it_said(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    world.act(lambda s: s.execute(update(Outbox).values(state=OutboxState.UNKNOWN)))
    assert _run(world, days=300)[Kept.SENT].count == 0


def test_addresses_are_gone_a_week_after_they_expired(world: World) -> None:
    def make(session: Session) -> None:
        link = Link(hash="h", person_id=world.id_of("jordan"), purpose="home", code_tries=0)
        link.expires_real = real_now(session) - timedelta(days=6)
        session.add(link)

    world.act(make)
    assert _run(world)[Kept.LINKS].count == 0
    world.act(lambda s: s.execute(update(Link).values(expires_real=real_now(s) - timedelta(days=7))))
    assert _run(world)[Kept.LINKS].count == 1
    assert world.rows(Link) == []


# --- who was on a list


def _looked_after(world: World) -> str:
    """An incident of long ago: Jordan and Sam were looked after, and nothing more is to come."""
    incident = world.log("THREAT", "jordan:A", "sam:B", severity="S2", ended_at=world.now())
    world.answer("page")
    world.act(_all_done)
    return incident


def _all_done(session: Session) -> None:
    at = now(session)
    session.execute(
        update(Step)
        .where(Step.kind != StepKind.CLOSE_INCIDENT, Step.state == StepState.PLANNED)
        .values(state=StepState.DONE, done_at=at)
    )
    session.execute(update(Question).values(state="answered", answered_at=at))
    session.execute(update(Escalation).values(state=EscalationState.CLOSED, closed_at=at))
    session.execute(update(QueueItem).values(state=QueueState.HANDLED, handled_at=at))


def _tells_of(world: World, incident: str, person: str) -> list[str]:
    """The tables in which a row ties this person to this incident."""
    found = []
    for table in (AffectedPerson, Step, Question, Outbox, Escalation, QueueItem, Assignment):
        column = "peer_id" if table is Assignment else "person_id"
        if world.rows(table, table.incident_id == incident, getattr(table, column) == person):
            found.append(table.__tablename__)
    if world.rows(Question, Question.incident_id == incident, Question.about_id == person):
        found.append("question about them")
    if world.rows(Event, Event.incident_id == incident, Event.actor_id == person):
        found.append("event")
    return found


def test_ninety_days_after_the_last_contact_nothing_ties_a_person_to_the_incident(any_world: World) -> None:
    incident, jordan = _looked_after(any_world), any_world.id_of("jordan")
    helpers = {row.peer_id for row in any_world.rows(Assignment, Assignment.incident_id == incident)}
    assert "affected" in _tells_of(any_world, incident, jordan)
    assert _run(any_world, days=89)[Kept.CONTACTS].count == 0
    assert _run(any_world, days=90)[Kept.CONTACTS].count == 2
    assert _run(any_world, days=90)[Kept.CONTACTS].count == len(helpers)  # nobody is left to help
    for person in (jordan, any_world.id_of("sam"), *helpers):
        assert _tells_of(any_world, incident, person) == []
    (row,) = any_world.rows(Incident, Incident.id == incident)
    assert (row.past_affected, len(row.affected)) == (2, 0)
    assert row.past_team <= len(helpers)


@pytest.mark.parametrize("waits", ["step", "question", "escalation", "queue"])
def test_whoever_has_something_to_come_stays_on_the_list(world: World, waits: str) -> None:
    incident, jordan = _looked_after(world), world.id_of("jordan")

    def wait(session: Session) -> None:
        at = now(session)
        rows: dict[str, Any] = {
            "step": Step(
                kind=StepKind.CONTACT, key="fA", due_at=at, incident_id=incident, person_id=jordan, payload={}
            ),
            "question": Question(person_id=jordan, kind="check_in", state="open", asked_at=at),
            "escalation": Escalation(
                person_id=jordan,
                agency=world.cast.agency,
                level=EscalationLevel.URGENT,
                reason="asked",
                state=EscalationState.OPEN,
                opened_at=at,
                level_at=at,
            ),
            "queue": QueueItem(
                kind="free_text", person_id=jordan, received_at=at, deadline=at, state=QueueState.OPEN
            ),
        }
        session.add(rows[waits])

    world.act(wait)
    assert _run(world, days=400, dry_run=True)[Kept.CONTACTS].count == 1  # Sam alone
    _run(world, days=400)
    assert [row.person_id for row in world.rows(AffectedPerson)] == [jordan]


def test_an_agency_keeps_lists_as_long_as_it_chose(world: World) -> None:
    _looked_after(world)
    world.act(lambda s: setattr(s.get_one(Agency, world.cast.agency), "retention", {"contacts": "120d"}))
    assert _run(world, days=119, dry_run=True)[Kept.CONTACTS].count == 0
    assert _run(world, days=120, dry_run=True)[Kept.CONTACTS].count == 2


# --- that a call was needed


def test_a_year_after_it_was_closed_an_escalation_is_a_count(any_world: World) -> None:
    def close(session: Session) -> None:
        row = Escalation(
            person_id=any_world.id_of("jordan"), agency=any_world.cast.agency, level=EscalationLevel.URGENT
        )
        row.reason, row.state = "asked", EscalationState.CLOSED
        row.opened_at = row.level_at = row.closed_at = now(session)
        session.add(row)

    any_world.act(close)
    year = any_world.now().year
    assert _run(any_world, days=364)[Kept.ESCALATIONS].count == 0
    assert _run(any_world, days=365)[Kept.ESCALATIONS].count == 1
    assert any_world.rows(Escalation) == []
    (counted,) = any_world.rows(Counter, Counter.name == "escalations_closed")
    assert (counted.label, counted.value) == (
        f"{any_world.cast.agency}:{EscalationLevel.URGENT.value}:{year}",
        1,
    )


def test_what_is_left_of_texts_and_items_is_gone_after_half_a_year(any_world: World) -> None:
    sid = _handled(any_world)
    any_world.act(
        lambda s: s.execute(
            update(Outbox).values(state=OutboxState.DELIVERED, redacted=True, redacted_at=real_now(s))
        )
    )
    _run(any_world, hours=72)
    assert _run(any_world, days=179)[Kept.SHELLS].count == 0
    assert _run(any_world, days=180)[Kept.SHELLS].count >= 2
    assert any_world.rows(QueueItem, QueueItem.inbound_sid == sid) == []
    _run(any_world, days=180)
    assert any_world.rows(InboundMessage) == []
    assert any_world.rows(Outbox) == []


# --- legal holds


def _hold(world: World, incident: str | None, kept: Kept | None = None) -> str:
    def begin(session: Session) -> str:
        return legal_holds.begin(
            session,
            incident_id=incident,
            kept=kept,
            reason=HoldReason.LITIGATION,
            by=None,
            now=now(session),
        ).id

    return world.act(begin)


def _everything(world: World) -> dict[Kept, int]:
    world.act(lambda s: s.execute(update(Outbox).values(state=OutboxState.DELIVERED)))
    return {kept: done.count for kept, done in _run(world, days=1000, dry_run=True).items() if done.count}


def test_a_hold_on_an_incident_keeps_everything_of_it_and_of_its_people(any_world: World) -> None:
    incident = _looked_after(any_world)
    _handled(any_world)
    before = _everything(any_world)
    assert {Kept.WORDS, Kept.SENT, Kept.CONTACTS} <= set(before)
    hold = _hold(any_world, incident)
    held = _everything(any_world)
    assert Kept.WORDS not in held
    assert Kept.CONTACTS not in held
    lift = LiftReason.OVER
    any_world.act(lambda s: legal_holds.lift(s, hold, reason=lift, by=None, now=now(s)))
    assert _everything(any_world) == before


def test_a_hold_on_an_incident_keeps_what_its_helpers_were_texted_and_that_they_helped(world: World) -> None:
    incident = _looked_after(world)
    _hold(world, incident)
    world.act(lambda s: s.execute(update(Outbox).values(state=OutboxState.DELIVERED)))
    _run(world, days=1000)
    helper = world.rows(Assignment, Assignment.incident_id == incident)[0].peer_id
    texts = world.rows(Outbox, Outbox.incident_id == incident, Outbox.person_id == helper)
    assert texts
    assert not any(row.redacted for row in texts)


def test_a_hold_on_a_class_keeps_all_of_it_and_nothing_else(world: World) -> None:
    _looked_after(world)
    before = _everything(world)
    _hold(world, None, Kept.CONTACTS)
    assert _everything(world) == {kept: count for kept, count in before.items() if kept is not Kept.CONTACTS}


def test_a_hold_on_a_class_of_one_incident_keeps_no_other_class(world: World) -> None:
    incident = _looked_after(world)
    before = _everything(world)
    _hold(world, incident, Kept.CONTACTS)
    assert _everything(world) == {kept: count for kept, count in before.items() if kept is not Kept.CONTACTS}


def test_a_hold_is_set_once_and_lifted_once(world: World) -> None:
    incident = _looked_after(world)
    hold = _hold(world, incident)
    with pytest.raises(AlreadyDone):
        _hold(world, incident)
    lift: Callable[[Session], LegalHold] = lambda s: legal_holds.lift(  # noqa: E731
        s, hold, reason=LiftReason.MISTAKE, by=None, now=now(s)
    )
    world.act(lift)
    with pytest.raises(AlreadyDone):
        world.act(lift)
    with pytest.raises(NotFound):
        world.act(lambda s: legal_holds.lift(s, "0", reason=LiftReason.OVER, by=None, now=now(s)))
    _hold(world, incident)  # and may be set again


# --- proof


def test_a_dry_run_counts_what_the_night_will_remove_and_removes_nothing(world: World) -> None:
    sid = _handled(world)
    told = _run(world, days=4, dry_run=True)
    assert world.rows(InboundMessage, InboundMessage.sid == sid)[0].body == _WORDS
    assert _run(world, days=4) == told


def test_each_night_leaves_a_record_of_what_it_removed_and_it_names_nobody(any_world: World) -> None:
    sid = _handled(any_world)
    any_world.act(nightly.plan_first)
    any_world.advance(days=5)
    found = any_world.see(retention.proofs)
    assert all(one.holds for one in found)
    assert sum(one.facts["removed"].get("words", {"count": 0})["count"] for one in found) == 1
    text = str([row.facts for row in any_world.rows(RetentionRun)])
    assert sid not in text
    assert any_world.id_of("jordan") not in text
    assert any_world.see(audit.verify)[1] is None


def test_a_record_that_was_altered_does_not_hold(world: World) -> None:
    world.act(nightly.plan_first)
    world.advance(days=1)
    world.act(lambda s: s.execute(update(RetentionRun).values(facts={"removed": {}, "holds": 0})))
    assert [one.holds for one in world.see(retention.proofs)] == [False]


# --- the provider's copy


def _provider_may_forget(world: World) -> set[str]:
    return {sid for _, sid in world.act(redaction.due)}


def test_the_provider_forgets_what_came_in_once_it_was_handled_and_no_word_is_left_here(world: World) -> None:
    sid = _handled(world)
    world.db.clock.pass_real(hours=73)  # type: ignore[attr-defined]
    assert sid not in _provider_may_forget(world)  # its words are still here
    _run(world)
    assert sid in _provider_may_forget(world)
    world.act(redaction.done, sid)
    assert sid not in _provider_may_forget(world)


def test_the_provider_keeps_what_came_in_as_long_as_a_restore_may_need_it(world: World) -> None:
    world.text("jordan", "2")
    world.db.clock.pass_real(hours=71)  # type: ignore[attr-defined]
    assert _provider_may_forget(world) == set()
    world.db.clock.pass_real(hours=2)  # type: ignore[attr-defined]
    assert _provider_may_forget(world) == {"SM0"}


@pytest.mark.parametrize(
    ("state", "hours", "may"),
    [
        (OutboxState.DELIVERED, 0.9, False),
        (OutboxState.DELIVERED, 1.1, True),
        (OutboxState.UNDELIVERED, 1.1, True),
        (OutboxState.SENT, 23, False),
        (OutboxState.SENT, 25, True),
        (OutboxState.UNSETTLED, 25, True),
        (OutboxState.UNKNOWN, 99, False),
    ],
)
def test_the_provider_forgets_what_went_out_once_it_is_settled(
    world: World, state: OutboxState, hours: float, may: bool
) -> None:
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())

    def stand(session: Session) -> None:
        row = session.query(Outbox).first()
        assert row is not None
        row.state, row.sid, row.sent_real = state, "SMx", real_now(session) - timedelta(hours=hours)

    world.act(stand)
    assert ("SMx" in _provider_may_forget(world)) is may
    _hold(world, None, Kept.SENT)
    assert "SMx" not in _provider_may_forget(world)


def test_a_hold_keeps_the_provider_s_copy_too(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    world.text("jordan", "2")
    world.db.clock.pass_real(hours=73)  # type: ignore[attr-defined]
    assert _provider_may_forget(world)
    hold = _hold(world, incident)
    assert _provider_may_forget(world) == set()
    world.act(lambda s: legal_holds.lift(s, hold, reason=LiftReason.OVER, by=None, now=now(s)))
    _hold(world, None, Kept.WORDS)
    _hold(world, None, Kept.SENT)
    assert _provider_may_forget(world) == set()
