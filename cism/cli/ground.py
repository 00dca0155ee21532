"""What every command stands on: settings and a migrated database, or one line about what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from cism.errors import ConfigurationError
from cism.services import clockwork, restoring
from cism.services.languages import open_database
from cism.settings import Settings, load
from cism.store import migrate
from cism.store.db import Database


@contextmanager
def unchecked(settings: Settings | None = None) -> Iterator[Database]:
    """The database as it is, migrated or not; closed at the end."""
    try:
        db = open_database(settings or load())
    except (ArgumentError, NoSuchModuleError, ImportError):
        message = (
            "CISM_DATABASE_URL cannot be used: write sqlite:////path/to/cism.db or "
            "postgresql+psycopg://USER@HOST/DATABASE"
        )
        raise ConfigurationError(message) from None
    try:
        yield db
    finally:
        db.close()


def provider_trouble(settings: Settings) -> str | None:
    """What is wrong with Twilio, asked now; None where it answers, or where the phone wall is used."""
    found = _trouble(settings)
    return found[1] if found else None


def second_trouble(settings: Settings) -> str | None:
    """What is wrong with the mail server of the second way, asked now; None where there is none."""
    if settings.second_smtp_host is None:
        return None
    from cism.services.gateway import second_trouble as asked  # the same second as below

    return asyncio.run(asked(settings))


def refuse_bad_credentials(settings: Settings) -> None:
    """Nothing starts with credentials that Twilio refuses; one that does not answer may come back."""
    refused, text = _trouble(settings) or (False, "")
    if refused:
        message = f"Twilio {text}; nothing was started"
        raise ConfigurationError(message)


def _trouble(settings: Settings) -> tuple[bool, str] | None:
    if settings.uses_wall:
        return None
    # here, because the SDK takes a second to import, and every other command does without it
    from cism.services.gateway import trouble

    return asyncio.run(trouble(settings))


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Database]:
    """The database at this program's version, with the clock that it was started with."""
    with unchecked(settings) as db:
        migrate.check(db)
        clockwork.refuse_real_clock(db)
        restoring.notice(db)
        yield db
