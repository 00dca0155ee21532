"""The watchdog's own settings, and the refusals that say what to write instead."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from cism_watchdog import settings
from cism_watchdog.__main__ import main
from cism_watchdog.settings import SettingsError, load
from tests.test_house import ROOT

ENOUGH = {
    "WATCHDOG_SMTP_HOST": "mail.example.org",
    "WATCHDOG_MAIL_FROM": "watchdog@example.org",
    "WATCHDOG_MAIL_TO": "duty@example.org, second@example.org",
}


def test_three_settings_are_enough_and_mail_is_encrypted_unless_it_stays_here() -> None:
    found = load(ENOUGH, None)
    assert (found.mail.tls, found.mail.port) == ("starttls", 587)
    assert found.mail.to == ("duty@example.org", "second@example.org")
    assert found.ping_url is None
    assert load(ENOUGH | {"WATCHDOG_SMTP_TLS": "implicit"}, None).mail.port == 465


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"WATCHDOG_MAIL_TO": ""}, "cannot page anybody"),
        ({"WATCHDOG_SMTP_TLS": "none"}, "on this machine alone"),
        ({"WATCHDOG_SMTP_TLS": "maybe"}, "one of starttls, implicit, none"),
        ({"WATCHDOG_MAIL_TO": "Duty <duty@example.org>"}, "plain addresses"),
        ({"WATCHDOG_AFTER_SECONDS": "soon"}, "WATCHDOG_AFTER_SECONDS must be a positive number"),
        ({"WATCHDOG_AFTER_SECONDS": "nan"}, "WATCHDOG_AFTER_SECONDS must be a positive number"),
        ({"WATCHDOG_URL": "cism.example.org"}, "WATCHDOG_URL is no web address"),
        ({"WATCHDOG_MIAL_TO": "duty@example.org"}, "WATCHDOG_MIAL_TO is no setting"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(ENOUGH | changed, None)


def test_a_file_holds_them_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "watchdog.env"
    file.write_text(
        "# of the watchdog\n"
        + "".join(f'{name}="{value}"\n' for name, value in ENOUGH.items())
        + "WATCHDOG_NAME=North\n"
    )
    assert load({}, file).name == "North"
    assert load({"WATCHDOG_NAME": "South", "CISM_HOME": "x"}, file).name == "South"


def test_a_refusal_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_password_stands_in_no_repr() -> None:
    found = load(ENOUGH | {"WATCHDOG_SMTP_USER": "w", "WATCHDOG_SMTP_PASSWORD": "hush"}, None)
    assert "hush" not in repr(found)
    assert "duty@" not in repr(found)


def test_the_example_that_is_shipped_can_be_used_as_it_is() -> None:
    found = load({}, ROOT / "deploy" / "watchdog.env.example")
    assert found.url == "https://cism.example.org"
    commented = (ROOT / "deploy" / "watchdog.env.example").read_text().replace("\n#WATCHDOG", "\nWATCHDOG")
    pairs = dict(line.split("=", 1) for line in commented.splitlines() if line.startswith("WATCHDOG"))
    assert load(pairs, None).ping_url == "https://heartbeats.example.org/ping"


def test_the_unit_that_is_shipped_starts_it_and_gives_one_up_that_hangs_longer_than_any_look() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "cism-watchdog.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("python3 -m cism_watchdog")
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    usual = load(ENOUGH, None)
    steps_of_one_mail = 8  # connect, hello, encrypt, hello, sign in, from, to, the mail
    longest = 3 * usual.answer_within + steps_of_one_mail * usual.mail.timeout + usual.rhythm.every
    assert float(service["WatchdogSec"]) > longest


def test_the_document_names_each_setting_of_the_watchdog_and_no_other() -> None:
    import re

    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("## A watchdog") :]
    table = table[: table.index("\n## ", 5)]
    named = set(re.findall(r"`WATCHDOG_([A-Z_]+)`", table))
    source = Path(settings.__file__).read_text()
    asked = set(re.findall(r'given\.(?:text|maybe|several|seconds)\(\s*"([A-Z_]+)"', source))
    assert named == asked
