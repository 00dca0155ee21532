"""Each night those who answer for an agency are told that nobody whom it looks after is forgotten.

The text waits for the reader's own open hours. Whoever was found without a next step has one from then on: an
item of the human queue, which goes up a ladder where nobody handles it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import next_open
from cism.services import crew_list, events, ledger, outbox, people, queue, unsent, words
from cism.services.ledger import Line
from cism.store.tables import Incident, Outbox
from notifications import messages as m

NO_NEXT_STEP = "no_next_step"  # the kind of the item
SEEN_WITHIN = timedelta(hours=12)  # design: within the day that follows
_STALE = timedelta(hours=24)  # then the next night has spoken


def attest(session: Session, now: datetime) -> None:
    """One event an agency that looks after somebody, one text to each of its coordinators.

    A list that nobody knows counts as one person without a next step: it has an item and its clock already.
    """
    lines, unknown = _by_agency(session), Counter(agency for _, agency in crew_list.unknown(session))
    for agency in sorted({*lines, *unknown}):
        found = lines.get(agency, [])
        for line in found:
            if line.forgotten:
                _find_somebody(session, line, now)
        kept = sum(line.step is not None for line in found)
        lost = sum(line.forgotten for line in found) + unknown[agency]
        events.record(session, "ledger.attested", now, before=str(kept + lost), after=str(lost))
        if kept or lost:
            _tell(session, agency, kept + lost, lost, now)


def _by_agency(session: Session) -> dict[str, list[Line]]:
    lines = ledger.lines(session)
    wanted = {line.incident_id for line in lines}
    agencies = {
        id_: agency for id_, agency in session.execute(select(Incident.id, Incident.agency)) if id_ in wanted
    }
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[agencies[line.incident_id]].append(line)
    return found


def _find_somebody(session: Session, line: Line, now: datetime) -> None:
    """From here on a human has them; told with all the others in the morning, and not in the night."""
    queue.add(
        session,
        NO_NEXT_STEP,
        now=now,
        within=SEEN_WITHIN,
        person=people.get(session, line.person_id),
        incident_id=line.incident_id,
        tell=False,
    )


def _tell(session: Session, agency: str, looked_after: int, lost: int, now: datetime) -> None:
    stem = f"attestation:{agency}:"
    for reader in unsent.coordinators(session, agency):
        message = m.Attestation(
            agency=words.agency_name(session, agency), people=looked_after, forgotten=lost
        )
        mine = f"{stem}{now.date().isoformat()}:{reader.id}"
        # after days in which nothing left, nobody reads how it stood a night ago beside how it stands
        about = Outbox.key.startswith(stem, autoescape=True)
        outbox.supersede(session, mine, message, person_id=reader.id, about=about)
        words.put(
            session,
            message,
            mine,
            now,
            reader,
            not_before=next_open(now, reader.zone, SleepWindow(reader.sleep_start, reader.sleep_end)),
            expires_at=now + _STALE,
        )
