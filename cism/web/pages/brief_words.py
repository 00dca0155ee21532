"""The leader's brief in the reader's language."""

from __future__ import annotations

from typing import Any, Final

from cism.domain.briefs import Brief
from cism.web.words import Said, _

_ROLES: Final = {
    "peer": _("peer"),
    "clinician": _("clinician"),
    "chaplain": _("chaplain"),
    "family peer": _("family peer"),
    "coordinator": _("coordinator"),
    "authority": _("somebody of the agency whose word on the facts is believed"),
}


def in_words(brief: Brief | None) -> dict[str, Any] | None:
    """What a template shows; every sentence of the catalogue of interventions is one of the pages'."""
    if brief is None:
        return None
    least, _to, most = brief.minutes.partition(" to ")
    return {
        "title": Said(brief.title),
        "what": Said(brief.what),
        "minutes": _("%(least)s to %(most)s", least=least, most=most) if most else least,
        "lead": [_ROLES.get(role, Said(role)) for role in brief.lead],
        "phases": [Said(words) for words in brief.phases],
        "never": [Said(words) for words in brief.never],
        "beforehand": [Said(words) for words in brief.beforehand],
        "not_while": [Said(words) for words in brief.not_while],
        "always": [Said(words) for words in brief.always],
        "afterwards": [Said(words) for words in brief.afterwards],
    }
