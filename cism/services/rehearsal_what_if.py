"""What a large incident would ask of this roster's team and of one sender; reckoned, not performed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.domain.protocol import Protocol
from cism.domain.surge import Surge, Team, calculate
from cism.domain.what_if import WhatIf
from cism.errors import BadInput
from cism.services import choice, intake, people, rehearsal_ground, rehearsal_incident
from cism.services.rehearsal import Script
from cism.services.rehearsal_ground import Fill


def reckon(protocol: Protocol, script: Script, fill: Fill, given: WhatIf) -> Surge:
    """The incident of the script as if so many people had lived through it.

    Raises BadInput for a roster without a responder or a helper.
    """
    with rehearsal_ground.opened(script.start, fill) as (db, _), db.transaction() as session:
        report = script.report or rehearsal_incident.usual(session, protocol, script.start)
        row = intake.log(session, report)
        team = _team(session)
        if not team.responders or not team.helpers:
            message = "this roster has no responder or no peer; import one that has both"
            raise BadInput(message)
        return calculate(people.incident_snapshot(row), protocol, given, team)


def _team(session: Session) -> Team:
    """Everybody active: mutual aid counts, because an incident this large asks for it."""
    helpers = choice.roster(session)
    busy = {one.id for one in helpers}
    return Team(
        responders=[one for one in choice.roster(session, (Role.RESPONDER,)) if one.id not in busy],
        helpers=[one for one in helpers if one.consent_pages and not one.opted_out],
        clinicians=choice.roster(session, (Role.CLINICIAN,)),
    )
