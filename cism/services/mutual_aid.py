"""Which agencies' helpers one agency may ask: its own, and those that lend it mutual aid."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from cism.store.tables import Agency, Person


def helping(session: Session, agency: str | None) -> frozenset[str] | None:
    """The agencies whose helpers `agency` may ask, its own among them; None: every one of the installation.

    Without a list of its own an agency may ask all of them (contract.md, roster).
    """
    row = session.get(Agency, agency) if agency is not None else None
    if row is None or row.mutual_aid is None:
        return None
    return frozenset({row.key, *row.mutual_aid})


def within(session: Session, agency: str | None, helpers: Iterable[Person]) -> list[Person]:
    """Those of the helpers whom this agency may ask, in the order given."""
    keys = helping(session, agency)
    return [item for item in helpers if keys is None or item.agency in keys]
