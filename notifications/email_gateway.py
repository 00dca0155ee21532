"""Sends by mail: to an address that somebody reads, or one that a service turns into a text message.

It fills the port of `gateway.py`, so that whoever hands a message over need not know which way it goes. A
mail server says that it has taken a mail and nothing after that: no status, no list, nothing comes in.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

from notifications.addresses import is_loopback
from notifications.gateway import (
    CallReceipt,
    InboundSms,
    ListedCall,
    ListedMessage,
    MessageStatus,
    OutgoingCall,
    OutgoingSms,
    Receipt,
    SendError,
    SendFailure,
)

PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
"""How the server is spoken to, and the usual port of each."""
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over; `timeout` in seconds, for each answer."""

    host: str
    from_: str = field(repr=False)
    tls: str = "starttls"
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.tls not in PORTS or (self.tls == "none" and not is_loopback(self.host)):
            message = "mail is encrypted (starttls or implicit); none is for a server on this machine alone"
            raise ValueError(message)


class EmailGateway:
    """Hands mails to one server. The first line of a message's body is the subject."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mail")

    async def send(self, sms: OutgoingSms) -> Receipt:
        """Hand one mail over, once. A sent status means that the server has it; more is never told."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, sms)

    async def probe(self) -> None:
        """Ask whether the server would take a mail of ours; raises SendError where it would not."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._probe)

    def send_file(self, to: str, subject: str, words: str, name: str, data: bytes) -> None:
        """Hand over one mail with a file in it, in the caller's own time. Raises SendError."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._server.from_, to, subject
        message["Date"], message["Auto-Submitted"] = formatdate(usegmt=True), "auto-generated"
        message.set_content(words)
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        server = self._connected()
        try:
            self._hand_over(server, to, message)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    async def call(self, call: OutgoingCall) -> CallReceipt:
        """Nobody is called by mail."""
        raise SendError(SendFailure.PERMANENT)

    async def fetch_call(self, sid: str) -> CallReceipt:
        """Nobody is called by mail."""
        raise SendError(SendFailure.PERMANENT)

    async def find_calls(self, to: str, made_after: datetime) -> Sequence[ListedCall]:
        """None."""
        return []

    async def fetch(self, sid: str) -> Receipt:
        """No more than was said when it was taken."""
        return Receipt(sid, MessageStatus.SENT)

    async def find(
        self, to: str, sent_after: datetime, body_digest: str | None = None
    ) -> Sequence[ListedMessage]:
        """A mail server keeps no list: what is unclear stays unclear."""
        return []

    async def outbound_since(self, since: datetime) -> Sequence[ListedMessage]:
        """None: as above."""
        return []

    async def inbound_since(self, since: datetime) -> Sequence[InboundSms]:
        """Nothing comes in this way; whoever gets a mail answers by text or telephone."""
        return []

    async def redact(self, sid: str) -> None:
        """Nothing can be taken back; that is why nothing personal is written."""

    async def aclose(self) -> None:
        """Let go of the threads; what is on its way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, sms: OutgoingSms) -> Receipt:
        try:
            message = self._message(sms)
            sms.to.encode("ascii")
        except ValueError:  # an address that no server takes
            raise SendError(SendFailure.PERMANENT) from None
        server = self._connected()
        try:
            self._hand_over(server, sms.to, message)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        return Receipt(str(message["Message-ID"]), MessageStatus.SENT)

    def _probe(self) -> None:
        server = self._connected()
        try:
            _expect(*server.mail(self._server.from_), SendFailure.CONFIGURATION)
        except (OSError, smtplib.SMTPException) as error:
            raise SendError(_kind_before(error)) from None
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _connected(self) -> smtplib.SMTP:
        """A server that has taken our sign-in; nothing has been sent, whatever goes wrong in here."""
        given = self._server
        context = ssl.create_default_context()
        port = given.port or PORTS[given.tls]
        try:
            if given.tls == "implicit":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    given.host, port, timeout=given.timeout, context=context
                )
            else:
                server = smtplib.SMTP(given.host, port, timeout=given.timeout)
        except (OSError, smtplib.SMTPException) as error:
            raise SendError(_kind_before(error)) from None
        try:
            if given.tls == "starttls":
                server.starttls(context=context)
            if given.user:
                server.login(given.user, given.password or "")
            server.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            raise SendError(_kind_before(error)) from None
        return server

    def _hand_over(self, server: smtplib.SMTP, to: str, message: EmailMessage) -> None:
        try:
            _expect(*server.mail(self._server.from_), SendFailure.CONFIGURATION)
            _expect(*server.rcpt(to), SendFailure.PERMANENT)
        except (OSError, smtplib.SMTPException) as error:
            raise SendError(_kind_before(error)) from None
        try:
            code, _ = server.data(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
        except smtplib.SMTPDataError as error:
            raise SendError(_kind_of(error.smtp_code, SendFailure.PERMANENT), error.smtp_code) from None
        except (OSError, smtplib.SMTPException):
            raise SendError(SendFailure.UNKNOWN) from None  # it may have taken the whole of it
        _expect(code, b"", SendFailure.PERMANENT)

    def _message(self, sms: OutgoingSms) -> EmailMessage:
        subject, _, body = sms.body.partition("\n")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._server.from_, sms.to, subject
        message["Date"] = formatdate(usegmt=True)
        # of our own id: whoever gets the same one twice, by a server's mistake, is shown one
        message["Message-ID"] = f"<{sms.message_id}@{self._server.from_.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Priority"] = "1" if sms.urgent else "3"
        message.set_content(body.strip() + "\n")
        return message


def _expect(code: int, _said: bytes, refusal: SendFailure) -> None:
    if not 200 <= code < 300:
        raise SendError(_kind_of(code, refusal), code)


def _kind_of(code: int, refusal: SendFailure) -> SendFailure:
    """RFC 5321: 4xx may be tried again, 5xx may not."""
    return refusal if code >= 500 else SendFailure.RETRY


def _kind_before(error: Exception) -> SendFailure:
    """What went wrong before anything was sent: it is wrong with us, or later it may work."""
    ours = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)
    return SendFailure.CONFIGURATION if isinstance(error, ours) else SendFailure.RETRY
