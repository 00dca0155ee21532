"""The paper that is left when the computer is gone: openssl opens it, and nothing but the phrase does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.errors import BadInput, ConfigurationError
from cism.services import paper, paper_due, paper_page, paper_seal, papers, people
from cism.settings import Settings
from cism.store.tables import Audit, Heartbeat, PaperPassphrase, QueueItem
from tests.fakes.smtp import smtp_sink
from tests.services.world import World

PHRASE = "copper window eleven"
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl on this machine")


def opened(path: Path, phrase: str) -> subprocess.CompletedProcess[bytes]:
    """By openssl alone, with the very words that we tell people to type."""
    words = paper_seal.command(str(path)).split()
    words[words.index("-out") + 1] = str(path.with_suffix(".html"))
    return subprocess.run(
        [*words, "-pass", "stdin"], input=phrase.encode() + b"\n", capture_output=True, check=False
    )


def settings(folder: Path | None, **more: object) -> Settings:
    return Settings(_env_file=None, paper_folder=folder, **more)  # type: ignore[call-arg, arg-type]


def ready(world: World) -> None:
    world.act(papers.set_passphrase, world.cast.agency, PHRASE)
    world.act(paper_due.ask, world.now())


@needs_openssl
def test_openssl_opens_it_with_the_phrase_alone(world: World, tmp_path: Path) -> None:
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    ready(world)
    assert papers.leave(world.db, settings(tmp_path)) == 1
    (path,) = tmp_path.glob("*.enc")
    assert opened(path, PHRASE).returncode == 0
    text = path.with_suffix(".html").read_text()
    assert paper_seal.whole(text)
    assert world.cast.phone("clint") in text
    assert world.cast.phone("jordan") in text


@needs_openssl
@pytest.mark.parametrize("phrase", ["copper window twelve", "Copper window eleven", PHRASE + " "])
def test_a_wrong_phrase_opens_nothing(world: World, tmp_path: Path, phrase: str) -> None:
    ready(world)
    papers.leave(world.db, settings(tmp_path))
    (path,) = tmp_path.glob("*.enc")
    done = opened(path, phrase)
    page = path.with_suffix(".html")
    assert done.returncode != 0 or not paper_seal.whole(page.read_text(errors="replace"))
    assert not page.exists() or world.cast.phone("clint").encode() not in page.read_bytes()


@needs_openssl
def test_a_paper_that_was_changed_is_known_for_it(world: World, tmp_path: Path) -> None:
    ready(world)
    papers.leave(world.db, settings(tmp_path))
    (path,) = tmp_path.glob("*.enc")
    sealed = bytearray(path.read_bytes())
    sealed[200] ^= 1
    path.write_bytes(sealed)
    opened(path, PHRASE)
    assert not paper_seal.whole(path.with_suffix(".html").read_text(errors="replace"))


def test_neither_its_name_nor_its_bytes_tell_anybodys_name(world: World, tmp_path: Path) -> None:
    ready(world)
    papers.leave(world.db, settings(tmp_path))
    (path,) = tmp_path.glob("*.enc")
    assert "jordan" not in path.name.lower()
    assert world.cast.phone("clint").encode() not in path.read_bytes()
    assert oct(path.stat().st_mode)[-3:] == "600"


def test_it_says_whom_to_call_and_what_was_promised(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    world.answer("page")
    world.text("sam", "3")
    text = paper_page.page(world.see(lambda session: paper.write(session, world.cast.agency, world.now())))
    for key in ("cora", "clint", "dina", "peer-1", "jordan", "sam"):
        assert world.cast.phone(key) in text, key
    assert "NOBODY YET" in text  # who calls sam
    assert "Looked after by" in text
    assert "http" not in text


def test_who_took_a_call_and_by_when_stands_on_it(world: World) -> None:
    world.text("sam", "3")
    world.answer("escalation")
    text = paper_page.page(world.see(lambda session: paper.write(session, world.cast.agency, world.now())))
    assert "NOBODY YET" not in text


def test_whoever_wants_nothing_is_counted_and_not_named(world: World) -> None:
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    world.advance(days=1, hours=12)
    world.text("jordan", "0")
    written = world.see(lambda session: paper.write(session, world.cast.agency, world.now()))
    assert "1 more on these lists" in written.notes[0]
    assert all(
        world.cast.phone("jordan") not in cell for t in written.promises for row in t.rows for cell in row
    )


def test_the_words_that_somebody_wrote_do_not_stand_on_it(world: World) -> None:
    world.text("sam", "I cannot sleep since that night")
    text = paper_page.page(world.see(lambda session: paper.write(session, world.cast.agency, world.now())))
    assert "sleep" not in text


def test_a_name_cannot_write_into_the_page(world: World) -> None:
    def renamed(session: Session, key: str) -> None:
        people.get(session, key).name = "<script>alert(1)</script>"

    world.act(renamed, world.id_of("clint"))
    text = paper_page.page(world.see(lambda session: paper.write(session, world.cast.agency, world.now())))
    assert "<script>" not in text


def test_the_night_asks_for_it_and_it_leaves_once(world: World, tmp_path: Path) -> None:
    world.act(papers.set_passphrase, world.cast.agency, PHRASE)
    assert papers.leave(world.db, settings(tmp_path)) == 0
    world.act(_night)
    assert papers.leave(world.db, settings(tmp_path)) == 1
    assert papers.leave(world.db, settings(tmp_path)) == 0
    assert world.rows(Heartbeat, Heartbeat.name == papers.PART)
    assert [row.object_id for row in world.rows(Audit, Audit.act == "paper")] == [world.cast.agency]


def _night(session: Session) -> None:
    from cism.services import nightly
    from cism.store.db import now
    from cism.store.tables import Step

    nightly.plan_first(session)
    session.flush()
    step = session.scalars(select(Step).where(Step.kind == "nightly")).one()
    nightly.on_nightly(session, step, now(session))


def test_where_it_cannot_leave_the_coordinator_is_told_once_and_it_is_tried_again(
    world: World, tmp_path: Path
) -> None:
    ready(world)
    away = settings(tmp_path / "not mounted")
    assert papers.leave(world.db, away) == 0
    assert papers.leave(world.db, away) == 0
    assert [item.kind for item in world.rows(QueueItem)] == [papers.FAILED]
    world.advance(hours=5, minutes=1)
    assert world.told("queue_new") == ["cora"]
    (tmp_path / "not mounted").mkdir()
    assert papers.leave(world.db, away) == 1


def test_without_any_way_out_it_counts_as_not_left(world: World) -> None:
    ready(world)
    assert papers.leave(world.db, settings(None)) == 0
    assert [item.kind for item in world.rows(QueueItem)] == [papers.FAILED]


def test_a_folder_on_this_machines_own_disk_is_no_way_out_and_doctor_says_so(
    world: World, tmp_path: Path
) -> None:
    ready(world)
    home, share = tmp_path / "home", tmp_path / "share"
    home.mkdir()
    share.mkdir()  # of a share that is not mounted
    said = world.see(lambda session: papers.missing(session, settings(share, home=home)))
    assert said is not None
    assert "is the share of the other machine mounted?" in said
    server = {"second_smtp_host": "127.0.0.1", "second_smtp_tls": "none", "second_from": "cism@example.org"}
    mailed = settings(share, home=home, paper_mail=True, **server)
    assert world.see(lambda session: papers.missing(session, mailed)) is None


def test_old_papers_go_and_those_of_others_stay(world: World, tmp_path: Path) -> None:
    (tmp_path / "paper-other-pd-20200101T0800Z.enc").write_bytes(b"x")
    world.act(papers.set_passphrase, world.cast.agency, PHRASE)
    for _ in range(4):
        world.act(paper_due.ask, world.now())
        papers.leave(world.db, settings(tmp_path, paper_keep=2))
        world.advance(days=1)
    mine = sorted(tmp_path.glob(f"paper-{world.cast.agency}-*.enc"))
    assert len(mine) == 2
    assert (tmp_path / "paper-other-pd-20200101T0800Z.enc").exists()


@pytest.mark.parametrize(
    "phrase", ["short", "pässword mit umlaut", " space in front of it", "tab\there and there"]
)
def test_a_phrase_that_can_be_guessed_or_mistyped_is_refused(world: World, phrase: str) -> None:
    with pytest.raises(BadInput):
        world.act(papers.set_passphrase, world.cast.agency, phrase)


def test_without_a_phrase_there_is_no_paper(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cism paper passphrase"):
        world.act(papers.make, world.cast.agency)
    world.act(paper_due.ask, world.now())
    assert papers.leave(world.db, settings(tmp_path)) == 0


def test_the_phrase_lies_sealed_in_the_database(world: World) -> None:
    world.act(papers.set_passphrase, world.cast.agency, PHRASE)
    assert world.rows(PaperPassphrase)[0].passphrase == PHRASE
    raw = Path(world.db.engine.url.database or "").read_bytes()
    assert PHRASE.encode() not in raw


@needs_openssl
def test_it_goes_by_mail_to_the_coordinators_and_opens_there(world: World, tmp_path: Path) -> None:
    def reads_mail(session: Session) -> None:
        people.get(session, cora).email = "cora@example.org"

    cora = world.id_of("cora")
    world.act(reads_mail)
    ready(world)
    with smtp_sink() as sink:
        mail = {"second_smtp_host": "127.0.0.1", "second_smtp_port": sink.port, "second_smtp_tls": "none"}
        given = settings(None, paper_mail=True, second_from="cism@example.org", **mail)
        assert papers.leave(world.db, given) == 1
    (mail_read,) = sink.mails
    assert mail_read.to == "cora@example.org"
    (attached,) = mail_read.message.iter_attachments()
    path = tmp_path / str(attached.get_filename())
    path.write_bytes(attached.get_content())
    assert opened(path, PHRASE).returncode == 0
    assert paper_seal.whole(path.with_suffix(".html").read_text())


def test_a_mail_server_that_is_away_is_told_and_the_copy_counts(world: World, tmp_path: Path) -> None:
    ready(world)
    nowhere = {"second_smtp_host": "127.0.0.1", "second_smtp_port": 9, "second_smtp_tls": "none"}
    given = settings(tmp_path, paper_mail=True, second_from="cism@example.org", **nowhere)
    assert papers.leave(world.db, given) == 1
    assert [item.kind for item in world.rows(QueueItem)] == [papers.FAILED]
    assert papers.leave(world.db, given) == 0
