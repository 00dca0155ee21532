"""The supervisor of `cism up`, with small parts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cism.cli.up import Part, Supervisor, free_port, parts, refuse_taken
from cism.clock import monotonic, wait
from cism.errors import ConfigurationError
from cism.settings import Settings
from tests.flows.conftest import eventually


def part(name: str, code: str) -> Part:
    return Part(name, (sys.executable, "-c", code))


def writes(path: Path, word: str) -> str:
    """Says a word on start and on SIGTERM."""
    return (
        "import signal, time, sys\n"
        f"def say(w): open({str(path)!r}, 'a').write(w + '\\n')\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (say('{word} ended'), sys.exit(0)))\n"
        f"say('{word}')\n"
        "while True: time.sleep(0.05)\n"
    )


def test_a_part_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([part("dies", "raise SystemExit(3)")], tmp_path, said.append)
    ends = []
    while len(said) < 3:
        supervisor.look()
        ends += [monotonic()] * (len(said) - len(ends))
        wait(0.05)
    supervisor.end()
    assert said[:3] == [f"dies ended (3); again in {pause} s, see dies.log" for pause in ("0.5", "1", "2")]
    first, second, third = ends
    assert second - first > 0.5
    assert third - second > 1


def test_all_are_stopped_in_order_on_ctrl_c(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    supervisor = Supervisor(
        [part("web", writes(seen, "web")), part("phones", writes(seen, "phones"))], tmp_path, print
    )

    def interrupt() -> None:
        eventually(lambda: seen.exists() and len(seen.read_text().split()) == 2, 60, "both started")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert supervisor.run() == 0
    thread.join()
    assert seen.read_text().splitlines()[2:] == ["web ended", "phones ended"]


def test_a_part_does_not_outlive_its_killed_supervisor(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = (
        "from pathlib import Path\nfrom cism.cli.up import Part, Supervisor\n"
        f"Supervisor([Part('a', ({sys.executable!r}, '-c', {writes(seen, 'a')!r}))], "
        f"Path({str(tmp_path)!r}), print).run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    eventually(lambda: seen.exists() and "a" in seen.read_text(), 60, "started")
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: "a ended" in seen.read_text(), 60, "ended too")


def test_a_taken_port_is_refused_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"port {port} for web is taken: choose another with --port"
        ):
            refuse_taken(Part("web", (), port=port))
    refuse_taken(Part("web", (), port=free_port()))


def test_prefects_server_is_a_part_only_where_none_is_given(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    own = parts(settings, 8080, {})
    assert [item.name for item in own] == ["web", "conductor", "worker", "prefect", "phones"]
    url = f"http://127.0.0.1:{own[3].port}/api"
    assert {item.env.get("PREFECT_API_URL") for item in own[:3]} == {url}
    other = parts(settings, 8080, {"PREFECT_API_URL": "http://prefect.example.org/api"})
    assert [item.name for item in other] == ["web", "conductor", "worker", "phones"]
    assert all("PREFECT_API_URL" not in item.env for item in other)


def test_nothing_of_prefect_is_imported_by_the_supervisor_or_before_the_conductor_looks() -> None:
    code = (
        "import sys; import cism.cli.up, flows.conductor, flows.link, flows.runtime; "
        "assert 'prefect' not in sys.modules, 'prefect'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
