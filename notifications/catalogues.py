"""Sentences in other languages, from gettext files (.po), and which language a browser asks for."""

import io
from collections.abc import Iterable
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def read(paths: Iterable[Path], tag: str) -> Catalog:
    """Files of one language as one."""
    whole = Catalog(locale=tag)
    for path in paths:
        with path.open("rb") as file:
            for message in read_po(file, locale=tag):
                if message.id:
                    whole.add(message.id, message.string)
    return whole


def compiled(whole: Catalog) -> GNUTranslations:
    """What a page looks its sentences up in."""
    made = io.BytesIO()
    write_mo(made, whole)
    made.seek(0)
    return GNUTranslations(made)


def wished(accepted: str) -> list[str]:
    """The languages of an Accept-Language header without their regions, the most wanted first."""
    found = []
    for place, part in enumerate(accepted.split(",")):
        tag, _sep, weight = part.partition(";")
        found.append((-_weight(weight), place, tag.strip().lower().partition("-")[0]))
    return [tag for _weight_, _place, tag in sorted(found)]


def _weight(written: str) -> float:
    try:
        return float(written.strip().removeprefix("q=")) if written.strip() else 1.0
    except ValueError:
        return 0.0
