"""Heads of the audit log that leave this machine: how many rows there are, and which is the last.

Kept elsewhere, a head shows what no look into the database alone can: that log and mark were put back as
they were once, that the whole chain was made anew, or that all of it is gone. A head names nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism import log
from cism.errors import BadInput, CismError
from cism.services import audit
from cism.settings import Settings
from cism.store.db import Database, real_now
from cism.store.tables import Audit, Epoch, Mark

_DUE: Final = "audit head due"
_NAMES: Final = "audit-head-*.json"


class NotOurHead(CismError):
    """This head was not made by this installation, or it was altered."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log at one moment, under the log's own MAC. `made_at` is real time."""

    rows: int
    last_id: int
    last_mac: str
    made_at: str
    installation: str
    mac: str = ""

    def text(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @property
    def signed(self) -> str:
        """What its MAC is made of."""
        return json.dumps(
            ["exported head", *(value for name, value in asdict(self).items() if name != "mac")]
        )


def head(session: Session) -> Head:
    """The end of the log as it stands."""
    rows = session.scalar(select(func.count()).select_from(Audit)) or 0
    last = session.execute(select(Audit.id, Audit.mac).order_by(Audit.id.desc()).limit(1)).first()
    made = Head(
        rows=rows,
        last_id=last.id if last else 0,
        last_mac=last.mac if last else "",
        made_at=real_now(session).isoformat(timespec="seconds"),
        installation=session.execute(select(Epoch.identity)).scalar_one(),
    )
    return Head(**{**asdict(made), "mac": audit.mac_of(made.signed)})


def read(text: str) -> list[Head]:
    """The heads of a file, one a line. Raises BadInput for what is none."""
    try:
        found = [Head(**json.loads(line)) for line in text.splitlines() if line.strip()]
    except (ValueError, TypeError):
        found = []
    if not found or not all(_is_whole(one) for one in found):
        message = "this holds no head of an audit log; `cism audit head` writes one"
        raise BadInput(message)
    return found


def files(path: Path) -> list[Path]:
    """The file itself, or the heads that lie in a folder, oldest first."""
    return sorted(path.glob(_NAMES)) if path.is_dir() else [path]


def verify(session: Session, heads: Sequence[Head]) -> tuple[int, int | None]:
    """As `audit.verify`, also against heads that were kept elsewhere. Raises NotOurHead."""
    holds = audit.judge(session)
    ours = session.execute(select(Epoch.identity)).scalar_one()
    for one in heads:
        if one.installation != ours or not holds(one.signed, one.mac):
            raise NotOurHead
    return audit.verify(session, {one.rows: (one.last_id, one.last_mac) for one in heads if one.rows})


def ask(session: Session) -> None:
    """It is night: a head is to leave, once the transaction is over."""
    session.merge(Mark(name=_DUE, value=real_now(session).isoformat()))


def leave(db: Database, settings: Settings) -> bool:
    """Write the head that a night has asked for into the folder; whether one left."""
    if settings.audit_head_folder is None:
        return False
    with db.read() as session:
        if session.get(Mark, _DUE) is None:
            return False
        made, at = head(session), real_now(session)
    try:
        put(settings.audit_head_folder, made, at)
    except OSError as error:
        log.failure("audit_head.not_written", error)
        return False
    with db.transaction() as session:
        due = session.get(Mark, _DUE)
        if due is not None:
            session.delete(due)
    return True


def put(folder: Path, made: Head, at: datetime) -> Path:
    """One file for one head, never written over."""
    path = folder / f"audit-head-{at:%Y%m%dT%H%M%S}Z.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made.text() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _is_whole(one: Any) -> bool:
    numbers = all(isinstance(value, int) for value in (one.rows, one.last_id))
    words = (one.last_mac, one.made_at, one.installation, one.mac)
    return numbers and all(isinstance(value, str) for value in words)
