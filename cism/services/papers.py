"""Each night a sealed paper leaves this machine, so that a dead computer does not end a response."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.access import ACTS, Act
from cism.domain.people import PersonStatus
from cism.errors import BadInput, ConfigurationError
from cism.services import agencies, audit, engine, paper, paper_due, paper_page, paper_seal, people, queue
from cism.services.gateway import build_second
from cism.settings import Settings
from cism.store.db import Database
from cism.store.db import now as product_now
from cism.store.states import QueueState
from cism.store.tables import PaperPassphrase, QueueItem
from notifications.gateway import SendError

PART = "paper"  # its heartbeat: when the last one left
FAILED = "paper_failed"  # kind of an item of the human queue
TRIED_AGAIN = timedelta(minutes=30)
TOLD_AFTER = timedelta(hours=5)  # the nights are at 8 UTC: the coordinator hears of it in the morning


@dataclass(frozen=True, slots=True)
class Sealed:
    """One agency's paper, ready to leave."""

    agency: str
    name: str
    data: bytes = field(repr=False)
    readers: tuple[str, ...] = field(repr=False, default=())  # e-mail addresses of its coordinators


@dataclass(frozen=True, slots=True)
class _Open:
    agency: str
    page: str = field(repr=False)
    passphrase: str = field(repr=False)
    readers: tuple[str, ...] = field(repr=False)


def set_passphrase(session: Session, agency_key: str, passphrase: str) -> None:
    """Seal this agency's papers with it from now on. Raises BadInput for one that could be guessed."""
    agencies.get(session, agency_key)
    value = paper_seal.checked(passphrase)
    row = session.get(PaperPassphrase, agency_key)
    if row is None:
        session.add(PaperPassphrase(agency=agency_key, passphrase=value, set_at=product_now(session)))
    else:
        row.passphrase, row.set_at = value, product_now(session)


def make(session: Session, agency_key: str) -> Sealed:
    """One agency's paper as of now, sealed. Raises ConfigurationError without a passphrase."""
    agencies.get(session, agency_key)
    row = session.get(PaperPassphrase, agency_key)
    if row is None:
        message = f"no passphrase is set: `cism paper passphrase {agency_key}`"
        raise ConfigurationError(message)
    now = product_now(session)
    return _seal(_written(session, row, now), now)


def leave(db: Database, settings: Settings) -> int:
    """Write, seal and send out what is due, each outside of any transaction; returns how many left.

    What left by no way is tried again after half an hour; a way that failed is told to the coordinator, once.
    """
    with db.transaction() as session:
        written, now = _due(session), product_now(session)
    if not written:
        return 0
    ways = {one.agency: _ways(_seal(one, now), settings) for one in written}
    gone = [agency for agency, worked in ways.items() if any(worked)]
    with db.transaction() as session:
        if len(gone) == len(ways):
            engine.beat(session, PART)
            paper_due.done(session)
        else:
            paper_due.ask(session, now + TRIED_AGAIN)
        for agency, worked in ways.items():
            if not worked or not all(worked):
                _tell(session, agency)
    return len(gone)


def put(folder: Path, sealed: Sealed, keep: int) -> None:
    """Into a folder, whole or not at all, and the oldest of this agency out of it."""
    unfinished = folder / f".{sealed.name}.{secrets.token_hex(4)}"
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(sealed.data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / sealed.name)
    (folder / "HOW-TO-OPEN.txt").write_text(f"{paper_seal.command('FILE.enc')}\n\n{_ADVICE}")
    for old in sorted(folder.glob(f"paper-{sealed.agency}-*.enc"))[:-keep]:
        old.unlink(missing_ok=True)


_ADVICE = (
    "It asks for the coordinator's passphrase. Open paper.html in a browser and print it; then delete it.\n"
    "Its last line holds the SHA-256 of all lines before it: head -n -1 paper.html | openssl dgst -sha256\n"
)


def missing(session: Session, settings: Settings) -> str | None:
    """What is not set up yet, in words for whoever runs the machine."""
    if session.scalar(select(PaperPassphrase.agency).limit(1)) is None:
        return "no agency has a passphrase: `cism paper passphrase AGENCY`"
    if settings.paper_folder is None and not settings.paper_mail:
        return "it leaves this machine by no way: set CISM_PAPER_FOLDER or CISM_PAPER_MAIL"
    if not settings.paper_mail and _lies_here(settings):
        return "CISM_PAPER_FOLDER lies on the disk of CISM_HOME: is the share of the other machine mounted?"
    return None


def _lies_here(settings: Settings) -> bool:
    """Where a share is not mounted, its empty folder takes the paper, and dies with this machine."""
    folder, home = settings.paper_folder, settings.home
    if folder is None or not folder.exists() or not home.exists():
        return False
    return folder.stat().st_dev == home.stat().st_dev


def _due(session: Session) -> list[_Open]:
    if not paper_due.asked(session, product_now(session)):
        return []
    rows = list(session.scalars(select(PaperPassphrase).order_by(PaperPassphrase.agency)))
    if not rows:
        paper_due.done(session)
        return []
    now = product_now(session)
    for row in rows:
        audit.write(session, "system", "paper", row.agency)  # a sensitive export, like a page that is read
    return [_written(session, row, now) for row in rows]


def _written(session: Session, row: PaperPassphrase, now: datetime) -> _Open:
    page = paper_page.page(paper.write(session, row.agency, now))
    return _Open(row.agency, page, row.passphrase, tuple(_readers(session, row.agency)))


def _readers(session: Session, agency: str) -> Iterable[str]:
    for person in people.with_role(session, ACTS[Act.GET_PAPER], agency):
        if person.email and person.status is PersonStatus.ACTIVE:
            yield person.email


def _seal(one: _Open, now: datetime) -> Sealed:
    name = f"paper-{one.agency}-{now:%Y%m%dT%H%M}Z.enc"
    return Sealed(one.agency, name, paper_seal.seal_paper(one.page, one.passphrase), one.readers)


def _ways(sealed: Sealed, settings: Settings) -> list[bool]:
    """Whether it left, by each of the ways that are set."""
    found = []
    if settings.paper_folder is not None:
        found.append(_copied(sealed, settings.paper_folder, settings.paper_keep))
    if settings.paper_mail:
        found += [_mailed(sealed, reader, settings) for reader in sealed.readers] or [False]
    return found


def _copied(sealed: Sealed, folder: Path, keep: int) -> bool:
    try:
        put(folder, sealed, keep)
    except OSError as error:
        log.failure("paper.not_copied", error)
        return False
    return True


def _mailed(sealed: Sealed, reader: str, settings: Settings) -> bool:
    mailer = build_second(settings)
    if mailer is None:
        return False
    words = f"Keep the newest. To open it:\n\n{paper_seal.command(sealed.name)}\n\n{_ADVICE}"
    try:
        mailer.send_file(reader, "Tonight's sealed paper", words, sealed.name, sealed.data)
    except SendError as error:
        log.failure("paper.not_mailed", error)
        return False
    return True


def _tell(session: Session, agency: str) -> None:
    """Once, until somebody has seen to it."""
    known = select(QueueItem.id).where(
        QueueItem.kind == FAILED, QueueItem.agency == agency, QueueItem.state == QueueState.OPEN
    )
    if session.scalar(known.limit(1)) is None:
        now = product_now(session)
        queue.add(session, FAILED, now=now, within=TOLD_AFTER, agency=agency, tell=False)


def read_passphrase(given: str, again: str) -> str:
    """What was typed twice. Raises BadInput where the two differ."""
    if given != again:
        message = "the two differ; nothing was changed"
        raise BadInput(message)
    return paper_seal.checked(given)
