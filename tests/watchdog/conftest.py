"""An engine that says what a test wants, a mail server, and a watchdog between them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cism_watchdog.loop import Watch
from cism_watchdog.memory import Memory
from cism_watchdog.settings import Limits, Mail, Rhythm, Settings
from tests.fakes.smtp import SmtpSink, smtp_sink

FIGURES = {
    "cism_oldest_due_step_seconds": 0.0,
    'cism_heartbeat_age_seconds{part="conductor"}': 1.0,
}
READY = {"ready": True, "database": "ok", "migrations": "ok", "conductor": "ok"}


@dataclass
class Engine:
    """What answers at the engine's address. `silent`: it hangs up without a word."""

    port: int = 0
    silent: bool = False
    ready: dict[str, object] = field(default_factory=lambda: dict(READY))
    figures: dict[str, float] = field(default_factory=lambda: dict(FIGURES))
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str) -> tuple[int, str]:
        if path == "/readyz":
            return (200 if self.ready["ready"] else 503), json.dumps(self.ready)
        if path == "/metrics":
            return 200, "".join(f"{name} {value}\n" for name, value in self.figures.items())
        return 200, "thanks"


def _handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            engine.asked.append(self.path)
            if engine.silent:
                return
            status, body = engine.page(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def answering(engine: Engine) -> Iterator[Engine]:
    """The engine's pages on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(engine))
    engine.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One that is well."""
    with answering(Engine()) as made:
        yield made


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server that takes everything."""
    with smtp_sink() as made:
        yield made


def mail_to(sink: SmtpSink, **changed: object) -> Mail:
    """The way to a sink."""
    given = {
        "host": "127.0.0.1",
        "port": sink.port,
        "tls": "none",
        "user": None,
        "password": None,
        "from_": "watchdog@example.org",
        "to": ("duty@example.org",),
        "texts_to": (),
        "timeout": 5.0,
    }
    return Mail(**(given | changed))  # type: ignore[arg-type]


NewWatch = Callable[..., Watch]


@pytest.fixture
def new_watch(engine: Engine, sink: SmtpSink, tmp_path: Path) -> Iterator[NewWatch]:
    """A watchdog as it starts: twice is a restart. Its clock is the test's."""
    held: list[Memory] = []

    def make(mail: Mail | None = None, **changed: object) -> Watch:
        for memory in held:
            memory.close()
        settings = Settings(
            **{  # type: ignore[arg-type]
                "url": engine.url,
                "mail": mail or mail_to(sink),
                "state": tmp_path / "watchdog.json",
                "rhythm": Rhythm(),
                "limits": Limits(),
                **changed,
            }
        )
        held.append(Memory(settings.state))
        return Watch(settings, held[-1], held[-1].load())

    yield make
    for memory in held:
        memory.close()
