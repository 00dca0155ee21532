"""Commands are loaded when they are wanted, and no other's with them."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import cism
from cism.cli.loading import Commands, no_looking_for_garbage
from cism.cli.main import app

# what most of them take long to load, and a rehearsal has no use for
_HEAVY = ("aiohttp", "alembic", "fastapi", "prefect", "twilio", "uvicorn")


def commands() -> Any:
    top: Any = get_command(app)
    return top.commands


def loaded_by(module: str) -> set[str]:
    """The modules that a fresh program has once it has loaded this one."""
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(told.stdout.split())


def test_the_command_line_alone_loads_no_command() -> None:
    loaded = loaded_by("cism.cli.main")
    assert "cism.cli.main" in loaded
    assert [name for name in loaded if name.startswith(("cism.services", "cism.store"))] == []


def test_a_rehearsal_loads_neither_a_provider_nor_a_server_nor_migrations() -> None:
    loaded = loaded_by("cism.cli.rehearse")
    assert "cism.services.engine" in loaded
    assert loaded.isdisjoint(_HEAVY)


def test_a_rehearsal_loads_neither_what_reckons_with_many_nor_its_figures() -> None:
    loaded = loaded_by("cism.cli.rehearse")
    unused = {"cism.cli.rehearse_surge", "cism.domain.what_if", "cism.services.rehearsal_what_if"}
    assert sorted(loaded & unused) == []


def test_every_yaml_file_is_read_by_the_fast_parser() -> None:
    root = Path(cism.__file__).parent.parent
    sources = [path for part in ("cism", "flows", "notifications") for path in (root / part).rglob("*.py")]
    # some of them are read while loading, and the parser in Python takes ten times as long
    slow = [path.name for path in sources if re.search(r"safe_load\(", path.read_text(encoding="utf-8"))]
    assert len(sources) > 100
    assert slow == []


def test_garbage_is_looked_for_again_afterwards_and_only_if_it_was_before() -> None:
    with no_looking_for_garbage():
        assert not gc.isenabled()
        with no_looking_for_garbage():
            pass
        assert not gc.isenabled(), "whoever began ends it"
    assert gc.isenabled()
    with no_looking_for_garbage(fresh=False):
        assert gc.isenabled()


_WALK = """
import pkgutil
from importlib import import_module
from typer.main import get_command
import cism.cli
from cism.cli.main import app

def names(group, above=()):
    for name, one in getattr(group, "commands", {}).items():
        yield (*above, name)
        yield from names(one, (*above, name))

alone = set(names(get_command(app)))
for module in pkgutil.iter_modules(cism.cli.__path__, "cism.cli."):
    import_module(module.name)
print(len(alone), sorted(set(names(get_command(app))) - alone))
"""


def test_a_group_is_loaded_whole_also_where_several_modules_add_to_it() -> None:
    told = subprocess.run([sys.executable, "-c", _WALK], capture_output=True, check=True, text=True)
    count, lacking = told.stdout.split(maxsplit=1)
    assert int(count) > 70
    assert lacking.strip() == "[]"


def test_every_command_is_where_the_table_says() -> None:
    found = {name: command.name for name, command in commands().items()}
    assert len(found) > 30
    assert all(name == told for name, told in found.items())


def test_a_command_is_made_once_and_only_when_it_is_asked_for() -> None:
    some = Commands({"rehearse": "rehearse:rehearse", "gone": "nowhere:at_all"})
    assert list(some) == ["rehearse", "gone"]
    assert "gone" in some
    assert "other" not in some
    assert some["rehearse"] is some["rehearse"]
    with pytest.raises(ModuleNotFoundError):
        some["gone"]
    with pytest.raises(KeyError):
        some["other"]


def test_a_command_may_be_added_and_taken_away() -> None:
    some = Commands({})
    some["mine"] = "made elsewhere"
    assert (len(some), some["mine"]) == (1, "made elsewhere")
    del some["mine"]
    assert (len(some), some.get("mine")) == (0, None)
