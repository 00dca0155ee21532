"""The watchdog needs nothing of the engine, and nothing that must be installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.smtp import SmtpSink
from tests.test_house import ROOT
from tests.watchdog.conftest import Engine

FOLDER = ROOT / "cism_watchdog"
_RUN = """
import json, runpy, sys
sys.path.insert(0, {folder!r})
sys.argv = ["watchdog", {do!r}]
try:
    runpy.run_module("cism_watchdog", run_name="__main__")
finally:
    print("MODULES" + json.dumps(sorted(sys.modules)))
"""


def settings_for(engine: Engine, sink: SmtpSink) -> dict[str, str]:
    return {
        "WATCHDOG_URL": engine.url,
        "WATCHDOG_SMTP_HOST": "127.0.0.1",
        "WATCHDOG_SMTP_PORT": str(sink.port),
        "WATCHDOG_SMTP_TLS": "none",
        "WATCHDOG_MAIL_FROM": "watchdog@example.org",
        "WATCHDOG_MAIL_TO": "duty@example.org",
    }


def run(folder: Path, do: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a copy of the folder in a Python that sees nothing that is installed."""
    code = _RUN.format(folder=str(folder), do=do)
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"PATH": os.environ["PATH"]} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )


@pytest.mark.parametrize(("do", "status"), [("check", 0), ("test-mail", 0)])
def test_a_copy_of_its_folder_alone_works_and_loads_nothing_but_pythons_own(
    tmp_path: Path, engine: Engine, sink: SmtpSink, do: str, status: int
) -> None:
    shutil.copytree(FOLDER, tmp_path / "cism_watchdog")
    done = run(tmp_path, do, settings_for(engine, sink))
    assert done.returncode == status, done.stderr
    modules = json.loads(done.stdout.partition("MODULES")[2])
    top = {name.partition(".")[0] for name in modules} - {"__main__", "cism_watchdog"}
    assert top <= set(sys.stdlib_module_names)
    assert {"cism_watchdog.reading", "cism_watchdog.mail"} <= set(modules)
    assert len(sink.mails) == (do == "test-mail")


def test_check_says_what_is_wrong_and_sends_nothing(tmp_path: Path, engine: Engine, sink: SmtpSink) -> None:
    shutil.copytree(FOLDER, tmp_path / "cism_watchdog")
    engine.silent = True
    done = run(tmp_path, "check", settings_for(engine, sink))
    assert done.returncode == 1
    assert "WRONG     silent" in done.stdout
    assert sink.mails == []


@pytest.mark.parametrize("do", ["check", "test-mail"])
def test_a_mail_server_that_does_not_take_it_is_exit_3(
    tmp_path: Path, engine: Engine, sink: SmtpSink, do: str
) -> None:
    shutil.copytree(FOLDER, tmp_path / "cism_watchdog")
    sink.greeting = "421 not now"
    assert run(tmp_path, do, settings_for(engine, sink)).returncode == 3
