"""Webhooks that somebody at the wall has posted: statuses in any order, and forgeries.

A provider does the first; the second is what strangers do, who know the address and not the token.
"""

from collections.abc import Sequence
from typing import Final

from notifications.phone_wall.faults import Fault
from notifications.phone_wall.records import Message
from notifications.phone_wall.signing import signature
from notifications.phone_wall.wall import Wall
from notifications.phone_wall.webhooks import Answer

Form = Sequence[tuple[str, str]]

SIGNATURES: Final = ("rightly", "not_at_all", "with_another_token", "for_another_address", "for_another_form")
_ELSEWHERE: Final = "https://elsewhere.example.org/twilio"


async def tell_by_hand(
    wall: Wall, message: Message, statuses: Sequence[str], code: int | None
) -> list[Answer]:
    """Post these statuses of a message, each after the one before was answered."""
    wall.injector.write(Fault.TOLD, sid=message.sid, order=list(statuses), code=code)
    answers = []
    for status in statuses:
        failed = status in ("failed", "undelivered")
        form = wall.carrier.status_form(message, status, code if failed else None)
        answers.append(await wall.webhooks.post(str(message.status_callback), form))
    return answers


async def post_by_hand(wall: Wall, url: str, form: Form, signed: str) -> Answer:
    """Post a webhook; it is written down without its form, which may hold anything."""
    answer = await wall.webhooks.post_signed(url, form, _signature(wall, url, form, signed))
    wall.injector.write(Fault.FORGED, signed=signed, status=answer.status)
    return answer


def _signature(wall: Wall, url: str, form: Form, signed: str) -> str | None:
    token = wall.config.auth_token
    match signed:
        case "rightly":
            return signature(url, form, token)
        case "with_another_token":
            return signature(url, form, token[::-1] + "0")
        case "for_another_address":
            return signature(_ELSEWHERE, form, token)
        case "for_another_form":
            return signature(url, form[:-1], token)
        case _:
            return None
