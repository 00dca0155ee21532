"""Keeping in touch with affected people: check-ins, the one reminder, calls by peers, the opt-in at the
end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import last_point, opt_in_at, plan_contacts, reminder_at, waits_for_kin
from cism.domain.people import Person as Snapshot
from cism.domain.people import PersonStatus, SleepWindow
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import is_open, next_open
from cism.services import (
    after_escalation,
    choice,
    escalations,
    events,
    notify,
    people,
    questions,
    queue,
    steps,
)
from cism.services.reach import agency_can_answer
from cism.store.tables import AffectedPerson, Incident, Person, Question, Step

MERGE_WITHIN = timedelta(hours=48)  # domain.md 11.8
CALL_WITHIN = timedelta(hours=4)  # design: a peer's call is reported by then, in open hours
HELD = after_escalation.HELD
KIN = "held: next of kin not told yet"


def planned_steps(
    session: Session, row: Incident, item: AffectedPerson, person: Snapshot, now: datetime
) -> list[PlannedStep]:
    """The contact points of one person of one incident as rows; planning twice adds nothing."""
    snapshot = people.incident_snapshot(row)
    affected = next(one for one in snapshot.affected if one.person_id == item.person_id)
    protocol = choice.protocol_of(row)
    planned = plan_contacts(snapshot, affected, person, protocol, now, opted_in=item.keep_in_touch)
    found: list[PlannedStep] = []
    for contact in planned:
        if contact.dropped is not None or contact.point == "f0":
            continue  # f0 is given to the peer in person when they are assigned
        key = f"contact:{item.id}:{contact.point}"
        if contact.provisional:
            key += ":provisional"
        elif _was_sent(session, f"{key}:provisional"):
            continue
        found.append(
            PlannedStep(
                kind=StepKind.CONTACT if contact.channel == "sms" else StepKind.PEER_TASK,
                due_at=contact.due_at,
                expires_at=contact.expires_at,
                key=key,
                incident_id=row.id,
                person_id=item.person_id,
                subject_id=item.id,
                payload={"point": contact.point},
            )
        )
    return found


def anchor_known(session: Session, row: Incident, item: AffectedPerson, now: datetime) -> None:
    """The end of exposure became known: what was provisional and has not left gives way to the real plan."""
    key = f"contact:{item.id}:f1:provisional"
    planned = session.scalar(select(Step).where(Step.key == key, Step.state == StepState.PLANNED))
    if planned is not None:
        planned.state, planned.outcome, planned.done_at = StepState.CANCELLED, "end of exposure known", now


def _was_sent(session: Session, key: str) -> bool:
    return (
        session.scalar(
            select(Step.id).where(Step.key == key, Step.state == StepState.DONE, Step.outcome == "sent")
        )
        is not None
    )


def on_contact(session: Session, step: Step, now: datetime) -> str | None:
    """One check-in, if everything still allows it; otherwise the reason is the step's outcome."""
    person = people.lock_person(session, step.person_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    row = session.get_one(Incident, step.incident_id or "")
    reason = _not_now(session, row, item, person, now)
    if reason is not None:
        return reason
    sleep = SleepWindow(person.sleep_start, person.sleep_end)
    if not is_open(now, person.zone, sleep):
        return _later(session, step, next_open(now, person.zone, sleep))
    if person.phone_confirmed_at is None or not person.consent_care or person.revoked_care:
        return _by_peer_instead(session, step, now)
    if _merge(session, row, person, now):
        return "merged with another incident's check-in"
    _check_in(session, step, row, item, person, now)
    return "sent"


def on_reminder(session: Session, step: Step, now: datetime) -> str | None:
    """The one reminder of a point, to somebody who has not answered."""
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "answered meanwhile"
    person = people.lock_person(session, question.person_id)
    if escalations.open_about(session, person.id):
        return HELD
    sleep = SleepWindow(person.sleep_start, person.sleep_end)
    if not is_open(now, person.zone, sleep):
        return _later(session, step, next_open(now, person.zone, sleep))
    row = session.get_one(Incident, question.incident_id or "")
    notify.check_in(session, person, question, row, _helper(session, row, person), now, reminder=True)
    return "sent"


def on_close(session: Session, step: Step, now: datetime) -> str | None:
    """Silence is neither risk nor refusal: the point is closed, a peer may call once, the next point
    stays.
    """
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "answered meanwhile"
    row = session.get_one(Incident, question.incident_id or "")
    questions.close(session, state="expired", now=now, person_id=question.person_id, kinds=("check_in",))
    events.record(
        session,
        "contact.silent",
        now,
        incident_id=row.id,
        subject_id=question.subject_id,
        after=question.point,
    )
    item = _affected(session, row.id, question.person_id)
    if item is not None and item.ended_at is None and item.peer_id is not None:
        _plan_call(session, row, item, f"{question.point}-call", now)
    return "not reached"


def on_contact_expired(session: Session, step: Step, now: datetime) -> str | None:
    """A check-in that could not leave in its window is not sent late; a human is told."""
    person = people.get(session, step.person_id or "")
    item = session.get(AffectedPerson, step.subject_id or "")
    if item is not None and item.ended_at is None:
        queue.add(
            session,
            "contact_missed",
            now=now,
            within=CALL_WITHIN,
            person=person,
            incident_id=step.incident_id,
        )
    return None


def on_peer_task(session: Session, step: Step, now: datetime) -> str | None:
    """Ask the assigned peer to call; without one, the coordinator has it in the queue."""
    row = session.get_one(Incident, step.incident_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    person = people.get(session, item.person_id)
    if item.ended_at is not None or person.status is PersonStatus.DECEASED:
        return "ended"
    point = str(step.payload["point"])
    if item.peer_id is None:
        queue.add(session, "call_needed", now=now, within=CALL_WITHIN, person=person, incident_id=row.id)
        return "no peer: in the coordinator's queue"
    peer = people.get(session, item.peer_id)
    sleep = SleepWindow(peer.sleep_start, peer.sleep_end)
    if point != "f0" and not is_open(now, peer.zone, sleep):
        return _later(session, step, next_open(now, peer.zone, sleep))
    deadline = next_open(now + CALL_WITHIN, peer.zone, sleep)
    question = questions.ask(
        session,
        person_id=peer.id,
        kind="contact_report",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        about_id=item.person_id,
        point=point,
        deadline=deadline,
    )
    notify.peer_task(session, peer, question, row, deadline, now)
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.PEER_TASK_DEADLINE,
                due_at=deadline,
                key=f"call-by:{question.id}",
                incident_id=row.id,
                subject_id=question.id,
            )
        ],
    )
    return "asked the peer"


def on_peer_task_deadline(session: Session, step: Step, now: datetime) -> str | None:
    """The call was not reported: the coordinator finds out by the queue, not the affected person by a
    text.
    """
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "reported meanwhile"
    queue.add(
        session,
        "call_unreported",
        now=now,
        within=timedelta(hours=12),
        person=people.get(session, question.about_id or ""),
        incident_id=question.incident_id,
    )
    return "in the coordinator's queue"


def on_peer_task_expired(session: Session, step: Step, now: datetime) -> str | None:
    """A call whose moment passed while nothing could run."""
    return on_contact_expired(session, step, now)


def on_opt_in(session: Session, step: Step, now: datetime) -> str | None:
    """After the last point: keep in touch? Silence is no. It becomes the person's one open question."""
    person = people.lock_person(session, step.person_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    row = session.get_one(Incident, step.incident_id or "")
    reason = _not_now(session, row, item, person, now)
    if reason is not None:
        return reason
    sleep = SleepWindow(person.sleep_start, person.sleep_end)
    if not is_open(now, person.zone, sleep):
        return _later(session, step, next_open(now, person.zone, sleep))
    if person.phone_confirmed_at is None or not person.consent_care or person.revoked_care:
        return "no texts to this person"
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=("check_in",))
    question = questions.ask(
        session,
        person_id=person.id,
        kind="opt_in",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        deadline=now + timedelta(days=14),
    )
    notify.opt_in(session, person, question, row, _helper(session, row, person), now)
    return "sent"


def on_confirm_phone(session: Session, step: Step, now: datetime) -> str | None:
    """Ask once whether this number is theirs, in their open hours."""
    person = people.lock_person(session, step.person_id or "")
    if person.phone_confirmed_at is not None or person.status in {
        PersonStatus.LEAVE,
        PersonStatus.RETIRED,
        PersonStatus.DECEASED,
    }:
        return "not needed"
    if not person.consent_care or person.revoked_care or person.opted_out_at is not None:
        return "no consent"
    sleep = SleepWindow(person.sleep_start, person.sleep_end)
    if not is_open(now, person.zone, sleep):
        return _later(session, step, next_open(now, person.zone, sleep))
    question = questions.ask(session, person_id=person.id, kind="confirm_phone", now=now)
    notify.confirm_phone(session, person, question, now)
    return "sent"


def answer_check_in(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1: all good, silence from us. 0: this incident's contacts end (of every incident merged in it)."""
    questions.answer(session, question, digit, now)
    person = people.get(session, question.person_id)
    incidents = [question.incident_id or "", *(question.merged or [])]
    steps.cancel(session, reason="answered", now=now, subject_id=question.id)
    if digit == "0":
        for incident_id in incidents:
            end_contacts(session, incident_id, person.id, "declined", now)
        notify.contacts_ended(session, person, question, now)
        return
    for incident_id in incidents:
        _opt_in_now(session, incident_id, person, question.point, now)


def answer_opt_in(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1 keeps in touch at half a year and before the anniversary; 0 ends."""
    questions.answer(session, question, digit, now)
    item = session.get_one(AffectedPerson, question.subject_id or "")
    row = session.get_one(Incident, item.incident_id)
    person = people.get(session, item.person_id)
    item.keep_in_touch = digit == "1"
    if item.keep_in_touch:
        steps.plan(session, planned_steps(session, row, item, people.snapshot(person), now))
    notify.opt_in_done(session, person, question, row, now, kept=item.keep_in_touch)


def answer_report(session: Session, question: Question, digit: str, now: datetime) -> None:
    """What a peer reports about a call: 4 reached, 5 declined, 6 not reached; 9 hands this call back."""
    questions.answer(session, question, digit, now)
    steps.cancel(session, reason="reported", now=now, subject_id=question.id)
    outcome = {"4": "reached", "5": "declined", "6": "not_reached", "9": "handed_back"}[digit]
    events.record(
        session,
        "contact.reported",
        now,
        incident_id=question.incident_id,
        subject_id=question.subject_id,
        actor_id=question.person_id,
        after=outcome,
    )
    if digit == "9":
        queue.add(
            session,
            "call_needed",
            now=now,
            within=CALL_WITHIN,
            person=people.get(session, question.about_id or ""),
            incident_id=question.incident_id,
        )


def end_contacts(session: Session, incident_id: str, person_id: str, reason: str, now: datetime) -> None:
    """This incident's contacts with one person end; escalations and other incidents stay as they are."""
    item = _affected(session, incident_id, person_id)
    if item is None or item.ended_at is not None:
        return
    item.ended_at, item.ended_reason = now, reason
    steps.cancel(session, reason=reason, now=now, subject_id=item.id)
    questions.close(
        session,
        state="superseded",
        now=now,
        incident_id=incident_id,
        person_id=person_id,
        kinds=("check_in", "opt_in", "invitation"),
    )
    steps.cancel(
        session,
        reason=reason,
        now=now,
        incident_id=incident_id,
        person_id=person_id,
    )
    events.record(session, "contacts.ended", now, incident_id=incident_id, subject_id=item.id, after=reason)


def peer_changed(session: Session, row: Incident, item: AffectedPerson, now: datetime) -> None:
    """A helper got this person: the first call, before going home, is theirs (f0)."""
    fresh = item.exposure_end is None or now <= item.exposure_end + timedelta(hours=12)
    if item.peer_id is None or not fresh:
        return
    rule = choice.protocol_of(row).contact("f0")
    if rule is not None and row.severity in rule.severities:
        _plan_call(session, row, item, "f0", now)


def _check_in(
    session: Session, step: Step, row: Incident, item: AffectedPerson, person: Person, now: datetime
) -> None:
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=("check_in",))
    point = str(step.payload["point"])
    protocol = choice.protocol_of(row)
    question = questions.ask(
        session,
        person_id=person.id,
        kind="check_in",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        point=point,
    )
    notify.check_in(session, person, question, row, _helper(session, row, person), now)
    following = session.scalar(
        select(Step.due_at)
        .where(
            Step.subject_id == item.id,
            Step.state == StepState.PLANNED,
            Step.kind == StepKind.CONTACT,
            Step.due_at > now,
        )
        .order_by(Step.due_at)
        .limit(1)
    )
    snapshot = people.snapshot(person)
    reminder = reminder_at(now, snapshot, protocol, following)
    ends = (reminder or now) + protocol.answer_wait
    plan = [
        PlannedStep(
            kind=StepKind.CONTACT_CLOSE,
            due_at=next_open(ends, person.zone, SleepWindow(person.sleep_start, person.sleep_end)),
            key=f"silent:{question.id}",
            incident_id=row.id,
            person_id=person.id,
            subject_id=question.id,
        )
    ]
    if reminder is not None:
        plan.append(
            PlannedStep(
                kind=StepKind.CONTACT_REMINDER,
                due_at=reminder,
                key=f"reminder:{question.id}",
                incident_id=row.id,
                person_id=person.id,
                subject_id=question.id,
                expires_at=following,
            )
        )
    if point == last_point(protocol, row.severity):
        plan.append(_opt_in_step(row, item, opt_in_at(now, snapshot, protocol)))
    steps.plan(session, plan)


def _opt_in_step(row: Incident, item: AffectedPerson, due: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.OPT_IN,
        due_at=due,
        key=f"opt-in:{item.id}",
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
    )


def _opt_in_now(session: Session, incident_id: str, person: Person, point: str | None, now: datetime) -> None:
    """After an answer to the last point the opt-in need not wait a day."""
    row = session.get_one(Incident, incident_id)
    item = _affected(session, incident_id, person.id)
    if (
        item is None
        or item.ended_at is not None
        or point != last_point(choice.protocol_of(row), row.severity)
    ):
        return
    planned = session.scalar(
        select(Step).where(Step.key == f"opt-in:{item.id}", Step.state == StepState.PLANNED)
    )
    if planned is not None:
        asked_at = planned.due_at - choice.protocol_of(row).opt_in_after
        planned.due_at = opt_in_at(asked_at, people.snapshot(person), choice.protocol_of(row), now)


def _not_now(
    session: Session, row: Incident, item: AffectedPerson, person: Person, now: datetime
) -> str | None:
    """Why no text may go to this person at this moment, or None."""
    if item.ended_at is not None:
        return "ended"
    if person.status is PersonStatus.DECEASED:
        return "deceased"
    if person.opted_out_at is not None:
        return "opted out"
    if escalations.open_about(session, person.id):
        return HELD
    snapshot = people.incident_snapshot(row)
    if waits_for_kin(snapshot, next(one for one in snapshot.affected if one.person_id == person.id)):
        return KIN
    if not agency_can_answer(session, row.agency):
        return "nobody of this agency could answer"
    return None


def _later(session: Session, step: Step, due: datetime) -> str:
    """The hour is closed to this person: the same step again at the next open minute, unless that is too
    late.
    """
    if step.expires_at is None or due < step.expires_at:
        steps.plan(
            session,
            [
                PlannedStep(
                    kind=step.kind,
                    due_at=due,
                    expires_at=step.expires_at,
                    key=f"{step.key}@{int(due.timestamp())}",
                    incident_id=step.incident_id,
                    person_id=step.person_id,
                    subject_id=step.subject_id,
                    payload=step.payload,
                )
            ],
        )
        return "moved to open hours"
    return "too late for open hours"


def _by_peer_instead(session: Session, step: Step, now: datetime) -> str:
    """An unconfirmed phone or missing consent: a call by a peer, never a text."""
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.PEER_TASK,
                due_at=now,
                expires_at=step.expires_at,
                key=f"{step.key}:peer",
                incident_id=step.incident_id,
                person_id=step.person_id,
                subject_id=step.subject_id,
                payload=step.payload,
            )
        ],
    )
    return "given to a peer"


def _merge(session: Session, row: Incident, person: Person, now: datetime) -> bool:
    """Two incidents at once: one check-in within 48 h speaks for both."""
    recent = session.scalar(
        select(Question)
        .where(
            Question.person_id == person.id,
            Question.kind == "check_in",
            Question.asked_at > now - MERGE_WITHIN,
            Question.incident_id != row.id,
        )
        .order_by(Question.asked_at.desc())
    )
    if recent is None:
        return False
    recent.merged = sorted({*(recent.merged or []), row.id})
    return True


def _plan_call(session: Session, row: Incident, item: AffectedPerson, point: str, now: datetime) -> None:
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.PEER_TASK,
                due_at=now,
                key=f"call:{item.id}:{point}:{item.peer_id}",
                incident_id=row.id,
                person_id=item.person_id,
                subject_id=item.id,
                payload={"point": point},
            )
        ],
    )


def _affected(session: Session, incident_id: str, person_id: str) -> AffectedPerson | None:
    return session.scalar(
        select(AffectedPerson).where(
            AffectedPerson.incident_id == incident_id, AffectedPerson.person_id == person_id
        )
    )


def _helper(session: Session, row: Incident, person: Person) -> Person | None:
    item = _affected(session, row.id, person.id)
    return people.get(session, item.peer_id) if item is not None and item.peer_id else None
