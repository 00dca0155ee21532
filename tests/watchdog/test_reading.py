"""An engine that hangs in the middle of its answer has not answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from cism.clock import monotonic, wait
from cism_watchdog import reading

_TIME_OUT = 0.5  # seconds
_BEGUN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(params=[_BEGUN, _BEGUN + b"Content-Length: 100000\r\n\r\n"], ids=["headers", "body"])
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server whose answer begins, and comes byte by byte from then on."""
    over, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def drip(line: socket.socket) -> None:
        with line:
            line.recv(65_536)
            line.sendall(request.param)
            while not over.wait(_TIME_OUT / 5):
                try:
                    line.sendall(b"x")
                except OSError:
                    return

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(line,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_an_answer_that_never_ends_is_none_and_holds_nobody_up(dripping: str) -> None:
    found: list[reading.Reading] = []
    look = threading.Thread(target=lambda: found.append(reading.read(dripping, _TIME_OUT)), daemon=True)
    begun = monotonic()
    look.start()
    while not found and monotonic() < begun + 20 * _TIME_OUT:
        wait(0.02)
    assert [one.answered for one in found] == [False]


def test_what_is_no_number_is_no_figure() -> None:
    assert reading.parse("a 1\nb NaN\nc nan\n") == {"a": 1.0}
