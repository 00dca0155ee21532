"""Settings, from the environment (prefix WATCHDOG_) or a file of lines NAME=VALUE; the environment wins."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

PREFIX: Final = "WATCHDOG_"
TLS: Final = {"starttls": 587, "implicit": 465, "none": 25}
"""How the mail server is spoken to, and the usual port of each."""

T = TypeVar("T")


class SettingsError(Exception):
    """A setting that cannot be used; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Mail:
    """The watchdog's own way to a mail server; `texts_to` turn a mail into a text message."""

    host: str
    port: int
    tls: str
    user: str | None
    password: str | None = field(repr=False)
    from_: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    texts_to: tuple[str, ...] = field(repr=False)
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may wait, in seconds, before the watchdog counts it as wrong."""

    heartbeat: float = 60.0
    provider: float = 300.0
    due: float = 90.0
    urgent: float = 60.0
    unsettled: float = 300.0
    skew: float = 30.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When is looked, when paged, and when it is said that all is well again; seconds."""

    every: float = 15.0
    after: float = 120.0  # design: longer than a part takes to be started again
    repeat: tuple[float, ...] = (300.0, 900.0, 1800.0, 3600.0, 14_400.0)
    well_after: float = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    url: str
    mail: Mail
    name: str = "CISM"
    state: Path = Path("watchdog.json")
    rhythm: Rhythm = Rhythm()
    limits: Limits = Limits()
    paper_folder: Path | None = None
    paper_note: str | None = None
    ping_url: str | None = None
    probe_every: float = 21_600.0
    answer_within: float = 10.0  # seconds; pages that take longer are of no use to anybody


def load(environment: Mapping[str, str], file: Path | None) -> Settings:
    """Read them, or raise SettingsError with what to change; `file` None: no file."""
    found = _of_file(file) if file is not None else {}
    found |= {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    given = _Given({name.removeprefix(PREFIX): value for name, value in found.items() if value.strip()})
    rhythm, limits = _rhythm(given), Limits()
    made = Settings(
        url=_web(given.text("URL", "http://127.0.0.1:8080"), "URL").rstrip("/"),
        mail=_mail(given),
        name=given.text("NAME", "CISM"),
        state=Path(given.text("STATE", "watchdog.json")),
        rhythm=rhythm,
        limits=Limits(
            heartbeat=given.seconds("HEARTBEAT_SECONDS", limits.heartbeat),
            provider=given.seconds("PROVIDER_SECONDS", limits.provider),
            due=given.seconds("DUE_SECONDS", limits.due),
            urgent=given.seconds("URGENT_SECONDS", limits.urgent),
            unsettled=given.seconds("UNSETTLED_SECONDS", limits.unsettled),
            skew=given.seconds("SKEW_SECONDS", limits.skew),
        ),
        paper_folder=given.maybe("PAPER_FOLDER", Path),
        paper_note=given.maybe("PAPER_NOTE", str),
        ping_url=given.maybe("PING_URL", lambda value: _web(value, "PING_URL")),
        probe_every=given.seconds("PROBE_SECONDS", 21_600.0),
        answer_within=given.seconds("ANSWER_SECONDS", 10.0),
    )
    given.refuse_unknown()
    return made


class _Given:
    """What was set, and which of it was asked for: a name that is misspelt must not pass unseen."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values, self._asked = values, set[str]()

    def maybe(self, name: str, read: Callable[[str], T]) -> T | None:
        self._asked.add(name)
        value = self._values.get(name)
        return None if value is None else read(value.strip())

    def text(self, name: str, default: str) -> str:
        return self.maybe(name, str) or default

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def seconds(self, name: str, default: float) -> float:
        value = self.maybe(name, lambda text: _seconds(text, name))
        return default if value is None else value

    def refuse_unknown(self) -> None:
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            message = f"{PREFIX}{unknown[0]} is no setting of the watchdog; see docs/operations.md"
            raise SettingsError(message)


def _rhythm(given: _Given) -> Rhythm:
    plain = Rhythm()
    repeat = tuple(_seconds(part, "REPEAT") for part in given.several("REPEAT")) or plain.repeat
    return Rhythm(
        every=given.seconds("EVERY_SECONDS", plain.every),
        after=given.seconds("AFTER_SECONDS", plain.after),
        repeat=repeat,
        well_after=given.seconds("WELL_AFTER_SECONDS", plain.well_after),
    )


def _mail(given: _Given) -> Mail:
    host, tls = given.text("SMTP_HOST", ""), given.text("SMTP_TLS", "starttls")
    to, texts_to, from_ = given.several("MAIL_TO"), given.several("TEXT_TO"), given.text("MAIL_FROM", "")
    if not host or not from_ or not (to or texts_to):
        message = (
            "the watchdog cannot page anybody: set WATCHDOG_SMTP_HOST, WATCHDOG_MAIL_FROM, and one of "
            "WATCHDOG_MAIL_TO and WATCHDOG_TEXT_TO"
        )
        raise SettingsError(message)
    if tls not in TLS:
        message = f"WATCHDOG_SMTP_TLS is one of {', '.join(TLS)}"
        raise SettingsError(message)
    if tls == "none" and not _is_here(host):
        message = (
            "WATCHDOG_SMTP_TLS=none is for a mail server on this machine alone; write starttls or implicit"
        )
        raise SettingsError(message)
    wrong = [one for one in (from_, *to, *texts_to) if not _is_address(one)]
    if wrong:
        message = "WATCHDOG_MAIL_FROM, MAIL_TO and TEXT_TO hold plain addresses such as duty@example.org"
        raise SettingsError(message)
    port = int(given.seconds("SMTP_PORT", TLS[tls]))
    user, password = given.maybe("SMTP_USER", str), given.maybe("SMTP_PASSWORD", str)
    timeout = given.seconds("SMTP_SECONDS", 20.0)
    return Mail(host, port, tls, user, password, from_, to, texts_to, timeout)


def _is_address(text: str) -> bool:
    name, _, domain = text.partition("@")
    return bool(name and domain) and text.isascii() and not any(one in text for one in " \r\n<>\t")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _web(text: str, name: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return text
    message = f"{PREFIX}{name} is no web address; write e.g. https://cism.example.org"
    raise SettingsError(message)


def _seconds(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:  # also refuses nan
        message = f"{PREFIX}{name} must be a positive number, not {text!r}"
        raise SettingsError(message)
    return value


def _of_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file} cannot be read; name another with --settings"
        raise SettingsError(message) from error
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
