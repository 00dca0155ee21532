"""OpenID Connect: an agency's own staff sign in where they sign in to everything else, for staff work alone.

The flow is Authlib's (code, PKCE, state), the ID token's signature joserfc's and its claims Authlib's.
Nothing here touches the database: what has to fit is kept elsewhere, and this asks the issuer, outside any
transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from cism.errors import NotSignedIn
from notifications.addresses import is_loopback

SECONDS: Final = 10  # for each answer of the issuer
LEEWAY: Final = 120  # seconds by which clocks may differ
ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA")
# unreachable (requests raises OSErrors), or not as the standard says
_UNANSWERED: Final = (OSError, httpx.HTTPError, KeyError, ValueError, TypeError)
_FAILED: Final = "Your agency's sign-in did not work out. Try again, or sign in with a code to your phone."


@dataclass(frozen=True, slots=True, repr=False)
class Client:
    """What this program is to one issuer."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Going:
    """Where the browser goes, and what has to fit when it comes back."""

    address: str
    kept: dict[str, str]


def is_safe(address: str) -> bool:
    """Whether an address of an issuer may be asked: encrypted, or on this machine."""
    place = urlsplit(address)
    return place.scheme == "https" or (place.scheme == "http" and is_loopback(place.hostname or ""))


def go(client: Client) -> Going:
    """Begin. Raises NotSignedIn where the issuer cannot be asked or says something unsafe."""
    found = _discovered(client.issuer)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    with _session(client) as session:
        address, state = session.create_authorization_url(
            found["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
    return Going(address, {"state": state, "nonce": nonce, "verifier": verifier})


def come_back(client: Client, kept: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
    """The claims of whoever came back, once all of it holds; NotSignedIn otherwise, without a reason."""
    if not hmac.compare_digest(query.get("state", "").encode(), kept["state"].encode()):
        raise NotSignedIn(_FAILED)
    told = query.get("iss")  # RFC 9207: an answer of another issuer is none
    if not query.get("code") or (told is not None and told != client.issuer):
        raise NotSignedIn(_FAILED)
    found = _discovered(client.issuer)
    try:
        with _session(client) as session:
            token = session.fetch_token(
                found["token_endpoint"],
                grant_type="authorization_code",
                code=query["code"],
                code_verifier=kept["verifier"],
            )
        keys = KeySet.import_key_set(cast(KeySetSerialization, _json(found["jwks_uri"])))
        read = jwt.decode(token["id_token"], keys, algorithms=list(ALGORITHMS))
        return _checked(client, read.claims, read.header, kept["nonce"], token)
    except (AuthlibBaseError, JoseError, *_UNANSWERED) as error:
        raise NotSignedIn(_FAILED) from error


def subject(claims: Mapping[str, Any]) -> str:
    """Whose account it is: issuer and subject together, which never change."""
    return hashlib.sha256(f"{claims['iss']}\0{claims['sub']}".encode()).hexdigest()


def _checked(
    client: Client, claims: dict[str, Any], header: dict[str, Any], nonce: str, token: Mapping[str, Any]
) -> dict[str, Any]:
    options = {
        "iss": {"essential": True, "value": client.issuer},
        "aud": {"essential": True, "value": client.client_id},
        "nonce": {"essential": True},
    }
    params = {"nonce": nonce, "client_id": client.client_id, "access_token": token.get("access_token")}
    CodeIDToken(claims, header, options, params).validate(leeway=LEEWAY)
    return claims


def _discovered(issuer: str) -> dict[str, str]:
    try:
        found = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        named = [found[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    except _UNANSWERED as error:
        raise NotSignedIn(_FAILED) from error
    if found.get("issuer") != issuer or not all(isinstance(one, str) and is_safe(one) for one in named):
        raise NotSignedIn(_FAILED)
    return found


def _json(address: str) -> dict[str, Any]:
    answer = httpx.get(address, timeout=SECONDS, follow_redirects=False)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def _session(client: Client) -> OAuth2Session:
    return OAuth2Session(
        client.client_id,
        client.client_secret,
        token_endpoint_auth_method="client_secret_basic" if client.client_secret else "none",
        redirect_uri=client.redirect_uri,
        scope="openid email profile",
        code_challenge_method="S256",
        default_timeout=SECONDS,
    )
