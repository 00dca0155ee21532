"""The metadata of all tables, and the ids of their rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase

from cism import chance
from cism.store.types import UtcDateTime

_ID_BITS = 80


def new_id() -> str:
    """An opaque random id: 80 bits, says nothing about when or whom."""
    return f"{chance.source().getrandbits(_ID_BITS):020x}"


class Base(DeclarativeBase):
    """The metadata of all tables."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }
