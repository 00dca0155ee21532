"""What the courier is just taking cannot be taken back: whoever wants to waits, and sees that it has left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from cism.services import claims, outbox, questions
from cism.store.db import now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Question
from tests.services.meanwhile import not_committed
from tests.services.sending import check_in, put, row_of
from tests.services.world import World

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer


def asked(session: Session, message_id: str) -> str:
    """The text asks something: the id of its question."""
    row = session.get_one(Outbox, message_id)
    made: Question = questions.ask(session, person_id=row.person_id or "", kind="check_in", now=now(session))
    session.execute(update(Outbox).where(Outbox.id == message_id).values(question_id=made.id))
    return made.id


def left(world: World, act: Callable[[], object]) -> object:
    """What `act` brings while what waits is claimed by somebody else."""
    with not_committed(world, lambda session: claims.claim(session, rate=None)):
        return act()


def test_a_check_in_that_leaves_in_the_moment_in_which_it_closes_was_asked(any_world: World) -> None:
    message_id = put(any_world, message=check_in())
    question_id = any_world.act(asked, message_id)
    assert left(any_world, lambda: any_world.act(outbox.never_left, question_id)) is False
    assert row_of(any_world, message_id).state is OutboxState.SENDING


def test_what_leaves_in_the_moment_in_which_it_is_said_anew_has_left(any_world: World) -> None:
    message_id = put(any_world, message=check_in())
    person_id = row_of(any_world, message_id).person_id or ""
    about = Outbox.key.startswith("m")
    left(
        any_world,
        lambda: any_world.act(outbox.supersede, "new", check_in(), person_id=person_id, about=about),
    )
    assert row_of(any_world, message_id).state is OutboxState.SENDING
