"""Languages of an installation: those that come with it, and folders of its own in CISM_HOME.

A language has three parts, and is in use only with all of them: texts that keep every promise, a lexicon of
its own for crisis words and opt-outs, and a labelled set by which that lexicon is proved. All lexicons in use
read every text that comes in, whatever language its sender is enrolled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from cism.domain.labelled import lacking, misread, parse_labelled, shipped_labelled
from cism.domain.lexicon import Lexicon, lexicon_from, shipped_lexicons
from cism.domain.yaml_lines import plain_yaml
from cism.errors import BadInput, ConfigurationError
from cism.services import own_rules
from cism.settings import Settings
from cism.store.db import Database
from notifications import languages as spoken
from notifications.languages import Language, LanguageInvalid, read_language
from notifications.lint import lint_language

FOLDER: Final = "languages"
_ALSO: Final = ("lexicon.yaml", "labelled.yaml")
_used: dict[str, Lexicon] = {}


class LanguageRefused(BadInput):
    """This language cannot be used."""

    problem = "language-refused"


@dataclass(frozen=True, slots=True)
class Proved:
    """A language that may be used, and by how much it was proved."""

    language: Language
    lexicon: Lexicon
    labelled: int


def open_database(settings: Settings) -> Database:
    """The database of these settings, with the installation's own languages, types and protocols in use.

    Raises ConfigurationError, which says what is wrong, where one of them cannot be used: people would get
    texts that nobody proved, or cries for help that nobody understands.
    """
    use_installed(settings.home)
    own_rules.use_installed(settings.home)
    return Database.from_settings(settings)


def use_installed(home: Path) -> None:
    """Use the languages in CISM_HOME/languages from now on, beside the shipped ones."""
    proved = []
    for folder in _folders(home):
        try:
            proved.append(_proved(folder, _stamp(folder)))
        except LanguageRefused as error:
            message = (
                f"the language in {folder} cannot be used: {'; '.join(error.errors[:3])}. "
                f"`cism languages check {folder}` lists all of it; or take the folder away"
            )
            raise ConfigurationError(message) from error
    spoken.enable({one.language.tag: one.language for one in proved})
    _used.clear()
    _used.update({one.language.tag: one.lexicon for one in proved})


def lexicons() -> tuple[Lexicon, ...]:
    """The lexicons of every language in use."""
    return (*shipped_lexicons(), *_used.values())


def in_use(tag: str) -> bool:
    """Whether somebody who reads this language gets texts in it."""
    return spoken.spoken_in(tag).tag == tag.partition("-")[0] or tag in spoken.known()


def prove(folder: Path) -> Proved:
    """Read and prove a language from its folder. Raises LanguageRefused with everything that is wrong."""
    try:
        language = read_language(folder)
    except LanguageInvalid as error:
        raise LanguageRefused(str(error), errors=error.problems) from error
    with spoken.enabled({language.tag: language}):  # its templates include one another
        problems = [str(finding) for finding in lint_language(language)]
    if language.tag in spoken.shipped():
        problems.append(
            f"{language.tag} comes with the product; give yours another tag, like {language.tag}-US"
        )
    try:
        lexicon = lexicon_from(_yaml(folder / _ALSO[0]), str(folder / _ALSO[0]))
        rows = parse_labelled(_text(folder / _ALSO[1]), language.tag, str(folder / _ALSO[1]))
    except BadInput as error:
        problems += error.errors or [str(error)]
        raise LanguageRefused("; ".join(problems), errors=problems) from error
    problems += _doubts(language, lexicon)
    problems += [f"{folder / _ALSO[1]}: {lack}" for lack in lacking(rows)]
    problems += misread(rows, (*shipped_lexicons(), lexicon))
    if problems:
        raise LanguageRefused("; ".join(problems), errors=problems)
    return Proved(language, lexicon, len(rows))


def prove_shipped() -> Mapping[str, list[str]]:
    """What is wrong with the languages that come with the product, by tag; empty lists where nothing is."""
    return {
        tag: [*map(str, lint_language(language)), *misread(shipped_labelled(tag), shipped_lexicons())]
        for tag, language in spoken.shipped().items()
    }


def _doubts(language: Language, lexicon: Lexicon) -> list[str]:
    tag = lexicon.language
    return [] if tag == language.tag else [f"the lexicon is of {tag}, the texts are of {language.tag}"]


def _folders(home: Path) -> list[Path]:
    folder = home / FOLDER
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What a folder holds, so that it is proved again only when something changed."""
    return tuple(
        (path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.iterdir())
    )


@cache
def _proved(folder: Path, _stamp: tuple[tuple[str, int, int], ...]) -> Proved:
    return prove(folder)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read; every language has one, in UTF-8"
        raise BadInput(message) from error


def _yaml(path: Path) -> Mapping[str, object]:
    try:
        found = plain_yaml(_text(path))
    except yaml.YAMLError as error:
        message = f"{path} is not YAML; quote phrases with a colon"
        raise BadInput(message) from error
    return found if isinstance(found, dict) else {}
