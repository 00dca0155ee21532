"""Random histories: whatever people text and whenever, nothing due is left undone and nobody is forgotten."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import Circle, Severity
from cism.domain.people import PersonStatus
from cism.errors import CismError
from cism.services import clockwork, engine, escalations, intake, ledger, queue, response, rungs
from cism.store import seal
from cism.store.db import now
from cism.store.states import AssignmentState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Escalation,
    GroupSession,
    Incident,
    Outbox,
    Person,
    Question,
    Step,
)
from tests.conftest import VAULT_KEY
from tests.services.world import World

_STAFF = ("cora", "clint", "dina", "peer-1", "peer-2", "peer-3", "peer-4")
_AFFECTED = ("jordan", "sam")
_WORDS = ("0", "1", "2", "3", "4", "5", "6", "7", "9", "STOP", "START", "HELP", "who is this", "thanks a lot")
_WORDS += ("I want to die", "please stop texting me", "CODED 0", "CODED 1", "CODED 4", "CODED 6", "CODED 9")

_WEEK = 10_000  # minutes
_texts = st.tuples(st.just("text"), st.sampled_from((*_STAFF, *_AFFECTED)), st.sampled_from(_WORDS))
_spans = st.tuples(st.just("wait"), st.just(""), st.sampled_from((5, 10, 16, 61, 300, 1500, _WEEK)))
_logs = st.tuples(
    st.just("log"),
    st.sampled_from(("jordan:A", "sam:B", "peer-1:B", "sam:D")),
    st.sampled_from(("THREAT S1", "THREAT S3", "LODD S4", "OIS_SHOOTER S3", "THREAT S2 out")),
)
_facts = st.tuples(
    st.just("fact"),
    st.sampled_from(("severity", "kin_notified", "ended_at", "statements_complete")),
    st.sampled_from((Severity.S1, Severity.S4)),
)
_people = st.tuples(
    st.just("person"),
    st.sampled_from(("jordan", "sam", "peer-1", "cora")),
    st.sampled_from(("deceased", "leave", "retired", "active")),
)
_reads = st.tuples(st.just("read"), st.sampled_from(("first", "last")), st.just(0))
_adds = st.tuples(st.just("add"), st.sampled_from(("peer-2", "sam", "cora")), st.just(0))
_ends = st.tuples(st.just("end"), st.sampled_from(("stand_down", "close")), st.just(0))
_events = st.lists(
    st.one_of(_texts, _texts, _texts, _spans, _spans, _logs, _adds, _ends, _facts, _people, _reads),
    min_size=3,
    max_size=12,
)


@pytest.fixture(scope="module")
def peopled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose people are there and to whom nothing has happened."""
    path = tmp_path_factory.mktemp("peopled") / "cism.db"
    shutil.copyfile(sqlite_template, path)
    seal.use(seal.Keyring([VAULT_KEY]))
    world = World(f"sqlite:///{path}")
    world.close()  # the last connection writes the log back into the file
    return path


@contextmanager
def _world(template: Path) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "cism.db"
        shutil.copyfile(template, copy)
        world = World(f"sqlite:///{copy}")
        try:
            yield world
        finally:
            world.close()


def _happens(world: World, event: tuple[str, str, object]) -> None:
    what, who, detail = event
    incidents = world.rows(Incident)
    match what:
        case "wait":
            if detail == _WEEK:
                _humans_end_what_is_open(world)
            world.advance(minutes=float(str(detail)))
        case "log":
            type_, severity, *out = str(detail).split()
            ended = None if out else world.now() - timedelta(minutes=30)
            world.log(type_, who, severity=severity, ended_at=ended)
        case "text":
            world.text(who, _with_code(world, who, str(detail)))
        case "add" if incidents:
            item = intake.AffectedInput(person_id=who, circle=Circle.B)
            _try(world, intake.add_affected, incidents[-1].id, [item])
        case "end" if incidents:
            _try(world, getattr(response, who), incidents[-1].id, by=None, now=world.now())
        case "fact" if incidents:
            told = {"severity": detail, "ended_at": world.now() - timedelta(minutes=5)}.get(who, True)
            _try(world, intake.change, incidents[-1].id, {who: told})
        case "person":
            world.act(_becomes, world.id_of(who), PersonStatus(str(detail)))
        case "read":
            _read(world, 0 if who == "first" else -1)


def _becomes(session: Session, person_id: str, status: PersonStatus) -> None:
    """As the roster says it; the dead do not come back."""
    row = session.get_one(Person, person_id)
    if row.status is not PersonStatus.DECEASED:
        row.status = status


def _humans_end_what_is_open(world: World) -> None:
    """Otherwise a ladder that nobody answers is climbed every quarter of an hour of that week."""
    for _ in range(3):
        for row in world.rows(Escalation, Escalation.state != EscalationState.CLOSED):
            world.act(_is_ended, row.id, world.id_of("clint"))
    for row in world.see(queue.open_items):
        _try(world, queue.handle, row.id, by=None, now=world.now())


def _is_ended(session: Session, escalation_id: str, by: str) -> None:
    row = rungs.locked(session, escalation_id)
    if row.state is not EscalationState.CLOSED and row.person_id != by:
        helper = session.get_one(Person, by)
        escalations.close(session, row, helper, "reached", now(session))


def _read(world: World, place: int) -> None:
    """The coordinator reads one item of the queue."""
    waiting = world.see(queue.open_items)
    if waiting:
        _try(world, queue.handle, waiting[place].id, by=None, now=world.now())


def _try(world: World, act: object, *args: object, **kwargs: object) -> None:
    try:
        world.act(act, *args, **kwargs)  # type: ignore[arg-type]
    except CismError:
        return  # refused: it was over, or there already
    world.rest()


def _with_code(world: World, who: str, text: str) -> str:
    if not text.startswith("CODED"):
        return text
    mine = world.rows(Question, Question.person_id == world.id_of(who), Question.code.is_not(None))
    newest = max(mine, key=lambda row: (row.asked_at, row.id), default=None)
    return f"{text[-1]} {newest.code if newest else 'A2B3'}"


def _nobody_is_forgotten(world: World) -> None:
    failed = world.rows(Step, Step.tries > 0)
    assert not failed, [(step.kind, step.tries) for step in failed]
    late = world.rows(Step, Step.state == "planned", Step.due_at <= world.now())
    assert not late, [(step.kind, step.due_at) for step in late]
    planned = {step.subject_id for step in world.rows(Step, Step.state == "planned")}
    for row in world.rows(Escalation, Escalation.state != EscalationState.CLOSED):
        assert row.id in planned, f"an escalation ({row.reason}, {row.state}) without a next step"
    for line in world.see(ledger.lines):
        assert not line.forgotten, world.key_of(line.person_id)
        assert line.step is None or not line.step.overdue(world.now()), line.step


def _nothing_forbidden_happened(world: World) -> None:
    serving = (AssignmentState.ASKED, AssignmentState.ACCEPTED)
    listed = {(row.incident_id, row.person_id) for row in world.rows(AffectedPerson)}
    active = world.rows(Assignment, Assignment.state.in_(serving))
    assert not [row for row in active if (row.incident_id, row.peer_id) in listed], (
        "an affected helper serves"
    )
    for incident in world.rows(Incident):
        accepted = [row for row in active if row.incident_id == incident.id and row.state == serving[1]]
        assert len(accepted) <= 2, "an overfilled team"
    check_ins = Counter(
        row.person_id for row in world.rows(Question, Question.kind == "check_in", Question.state == "open")
    )
    assert all(count == 1 for count in check_ins.values()), "two check-ins are open"


@settings(
    max_examples=60,  # each is a day of a department
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(events=_events)
def test_whatever_happens_nothing_due_is_left_and_no_escalation_is_without_a_next_step(
    peopled: Path, events: list[tuple[str, str, object]]
) -> None:
    with _world(peopled) as world:
        world.log("THREAT", "jordan:A", severity="S3", ended_at=world.now() - timedelta(minutes=10))
        for event in events:
            _happens(world, event)
            _nobody_is_forgotten(world)
            _nothing_forbidden_happened(world)


@pytest.fixture(scope="module")
def planner(peopled: Path) -> Iterator[World]:
    """A world in which every example is thrown away again."""
    world = World(f"sqlite:///{peopled}")
    yield world
    world.close()


@settings(max_examples=200, deadline=None)
@given(
    severity=st.sampled_from(tuple(Severity)),
    type_=st.sampled_from(("THREAT", "CHILD", "OIS_SHOOTER", "LODD", "MCI")),
    protocol=st.sampled_from(("sfa-follow-up", "iacp-ois")),
    hours=st.integers(min_value=0, max_value=300),
    minutes=st.integers(min_value=0, max_value=1500),
)
def test_planning_again_adds_nothing(
    planner: World, severity: Severity, type_: str, protocol: str, hours: int, minutes: int
) -> None:
    with planner.db.transaction() as session:
        moment = now(session)
        affected = tuple(
            intake.AffectedInput(person_id=key, circle=circle)
            for key, circle in (("jordan", Circle.A), ("sam", Circle.C))
        )
        report = intake.IncidentInput(
            type=type_,
            agency=planner.cast.agency,
            severity=severity,
            protocol=protocol,
            ended_at=moment - timedelta(hours=hours),
            affected=affected,
        )
        incident = intake.log(session, report).id
        _rest(session)
        clockwork.move_to(session, moment + timedelta(minutes=minutes), "test")
        _rest(session)
        _plan_again(session, incident)  # may find that a window has closed meanwhile
        before = _counts(session)
        _plan_again(session, incident)
        assert _counts(session) == before
        session.rollback()


def _plan_again(session: Session, incident: str) -> None:
    intake.change(session, incident, {"kin_notified": False})
    _rest(session)


def _rest(session: Session) -> None:
    while engine.run_due(session).steps:
        session.flush()


def _counts(session: Session) -> list[int]:
    tables = (Step, Assignment, Question, GroupSession, Outbox)
    return [int(session.scalar(select(func.count()).select_from(table)) or 0) for table in tables]
