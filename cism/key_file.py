"""The file of the installation's keys: read again when it changes, and changed in one piece."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cism.errors import ConfigurationError

_BYTES = 32


def fresh() -> bytes:
    """A new key of the installation."""
    return secrets.token_bytes(_BYTES)


def words(keys: list[bytes]) -> str:
    """Keys as they are written down: URL-safe base64, newest first."""
    return ",".join(base64.urlsafe_b64encode(key).decode() for key in keys)


def parsed(text: str) -> list[bytes]:
    """The keys that a text lists. Raises ConfigurationError."""
    try:
        found = [base64.urlsafe_b64decode(part.strip()) for part in text.split(",") if part.strip()]
    except (binascii.Error, ValueError):
        found = []
    if not found or any(len(key) != _BYTES for key in found):
        message = (
            "CISM_VAULT_KEYS (or the file of keys) must hold 32-byte keys in URL-safe base64, "
            "comma-separated, newest first"
        )
        raise ConfigurationError(message)
    return found


class KeyFile:
    """The keys in one file; a process asks at each transaction whether it is still the one it has read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._look()

    def keys(self) -> list[bytes]:
        """What it lists now, newest first."""
        self._seen = self._look()
        return parsed(self.path.read_text())

    def changed(self) -> bool:
        """Whether it is another file than the one read last. One that is away says nothing."""
        now = self._look()
        return now is not None and now != self._seen

    def write(self, keys: list[bytes]) -> None:
        """Put other keys in its place: whoever reads sees the old list or the new one, also after a crash."""
        unfinished = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(words(keys) + "\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
