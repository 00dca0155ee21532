"""Fetches a calendar from its address: bounded in time and size, and never from inside the own network.

Whoever may enter an address must not be able to make this machine ask its neighbours. The name is looked up
once, every address that it has must be public, and the one that was looked at is the one that is asked.
Nothing of this is inside a transaction.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import httpx

from cism.errors import BadInput

SECONDS: Final = 15.0  # for all of it
MOST_BYTES: Final = 2_000_000  # some 5,000 events


async def fetch(
    url: str, *, private: bool = False, transport: httpx.AsyncBaseTransport | None = None
) -> bytes:
    """What is at this address. `private`: addresses of the own network are allowed, and plain http there.

    Raises BadInput with what is wrong; it never repeats the address, which may be a secret.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return await _fetch(url, private, transport)
    except TimeoutError:
        message = f"the calendar's server did not answer within {SECONDS:g} s"
        raise BadInput(message) from None
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        message = f"the calendar's server cannot be reached ({type(error).__name__})"
        raise BadInput(message) from None


async def _fetch(url: str, private: bool, transport: httpx.AsyncBaseTransport | None) -> bytes:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.scheme not in ({"https", "http"} if private else {"https"}):
        message = "the address of a calendar begins with https://"
        raise BadInput(message)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await _looked_up(host, port, private)
    shown = f"[{address}]" if ":" in address else address
    asked = httpx.URL(url).copy_with(host=shown, port=port, username=None, password=None)
    request = httpx.Request(
        "GET",
        asked,
        headers={"Host": parts.netloc.rpartition("@")[2], "Accept": "text/calendar"},
        extensions={"sni_hostname": host},
    )
    async with httpx.AsyncClient(timeout=SECONDS, transport=transport, trust_env=False) as client:
        answer = await client.send(request, stream=True, follow_redirects=False)
        try:
            return await _body(answer)
        finally:
            await answer.aclose()


async def _body(answer: httpx.Response) -> bytes:
    if answer.status_code != httpx.codes.OK:
        hint = "; enter the address that it leads to" if answer.is_redirect else ""
        message = f"the calendar's server answers {answer.status_code}{hint}"
        raise BadInput(message)
    data = b""
    async for part in answer.aiter_bytes():
        data += part
        if len(data) > MOST_BYTES:
            message = f"this calendar is larger than {MOST_BYTES // 1_000_000} MB"
            raise BadInput(message)
    return data


async def _looked_up(host: str, port: int, private: bool) -> str:
    """One address of this host, after all of them were looked at."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        message = "there is no server by the name in this address"
        raise BadInput(message) from None
    addresses = [str(item[4][0]) for item in found]
    if not private and not all(_is_public(one) for one in addresses):
        message = (
            "this address leads into a private network, where nothing is fetched from; set "
            "CISM_CALENDAR_PRIVATE=true if the calendar is there on purpose"
        )
        raise BadInput(message)
    return addresses[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not found.is_multicast
