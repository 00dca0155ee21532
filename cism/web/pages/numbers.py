"""Phone numbers as people read them."""

from __future__ import annotations

import phonenumbers


def spoken_number(number: str) -> str:
    """E.164 in groups, e.g. "+1 212-555-0101"; what is no number stays as it is."""
    try:
        read = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
