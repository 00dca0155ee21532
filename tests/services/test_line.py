"""A provider that only fails is handed nothing more, and is asked first whether it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from cism.services.line import AWAY_AFTER, WAITS, Line
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.gateway import InboundSms, MessageStatus, OutgoingSms, Receipt, SendError, SendFailure
from tests.conftest import FakeClock
from tests.services.sending import Provider, courier, pass_real, put
from tests.services.world import World

UNCLEAR = SendError(SendFailure.UNKNOWN)


class _Away(Provider):
    """Fails every send, and every question, until it is back."""

    def __init__(self) -> None:
        super().__init__(self._refuse)
        self.is_back = False
        self.tries = self.questions = 0

    async def _refuse(self, _: OutgoingSms) -> Receipt:
        self.tries += 1
        if not self.is_back:
            raise UNCLEAR
        return Receipt(f"SM{self.tries}", MessageStatus.QUEUED)

    async def inbound_since(self, since: datetime) -> Sequence[InboundSms]:
        self.questions += 1
        if not self.is_back:
            raise SendError(SendFailure.RETRY)
        return []


def test_what_a_provider_that_is_away_would_lose_is_held_and_sent_when_it_is_back(any_world: World) -> None:
    keys = ("jordan", "sam", "cora", "dina")
    for key in keys * 2:
        put(any_world, key)
    provider = _Away()
    carrying = courier(any_world, provider, at_once=1)
    for _ in range(20):
        asyncio.run(carrying.deliver())
        pass_real(any_world, seconds=3)
    assert provider.tries == AWAY_AFTER
    assert 3 < provider.questions < 20
    provider.is_back = True
    for _ in range(10):
        pass_real(any_world, seconds=16)
        asyncio.run(carrying.deliver())
    states = sorted(row.state for row in any_world.rows(Outbox))
    assert states == sorted([OutboxState.UNKNOWN] * AWAY_AFTER + [OutboxState.SENT] * (8 - AWAY_AFTER))


def _line(clock: FakeClock, provider: Provider) -> Line:
    line = Line(provider, clock.now)  # type: ignore[arg-type]
    for _ in range(AWAY_AFTER):
        line.note(UNCLEAR)
    return line


def test_two_unclear_sends_may_be_chance_and_one_good_one_begins_the_count_again(clock: FakeClock) -> None:
    line = Line(Provider(), clock.now)  # type: ignore[arg-type]
    for error in (UNCLEAR, UNCLEAR, None, UNCLEAR, UNCLEAR, SendError(SendFailure.PERMANENT, 21211), UNCLEAR):
        line.note(error)
    assert not line.is_held
    assert asyncio.run(line.room(50)) == 50


def test_a_held_line_tries_one_text_and_no_second_one_beside_it(clock: FakeClock) -> None:
    line = _line(clock, Provider())
    assert (line.turns_away, asyncio.run(line.room(50))) == (True, 0)
    clock.advance(seconds=WAITS[0])
    assert [asyncio.run(line.room(50)) for _ in range(2)] == [1, 0]
    line.note(None)
    assert (line.is_held, asyncio.run(line.room(50))) == (False, 50)


@pytest.mark.parametrize("failure", [SendFailure.UNKNOWN, SendFailure.RETRY])
def test_a_trial_that_fails_is_followed_by_a_longer_wait_but_never_more_than_a_page_may_wait(
    clock: FakeClock, failure: SendFailure
) -> None:
    line = _line(clock, Provider())
    for wait in (*WAITS, WAITS[-1], WAITS[-1]):
        clock.advance(seconds=wait - 0.1)
        assert asyncio.run(line.room(1)) == 0
        clock.advance(seconds=0.1)
        assert asyncio.run(line.room(1)) == 1
        line.note(SendError(failure))


def test_a_trial_of_which_nothing_is_heard_holds_nothing_for_ever(clock: FakeClock) -> None:
    line = _line(clock, Provider())
    clock.advance(seconds=WAITS[0])
    assert asyncio.run(line.room(1)) == 1
    clock.advance(seconds=WAITS[-1])
    assert asyncio.run(line.room(1)) == 1


def test_where_there_was_nothing_to_try_it_with_the_next_text_is_the_trial(clock: FakeClock) -> None:
    line = _line(clock, Provider())
    clock.advance(seconds=WAITS[0])
    assert asyncio.run(line.room(1)) == 1
    line.untried()
    assert line.turns_away
    assert asyncio.run(line.room(1)) == 1


def test_a_clock_that_was_set_back_holds_nothing_longer(clock: FakeClock) -> None:
    line = _line(clock, Provider())
    clock.advance(hours=-1)
    assert asyncio.run(line.room(1)) == 1
