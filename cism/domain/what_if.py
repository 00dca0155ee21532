"""What a large incident is assumed to be like: how many people, who answers what, which sender, which prices.

Nothing here is known. Each figure stands in a data file with its basis, and is told with every result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cism.domain.suggestions import nearest_hint
from cism.domain.yaml_lines import read_yaml
from cism.errors import BadInput

_FILE: Final = "what_if.yaml"
_GIVEN: Final = re.compile(r"([a-z_]+)=([a-z0-9.-]+%?)")
Share = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]


class _Figure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SenderClass(_Figure):
    """A class of number to send from: segments a second, and what a carrier takes a day."""

    rate: Positive
    price: Annotated[float, Field(ge=0)]  # a segment
    surcharge: Annotated[float, Field(ge=0)]  # a segment, the carriers' own
    per_day: Annotated[int, Field(gt=0)] | None = None  # segments to people of the capped carrier
    capped_share: Share = 0


class Assumed(_Figure):
    """Who there is and what they do. Shares are percent of those who were asked."""

    affected: Annotated[int, Field(ge=1, le=20_000)]
    decline: Share  # helpers who pass
    sender: str
    fine: Share
    call: Share
    now: Share
    end: Share
    keep: Share


class Work(_Figure):
    """How long helpers work, in minutes a case and hours a day."""

    call_minutes: Positive
    peer_hours: Positive
    clinician_minutes: Positive
    clinician_hours: Positive
    reply_minutes: Positive


class WhatIf(_Figure):
    """All assumptions of one calculation."""

    as_of: str
    currency: str
    senders: Mapping[str, SenderClass]
    assumed: Assumed
    work: Work

    @property
    def sender(self) -> SenderClass:
        """The class of number that is sent from."""
        return self.senders[self.assumed.sender]

    def told(self) -> str:
        """Every assumption in one line."""
        figures = {**self.assumed.model_dump(), **self.work.model_dump(), **self.sender.model_dump()}
        return ", ".join(
            f"{name}={value:g}" for name, value in figures.items() if isinstance(value, float | int)
        )


@cache
def assumptions() -> WhatIf:
    """The assumptions that come with the product."""
    text = resources.files("cism.domain").joinpath("data", _FILE).read_text(encoding="utf-8")
    return WhatIf.model_validate(read_yaml(text).value)


def parse_what_if(given: str) -> WhatIf:
    """`affected=2000,decline=30%,sender=10dlc-low` on top of what is assumed otherwise.

    Raises BadInput for what is not known or not possible.
    """
    usual = assumptions()
    changed: dict[str, Any] = {}
    for part in filter(None, map(str.strip, given.split(","))):
        match = _GIVEN.fullmatch(part)
        name = match[1] if match else part
        if match is None or name not in Assumed.model_fields:
            message = f"{part!r}: {nearest_hint(name, Assumed.model_fields)} e.g. affected=2000,decline=30%"
            raise BadInput(message)
        changed[name] = match[2].removesuffix("%")
    try:
        assumed = Assumed.model_validate({**usual.assumed.model_dump(), **changed})
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{first['loc'][0]}={first['input']}: {first['msg']}"
        raise BadInput(message) from None
    if assumed.sender not in usual.senders:
        message = f"sender={assumed.sender}: {nearest_hint(assumed.sender, usual.senders)}"
        raise BadInput(message)
    if assumed.fine + assumed.call + assumed.now + assumed.end > 100:
        message = "fine, call, now and end are shares of the same check-ins: together at most 100%"
        raise BadInput(message)
    return usual.model_copy(update={"assumed": assumed})
