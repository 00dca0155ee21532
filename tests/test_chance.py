"""Ids and codes come by chance, and alike only where a rehearsal seeded it."""

from __future__ import annotations

from threading import Thread

from cism import chance
from cism.store.tables import new_id


def test_what_is_seeded_is_drawn_alike_every_time() -> None:
    with chance.seeded(1):
        first = [new_id(), new_id()]
    with chance.seeded(1):
        assert [new_id(), new_id()] == first
    assert new_id() not in first
    assert {len(one) for one in first} == {20}


def test_another_thread_draws_by_its_own_chance() -> None:
    drawn: list[str] = []
    with chance.seeded(1):
        thread = Thread(target=lambda: drawn.append(new_id()))
        thread.start()
        thread.join()
        assert new_id() not in drawn
