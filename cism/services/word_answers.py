"""How a word that a helper texted is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from notifications import messages as m


@dataclass(frozen=True, slots=True)
class Answered:
    """The one answer. `unclear`: a human reads the words too; `subject`: what it was about, by id."""

    message: m.Message | None
    unclear: bool = False
    subject: str | None = None


def done(what: str, subject: str | None = None, **told: Any) -> Answered:
    """It is done."""
    return Answered(m.WordDone(done=what, **told), subject=subject)


def how(about: str, *, unclear: bool = False) -> Answered:
    """It could not be done: what to write."""
    return Answered(m.WordHow(about=about), unclear=unclear)
