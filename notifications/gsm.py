"""How long a text is on the air: the GSM-7 alphabet, its units, and segments.

Source: 3GPP TS 23.038 (the default alphabet and its extension table), and the figures Twilio's own calculator
gives: 160 units in one GSM-7 segment and 153 in each of several, 70 and 67 where one character is outside
the alphabet and the whole text therefore travels as UCS-2.
"""

from collections.abc import Iterator
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Characters that cost one unit."""

EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Characters that cost two units: an escape and the character itself."""

_GSM7: Final = BASIC | EXTENSION

SINGLE_GSM7: Final = 160
EACH_GSM7: Final = 153
SINGLE_UCS2: Final = 70
EACH_UCS2: Final = 67


def is_gsm7(text: str) -> bool:
    """Whether every character of the text is in the GSM-7 alphabet or its extension."""
    return _GSM7.issuperset(text)


def units(text: str) -> int:
    """How many units the text takes: septets where it is GSM-7, otherwise UTF-16 code units."""
    if is_gsm7(text):
        return len(text) + sum(map(text.count, EXTENSION))
    return sum(_costs(text))


def segments(text: str) -> int:
    """How many segments the text is billed and sent as; an empty text is 0.

    A character is never split between two segments, so a text of extension characters or emoji can need
    one segment more than its units alone would say.
    """
    single, each = (SINGLE_GSM7, EACH_GSM7) if is_gsm7(text) else (SINGLE_UCS2, EACH_UCS2)
    if units(text) <= single:
        return 1 if text else 0
    count, used = 1, 0
    for cost in _costs(text):
        if used + cost > each:
            count, used = count + 1, 0
        used += cost
    return count


def _costs(text: str) -> Iterator[int]:
    if is_gsm7(text):
        return (2 if character in EXTENSION else 1 for character in text)
    return (2 if ord(character) > 0xFFFF else 1 for character in text)
