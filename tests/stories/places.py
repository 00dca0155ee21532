"""The small department that most stories play in."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.domain.plan import StepKind
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import AffectedPerson, Outbox, Step
from tests.stories.clock import at
from tests.stories.harness import Story
from tests.stories.roster import Cast

NEW_YORK = "America/New_York"
NOON = at("2026-03-03 12:00", NEW_YORK)
"""A Tuesday."""


def metro(*affected: str, peers: int = 4) -> Cast:
    """A coordinator, a clinician, a clinical director, some peers, and people who may be affected."""
    cast = Cast()
    cast.add("cora", roles="coordinator")
    cast.add("clint", roles="clinician")
    cast.add("dina", roles="clinical_director")
    for number in range(1, peers + 1):
        cast.add(f"peer-{number}", roles="peer")
    for key in affected or ("jordan",):
        cast.add(key)
    return cast


def local(text: str) -> datetime:
    """An instant by the clocks of this department."""
    return at(text, NEW_YORK)


def staff(story: Story) -> list[str]:
    """Everybody who is asked to help."""
    return [key for key, row in story.cast.rows.items() if row["roles"] != "responder"]


def quiet_staff(story: Story) -> None:
    """What the team is told so far is another story's matter."""
    for key in staff(story):
        story.phone(key).ignores()


def quiet_offers(story: Story) -> None:
    """What is offered beside the groups, and who looks after the team itself, is another story's matter."""
    for key in staff(story):
        story.phone(key).ignores("offers_due", "turn")


def report_calls(story: Story) -> None:
    """Every peer makes the calls they were asked for, and says so."""
    for key in staff(story):
        phone = story.phone(key)
        _leave_what_is_covered(story, key)
        while any(one.kind == "peer_task" for one in phone.unread()):
            phone.expects("peer_task").replies("4 {code}").expects("noted")


def _leave_what_is_covered(story: Story, key: str) -> None:
    """Calls that went over to somebody else: their helper was told so."""
    unread = story.phone(key).unread()
    covered = {story.code_in(one): one for one in unread if one.kind == "covered"}
    for task in [one for one in unread if one.kind == "peer_task" and story.code_in(one) in covered]:
        task.expected = covered[story.code_in(task)].expected = True


def live_until(story: Story, moment: datetime) -> None:
    """Let days pass while the peers do what they are asked for."""
    while story.now() < moment:
        story.go_to(min(moment, story.now() + timedelta(hours=3)))
        report_calls(story)


def to_the_first_check_in(story: Story, key: str) -> None:
    """Let time pass until a moment before somebody is asked how they are."""
    mine = Step.person_id == story.person(key).id
    first = min(step.due_at for step in story.rows(Step, mine, Step.kind == StepKind.CONTACT))
    story.go_to(first - timedelta(seconds=1))


def check_in_on_its_way(story: Story, key: str) -> Outbox:
    """The first check-in is claimed and being sent; the provider, which refuses everybody, never saw it."""
    to_the_first_check_in(story, key)
    story.servers.goes_wrong("429", 10_000)
    story.advance(minutes=1)
    story.servers.goes_wrong("429", 0)
    mine = Outbox.person_id == story.person(key).id
    (waiting,) = story.rows(Outbox, Outbox.kind == "check_in", mine, Outbox.state == OutboxState.PENDING)
    story.act(_being_sent, waiting.id)
    found: Outbox = waiting
    return found


def _being_sent(session: Session, message_id: str) -> None:
    row = session.get_one(Outbox, message_id)
    row.state, row.claimed_real = OutboxState.SENDING, real_now(session)


def with_helper(story: Story, incident: str = "THREAT", *affected: str, severity: str = "S2") -> str:
    """Log something; the first peer who is asked takes the turn, makes the first calls and reports them."""
    ended = story.now()
    story.log(incident, *(affected or ("jordan:A",)), severity=severity, ended_at=ended)
    for arrival in [one for one in story.arrivals if one.kind == "page" and not one.expected]:
        phone = story.phone(arrival.who)
        if "covered" not in {one.kind for one in phone.unread()}:
            phone.expects("page").replies("1 {code}")
    report_calls(story)
    quiet_staff(story)
    served = story.rows(AffectedPerson, AffectedPerson.incident_id == story.incidents[-1])
    peer = story.see(lambda session: served[0].peer_id)
    return next(key for key in story.cast.rows if story.person(key).id == peer)
