"""Whoever is read in a transaction is not read again in it: helpers are asked for once for each rule."""

from __future__ import annotations

from cism.services import people
from cism.store.tables import Agency
from tests.proof.ground import statements
from tests.services.world import World


def test_a_person_and_an_agency_are_read_once_in_a_transaction(world: World) -> None:
    person_id, agency = world.id_of("jordan"), world.cast.agency
    with world.db.read() as session:
        assert people.get(session, person_id).roles  # and nobody holds the row
        assert session.get_one(Agency, agency).display
        with statements(world.db) as asked:
            assert people.get(session, person_id).roles
            assert session.get_one(Agency, agency).display
        assert asked == []


def test_the_next_transaction_reads_anew(world: World) -> None:
    person_id = world.id_of("jordan")
    with world.db.read() as session:
        people.get(session, person_id)
    with world.db.read() as session, statements(world.db) as asked:
        people.get(session, person_id)
    assert any("FROM person" in one for one in asked)
