"""Tables of the installation itself: keys, clock, counters, backups, restores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cism.store.base import Base, new_id
from cism.store.types import Sealed


class Key(Base):
    """A secret of the installation, sealed: the index key of keyed hashes, retired keys of the audit log."""

    __tablename__ = "installation_key"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Sealed)


class ClockRow(Base):
    """One row: the movable clock's offset from real time, in seconds."""

    __tablename__ = "clock"
    id: Mapped[int] = mapped_column(primary_key=True)
    offset_seconds: Mapped[float] = mapped_column(default=0.0)
    ever_moved: Mapped[bool] = mapped_column(default=False)


class ClockMove(Base):
    """Each move of the movable clock, so that others can turn real times into product times."""

    __tablename__ = "clock_move"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    moved_at_real: Mapped[datetime]
    offset_before: Mapped[float]
    offset_after: Mapped[float]
    kind: Mapped[str] = mapped_column(String(20))


class VaultKey(Base):
    """A key of the installation, by its public name: since when it seals, since when nothing needs it."""

    __tablename__ = "vault_key"
    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    since_real: Mapped[datetime]
    cleared_real: Mapped[datetime | None]  # nothing here was sealed with it any more
    retired_real: Mapped[datetime | None]  # taken out of the file


class BackupMade(Base):
    """A copy of the database; while it exists it holds whoever was erased after it was made."""

    __tablename__ = "backup_made"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    file: Mapped[str] = mapped_column(String(400))
    made_real: Mapped[datetime]
    gone_real: Mapped[datetime | None]


class Counter(Base):
    """Counts for /metrics that several processes add to."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    label: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class Heartbeat(Base):
    """When a part was last seen, in real time."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    seen_real: Mapped[datetime]


class Mark(Base):
    """A remembered position, such as the last inbound message read from the provider."""

    __tablename__ = "mark"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class Epoch(Base):
    """One row: how often this database has ticked; a mark kept apart tells whether it went back in time."""

    __tablename__ = "epoch"
    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(String(20))
    ticks: Mapped[int] = mapped_column(BigInteger, default=0)


class Restore(Base):
    """The database went back in time: what is not known any more, and what was done about it.

    While one is not confirmed no care text leaves. All times but `noticed_at` and `confirmed_at` are real.
    """

    __tablename__ = "restore"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    noticed_at: Mapped[datetime]
    noticed_real: Mapped[datetime]
    since_real: Mapped[datetime]  # up to here the database knows; from here on it knows nothing
    reapplied_real: Mapped[datetime | None]  # the stop list was carried out
    listed_real: Mapped[datetime | None]  # what went out meanwhile was read from the provider
    inbound_real: Mapped[datetime | None]  # and what came in
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    list_trouble: Mapped[str | None] = mapped_column(String(60))  # why the stop list may lack something


class StraySend(Base):
    """A text that the provider sent for us and that the restored database knows nothing of."""

    __tablename__ = "stray_send"
    sid: Mapped[str] = mapped_column(String(40), primary_key=True)
    restore_id: Mapped[str] = mapped_column(ForeignKey("restore.id"))
    to_hash: Mapped[str] = mapped_column(String(64), index=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    made_real: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[int | None]
    outbox_id: Mapped[str | None] = mapped_column(String(20))  # whose text it was, once that is known
    answered_sid: Mapped[str | None] = mapped_column(String(40))  # the incoming text that it had answered


class Restraint(Base):
    """What the stop list says of a number that nobody on the restored roster has: an import heeds it."""

    __tablename__ = "restraint"
    phone_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any]]


class PaperPassphrase(Base):
    """What opens an agency's papers. Kept, sealed, because a paper is sealed each night without anybody."""

    __tablename__ = "paper_passphrase"
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"), primary_key=True)
    passphrase: Mapped[str] = mapped_column(Sealed)
    set_at: Mapped[datetime]
