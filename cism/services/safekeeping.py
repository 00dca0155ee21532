"""Whether a lost machine would end a response: backups, the stop list, the paper; part of `cism doctor`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import backups, clockwork, papers, restoring
from cism.services.readiness import Check, Verdict
from cism.settings import Settings
from cism.store.db import STOP_LIST_OWES, database_of, real_now
from cism.store.tables import Heartbeat, Mark

_NIGHTS = timedelta(hours=26)  # a paper each night, and two hours for the night to be done
_MISSED = 3  # backups that did not come


def checks(session: Session, settings: Settings) -> list[Check]:
    """One check each."""
    return [
        _restored(session),
        _stop_list(session),
        _backups(session, settings),
        _paper(session, settings),
    ]


def _restored(session: Session) -> Check:
    held = restoring.held_because(session)
    if held is not None:
        return Check("care texts", Verdict.BAD, f"{held}. Pages and calls go on")
    return Check("care texts", Verdict.GOOD, "nothing holds them")


def _stop_list(session: Session) -> Check:
    apart = database_of(session).apart
    if session.get(Mark, STOP_LIST_OWES) is not None:
        advice = "a restore would forget them: make its folder writable; it is caught up by itself"
        return Check("stop list", Verdict.BAD, f"it could not be written and lacks somebody's stop; {advice}")
    if apart is not None and (broken := apart.read().broken):
        text = f"{len(broken)} lines were altered, removed or moved: keep the file, and ask who did it"
        return Check("stop list", Verdict.BAD, text)
    return Check("stop list", Verdict.GOOD, "whole")


def _backups(session: Session, settings: Settings) -> Check:
    if settings.backup_folder is None:
        advice = "set CISM_BACKUP_FOLDER, or make them yourself every five minutes (docs/operations.md)"
        return Check("backups", Verdict.WARNING, f"none are made by `cism up`; {advice}")
    last = _seen(session, backups.PART)
    allowed = timedelta(minutes=settings.backup_minutes * _MISSED)
    if last is None or last < real_now(session) - allowed:
        when = f"the last was made {clockwork.stamp(last)}" if last else "none was made yet"
        return Check("backups", Verdict.BAD, f"{when}: look at backup.log, and at the folder's disk")
    return Check("backups", Verdict.GOOD, f"the last was made {clockwork.stamp(last)}")


def _paper(session: Session, settings: Settings) -> Check:
    lacking = papers.missing(session, settings)
    if lacking is not None:
        return Check("paper", Verdict.WARNING, f"none is there when the computer is gone; {lacking}")
    last = _seen(session, papers.PART)
    if last is None:
        return Check("paper", Verdict.WARNING, "none has left yet; it leaves at night")
    if last < real_now(session) - _NIGHTS:
        advice = "look at the folder and the mail server; `cism paper make AGENCY` makes one now"
        return Check("paper", Verdict.BAD, f"the last left {clockwork.stamp(last)}: {advice}")
    return Check("paper", Verdict.GOOD, f"the last left {clockwork.stamp(last)}")


def _seen(session: Session, part: str) -> datetime | None:
    return session.scalar(select(Heartbeat.seen_real).where(Heartbeat.name == part))
