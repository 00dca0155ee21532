"""Alembic's entry: runs the migrations on the connection that cism.store.migrate hands over."""

from typing import Any

from alembic import context
from sqlalchemy.types import TypeDecorator

from cism.store.tables import Base

_PLAIN = {"UtcDateTime": "sa.DateTime(timezone=True)", "Sealed": "sa.Text()", "Named": "sa.String(length=40)"}


def _plain_types(kind: str, item: Any, _autogen: Any) -> Any:
    """Migrations outlive our column types, so they name the plain ones."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return _PLAIN.get(type(item).__name__, False)
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_plain_types
)
with context.begin_transaction():
    context.run_migrations()
