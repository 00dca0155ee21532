"""What is forgotten after years: proof of what somebody once agreed to, or was told, that no longer stands.

Whatever stands now is kept however old it is. The time of a removal is real, like that of the key's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from cism.domain.retention import CLASSES, Kept
from cism.services.legal_holds import Held
from cism.services.retention_short import Due, pairs, parts
from cism.store.db import real_now
from cism.store.tables import Consent, Erasure, NoticeGiven

_SAID, _TOLD = "said", "told"  # these rows have numbers, and two tables share them


def consents(session: Session, now: datetime, held: Held) -> Due:
    """What was replaced, and a no that was never taken back, counted from itself; notices likewise."""
    kept = CLASSES[Kept.CONSENTS].kept
    newer, erased = aliased(Consent), _erased(Consent.person_id, real_now(session) - kept)
    replaced = (
        select(func.min(newer.at))
        .where(newer.person_id == Consent.person_id, newer.purpose == Consent.purpose, newer.id > Consent.id)
        .correlate(Consent)
        .scalar_subquery()
    )
    said = select(Consent.id, func.coalesce(replaced, Consent.at)).where(
        or_(replaced <= now - kept, Consent.given.is_(False), erased),
        func.coalesce(replaced, Consent.at) <= now - kept,
        *held.free(None, Consent.person_id),
    )
    return [*_named(_SAID, session.execute(said)), *_notices(session, now, held)]


def _notices(session: Session, now: datetime, held: Held) -> Due:
    kept = CLASSES[Kept.CONSENTS].kept
    newer, erased = aliased(NoticeGiven), _erased(NoticeGiven.person_id, real_now(session) - kept)
    replaced = (
        select(func.min(newer.at))
        .where(
            newer.person_id == NoticeGiven.person_id,
            newer.version != NoticeGiven.version,
            newer.id > NoticeGiven.id,
        )
        .correlate(NoticeGiven)
        .scalar_subquery()
    )
    told = select(NoticeGiven.id, func.coalesce(replaced, NoticeGiven.at)).where(
        or_(replaced <= now - kept, erased),
        func.coalesce(replaced, NoticeGiven.at) <= now - kept,
        *held.free(None, NoticeGiven.person_id),
    )
    return _named(_TOLD, session.execute(told))


def forget_consents(session: Session, ids: Sequence[str]) -> None:
    """The rows."""
    tables: tuple[tuple[str, Any], ...] = ((_SAID, Consent), (_TOLD, NoticeGiven))
    for name, table in tables:
        mine = [one.removeprefix(name) for one in ids if one.startswith(name)]
        for part in parts(mine):
            session.execute(delete(table).where(table.id.in_([int(one) for one in part])))


def _erased(person: Any, real_cutoff: datetime) -> ColumnElement[bool]:
    return select(Erasure).where(Erasure.person_id == person, Erasure.erased_real <= real_cutoff).exists()


def _named(name: str, rows: Any) -> Due:
    return [(f"{name}{number}", moment) for number, moment in pairs(rows)]
