"""Seals a paper so that any machine with openssl and the passphrase opens it, without us or our keys.

The format is that of `openssl enc -aes-256-cbc -pbkdf2`: the word "Salted__", eight bytes of salt, and
AES-256 in CBC mode with PKCS#7 padding; key and IV are PBKDF2-HMAC-SHA256 of passphrase and salt. That mode
does not notice a changed file, so the paper itself ends with a sum of all before it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from cism.errors import BadInput

ITERATIONS: Final = 600_000  # OWASP's figure for PBKDF2 with SHA-256 (Password Storage Cheat Sheet, 2023)
SHORTEST: Final = 16  # signs of a passphrase: the file lies in mail boxes, where anybody may try for years
_MAGIC: Final = b"Salted__"
_SALT, _KEY, _BLOCK = 8, 32, 16  # bytes
_SUM: Final = "<!-- sha256 of all before this line: {} -->\n"
_SUM_LENGTH: Final = len(_SUM.format("0" * 64))


def command(name: str) -> str:
    """What to type to open it."""
    return f"openssl enc -d -aes-256-cbc -md sha256 -pbkdf2 -iter {ITERATIONS} -in {name} -out paper.html"


def checked(passphrase: str) -> str:
    """The passphrase as it is used. Raises BadInput for one that could be guessed, or typed in two ways."""
    if len(passphrase) < SHORTEST:
        message = (
            f"a passphrase has at least {SHORTEST} signs; four words that do not belong together will do"
        )
        raise BadInput(message)
    if not passphrase.isascii() or not passphrase.isprintable() or passphrase != passphrase.strip():
        message = "use letters, digits and signs that every keyboard has, and no space at either end"
        raise BadInput(message)
    return passphrase


def seal_paper(page: str, passphrase: str) -> bytes:
    """The sealed file."""
    plain = (page + _SUM.format(hashlib.sha256(page.encode()).hexdigest())).encode()
    salt = secrets.token_bytes(_SALT)
    padder = PKCS7(_BLOCK * 8).padder()
    encryptor = _cipher(passphrase, salt).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return _MAGIC + salt + encryptor.update(padded) + encryptor.finalize()


def whole(paper: str) -> bool:
    """Whether an opened paper is as it was sealed."""
    page, told = paper[:-_SUM_LENGTH], paper[-_SUM_LENGTH:]
    return told == _SUM.format(hashlib.sha256(page.encode()).hexdigest())


def _cipher(passphrase: str, salt: bytes) -> Cipher[modes.CBC]:
    secret = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ITERATIONS, _KEY + _BLOCK)
    return Cipher(algorithms.AES256(secret[:_KEY]), modes.CBC(secret[_KEY:]))
