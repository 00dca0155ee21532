"""The audit log: what was written cannot be altered, removed or reordered without being seen."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cism.errors import BadInput, CismError
from cism.services import audit, audit_heads, nightly
from cism.services.audit_heads import Head, NotOurHead
from cism.settings import Settings
from cism.store import seal
from cism.store.tables import Audit, Epoch, Key, Mark
from tests.conftest import VAULT_KEY
from tests.services.world import World

_AUDIT_HEAD = "audit head"


@pytest.fixture
def world(any_world: World) -> World:
    """Everybody on the roster, once on each kind of database."""
    return any_world


def untie(session: Session) -> None:
    """What somebody who owns the database does first: take away what refuses a change."""
    if session.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{verb}"))
        return
    session.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))


def _three(world: World) -> None:
    for act in ("look", "change", "look"):
        world.act(audit.write, "token:1", act, "C-AAAAA")


def test_a_whole_log_is_whole(any_world: World) -> None:
    _three(any_world)
    assert any_world.see(audit.verify) == (3, None)


def _alter(session: Session) -> None:
    session.execute(update(Audit).where(Audit.id == 2).values(act="nothing"))


def _remove(session: Session) -> None:
    session.execute(delete(Audit).where(Audit.id == 2))


def _forgive(session: Session) -> None:
    session.execute(update(Audit).where(Audit.id == 2).values(allowed=False))


def _cut(session: Session) -> None:
    session.execute(delete(Audit).where(Audit.id == 3))


def _empty(session: Session) -> None:
    session.execute(delete(Audit))


def _swap(session: Session) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        session.execute(update(Audit).where(Audit.id == old).values(id=new))


def _cut_with_the_mark(session: Session) -> None:
    _cut(session)
    session.execute(delete(Mark).where(Mark.name == _AUDIT_HEAD))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [(_alter, 2), (_remove, 3), (_forgive, 2), (_cut, 3), (_empty, 3), (_swap, 2), (_cut_with_the_mark, 0)],
)
def test_what_was_tampered_with_is_found(
    any_world: World, spoil: Callable[[Session], None], found: int
) -> None:
    _three(any_world)
    any_world.act(untie)
    any_world.act(spoil)
    assert any_world.see(audit.verify)[1] == found


@pytest.mark.parametrize("spoil", [_alter, _remove, _empty])
def test_the_database_itself_refuses_to_change_a_row(
    any_world: World, spoil: Callable[[Session], None]
) -> None:
    _three(any_world)
    with pytest.raises((CismError, DBAPIError), match="append-only"):
        any_world.act(spoil)
    assert any_world.see(audit.verify) == (3, None)


def test_it_refuses_to_be_emptied_at_once(postgres_url: str) -> None:
    world = World(postgres_url)
    _three(world)
    with pytest.raises(DBAPIError, match="append-only"):
        world.act(lambda session: session.execute(text("TRUNCATE audit")))
    world.close()


# --- heads that were kept elsewhere


def _kept(world: World) -> Head:
    return world.see(audit_heads.head)


def _examined(world: World, *heads: Head) -> tuple[int, int | None]:
    return world.see(lambda session: audit_heads.verify(session, heads))


def test_a_log_that_grew_since_a_head_was_kept_is_whole(any_world: World) -> None:
    _three(any_world)
    first = _kept(any_world)
    _three(any_world)
    assert _examined(any_world, first, _kept(any_world)) == (6, None)


def test_an_older_backup_with_its_own_mark_is_found_by_a_head(any_world: World) -> None:
    _three(any_world)
    mark = any_world.rows(Mark, Mark.name == _AUDIT_HEAD)[0].value
    _three(any_world)
    kept = _kept(any_world)

    def put_back(session: Session) -> None:
        untie(session)
        session.execute(delete(Audit).where(Audit.id > 3))
        session.execute(update(Mark).where(Mark.name == _AUDIT_HEAD).values(value=mark))

    any_world.act(put_back)
    assert any_world.see(audit.verify) == (3, None)  # by itself it is a whole log of three rows
    assert _examined(any_world, kept) == (3, 6)
    for _ in range(3):  # and it stays found when the log has grown again
        any_world.act(audit.write, "token:2", "look")
    assert _examined(any_world, kept) == (6, any_world.rows(Audit)[5].id)


def test_a_chain_made_anew_as_a_whole_is_found_by_a_head_even_if_the_key_was_known(any_world: World) -> None:
    _three(any_world)
    kept = _kept(any_world)

    def anew(session: Session) -> None:
        untie(session)
        session.execute(delete(Audit))
        session.execute(delete(Mark).where(Mark.name == _AUDIT_HEAD))

    any_world.act(anew)
    for _ in range(3):
        any_world.act(audit.write, "token:1", "look", "C-OTHER")
    assert any_world.see(audit.verify) == (3, None)
    assert _examined(any_world, kept)[1] == any_world.rows(Audit)[2].id


def test_whoever_has_the_database_and_not_the_key_cannot_make_the_chain_anew(any_world: World) -> None:
    _three(any_world)
    ours = seal.swap(seal.Keyring([secrets.token_bytes(32)]))  # the thief's own

    def forge(session: Session) -> None:
        untie(session)
        session.execute(delete(Audit))
        audit.write(session, "token:1", "look")

    any_world.act(forge)
    seal.swap(ours)
    assert any_world.see(audit.verify)[1] is not None


def test_a_log_that_is_gone_is_found_by_a_head(any_world: World) -> None:
    _three(any_world)
    kept = _kept(any_world)

    def gone(session: Session) -> None:
        untie(session)
        session.execute(delete(Audit))
        session.execute(delete(Mark).where(Mark.name == _AUDIT_HEAD))

    any_world.act(gone)
    assert any_world.see(audit.verify) == (0, None)
    assert _examined(any_world, kept) == (0, 3)


@pytest.mark.parametrize("change", [{"rows": 2}, {"last_id": 2}, {"installation": "another"}])
def test_a_head_that_was_altered_is_no_head_of_ours(world: World, change: dict[str, object]) -> None:
    _three(world)
    with pytest.raises(NotOurHead):
        _examined(world, dataclasses.replace(_kept(world), **change))  # type: ignore[arg-type]


def test_a_head_of_another_installation_with_the_same_keys_is_none_of_ours(any_world: World) -> None:
    _three(any_world)
    kept = _kept(any_world)
    any_world.act(lambda session: session.execute(update(Epoch).values(identity="another")))
    with pytest.raises(NotOurHead):
        _examined(any_world, kept)


@pytest.mark.parametrize("words", ["", "no head", '{"rows": 1}', '{"rows": "1", "last_id": 1}', "[1]"])
def test_what_is_no_head_is_refused(words: str) -> None:
    with pytest.raises(BadInput, match="no head"):
        audit_heads.read(words)


def test_a_head_is_read_as_it_was_written(world: World) -> None:
    _three(world)
    assert audit_heads.read(_kept(world).text()) == [_kept(world)]


# --- keys rotate


def test_old_rows_and_heads_hold_after_the_keys_were_rotated_and_the_old_one_is_gone(
    any_world: World,
) -> None:
    newer = secrets.token_bytes(32)
    _three(any_world)
    kept = _kept(any_world)
    seal.use(seal.Keyring([newer, VAULT_KEY]))
    any_world.act(audit.write, "owner", "rotate")

    def reseal(session: Session) -> None:
        for row in session.scalars(select(Key)):
            row.value = f"{row.value} "  # a change of any kind seals it anew
            session.flush()
            row.value = row.value.strip()

    any_world.act(reseal)
    seal.use(seal.Keyring([newer]))
    _three(any_world)
    assert _examined(any_world, kept, _kept(any_world)) == (7, None)
    any_world.act(untie)
    any_world.act(_alter)
    assert _examined(any_world)[1] == 2


def test_a_log_from_before_its_macs_named_their_key_is_still_whole(world: World) -> None:
    def older(session: Session) -> None:
        session.add(Key(name="audit", value=secrets.token_hex(32)))
        session.flush()
        key = bytes.fromhex(session.get_one(Key, "audit").value)
        audit.write(session, "owner", "look")
        row = session.scalars(select(Audit)).one()
        told = audit._of_row("", row.at, row.actor, row.act, row.object_id, row.allowed)
        untie(session)
        session.execute(update(Audit).values(mac=audit._hex(key, told)))
        mark = session.get_one(Mark, _AUDIT_HEAD)
        session.expire(row)
        mark.value = f"{row.id}:{audit._hex(key, audit._of_head(row.id, row.mac))}"

    world.act(older)
    assert world.see(audit.verify) == (1, None)
    world.act(audit.write, "owner", "look")
    assert world.see(audit.verify) == (2, None)


# --- each night a head leaves


def test_each_night_a_head_leaves_and_is_never_written_over(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    settings = Settings(audit_head_folder=folder)
    assert not audit_heads.leave(world.db, settings)  # no night has asked yet
    world.act(nightly.plan_first)
    world.advance(days=1)
    _three(world)
    assert not audit_heads.leave(world.db, Settings())
    assert audit_heads.leave(world.db, settings)
    assert not audit_heads.leave(world.db, settings)
    (written,) = audit_heads.files(folder)
    assert written.stat().st_mode & 0o777 == 0o600
    assert _examined(world, *audit_heads.read(written.read_text()))[1] is None
    world.act(audit_heads.ask)
    elsewhere = Settings(audit_head_folder=folder / "not mounted")
    assert not audit_heads.leave(world.db, elsewhere)
    world.db.clock.pass_real(minutes=1)  # type: ignore[attr-defined]
    assert audit_heads.leave(world.db, settings)  # it is still owed, and leaves once there is a way
    assert len(audit_heads.files(folder)) == 2
