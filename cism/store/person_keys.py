"""The keys of people: one each, kept wrapped in the database, unwrapped once and remembered for a while.

A value sealed with one is `p1.` + key reference + `.` + URL-safe base64 of nonce and ciphertext. The
reference is random and opaque; by it the key is found again. Plaintexts are filled up to whole blocks,
because the length of a rank or of a time zone tells which one it is.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import threading
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Dialect, Engine, bindparam, text
from sqlalchemy.orm import Session

from cism.clock import monotonic
from cism.errors import ConfigurationError
from cism.store import seal

_NONCE: Final = 12
_BLOCK: Final = 32  # bytes: every rank, station and zone of the world's list is one block or two
_KEY: Final = 32
_REFERENCE: Final = 8
LEFT: Final = "g1"  # what is kept of somebody whose key is gone: nothing
_HELD: Final = 20_000  # people: more than an installation has, and some ten megabytes
DESTROYED: Final = "keys destroyed"  # by a transaction that may still be lost
FORGOTTEN_AFTER: Final = 600.0  # seconds; by then no process remembers a key that another destroyed
_AT_ONCE: Final = 500  # SQLite takes a thousand parameters, in its oldest builds

_ALL = text("SELECT ref, person_id, wrapped FROM person_key LIMIT :count")
_BY_REF = text("SELECT ref, person_id, wrapped FROM person_key WHERE ref = :ref")
_BY_PERSON = text("SELECT ref, person_id, wrapped FROM person_key WHERE person_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)


class Held:
    """One person's key, unwrapped when it is first used; `wrapped` None: it was destroyed."""

    __slots__ = ("_cipher", "person_id", "ref", "wrapped")

    def __init__(self, ref: str, person_id: str, wrapped: str | None) -> None:
        self.ref, self.person_id, self.wrapped = ref, person_id, wrapped
        self._cipher: AESGCM | None = None

    def seal(self, plain: str) -> str:
        """Encrypt one value; of somebody erased nothing is kept."""
        if self.wrapped is None:
            return LEFT
        nonce = secrets.token_bytes(_NONCE)
        padded = plain.encode() + b"\x80"
        padded += bytes(-len(padded) % _BLOCK)
        body = self._key().encrypt(nonce, padded, self.ref.encode())
        return f"p1.{self.ref}.{base64.urlsafe_b64encode(nonce + body).decode()}"

    def open(self, body: str) -> str | None:
        """Decrypt what follows the reference; None where the key was destroyed."""
        if self.wrapped is None:
            return None
        raw = base64.urlsafe_b64decode(body)
        try:
            padded = self._key().decrypt(raw[:_NONCE], raw[_NONCE:], self.ref.encode())
        except InvalidTag:
            message = "a sealed value was altered in the database; restore it from a backup"
            raise ConfigurationError(message) from None
        return padded.rstrip(b"\0")[:-1].decode()

    def _key(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(bytes.fromhex(seal.current().open(self.wrapped or "")))
        return self._cipher


def draw() -> tuple[str, str]:
    """A new key: its reference, and the key wrapped by the installation's newest."""
    return secrets.token_hex(_REFERENCE), seal.current().seal(secrets.token_bytes(_KEY).hex())


class PersonKeys:
    """The keys that this process remembers of one database, the most used ones; safe for many threads."""

    def __init__(self, engine: Engine, *, held: int = _HELD) -> None:
        self._engine, self._held = weakref.ref(engine), held
        self._lock = threading.Lock()
        self._since = monotonic()
        self._by_ref: OrderedDict[str, Held] = OrderedDict()
        self._by_person: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._by_ref)

    def forget(self, *, after: float = 0.0) -> None:
        """Forget everything, where it was remembered for so many seconds."""
        if monotonic() - self._since >= after:
            with self._lock:
                self._by_ref, self._by_person, self._since = OrderedDict(), {}, monotonic()

    def by_ref(self, ref: str) -> Held:
        """The key that sealed a value; asked for at the database where it is not remembered."""
        found = self._by_ref.get(ref)
        if found is None:
            return self._fetched(ref)
        with contextlib.suppress(KeyError):  # another thread let go of it just now
            self._by_ref.move_to_end(ref)
        return found

    def of(self, people: Collection[str]) -> dict[str, Held]:
        """What is remembered of the keys of these people."""
        return {one: key for one in people if (key := self._by_person.get(one)) is not None}

    def remember(self, keys: Iterable[Held], *, committed: bool) -> None:
        """Keep keys. Only what is committed seals: a value must not outlive the key of a lost transaction."""
        with self._lock:
            for key in keys:
                self._by_ref[key.ref] = key
                if committed:
                    self._by_person[key.person_id] = key
            while len(self._by_ref) > self._held:
                _, old = self._by_ref.popitem(last=False)
                self._by_person.pop(old.person_id, None)

    def drop(self, people: Collection[str]) -> None:
        """Forget the keys of these people."""
        with self._lock:
            for ref in [ref for ref, key in self._by_ref.items() if key.person_id in people]:
                del self._by_ref[ref]
            for one in people:
                self._by_person.pop(one, None)

    def _fetched(self, ref: str) -> Held:
        with _connection(self._engine()) as connection:
            if not self._by_ref:  # most of what is read next belongs to others of the same roster
                self.remember(_keys(connection.execute(_ALL, {"count": self._held})), committed=False)
            found = self._by_ref.get(ref)
            if found is not None:
                return found
            rows = _keys(connection.execute(_BY_REF, {"ref": ref}))
        if not rows:
            message = "the key of a sealed value is missing in the database; restore it from a backup"
            raise ConfigurationError(message)
        if _here.session is None or DESTROYED not in _here.session.info:
            self.remember(rows, committed=False)
        return rows[0]


def of_people(connection: Connection, people: Sequence[str]) -> list[Held]:
    """The keys of these people as the database has them."""
    found: list[Held] = []
    for start in range(0, len(people), _AT_ONCE):
        ids = list(people[start : start + _AT_ONCE])
        found += _keys(connection.execute(_BY_PERSON, {"ids": ids}))
    return found


def _keys(rows: Iterable[Any]) -> list[Held]:
    return [Held(ref, person_id, wrapped) for ref, person_id, wrapped in rows]


_attached: weakref.WeakKeyDictionary[Dialect, PersonKeys] = weakref.WeakKeyDictionary()


def attach(engine: Engine) -> PersonKeys:
    """Remember the keys of this engine's database from now on: a column type is told its dialect alone."""
    _attached[engine.dialect] = made = PersonKeys(engine)
    return made


def attached(dialect: Dialect) -> PersonKeys:
    """The remembered keys of the database that is spoken to in this dialect."""
    return _attached[dialect]


def opened(value: str, dialect: Dialect) -> str | None:
    """What a sealed value says; None where the key of the person whom it is about was destroyed."""
    kind, _, rest = value.partition(".")
    if kind == "p1":
        ref, _, body = rest.partition(".")
        return _attached[dialect].by_ref(ref).open(body)
    return None if value == LEFT else seal.current().open(value)


class _Here(threading.local):
    """The session that this thread is in: keys are asked for in its transaction."""

    session: Session | None = None


_here = _Here()


@contextmanager
def through(session: Session) -> Iterator[None]:
    """Within the block keys are asked for through this session, which alone sees what it just wrote."""
    before, _here.session = _here.session, session
    try:
        yield
    finally:
        _here.session = before


@contextmanager
def _connection(engine: Engine | None) -> Iterator[Connection]:
    session = _here.session
    if session is not None and session.get_bind() is engine:
        yield session.connection()
        return
    if engine is None:
        message = "the database was closed"
        raise RuntimeError(message)
    with engine.connect() as connection:
        yield connection
