"""Ninety days of a department in which everything that anybody could name is marked.

The real engine, courier, gateway, webhooks and phone wall; the movable clock from one due moment to the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.escalation import EscalationState
from cism.domain.sensitive_dates import DateKind
from cism.services import escalations, meetings, people, queue, response, sensitive_dates
from cism.store.db import now
from cism.store.tables import Escalation, GroupSession, Question
from tests.stories.harness import Story
from tests.stories.places import NOON
from tests.stories.roster import Cast

SURNAME = "Quillfeáthermark"
WORDS = "zanzibarquagga tonight and nobody else writes this"
CRISIS = "xylophonequagga I want to kill myself"
HANDED_TO = "Dispatcher Oxbowquagga"
STRANGER = "+12125550199"
BIRTHDAY = date(2027, 5, 19)  # no day on which anything else happens
AFFECTED = ("ann", "ben", "cyd", "dov", "eve")
DAYS = 91
_WAITS_FOR_NOBODY = ("escalation", "welfare")
_BUSY = 12  # days on which people look every day; later once a week, and when somebody wrote
_ANSWERS = {
    "page": "1",
    "contact_report": "4",
    "escalation": "1",
    "welfare": "1",
    "approval": "1",
    "turn": "1",
    "hand_off": "4",
    "report": "4",
    "offers": "1",
    "invitation": "1",
    "opt_in": "1",
}


def marked_cast() -> Cast:
    """Everybody, with a mark in every field of the roster."""
    cast = Cast()
    staff = {"cora": "coordinator", "clint": "clinician", "dina": "clinical_director"}
    staff |= {f"pia{number}": "peer" for number in range(4)}
    for key, roles in (staff | dict.fromkeys(AFFECTED, "responder")).items():
        cast.add(
            f"QX7ROSTER{key}",
            roles=roles,
            name=f"{key.title()}zebrine {SURNAME}",
            email=f"{key}zebrine@quaggamail.example",
            unit="Quaggaunit" if key in AFFECTED else f"Quaggaunit{key}",
            station=f"Quaggastation{key}",
            rank=f"Quaggarank{key}",
        )
    return cast


def canaries(cast: Cast) -> list[str]:
    """Whatever may stand nowhere but under seal."""
    found = [SURNAME, HANDED_TO, STRANGER, BIRTHDAY.isoformat(), *WORDS.split()[:1], *CRISIS.split()[:1]]
    for key, row in cast.rows.items():
        found += [key, row["name"], row["phone"], row["email"], row["unit"], row["station"], row["rank"]]
        found.append(row["name"].split()[0])
    return found


@dataclass
class Lived:
    """What came of it."""

    texts: int = 0
    answered: int = 0
    kinds: set[str] = field(default_factory=set)


SAID = (
    (1, "ann", "1"),
    (2, "ben", WORDS),
    (4, "cyd", "STOP"),
    (8, "dov", CRISIS),
    (9, "eve", "3"),
    (31, "ben", f"please stop texting Benzebrine {SURNAME}"),
    (60, "ann", f"2 {WORDS}"),
)
"""Who writes what, on which day."""
IN_TWO_DAYS = tuple((1 if day < 8 else 2, name, words) for day, name, words in SAID)
"""All of it, where ninety days would cost too much."""


def live(story: Story, days: int = DAYS, said: Iterable[tuple[int, str, str]] = SAID) -> Lived:
    """One grave incident and its ninety days: answers, silence, words, STOP, an escalation, a meeting."""
    lived = Lived()
    cast = story.cast
    story.begin(NOON)
    keys = {name: f"QX7ROSTER{name}" for name in AFFECTED}
    incident = story.log(
        "CHILD", *(f"{key}:B" for key in keys.values()), severity="S3", ended_at=NOON, protocol="cism-classic"
    )
    _humans(story, lived)
    story.act(response.accept, incident, by=story.person("QX7ROSTERcora").id, now=story.now())
    story.act(_keep_day, incident)
    story.say(STRANGER, WORDS)
    for day in range(1, days + 1):
        _half_a_day(story, lived)
        today = [(name, words) for when, name, words in said if when == day]
        for name, words in today:
            story.say(cast.phone(keys[name]), words)
        if today or day < _BUSY or day % 7 == 0:
            _humans(story, lived)
        _half_a_day(story, lived)
    lived.texts = len(story.arrivals)
    lived.kinds = {one.kind for one in story.arrivals}
    return lived


def _keep_day(session: Session, incident: str) -> None:
    sensitive_dates.add(session, incident, BIRTHDAY, DateKind.BIRTHDAY, hours=None, by=None, now=now(session))


def _half_a_day(story: Story, lived: Lived) -> None:
    """Helpers take what is escalated within two hours: left alone it is asked for again without end."""
    for _ in range(6):
        story.advance(hours=2)
        if story.rows(Question, Question.state == "open", Question.kind.in_(_WAITS_FOR_NOBODY)):
            _humans(story, lived)


def _humans(story: Story, lived: Lived) -> None:
    """Everybody answers what they are asked; whatever waits for a human is read and ended."""
    for row in story.rows(Question, Question.state == "open", Question.kind.in_(_ANSWERS)):
        digit = _ANSWERS[row.kind]
        number = " 4" if row.kind == "report" else ""
        phone = story.see(lambda session, who=row.person_id: people.get(session, who).phone)  # type: ignore[misc]
        story.say(phone or "", f"{digit} {row.code}{number}" if row.code else digit)
        lived.answered += 1
    story.act(_end_what_waits)
    story.run()


def _end_what_waits(session: Session) -> None:
    moment = now(session)
    for item in queue.open_items(session):
        queue.handle(session, item.id, by=None, now=moment)
    for row in session.scalars(select(Escalation).where(Escalation.state == EscalationState.ACKED)).all():
        outcome = f"handed_to_emergency_services:{HANDED_TO}" if row.welfare else "not_reached"
        escalations.close(session, row, people.get(session, row.acked_by or ""), outcome, moment)
    for meeting in session.scalars(select(GroupSession).where(GroupSession.state == "approved")).all():
        if meeting.ends_at is not None and meeting.ends_at < moment:
            meetings.held(session, meeting.id, 4, by=None, now=moment)


@contextmanager
def everything_logged(file: Path) -> Iterator[None]:
    """All that anybody logs, down to DEBUG, into a file; what handsets do over HTTP is the wall's."""
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s %(exc_text)s"))
    handler.addFilter(lambda record: not _of_a_handset_or_a_caller(record.getMessage()))
    root, ours = logging.getLogger(), logging.getLogger("cism")
    before = (root.level, list(ours.handlers), ours.propagate, ours.level)
    log.setup("DEBUG")
    ours.propagate = True
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        root.setLevel(before[0])
        ours.handlers, ours.propagate = before[1], before[2]
        ours.setLevel(before[3])


def _of_a_handset_or_a_caller(line: str) -> bool:
    """What the test's own clients say of their requests: to the phone wall, and to the application."""
    return "/wall/api/" in line or "http://cism.test/" in line
