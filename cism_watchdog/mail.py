"""The second way: a mail server of the watchdog's own."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from cism_watchdog.settings import Mail


class CannotSendError(Exception):
    """No mail was taken for anybody; the text is the class of what went wrong."""


def send(mail: Mail, subject: str, body: str, text: str) -> int:
    """Hand it over for everybody, each in a mail of their own; returns how many addresses were refused.

    Raises CannotSendError where nobody's was taken.
    """
    given = [(to, subject, body) for to in mail.to] + [(to, "", text) for to in mail.texts_to]
    with _connected(mail) as server:
        refused = sum(not _taken(server, mail, *one) for one in given)
    if refused == len(given):
        message = "refused"
        raise CannotSendError(message)
    return refused


def _taken(server: smtplib.SMTP, mail: Mail, to: str, subject: str, body: str) -> bool:
    """One that fails keeps no other from being sent, and none that was taken is sent once more."""
    try:
        server.send_message(_message(mail, to, subject, body), mail.from_, [to])
    except (OSError, smtplib.SMTPException):
        return False
    return True


def probe(mail: Mail) -> None:
    """Whether the mail server takes us, without a mail; raises CannotSendError."""
    with _connected(mail) as server:
        server.noop()


@contextmanager
def _connected(mail: Mail) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    try:
        if mail.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                mail.host, mail.port, timeout=mail.timeout, context=context
            )
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
        with server:
            if mail.tls == "starttls":
                server.starttls(context=context)
            if mail.user:
                server.login(mail.user, mail.password or "")
            yield server
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise CannotSendError(type(error).__name__) from error


def _message(mail: Mail, to: str, subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = mail.from_, to
    if subject:
        message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=mail.from_.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message["X-Priority"] = "1"
    message.set_content(body)
    return message
