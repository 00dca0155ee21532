"""What must not be overlooked, on top of every page of somebody who may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from cism.domain.access import Act
from cism.services import escalation_desk
from cism.web.pages.who import Visitor
from cism.web.words import Said, _


@dataclass(frozen=True, slots=True)
class Banner:
    """One line that leads to what it tells of. It names nobody."""

    words: Said
    href: str


def _untaken(session: Session, visitor: Visitor) -> Banner | None:
    """Calls for help that nobody has taken: on every page of everybody who may see them."""
    count = escalation_desk.pressing(session, visitor.agency, visitor.roles, visitor.person_id)
    if not count:
        return None
    href = "/escalations" if visitor.may(Act.LIST_ESCALATIONS) else "/peer"
    if count == 1:
        return Banner(_("Somebody needs a call, and nobody has taken it."), href)
    return Banner(_("%(count)s people need a call, and nobody has taken these calls.", count=count), href)


_Source = Callable[[Session, Visitor], Banner | None]
SOURCES: Final[tuple[_Source, ...]] = (_untaken,)


def banners(session: Session, visitor: Visitor) -> list[Banner]:
    """All that this visitor must see now; each source decides by `visitor.may` and its own rows."""
    found = (source(session, visitor) for source in SOURCES)
    return [banner for banner in found if banner is not None]
