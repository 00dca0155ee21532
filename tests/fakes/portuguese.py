"""A third language as an agency would add it: a folder of data, and no line of code.

Its texts are the Spanish ones with some words exchanged, so that they keep up with new kinds of message; its
lexicon and its labelled set are its own.
"""

from __future__ import annotations

from pathlib import Path

from notifications.render import TEMPLATES

_WORDS = {
    '"es/': '"pt/',
    "language: es": "language: pt",
    "compañeros": "colegas",
    "No hace falta contestar": "Resposta opcional",
    "todo bien": "tudo bem",
    "llamame en estos dias": "me liga nestes dias",
    "llamame ya": "me liga agora",
    "llamame": "me liga",
    "no mas mensajes": "nada mais",
    ', 0 no mas"': ', 0 nada"',
    "{{ digits }} mensajes": "{{ digits }} mais",
    '"0": ["no "': '"0": ["no ", nada',
    "[lun, mar, mié, jue, vie, sab, dom]": "[seg, ter, qua, qui, sex, sab, dom]",
}

_OWN = Path(__file__).parent / "pt"
LEXICON = (_OWN / "lexicon.yaml").read_text(encoding="utf-8")
LABELLED = (_OWN / "labelled.yaml").read_text(encoding="utf-8")


def write(home: Path, **changed: str) -> Path:
    """The language's folder in an installation; `changed`: other contents by file (`lexicon_yaml`)."""
    folder = home / "languages" / "pt"
    folder.mkdir(parents=True)
    for source in (TEMPLATES / "es").iterdir():
        text = source.read_text(encoding="utf-8")
        for ours, theirs in _WORDS.items():
            text = text.replace(ours, theirs)
        (folder / source.name).write_text(text, encoding="utf-8")
    (folder / "lexicon.yaml").write_text(LEXICON, encoding="utf-8")
    (folder / "labelled.yaml").write_text(LABELLED, encoding="utf-8")
    for name, text in changed.items():
        (folder / name.replace("_yaml", ".yaml")).write_text(text, encoding="utf-8")
    return folder
