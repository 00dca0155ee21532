"""A child process: it dies with us, hears no Ctrl-C of its own, and is asked before it is killed."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


def start(command: Sequence[str], env: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    """Start one; its output is added to a file."""
    with output.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and modules, no shell
            list(command),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def stop(process: subprocess.Popen[bytes], within: float) -> None:
    """Ask it to end, and kill it after `within` seconds."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    # a conductor without its supervisor would go on texting people with nobody to stop it
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
