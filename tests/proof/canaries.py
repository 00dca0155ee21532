"""Marked words, numbers and names, in every form in which bytes may carry them, and the search for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_SHORTEST = 6  # characters: what is shorter may stand anywhere by chance


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary that was found: which, in which form, where."""

    place: str
    canary: str
    form: str


def forms(canary: str) -> dict[str, bytes]:
    """Every form of one canary; text in lower case, because contents are searched in lower case too."""
    raw = canary.encode()
    low = canary.lower()
    found = {
        "lower": low.encode(),
        "shouted": canary.upper().encode().lower(),  # bytes know no capitals but those of ASCII
        "url": quote(low, safe="").encode().lower(),
        "form": quote_plus(low).encode().lower(),
        "json": json.dumps(low)[1:-1].encode(),
        "hex": raw.hex().encode(),
        "utf-16-le": low.encode("utf-16-le"),
        "utf-16-be": low.encode("utf-16-be"),
    }
    digits = "".join(sign for sign in canary if sign.isdigit())
    if len(digits) >= 10:
        found["digits"] = digits[-10:].encode()
    return {name: form for name, form in found.items() if len(form) >= _SHORTEST}


def base64_forms(canary: str) -> dict[str, bytes]:
    """The part of its base64 that stays the same whatever stands around it, at each of three alignments."""
    raw = canary.encode()
    found = {}
    for shift in range(3):
        encoded = base64.b64encode(b"\x00" * shift + raw).decode().rstrip("=")
        begin = {0: 0, 1: 2, 2: 3}[shift]
        whole = (shift + len(raw)) * 8 // 6  # characters that hold nothing but these bytes
        found[f"base64+{shift}"] = encoded[begin:whole].encode()
    return {name: form for name, form in found.items() if len(form) >= _SHORTEST}


def search(places: Mapping[str, bytes], canaries: Iterable[str]) -> Iterator[Hit]:
    """Every canary in every form in every place."""
    wanted = [(one, forms(one), base64_forms(one)) for one in dict.fromkeys(canaries)]
    for place, content in places.items():
        low = content.lower()
        standard = content.replace(b"-", b"+").replace(b"_", b"/")  # the address-safe alphabet too
        for canary, plain, encoded in wanted:
            yield from (Hit(place, canary, name) for name, form in plain.items() if form in low)
            yield from (Hit(place, canary, name) for name, form in encoded.items() if form in standard)
