"""The database itself refuses to change or remove a row of the audit log, whoever asks.

It stops mistakes, and programs with a database's ordinary rights. Whoever owns the database can take the
triggers away: what they then change is found by `cism audit verify`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, event, text
from sqlalchemy.schema import Table

from cism.store.tables import Audit

_REFUSAL: Final = "the audit log is append-only"
SQLITE: Final = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
)
POSTGRESQL: Final = (
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$BEGIN RAISE EXCEPTION '{_REFUSAL}'; END$$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
)


def _tie(_table: Table, connection: Connection, **_: Any) -> None:
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.execute(text(statement))


event.listen(Audit.__table__, "after_create", _tie)
