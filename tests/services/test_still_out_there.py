"""Who leaves when: each has their own end of exposure, and what hangs on it follows from it."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.followup import days_after
from cism.domain.incident import Circle
from cism.domain.plan import StepKind
from cism.services import intake
from cism.store.tables import AffectedPerson, Step
from tests.services.world import World
from tests.stories.places import NEW_YORK, local


def name(world: World, incident: str, key: str, ended: bool = False) -> None:
    """Put somebody on the list, or say that they have left now."""
    end = world.now() if ended else None
    item = intake.AffectedInput(person_id=key, circle=Circle.B, exposure_end=end)
    world.act(intake.add_affected, incident, [item])
    world.rest()


def planned(world: World, kind: StepKind, **where: str) -> list[Step]:
    """What is still to come."""
    query = [Step.kind == kind, Step.state == "planned"]
    query += [getattr(Step, name) == value for name, value in where.items()]
    return sorted(world.rows(Step, *query), key=lambda step: step.due_at)


def test_one_who_leaves_before_the_others_has_contacts_of_their_own_from_then_on(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", "sam:B", severity="S2")
    world.advance(hours=1)
    name(world, incident, "sam", ended=True)
    ends = {row.person_id: row.exposure_end for row in world.rows(AffectedPerson)}
    assert ends == {world.id_of("jordan"): None, world.id_of("sam"): world.now()}
    assert len(planned(world, StepKind.CONTACT, person_id=world.id_of("sam"))) == 5
    assert len(planned(world, StepKind.CONTACT, person_id=world.id_of("jordan"))) == 1
    world.advance(hours=1)
    name(world, incident, "sam")  # without a time, what is known stays
    left = ends[world.id_of("sam")]
    assert {row.exposure_end for row in world.rows(AffectedPerson)} == {None, left}
    name(world, incident, "sam", ended=True)  # another time corrects it
    assert {row.exposure_end for row in world.rows(AffectedPerson)} == {None, world.now()}


def test_the_coordinator_is_asked_every_two_hours_while_anybody_is_out_also_somebody_added_later(
    world: World,
) -> None:
    incident = world.log("THREAT", "jordan:A", severity="S2")
    world.advance(hours=5)
    assert world.told("ask_exposure_end") == ["cora"] * 2
    name(world, incident, "jordan", ended=True)
    world.advance(hours=5)
    assert world.told("ask_exposure_end") == ["cora"] * 2
    name(world, incident, "sam")
    world.advance(hours=5)
    assert world.told("ask_exposure_end") == ["cora"] * 4
    assert len(planned(world, StepKind.ASK_EXPOSURE_END)) == 1


def test_whoever_left_first_sets_the_day_of_the_individual_appointments(world: World) -> None:
    incident = world.log("OIS_SHOOTER", "jordan:A", "sam:B", protocol="iacp-ois")
    name(world, incident, "sam", ended=True)
    first = world.now()
    world.advance(hours=6)
    name(world, incident, "jordan", ended=True)
    due = [step.due_at for step in planned(world, StepKind.MHP_REMINDER)]
    assert due == [days_after(first, NEW_YORK, timedelta(days=days)) for days in (5, 113, 357)]


def test_an_incident_is_open_until_after_the_anniversary_of_whoever_left_last(world: World) -> None:
    incident = world.log("THREAT", "jordan:A", occurred_at=world.now(), ended_at=world.now())
    (first,) = planned(world, StepKind.CLOSE_INCIDENT)
    world.advance(days=40)
    name(world, incident, "sam", ended=True)
    (last,) = planned(world, StepKind.CLOSE_INCIDENT)
    assert last.due_at == first.due_at + timedelta(days=40)
    assert last.due_at > local("2027-04-12 00:00")
