"""A small OpenID Connect issuer on loopback: discovery, keys, code flow with PKCE. It can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

CLIENT, SECRET = "cism-at-metro", "a client secret of tests"


class Issuer:
    """Who signs in here, and in what it lies."""

    def __init__(self) -> None:
        self.address = ""
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.signs_with: ECKey | OctKey = self.key
        self.algorithm = "ES256"
        self.claims: dict[str, Any] = {}  # over the honest ones
        self.discovery: dict[str, Any] = {}
        self.account = {"sub": "account-1", "email": "sam@example.org", "email_verified": True}
        self._codes: dict[str, dict[str, str]] = {}
        self.secrets_given: list[str] = []

    def signed_in(self, address: str) -> str:
        """What a browser does there: signs in, and is sent back; the address it is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}&iss={self.address}"

    def found(self) -> dict[str, Any]:
        """The discovery document."""
        honest = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
        }
        return honest | self.discovery

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Tokens for a code, once, to whoever has the verifier and the client's secret."""
        self.secrets_given.append(base64.b64decode(authorization.removeprefix("Basic ")).decode())
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(time.time())
        honest = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        read = jwt.encode(
            {"alg": self.algorithm, "kid": "one"},
            honest | self.account | self.claims,
            self.signs_with,
            algorithms=[self.algorithm],
        )
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": read}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """One that answers on a port of its own."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {
                "/.well-known/openid-configuration": issuer.found(),
                "/keys": {"keys": [issuer.key.as_dict(private=False)]},
            }
            self._say(answers.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(issuer.token(form, self.headers.get("Authorization", "")))

        def _say(self, told: dict[str, Any] | None) -> None:
            self.send_response(200 if told is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(told if told is not None else {"error": "invalid_grant"}).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()
