"""`cism protocols check` proves a protocol and the texts that it sends, or says which line to mend."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import cism.protocols
from cism.domain import proof_days, protocol
from cism.services import proofs
from notifications.languages import TEMPLATES
from tests.cli.conftest import Cli

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # what is proved asks no database
SFA = Path(cism.protocols.__path__[0]) / "sfa-follow-up.yaml"

# property: the template, what is written, what breaks it, what is told, what mends it
BROKEN_TEXTS = {
    "every text is one segment with the longest values": (
        "read_by",
        "read_by",
        "shorten it to 160 with the longest values",
    ),
    "every text is in the alphabet of one segment": ("alphabet", "check_in", "write plain letters"),
    "no text leads anybody to send a word that carriers act on": (
        "carrier",
        "check_in",
        "carriers act on that word by themselves",
    ),
    "no text says what it is about": ("banned", "check_in", "use a word that tells a bystander nothing"),
    "every digit keeps its one meaning": ("digit", "check_in", "each in its one meaning"),
    "every kind of text is there": ("missing", "check_in", "write the template, or take the file away"),
}
ADDED = {
    "read_by": "Y ademas le decimos todo esto y mucho mas, para que sea demasiado largo. " * 3,
    "alphabet": "Ánimo — «colega»",
    "carrier": "Escribe STOP",
    "banned": "Sobre el suicidio",
    "digit": "5 bien",
}


def language(cli: Cli) -> Path:
    """An own language of the installation: the Spanish texts under another tag."""
    folder = cli.home / "languages" / "es-US"
    shutil.copytree(TEMPLATES / "es", folder)
    words = folder / "words.yaml"
    words.write_text(words.read_text().replace("language: es", "language: es-US"))
    for template in folder.glob("*.j2"):
        template.write_text(template.read_text().replace('"es/', '"es-US/'))
    return folder


def test_the_shipped_protocols_and_all_texts_are_proved(cli: Cli) -> None:
    said = cli.ok("protocols", "check")
    for sentence in (
        "sfa-follow-up, version 1: Stress First Aid and follow-up: proved",
        "7,862,400 classes",
        "S3: at most 16 texts a person (5 check-ins, 4 reminders, 1 question to keep in touch, ",
        "defusing, who sleeps at night: in time from 1410 of 1440 start minutes; else one-to-one",
        "EMERGENCY: clinician at once, clinician after 5m, clinical_director after 10m, coord",
        "with an alarm, until a human closes it",
        "each one GSM-7 segment, the longest 160 units",
        "nothing unknown",
    ):
        assert sentence in said


def test_a_proof_is_there_for_programs_too(cli: Cli) -> None:
    found = cli.json("protocols", "check", str(SFA))
    (one,) = found["protocols"]
    assert (one["file"], one["key"], one["classes"]) == (str(SFA), "sfa-follow-up", 7_862_400)
    assert {texts["severity"]: texts["total"] for texts in one["texts"]} == {
        "S1": 10,
        "S2": 14,
        "S3": 16,
        "S4": 16,
    }
    assert {path["name"] for path in one["paths"]} >= {"team", "ROUTINE", "URGENT", "EMERGENCY", "cisd"}
    assert one["paths"][0]["asked"] == [
        {"who": "coordinator", "after": "1h"},
        {"who": "clinician", "after": "1h"},
    ]
    assert found["texts"]["languages"] == ["en", "es"]
    assert found["errors"] == []


def test_what_cannot_be_kept_is_refused_by_file_and_line_and_passes_once_mended(
    cli: Cli, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(SFA.read_text().replace("window: [56h, 96h]", "window: [60h, 80h]"))
    line = own.read_text()[: own.read_text().index("[60h, 80h]")].count("\n") + 1
    said = cli.refused("protocols", "check", str(own))
    assert (
        f"First: {own}:{line}: contacts[2].window: f3 does not reach somebody who sleeps 10:00 to 08:00"
        in said
    )
    assert "write [60h, 84h] or later" in said
    own.write_text(own.read_text().replace("[60h, 80h]", "[60h, 84h]"))
    assert "proved" in cli.ok("protocols", "check", str(own))


def test_without_a_file_the_own_protocols_are_proved_too_and_nothing_starts_with_an_unproved_one(
    cli: Cli,
) -> None:
    own = cli.home / "protocols" / "ours.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(SFA.read_text().replace("key: sfa-follow-up", "key: ours"))
    assert "ours, version 1: " in cli.ok("protocols", "check")
    own.write_text(own.read_text().replace("window: [56h, 96h]", "window: [60h, 80h]"))
    line = own.read_text()[: own.read_text().index("[60h, 80h]")].count("\n") + 1
    assert f"First: {own}:{line}: contacts[2].window: f3 does not reach" in cli.refused("protocols", "check")
    assert "nothing starts before it is mended" in cli.refused("incidents")


def test_a_key_is_as_good_as_a_file(cli: Cli) -> None:
    (one,) = cli.json("protocols", "check", "lodd")["protocols"]
    assert (one["file"], one["key"]) == ("lodd", "lodd")
    own = cli.home / "protocols" / "ours.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(SFA.read_text().replace("key: sfa-follow-up", "key: ours"))
    assert "ours, version 1: " in cli.ok("protocols", "check", "ours")
    own.write_text(own.read_text().replace("window: [56h, 96h]", "window: [60h, 80h]"))
    assert f"First: {own}:" in cli.refused("protocols", "check", "ours")
    assert "There is no protocol 'lod'. Did you mean lodd?" in cli.refused("protocols", "check", "lod")


def test_a_shipped_protocol_that_somebody_broke_is_refused_by_the_check(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SFA.read_text().replace("window: [56h, 96h]", "window: [60h, 80h]")
    monkeypatch.setattr(protocol, "_text", lambda _key: text)
    assert "contacts[2].window: f3 does not reach" in cli.refused("protocols", "check")


def test_what_is_not_proved_cannot_be_played(cli: Cli, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(SFA.read_text().replace("window: [56h, 96h]", "window: [60h, 80h]"))
    assert "does not reach somebody" in cli.refused("rehearse", str(own))


@pytest.mark.parametrize("broken", BROKEN_TEXTS.values(), ids=BROKEN_TEXTS)
def test_a_language_whose_texts_break_a_promise_is_refused_and_passes_once_mended(
    cli: Cli, broken: tuple[str, str, str]
) -> None:
    how, kind, mend = broken
    template = language(cli) / f"{kind}.txt.j2"
    whole = template.read_text()
    assert cli.json("protocols", "check")["texts"]["languages"] == ["en", "es", "es-US"]
    if how == "missing":
        template.unlink()
    else:
        template.write_text(f"{whole}\n{ADDED[how]}\n")
    result = cli.run("protocols", "check")
    assert result.exit_code == 1
    told = [line for line in result.stdout.splitlines() if line.startswith(f"{template}:")]
    assert any(mend in line for line in told), told
    template.write_text(whole)
    assert cli.json("protocols", "check")["errors"] == []


def test_the_line_of_a_word_that_is_told_is_its_own(cli: Cli) -> None:
    template = language(cli) / "check_in.txt.j2"
    template.write_text(f"{template.read_text()}\nEscribe STOP\n")
    line = len(template.read_text().splitlines())
    assert f"{template}:{line}: carrier word: stop; " in cli.run("protocols", "check").stdout


def test_a_language_whose_words_cannot_be_read_is_refused_at_its_line(cli: Cli) -> None:
    words = language(cli) / "words.yaml"
    words.write_text(words.read_text().replace("peers: ", "peers: 7 #", 1))
    line = words.read_text()[: words.read_text().index("peers: 7")].count("\n") + 1
    assert f"{words}:{line}: peers: must be a word" in cli.run("protocols", "check").stdout


def test_clocks_that_nobody_proved_are_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tuple(change for change in proof_days.CHANGES if change.by != -1_800)
    monkeypatch.setattr(proof_days, "CHANGES", known)
    count, found = proofs.prove_zones(datetime(2026, 1, 1, tzinfo=UTC))
    assert count > 400
    assert any(
        text.startswith("Australia/Lord_Howe moves its clocks by -1 day, 23:30:00 at 2026-04-05")
        for text in found
    )
    assert "update this program" in cli.refused("protocols", "check")
