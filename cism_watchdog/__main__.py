"""`python -m cism_watchdog`: watch until stopped. With `check`: look once, and say what is seen."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from cism_watchdog import loop, mail, reading
from cism_watchdog.judging import TROUBLES, judge
from cism_watchdog.memory import AnotherWatchdogError, Memory
from cism_watchdog.settings import Settings, SettingsError, load

_FILE = Path("watchdog.env")
_STATUS = "Exit status: 0 well, 1 something is wrong, 2 wrong settings, 3 no mail can be sent."


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; the exit status is explained there."""
    given = _arguments().parse_args(argv)
    file: Path | None = given.settings or (_FILE if _FILE.exists() else None)
    try:
        settings = load(os.environ, file)
        if given.do == "check":
            return check(settings)
        return test_mail(settings) if given.do == "test-mail" else watch(settings)
    except SettingsError as refusal:
        return _refused(str(refusal))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cism_watchdog", description=__doc__, epilog=_STATUS)
    parser.add_argument("do", nargs="?", choices=["run", "check", "test-mail"], default="run")
    parser.add_argument("--settings", type=Path, help=f"a file of lines NAME=VALUE; {_FILE} where it exists")
    return parser


def watch(settings: Settings) -> int:
    """Watch until stopped."""
    try:
        memory = Memory(settings.state)
    except AnotherWatchdogError:
        return _refused(f"another watchdog uses {settings.state}; give this one its own WATCHDOG_STATE")
    except OSError as error:
        return _refused(f"WATCHDOG_STATE: {settings.state} cannot be used ({error.strerror})")
    try:
        return loop.run(settings, memory)
    finally:
        memory.close()


def check(settings: Settings) -> int:
    """Look once, ask the mail server, say both; sends nothing."""
    verdicts = judge(reading.read(settings.url, settings.answer_within), settings.limits, time.time())
    for key, trouble in TROUBLES.items():
        state = {True: "WRONG", False: "ok", None: "not known"}[verdicts.get(key)]
        sys.stdout.write(
            f"{state:9} {key:10} {f'{trouble.says}. {trouble.todo}' if verdicts.get(key) else ''}\n"
        )
    try:
        mail.probe(settings.mail)
    except mail.CannotSendError as error:
        sys.stdout.write(f"WRONG     mail       the mail server does not take us ({error})\n")
        return 3
    sys.stdout.write("ok        mail\n")
    return 1 if any(verdicts.values()) else 0


def test_mail(settings: Settings) -> int:
    """Send a mail that says that it is a test."""
    said = f"This is a test of the watchdog of {settings.name}. Nothing is wrong."
    try:
        refused = mail.send(settings.mail, f"{settings.name}: a test of the watchdog", said + "\n", said)
    except mail.CannotSendError as error:
        sys.stderr.write(
            f"watchdog: no mail could be sent ({error}); see WATCHDOG_SMTP_* in docs/operations.md\n"
        )
        return 3
    sys.stdout.write("sent\n" if not refused else f"sent, but {refused} addresses were refused\n")
    return 3 if refused else 0


def _refused(reason: str) -> int:
    sys.stderr.write(f"watchdog: {reason}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
