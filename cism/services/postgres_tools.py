"""PostgreSQL's own tools: a copy of the database as a file, and the file put back.

A restore goes by way of `psql`, not straight from `pg_restore` into the database: tools of release 17
and later begin by setting parameters that an older server refuses, and then nothing at all is restored.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from cism.errors import ConfigurationError, StorageUnavailable

_WITHIN = 3_600.0  # seconds
_NO_TOOL = (
    "{tool} is not found on this machine. Where it is, run: {tool} {words}. "
    "Its version must be the server's, or newer"
)
_SETTING = re.compile(rb"SET (\w+) = ")
_PREAMBLE = (b"\n", b"\r\n", b"--", b"SET ", b"SELECT pg_catalog.set_config(", b"\\restrict ")


def dump(url: URL, target: Path) -> None:
    """Write one consistent copy.

    Raises ConfigurationError without the tool, StorageUnavailable if it failed.
    """
    _run(
        "pg_dump",
        [*_server(url), "--format=custom", "--no-owner", f"--file={target}", url.database or ""],
        url,
    )


def restore(url: URL, source: Path) -> None:
    """Put a copy in the place of what is there: all of it, or nothing changes.

    Raises ConfigurationError without the tools, StorageUnavailable where the file or the server refused.
    """
    with TemporaryFile() as script, TemporaryFile() as fitting:  # without a name, gone with this process
        _run(
            "pg_restore",
            ["--clean", "--if-exists", "--no-owner", "--file=-", str(source)],
            url,
            output=script,
        )
        script.seek(0)
        fitting.writelines(without_unknown(script, _parameters(url)))
        fitting.seek(0)
        words = [*_server(url), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run("psql", [*words, url.database or ""], url, given=fitting)


def without_unknown(script: Iterable[bytes], known: Container[str]) -> Iterator[bytes]:
    """The lines of a dump, less what its first part sets that this server does not know."""
    lines = iter(script)
    for line in lines:
        setting = _SETTING.match(line)
        if setting is None or setting[1].decode() in known:
            yield line
        if not line.startswith(_PREAMBLE):
            break
    yield from lines


def _parameters(url: URL) -> frozenset[str]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return frozenset(connection.scalars(text("SELECT name FROM pg_settings")))
    finally:
        engine.dispose()


def _server(url: URL) -> list[str]:
    host = str(url.query.get("host") or url.host or "")  # in the query: a socket's folder
    where = {"--host": host, "--port": url.port, "--username": url.username}
    return [f"{name}={value}" for name, value in where.items() if value]


def _run(
    tool: str, words: list[str], url: URL, *, given: IO[bytes] | None = None, output: IO[bytes] | None = None
) -> None:
    path = shutil.which(tool)
    if path is None:
        raise ConfigurationError(_NO_TOOL.format(tool=tool, words=" ".join(words)))
    # the password goes by the environment: an argument can be read by everybody on this machine
    env = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    done = subprocess.run(  # noqa: S603 - a tool of PostgreSQL's, no shell
        [path, *words],
        env=env,
        stdin=given or subprocess.DEVNULL,
        stdout=output or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=_WITHIN,
        check=False,
    )
    if done.returncode:
        message = f"{tool} did not do it: {_reason(done.stderr.decode(errors='replace'))}"
        raise StorageUnavailable(message)


def _reason(said: str) -> str:
    """The first line that names an error: those after it repeat the statement, which may hold data."""
    lines = said.strip().splitlines() or ["no word"]
    return " ".join(next((line for line in lines if "error" in line.lower()), lines[-1]).split())
