"""The audit log: what was written cannot be altered, removed or reordered without being seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from cism.services import audit
from cism.store.tables import Audit
from tests.services.world import World


def _three(world: World) -> None:
    for act in ("look", "change", "look"):
        world.act(audit.write, "token:1", act, "C-AAAAA")


def test_a_whole_log_is_whole(any_world: World) -> None:
    _three(any_world)
    assert any_world.see(audit.verify) == (3, None)


def _alter(session: Session) -> None:
    session.execute(update(Audit).where(Audit.id == 2).values(act="nothing"))


def _remove(session: Session) -> None:
    session.execute(delete(Audit).where(Audit.id == 2))


def _forgive(session: Session) -> None:
    session.execute(update(Audit).where(Audit.id == 2).values(allowed=False))


def _cut(session: Session) -> None:
    session.execute(delete(Audit).where(Audit.id == 3))


def _empty(session: Session) -> None:
    session.execute(delete(Audit))


def _swap(session: Session) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        session.execute(update(Audit).where(Audit.id == old).values(id=new))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [(_alter, 2), (_remove, 3), (_forgive, 2), (_cut, 3), (_empty, 3), (_swap, 2)],
)
def test_what_was_tampered_with_is_found(world: World, spoil: Callable[[Session], None], found: int) -> None:
    _three(world)
    world.act(spoil)
    assert world.see(audit.verify)[1] == found
