"""Mail over a real connection: encrypted, signed in, refused, lost."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cism_watchdog import mail
from cism_watchdog.mail import CannotSendError
from tests.fakes.smtp import SmtpSink, smtp_sink
from tests.watchdog.conftest import mail_to


def certificate(folder: Path) -> Path:
    """A certificate of `localhost` with its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    began = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def encrypting(folder: Path) -> SmtpSink:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    return SmtpSink(tls=context, login=("watchdog", "hush"))


def test_mail_is_encrypted_and_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = encrypting(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))
    with smtp_sink(made) as sink:
        way = mail_to(sink, host="localhost", tls="starttls", user="watchdog", password="hush")
        mail.probe(way)
        assert mail.send(way, "Subject", "whole", "short") == 0
    (received,) = sink.mails
    assert received.encrypted
    assert received.text.strip() == "whole"


def test_a_mail_server_that_starts_encrypted_is_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = encrypting(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.pem"))
    with smtp_sink(made, implicit_tls=True) as sink:
        way = mail_to(sink, host="localhost", tls="implicit", user="watchdog", password="hush")
        assert mail.send(way, "Subject", "whole", "short") == 0
    assert len(sink.mails) == 1


def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_page(tmp_path: Path) -> None:
    with smtp_sink(encrypting(tmp_path)) as sink:
        way = mail_to(sink, host="localhost", tls="starttls", user="watchdog", password="hush")
        with pytest.raises(CannotSendError, match="SSLCertVerificationError"):
            mail.send(way, "Subject", "whole", "short")
    assert sink.mails == []


def test_a_server_without_encryption_gets_neither_where_it_is_asked_for(sink: SmtpSink) -> None:
    with pytest.raises(CannotSendError):
        mail.send(mail_to(sink, tls="starttls"), "Subject", "whole", "short")
    assert sink.mails == []


@pytest.mark.parametrize("greeting", ["421 not now", "nonsense"])
def test_a_server_that_takes_nobody_is_noticed(sink: SmtpSink, greeting: str) -> None:
    sink.greeting = greeting
    with pytest.raises(CannotSendError):
        mail.probe(mail_to(sink))


def test_a_server_that_refuses_every_address_has_sent_nothing(sink: SmtpSink) -> None:
    sink.refuse_to = lambda _: "550 unknown"
    with pytest.raises(CannotSendError, match="refused"):
        mail.send(mail_to(sink), "Subject", "whole", "short")


def test_who_got_it_does_not_get_it_again_because_the_next_address_failed(sink: SmtpSink) -> None:
    way = mail_to(sink, to=("one@example.org", "two@example.org"))
    sink.refuse_to = lambda to: "451 later" if to.startswith("two") else None
    assert mail.send(way, "Subject", "whole", "short") == 1
    assert [one.to for one in sink.mails] == ["one@example.org"]
