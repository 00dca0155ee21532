"""Posted forms: bounded, decoded, and only from a page of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from cism.errors import BadInput
from cism.web.pages.cookies import FORM_FIELD, check_form
from cism.web.words import _

_MOST_FIELDS: Final = 12_000


class Form:
    """The fields of one form."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def one(self, name: str) -> str:
        """A field's text without spaces around it; empty where it is missing."""
        return self._values.get(name, [""])[0].strip()

    def many(self, name: str) -> list[str]:
        """Every value of a field that may be given more than once."""
        return list(dict.fromkeys(self._values.get(name, [])))


async def posted(request: Request) -> Form:
    """Read a form, or refuse it."""
    try:
        pairs = parse_qsl(
            (await request.body()).decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        message = _("This form cannot be read. Open the page again and send it once more.")
        raise BadInput(message) from None
    form = Form([(name, value.replace("\x00", "")) for name, value in pairs])
    await check_form(request, form.one(FORM_FIELD))
    return form
