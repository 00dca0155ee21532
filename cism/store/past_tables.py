"""What is left of a list that was forgotten while its incident went on."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cism.store.tables import Base, new_id


class PastMember(Base):
    """Somebody was on this list: a keyed hash of both; only with the keys it is anybody's."""

    __tablename__ = "past_member"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(String(20), ForeignKey("incident.id"), index=True)
    mark: Mapped[str] = mapped_column(String(64))
