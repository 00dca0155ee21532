"""The response to one incident: laid out when it is logged, laid out again (adding only) when it changes,
ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.domain import incident as rules
from cism.domain.followup import days_after, waits_for_kin
from cism.domain.incident import IncidentState
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.quiet_hours import next_open
from cism.errors import AlreadyDone, NotAllowed
from cism.services import (
    activation,
    anchors,
    choice,
    contact_merging,
    contact_plan,
    crew_list,
    events,
    held,
    in_charge,
    last_calls,
    let_go,
    notify,
    offers,
    outbox,
    people,
    questions,
    sensitive_dates,
    session_off,
    sessions,
    stepping_back,
    steps,
)
from cism.services.contact_rules import hours
from cism.store.tables import AffectedPerson, Incident, Step

# design: a year and the anniversary's window after the event; it depends on nobody's answers
OPEN_FOR = timedelta(days=380)


def on_plan_response(session: Session, step: Step, now: datetime) -> str | None:
    """Sessions inside their windows, contacts for months, reminders to those in charge, the end."""
    row = people.lock_incident(session, step.incident_id or "")
    before = choice.team_need(row)
    planned = lay_out(session, row, now)
    stepping_back.plan_step_back(session, row, [item.person_id for item in row.affected], now)
    if choice.team_need(row) > before:
        activation.look(session, row, now)  # a meeting needs more helpers than were asked for
    return f"{planned} steps"


def lay_out(session: Session, row: Incident, now: datetime) -> int:
    """Plan everything this incident calls for; planning again adds only what is new."""
    planned = [closing(row), *_professional(session, row, now)]
    for earlier in steps.of_incident(session, row.id, StepKind.CLOSE_INCIDENT):
        if earlier.key != planned[0].key:
            steps.cancel_one(earlier, "somebody left later", now)
    for item in row.affected:
        person = people.snapshot(people.get(session, item.person_id))
        planned += contact_plan.planned_steps(session, row, item, person, now)
    if _still_exposed(row) and not steps.of_incident(session, row.id, StepKind.ASK_EXPOSURE_END):
        planned.append(_ask_end(row, 0, now + choice.protocol_of(row).still_exposed_ask))
    planned += sensitive_dates.planned_steps(session, row, now)
    planned += sessions.planned_steps(session, row, now)
    planned += offers.planned_steps(session, row, now)
    return steps.plan(session, planned)


def replan(session: Session, row: Incident, now: datetime, *, was_ended: datetime | None = None) -> None:
    """After a change: ends of exposure that follow from the incident's, then everything new; nothing that
    was promised is taken back. `was_ended`: the incident's end before the change.
    """
    if row.state is not IncidentState.OPEN:
        return
    anchors.ended(session, row, was_ended, now)
    for item in row.affected:
        if not waits_for_kin(*_snapshots(row, item)):
            held.release(session, item.person_id, held.KIN, now)
    session.flush()
    lay_out(session, row, now)
    activation.look(session, row, now)


def left(session: Session, row: Incident, ends: Mapping[str, datetime | None], now: datetime) -> None:
    """Somebody left at another time than the others: their own windows open, or open anew."""
    if row.state is IncidentState.OPEN and anchors.left(session, row, ends, now):
        session.flush()
        lay_out(session, row, now)


def graver(session: Session, row: Incident, now: datetime) -> None:
    """It turned out worse: whoever hears of an incident this grave at once hears of it now, once."""
    if row.state is IncidentState.OPEN:
        notify.incident_logged(session, row, in_charge.told_at_once(session, row), now)


def people_added(session: Session, row: Incident, person_ids: Sequence[str], now: datetime) -> None:
    """Somebody was added: helpers among them step back, the new ones get a helper and their own contacts."""
    stepping_back.step_back(session, row, now)
    let_go.stand_back(session, row, now)
    lay_out(session, row, now)
    activation.team_changed(session, row, now)
    activation.look(session, row, now)
    sessions.tell_team(session, row, now)
    stepping_back.plan_step_back(session, row, person_ids, now)


def on_ask_exposure_end(session: Session, step: Step, now: datetime) -> str | None:
    """Somebody still counts as exposed: ask the coordinator, and again until it is known."""
    row = people.lock_incident(session, step.incident_id or "")
    if not _still_exposed(row):
        return "known meanwhile"
    turn = int(step.payload["turn"])
    notify.ask_exposure_end(session, in_charge.in_charge(session, row), row, now)
    steps.plan(session, [_ask_end(row, turn + 1, now + choice.protocol_of(row).still_exposed_ask)])
    return "asked"


def on_mhp_reminder(session: Session, step: Step, now: datetime) -> str | None:
    """The coordinator offers the individual session with a professional in time; attendance is not kept."""
    row = people.lock_incident(session, step.incident_id or "")
    by = datetime.fromisoformat(str(step.payload["by"]))
    readers = [one for one in in_charge.in_charge(session, row) if step.payload.get("to", one.id) == one.id]
    later = {one.id: next_open(now, *hours(one)) for one in readers}
    # at the hour of the event they may sleep; what is due before they are up cannot wait for them
    told = [one for one in readers if later[one.id] <= now or later[one.id] >= by]
    notify.mhp_reminder(session, told, row, by, now)
    waiting = [one for one in readers if one not in told]
    steps.plan(session, [_mhp_again(step, one.id, later[one.id]) for one in waiting])
    return f"reminded {len(told)}"


def on_close_incident(session: Session, step: Step, now: datetime) -> str | None:
    """The plan has run its length."""
    row = people.lock_incident(session, step.incident_id or "")
    _end(session, row, IncidentState.CLOSED, None, now)
    return "closed"


def accept(session: Session, incident_id: str, *, by: str | None, now: datetime) -> Incident:
    """The coordinator takes over; from here the logging supervisor no longer sees the list."""
    row = people.lock_incident(session, incident_id)
    refuse_affected(row, by)
    _refuse_over(row)
    if row.accepted_at is not None:
        message = "somebody has taken over already"
        raise AlreadyDone(message)
    row.accepted_at, row.accepted_by = now, by
    events.record(session, "incident.accepted", now, incident_id=row.id, actor_id=by)
    return row


def stand_down(session: Session, incident_id: str, *, by: str | None, now: datetime) -> Incident:
    """A false alarm or a duplicate: nothing unsent goes out; one text to those who serve, none to affected
    people.
    """
    row = people.lock_incident(session, incident_id)
    refuse_affected(row, by)
    _refuse_over(row)
    _end(session, row, IncidentState.STOOD_DOWN, by, now)
    callers = last_calls.plan(session, row, now)
    stepping_back.stand_down_team(session, row, now, callers=callers)
    session_off.call_off_all(session, row, now)
    return row


def close(session: Session, incident_id: str, *, by: str | None, now: datetime) -> Incident:
    """A coordinator ends it early; opened escalations go on."""
    row = people.lock_incident(session, incident_id)
    refuse_affected(row, by)
    _refuse_over(row)
    _end(session, row, IncidentState.CLOSED, by, now)
    last_calls.plan(session, row, now)
    session_off.call_off_all(session, row, now)
    return row


def _end(session: Session, row: Incident, state: IncidentState, by: str | None, now: datetime) -> None:
    events.record(
        session,
        "incident.ended",
        now,
        incident_id=row.id,
        actor_id=by,
        before=row.state.value,
        after=state.value,
    )
    row.state, row.closed_at = state, now
    contact_merging.hand_over(session, row)
    steps.cancel(session, reason=state.value, now=now, incident_id=row.id)
    questions.close(session, state="superseded", now=now, incident_id=row.id)
    outbox.cancel(session, reason=state.value, incident_id=row.id)
    offers.call_off(session, row, now)
    crew_list.complete(session, row, by, now)
    session.flush()


def _still_exposed(row: Incident) -> bool:
    return any(item.exposure_end is None and item.ended_at is None for item in row.affected)


def closing(row: Incident) -> PlannedStep:
    """After the last person's anniversary: people leave at different times, and may be added late."""
    ends = [item.exposure_end for item in row.affected if item.exposure_end is not None]
    due = max([row.occurred_at or row.logged_at, *ends]) + OPEN_FOR
    return PlannedStep(
        kind=StepKind.CLOSE_INCIDENT, due_at=due, key=f"close:{row.id}:{due:%Y%m%d%H%M}", incident_id=row.id
    )


def _ask_end(row: Incident, turn: int, due: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.ASK_EXPOSURE_END,
        due_at=due,
        key=f"exposure:{row.id}:{due.timestamp():.3f}",  # asked anew when somebody is added who is still out
        incident_id=row.id,
        payload={"turn": turn},
    )


def _professional(session: Session, row: Incident, now: datetime) -> list[PlannedStep]:
    """One reminder an incident and rule: whoever left first sets it."""
    found = []
    planned = {step.key: step for step in steps.of_incident(session, row.id, StepKind.MHP_REMINDER)}
    for rule in choice.protocol_of(row).mhp:
        ends = [
            (item.exposure_end, people.get(session, item.person_id).zone)
            for item in row.affected
            if item.exposure_end is not None and item.ended_at is None and item.circle in rule.circles
        ]
        if not ends or (by := days_after(*min(ends), rule.within)) <= now:
            continue
        step = PlannedStep(
            kind=StepKind.MHP_REMINDER,
            due_at=max(now, days_after(*min(ends), rule.remind)),
            key=f"mhp:{row.id}:{int(rule.within.total_seconds())}",
            incident_id=row.id,
            payload={"by": by.isoformat()},
        )
        found.append(step)
        if step.key in planned:  # another end of exposure moves it
            planned[step.key].due_at, planned[step.key].payload = step.due_at, dict(step.payload)
    return found


def _mhp_again(step: Step, reader_id: str, due: datetime) -> PlannedStep:
    again = held.again(step, due, f"@{reader_id}")
    return replace(again, payload={**step.payload, "to": reader_id})


def _snapshots(row: Incident, item: AffectedPerson) -> tuple[rules.Incident, rules.Affected]:
    snapshot = people.incident_snapshot(row)
    return snapshot, next(one for one in snapshot.affected if one.person_id == item.person_id)


def _refuse_over(row: Incident) -> None:
    if row.state is not IncidentState.OPEN:
        message = f"the incident is {row.state.value.replace('_', ' ')} already"
        raise AlreadyDone(message)


def refuse_affected(row: Incident, by: str | None) -> None:
    """Whoever is on the list decides nothing about the incident (domain.md 11.17)."""
    if by is not None and any(item.person_id == by for item in row.affected):
        message = "you are on this incident's list: your deputy does this"
        raise NotAllowed(message)
