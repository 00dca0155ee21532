"""Finds every sentence of the pages, and every text of a template that is no sentence of the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import nodes

from cism.domain import receipt
from cism.domain.briefs import brief_of
from cism.domain.incident_types import load_incident_types
from cism.domain.interventions import CATALOGUE
from cism.domain.protocol import load_protocol, shipped_keys
from cism.web.pages.templating import TEMPLATES, environment
from tests.pages import refusals

WEB = TEMPLATES.parent
_MARKUP = re.compile(r"<[^>]*>|&\w+;")
_LETTERS = re.compile(r"[A-Za-z]{2}")


def templates() -> list[Path]:
    """All templates."""
    return sorted(TEMPLATES.rglob("*.html"))


def modules() -> list[Path]:
    """Every module of the web application."""
    return sorted(WEB.rglob("*.py"))


def of_template(path: Path) -> set[str]:
    """The sentences of one template, plural forms included."""
    found: set[str] = set()
    for _line, _function, message in environment().extract_translations(path.read_text()):
        found.update([message] if isinstance(message, str) else [one for one in message if one])
    return found


def of_module(path: Path) -> set[str]:
    """The sentences that a module says with `_("…")`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "_"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def of_interventions() -> set[str]:
    """What the briefs, and the facts of a decision, show of the catalogue of interventions."""
    found: set[str] = set()
    for element in CATALOGUE.values():
        found |= {element.title, element.what, *element.phases, *element.never, *element.preconditions}
        found |= {*element.contraindicated.values(), *element.afterwards}
    brief = brief_of(next(kind for kind, element in CATALOGUE.items() if element.is_group))
    assert brief is not None
    return found | set(brief.never)


def everything() -> dict[str, str]:
    """Every sentence, and a file that says it."""
    found = dict.fromkeys(of_interventions(), "interventions.yaml")
    for path in templates():
        found.update(dict.fromkeys(of_template(path), str(path.relative_to(WEB))))
    for path in modules():
        found.update(dict.fromkeys(of_module(path), str(path.relative_to(WEB))))
    return refusals.sentences() | found | dict.fromkeys(of_data(), "data")


def of_data() -> set[str]:
    """What stands in the product's own data and is shown; an agency's own kinds stay as it wrote them."""
    told = [load_protocol(key) for key in shipped_keys()]
    notes = {one.title for one in told} | {one.evidence_note for one in told}
    return (
        {one.label for one in load_incident_types().values()} | set(receipt.WHO) | set(receipt.Seen) | notes
    )


def bare(path: Path) -> list[str]:
    """What a template shows in English whatever the reader's language is."""
    shown = _MARKUP.sub("\n", "".join(_data(path.read_text())))
    return [text.strip() for text in shown.split("\n") if _LETTERS.search(text)]


def variable(path: Path) -> list[int]:
    """Lines where a template translates something else than a sentence of its own, which escapes nothing."""
    tree = environment().parse(path.read_text())
    return [
        call.lineno
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
        and call.node.name in {"_", "gettext"}
        and not (call.args and isinstance(call.args[0], nodes.Const))
    ]


def _data(source: str) -> Iterator[str]:
    """What stands outside of braces, in order; the words of a {% trans %} are sentences of the catalogue."""
    inside = False
    for _line, kind, text in environment().lex(source):
        if kind == "name" and text in {"trans", "endtrans"}:
            inside = text == "trans"
        elif kind == "data" and not inside:
            yield text
        elif kind in {"variable_begin", "block_begin"}:
            yield "\x00"
