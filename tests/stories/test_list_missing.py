"""Logged without its list: somebody is asked until a human says that nobody else was there."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from cism.domain.incident import Circle, Severity
from cism.services import attestation, crew_list, intake, queue, readiness
from cism.services.readiness import Verdict
from cism.store.tables import Event, Incident, QueueItem
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, of_incident
from tests.stories.places import NOON, local, metro, quiet_staff


@pytest.fixture
def story(tell: MakeStory) -> Story:
    cast = metro("jordan", "sam")
    cast.add("rosa", roles="supervisor")
    made = tell(cast)
    made.begin(NOON)
    return made


def logged_offline(story: Story) -> str:
    """A phone without a line kept a report that names nobody; it came with the line."""

    def log(session: Session) -> str:
        report = intake.IncidentInput(
            type="THREAT",
            agency=story.cast.agency,
            severity=Severity.S2,
            ended_at=story.now(),
            affected=(intake.AffectedInput(person_id="rosa", circle=Circle.E),),
            logged_by=story.person("rosa").id,
        )
        row = intake.log(session, report)
        crew_list.expect(session, row, row.logged_at)
        return row.id

    incident: str = story.act(log)
    story.incidents.append(incident)
    story.run()
    for key in ("peer-1", "peer-2", "peer-3", "peer-4", "dina", "clint"):
        story.phone(key).ignores()
    story.phone("cora").ignores("team_notice", "page")
    return incident


def named(story: Story) -> tuple[Verdict, str]:
    """What `cism doctor` says of those who may be forgotten."""
    checks = {one.name: one for one in story.see(readiness.of_database)}
    return checks["nobody forgotten"].verdict, checks["nobody forgotten"].text


def test_who_was_there_is_asked_of_the_logger_once_and_of_the_coordinator_until_somebody_says_it(
    story: Story,
) -> None:
    incident = logged_offline(story)
    ref = story.see(lambda session: of_incident(session, incident).ref)
    (item,) = story.rows(QueueItem, QueueItem.state == "open")
    assert (item.kind, item.incident_id, item.deadline) == (
        "list_missing",
        incident,
        local("2026-03-03 12:30"),
    )
    assert named(story) == (
        Verdict.BAD,
        f"{ref}: nobody has said who was there: add them at /log/{ref}/crew, or say that nobody else was",
    )
    story.go_to(local("2026-03-03 12:29"))
    story.phone("cora").ignores("team_notice")
    for key in ("rosa", "cora"):
        story.phone(key).expects_nothing()
    story.go_to(local("2026-03-03 12:30"))
    at = local("2026-03-03 12:30")
    story.phone("rosa").expects("queue_new", ref, "by 14:30", at=at, but="THREAT").expects_nothing()
    story.phone("cora").expects("queue_new", ref, "who was there is not known yet", "by 14:30", at=at)
    story.add(incident, "jordan:A")
    quiet_staff(story)
    assert named(story)[0] is Verdict.BAD, "some are named, and nobody has said that these are all"
    story.go_to(local("2026-03-03 14:30"))
    story.phone("rosa").expects_nothing()
    story.phone("cora").expects("queue_new", ref, "by 16:30", at=local("2026-03-03 14:30"))
    assert len(story.rows(QueueItem, QueueItem.kind == "list_missing")) == 1
    quiet_staff(story)
    story.act(queue.handle, item.id, by=story.person("cora").id, now=story.now())
    assert named(story)[0] is Verdict.GOOD
    story.go_to(local("2026-03-04 07:00"))
    assert [one for one in story.phone("cora").unread() if one.kind == "queue_new"] == []
    quiet_staff(story)
    story.phone("rosa").ignores("check_in")
    story.phone("jordan").ignores()


def test_whoever_says_at_once_that_nobody_else_was_there_is_not_asked(story: Story) -> None:
    incident = logged_offline(story)
    story.advance(minutes=10)

    def say(session: Session) -> None:
        row = of_incident(session, incident)
        crew_list.complete(session, row, story.person("rosa").id, story.now())

    story.act(say)
    assert named(story)[0] is Verdict.GOOD
    story.advance(hours=3)
    assert [one for one in story.arrivals if one.kind == "queue_new"] == []
    quiet_staff(story)


def test_the_night_counts_a_list_that_nobody_knows_as_somebody_without_a_next_step(story: Story) -> None:
    logged_offline(story)
    story.act(attestation.attest, story.now())
    found = story.rows(Event, Event.kind == "ledger.attested")
    assert [(row.before, row.after) for row in found] == [("2", "1")]
    story.stand_down(story.incidents[-1])
    story.phone("rosa").ignores()
    quiet_staff(story)


def test_an_incident_that_is_over_asks_for_its_list_no_more(story: Story) -> None:
    incident = logged_offline(story)
    story.stand_down(incident)
    assert story.rows(QueueItem, QueueItem.state == "open") == []
    assert named(story)[0] is Verdict.GOOD
    story.advance(hours=3)
    assert [one for one in story.arrivals if one.kind == "queue_new"] == []
    quiet_staff(story)


def test_a_report_that_names_nobody_at_all_is_asked_about_too(story: Story) -> None:
    report = intake.IncidentInput(type="THREAT", agency=story.cast.agency, ended_at=story.now())
    for _ in range(2):
        story.act(intake.log_once, report, caller="a program", key="once")
    story.run()
    (row,) = story.rows(Incident)
    assert story.see(crew_list.unknown) == [(row.ref, story.cast.agency)]
    quiet_staff(story)
    story.advance(minutes=30)
    story.phone("cora").expects("queue_new", row.ref, "who was there")
    quiet_staff(story)
