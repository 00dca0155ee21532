"""Starts walls: as an ASGI application, in a thread for tests, or in the foreground."""

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from notifications.addresses import is_loopback
from notifications.phone_wall import api, page, rest
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Faults
from notifications.phone_wall.guard import Guard
from notifications.phone_wall.unanswered import KnowsItsConnection
from notifications.phone_wall.wall import Wall

_START_SECONDS: Final = 15.0


def create_app(config: WallConfig | None = None, faults: Faults | None = None) -> Starlette:
    """A wall as an ASGI application; its `state.wall` is the Wall."""
    settings = config or WallConfig()
    wall = Wall(settings, faults)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        wall.open()
        try:
            yield
        finally:
            await wall.aclose()

    app = Starlette(
        routes=[*rest.routes(), *api.routes(), *page.routes()],
        middleware=[Middleware(Guard, public_url=settings.public_url)],
        lifespan=lifespan,
    )
    app.state.wall = wall
    return app


@dataclass(frozen=True, slots=True)
class RunningWall:
    """A wall that is up. `app_state` may be read from other threads, and is changed by requests only."""

    url: str
    app_state: Wall

    @property
    def account_sid(self) -> str:
        """The only account that it knows."""
        return self.app_state.config.account_sid

    @property
    def auth_token(self) -> str:
        """That account's token, with which webhooks are signed too."""
        return self.app_state.config.auth_token


@contextmanager
def running_wall(*, port: int = 0, faults: Faults | None = None, **config: Any) -> Iterator[RunningWall]:
    """A wall in a thread, on a free port unless one is given; `config` are the fields of WallConfig."""
    app = create_app(WallConfig(**config), faults)
    with running(app, port) as url:
        yield RunningWall(url, app.state.wall)


@contextmanager
def running(app: Starlette, port: int = 0) -> Iterator[str]:
    """Any ASGI application in a thread, listening on this machine; gives its address."""
    with listening(port) as listener:
        server = _Server(_settings(app))
        thread = threading.Thread(target=server.run_quietly, args=(listener,), name="phone-wall")
        thread.start()
        try:
            if not server.is_up.wait(_START_SECONDS) or not server.started:
                message = "the server did not start"
                raise RuntimeError(message)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def serve(
    config: WallConfig, port: int, host: str = "127.0.0.1", announce: Callable[[str], object] = str
) -> None:
    """A wall in the foreground, until it is interrupted. OSError where the port is taken.

    `announce` is told the address, once the wall can be reached there.
    """
    with listening(port, host) as listener:
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{listener.getsockname()[1]}")
        uvicorn.Server(_settings(create_app(config))).run(sockets=[listener])


@contextmanager
def listening(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A socket on this machine only: whoever reaches the wall can answer for every phone."""
    if not is_loopback(host):
        message = f"the phone wall listens on this machine only (127.0.0.1), not on {host}"
        raise ValueError(message)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio turns Nagle's algorithm off only where it is: 40 ms an answer.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        yield listener


class _Server(uvicorn.Server):
    """Says when it is up, or has failed to be."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    def run_quietly(self, listener: socket.socket) -> None:
        """Serve; a start that failed is told to whoever waits for `is_up`, not by ending the thread."""
        with suppress(SystemExit):
            self.run(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.is_up.set()


def _settings(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        KnowsItsConnection(app),
        log_level="critical",  # its own lines would name phones
        access_log=False,
        ws="none",
        lifespan="on",
        # Longer than any client keeps an idle connection: one that closes under a POST loses an answer.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
