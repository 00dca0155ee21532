"""The database of a rehearsal is nobody else's: what was read of one incident is not read again."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cism.domain.protocol import load_protocol
from cism.services import intake, people, questions, rehearsal_ground, rehearsal_incident, words
from cism.store.tables import AffectedPerson, Incident, Outbox, Person, Question
from notifications import messages as m
from tests.proof.ground import statements
from tests.stories.places import NOON


def _log(session: Session) -> Incident:
    report = rehearsal_incident.usual(session, load_protocol("sfa-follow-up"), NOON)
    return intake.log(session, report)


def test_people_the_incident_and_its_questions_are_read_once() -> None:
    with rehearsal_ground.opened(NOON, rehearsal_ground.sample()) as (db, _clock):
        alone = rehearsal_ground.Alone(db, keep=rehearsal_ground.ONE_INCIDENT)
        with alone.transaction() as session:
            incident = _log(session)
            person = incident.affected[0].person_id
            question = questions.ask(session, person_id=person, kind="check_in", now=NOON)
            ids = (incident.id, question.id, incident.affected[0].id)
        del incident, question
        with statements(db) as asked, alone.transaction() as session:
            assert session.get_one(Incident, ids[0]).affected[0].id == ids[2]
            assert session.get_one(Question, ids[1]).person_id == person
            assert session.get_one(AffectedPerson, ids[2]).incident_id == ids[0]
            assert people.lock_person(session, person).roles
            with people.held(session, [person]):
                assert people.lock_person(session, person).id == person
        assert asked == []


def test_where_many_incidents_are_played_they_are_let_go_again() -> None:
    with rehearsal_ground.opened(NOON, rehearsal_ground.sample()) as (db, _clock):
        alone = rehearsal_ground.Alone(db)
        with alone.transaction() as session:
            incident = _log(session).id
        with alone.transaction() as session:
            assert [row for row in session.identity_map.values() if isinstance(row, Incident)] == []
            assert session.get_one(Incident, incident).id == incident


def test_texts_are_read_anew_because_the_courier_writes_past_what_is_kept() -> None:
    with rehearsal_ground.opened(NOON, rehearsal_ground.sample()) as (db, _clock):
        alone = rehearsal_ground.Alone(db, keep=rehearsal_ground.ONE_INCIDENT)
        with alone.transaction() as session:
            _log(session)
            somebody = session.scalars(select(Person.id)).first()
            reader = people.get(session, somebody or "")
            words.put(session, m.Who(link="http://127.0.0.1/"), "who", NOON, reader)
            text = session.scalars(select(Outbox)).one()
        with db.engine.begin() as connection:
            connection.execute(update(Outbox.__table__).values(attempts=3))
        with alone.transaction() as session:
            assert session.get_one(Outbox, text.id).attempts == 3


def test_somebody_who_is_held_stays_held_after_an_inner_block() -> None:
    ground = rehearsal_ground.opened(NOON, rehearsal_ground.sample())
    with ground as (db, _clock), db.transaction() as session:
        one, other = session.scalars(select(Person.id).limit(2)).all()
        with people.held(session, [one]):
            with people.held(session, [other]):
                pass
            with statements(db) as asked:
                people.lock_person(session, one)
            assert asked == []
            with statements(db) as asked:
                people.lock_person(session, other)
            assert len(asked) > 0
