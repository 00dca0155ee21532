"""How a wall is set up."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from notifications.phone_wall.clock import real_now
from notifications.phone_wall.fault_plan import FaultPlan

Answerer = Literal["twilio", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WallConfig:
    """Everything about one wall. All defaults together make a wall that takes any sender."""

    account_sid: str = "AC" + "0" * 31 + "1"
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    numbers: tuple[str, ...] = ()
    """Our own senders, E.164. Empty: any well-formed From is taken as ours."""
    messaging_service_sid: str | None = None
    """A service whose pool is all of `numbers`; an opt-out then holds for all of them."""
    inbound_url: str | None = None
    """Where texts from handsets are posted to."""
    public_url: str | None = None
    """Another address under which this wall may be asked for (its host is then allowed)."""
    step_seconds: float = 0.003
    """Between two statuses of a message."""
    answer_seconds: float = 0.0
    """How long a create request waits for its answer, as over a real network."""
    ring_seconds: float | None = None
    """How long a call rings that nobody answers; None: as long as it asks for."""
    key_seconds: float | None = None
    """How long a call waits for a key; None: as long as it asks for."""
    callback_statuses: frozenset[str] = frozenset(
        {"sent", "delivered", "undelivered", "failed", "canceled", "read"}
    )
    """Which statuses are posted to a message's StatusCallback; `queued` and `sending` may be added."""
    opt_out_answer: Answerer = "twilio"
    """Who answers STOP and START."""
    help_answer: Answerer = "none"
    """Who answers HELP."""
    advanced_opt_out: bool = False
    """Whether webhooks of reserved words carry OptOutType."""
    verified: frozenset[str] | None = None
    """A trial account that reaches these numbers only (21608); None: not a trial account."""
    fault_plan: FaultPlan | None = None
    """What goes wrong by chance; None: nothing, until somebody says so by the wall's own API."""
    seed: int = 0
    """What chance is drawn from: the same seed, plan and sequence of requests make the same faults."""
    clock: Callable[[], datetime] = field(default=real_now, repr=False)
    """For trials in which hours of real time are skipped, the same for the product as for its provider."""
    state_file: Path | None = None
    """JSON lines, appended to; a wall that starts on it again has all of its messages."""
