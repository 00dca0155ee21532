"""Tables of on-call calendars: rotations, changes to them, calendars that were read, secret feeds.

People stand in them by opaque id alone, and a calendar's own words are not kept.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cism.domain.people import Role
from cism.store.tables import Base, new_id
from cism.store.types import Named, Sealed


class ChangeState(StrEnum):
    """How a change of turns stands."""

    ASKED = "asked"  # a colleague is asked to take the turn; nothing has changed yet
    HOLDS = "holds"  # taken, or ordered by whoever makes the calendar
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class OnCallRotation(Base):
    """People of one role in one agency, one after the other."""

    __tablename__ = "on_call_rotation"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    role: Mapped[Role] = mapped_column(Named(Role))
    members: Mapped[list[str]]  # ids of people, in order
    zone: Mapped[str] = mapped_column(String(40))
    first_day: Mapped[date]
    handover: Mapped[str] = mapped_column(String(5))  # on the wall of the zone, HH:MM
    days: Mapped[int]
    ends_at: Mapped[datetime | None]
    made_at: Mapped[datetime]


class OnCallChange(Base):
    """From `starts_at` until `ends_at` somebody else has the turn; with `return_*` two turns are swapped."""

    __tablename__ = "on_call_change"
    __table_args__ = (Index("on_call_change_of", "agency", "role", "state"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    role: Mapped[Role] = mapped_column(Named(Role))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # relieved; None: whoever has it
    instead_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)  # None: nobody
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    return_starts_at: Mapped[datetime | None]
    return_ends_at: Mapped[datetime | None]
    state: Mapped[ChangeState] = mapped_column(Named(ChangeState))
    made_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class OnCallCalendar(Base):
    """A calendar that is read: from a file once, or from its address again and again."""

    __tablename__ = "on_call_calendar"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    role: Mapped[Role] = mapped_column(Named(Role))
    url: Mapped[str | None] = mapped_column(Sealed)  # such an address is often a secret itself
    zone: Mapped[str] = mapped_column(String(40))  # of times without one
    read_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    until: Mapped[datetime | None]  # how far its turns are known
    problem: Mapped[str | None] = mapped_column(String(40))  # why the last reading failed, as a code


class OnCallTurn(Base):
    """One turn out of a calendar that was read."""

    __tablename__ = "on_call_turn"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    calendar_id: Mapped[str] = mapped_column(ForeignKey("on_call_calendar.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class CalendarFeed(Base):
    """A secret address under which somebody's own turns can be subscribed to, by its hash."""

    __tablename__ = "calendar_feed"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
