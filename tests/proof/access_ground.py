"""A department in which every kind of datum stands somewhere and is marked, and somebody for each relation.

R1 is looked after by P1, R2 by P2. R1 wrote in plain words and asked for a call, which P1 took; R2 wrote
words of the crisis lexicon, and K1 took that call; R4, whom nobody looks after, wrote too. R1 and R3 come to
the meeting that K1 leads. S3, P4 and C2 are staff who are affected themselves.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Relation
from cism.domain.people import Role
from cism.services import escalations, people, questions, response
from cism.store.db import now
from cism.store.states import SessionState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Escalation,
    GroupSession,
    Incident,
    Invitation,
    Offer,
    QueueItem,
)
from tests.conftest import START
from tests.proof import ground
from tests.proof.surfaces import Ground
from tests.web.conftest import ROSTER, Site, _row

MORE = "\n".join(
    [
        _row("S2", "Sid Command", "0131", "supervisor", unit="Command"),
        _row("S3", "Sue Struck", "0132", "responder;supervisor", unit="Command"),
        _row("P4", "Peg Struck", "0133", "responder;peer", unit="Marine"),
        _row("C2", "Con Struck", "0134", "responder;coordinator", unit="Desk"),
        _row("R4", "Rolf Alone", "0135", "responder", unit="Depot"),
        _row("A1", "Ada Admin", "0136", "admin", unit="Office"),
        "",
    ]
)
VIEWERS: dict[Relation, str] = {
    Relation.OWN: "R1",
    Relation.LOGGING_SUPERVISOR: "S1",
    Relation.COMMAND: "S2",
    Relation.ASSIGNED_PEER: "P1",
    Relation.OTHER_PEER: "P3",
    Relation.COORDINATOR: "C1",
    Relation.CLINICIAN_ASSIGNED: "K1",
    Relation.CLINICAL_DIRECTOR: "D1",
    Relation.ADMIN_HR_IA: "A1",
}
ROLES = {
    **{"R1": Role.RESPONDER, "R3": Role.RESPONDER, "S1": Role.SUPERVISOR, "S2": Role.SUPERVISOR},
    **{"S3": Role.SUPERVISOR, "P1": Role.PEER, "P3": Role.PEER, "P4": Role.PEER, "C1": Role.COORDINATOR},
    **{"C2": Role.COORDINATOR, "K1": Role.CLINICIAN, "D1": Role.CLINICAL_DIRECTOR, "A1": Role.ADMIN},
}
AFFECTED_STAFF = ("S3", "P4", "C2")
ON_LIST = ("R1", "R2", "R3", *AFFECTED_STAFF)
PLAIN_WORDS, CRISIS_WORDS, LOOSE_WORDS = "zanzibarquagga", "xylophonequagga", "ukulelequagga"
OWN_WORDS = "quincequagga"
HEADCOUNT, MINUTE = 37, 47


async def build(site: Site) -> Ground:
    """The department at one moment, with everything marked."""
    ground.settle(site.db, ROSTER.rstrip("\n") + "\n" + MORE)
    ref = (await site.log(affected=[{"person_id": key, "circle": "B"} for key in ON_LIST]))["ref"]
    made = Ground(site, {"ref": [ref]})
    ground.go_to(site, START + timedelta(minutes=1))
    for key in ("P1", "P2"):
        await ground.answer(site, key, "page", "1")
    ground.go_to(site, START + timedelta(minutes=40))
    with site.db.transaction() as session:
        _look_after(session, site)
    with site.db.transaction() as session:
        _meeting(session, site)
    await site.text("R1", "3")
    await ground.answer(site, "P1", "escalation", "1")
    await site.text("R1", f"{PLAIN_WORDS} at home")
    await site.text("R2", f"{CRISIS_WORDS} I want to kill myself")
    await site.text("R4", f"{LOOSE_WORDS} at home")
    ground.rest(site)
    with site.db.transaction() as session:
        _take(session, site)
    ground.rest(site)
    with site.db.transaction() as session:
        made.ids |= _ids(session, site)
    return made


def accept(site: Site) -> None:
    """C1 takes over: what the supervisor may see of the list is over."""
    with site.db.transaction() as session:
        incident = session.scalars(select(Incident)).one()
        response.accept(session, incident.id, by=site.id_of("C1"), now=now(session))
    ground.rest(site)


def _look_after(session: Session, site: Site) -> None:
    for row in session.scalars(select(AffectedPerson)):
        row.peer_id = site.id_of("P1" if row.person_id in {site.id_of("R1"), site.id_of("P4")} else "P2")


def _meeting(session: Session, site: Site) -> None:
    """One that was approved, at a minute at which nothing else happens, and one that was held."""
    incident = session.scalars(select(Incident)).one()
    at = now(session).replace(minute=MINUTE) + timedelta(days=1)
    session.add(
        coming := GroupSession(
            incident_id=incident.id,
            kind="defusing",
            state=SessionState.APPROVED,
            starts_at=at,
            ends_at=at + timedelta(hours=1),
            leader_id=site.id_of("K1"),
            team_size=2,
            group_key="one",
        )
    )
    session.add(
        GroupSession(
            incident_id=incident.id,
            kind="defusing",
            state=SessionState.HELD,
            starts_at=now(session),
            headcount=HEADCOUNT,
            team_size=2,
            group_key="two",
        )
    )
    session.add(
        proposed := GroupSession(
            incident_id=incident.id,
            kind="cisd",
            state=SessionState.PROPOSED,
            starts_at=at,
            team_size=2,
            group_key="three",
        )
    )
    session.flush()
    moment = now(session)
    questions.ask(
        session,
        person_id=site.id_of("K1"),
        kind="approval",
        now=moment,
        incident_id=incident.id,
        subject_id=proposed.id,
        deadline=moment + timedelta(days=1),
    )
    for key in ("R1", "R3"):
        session.add(Invitation(session_id=coming.id, person_id=site.id_of(key), state="coming"))


def _take(session: Session, site: Site) -> None:
    crisis = session.scalars(select(Escalation).where(Escalation.person_id == site.id_of("R2"))).one()
    escalations.acknowledge(session, crisis, people.get(session, site.id_of("K1")), now(session))


async def write_as_affected(site: Site) -> None:
    """Staff who are on the list ask for calls, and write, as anybody on it may."""
    await site.text("P4", "3")
    await site.text("C2", "3")
    await site.text("S3", "3")
    for key in AFFECTED_STAFF:
        await site.text(key, f"{OWN_WORDS} at home")
    ground.rest(site)


def _ids(session: Session, site: Site) -> dict[str, list[str]]:
    """What the parameters of routes, and the subjects of links, can be."""
    incident = session.scalars(select(Incident.id)).one()
    tables = {"escalation": Escalation, "queue": QueueItem, "assignment": Assignment, "turn": Offer}
    ids = {name: list(session.scalars(select(table.id))) for name, table in tables.items()}  # type: ignore[attr-defined]
    meetings = list(
        session.scalars(select(GroupSession.id).where(GroupSession.state == SessionState.APPROVED))
    )
    ids |= dict.fromkeys(("approval", "report", "invitation", "session", "meeting"), meetings)
    ids |= {name: [incident] for name in ("incident", "offers", "page")}
    ids["purpose"] = [*tables, "approval", "report", "session", "offers", "page"]
    ids["subject"] = list(dict.fromkeys(one for name in ids["purpose"] for one in ids[name]))
    return ids | {"glass_id": ["0" * 20], "secret": ["0" * 12], "item_id": ids["queue"]}
