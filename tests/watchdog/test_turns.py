"""A watchdog at work: real HTTP, real mail, its clock the test's."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cism_watchdog.loop import Watch, tell_supervisor
from cism_watchdog.memory import AnotherWatchdogError, Memory
from tests.fakes.smtp import SmtpSink
from tests.watchdog.conftest import Engine, NewWatch, mail_to

NOON = 1_780_000_000.0


def let_pass(watch: Watch, start: float, seconds: float) -> float:
    """Look every 15 seconds; returns when the last look was."""
    for turn in range(int(seconds / 15) + 1):
        watch.turn(start + turn * 15)
    return start + int(seconds / 15) * 15


def test_an_engine_that_falls_silent_is_paged_with_what_to_do_and_which_paper_there_is(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch, tmp_path: Path
) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "paper-2026-05-28.enc").write_text("sealed")
    note = "A copy lies in the safe of the duty room."
    watch = new_watch(paper_folder=folder, paper_note=note)
    let_pass(watch, NOON, 60)
    engine.silent = True
    let_pass(watch, NOON + 75, 105)
    assert sink.mails == []
    let_pass(watch, NOON + 195, 0)
    (page,) = sink.mails
    assert (page.to, page.message["Subject"]) == ("duty@example.org", "CISM: the engine needs you")
    assert page.message["Auto-Submitted"] == "auto-generated"
    for words in ("does not answer", "since 28 May", "cism up", "paper-2026-05-28.enc", note, "5 minutes"):
        assert words in page.text, words


def test_nothing_wrong_means_no_mail_for_a_whole_day(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    let_pass(new_watch(), NOON, 86_400 / 20)
    assert sink.mails == []
    assert len(engine.asked) > 500


def test_a_restart_pages_nobody_twice_and_goes_on_with_the_repeats(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    engine.silent = True
    at = let_pass(new_watch(), NOON, 120)
    assert len(sink.mails) == 1
    at = let_pass(new_watch(), at + 15, 270)
    assert len(sink.mails) == 1
    let_pass(new_watch(), at + 15, 15)
    assert len(sink.mails) == 2


def test_after_a_restart_it_is_still_said_that_all_is_well(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    engine.silent = True
    at = let_pass(new_watch(), NOON, 120)
    engine.silent = False
    let_pass(new_watch(), at + 15, 120 + 315)
    assert [mail.message["Subject"] for mail in sink.mails] == [
        "CISM: the engine needs you",
        "CISM: is well again",
    ]


def test_a_page_that_the_mail_server_did_not_take_goes_out_as_soon_as_it_does(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.silent = True
    sink.greeting = "421 not now"
    watch = new_watch()
    at = let_pass(watch, NOON, 300)
    assert watch.cannot_send
    assert "mail.cannot_send" in capsys.readouterr().err
    sink.greeting = "220 sink"
    let_pass(watch, at + 15, 0)
    assert len(sink.mails) == 1
    assert not watch.cannot_send


def test_it_notices_before_anything_happens_that_it_could_not_send(
    sink: SmtpSink, new_watch: NewWatch
) -> None:
    watch = new_watch(mail=mail_to(sink, port=1))
    let_pass(watch, NOON, 0)
    assert watch.cannot_send


def test_somebody_elsewhere_hears_that_it_lives_only_while_it_could_send(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    let_pass(new_watch(ping_url=f"{engine.url}/ping/1"), NOON, 90)
    assert engine.asked.count("/ping/1") == 2
    let_pass(new_watch(ping_url=f"{engine.url}/ping/2", mail=mail_to(sink, port=1)), NOON + 200, 90)
    assert engine.asked.count("/ping/2") == 0
    let_pass(new_watch(), NOON + 400, 90)
    assert {path for path in engine.asked if "ping" in path} == {"/ping/1"}


def test_one_address_that_is_refused_keeps_the_page_from_nobody_else(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    sink.refuse_to = lambda to: "550 unknown" if to.startswith("old") else None
    engine.silent = True
    to = ("old@example.org", "duty@example.org")
    let_pass(new_watch(mail=mail_to(sink, to=to, texts_to=("2125550101@example.net",))), NOON, 250)
    assert [mail.to for mail in sink.mails] == ["duty@example.org", "2125550101@example.net"]
    short = sink.mails[1]
    assert short.message["Subject"] is None
    assert len(short.text.strip()) <= 160
    assert short.text.startswith("CISM: The engine does not answer, since ")


def test_what_the_engine_says_is_not_repeated_in_a_mail(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch
) -> None:
    engine.ready = {"ready": False, "database": "Rita Respond +12125550104 C-4K7QX"}
    let_pass(new_watch(), NOON, 150)
    (page,) = sink.mails
    assert "database" in page.text
    assert not any(word in page.text for word in ("Rita", "+1212", "C-4K"))


def test_a_memory_that_cannot_be_read_or_written_stops_no_page(
    engine: Engine, sink: SmtpSink, new_watch: NewWatch, tmp_path: Path
) -> None:
    (tmp_path / "watchdog.json").write_text('{"levels": {"silent"')
    (tmp_path / "watchdog.json.new").mkdir()  # nothing can be written any more
    engine.silent = True
    let_pass(new_watch(), NOON, 250)
    assert len(sink.mails) == 1


def test_what_is_remembered_is_only_what_it_is_and_since_when(
    engine: Engine, new_watch: NewWatch, tmp_path: Path
) -> None:
    engine.silent = True
    let_pass(new_watch(), NOON, 150)
    kept = json.loads((tmp_path / "watchdog.json").read_text())
    assert (kept["on"], kept["pages"], kept["paged_at"]) == (["silent"], 1, NOON + 120)


def test_two_watchdogs_with_one_memory_are_refused(tmp_path: Path) -> None:
    first = Memory(tmp_path / "state")
    with pytest.raises(AnotherWatchdogError):
        Memory(tmp_path / "state")
    first.close()
    Memory(tmp_path / "state").close()


def test_the_supervisor_hears_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        tell_supervisor("WATCHDOG=1")
        assert line.recv(100) == b"WATCHDOG=1"
    tell_supervisor("WATCHDOG=1")  # nobody listens any more: no reason to stop
