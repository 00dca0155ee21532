"""Whether this installation could answer for somebody tonight: what `cism doctor` says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from cism.domain.plan import StepState
from cism.domain.protocol import DEFAULT_PROTOCOL, protocol_keys
from cism.services import clockwork, crew_list, ledger, overdue, provider_line, reach
from cism.services.engine import PROVIDER, STARTING
from cism.settings import Settings, is_loopback
from cism.store.db import offset, real_now
from cism.store.partial import PENDING, PLANNED
from cism.store.states import OutboxState
from cism.store.tables import Agency, Heartbeat, Outbox, Person, Step
from notifications.gateway import SendFailure
from notifications.twilio_codes import failure_kind

SEEN_WITHIN = timedelta(seconds=60)  # real time, as /readyz has it
_PERFORMERS = ("conductor", "worker")  # whose heartbeat says that steps are performed
_STARTED_WITHIN = timedelta(seconds=20)  # the conductor is seen within two or three
_HEARD_WITHIN = timedelta(minutes=5)  # design: several looks in a row that failed, not one
_SKEW = timedelta(seconds=5)  # design: signatures and receipts allow that much, and no more


class Verdict(StrEnum):
    """How one check ended."""

    GOOD = "ok"
    WARNING = "warning"  # works, and somebody should know
    BAD = "bad"  # somebody may be forgotten


@dataclass(frozen=True, slots=True)
class Check:
    """One question about this installation and its answer, with what to do where it is not good."""

    name: str
    verdict: Verdict
    text: str


def of_settings(settings: Settings, trouble: str | None = None, by_mail: str | None = None) -> list[Check]:
    """What the settings alone tell; `trouble` and `by_mail`: what the provider and the mail server said."""
    return [_keys(settings), _provider(settings, trouble), *_second_way(settings, by_mail)]


def of_database(session: Session) -> list[Check]:
    """What a migrated database tells."""
    return [
        *_agencies(session),
        _conductor(session),
        *_waiting(session),
        _ledger(session),
        _failed(session),
        _unsettled(session),
        _refused(session),
        *_line(session),
        _clock(session),
    ]


def performer_seen(session: Session) -> bool:
    """Whether a part that performs steps was seen within a minute of real time."""
    since = real_now(session) - SEEN_WITHIN
    names = session.scalars(select(Heartbeat.name).where(Heartbeat.seen_real >= since))
    return any(name.startswith(_PERFORMERS) for name in names)


def texts_leave(session: Session) -> bool:
    """Whether somebody here performs what is due, and the provider was heard lately.

    It is asked once a minute for incoming texts; before it was ever asked nothing is known against it.
    """
    heard, starting = _since(session, PROVIDER), _since(session, STARTING)
    performs = performer_seen(session) or (starting is not None and starting < _STARTED_WITHIN)
    return performs and (heard is None or heard < _HEARD_WITHIN)


def _since(session: Session, name: str) -> timedelta | None:
    seen = session.scalar(select(Heartbeat.seen_real).where(Heartbeat.name == name))
    return real_now(session) - seen if seen is not None else None


def _keys(settings: Settings) -> Check:
    if settings.vault_keys is not None:
        return Check("keys", Verdict.GOOD, "set by CISM_VAULT_KEYS")
    beside = beside_the_keys(settings)
    if beside:
        advice = "move it to another disk and set CISM_VAULT_KEY_FILE, or set CISM_VAULT_KEYS"
        shared = " and ".join(beside)
        text = f"the file of keys shares a disk with {shared}: whoever takes it reads all; {advice}"
        return Check("keys", Verdict.WARNING, text)
    return Check("keys", Verdict.GOOD, "the file of keys shares no disk with database or backups")


def beside_the_keys(settings: Settings) -> list[str]:
    """What lies on the same disk as the file of keys; of a server on this machine that cannot be excluded."""
    url = make_url(settings.url)
    disk = _disk(settings.key_path)
    found = []
    if url.get_backend_name() == "sqlite":
        if _disk(Path(url.database or "")) == disk:
            found.append("the database")
    elif not url.host or is_loopback(f"//{url.host}"):
        found.append("perhaps the database, whose server is on this machine")
    if settings.backup_folder is not None and _disk(settings.backup_folder) == disk:
        found.append("the backups")
    return found


def _disk(path: Path) -> int:
    """The disk that a file is on, or will be on."""
    while not path.exists() and path != path.parent:
        path = path.absolute().parent
    return path.stat().st_dev


def _provider(settings: Settings, trouble: str | None) -> Check:
    if settings.uses_wall:
        advice = "set CISM_TWILIO_ACCOUNT_SID, CISM_TWILIO_AUTH_TOKEN and CISM_TWILIO_FROM to reach people"
        return Check("phones", Verdict.WARNING, f"the phone wall: no real phone is reached; {advice}")
    if trouble is not None:
        return Check("phones", Verdict.BAD, f"Twilio {trouble}")
    return Check("phones", Verdict.GOOD, "Twilio answers")


def _second_way(settings: Settings, trouble: str | None) -> list[Check]:
    if trouble is not None:
        return [Check("second way", Verdict.BAD, trouble)]
    if settings.second_smtp_host is not None:
        return [Check("second way", Verdict.GOOD, "urgent texts go by mail where the provider takes none")]
    if settings.uses_wall:
        return []
    advice = "set CISM_SECOND_SMTP_HOST and CISM_SECOND_FROM, so that pages go by mail then"
    return [
        Check("second way", Verdict.WARNING, f"none: while the provider is down nobody is paged; {advice}")
    ]


def _line(session: Session) -> list[Check]:
    """Whether the provider fails right now, as those who send to it have found."""
    known = provider_line.read(session)
    if known.opened_at is None:
        return []
    since = clockwork.stamp(known.failing_since or known.opened_at)
    advice = "urgent texts go by mail, if that is set; telephone"
    return [Check("provider", Verdict.BAD, f"takes no texts since {since}: {advice}")]


def _agencies(session: Session) -> Iterator[Check]:
    """An agency with people needs somebody who answers; one that only holds history needs nobody."""
    served = session.scalars(
        select(Agency.key).where(Agency.key.in_(select(Person.agency))).order_by(Agency.key)
    )
    keys = list(served)
    for key in keys:
        missing = [role.value for role in reach.missing_roles(session, key)]
        if missing:
            text = (
                f"no reachable {' and no reachable '.join(missing)}, own or by mutual aid: sends no check-in"
            )
            yield Check(f"agency {key}", Verdict.BAD, text)
        else:
            yield Check(f"agency {key}", Verdict.GOOD, "a coordinator and a clinician can be reached")
    yield from _protocols_gone(session, keys)
    if not keys:
        yield Check("agencies", Verdict.BAD, "nobody is on a roster; `cism roster import FILE.csv`")


def _protocols_gone(session: Session, keys: list[str]) -> Iterator[Check]:
    chosen = session.execute(select(Agency.key, Agency.protocol).where(Agency.key.in_(keys)))
    for key, protocol in sorted(tuple(row) for row in chosen):
        if protocol not in protocol_keys():
            text = (
                f"its protocol {protocol} is gone: new incidents follow {DEFAULT_PROTOCOL}; put the file "
                f"back, or choose one with `cism agency set {key} --protocol KEY`"
            )
            yield Check(f"protocol of {key}", Verdict.BAD, text)


def _conductor(session: Session) -> Check:
    if performer_seen(session):
        return Check("conductor", Verdict.GOOD, "seen within the last minute")
    beats = session.execute(select(Heartbeat.name, Heartbeat.seen_real))
    last = max((seen for name, seen in beats if name.startswith(_PERFORMERS)), default=None)
    seen = f"last seen {clockwork.stamp(last)}" if last else "never seen"
    return Check("conductor", Verdict.BAD, f"{seen}: nothing is performed; start `cism up`")


def _waiting(session: Session) -> Iterator[Check]:
    """What waits longer than it may, by the same figures as `/metrics` and the alert rules."""
    found = overdue.read(session)
    late = found.overdue
    yield _late("due work", late["due_step"], found.due_step, "the oldest due step waits", "start `cism up`")
    advice = "look at the provider and at CISM_SMS_RATE; telephone"
    yield _late("urgent texts", late["urgent_unsent"], found.urgent_unsent, "the oldest waits", advice)
    count = f"{found.unread_past} past their clock, the oldest waits"
    yield _late("human queue", found.unread_past > 0, found.unread, count, "read them: `cism queue list`")
    if found.escalations_past:
        text = f"{found.escalations_past} past the time by which a human calls: see `cism escalations`, call"
        yield Check("escalations", Verdict.BAD, text)
    else:
        yield Check("escalations", Verdict.GOOD, "none past the time by which a human calls")
    if abs(found.clock_skew) > _SKEW:
        seconds = round(found.clock_skew.total_seconds(), 1)
        text = f"this machine's clock is {seconds} s ahead of the database's: let both follow one time server"
        yield Check("clocks", Verdict.BAD, text)


def _late(name: str, late: bool, age: timedelta, what: str, advice: str) -> Check:
    if late:
        return Check(name, Verdict.BAD, f"{what} {_span(age)}: {advice}")
    return Check(name, Verdict.GOOD, f"{what} {_span(age)}" if age else "nothing waits")


def _span(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes else f"{int(age.total_seconds())} s"


def _ledger(session: Session) -> Check:
    """Each affected person of an open incident has a next step or a recorded reason; each has its list."""
    lines = ledger.lines(session)
    counts = ledger.by_incident(session, lines)
    named = [
        f"{ref}: of {count.people} affected {count.forgotten} without a next step, {count.overdue} overdue: "
        "call them, and see the timeline"
        for ref, count in sorted(counts.items())
        if not count.good
    ]
    named += [
        f"{ref}: nobody has said who was there: add them at /log/{ref}/crew, or say that nobody else was"
        for ref, _ in crew_list.unknown(session)
    ]
    if named:
        return Check("nobody forgotten", Verdict.BAD, "; ".join(named))
    text = f"{len(lines)} affected in {len(counts)} open incidents, each with a next step or a reason"
    return Check("nobody forgotten", Verdict.GOOD, text)


def _failed(session: Session) -> Check:
    rows = session.execute(
        select(Step.kind, func.count())
        .where(PLANNED, Step.state == StepState.PLANNED, Step.tries > 0)
        .group_by(Step.kind)
        .order_by(Step.kind)
    )
    found = [f"{count} {kind.value}" for kind, count in rows]
    if not found:
        return Check("failed steps", Verdict.GOOD, "none")
    return Check("failed steps", Verdict.BAD, f"{', '.join(found)}: tried again by themselves; see the log")


def _unsettled(session: Session) -> Check:
    count = session.scalar(
        select(func.count()).where(Outbox.state.in_([OutboxState.UNKNOWN, OutboxState.UNSETTLED]))
    )
    if not count:
        return Check("unsettled sends", Verdict.GOOD, "none")
    return Check(
        "unsettled sends", Verdict.WARNING, f"{count}: whether these arrived is not known; `cism queue list`"
    )


def _refused(session: Session) -> Check:
    """What the provider does not take, and what is handed to it again and again."""
    rows = session.execute(
        select(Outbox.error_code, func.count())
        .where(PENDING, Outbox.lane >= 0, Outbox.retry_real.is_not(None))
        .group_by(Outbox.error_code)
        .order_by(Outbox.error_code)
    ).all()
    if not rows:
        return Check("refused sends", Verdict.GOOD, "none")
    text = ", ".join(
        f"{count} with code {code}" if code else f"{count} without a code" for code, count in rows
    )
    ours = any(code and failure_kind(code) is SendFailure.CONFIGURATION for code, _ in rows)
    if ours:
        return Check(
            "refused sends", Verdict.BAD, f"{text}: the account or the sender is wrong; nobody is texted"
        )
    return Check("refused sends", Verdict.WARNING, f"{text}: the provider is busy or away; tried again")


def _clock(session: Session) -> Check:
    if not clockwork.ever_moved(session):
        return Check("clock", Verdict.GOOD, "real time")
    return Check(
        "clock", Verdict.WARNING, f"moved by {round(offset(session))} s: a trial, never a real service"
    )
