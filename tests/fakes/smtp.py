"""A real SMTP server on loopback that keeps what it is given: the far end of mail in tests."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass(frozen=True)
class Received:
    """One mail, as the envelope and the message say."""

    to: str
    from_: str
    message: EmailMessage
    encrypted: bool

    @property
    def text(self) -> str:
        """Its words."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


@dataclass
class SmtpSink:
    """Takes every mail, unless told otherwise. `port` once it runs."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    refuse_to: Callable[[str], str | None] = lambda _: None  # the reply to RCPT, where it is refused
    at_data: str | None = None  # the reply to the whole message, "" to hang up in silence after it
    greeting: str = "220 sink"
    mails: list[Received] = field(default_factory=list)
    dropped: list[Received] = field(default_factory=list)  # came whole, and the sender was not told
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            ends = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError)
            with suppress(*ends):
                await _Talk(self, reader, writer).run()
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 2)


class _Talk:
    def __init__(self, sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.from_, self.to = "", list[str]()
        self.encrypted = False
        self.known = sink.login is None

    async def run(self) -> None:
        await self.say(self.sink.greeting)
        while line := (await self.reader.readline()).decode("ascii", "replace").strip():
            verb = line.split()[0].upper()
            if verb == "QUIT":
                await self.say("221 bye")
                return
            answer = getattr(self, f"on_{verb.lower()}", None)
            if answer is None:
                await self.say("502 no such command")
            elif not await answer(line):
                return

    async def say(self, *lines: str) -> bool:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()
        return True

    async def on_ehlo(self, _: str) -> bool:
        offers = ["sink"]
        if self.sink.tls is not None and not self.encrypted:
            offers.append("STARTTLS")
        if self.sink.login is not None:
            offers.append("AUTH PLAIN")
        return await self.say(*(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}")

    async def on_starttls(self, _: str) -> bool:
        await self.say("220 go on")
        await self.writer.start_tls(self.sink.tls)  # type: ignore[arg-type]
        self.encrypted = True
        return True

    async def on_auth(self, line: str) -> bool:
        import base64

        _, name, secret = base64.b64decode(line.split()[2]).decode().split("\0")
        self.known = (name, secret) == self.sink.login
        return await self.say("235 welcome" if self.known else "535 unknown")

    async def on_noop(self, _: str) -> bool:
        return await self.say("250 ok")

    async def on_rset(self, _: str) -> bool:
        self.to = []
        return await self.say("250 ok")

    async def on_mail(self, line: str) -> bool:
        self.from_ = line.partition("<")[2].partition(">")[0]
        return await self.say("250 ok" if self.known else "530 who are you")

    async def on_rcpt(self, line: str) -> bool:
        to = line.partition("<")[2].partition(">")[0]
        refusal = self.sink.refuse_to(to)
        if refusal is None:
            self.to.append(to)
        return await self.say(refusal or "250 ok")

    async def on_data(self, _: str) -> bool:
        if not self.to:
            return await self.say("503 for whom")
        await self.say("354 go on")
        whole = await self.reader.readuntil(b"\r\n.\r\n")
        parsed = email.message_from_bytes(whole[:-3], policy=email.policy.default)
        mails = [Received(to, self.from_, parsed, self.encrypted) for to in self.to]  # type: ignore[arg-type]
        self.to = []
        if self.sink.at_data is None:
            self.sink.mails += mails
            return await self.say("250 taken")
        if not self.sink.at_data:
            self.sink.dropped += mails
            return False
        return await self.say(self.sink.at_data)


@contextmanager
def smtp_sink(sink: SmtpSink | None = None, *, implicit_tls: bool = False) -> Iterator[SmtpSink]:
    """A sink that listens on loopback, in a thread of its own, until the block ends."""
    made = sink or SmtpSink()
    loop = asyncio.new_event_loop()

    async def begin() -> asyncio.Server:
        context = made.tls if implicit_tls else None
        return await asyncio.start_server(made.serve, "127.0.0.1", made.port, ssl=context)

    thread = threading.Thread(target=loop.run_forever, name="smtp-sink", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)  # what is closed is let go of in the loop's next turn
