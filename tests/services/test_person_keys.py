"""Each person has a key: which column is sealed with whose, and that none can be forgotten."""

from __future__ import annotations

import base64
from typing import Any, Final, cast

import pytest
from sqlalchemy import Table, insert, select, text
from sqlalchemy.orm import Session

from cism.store import owners, person_keys, seal
from cism.store.db import Database
from cism.store.person_keys import PersonKeys
from cism.store.tables import Base, InboundMessage, Person, PersonKey, Question
from cism.store.types import Personal, PersonalTime, Sealed
from tests.services.world import World

NOBODYS: Final = "the installation's: about nobody of a roster"
OWNERS: Final = {
    "agency.duty_phone": NOBODYS,
    "escalation.handed_to": "person_id",
    "group_session.group_key": NOBODYS,  # of a unit, not of one person
    "inbound.body": "person_id",
    "inbound.from_number": "person_id",
    "installation_key.value": NOBODYS,
    "on_call_calendar.url": NOBODYS,
    "openid_issuer.client_secret": NOBODYS,
    "outbox.payload": "person_id",
    "outbox.to_number": "person_id",
    "paper_passphrase.passphrase": NOBODYS,
    "person.email": "id",
    "person.name": "id",
    "person.phone": "id",
    "person.rank": "id",
    "person.roster_id": "id",
    "person.sleep_end": "id",
    "person.sleep_start": "id",
    "person.station": "id",
    "person.unit": "id",
    "person.zone": "id",
    "phone_call.to_number": "person_id",
    "question.answer": "person_id",
    "sign_in_step.data": "person_id",
    "sensitive_date.day": NOBODYS,  # whose day it is, is not kept
}


def test_every_sealed_column_is_listed_here_with_whose_it_is() -> None:
    """Add a new column to the list, after thinking about whom it tells something."""
    assert {name: owner for name, owner, _ in _sealed()} == OWNERS


def test_a_row_that_is_about_somebody_keeps_nothing_under_the_installations_key() -> None:
    wrong = [
        name
        for name, owner, table in _sealed()
        if owner == NOBODYS and {"person_id", "about_id", "peer_id"} & set(table.columns.keys())
    ]
    assert not wrong, "seal these with Personal"
    assert all(owner in table.columns for _, owner, table in _sealed() if owner != NOBODYS)


def _sealed() -> list[tuple[str, str, Table]]:
    found = []
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Personal | PersonalTime):
                found.append((f"{table.name}.{column.name}", column.type.owner, table))
            elif isinstance(column.type, Sealed):
                found.append((f"{table.name}.{column.name}", NOBODYS, table))
    return found


@pytest.fixture
def world(sqlite_url: str) -> World:
    made = World(sqlite_url)
    made.log("THREAT", "jordan:A", severity="S2", ended_at=made.now())
    made.advance(hours=30)
    made.text("jordan", "1")
    made.text("jordan", "hard to say it in one word")
    return made


def test_what_is_about_somebody_is_sealed_with_their_own_key(world: World) -> None:
    """As the bytes lie there; every column that holds a value is looked at."""
    seen = set()
    with world.db.engine.connect() as connection:
        refs = dict(tuple(row) for row in connection.execute(text("SELECT person_id, ref FROM person_key")))
        for name, owner, table in _sealed():
            column = name.split(".")[1]
            asked = owner if owner != NOBODYS else "NULL"
            rows = connection.execute(text(f"SELECT {asked}, {column} FROM {table.name}"))  # noqa: S608
            for person_id, raw in rows:
                if raw is not None:
                    seen.add(name)
                    expected = f"p1.{refs[person_id]}." if person_id else "v1."
                    assert raw.startswith(expected), name
    assert {"question.answer", "inbound.body", "outbox.payload", "person.rank", "person.zone"} <= seen


def test_a_value_about_somebody_that_comes_without_its_owner_is_refused(world: World) -> None:
    question = world.rows(Question)[0]
    row = {"id": "q", "person_id": question.person_id, "kind": "x", "answer": "1", "asked_at": world.now()}
    with pytest.raises(Exception, match=r"owners\.owned_rows"), world.db.transaction() as session:
        session.execute(insert(Question), [row])
    with world.db.transaction() as session:
        session.execute(insert(Question), owners.owned_rows(session, _table(Question), [row]))
    assert [one.answer for one in world.rows(Question, Question.id == "q")] == ["1"]


def test_nobody_can_be_looked_for_by_what_is_sealed(world: World) -> None:
    with pytest.raises(Exception, match="without its owner"):
        world.rows(Person, Person.zone == "America/Chicago")


def test_what_turns_out_to_be_somebodys_is_sealed_anew_with_their_key(world: World) -> None:
    jordan = world.id_of("jordan")
    with world.db.transaction() as session:
        session.add(_inbound(world, None))
    assert _raw(world.db, "from_number, body").count("v1.") == 2
    with world.db.transaction() as session:
        session.get_one(InboundMessage, "SMx").person_id = jordan
    ref = world.rows(PersonKey, PersonKey.person_id == jordan)[0].ref
    assert _raw(world.db, "from_number, body").count(f"p1.{ref}.") == 2
    assert [row.body for row in world.rows(InboundMessage, InboundMessage.sid == "SMx")] == ["who is it"]


def test_the_length_of_what_is_sealed_does_not_tell_which_zone_or_rank_it_is(world: World) -> None:
    key = _key("a")
    assert len({len(key.seal(zone)) for zone in ("UTC", "America/Chicago", "America/New_York")}) == 1
    odd = ("", "ends in \0", "\x80", "ñandú " * 40)
    assert [key.open(key.seal(plain).split(".")[2]) for plain in odd] == list(odd)


def test_a_key_of_a_transaction_that_was_lost_seals_nothing_later(world: World) -> None:
    """Else what is written then could never be read again."""
    with pytest.raises(RuntimeError), world.db.transaction() as session:
        _write_and_fail(session)
    with pytest.raises(RuntimeError), world.db.transaction() as session:
        _write_and_fail_later(session)
    with world.db.transaction() as session:
        with pytest.raises(RuntimeError), session.begin_nested():
            _write_and_fail(session)
        session.add(_person(session, "newcomer"))
    world.db.keys.forget()
    assert [row.name for row in world.rows(Person, Person.id == "newcomer")] == ["Casey Newcomer"]


def test_a_process_remembers_no_more_keys_than_it_may(world: World) -> None:
    few = PersonKeys(world.db.engine, held=3)
    few.remember([_key(str(number)) for number in range(10)], committed=True)
    assert len(few) == 3
    assert set(few.of([str(number) for number in range(10)])) == {"7", "8", "9"}


def test_keys_are_asked_for_once_and_not_person_by_person(world: World) -> None:
    """A wave of thousands of people costs one question."""
    asked: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    from sqlalchemy import event

    world.db.keys.forget()
    event.listen(world.db.engine, "before_cursor_execute", note)
    assert len({row.name for row in world.rows(Person)}) > 5
    assert sum("person_key" in statement for statement in asked) == 1


def test_a_process_forgets_keys_after_ten_minutes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a key which another process destroyed is soon nowhere."""
    world.rows(Person)
    later = person_keys.monotonic() + 601.0  # docs/privacy.md promises ten minutes
    assert len(world.db.keys)
    monkeypatch.setattr(person_keys, "monotonic", lambda: later)
    with world.db.read():
        assert not len(world.db.keys)


def test_sealing_the_same_words_twice_looks_different_each_time() -> None:
    """AES-GCM breaks where one key seals twice with one nonce, and equal names must not look equal."""
    person, ring = _key("somebody"), seal.current()
    for sealer in (person, ring):
        assert len({sealer.seal("Jordan Reyes") for _ in range(50)}) == 50
        assert len({_nonce(sealer.seal(f"Jordan {number}")) for number in range(50)}) == 50


def test_a_destroyed_key_opens_nothing_and_seals_nothing(world: World) -> None:
    jordan = world.id_of("jordan")
    with world.db.transaction() as session:
        session.query(PersonKey).filter_by(person_id=jordan).update({"wrapped": None})
    world.db.keys.forget()
    row = world.rows(Person, Person.id == jordan)[0]
    assert (row.name, row.phone, row.rank, row.zone) == ("removed", None, "", "UTC")
    with world.db.transaction() as session:
        session.add(_inbound(world, jordan))
    assert _raw(world.db, "from_number, body") == "g1 g1"
    assert [one.body for one in world.rows(InboundMessage, InboundMessage.sid == "SMx")] == [None]


def _nonce(sealed: str) -> bytes:
    return base64.urlsafe_b64decode(sealed.split(".", 2)[2])[:12]


def _key(person_id: str) -> person_keys.Held:
    ref, wrapped = person_keys.draw()
    return person_keys.Held(ref, person_id, wrapped)


def _table(kind: type[Base]) -> Table:
    return cast("Table", kind.__table__)


def _raw(db: Database, columns: str) -> str:
    with db.engine.connect() as connection:
        row = connection.execute(text(f"SELECT {columns} FROM inbound WHERE sid = 'SMx'")).one()  # noqa: S608
    return " ".join(row)


def _inbound(world: World, person_id: str | None) -> InboundMessage:
    like = world.rows(InboundMessage)[0]
    names = ("from_hash", "reading", "state", "received_at", "received_real")
    kept = {name: getattr(like, name) for name in names}
    return InboundMessage(
        sid="SMx", person_id=person_id, from_number="+12025550199", body="who is it", **kept
    )


def _write_and_fail(session: Session) -> None:
    session.add(_person(session, "newcomer"))
    session.flush()
    raise RuntimeError


def _write_and_fail_later(session: Session) -> None:
    with session.begin_nested():
        session.add(_person(session, "newcomer"))
    raise RuntimeError


def _person(session: Session, person_id: str) -> Person:
    like = session.scalars(select(Person).limit(1)).one()
    names = ("agency", "discipline", "unit", "station", "rank", "zone", "sleep_start", "sleep_end")
    kept = {name: getattr(like, name) for name in names}
    return Person(id=person_id, roster_id="new", roster_hash="new", name="Casey Newcomer", **kept)
