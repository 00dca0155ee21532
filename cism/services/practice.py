"""Practice: an invented incident with invented people on the phone wall, and a clock that is moved by hand.

Only where no real phone can be reached and no time is real. What is played there is the product itself: the
same services, texts and deadlines, and not a copy of them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cism.domain.incident import Circle, Severity
from cism.domain.protocol import protocol_or_default
from cism.domain.roster_csv import parse_roster
from cism.errors import NotFound
from cism.services import agencies, apart, clockwork, engine, intake, rehearsal_incident, roster
from cism.services.intake import AffectedInput, IncidentInput
from cism.settings import Settings
from cism.store.db import now as product_now
from cism.store.tables import Agency, Incident, Outbox, Person

MOVES: Final = {
    "next": ("next",),
    "hour": ("advance", "1h"),
    "day": ("advance", "24h"),
    "week": ("advance", "168h"),
}
"""How far time may be moved at once: through each due moment on the way, as `cism clock` does."""

_CLOCK: Final = (sys.executable, "-c", "from cism.cli.main import app; app()", "clock")
_ENROLLED: Final = timedelta(days=90)  # so long ago the invented people confirmed their phones
_OCCURRED, _ENDED = timedelta(hours=2), timedelta(minutes=30)  # before the story begins
_STORY: Final = "sfa-follow-up.json"
_SECONDS: Final = 600.0  # a week of the largest story takes some thirty on a small machine


@dataclass(frozen=True, slots=True)
class Standing:
    """What time it is in the practice, what comes next, and how much was texted so far."""

    now: datetime
    next_due: datetime | None
    texts: int
    open_incidents: int


def refuse_unless_practice(settings: Settings) -> None:
    """Raise NotFound unless the clock is movable and no real phone is reached."""
    if settings.clock != "movable" or not settings.uses_wall:
        raise NotFound


def standing(session: Session) -> Standing:
    """Counts alone: nothing of anybody."""
    return Standing(
        product_now(session),
        engine.next_due(session),
        session.scalar(select(func.count()).select_from(Outbox)) or 0,
        session.scalar(select(func.count()).select_from(Incident).where(Incident.state == "open")) or 0,
    )


@dataclass(frozen=True, slots=True)
class Invented:
    """One of the story's people, as the file that comes with the product has them."""

    name: str
    number: str
    affected: bool
    roles: tuple[str, ...]


def cast(now: datetime) -> list[Invented]:
    """Whose phone is whose in the story; out of the file alone, so that it tells of nobody who lives."""
    story = _story()
    affected = {one["person_id"].rpartition(":")[2] for one in story["affected"]}
    rows = parse_roster(_sample(), today=now.date()).rows
    found = [
        Invented(row.name, row.phone, row.id in affected, tuple(sorted(role.value for role in row.roles)))
        for row in rows
        if row.agency == story["agency"] or row.id in affected
    ]
    return sorted(found, key=lambda one: (not one.affected, one.roles, one.name))


def _sample() -> str:
    return resources.files("cism.data").joinpath("sample_roster.csv").read_text(encoding="utf-8")


def _story() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        resources.files("cism.data.incidents").joinpath(_STORY).read_text(encoding="utf-8")
    )
    return found


def start_invented(session: Session) -> str:
    """Put the sample roster there, unless it is, and log an incident of its people; the reference.

    Raises BadInput where its numbers are somebody's of the real roster.
    """
    clockwork.refuse_unless_movable(session)
    now = product_now(session)
    story = _story()
    if session.get(Agency, story["agency"]) is None:
        before = set(session.scalars(select(Person.id)))
        roster.import_file(session, _sample(), now)
        invented = set(session.scalars(select(Person.id))) - before
        known = now - _ENROLLED
        session.execute(
            update(Person)
            .where(Person.id.in_(invented))
            .values(phone_confirmed_at=known, first_text_at=known)
        )
    affected = tuple(
        AffectedInput(person_id=one["person_id"], circle=Circle(one["circle"])) for one in story["affected"]
    )
    report = IncidentInput(
        type=story["type"],
        agency=story["agency"],
        severity=Severity(story["severity"]),
        occurred_at=now - _OCCURRED,
        ended_at=now - _ENDED,
        affected=affected,
    )
    return intake.log(session, report).ref


def start_own(session: Session, agency: str) -> str:
    """Log the usual incident with two responders of this agency's own roster; the reference.

    Raises BadInput for a roster without two.
    """
    clockwork.refuse_unless_movable(session)
    protocol = agencies.get(session, agency).protocol
    now = product_now(session)
    report = rehearsal_incident.usual(session, protocol_or_default(protocol), now, agency=agency)
    return intake.log(session, report).ref


async def move(settings: Settings, how: str) -> None:
    """Move time, in a process of its own that waits until all that it brings is done. Raises BadInput."""
    await apart.run(
        settings,
        (*_CLOCK, *MOVES[how]),
        seconds=_SECONDS,
        late="It took too long and was stopped; see `cism doctor`.",
        silent="The clock was not moved.",
        more={"CISM_CLOCK": settings.clock},
    )
