"""What a proof of protocols needs beyond the protocol: the texts it sends, in every language, and the clocks
of the world's zones as this machine knows them.

The texts are the same under every protocol, so they are proved once and told with each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import available_timezones

from cism.domain.proof_days import unlike
from cism.services.languages import FOLDER
from notifications import languages as spoken
from notifications.gsm import SINGLE_GSM7, units
from notifications.languages import Language, LanguageInvalid, read_language
from notifications.lint import Finding, Rule, lint_language, variants
from notifications.messages import MESSAGE_CLASSES
from notifications.render import render

LOOKED_AHEAD: Final = timedelta(days=2 * 366)  # the anniversary of what happens within a year
_MEND: Final = MappingProxyType(
    {
        Rule.FILE: "write the template, or take the file away",
        Rule.TEMPLATE: "use the fields of its kind, as the English template does",
        Rule.ALPHABET: "write plain letters of the GSM-7 alphabet",
        Rule.LENGTH: f"shorten it to {SINGLE_GSM7} with the longest values",
        Rule.BANNED_WORD: "use a word that tells a bystander nothing",
        Rule.PREVIEW: "put it behind what a locked screen shows",
        Rule.CARRIER_WORD: "carriers act on that word by themselves; use another, and ask for digits",
        Rule.DIGIT: "offer the digits of its kind, each in its one meaning",
        Rule.ADDRESS: "use the field for the link",
        Rule.LINK: "leave room for the link",
        Rule.CODE: "show the code",
        Rule.FIRST_CONTACT: "say who writes, that peers run it, and of command what is attested",
    }
)


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What was found out about the texts."""

    languages: tuple[str, ...]
    kinds: int
    rendered: int  # texts that were written out, with the longest values in every field
    longest: int  # GSM-7 units of the longest of them
    problems: list[str] = field(default_factory=list)


def prove_texts(home: Path) -> TextFacts:
    """Write out every text as long as it can be, in every language: shipped ones, and the own in `home`."""
    problems: list[str] = []
    tags, rendered, longest = [], 0, 0
    for folder, read in _folders(home):
        try:
            language = read_language(folder)
        except LanguageInvalid as error:
            problems += [_at_a_line(line) for line in error.problems]
            continue
        with spoken.enabled({} if read else {language.tag: language}):
            findings = lint_language(language)
            problems += [_placed(language, finding) for finding in findings]
            if not findings:
                sizes = list(_sizes(language.tag))
                rendered, longest = rendered + len(sizes), max(longest, *sizes)
        tags.append(language.tag)
    return TextFacts(tuple(tags), len(MESSAGE_CLASSES), rendered, longest, problems)


def prove_zones(now: datetime) -> tuple[int, list[str]]:
    """How many zones this machine knows, and what they do to their clocks that no proof stands for."""
    zones = sorted(available_timezones())
    found = [text for zone in zones for text in unlike(zone, now, now + LOOKED_AHEAD)]
    mend = "no window is proved for that; update this program, or its time zones"
    return len(zones), [f"{text}: {mend}" for text in found]


def _folders(home: Path) -> Iterator[tuple[Path, bool]]:
    """The folder of every language, and whether it comes with the product."""
    yield from ((language.folder, True) for language in spoken.shipped().values())
    own = home / FOLDER
    yield from ((path, False) for path in (sorted(own.iterdir()) if own.is_dir() else ()) if path.is_dir())


def _sizes(tag: str) -> Iterator[int]:
    for message_class in MESSAGE_CLASSES.values():
        yield from (units(render(message, tag)) for message in variants(message_class))


def _placed(language: Language, finding: Finding) -> str:
    """A finding as file, line, what is wrong, and what to write instead."""
    kind = finding.template.partition("/")[2]
    path = language.folder / f"{kind}.txt.j2"
    return f"{path}:{_line(path, finding.detail)}: {finding.rule}: {finding.detail}; {_MEND[finding.rule]}"


def _line(path: Path, detail: str) -> int:
    """The line on which the first word of the detail stands; the first where it is about the whole text."""
    if not path.is_file():
        return 1
    word = detail.split()[0].lower()
    lines = path.read_text(encoding="utf-8").lower().splitlines()
    return next((number for number, line in enumerate(lines, 1) if word in line), 1)


def _at_a_line(problem: str) -> str:
    """`words.yaml: key: what` with the line on which the key stands."""
    name, key, what = (part.strip() for part in problem.split(":", 2))
    path = Path(name)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    written = f"{key.split('.')[0]}:"
    found = (number for number, line in enumerate(lines, 1) if line.startswith(written))
    return f"{name}:{next(found, 1)}: {key}: {what}"
