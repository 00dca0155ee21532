"""What the engine says of itself, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import math
import queue
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

_MOST: Final = 2_000_000  # bytes; the figures are a few kilobytes
_AGENT: Final = "cism-watchdog"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look. None: that page did not answer, or not in its form.

    `parts` is what `/readyz` says of each part; `figures` are the series of `/metrics` by name and labels.
    """

    parts: dict[str, str] | None = None
    figures: dict[str, float] | None = None

    @property
    def answered(self) -> bool:
        """Whether the web part is there at all."""
        return self.parts is not None or self.figures is not None


def read(url: str, time_out: float) -> Reading:
    """Ask both pages; never raises."""
    ready = _get(f"{url}/readyz", time_out)
    if ready is None:
        return Reading()
    figures = _get(f"{url}/metrics", time_out)
    return Reading(_parts(ready), None if figures is None else parse(figures))


def ping(url: str, time_out: float) -> bool:
    """Tell somebody elsewhere that the watchdog itself lives."""
    return _get(url, time_out) is not None


def parse(text: str) -> dict[str, float]:
    """The series of Prometheus' text format; lines and numbers that are none are passed over."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        series, _, value = line.rpartition(" ")
        if not series or line.startswith("#"):
            continue
        with suppress(ValueError):
            found[series] = float(value)
    return {series: value for series, value in found.items() if not math.isnan(value)}


def _parts(text: str) -> dict[str, str] | None:
    try:
        body: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, dict) or "ready" not in body:
        return None
    return {str(name): str(value) for name, value in body.items()}


def _get(url: str, time_out: float) -> str | None:
    """The page; None where it was not whole after so many seconds.

    A time-out of a socket begins anew with every byte, and looking up a name has none: an answer that drips
    would hold up the watchdog itself. So somebody else waits for it, and is not waited for.
    """
    found: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    until = time.monotonic() + time_out
    threading.Thread(target=lambda: found.put(_asked(url, time_out, until)), daemon=True).start()
    try:
        return found.get(timeout=time_out)
    except queue.Empty:
        return None


def _asked(url: str, time_out: float, until: float) -> str | None:
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT})  # noqa: S310 - checked in settings
    # no proxy: what stands between must not answer in the engine's place
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=time_out) as answer:
            return _text(answer, until)
    except urllib.error.HTTPError as answer:  # 503 is what `/readyz` says where a part is missing
        with answer:
            return _text(answer, until) if answer.code == 503 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _text(answer: Any, until: float) -> str | None:
    read = bytearray()
    try:
        while len(read) < _MOST and (more := answer.read1(_MOST - len(read))):
            read += more
            if time.monotonic() > until:
                return None
    except (OSError, http.client.HTTPException):
        return None
    return read.decode("utf-8", "replace")
