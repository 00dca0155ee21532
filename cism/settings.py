"""Settings, from the environment (prefix CISM_) or a `.env` file; contract.md has the table."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cism import key_file
from cism.errors import ConfigurationError
from notifications import addresses

BREAKABLE = ("lost", "double", "early", "quiet", "unacked")
_CRASH = re.compile(r"[a-z]+\.[a-z]+(:[1-9][0-9]{0,5})?")
_SENDER = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}"
)  # E.164 or a short code: it must be able to hear replies


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    return addresses.is_loopback(urlsplit(url).hostname or "")


class Settings(BaseSettings):
    """Everything that can be set from outside."""

    model_config = SettingsConfigDict(env_prefix="CISM_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path(".cism")
    database_url: str | None = None
    public_url: str = "http://127.0.0.1:8080"
    vault_keys: str | None = None
    vault_key_file: Path | None = None  # best on another disk than the database and its backups
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_from: str | None = None
    twilio_messaging_service_sid: str | None = None
    twilio_base_url: str | None = None
    twilio_urgent_from: str | None = None
    clock: Literal["real", "movable"] = "real"
    sms_rate: float | None = Field(default=None, gt=0)
    stop_list: Path | None = None
    backup_folder: Path | None = None  # None: nobody makes backups but the operator
    backup_minutes: int = Field(default=5, ge=1, le=1440)
    backup_keep: int = Field(default=288, ge=1)
    paper_folder: Path | None = None  # None: no paper leaves this machine
    paper_keep: int = Field(default=14, ge=1)  # nights
    audit_head_folder: Path | None = None  # another machine's: each night's head of the audit log goes there
    paper_mail: bool = False  # to the agency's coordinators, by the mail server of the second way
    help_answer: Literal["twilio", "cism"] = "cism"
    execution: Literal["in_process", "work_pool"] = "in_process"
    calendar_private: bool = False  # calendars may be fetched from the own network
    wall_url: str = "http://127.0.0.1:8090"
    second_smtp_host: str | None = None
    second_smtp_port: int | None = Field(default=None, gt=0, lt=65536)
    second_smtp_tls: Literal["starttls", "implicit", "none"] = "starttls"
    second_smtp_user: str | None = None
    second_smtp_password: str | None = None
    second_from: str | None = None
    second_address: str = "{email}"
    break_promise: str | None = None  # demo only: CISM_BREAK_PROMISE spoils the product on purpose
    crash_at: str | None = None  # trials only: CISM_CRASH_AT=POINT:N, where a process kills itself

    @field_validator("public_url", "wall_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            message = f"{value!r} is not a web address; write e.g. https://cism.example.org"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("wall_url")
    @classmethod
    def _wall_is_here(cls, value: str) -> str:
        if value.startswith("http://") and is_loopback(value) and _port(value):
            return value
        message = "the phone wall is on this machine only; write http://127.0.0.1:PORT"
        raise ValueError(message)

    @field_validator("twilio_from", "twilio_urgent_from")
    @classmethod
    def _sender_can_be_answered(cls, value: str | None) -> str | None:
        if not value or _SENDER.fullmatch(value):
            return value
        message = (
            "write the number that sends as +12025550123, or a short code; people must be able to answer it"
        )
        raise ValueError(message)

    @field_validator("twilio_base_url")
    @classmethod
    def _base_url_is_here_or_encrypted(cls, value: str | None) -> str | None:
        try:
            return addresses.checked_base_url(value) if value else value
        except ValueError:
            message = "must be https://, or http:// on this machine (127.0.0.1): texts and numbers go there"
            raise ValueError(message) from None

    @model_validator(mode="after")
    def _twilio_is_whole_or_absent(self) -> Self:
        given = {
            "CISM_TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "CISM_TWILIO_AUTH_TOKEN": self.twilio_auth_token,
            "CISM_TWILIO_FROM or CISM_TWILIO_MESSAGING_SERVICE_SID": self.twilio_from
            or self.twilio_messaging_service_sid,
        }
        missing = [name for name, value in given.items() if not value]
        # these two alone would be Twilio forgotten, and everything would go to the phone wall instead
        beside = self.twilio_base_url or self.twilio_urgent_from
        if missing and (beside or len(missing) < len(given)):
            message = f"Twilio is half set up: set {', '.join(missing)} too, or unset all of CISM_TWILIO_*"
            raise ValueError(message)
        if self.clock == "movable" and not is_loopback(self.provider_url):
            message = (
                "CISM_CLOCK=movable would text real people at invented times: it accepts only a provider "
                "on this machine; unset Twilio, or set CISM_CLOCK=real"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _second_way_is_whole_or_absent(self) -> Self:
        if self.second_smtp_host is None:
            if self.paper_mail:
                message = "CISM_PAPER_MAIL needs a mail server: set CISM_SECOND_SMTP_HOST, CISM_SECOND_FROM"
                raise ValueError(message)
            return self
        if not self.second_from:
            message = "the second way is half set up: set CISM_SECOND_FROM too, the sender of its mails"
            raise ValueError(message)
        here = addresses.is_loopback(self.second_smtp_host)
        if self.second_smtp_tls == "none" and not here:
            message = "CISM_SECOND_SMTP_TLS=none is for a server on this machine; write starttls or implicit"
            raise ValueError(message)
        if not here and (self.uses_wall or self.clock == "movable"):
            message = "a trial reaches no real person: unset CISM_SECOND_SMTP_HOST, or name a server here"
            raise ValueError(message)
        if not _is_pattern(self.second_address):
            message = "CISM_SECOND_ADDRESS holds {email} or {digits}, such as {digits}@texts.example.org"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _breaks_promises_to_nobody(self) -> Self:
        if self.break_promise is None:
            return self
        if self.break_promise not in BREAKABLE:
            message = f"CISM_BREAK_PROMISE is one of {', '.join(BREAKABLE)}; or unset it"
            raise ValueError(message)
        if self.clock != "movable" or not self.uses_wall:
            message = (
                "CISM_BREAK_PROMISE spoils the product on purpose: unset it; it is for demonstrations with "
                "CISM_CLOCK=movable and the phone wall alone"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _dies_where_nobody_waits(self) -> Self:
        if self.crash_at is None:
            return self
        if not _CRASH.fullmatch(self.crash_at):
            message = "CISM_CRASH_AT is a point and a count, e.g. send.answered:3; or unset it"
            raise ValueError(message)
        if self.clock != "movable" or not self.uses_wall:
            message = (
                "CISM_CRASH_AT kills the process on purpose: unset it; it is for trials with "
                "CISM_CLOCK=movable and the phone wall alone"
            )
            raise ValueError(message)
        return self

    @property
    def uses_wall(self) -> bool:
        """True where no Twilio is set: no real phone is reached."""
        return not self.twilio_account_sid

    @property
    def wall_port(self) -> int:
        """Where the phone wall listens."""
        return _port(self.wall_url) or 80

    @property
    def provider_url(self) -> str:
        """Where messages are handed over."""
        if self.uses_wall:
            return self.wall_url
        return self.twilio_base_url or "https://api.twilio.com"

    @property
    def rate(self) -> float | None:
        """Messages a second handed to the provider; None is unlimited (phone wall only)."""
        if self.sms_rate is not None:
            return self.sms_rate
        return None if self.uses_wall else 1.0

    @property
    def url(self) -> str:
        """The SQLAlchemy address of the database."""
        return self.database_url or f"sqlite:///{(self.home / 'cism.db').absolute()}"

    @property
    def stop_list_file(self) -> Path:
        """Who may not be texted any more, kept apart from the database; best on another disk."""
        return self.stop_list or self.home / "stop.list"

    def keys(self) -> list[bytes]:
        """The vault's keys, newest first; made on first start (mode 0600) unless set."""
        return key_file.parsed(self.vault_keys or self._key_file())

    @property
    def key_path(self) -> Path:
        """Where the keys lie that are not set by CISM_VAULT_KEYS."""
        return self.vault_key_file or self.home / "vault.keys"

    def make_home(self) -> Path:
        """The folder of the embedded default, made where it is missing; others may not look into it."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"CISM_HOME: {self.home} cannot be used ({error.strerror}); name a folder to write into"
            raise ConfigurationError(message) from error
        return self.home

    @property
    def answered_at(self) -> str:
        """The number that staff text their answers to; empty where a messaging service chooses it."""
        return WALL_NUMBER if self.uses_wall else self.twilio_urgent_from or self.twilio_from or ""

    def wall_credentials(self) -> tuple[str, str]:
        """Account and token shared by the product and the built-in phone wall, made on first start."""
        fresh = f"AC{secrets.token_hex(16)}:{secrets.token_hex(16)}"
        account, _, token = _made_once(self.make_home() / "wall.credentials", fresh).partition(":")
        return account, token

    def _key_file(self) -> str:
        self.make_home()
        return _made_once(self.key_path, key_file.words([key_file.fresh()]))


def _made_once(path: Path, fresh: str) -> str:
    """What the file says, or the fresh secret where there was none; never a file without one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        message = f"CISM_HOME: {path} cannot be made ({error.strerror}); name a folder to write into"
        raise ConfigurationError(message) from error
    try:
        with os.fdopen(handle, "w") as file:
            file.write(fresh + "\n")
    except OSError:
        path.unlink()  # an empty file would be taken for the secret by every later start
        raise
    return fresh


WALL_NUMBER = "+12025550100"


def load() -> Settings:
    """Read the settings, or refuse with what to change."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [_problem(item["loc"], item["msg"]) for item in error.errors()]
        raise ConfigurationError("; ".join(problems)) from None


def _problem(place: tuple[int | str, ...], said: str) -> str:
    """One refusal with the name that the operator set."""
    text = said.removeprefix("Value error, ")
    return f"CISM_{str(place[0]).upper()}: {text}" if place else text


def _is_pattern(address: str) -> bool:
    """Whether it holds {email} or {digits}, and nothing else in braces."""
    rest = address.replace("{email}", "").replace("{digits}", "")
    return rest != address and not {"{", "}"} & set(rest)


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None
