"""The wall starts where it should, for whom it should, remembers, and shows itself."""

import json
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from notifications.phone_wall.__main__ import arguments, config_from, main
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.faults import Fault, Occasion, Strike
from notifications.phone_wall.server import RunningWall, create_app, listening, running_wall, serve
from notifications.twilio_gateway import TwilioGateway
from tests.notifications.conftest import OURS, PHONE, eventually, gateway_to, text

TOKEN = "t" * 32


async def send(wall: RunningWall, body: str) -> str:
    gateway = gateway_to(wall)
    sid = (await gateway.send(text(body=body))).sid
    await gateway.aclose()
    return sid


async def test_a_wall_that_starts_again_has_all_of_its_messages(tmp_path: Path) -> None:
    state = tmp_path / "wall.jsonl"
    with running_wall(state_file=state, auth_token=TOKEN, numbers=(OURS,)) as wall:
        sid = await send(wall, "before")
        eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
        httpx.post(f"{wall.url}/wall/api/handsets/{PHONE}/say", json={"body": "STOP"})
        httpx.patch(f"{wall.url}/wall/api/handsets/+12125550124", json={"mode": "landline"})
        eventually(lambda: wall.app_state.store.messages[-1].status == "delivered")
        before = httpx.get(f"{wall.url}/wall/api/export").json()
    with running_wall(state_file=state, auth_token=TOKEN, numbers=(OURS,)) as wall:
        after = httpx.get(f"{wall.url}/wall/api/export").json()
        assert wall.app_state.store.mode("+12125550124") == "landline"
        assert sid in wall.app_state.store.by_sid
    before.pop("exported_at")
    after.pop("exported_at")
    assert after == before


async def test_what_was_on_its_way_arrives_after_the_restart(tmp_path: Path) -> None:
    state = tmp_path / "wall.jsonl"
    with running_wall(state_file=state, step_seconds=60) as wall:
        await send(wall, "on its way")
        assert wall.app_state.store.messages[0].status == "queued"
    with running_wall(state_file=state) as wall:
        eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
        statuses = [step.status for step in wall.app_state.store.messages[0].steps]
        assert statuses == ["queued", "sending", "sent", "delivered"]
        assert len(wall.app_state.store.arrivals) == 1


async def test_a_torn_last_line_costs_that_line_only(tmp_path: Path) -> None:
    state = tmp_path / "wall.jsonl"
    with running_wall(state_file=state) as wall:
        await send(wall, "kept")
        eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    state.write_text(state.read_text() + '{"event": "mess')
    with running_wall(state_file=state) as wall:
        await send(wall, "after")
        eventually(lambda: len(wall.app_state.store.arrivals) == 2)
    with running_wall(state_file=state) as wall:
        assert [message.body for message in wall.app_state.store.messages] == ["kept", "after"]


async def test_only_its_owner_can_read_the_state_file(tmp_path: Path) -> None:
    state = tmp_path / "wall.jsonl"
    with running_wall(state_file=state) as wall:
        await send(wall, "private")
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert all(json.loads(line)["at"].endswith("+00:00") for line in state.read_text().splitlines())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "wall.example"])  # noqa: S104
def test_the_wall_refuses_to_listen_to_the_network(host: str) -> None:
    with pytest.raises(ValueError, match="listens on this machine only"):
        serve(WallConfig(), 0, host)


def test_a_taken_port_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(0) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "choose another with --port" in capsys.readouterr().err
    assert main(["--host", "0.0.0.0"]) == 1  # noqa: S104
    assert "this machine only" in capsys.readouterr().err


def test_a_state_file_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start"), running_wall(state_file=tmp_path):
        pytest.fail("it started")


def test_a_state_file_that_cannot_be_written_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", "--state", str(tmp_path)]) == 1
    assert "give another file with --state" in capsys.readouterr().err


def test_the_command_line_makes_the_wall_that_it_describes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALL_AUTH_TOKEN", TOKEN)
    given = arguments().parse_args(
        [
            "--number",
            OURS,
            "--inbound-url",
            "http://127.0.0.1/x",
            "--state",
            str(tmp_path / "s"),
            "--help-answer",
            "twilio",
        ]
    )
    config = config_from(given)
    assert (config.numbers, config.inbound_url, config.help_answer) == (
        (OURS,),
        "http://127.0.0.1/x",
        "twilio",
    )
    assert (config.state_file, config.auth_token) == (tmp_path / "s", TOKEN)
    assert config_from(arguments().parse_args(["--auth-token", "given"])).auth_token == "given"
    assert TOKEN not in repr(config)


def test_the_wall_runs_as_a_program_of_its_own_and_says_where() -> None:
    command = [sys.executable, "-m", "notifications.phone_wall", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wall:
        try:
            assert wall.stdout is not None
            said = wall.stdout.readline().split()
            assert said[:3] == ["phone", "wall", "at"]
            assert httpx.get(f"{said[3]}/wall/api/version").json() == {"version": 0}
        finally:
            wall.terminate()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_somebody_elses_can_neither_read_nor_answer(
    wall: RunningWall, headers: dict[str, str]
) -> None:
    assert httpx.get(f"{wall.url}/wall/api/export", headers=headers).status_code == 403
    form = {"number": PHONE, "body": "1"}
    assert httpx.post(f"{wall.url}/say", data=form, headers=headers).status_code == 403
    assert not wall.app_state.store.messages


def test_a_form_cannot_reach_the_api(wall: RunningWall) -> None:
    answer = httpx.post(f"{wall.url}/wall/api/handsets/{PHONE}/say", data={"body": "x"})
    assert answer.status_code == 400
    assert not wall.app_state.store.messages


def test_the_wall_may_be_asked_for_under_its_public_name() -> None:
    with running_wall(public_url="https://wall.example") as wall:
        assert httpx.get(wall.url, headers={"Host": "wall.example"}).status_code == 200
        assert httpx.get(wall.url, headers={"Host": "other.example"}).status_code == 403


async def test_the_page_shows_who_said_what_when_and_how_it_went(
    wall: RunningWall, gateway: TwilioGateway
) -> None:
    await gateway.send(text(body="<b>page</b>"))
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    httpx.post(f"{wall.url}/say", data={"number": PHONE, "body": "STOP"})
    page = httpx.get(wall.url)
    assert "&lt;b&gt;page&lt;/b&gt;" in page.text
    assert "<b>page" not in page.text
    for shown in (PHONE, "delivered", "1 segment", "said STOP", "No real phone is reached"):
        assert shown in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_a_handset_can_be_answered_without_javascript(wall: RunningWall) -> None:
    answer = httpx.post(f"{wall.url}/say", data={"number": PHONE, "body": "1", "to": OURS})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/#h{PHONE.removeprefix('+')}")
    assert wall.app_state.store.messages[0].body == "1"
    alone = httpx.post(f"{wall.url}/say", data={"number": PHONE, "body": "1", "only": PHONE})
    assert alone.headers["Location"] == f"/?number=%2B{PHONE.removeprefix('+')}"


def test_a_wrong_number_in_the_form_is_told_on_the_page(wall: RunningWall) -> None:
    answer = httpx.post(f"{wall.url}/say", data={"number": "<i>me</i>", "body": "hold on"})
    assert answer.status_code == 400
    assert "E.164" in answer.text
    assert 'value="hold on"' in answer.text  # what was written is not lost
    assert "<i>" not in answer.text


def test_the_page_shows_the_latest_handsets_and_one_alone(wall: RunningWall) -> None:
    for number in range(70):
        httpx.post(f"{wall.url}/say", data={"number": f"+1212555{number:04d}", "body": "hi"})
    page = httpx.get(wall.url).text
    assert "70 handsets, the latest 60 shown" in page
    assert page.index("+12125550069") < page.index("+12125550068")
    assert "+12125550009" not in page
    alone = httpx.get(wall.url, params={"number": "+12125550009"}).text
    assert alone.count("<article") == 1
    for asset in ("wall.css", "wall.js"):
        assert httpx.get(f"{wall.url}/static/{asset}").status_code == 200


def test_an_empty_wall_says_so(wall: RunningWall) -> None:
    assert "No messages yet" in httpx.get(wall.url).text


class CountingFaults:
    """A fault layer of somebody else's, on the wall's seam."""

    def __init__(self) -> None:
        self.asked = 0

    def befall(self, occasion: Occasion) -> Sequence[Strike]:
        if occasion is not Occasion.CREATE:
            return ()
        self.asked += 1
        return [Strike(fault=Fault.THROTTLED)] if self.asked == 2 else []


def test_another_fault_layer_can_be_put_in() -> None:
    faults = CountingFaults()
    with running_wall(faults=faults) as wall:
        url = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}/Messages.json"
        form = {"To": PHONE, "From": OURS, "Body": "x"}
        codes = [
            httpx.post(url, data=form, auth=(wall.account_sid, wall.auth_token)).status_code for _ in range(3)
        ]
    assert codes == [201, 429, 201]
    assert create_app(faults=faults).state.wall.faults is faults


async def test_a_call_in_the_state_file_is_remembered(tmp_path: Path) -> None:
    state = tmp_path / "wall.jsonl"
    with running_wall(state_file=state) as wall:
        url = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}/Calls.json"
        form = {"To": PHONE, "From": OURS, "Twiml": "<Response/>"}
        httpx.patch(f"{wall.url}/wall/api/handsets/{PHONE}", json={"voice": "listens"})
        httpx.post(url, data=form, auth=(wall.account_sid, wall.auth_token))
        eventually(lambda: wall.app_state.store.calls[0].status == "completed")
    with running_wall(state_file=state) as wall:
        [call] = httpx.get(f"{wall.url}/wall/api/export").json()["calls"]
        assert (call["status"], call["script"], call["to"]) == ("completed", "<Response/>", PHONE)
