"""The phone wall as scripted phones and witnesses use it: what arrived, what is said, the export."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx


class WallClient:
    """One connection to a running phone wall."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False)
        self._since = 0

    def arrived(self, wait: float = 0.0) -> list[dict[str, Any]]:
        """The texts that reached a handset since the last call, waiting up to so many seconds for one."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._get("/wall/api/messages", {"since": self._since, "wait": wait})
            self._since = page["last"]
            found += page["messages"]
            if not page["messages"]:
                return found
            wait = 0.0

    def say(self, number: str, body: str, to: str | None = None) -> str:
        """Let a handset send a text; its SID. A webhook that does not take it is an error."""
        asked: dict[str, Any] = {"body": body, **({"to": to} if to else {})}
        answer = self._http.post(f"/wall/api/handsets/{quote(number)}/say", json=asked)
        answer.raise_for_status()
        told = answer.json()
        if told["webhook"] is None or told["webhook"]["status"] != 200:
            message = f"the product did not take a text: {told['webhook']}"
            raise RuntimeError(message)
        return str(told["sid"])

    def export(self) -> dict[str, Any]:
        """Everything that ever happened on the wall."""
        return self._get("/wall/api/export", {})

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.get(path, params=query, timeout=90.0)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
