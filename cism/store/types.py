"""Column types: aware UTC instants, sealed values, and enums kept by value.

A sealed column says whose its values are: the installation's (`Sealed`), or a person's (`Personal`,
`PersonalTime`), under a key that is destroyed when the person is erased. A person's value reaches the
database only together with its key: `cism.store.owners` sees to that at each flush, and one that comes
another way is refused here, so that it cannot be forgotten.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from cism.store import person_keys, seal


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. SQLite hands back naive values, so both ways are checked here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no zone: a naive time is a bug that texts somebody at night."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime reached the database"
            raise TypeError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Sealed(TypeDecorator[str]):
    """Text of the installation, about no person of a roster; ciphertext in the database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal on the way in."""
        return None if value is None else seal.current().seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open on the way out."""
        return None if value is None else seal.current().open(value)


class Sealer(Protocol):
    """What seals a value: a person's key, the installation's keys, or nothing that could ever open it."""

    def seal(self, plain: str) -> str:
        """The form that is kept."""
        ...


class OwnedText(str):
    """A text that knows what it is sealed with; else like any other."""

    sealer: Sealer


class OwnedTime(time):
    """A time of day that knows what it is sealed with."""

    sealer: Sealer


def owned(value: str | time, sealer: Sealer) -> OwnedText | OwnedTime:
    """The same value with the key that it is to be sealed with."""
    made = OwnedText(value) if isinstance(value, str) else OwnedTime(value.hour, value.minute, value.second)
    made.sealer = sealer
    return made


def nobodys(text: str) -> OwnedText:
    """A text about nobody in a column of personal values, sealed with the installation's keys."""
    made = OwnedText(text)
    made.sealer = seal.current()
    return made


class Personal(TypeDecorator[str]):
    """Text about the person whom the column `owner` of the same row names, sealed with that person's key.

    Where it names nobody the installation's keys seal. `gone` is what is read once the key is destroyed.
    """

    impl = Text
    cache_ok = True

    def __init__(self, owner: str, gone: str | None = None) -> None:
        super().__init__()
        self.owner, self.gone = owner, gone

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal on the way in, with the key that the value brings along."""
        return _sealed(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open on the way out."""
        if value is None:
            return None
        plain = person_keys.opened(value, dialect)
        return self.gone if plain is None else plain


class PersonalTime(TypeDecorator[time]):
    """A time of day about a person, as `Personal`."""

    impl = Text
    cache_ok = True

    def __init__(self, owner: str, gone: time) -> None:
        super().__init__()
        self.owner, self.gone = owner, gone

    def process_bind_param(self, value: time | None, dialect: Dialect) -> str | None:
        """Seal on the way in, with the key that the value brings along."""
        return _sealed(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> time | None:
        """Open on the way out."""
        if value is None:
            return None
        plain = person_keys.opened(value, dialect)
        return self.gone if plain is None else time.fromisoformat(plain)


def _sealed(value: str | time | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, OwnedText | OwnedTime):
        message = (
            "a value about a person came without its owner: add rows through the session, or say whose "
            "they are with owners.owned_rows"
        )
        raise TypeError(message)
    return value.sealer.seal(value.isoformat() if isinstance(value, time) else str(value))


E = TypeVar("E", bound=StrEnum)


class Named(TypeDecorator[E], Generic[E]):
    """A StrEnum kept as its value, so that a new member needs no migration."""

    impl = String(40)
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """By value."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """As the member."""
        return None if value is None else self.enum(value)
