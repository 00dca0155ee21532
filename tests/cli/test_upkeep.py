"""Keeping an installation well, and starting it wrongly: each mistake is one line that says what to do."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cism.cli import parts
from cism.domain.escalation_level import EscalationLevel
from cism.domain.plan import StepKind
from cism.errors import StorageFull
from cism.services import engine, escalations, outbox, queue, readiness, roster
from cism.settings import WALL_NUMBER, load
from cism.store import migrate
from cism.store.db import now, real_now
from cism.store.tables import Heartbeat, Step
from notifications.messages import CrisisAnswer
from tests.cli.conftest import ROSTER, Cli
from tests.fakes.smtp import smtp_sink

# The doctor.


def checks(cli: Cli) -> dict[str, tuple[str, str]]:
    """State and text of every check, whatever the doctor thinks of the whole."""
    result = cli.run("doctor", "--json")
    return {item["check"]: (item["state"], item["text"]) for item in json.loads(result.stdout)}


def test_the_doctor_asks_for_an_agency_s_own_notice_of_the_limits_until_it_is_there(
    cli: Cli, tmp_path: Path
) -> None:
    cli.roster()
    name = "limits of confidentiality, metro-pd"
    state, said = checks(cli)[name]
    assert state == "warning"
    assert "cism agency notice metro-pd --file FILE" in said
    words = tmp_path / "notice.txt"
    words.write_text("What you say stays here, but for danger to life, abuse, and a court's order.")
    cli.ok("agency", "notice", "metro-pd", "--file", str(words))
    assert checks(cli)[name][0] == "ok"


def test_the_doctor_is_content_with_a_roster_and_a_conductor(cli: Cli) -> None:
    cli.roster()
    with cli.database() as session:
        engine.beat(session, "conductor")
    text = cli.ok("doctor")
    assert "no real phone is reached" in text
    states = {name: state for name, (state, _) in checks(cli).items()}
    # a trial: no real phones, nothing is kept elsewhere, and nobody wrote where confidentiality ends here
    limits = {name for name in states if name.startswith("limits of confidentiality, ")}
    assert "limits of confidentiality, metro-pd" in limits
    assert {n for n, state in states.items() if state == "warning"} == {"phones", "backups", "paper", *limits}
    assert "bad" not in states.values()


def test_the_doctor_names_an_agency_that_cannot_answer(cli: Cli, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.csv"
    rows = ROSTER.read_text().splitlines(keepends=True)
    lonely.write_text(rows[0] + next(row for row in rows if row.startswith("P106")).replace("P104", ""))
    cli.ok("roster", "import", str(lonely))
    state, text = checks(cli)["agency metro-pd"]
    assert state == "bad"
    assert text.startswith("no reachable coordinator and no reachable clinician")
    assert "First: agency metro-pd: no reachable coordinator" in cli.refused("doctor")


def test_the_doctor_sees_that_nothing_is_performed(cli: Cli) -> None:
    cli.roster()
    cli.incident()
    with cli.database() as session:
        session.add(Heartbeat(name="conductor", seen_real=real_now(session) - timedelta(minutes=3)))
        step = session.scalars(select(Step).where(Step.kind == StepKind.ACTIVATE)).one()
        step.due_at, step.tries = now(session) - timedelta(minutes=10), 2
    found = checks(cli)
    assert found["conductor"][0] == "bad"
    assert found["conductor"][1].endswith(": nothing is performed; start `cism up`")
    assert found["due work"][0] == "bad"
    assert found["failed steps"] == (
        "bad",
        f"1 {StepKind.ACTIVATE.value}: tried again by themselves; see the log",
    )


def test_the_doctor_says_what_waits_longer_than_it_may_and_what_to_do(cli: Cli) -> None:
    cli.roster()
    with cli.database() as session:
        engine.beat(session, "conductor")
        earlier = now(session) - timedelta(hours=2)
        queue.add(session, "free_text", now=earlier, within=timedelta(minutes=30), agency="metro-pd")
        escalations.open_for(
            session,
            person=None,
            agency="metro-pd",
            level=EscalationLevel.EMERGENCY,
            reason="crisis_words",
            now=earlier,
        )
        answer = CrisisAnswer(agency="Metro PD", line="call or text 988", emergency="911")
        outbox.put(session, answer, key="waits", now=earlier, to_number="+12125550199")
    found = checks(cli)
    assert found["human queue"] == (
        "bad",
        "1 past their clock, the oldest waits 120 min: read them: `cism queue list`",
    )
    assert found["escalations"] == (
        "bad",
        "1 past the time by which a human calls: see `cism escalations`, call",
    )
    assert found["urgent texts"][0] == "bad"
    assert found["urgent texts"][1].startswith("the oldest waits 120 min: ")
    assert found["due work"][0] == "bad"
    assert "clocks" not in found


def test_the_doctor_asks_the_mail_server_of_the_second_way(cli: Cli) -> None:
    with smtp_sink() as sink:
        cli.set_env("CISM_SECOND_SMTP_HOST", "127.0.0.1")
        cli.set_env("CISM_SECOND_SMTP_PORT", str(sink.port))
        cli.set_env("CISM_SECOND_SMTP_TLS", "none")
        cli.set_env("CISM_SECOND_FROM", "cism@example.org")
        assert checks(cli)["second way"][0] == "ok"
        sink.greeting = "421 not now"
        said = "the mail server does not take mail now: check CISM_SECOND_*"
        assert checks(cli)["second way"] == ("bad", said)
        sink.greeting, sink.login = "220 sink", ("cism", "hush")
        said = "the mail server refuses us (code 530): check CISM_SECOND_*"
        assert checks(cli)["second way"] == ("bad", said)
        assert sink.mails == []


def test_the_doctor_warns_of_keys_that_lie_beside_the_data(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CISM_VAULT_KEYS")
    cli.set_env("CISM_DATABASE_URL", f"sqlite:///{tmp_path / 'cism.db'}")
    check = _keys_check()
    assert check.verdict is readiness.Verdict.WARNING
    assert "shares a disk with the database:" in check.text
    assert "CISM_VAULT_KEY_FILE" in check.text


def test_the_doctor_is_content_with_keys_on_another_disk_than_database_and_backups(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CISM_VAULT_KEYS")
    cli.set_env("CISM_DATABASE_URL", f"sqlite:///{tmp_path / 'cism.db'}")
    cli.set_env("CISM_VAULT_KEY_FILE", "/dev/shm/of-this-test/vault.keys")
    assert _keys_check().verdict is readiness.Verdict.GOOD
    cli.set_env("CISM_BACKUP_FOLDER", "/dev/shm/of-this-test/backups")
    assert "shares a disk with the backups:" in _keys_check().text


@pytest.mark.parametrize("host", ["127.0.0.1", "", "localhost"])
def test_the_doctor_says_that_it_cannot_tell_where_a_server_on_this_machine_keeps_its_data(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.delenv("CISM_VAULT_KEYS")
    cli.set_env("CISM_DATABASE_URL", f"postgresql+psycopg://{host}/cism")
    assert "perhaps the database" in _keys_check().text
    cli.set_env("CISM_DATABASE_URL", "postgresql+psycopg://db.example/cism")
    assert _keys_check().verdict is readiness.Verdict.GOOD


def _keys_check() -> readiness.Check:
    (check,) = [item for item in readiness.of_settings(load()) if item.name == "keys"]
    return check


def test_the_doctor_says_that_a_database_is_not_migrated(cli: Cli, tmp_path: Path) -> None:
    cli.set_env("CISM_DATABASE_URL", f"sqlite:///{tmp_path / 'fresh.db'}")
    assert checks(cli)["database"] == ("bad", "The database is not migrated: run `cism db upgrade`.")


# Starting wrongly.


def test_a_fresh_database_is_refused_until_it_is_migrated(cli: Cli, tmp_path: Path) -> None:
    cli.set_env("CISM_DATABASE_URL", f"sqlite:///{tmp_path / 'fresh.db'}")
    assert cli.refused("incidents") == "The database is not migrated: run `cism db upgrade`."
    assert cli.ok("db", "upgrade") == f"the database is at version {migrate.head()}\n"
    assert cli.json("incidents") == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(cli: Cli) -> None:
    with cli.database() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    said = "The database was made by a newer version: upgrade the program, or restore an older backup."
    assert cli.refused("incidents") == said
    assert cli.refused("up", "--port", "1") == said
    assert cli.refused("db", "upgrade") == said
    with cli.database() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"CISM_TWILIO_ACCOUNT_SID": "AC" + "1" * 32},
            "Twilio is half set up: set CISM_TWILIO_AUTH_TOKEN, CISM_TWILIO_FROM or "
            "CISM_TWILIO_MESSAGING_SERVICE_SID too, or unset all of CISM_TWILIO_*",
        ),
        (
            {"CISM_TWILIO_BASE_URL": "http://127.0.0.1:1"},
            "Twilio is half set up: set CISM_TWILIO_ACCOUNT_SID, ",
        ),
        ({"CISM_TWILIO_URGENT_FROM": "+12125550100"}, "Twilio is half set up: set CISM_TWILIO_ACCOUNT_SID, "),
        ({"CISM_TWILIO_FROM": "555-0100"}, "CISM_TWILIO_FROM: write the number that sends as +12025550123"),
        (
            {"CISM_TWILIO_BASE_URL": "http://sms.example"},
            "CISM_TWILIO_BASE_URL: must be https://, or http:// on",
        ),
        (
            {"CISM_TWILIO_BASE_URL": "ftp://127.0.0.1"},
            "CISM_TWILIO_BASE_URL: must be https://, or http:// on",
        ),
        ({"CISM_WALL_URL": "http://192.0.2.7:8090"}, "CISM_WALL_URL: the phone wall is on this machine only"),
        ({"CISM_WALL_URL": "http://127.0.0.1"}, "CISM_WALL_URL: the phone wall is on this machine only"),
        ({"CISM_CLOCK": "sundial"}, "CISM_CLOCK: Input should be 'real' or 'movable'"),
        ({"CISM_PUBLIC_URL": "cism.example.org"}, "CISM_PUBLIC_URL: 'cism.example.org' is not a web address"),
        ({"CISM_SMS_RATE": "0"}, "CISM_SMS_RATE: Input should be greater than 0"),
        ({"CISM_VAULT_KEYS": "secret"}, "must hold 32-byte keys in URL-safe base64"),
        ({"CISM_DATABASE_URL": "nonsense"}, "CISM_DATABASE_URL cannot be used: write sqlite:////"),
        ({"CISM_DATABASE_URL": "mysql://localhost/x"}, "CISM_DATABASE_URL cannot be used: write sqlite:////"),
        (
            {"CISM_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"},
            "the database does not answer",
        ),
    ],
)
@pytest.mark.parametrize("command", [("incidents",), ("up", "--port", "1")])
def test_a_wrong_setting_is_refused_in_one_line(
    cli: Cli, settings: dict[str, str], said: str, command: tuple[str, ...]
) -> None:
    for name, value in settings.items():
        cli.set_env(name, value)
    assert said in cli.refused(*command)


def test_a_movable_clock_never_texts_through_a_real_provider(cli: Cli) -> None:
    cli.set_env("CISM_TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    cli.set_env("CISM_TWILIO_AUTH_TOKEN", "2" * 32)
    cli.set_env("CISM_TWILIO_FROM", "+12125550100")
    assert "CISM_CLOCK=movable would text real people at invented times" in cli.refused("clock", "show")


@contextmanager
def provider(status: int, answer: dict[str, object]) -> Iterator[str]:
    """A server that answers every question of Twilio's API alike."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def through(cli: Cli, url: str) -> None:
    """Text through a provider at this address."""
    cli.set_env("CISM_TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    cli.set_env("CISM_TWILIO_AUTH_TOKEN", "2" * 32)
    cli.set_env("CISM_TWILIO_FROM", "+12125550100")
    cli.set_env("CISM_TWILIO_BASE_URL", url)


def test_a_wrong_credential_starts_nothing_and_is_told_by_the_doctor(cli: Cli) -> None:
    wrong = {"code": 20003, "message": "Authenticate", "status": 401}
    with provider(401, wrong) as url:
        through(cli, url)
        said = "Twilio refuses us (code 20003): check CISM_TWILIO_ACCOUNT_SID and CISM_TWILIO_AUTH_TOKEN"
        assert cli.refused("up", "--port", "1") == f"{said}; nothing was started"
        assert checks(cli)["phones"] == ("bad", said)


def test_the_doctor_is_content_with_a_provider_that_answers(cli: Cli) -> None:
    with provider(200, {"messages": [], "page": 0, "next_page_uri": None, "uri": "/"}) as url:
        through(cli, url)
        assert checks(cli)["phones"] == ("ok", "Twilio answers")


def test_a_provider_that_does_not_answer_is_told_by_the_doctor(cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    through(cli, f"http://127.0.0.1:{port}")
    state, text = checks(cli)["phones"]
    assert (state, text.startswith("Twilio does not answer, no text leaves until it does")) == ("bad", True)


def test_keys_that_did_not_seal_this_database_are_refused(cli: Cli) -> None:
    cli.roster()
    cli.set_env("CISM_VAULT_KEYS", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=")
    said = cli.refused("roster", "import", str(ROSTER))
    assert said.startswith("CISM_VAULT_KEYS lacks the key ")


def test_a_taken_port_is_refused_before_anything_is_started(cli: Cli, tmp_path: Path) -> None:
    cli.set_env("CISM_DATABASE_URL", f"sqlite:///{tmp_path / 'fresh.db'}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in cli.refused("up", "--port", str(port))


def test_a_taken_port_is_refused_by_the_phone_wall_in_one_line(cli: Cli, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "cism.cli.main", "phones", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"phone wall: cannot listen on 127.0.0.1, port {port} (")
    assert ended.stderr.count("\n") == 1


def test_a_full_disk_is_told_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFull

    monkeypatch.setattr(roster, "import_file", full)
    said = cli.refused("roster", "import", str(ROSTER))
    assert said == "Not saved: the disk is full. Free some room and send it again."


def test_a_mistake_of_ours_is_one_line_without_what_it_said(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "Dana Ruiz +12125550101"
        raise RuntimeError(message)

    monkeypatch.setattr(roster, "confirm", broken)
    said = cli.refused("roster", "confirm")
    assert said.startswith("RuntimeError at test_upkeep.py:")
    assert "Dana" not in said
    assert "555" not in said


# Retention, protocols, parts.


def test_purging_only_counts_here(cli: Cli) -> None:
    rows = cli.json("purge", "--dry-run")
    assert rows
    assert all(row["count"] == 0 for row in rows)
    assert "retention runs by itself every night" in cli.refused("purge")


def test_the_shipped_protocols_are_good(cli: Cli) -> None:
    found = cli.json("protocols", "check")
    assert {item["key"] for item in found["protocols"]} >= {"sfa-follow-up", "iacp-ois"}
    assert found["errors"] == []


def test_a_broken_protocol_file_is_refused_by_file_and_line(cli: Cli, tmp_path: Path) -> None:
    broken = tmp_path / "own.yaml"
    shipped = Path(parts.__file__).parents[1] / "protocols" / "sfa-follow-up.yaml"
    broken.write_text(shipped.read_text().replace("version:", "verzion:", 1))
    result = cli.run("protocols", "check", str(broken))
    assert result.exit_code == 1
    assert f"{broken}:" in result.stdout.replace("\n", "")
    assert result.stderr.count("\n") == 1
    assert "in protocol files. First: " in result.stderr
    assert "cannot be read" in cli.refused("protocols", "check", "nowhere.yaml")


def test_the_wall_is_told_our_number_and_where_replies_go(cli: Cli) -> None:
    settings = load()
    account, token = settings.wall_credentials()
    arguments = parts.wall_arguments(settings, account)
    assert arguments[arguments.index("--number") + 1] == WALL_NUMBER
    assert arguments[arguments.index("--inbound-url") + 1] == "http://127.0.0.1:8080/twilio/sms"
    assert arguments[arguments.index("--port") + 1] == "8090"
    assert token not in arguments


def test_a_command_that_is_not_there_is_wrong_usage(cli: Cli) -> None:
    assert "No such command 'frobnicate'" in cli.refused("frobnicate", status=2)
    assert cli.run("escalation").exit_code == 2
    assert cli.run("--help").exit_code == 0


def test_the_web_part_takes_the_place_of_the_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(parts.os, "execv", lambda _path, arguments: started.append(arguments))
    cli.ok("web", "--port", "8123")
    assert started == [[sys.executable, "-m", "cism.web", "--host", "127.0.0.1", "--port", "8123"]]
    assert "Invalid value for '--port'" in cli.refused("web", "--port", "99999", status=2)
