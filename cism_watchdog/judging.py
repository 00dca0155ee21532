"""What is wrong, of what was read: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cism_watchdog.reading import Reading
from cism_watchdog.settings import Limits

Verdicts = Mapping[str, bool | None]
"""For each trouble: it is there, it is not, or nobody can say."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is said of a trouble, and what to do. Neither names a person, a number or an incident."""

    says: str
    todo: str


TROUBLES: Final[Mapping[str, Trouble]] = {
    "silent": Trouble(
        "The engine does not answer: perhaps none of it works",
        "Look at the machine: is it on, is its disk full? Start `cism up`, or its services, again, then run "
        "`cism doctor`.",
    ),
    "database": Trouble(
        "The database cannot be used",
        "Run `cism doctor`: is the disk full, is PostgreSQL up? After an upgrade: `cism db upgrade`.",
    ),
    "conductor": Trouble(
        "The conductor is not heard: what is due is done late or not at all",
        "Look at its log. A process that hangs must be killed; `cism up` then starts it again, else start "
        "`python -m flows`.",
    ),
    "provider": Trouble(
        "The messaging provider was not heard: texts may not go out or come in",
        "Run `cism doctor`. Telephone: `cism incident REF` shows the team.",
    ),
    "due": Trouble(
        "Something that is due is not being done",
        "Run `cism doctor`; look for step.failed in the logs.",
    ),
    "urgent": Trouble(
        "An urgent text has not left",
        "Run `cism doctor`, and telephone whoever is on call.",
    ),
    "unsettled": Trouble(
        "It is not known whether a text arrived, and nobody is settling it",
        "Run `cism doctor`; is the conductor alive? `cism queue list`, and telephone.",
    ),
    "human": Trouble(
        "Something that only a human can do is past its time",
        "Look at `cism queue list` and `cism escalations`, and telephone now.",
    ),
    "clock": Trouble(
        "The clocks of the engine and of this watchdog differ",
        "Let all machines follow one time server; until then times in texts may be wrong.",
    ),
    "figures": Trouble(
        "The engine answers, but says nothing of how it is",
        "Look at the web part's log; is /metrics closed to this machine?",
    ),
}
"""All that can be wrong, the worst first."""


def judge(reading: Reading, limits: Limits, now: float) -> Verdicts:
    """A verdict for each trouble; `now` is this machine's time in seconds since 1970."""
    if not reading.answered:
        return dict.fromkeys(TROUBLES, None) | {"silent": True}
    return {"silent": False, **_parts(reading), **_figures(reading, limits, now)}


def _parts(reading: Reading) -> dict[str, bool | None]:
    parts = reading.parts
    if parts is None:
        return {"database": None}
    return {"database": any(parts.get(name, "ok") != "ok" for name in ("database", "migrations"))}


def _figures(reading: Reading, limits: Limits, now: float) -> dict[str, bool | None]:
    found = reading.figures
    if not found or "cism_oldest_due_step_seconds" not in found:
        # where the database fails, that is the trouble, and no figures come of it
        missing = None if _parts(reading)["database"] else True
        return dict.fromkeys(("provider", "due", "urgent", "unsettled", "human", "clock"), None) | {
            "figures": missing,
            "conductor": _unready(reading, "conductor"),
        }
    beats = {name: found.get(f'cism_heartbeat_age_seconds{{part="{name}"}}') for name in _WATCHED}
    clock = found.get("cism_clock_seconds")
    return {
        "figures": False,
        "conductor": _above(beats["conductor"], limits.heartbeat, missing=True),
        "provider": _above(beats["provider"], limits.provider, missing=False),
        "due": found["cism_oldest_due_step_seconds"] > limits.due,
        "urgent": _late(found, "cism_oldest_unsent_urgent_seconds", limits.urgent, "urgent_unsent"),
        "unsettled": _late(found, "cism_oldest_unsettled_send_seconds", limits.unsettled, "unsettled_send"),
        "human": _late(found, "cism_queue_overdue", 0, "human"),
        "clock": None if clock is None else abs(clock - now) > limits.skew,
    }


_WATCHED: Final = ("conductor", "provider")


def _unready(reading: Reading, part: str) -> bool | None:
    return None if reading.parts is None else reading.parts.get(part, "ok") != "ok"


def _above(value: float | None, limit: float, *, missing: bool) -> bool:
    return missing if value is None else value > limit


def _late(found: Mapping[str, float], series: str, limit: float, what: str) -> bool | None:
    """By its own figure where this machine is told it, else by the engine's yes or no."""
    told = found.get(f'cism_overdue{{what="{what}"}}')
    if what != "human" and series in found:
        return found[series] > limit
    return None if told is None else told > 0
