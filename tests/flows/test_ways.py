"""How the pool is asked for a run: a busy server is asked again, a wiped one is got to know again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Completed

from flows import ways
from flows.limits import Limits
from flows.order import Lane, Order
from flows.tickets import Ticket


def refusal(status: int) -> PrefectHTTPStatusError:
    request = httpx.Request("POST", "http://127.0.0.1/api")
    return PrefectHTTPStatusError("no", request=request, response=httpx.Response(status, request=request))


class Server:
    """Prefect's client, as far as the pool needs it; each of `fails` is the answer to one call."""

    def __init__(self) -> None:
        self.deployments = {lane: uuid4() for lane in Lane}
        self.fails: list[int] = []
        self.made: list[UUID] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read_deployment_by_name(self, name: str) -> Any:
        return SimpleNamespace(id=self.deployments[Lane(name.partition("/")[0])])

    async def create_flow_run_from_deployment(self, deployment: UUID, **_: Any) -> Any:
        if self.fails:
            raise refusal(self.fails.pop())
        if deployment not in self.deployments.values():
            raise refusal(404)
        self.made.append(deployment)
        return SimpleNamespace(id=uuid4())

    async def read_flow_run(self, _run: UUID) -> Any:
        if self.fails:
            raise refusal(self.fails.pop())
        return SimpleNamespace(state=Completed())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(ways, "get_client", lambda: made)
    return made


async def perform(pool: ways.WorkPool) -> Ticket:
    ticket = Ticket("a1")
    await pool.perform(Order(Lane.RESPOND, "x", urgent=True), ticket)
    return ticket


async def test_after_prefects_database_was_wiped_the_next_run_finds_the_new_deployments(
    server: Server,
) -> None:
    pool = ways.WorkPool(Limits())
    assert (await perform(pool)).finished.is_set()
    server.deployments = {lane: uuid4() for lane in Lane}
    assert (await perform(pool)).finished.is_set()
    assert server.made[1] == server.deployments[Lane.RESPOND]


async def test_a_server_that_is_too_busy_for_a_moment_is_asked_again(server: Server) -> None:
    server.fails = [503, 503, 503]
    assert (await perform(ways.WorkPool(Limits()))).finished.is_set()
    assert len(server.made) == 1


async def test_a_server_that_refuses_for_another_reason_is_not(server: Server) -> None:
    server.fails = [500]
    with pytest.raises(PrefectHTTPStatusError):
        await perform(ways.WorkPool(Limits()))
    assert server.made == []


async def test_nobody_asks_a_busy_server_for_a_run_that_is_waited_for_no_more(server: Server) -> None:
    ticket = Ticket("a1")
    ticket.abandoned = True
    server.fails = [503]
    with pytest.raises(PrefectHTTPStatusError):
        await ways.WorkPool(Limits()).perform(Order(Lane.RESPOND, "x", urgent=True), ticket)
