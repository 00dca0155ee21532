"""Two small files that a restore of the database does not touch: how far it had come, and the stop list.

The mark says how often the database had ticked; a database that has ticked less has gone back in time. The
stop list says of whom nothing more may go out, and is written before the change itself is committed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cism.errors import ConfigurationError
from cism.store import seal

_MARK_BYTES = 64  # fixed, so that a mark is written over in one piece
_FIRST = "0" * 64  # what the first line is chained to
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one database had come; `identity` tells one database from another."""

    identity: str
    ticks: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the stop list. `done`: the transaction that it belongs to was committed."""

    number: int
    tx: str
    at: str
    done: bool
    entries: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class Read:
    """All that a stop list says; `broken` names the lines that were altered, removed or put elsewhere."""

    lines: list[Line] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    missing: bool = False


class Apart:
    """The files of one installation that lie apart from its database."""

    def __init__(self, home: Path, stop_list: Path) -> None:
        self.stop_list = stop_list
        beside = stop_list.with_name(stop_list.name + ".seen")
        self._marks = tuple(dict.fromkeys((home / "database.seen", beside)))

    def marks(self) -> list[Mark]:
        """What the mark files say; one that is missing or cannot be read says nothing."""
        return [mark for path in self._marks if (mark := _mark(path)) is not None]

    def remember(self, mark: Mark) -> bool:
        """Write a mark, never back; False where one of the files could not be written."""
        written = [_remember(path, mark) for path in self._marks]
        return all(written)

    def append(self, tx: str, at: str, entries: Sequence[Mapping[str, Any]], *, done: bool = False) -> bool:
        """Add one line and see it safely on the disk; False where that failed."""
        try:
            self._append({"tx": tx, "at": at, "done": done, "entries": list(entries)}, sure=not done)
        except OSError:
            return False
        return True

    def read(self, others: Iterable[Path] = ()) -> Read:
        """The stop list of this machine, and those of others."""
        found = Read(missing=not self.stop_list.exists())
        for path in (self.stop_list, *others):
            if path.exists():
                _read(path, found)
        found.lines.sort(key=lambda line: line.at)
        return found

    def seal_anew(self) -> None:
        """Seal with the newest key whatever another sealed, in one piece.

        A list that was altered is left as it is: it is what shows that it was.
        """
        if not set(self.keys_of_lines()) - {seal.current().newest}:
            return
        with self._alone() as file:
            found = Read()
            _read(self.stop_list, found)
            if found.broken:
                return
            last, lines = _FIRST, []
            for text in os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).split(b"\n"):
                parsed = _parsed(text)
                if parsed is not None:
                    sealed = seal.current().seal(seal.current().open(str(parsed["sealed"])))
                    lines.append(_line(last, int(parsed["n"]), sealed))
                    last = json.loads(lines[-1])["mac"]
            self._put_in_place(b"".join(lines))

    def keys_of_lines(self) -> Counter[str]:
        """How many lines each of the installation's keys sealed, by the key's name."""
        if not self.stop_list.exists():
            return Counter()
        parsed = map(_parsed, self.stop_list.read_bytes().split(b"\n"))
        return Counter(str(one["sealed"]).split(".")[1] for one in parsed if one is not None)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[BinaryIO]:
        """The list, held: several processes write, one line after the other."""
        while True:
            handle = os.open(self.stop_list, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "rb+", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.fstat(handle).st_ino != self.stop_list.stat().st_ino:
                    continue  # it was sealed anew meanwhile: this is the old file, which nobody reads again
                yield file
                return

    def _put_in_place(self, content: bytes) -> None:
        fresh = self.stop_list.with_name(f".{self.stop_list.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.stop_list)
        finally:
            fresh.unlink(missing_ok=True)

    def _append(self, payload: Mapping[str, Any], *, sure: bool) -> None:
        with self._alone() as file:
            number, last, whole = _last(file.fileno())
            sealed = seal.current().seal(json.dumps(payload, separators=(",", ":")))
            line = _line(last, number + 1, sealed)
            _write_all(file.fileno(), line if whole else b"\n" + line)
            if sure:
                os.fsync(file.fileno())


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _line(last: str, number: int, sealed: str) -> bytes:
    mac = seal.current().mac(_chained(last, number, sealed))
    return json.dumps({"n": number, "sealed": sealed, "mac": mac}).encode() + b"\n"


def _chained(last: str, number: int, sealed: str) -> str:
    return f"stop list\0{last}\0{number}\0{sealed}"


def _last(handle: int) -> tuple[int, str, bool]:
    """Number and MAC of the last whole line, and whether the file ends with one."""
    size = os.fstat(handle).st_size
    start, tail = size, b""
    while start > 0:
        step = min(_CHUNK, start)
        start -= step
        tail = os.pread(handle, step, start) + tail
        for text in reversed(tail.split(b"\n")[1 if start else 0 :]):
            parsed = _parsed(text)
            if parsed is not None:
                return int(parsed["n"]), str(parsed["mac"]), tail.endswith(b"\n")
    return 0, _FIRST, size == 0 or tail.endswith(b"\n")


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"n", "sealed", "mac"} <= set(found) else None


def _read(path: Path, found: Read) -> None:
    last, expected = _FIRST, 1
    for text in path.read_bytes().split(b"\n"):
        parsed = _parsed(text)
        if parsed is None:
            continue  # the torn end of a process that died; a line that was cut out breaks the chain below
        number, sealed, mac = int(parsed["n"]), str(parsed["sealed"]), str(parsed["mac"])
        whole = number == expected and seal.current().mac_holds(_chained(last, number, sealed), mac)
        if not whole:
            found.broken.append(number)
        last, expected = mac, number + 1
        with contextlib.suppress(ConfigurationError, ValueError, KeyError):
            # a line that still opens is heeded all the same: it can only make somebody's phone quieter
            told = json.loads(seal.current().open(sealed))
            found.lines.append(Line(number, told["tx"], told["at"], told["done"], told["entries"]))


def _mark(path: Path) -> Mark | None:
    try:
        words = path.read_text("ascii").split()
        return Mark(words[0], int(words[1]))
    except (OSError, ValueError, IndexError):
        return None


def _remember(path: Path, mark: Mark) -> bool:
    try:
        with _held(path) as handle:
            words = os.pread(handle, _MARK_BYTES, 0).split()
            if len(words) == 2 and words[0].decode() == mark.identity and int(words[1]) >= mark.ticks:
                return True  # another process was here with a later one
            record = f"{mark.identity} {mark.ticks}".ljust(_MARK_BYTES - 1) + "\n"
            os.pwrite(handle, record.encode("ascii"), 0)
            os.fsync(handle)
    except (OSError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _held(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
