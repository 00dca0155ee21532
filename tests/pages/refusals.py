"""Finds the sentences of refusals that a page can show: what services and rules raise that a page reaches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

from cism import errors
from cism.domain.incident import IncidentState
from cism.domain.roster_rows import COLUMNS
from cism.store.states import OfferState, SessionState
from cism.web.pages.log_form import worded
from cism.web.pages.templating import TEMPLATES

ROOT = TEMPLATES.parents[2]
_PLACES = ("cism/services/*.py", "cism/domain/*.py", "cism/web/pages/*.py", "cism/web/api/rights.py")
# The log form says these in words of its own.
_WORDED_ANEW = frozenset(
    {
        "a %(one)s may not %(two)s; ask the coordinator",
        "your token is for the agency %(one)s; use a token of the agency concerned",
    }
)
_NAMES = ("one", "two", "three", "four")
_Function = tuple[str, str]  # module, name
# A state bends with what it is said of, so each stands in a sentence of its own: which value, and its words.
FILLED: dict[str, tuple[str, list[str]]] = {
    "this offer is %(one)s already": ("one", list(OfferState)),
    "this session is %(one)s already": ("one", list(SessionState)),
    "this session is %(one)s; only an approved one can be held": ("one", list(SessionState)),
    "the incident is %(one)s already": ("one", [one.replace("_", " ") for one in IncidentState]),
    "the incident is %(one)s: there is nothing to open again": ("one", list(IncidentState)),
    "%(one)s does not end %(two)s; use one of: %(three)s": ("two", ["a welfare case", "an escalation"]),
}
_PARTS = ("coordinator", "%sclinician", "coordinator and no reachable %sclinician")
_OF_ROSTER: dict[str, tuple[str, list[str]]] = {
    "agency %(one)s has no reachable %(two)s in this file: it sends no check-in": (
        "two",
        [one.replace("%s", "licensed ") for one in _PARTS],
    ),
    "agency %(one)s has no reachable %(two)s, own or by mutual aid: it sends no check-in": (
        "two",
        [one.replace("%s", "") for one in _PARTS],
    ),
}
_ROSTER = (
    "cism/domain/roster_cells.py",
    "cism/domain/roster_checks.py",
    "cism/domain/roster_csv.py",
    "cism/domain/roster_rows.py",
    "cism/domain/csv_lines.py",
    "cism/services/roster.py",
    "cism/services/roster_conflicts.py",
    "cism/services/roster_write.py",
)
# Not for whoever imports: what is kept of an act, and what only a terminal and the API say.
_UNSEEN = frozenset(
    {
        "phone changed",
        "%(one)s and no reachable %(two)s",  # parts of a sentence in FILLED
        "licensed clinician",
        "agency ",
        "consent revoked",
        "one error",
        "%(one)s errors",
        "The roster has %(one)s; nothing was saved. First: %(two)s",
        "there is no agency %(one)s; known: %(two)s",  # a refusal like others, in refusals.po
        "Line %(one)s is not UTF-8: save the file as CSV in UTF-8 and import it again.",
        "line %(one)s: not UTF-8",  # the page says so of the whole file
    }
)
_PLACE = re.compile(rf"(?:line (?:%\(\w+\)s|\d+): )?(?:(?:{'|'.join(COLUMNS)}|%\(one\)s): )?")


def sentences() -> dict[str, str]:
    """Every sentence, values as %(one)s and so on, and which function says it."""
    return _filled(raised(), FILLED) | dict.fromkeys(of_intake(), "intake") | of_roster()


def _filled(found: dict[str, str], words: dict[str, tuple[str, list[str]]]) -> dict[str, str]:
    for said, (name, every) in words.items():
        where = found.pop(said)
        found |= {renumbered(said.replace(f"%({name})s", word)): where for word in every}
    return found


def of_intake() -> set[str]:
    """What the intake says of a form's fields, in the form's words."""
    tree = ast.parse((ROOT / "cism/services/intake.py").read_text())
    said = [text for text, name in _literals(tree) if name in {"_problems", "_people_of"}]
    return {renumbered(worded(_of_a_field(text))) for text in said}


def _of_a_field(text: str) -> str:
    return text.replace("%(one)s lies", "ended_at lies")


def of_roster() -> dict[str, str]:
    """What an import says of a roster, without the line and the column before it."""
    found: dict[str, str] = {}
    for place in _ROSTER:
        for text, name in _literals(ast.parse((ROOT / place).read_text())):
            bare = renumbered(_PLACE.sub("", text, count=1))
            if text not in _UNSEEN and re.search(r"[a-z]", re.sub(r"%\(\w+\)s", "", bare)):
                found[bare] = f"{place}.{name}"
    return _filled(found, _OF_ROSTER)


def _literals(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every text with a space in it that a function holds, but for what describes it."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        told = ast.get_docstring(function, clean=False)
        joined = (node for node in ast.walk(function) if isinstance(node, ast.JoinedStr))
        parts = {id(part) for node in joined for part in node.values}
        for node in ast.walk(function):
            said = template_of(node) if isinstance(node, ast.expr) and id(node) not in parts else None
            if said and said != told and " " in said:
                yield said, function.name


def renumbered(said: str) -> str:
    """The same with its values counted from one."""
    names = iter(_NAMES)
    return re.sub(r"%\(\w+\)s", lambda _found: f"%({next(names)})s", said)


def raised() -> dict[str, str]:
    """What services and rules raise, as their code has it."""
    functions = _functions()
    return {
        said: f"{key[0]}.{key[1]}"
        for key in _reached(functions)
        for node in _said(functions[key][0])
        if (said := template_of(node)) and said not in _WORDED_ANEW
    } | {
        (error.__doc__ or "").strip(): error.__name__
        for error in _leaves()
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR
    }


def of_states() -> set[str]:
    """The raised sentences in which a state of something is filled in."""
    functions = _functions()
    nodes = [node for key in _reached(functions) for node in _said(functions[key][0])]
    return {
        template_of(node) or ""
        for node in nodes
        if isinstance(node, ast.JoinedStr) and re.search(r"\.(state|status)\b", ast.unparse(node))
    }


def template_of(node: ast.expr) -> str | None:
    """The sentence that an expression makes; None for what is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    said, names = "", iter(_NAMES)
    for part in node.values:
        said += str(part.value) if isinstance(part, ast.Constant) else f"%({next(names)})s"
    return said


def _leaves() -> list[type[errors.CismError]]:
    found, left = [], [errors.CismError]
    while left:
        one = left.pop()
        left += one.__subclasses__()
        found.append(one)
    return [one for one in found if one.__module__ == errors.__name__]


def _functions() -> dict[_Function, tuple[ast.AST, dict[str, _Function | str]]]:
    """Every function and method, with what the names of its module mean."""
    found: dict[_Function, tuple[ast.AST, dict[str, _Function | str]]] = {}
    for pattern in _PLACES:
        for path in sorted(ROOT.glob(pattern)):
            tree = ast.parse(path.read_text())
            module, names, place = path.stem, _imported(tree), str(path.parent.relative_to(ROOT))
            defined = [
                node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            names |= {node.name: (module, node.name) for node in defined}
            tables = {name: node for node in tree.body for name in _assigned(node)}  # which hold functions
            names |= {name: (module, name) for name in tables}
            found |= {(f"{place}/{module}", name): (node, names) for name, node in tables.items()}
            found |= {(f"{place}/{module}", node.name): (node, names) for node in defined}
    return found


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _imported(tree: ast.Module) -> dict[str, _Function | str]:
    found: dict[str, _Function | str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("cism."):
            continue
        whole = node.module in {"cism.services", "cism.domain", "cism.web.pages"}
        for one in node.names:
            module = (node.module or "").rpartition(".")[2]
            found[one.asname or one.name] = one.name if whole else (module, one.name)
    return found


def _reached(functions: dict[_Function, tuple[ast.AST, dict[str, _Function | str]]]) -> set[_Function]:
    by_name: dict[_Function, list[_Function]] = {}
    for place, name in functions:
        by_name.setdefault((place.rpartition("/")[2], name), []).append((place, name))
    left = [key for key in functions if key[0].startswith("cism/web/pages")]
    seen = set(left)
    while left:
        node, names = functions[left.pop()]
        for wanted in _used(node, names):
            for key in by_name.get(wanted, []):
                if key not in seen:
                    seen.add(key)
                    left.append(key)
    return {key for key in seen if not key[0].startswith("cism/web/pages")}


def _used(node: ast.AST, names: dict[str, _Function | str]) -> Iterator[_Function]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(found := names.get(one.id), tuple):
            yield found
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            module = names.get(one.value.id)
            yield (module, one.attr) if isinstance(module, str) else ("", "")


def _said(node: ast.AST) -> Iterator[ast.expr]:
    """`message = …` that is raised as a refusal of ours in the same function."""
    ours = {one.__name__ for one in _leaves()}
    raised = {
        arg.id
        for one in ast.walk(node)
        if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call)
        if isinstance(one.exc.func, ast.Name) and one.exc.func.id in ours
        for arg in one.exc.args
        if isinstance(arg, ast.Name)
    }
    for one in ast.walk(node):
        if (
            isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and one.targets[0].id in raised
        ):
            yield one.value
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in ours and one.args:
            yield one.args[0]
