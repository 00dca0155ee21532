"""What a handful of due steps is about, read at once and kept while they are performed.

Thousands of check-ins may fall due in the same minute; to read the same incident, agency and helper again for
each of them costs more than deciding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind
from cism.services import people
from cism.store.tables import Agency, Incident, Step

_OF_ONE_PERSON = frozenset(
    {StepKind.CONTACT, StepKind.CONTACT_REMINDER, StepKind.OPT_IN, StepKind.CONFIRM_PHONE}
)


@contextmanager
def gathered(session: Session, steps: Sequence[Step]) -> Iterator[None]:
    """Rows that the steps need, in the session as long as the block lasts; a session alone forgets them.

    Steps that begin by holding their person find them held: all at once and in one order, so that two
    performers do not wait for each other.
    """
    about = [step for step in steps if step.kind in _OF_ONE_PERSON]
    if len(about) < 2:
        yield
        return
    wanted = {step.incident_id for step in about if step.incident_id}
    incidents = session.scalars(select(Incident).where(Incident.id.in_(wanted))).all()
    helpers = {one.peer_id for row in incidents for one in row.affected if one.peer_id}
    rows = people.by_ids(session, helpers)
    agencies = session.scalars(select(Agency)).all()
    with people.held(session, {step.person_id for step in about if step.person_id}):
        yield
    del incidents, rows, agencies  # only now: the session keeps what somebody else holds
