"""What must not be overlooked, on top of every page of somebody who may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from cism.web.pages.who import Visitor
from cism.web.words import Said


@dataclass(frozen=True, slots=True)
class Banner:
    """One line that leads to what it tells of. It names nobody."""

    words: Said
    href: str


_Source = Callable[[Session, Visitor], Banner | None]
SOURCES: Final[tuple[_Source, ...]] = ()


def banners(session: Session, visitor: Visitor) -> list[Banner]:
    """All that this visitor must see now; each source decides by `visitor.may` and its own rows."""
    found = (source(session, visitor) for source in SOURCES)
    return [banner for banner in found if banner is not None]
