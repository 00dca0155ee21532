"""`cism languages`: which languages are in use, and the proof of one before anybody depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cism.cli import ground, show
from cism.cli.show import AsJson
from cism.domain.labelled import shipped_labelled
from cism.errors import CismError
from cism.services import languages
from notifications import languages as spoken

app = typer.Typer(help="The languages that people are texted in.", no_args_is_help=True)


@app.command("list")
def list_languages(as_json: AsJson = False) -> None:
    """Every language in use: those that come with the product, and the folders in CISM_HOME/languages."""
    with ground.unchecked():
        rows = [
            {"language": tag, "origin": "shipped" if tag in spoken.shipped() else str(language.folder)}
            for tag, language in spoken.known().items()
        ]
    columns = {"language": "Language", "origin": "Where from"}
    show.listing(rows, columns, title="Languages in use", empty="none", as_json=as_json)


@app.command("check")
def check(
    folder: Annotated[Path | None, typer.Argument(help="Without: those that come with the product.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove a language: its texts, its lexicon, and every text of its labelled set; 1 where one is wrong."""
    rows, errors = _one(folder) if folder else _shipped()
    if as_json:
        show.data({"languages": rows, "errors": errors})
    else:
        columns = {"language": "Language", "labelled": "Texts read as labelled"}
        if rows:
            show.table("Proved languages", columns, rows, "")
        for line in errors:
            show.line(line)
    if errors:
        message = f"{len(errors)} things are wrong. First: {errors[0]}"
        raise CismError(message)


def _one(folder: Path) -> tuple[list[dict[str, object]], list[str]]:
    try:
        proved = languages.prove(folder)
    except languages.LanguageRefused as error:
        return [], error.errors
    return [{"language": proved.language.tag, "labelled": proved.labelled}], []


def _shipped() -> tuple[list[dict[str, object]], list[str]]:
    found = languages.prove_shipped()
    good = [tag for tag, wrong in found.items() if not wrong]
    rows: list[dict[str, object]] = [
        {"language": tag, "labelled": len(shipped_labelled(tag))} for tag in good
    ]
    return rows, [line for wrong in found.values() for line in wrong]
