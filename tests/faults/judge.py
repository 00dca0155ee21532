"""Lost, doubled, early, late: from the phone wall's export, the clock's moves and what the input requires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from cism.store.db import Database
from cism.store.tables import ClockMove
from demo.checking.moves import Moves, moment
from demo.checking.words import ANSWERS, Kind, code_of, kind_of


@dataclass(frozen=True)
class Text:
    """One text of ours that the provider accepted. `at` is product time, `real` the provider's own."""

    to: str
    body: str
    kind: Kind
    code: str | None
    d: str | None
    real: datetime
    at: datetime
    arrived: bool


@dataclass(frozen=True)
class Due:
    """A text that the input requires: to whom, of which kind, when (product time), by when at the latest."""

    to: str
    kind: Kind
    at: datetime
    until: datetime


@dataclass(frozen=True)
class Judgement:
    """How many were lost, doubled, early and late; `latest` is the longest span after a due moment."""

    sent: int
    missing: tuple[Due, ...]
    doubled: tuple[str, ...]
    early: int
    late: int
    latest: timedelta


def moves_of(db: Database) -> Moves:
    """The table of clock moves, which is input: the campaign itself made them."""
    with db.read() as session:
        rows = session.execute(select(ClockMove.moved_at_real, ClockMove.offset_after)).all()
    return Moves({"moved_at_real": at.isoformat(), "offset_after": offset} for at, offset in rows)


def texts_of(export: Mapping[str, Any], moves: Moves | None = None) -> list[Text]:
    """Every text of ours, in the order in which the provider accepted it."""
    clock = moves or Moves([])
    found = [_text(row, clock) for row in export["messages"] if row["direction"] != "inbound"]
    return sorted(found, key=lambda text: text.real)


def _text(row: Mapping[str, Any], clock: Moves) -> Text:
    real = moment(row["accepted_at"])
    body = row["body"]
    return Text(
        row["to"], body, kind_of(body), code_of(body), row["d"], real, clock.product(real),
        row["arrived_at"] is not None,
    )  # fmt: skip


def judge(texts: Sequence[Text], required: Iterable[Due]) -> Judgement:
    """Match each required text with the first unmatched one of its kind to its phone."""
    left = list(texts)
    missing, early, late, latest = [], 0, 0, timedelta(0)
    for due in sorted(required, key=lambda one: one.at):
        found = next((text for text in left if text.to == due.to and text.kind is due.kind), None)
        if found is None:
            missing.append(due)
            continue
        left.remove(found)
        early += found.at < due.at
        late += found.at > due.until
        latest = max(latest, found.at - due.at)
    return Judgement(len(texts), tuple(missing), tuple(doubled(texts)), early, late, latest)


def doubled(texts: Sequence[Text], *, apart: timedelta | None = None) -> list[str]:
    """What one phone got twice: one of our message ids; the same question; the same words.

    `apart`: the same words to one phone that long after each other (product time) are two texts, such as the
    check-ins of two days. Answers are left out: who asks twice is answered twice.
    """
    told = [f"message {d} twice" for d, n in Counter(text.d for text in texts if text.d).items() if n > 1]
    seen: dict[tuple[object, ...], datetime] = {}
    for text in texts:
        if text.kind in ANSWERS:
            continue
        for key in _keys(text):
            before = seen.get(key)
            if before is not None and (apart is None or text.at - before < apart):
                told.append(f"{text.kind.value} twice to one phone")
                break
        for key in _keys(text):
            seen[key] = text.at
    return told


def _keys(text: Text) -> list[tuple[object, ...]]:
    keys: list[tuple[object, ...]] = [(text.to, "words", text.body)]
    if text.code and text.kind is not Kind.UNKNOWN:
        keys.append((text.to, "question", text.kind, text.code))
    return keys


def reached(texts: Iterable[Text], kind: Kind, but: Collection[str] = ()) -> set[str]:
    """The phones that got a text of this kind."""
    return {text.to for text in texts if text.kind is kind and text.to not in but}
