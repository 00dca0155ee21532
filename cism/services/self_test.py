"""A self-test of the way in and out: does the provider take us, and would its webhooks reach us?

The webhooks are tried from here through the public address, exactly as the provider would post them: whatever
stands between (a proxy that changes the path or the host) spoils the signature here as it would there. What
is posted names no message, so that nothing changes. Nothing of this is inside a transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from cism.services import gateway
from cism.settings import Settings
from notifications.inbound import SIGNATURE_HEADER, sign

_SECONDS: Final = 8.0  # a phone network's patience with a webhook is 15 s; ours ends before
_PATH: Final = "/twilio/status"
_FORM: Final = (("MessageSid", "SM" + "0" * 32), ("MessageStatus", "sent"))
_FORGED: Final = "bm90IHNpZ25lZCBieSB0aGUgcHJvdmlkZXI="
_DONE, _REFUSED = 204, 403


class Provider(StrEnum):
    """How the provider took us."""

    ANSWERS = "answers"
    REFUSES = "refuses"  # the credentials are wrong
    SILENT = "silent"


class Address(StrEnum):
    """What became of a webhook that was signed rightly."""

    READ = "read"  # it arrived here, and its signature fits
    MISSIGNED = "missigned"  # it arrived, and the signature does not fit: address or token differ
    ELSEWHERE = "elsewhere"  # something else answers at that address
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What was found; `forged_refused` is None where no webhook arrived at all."""

    provider: Provider
    address: Address
    forged_refused: bool | None

    @property
    def good(self) -> bool:
        """Whether texts would leave, and answers and receipts would be read."""
        return (self.provider, self.address, self.forged_refused) == (Provider.ANSWERS, Address.READ, True)


async def run(
    settings: Settings, auth_token: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> SelfTest:
    """Try all of it once. `transport` stands in for the network in trials."""
    url = settings.public_url + _PATH
    async with httpx.AsyncClient(timeout=_SECONDS, transport=transport, trust_env=False) as client:
        rightly = await _post(client, url, sign(url, _FORM, auth_token))
        wrongly = await _post(client, url, _FORGED)
    return SelfTest(
        await _provider(settings), _address(rightly), None if wrongly is None else wrongly == _REFUSED
    )


async def _provider(settings: Settings) -> Provider:
    found = await gateway.trouble(settings)
    if found is None:
        return Provider.ANSWERS
    return Provider.REFUSES if found[0] else Provider.SILENT


async def _post(client: httpx.AsyncClient, url: str, signature: str) -> int | None:
    try:
        answer = await client.post(url, data=dict(_FORM), headers={SIGNATURE_HEADER: signature})
    except httpx.HTTPError:
        return None
    return answer.status_code


def _address(status: int | None) -> Address:
    if status is None:
        return Address.UNREACHED
    return {_DONE: Address.READ, _REFUSED: Address.MISSIGNED}.get(status, Address.ELSEWHERE)
