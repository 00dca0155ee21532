"""The house itself: no machine shows through, nothing grows unseen, and what the documents say is so."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from cism.cli.main import app
from cism.settings import Settings
from notifications.messages import MESSAGE_CLASSES, MessageKind

ROOT = Path(__file__).parent.parent
LONGEST_FILE, LONGEST_FUNCTION = 300, 30

# Longer than a file or a function's body should be, each for a reason. Whoever makes one short takes it off.
LONG_FILES = {
    "cism/store/migrations/versions/0001_first_tables.py": "a migration is written once, never touched again",
    "cism/services/intake.py": "one report: checked whole, then written whole",
}
LONG_FUNCTIONS = {
    "cism/cli/incident_views.py:_timeline": "a listing: columns side by side",
    "cism/cli/incident_views.py:whole": "a listing: fields side by side",
    "cism/services/inbound.py:receive_once": "one text: found, read, written, answered in one transaction",
    "cism/services/intake.py:log": "one row with all its fields",
    "cism/services/sessions.py:_written": "one row with all its fields",
    "cism/services/settling.py:settle_by_list": "every way in which an unclear send can end, in one place",
    "cism/store/migrations/versions/0001_first_tables.py:downgrade": "a migration, as above",
    "cism/store/migrations/versions/0001_first_tables.py:upgrade": "a migration, as above",
    "cism/web/pages/helper_sections.py:assignment": "one page's fields side by side",
}

_MACHINE = re.compile(r"(?<![\w.\-/])/(?:wor[k]|roo[t]|hom[e]|tm[p]|Users|var/tm[p])/\w")
_ADDRESS = re.compile(
    r"pythonhoste[d]|pypi\.or[g]|npmjs\.or[g]|--(?:extra-)?index-ur[l]|--find-link[s] |file:/[/]|"
    r"\"resolved\": *\"http",
    re.IGNORECASE,
)


def showing_through(text: str) -> list[str]:
    """Folders of one machine, and addresses of package servers."""
    return [found.group() for pattern in (_MACHINE, _ADDRESS) for found in pattern.finditer(text)]


@functools.cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "tests" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def test_no_machine_and_no_package_server_shows_through() -> None:
    found = {
        name_of(path): hits
        for path in tracked()
        if (hits := showing_through(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    ["open('/ro" + "ot/x')", "cd /wor" + "k/main", "--index-ur" + "l https://x", "file:/" + "//opt/wheels"],
)
def test_a_machine_that_shows_through_is_seen(text: str) -> None:
    assert showing_through(text)


def test_no_file_grows_beyond_what_one_name_can_say() -> None:
    long = {name_of(path) for path in python_files() if len(path.read_text().splitlines()) > LONGEST_FILE}
    assert sorted(long - set(LONG_FILES)) == []


def test_no_function_grows_beyond_what_one_name_can_say() -> None:
    found = {
        f"{name_of(path)}:{name}" for path in python_files() for name in long_functions(path.read_text())
    }
    assert sorted(found - set(LONG_FUNCTIONS)) == []


def test_what_may_be_long_is_still_there() -> None:
    names = {*LONG_FILES, *(name.split(":")[0] for name in LONG_FUNCTIONS)}
    assert sorted(name for name in names if not (ROOT / name).is_file()) == []


@pytest.mark.parametrize("lines", [LONGEST_FUNCTION, LONGEST_FUNCTION + 1])
def test_the_length_of_a_function_is_that_of_its_body(lines: int) -> None:
    source = 'def one(\n    a: int,\n) -> None:\n    """What it does."""\n' + "    a\n" * lines
    assert list(long_functions(source)) == (["one"] if lines > LONGEST_FUNCTION else [])


def long_functions(source: str) -> Iterator[str]:
    """Functions whose body, without the docstring, is longer than it should be."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno >= LONGEST_FUNCTION:
                yield node.name


def test_every_kind_of_message_has_a_class_and_a_template_and_no_template_is_left_over() -> None:
    kinds = {kind.value for kind in MessageKind}
    assert {kind.value for kind in MESSAGE_CLASSES} == kinds
    folders = [words.parent for words in (ROOT / "notifications" / "templates").glob("*/words.yaml")]
    assert {folder.name for folder in folders} >= {"en", "es"}
    for folder in folders:
        assert {path.name.removesuffix(".txt.j2") for path in folder.glob("*.txt.j2")} == kinds, folder.name


PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def project() -> dict[str, list[str]]:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {
        "run.lock": [*read["project"]["dependencies"], *read["build-system"]["requires"]],
        "dev.lock": [*read["project"]["dependencies"], *read["project"]["optional-dependencies"]["dev"]],
    }


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_a_lock_pins_everything_that_the_project_asks_for(lock: str) -> None:
    pinned = pins(lock)
    wrong = [
        text
        for text in project()[lock]
        if not (wanted := Requirement(text)).specifier.contains(
            pinned.get(canonicalize_name(wanted.name), "0")
        )
    ]
    assert wrong == [], "run `make lock`"


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock"])
def test_every_pin_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements" / lock).read_text())
    without = [
        block.splitlines()[0] for block in blocks if PIN.match(block) and "--hash=sha256:" not in block
    ]
    assert without == []


def test_tests_run_on_what_the_product_runs_on() -> None:
    run, dev = pins("run.lock"), pins("dev.lock")
    assert {name: dev.get(name) for name in run} == run


def commands_in(text: str) -> Iterator[list[str]]:
    """Every `cism ...` of a document: whole lines of code blocks, and code in a sentence."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`((?:\.venv/bin/)?cism [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*lines, *inline]:
        if line.strip().removeprefix(".venv/bin/").startswith("cism "):
            yield shlex.split(line, comments=True)[1:]


def not_understood(words: list[str]) -> str | None:
    """What of a command line does not exist."""
    command: Any = get_command(app)
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    by_default = getattr(command, "default_command", None)
    if by_default is not None:
        command = command.commands[by_default]
    if hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        return " ".join(words)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    wrong = [word for word in rest if word.startswith("--") and word not in known]
    return f"{' '.join(words)}: {wrong}" if wrong else None


def test_every_command_that_a_document_names_exists() -> None:
    found = {name_of(path): [*commands_in(path.read_text())] for path in documents()}
    assert len(found["README.md"]) > 8
    wrong = [said for lines in found.values() for line in lines if (said := not_understood(line))]
    assert wrong == []


@pytest.mark.parametrize("line", ["frobnicate", "roster explode", "log --mandatory", "queue list --loudly"])
def test_a_command_that_does_not_exist_is_seen(line: str) -> None:
    assert not_understood(line.split())


def test_every_verb_that_a_document_names_is_in_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        verb
        for path in documents()
        for verb in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "check", "bench"} <= verbs
    assert named <= verbs


def test_the_table_of_settings_names_each_setting_and_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("## Settings") : text.index("## Watching")]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    named = {name for cell in cells for name in re.findall(r"`(CISM_[A-Z_]+)`", cell)}
    read_elsewhere = {"CISM_PERFORM_DUE_SECONDS"}  # by flows, at its edge
    assert named - read_elsewhere == {f"CISM_{name.upper()}" for name in Settings.model_fields}


NAME = re.compile(r"`((?:cism|notifications|flows|cism_watchdog)(?:\.\w+)+)`")


def names_in(path: Path) -> list[str]:
    return NAME.findall(path.read_text())


def resolve(name: str) -> object:
    """The module, class, function, member or field of that name. Raises where there is none."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part) if hasattr(found, part) else found.__annotations__[part]
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("path", [path for path in documents() if names_in(path)], ids=name_of)
def test_every_name_of_the_code_in_a_document_is_one(path: Path) -> None:
    wrong = []
    for name in names_in(path):
        try:
            resolve(name)
        except (ImportError, KeyError, AttributeError):
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize(
    "name", ["cism.domain.followup.plan_nothing", "cism.nowhere", "flows.order.Order.wish"]
)
def test_a_name_that_is_none_is_seen(name: str) -> None:
    with pytest.raises((ImportError, KeyError, AttributeError)):
        resolve(name)


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{name_of(path)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_each_decision_is_one_page_with_context_options_decision_and_consequences() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
        assert headings == ["Context", "Options", "Decision", "Consequences"], page.name
        assert len(page.read_text().splitlines()) <= 70, page.name


def test_each_of_the_twelve_invariants_is_named_by_a_test() -> None:
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    named = {int(number) for text in tests for number in re.findall(r"def test_invariant_(\d+)_", text)}
    assert named == set(range(1, 13))
