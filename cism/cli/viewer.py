"""Who looks or acts: somebody given by `--as`, or the installation's owner with the coordinator's row.

What the access table does not grant is refused, and both what was done and what was refused is audited.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.cli import ground
from cism.domain.access import Access, Act, Datum, Relation, best_access, may_do, relations
from cism.domain.people import PersonStatus, Role
from cism.errors import BadInput, NotAllowed, NotFound
from cism.services import audit, intake, people
from cism.store.db import now as product_now
from cism.store.states import AssignmentState
from cism.store.tables import Agency, Assignment, Incident, Person

AsId = Annotated[
    str | None,
    typer.Option("--as", metavar="ID", help="Act as this person of the roster (ID or AGENCY:ID)."),
]
_GONE = frozenset({PersonStatus.RETIRED, PersonStatus.DECEASED})


@dataclass(slots=True)
class Viewer:
    """One person at a terminal; `person` None is the installation's owner."""

    session: Session
    now: datetime
    person: Person | None
    object_id: str | None = None
    _serving: frozenset[str] | None = None  # the incidents in which they serve as helpers

    @property
    def person_id(self) -> str | None:
        """The opaque id of whoever acts, None for the owner."""
        return self.person.id if self.person else None

    @property
    def roles(self) -> frozenset[Role]:
        """What they hold."""
        if self.person is None:
            return frozenset({Role.COORDINATOR})
        return frozenset(item.role for item in self.person.roles)

    def at_home(self, agency: str | None) -> bool:
        """Whether this is their own agency; the owner is at home everywhere."""
        return self.person is None or self.person.agency == agency

    def require(
        self, act: Act, agency: str | None, *, incident: Incident | None = None, took_it: bool = False
    ) -> None:
        """Refuse what the table does not grant them."""
        affected = incident is not None and self.is_affected(incident)
        same = self.at_home(agency) or took_it
        if may_do(self.roles, act, same_agency=same, affected=affected, took_it=took_it, at_terminal=True):
            return
        if affected:
            message = "you are on this incident's list: your deputy does this"
            raise NotAllowed(message)
        words = act.value.replace("_", " ")
        message = f"{self._called()} may not {words} of {agency or 'no agency'}; ask its coordinator"
        raise NotAllowed(message)

    def may(self, act: Act, agency: str | None, *, for_another: bool = False) -> bool:
        """Whether their roles grant an act in an agency; `for_another`: entered for whoever did it."""
        return may_do(self.roles, act, same_agency=self.at_home(agency), at_terminal=for_another)

    def is_affected(self, row: Incident) -> bool:
        """Whether they are on the incident's own list."""
        return self.person is not None and any(item.person_id == self.person.id for item in row.affected)

    def relations_to(self, row: Incident) -> frozenset[Relation]:
        """What they are to one incident."""
        if self.person is None:
            return frozenset({Relation.COORDINATOR})
        assigned = self._serves(row)
        if not self.at_home(row.agency) and not assigned and not self.is_affected(row):
            return frozenset()
        return relations(
            self.roles,
            affected=self.is_affected(row),
            logged=row.logged_by == self.person.id,
            assigned=assigned,
        )

    def sees(self, row: Incident, datum: Datum) -> bool:
        """Whether all of a datum may be shown."""
        return best_access(self.relations_to(row), datum) is Access.YES

    def incident(self, ref: str) -> Incident:
        """The incident by its reference; the same words whether it is not there or not theirs to know."""
        row = intake.by_ref(self.session, ref)
        self.object_id = row.id
        if not self.sees(row, Datum.INCIDENT_HEADER):
            message = f"there is no incident {ref!r}; `cism incidents` lists them"
            raise NotFound(message)
        return row

    def _serves(self, row: Incident) -> bool:
        if self._serving is None:
            found = self.session.scalars(
                select(Assignment.incident_id).where(
                    Assignment.peer_id == self.person_id, Assignment.state == AssignmentState.ACCEPTED
                )
            )
            self._serving = frozenset(found)
        return row.id in self._serving

    def _called(self) -> str:
        if self.person is None:
            return "the owner"
        return "a " + " and ".join(sorted(role.value.replace("_", " ") for role in self.roles))


@contextmanager
def acting(as_id: str | None, act: str, *, keep: bool = True) -> Iterator[Viewer]:
    """One transaction of one person: what they do in it and the audit row commit together.

    With `keep` false it is a dry run: everything but the audit row is thrown away at the end.
    """
    with ground.opened() as db:
        actor, viewer = _actor(None), None
        try:
            with db.transaction() if keep else db.thrown_away() as session:
                person = _person(session, as_id) if as_id else None
                actor = _actor(person)
                viewer = Viewer(session, product_now(session), person)
                yield viewer
                if keep:
                    audit.write(session, actor, f"cli {act}", viewer.object_id)
            if not keep:
                with db.transaction() as session:
                    audit.write(session, actor, f"cli {act} --dry-run", viewer.object_id)
        except (NotAllowed, NotFound):
            # in a transaction of its own: the refused one left nothing behind
            with db.transaction() as session:
                about = viewer.object_id if viewer else None
                audit.write(session, actor, f"cli {act}", about, allowed=False)
            raise


def _actor(person: Person | None) -> str:
    """How the audit log names them: an opaque id and the operating system's user."""
    return f"{person.id if person else 'owner'} {_system_user()}"[:60]


def somebody(session: Session, who: str, *, agency: str | None = None, option: str = "") -> Person:
    """A person by `ID` or `AGENCY:ID`; a bare id is looked for in `agency`, or on every roster."""
    named, _, roster_id = who.strip().rpartition(":")
    within = named or agency
    keys = [within] if within else list(session.scalars(select(Agency.key).order_by(Agency.key)))
    found = [row for key in keys if (row := people.by_roster_id(session, key, roster_id)) is not None]
    if not found:
        message = (
            f"nobody {who!r} is on the roster; {option}{' takes' if option else 'write'} ID or AGENCY:ID"
        )
        raise NotFound(message)
    if len(found) > 1:
        places = ", ".join(f"{row.agency}:{roster_id}" for row in found)
        message = f"{who!r} is on more than one roster: write one of {places}"
        raise BadInput(message)
    return found[0]


def _person(session: Session, as_id: str) -> Person:
    found = somebody(session, as_id, option="--as")
    if found.status in _GONE:
        message = f"{as_id!r} is not active any more and cannot act"
        raise NotAllowed(message)
    return found


def _system_user() -> str:
    """By the process's own user id: an environment variable could name anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
