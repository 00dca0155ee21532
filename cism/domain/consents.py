"""What people consent to, in the words they were shown, and the notice of the limits of confidentiality."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from cism.domain.people import Role
from cism.domain.yaml_lines import plain_yaml
from cism.errors import BadInput

WORDING: Final = "2026-11"
MOST_LETTERS: Final = 8_000  # of a notice: a page that somebody reads


class Purpose(StrEnum):
    """What texts are for; each is consented to by itself (domain.md 7.6)."""

    PAGES = "pages"
    CARE = "care"


class How(StrEnum):
    """How a consent came, or was taken back."""

    ATTESTED = "attested"  # the roster's keeper says so
    PAGE = "page"
    TEXT = "text"


WORDINGS: Final[Mapping[str, Mapping[Purpose, str]]] = MappingProxyType(
    {
        "2026-11-en": MappingProxyType(
            {
                Purpose.PAGES: (
                    "As a helper I agree to texts and calls from this programme that ask me to help or tell "
                    "me about work I took, at any hour that the rules allow, as often as they are needed."
                ),
                Purpose.CARE: (
                    "I agree to texts from this programme that ask how I am after an incident: about six "
                    "in three months for each incident, in my waking hours."
                ),
            }
        ),
        "2026-11-es": MappingProxyType(
            {
                Purpose.PAGES: (
                    "Como ayudante acepto mensajes y llamadas de este programa que me piden ayuda o me "
                    "informan del trabajo que tomé, a cualquier hora que permitan las reglas, tantas veces "
                    "como haga falta."
                ),
                Purpose.CARE: (
                    "Acepto mensajes de este programa que me preguntan cómo estoy después de un incidente: "
                    "unos seis en tres meses por cada incidente, en mis horas de vigilia."
                ),
            }
        ),
    }
)
"""By version and language, never changed: a consent names the version that was shown."""

ALWAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": (
            "It is my choice. I can take it back here, or by texting STOP; HELP brings a person. "
            "My carrier may charge for texts. Taking it back is told to nobody in command."
        ),
        "es": (
            "Es mi decisión. Puedo retirarla aquí, o enviando STOP; con HELP llega una persona. "
            "Mi operador puede cobrar los mensajes. Que la retire no se le dice a nadie del mando."
        ),
    }
)
_ASKED_FOR_NO_HELP: Final = frozenset({Role.RESPONDER, Role.SUPERVISOR, Role.ADMIN})


def wording(language: str) -> str:
    """The present version in this language; in English where there is no other."""
    return f"{WORDING}-{language}" if f"{WORDING}-{language}" in WORDINGS else f"{WORDING}-en"


def always(language: str) -> str:
    """What every consent says beside its purpose."""
    return ALWAYS.get(language, ALWAYS["en"])


def purposes(roles: Collection[Role]) -> tuple[Purpose, ...]:
    """What somebody with these roles may be texted for: only helpers are asked to help."""
    helper = bool(set(roles) - _ASKED_FOR_NO_HELP)
    return tuple(Purpose) if helper else (Purpose.CARE,)


@cache
def shipped_notice(language: str) -> tuple[str, str]:
    """The notice that comes with the product: its version and words; in English where there is no other."""
    path = files("cism.domain") / "data" / "limits_of_confidentiality.yaml"
    told = plain_yaml(path.read_text(encoding="utf-8"))
    return f"{told['version']}-{language}" if language in told["texts"] else f"{told['version']}-en", str(
        told["texts"].get(language, told["texts"]["en"])
    )


def checked_notice(text: str) -> str:
    """An agency's own notice as it will be shown. Raises BadInput where it is empty or too long to read."""
    if not text.strip():
        message = "the notice is empty: write what somebody has to know before they begin"
        raise BadInput(message)
    if len(text) > MOST_LETTERS:
        message = f"the notice is too long: at most {MOST_LETTERS} letters, so that it is read"
        raise BadInput(message)
    return text
