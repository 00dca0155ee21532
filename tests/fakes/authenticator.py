"""A passkey authenticator in software: makes keys and signs challenges as W3C WebAuthn says, and no more."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


class Authenticator:
    """One device with one passkey."""

    def __init__(self, origin: str, *, verifies: bool = True, counts: bool = True) -> None:
        self.origin, self.verifies, self.counts, self.count = origin, verifies, counts, 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(16)
        self._user = b""

    def make(self, options: str) -> str:
        """The answer to a request for a new passkey."""
        asked = json.loads(options)
        self._user = asked["user"]["id"].encode()
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = b"\0" * 16 + len(self._id).to_bytes(2, "big") + self._id + cbor2.dumps(public)
        data = self._data(asked["rp"]["id"], _ATTESTED) + attested
        return self._answer(
            {
                "clientDataJSON": self._client("webauthn.create", asked["challenge"]),
                "attestationObject": _text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            }
        )

    def use(self, options: str) -> str:
        """The answer to a request to sign in."""
        asked = json.loads(options)
        self.count += self.counts  # many do not count: theirs stays 0
        data, client = self._data(asked["rpId"]), self._client("webauthn.get", asked["challenge"])
        signed = data + hashlib.sha256(self._plain("webauthn.get", asked["challenge"])).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": client,
                "authenticatorData": _text(data),
                "signature": _text(signature),
                "userHandle": _text(self._user),
            }
        )

    def _answer(self, response: dict[str, Any]) -> str:
        told = {"id": _text(self._id), "rawId": _text(self._id), "type": "public-key"}
        return json.dumps({**told, "clientExtensionResults": {}, "response": response})

    def _data(self, host: str, more: int = 0) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _plain(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _client(self, kind: str, challenge: str) -> str:
        return _text(self._plain(kind, challenge))
