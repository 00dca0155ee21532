"""Finds the sentences of refusals that a page can show: what services and rules raise that a page reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from http import HTTPStatus

from cism import errors
from cism.web.pages.templating import TEMPLATES

ROOT = TEMPLATES.parents[2]
_PLACES = ("cism/services", "cism/domain")
_NAMES = ("one", "two", "three", "four")
_Function = tuple[str, str]  # module, name


def sentences() -> dict[str, str]:
    """Every sentence, values as %(one)s and so on, and which function says it."""
    functions = _functions()
    return {
        said: f"{key[0]}.{key[1]}" for key in _reached(functions) for said in _said(functions[key][0])
    } | {
        (error.__doc__ or "").strip(): error.__name__
        for error in _leaves()
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR
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
    for place in (*_PLACES, "cism/web/pages"):
        for path in sorted((ROOT / place).glob("*.py")):
            tree = ast.parse(path.read_text())
            module, names = path.stem, _imported(tree)
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


def _said(node: ast.AST) -> Iterator[str]:
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
            said = template_of(one.value)
            if said:
                yield said
