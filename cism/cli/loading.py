"""Commands that are loaded when they are wanted."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer

_BESIDE = "cism.cli"


class Commands(MutableMapping[str, Any]):
    """Commands by their name, each made out of `module:name` when it is first asked for."""

    def __init__(self, where: Mapping[str, str]) -> None:
        self._where = dict(where)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name, self._where[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._where[name], self._made[name] = name, command

    def __delitem__(self, name: str) -> None:
        del self._where[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, name: object) -> bool:
        return name in self._where  # not by making it


def _made(name: str, where: str) -> Any:
    """The command as typer makes it of a function, or of a whole group of commands."""
    module, _, inside = where.partition(":")
    with no_looking_for_garbage(fresh=f"{_BESIDE}.{module}" not in sys.modules):
        found: typer.Typer | Callable[..., Any] = getattr(import_module(f"{_BESIDE}.{module}"), inside)
    if isinstance(found, typer.Typer):
        made: Any = typer.main.get_group(found)
        made.name = name
        return made
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


@contextmanager
def no_looking_for_garbage(*, fresh: bool = True) -> Iterator[None]:
    """Nothing of what a module brings is garbage, and looking for it takes a tenth of loading; what a short
    command leaves goes with it. `fresh`: whether there is anything to load.
    """
    looks = gc.isenabled() and fresh
    if looks:
        gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()
