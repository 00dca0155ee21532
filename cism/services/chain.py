"""The chain of command, from the roster's `reports_to`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.store.tables import Person

_DEEPEST = 30  # a longer chain is a loop that the roster should have refused


def superiors(session: Session, person_id: str) -> list[str]:
    """Everybody above, nearest first."""
    found: list[str] = []
    current: str | None = person_id
    while current is not None and len(found) < _DEEPEST:
        current = session.scalar(select(Person.reports_to).where(Person.id == current))
        if current is None or current in found:
            break
        found.append(current)
    return found


def in_chain(session: Session, one: str, other: str) -> bool:
    """Whether one commands the other, at any distance, up or down."""
    return one in superiors(session, other) or other in superiors(session, one)


@dataclass(frozen=True, slots=True)
class Chart:
    """Who commands whom on the whole roster, read at once where many pairs are looked at."""

    boss: Mapping[str, str | None]

    @classmethod
    def load(cls, session: Session) -> Chart:
        """As the roster has it now."""
        return cls(dict(session.execute(select(Person.id, Person.reports_to)).all()))

    def in_chain(self, one: str, other: str) -> bool:
        """Whether one commands the other, at any distance, up or down."""
        return one in self._above(other) or other in self._above(one)

    def _above(self, person_id: str) -> set[str]:
        found: set[str] = set()
        current = self.boss.get(person_id)
        while current is not None and current not in found:
            found.add(current)
            current = self.boss.get(current)
        return found
