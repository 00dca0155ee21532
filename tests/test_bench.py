"""What the benchmark's figures rest on: how handfuls follow each other, and how figures are read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from bench import figures, people
from cism.errors import StorageUnavailable
from cism.services import claims, delivery, outbox
from cism.services.claims import Claimed
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import Database, now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.gateway import MessageStatus, OutgoingSms, Receipt
from notifications.messages import ConfirmPhone


class _Provider:
    """Takes everything; tells a test before each."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self.taken: list[str] = []
        self._told = told

    async def send(self, sms: OutgoingSms) -> Receipt:
        await asyncio.sleep(0.05)  # as over a network: the database has time to do its part
        self._told(len(self.taken))
        self.taken.append(sms.message_id)
        return Receipt(f"SM{len(self.taken)}", MessageStatus.QUEUED)


def _wait_to_leave(db: Database, messages: int) -> None:
    with db.transaction() as session:
        for number in range(messages):
            outbox.put(
                session,
                ConfirmPhone(agency="Metro PD", code="K4T7"),
                key=f"m{number}",
                now=now(session),
                to_number=f"+121255501{number:02d}",
            )


def _states(db: Database) -> Counter[str]:
    with db.read() as session:
        return Counter(str(row.state) for row in session.query(Outbox))


def _deliver(db: Database, told: Callable[[int], None]) -> int:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    courier = Courier(db, _Provider(told), settings, at_once=1)  # type: ignore[arg-type]
    return asyncio.run(courier.deliver())


def test_a_handful_is_recorded_and_the_next_claimed_while_one_is_on_its_way(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HANDFUL", 4)
    _wait_to_leave(db, 10)
    seen: dict[int, Counter[str]] = {}
    assert _deliver(db, lambda place: seen.update({place: _states(db)})) == 10
    assert seen[1] == {OutboxState.SENDING: 4, OutboxState.PENDING: 6}, "nothing is claimed before halfway"
    assert seen[3] == {OutboxState.SENDING: 8, OutboxState.PENDING: 2}
    assert seen[7] == {OutboxState.SENT: 4, OutboxState.SENDING: 6}
    assert _states(db) == {OutboxState.SENT: 10}


def test_a_database_that_fails_between_two_handfuls_costs_none_of_what_was_handed_over(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HANDFUL", 2)
    _wait_to_leave(db, 6)
    claim, turns = claims.claim, []

    def fails_at_third(*args: object, **kwargs: object) -> Sequence[Claimed]:
        turns.append(1)
        if len(turns) == 3:
            raise StorageUnavailable
        return claim(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "claim", fails_at_third)
    with pytest.raises(StorageUnavailable):
        _deliver(db, lambda _place: None)
    assert _states(db) == {OutboxState.SENT: 4, OutboxState.PENDING: 2}


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert figures.percentile(range(1, 101), share) == value
    assert figures.percentile([7.0], share) == 7.0


def test_invented_people_have_numbers_that_are_nobodys() -> None:
    found = [number for number, _ in zip(people.numbers(), range(2500), strict=False)]
    assert len(set(found)) == 2500
    assert all(number[5:10] == "55501" for number in found)
