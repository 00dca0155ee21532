"""Tables of helpers: who is not to be asked for a while, and who hands a call over to whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cism.store.tables import Base


class Away(Base):
    """A helper who is asked for nothing until then: on leave, or resting; which of the two is not kept."""

    __tablename__ = "away"
    person_id: Mapped[str] = mapped_column(String(20), ForeignKey("person.id"), primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]


class HandingOn(Base):
    """Somebody who has an escalation asks a colleague to take it; it stays theirs until the colleague has."""

    __tablename__ = "handing_on"
    escalation_id: Mapped[str] = mapped_column(String(20), ForeignKey("escalation.id"), primary_key=True)
    from_id: Mapped[str] = mapped_column(String(20), ForeignKey("person.id"))
    to_id: Mapped[str] = mapped_column(String(20), ForeignKey("person.id"), index=True)
    asked_at: Mapped[datetime]
