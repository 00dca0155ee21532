"""The clinical director ends a call for help that a colleague has: minute by minute, with phones."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.errors import AlreadyDone, CismError, NotAllowed, NotFound
from cism.services.links import Opened
from cism.store.tables import Escalation, Event
from cism.web.pages import close_for
from cism.web.pages.forms import Form
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def clint_has_it(story: Story) -> tuple[str, str, str]:
    """Jordan asks for a call, the peer is silent, the clinician takes it at 12:16; peer, and both codes."""
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    peers_code = story.phone(peer).expects("escalation", at=local("2026-03-03 12:00")).code
    story.go_to(local("2026-03-03 12:15"))
    clints_code = story.phone("clint").expects("escalation", at=local("2026-03-03 12:15")).code
    story.go_to(local("2026-03-03 12:16"))
    story.phone("clint").replies(f"1 {clints_code}").expects("escalation_assigned")
    story.phone(peer).expects("escalation_covered", "by Clint")
    story.phone("jordan").expects("escalation_taken", "Clint will call you by").expects_nothing()
    story.go_to(local("2026-03-03 12:40"))
    return peer, peers_code, clints_code


def end_it(story: Story, key: str, outcome: str, reason: str) -> None:
    """The form of the page, pressed."""

    def press(session: Session) -> None:
        row = session.query(Escalation).filter_by(welfare=False).one()
        opened = Opened(story.person(key).id, "escalation", row.id)
        close_for.close(session, opened, Form([("outcome", outcome), ("reason", reason)]))

    story.act(press)
    story.run()


def ended(story: Story) -> tuple[str, str | None, str | None]:
    """How the call that Jordan asked for stands: state, outcome, and who ended it."""
    (row,) = story.rows(Escalation, Escalation.welfare.is_(False))
    return row.state.value, row.outcome, row.closed_by


def test_after_the_director_ended_it_nobody_hears_of_it_and_late_answers_change_nothing(story: Story) -> None:
    peer, peers_code, clints_code = clint_has_it(story)
    end_it(story, "dina", "reached", "cannot_answer")
    by_dina = ("closed", "reached", story.person("dina").id)
    assert ended(story) == by_dina
    (kept,) = story.rows(Event, Event.kind == "reason.close_for")
    assert (kept.after, kept.actor_id, kept.at) == ("cannot_answer", story.person("dina").id, story.now())
    (closed,) = story.rows(Event, Event.kind == "escalation.closed")
    assert (closed.after, closed.actor_id) == ("reached", story.person("dina").id)

    story.go_to(local("2026-03-03 13:30"))  # the hour by which clint had to say how it ended, and more
    for key in ("jordan", peer, "clint", "dina", "cora"):
        story.phone(key).expects_nothing()

    story.phone("clint").replies(f"4 {clints_code}").expects("already_covered").expects_nothing()
    story.phone("clint").replies(f"6 {clints_code}").expects("already_covered").expects_nothing()
    story.phone("clint").replies(f"9 {clints_code}").expects("already_covered").expects_nothing()
    story.phone(peer).replies(f"1 {peers_code}").expects("already_covered").expects_nothing()
    assert ended(story) == by_dina
    assert len(story.rows(Escalation)) == 1
    with pytest.raises(AlreadyDone):
        end_it(story, "dina", "declined", "told_me")

    story.go_to(local("2026-03-04 12:00"))  # held meanwhile, check-ins go on as if nothing had been
    story.phone("jordan").expects("check_in", at=local("2026-03-04 12:00"), but="Clint").expects_nothing()
    quiet_staff(story)


def test_a_worry_about_the_person_counts_also_under_the_code_of_a_call_that_was_ended(story: Story) -> None:
    _peer, _, clints_code = clint_has_it(story)
    end_it(story, "dina", "reached", "told_me")
    story.phone("clint").replies(f"7 {clints_code}").expects("noted")
    again = story.rows(Escalation, Escalation.state != EscalationState.CLOSED)
    assert [(row.person_id, row.reason) for row in again] == [(story.person("jordan").id, "worry")]
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_not_reached_goes_on_with_the_director_and_the_person_is_told_nothing(story: Story) -> None:
    peer, _, clints_code = clint_has_it(story)
    end_it(story, "dina", "not_reached", "i_called")
    assert ended(story)[:2] == ("closed", "not_reached")
    (welfare,) = story.rows(Escalation, Escalation.welfare)
    assert welfare.state is EscalationState.OPEN
    story.phone("dina").expects("welfare", "not reached by phone", at=local("2026-03-03 12:40"))
    story.phone("clint").expects_nothing()
    story.phone("dina").replies("1 {code}").expects("escalation_assigned")
    story.phone("clint").replies(f"4 {clints_code}").expects("already_covered")
    story.phone("dina").replies("4").expects("noted")
    assert {row.state for row in story.rows(Escalation)} == {EscalationState.CLOSED}
    story.advance(hours=3)
    for key in (peer, "clint", "dina", "jordan"):
        story.phone(key).expects_nothing()
    quiet_staff(story)


@pytest.mark.parametrize(("who", "refused"), [("cora", NotAllowed), ("a peer", NotFound)])
def test_nobody_but_the_director_ends_it_in_the_clinicians_place(
    story: Story, who: str, refused: type[CismError]
) -> None:
    helper, _, _ = clint_has_it(story)
    peers = ("peer-4", "peer-3")  # the helper was asked to take the call, and may see it
    key = next(one for one in peers if one != helper) if who == "a peer" else who
    before = ended(story)
    with pytest.raises(refused):
        end_it(story, key, "reached", "told_me")
    assert ended(story) == before == ("acked", None, None)
    story.phone("clint").replies("4").expects("noted")
    assert ended(story)[1:] == ("reached", story.person("clint").id)
    story.advance(hours=2)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)
