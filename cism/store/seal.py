"""Sealing: AES-256-GCM over single values, and keyed hashes to find what is sealed.

A sealed value is `v1.` + key id + `.` + URL-safe base64 of nonce and ciphertext. The key id lets a
row be read while keys rotate. Lookups (phones, roster ids) go by HMAC-SHA256 under an index key that
is kept in the database sealed by the installation's keys, so that rotating those changes no hash.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cism.errors import ConfigurationError
from cism.key_file import KeyFile

_NONCE = 12


def key_id(key: bytes) -> str:
    """A short public name of a key."""
    return hashlib.sha256(b"cism key id" + key).hexdigest()[:8]


class Keyring:
    """The installation's keys, newest first: the newest seals, each opens."""

    def __init__(self, keys: list[bytes], source: KeyFile | None = None) -> None:
        """`source`: the file that the keys are read from again whenever it was changed."""
        self._source = source
        self._take(keys)

    def _take(self, keys: list[bytes]) -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        # a key of its own for MACs: the one that encrypts is used for nothing else
        self._macs = {key_id(key): hmac.digest(key, b"cism mac key", "sha256") for key in keys}
        self._newest = key_id(keys[0])  # last: another thread seals with it at once

    def seal(self, plain: str) -> str:
        """Encrypt one value."""
        nonce, name = secrets.token_bytes(_NONCE), self._newest
        body = self._keys[name].encrypt(nonce, plain.encode(), name.encode())
        return f"v1.{name}.{base64.urlsafe_b64encode(nonce + body).decode()}"

    def open(self, sealed: str) -> str:
        """Decrypt one value; a missing key is a configuration error, never an empty value."""
        _, name, body = sealed.split(".", 2)
        cipher = self._keys.get(name)
        if cipher is None:
            self.refresh()  # somebody rotates the keys right now
            cipher = self._keys.get(name)
        if cipher is None:
            message = f"CISM_VAULT_KEYS lacks the key {name} that sealed this database; add it to the list"
            raise ConfigurationError(message)
        raw = base64.urlsafe_b64decode(body)
        try:
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode()).decode()
        except InvalidTag:
            message = "a sealed value was altered in the database; restore it from a backup"
            raise ConfigurationError(message) from None

    def refresh(self) -> None:
        """Use the keys that the file lists now. A file that is away or spoilt changes nothing."""
        if self._source is not None and self._source.changed():
            with contextlib.suppress(OSError, ConfigurationError):
                self._take(self._source.keys())

    @property
    def names(self) -> list[str]:
        """The names of the keys, newest first."""
        return list(self._keys)

    @property
    def newest(self) -> str:
        """The name of the key that seals."""
        return self._newest

    def mac_key(self, name: str) -> bytes | None:
        """What the key of this name makes MACs with; None for a key that is not in the list."""
        return self._macs.get(name)

    def mac(self, text: str) -> str:
        """A keyed MAC under the newest key: whose key, and the MAC in hex."""
        name = self._newest
        return f"{name}.{self._mac(name, text)}"

    def mac_holds(self, text: str, mac: str) -> bool:
        """Whether one of these keys made this MAC of this text."""
        name, _, told = mac.partition(".")
        return name in self._macs and hmac.compare_digest(told, self._mac(name, text))

    def _mac(self, name: str, text: str) -> str:
        return hmac.new(self._macs[name], text.encode(), hashlib.sha256).hexdigest()


class _Current:
    """The keyring of this process: the column type has no other way to reach it."""

    keyring: Keyring | None = None


def use(keyring: Keyring) -> None:
    """Make these keys the ones that sealed columns use in this process."""
    _Current.keyring = keyring


def swap(keyring: Keyring | None) -> Keyring | None:
    """Use these keys for a while; gives those in use before, to be put back."""
    before, _Current.keyring = _Current.keyring, keyring
    return before


def current() -> Keyring:
    """The keys in use."""
    if _Current.keyring is None:
        message = "no vault keys are loaded"
        raise ConfigurationError(message)
    return _Current.keyring


def refresh() -> None:
    """See whether somebody rotated the keys; asked at each transaction."""
    if _Current.keyring is not None:
        _Current.keyring.refresh()


def keyed_hash(index_key: bytes, domain: str, value: str) -> str:
    """Find a sealed value by equality: HMAC-SHA256, one domain a column."""
    return hmac.new(index_key, f"{domain}\0{value}".encode(), hashlib.sha256).hexdigest()
