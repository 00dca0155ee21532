"""Everything that can go wrong at a provider goes wrong over real HTTP, and is written down each time."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cism.cli.main import app
from notifications.phone_wall import __main__ as command
from notifications.phone_wall.fault_plan import FaultPlan, WrongPlanError, read_plan
from notifications.phone_wall.faults import GROUPS, Fault, Occasion, SeededFaults
from notifications.phone_wall.server import RunningWall, running_wall
from tests.notifications.conftest import OURS, PHONE, Product, eventually

BEFORE_AND_AFTER = [
    ("500_before", "500_after_accept"),
    ("reset_before", "reset_after_accept"),
    ("hang_before", "hang_after_accept"),
]


def client_of(wall: RunningWall, timeout: float = 10) -> httpx.Client:
    account = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}"
    return httpx.Client(base_url=account, auth=(wall.account_sid, wall.auth_token), timeout=timeout)


@pytest.fixture
def twilio(wall: RunningWall) -> Iterator[httpx.Client]:
    """A plain HTTP client on the account's address."""
    with client_of(wall) as client:
        yield client


def create(twilio: httpx.Client, **fields: str) -> httpx.Response:
    return twilio.post("/Messages.json", data={"To": PHONE, "From": OURS, "Body": "hello", **fields})


def switch(api: httpx.Client, kind: str, times: int = 1, **details: Any) -> dict[str, Any]:
    answer = api.post("/wall/api/faults", json={"kind": kind, "times": times, **details})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def injected(api: httpx.Client, kind: str) -> list[dict[str, Any]]:
    told = api.get("/wall/api/injected").json()
    found = [one for one in told["injected"] if one["kind"] == kind]
    assert told["counts"].get(kind, 0) == len(found)
    assert api.get("/wall/api/export").json()["injected"][: len(told["injected"])] == told["injected"]
    return found


def say(api: httpx.Client, body: str = "hi") -> dict[str, Any]:
    told: dict[str, Any] = api.post(f"/wall/api/handsets/{PHONE}/say", json={"body": body, "to": OURS}).json()
    return told


def bodies(wall: RunningWall) -> list[str]:
    return [message.body for message in wall.app_state.store.messages if not message.is_inbound]


# --- requests


def test_a_burst_of_429_says_how_long_to_wait_and_accepts_nothing(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall
) -> None:
    switch(api, "429", 3, seconds=7)
    answers = [create(twilio, StatusCallback="http://127.0.0.1:1/s?d=m1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 201]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", "7", None]
    assert answers[0].json()["code"] == 20429
    assert len(bodies(wall)) == 1
    struck = injected(api, "429")
    assert len(struck) == 3
    assert {(one["to"], one["d"], one["seconds"], one["occasion"]) for one in struck} == {
        (PHONE, "m1", 7.0, "create")
    }
    assert all(one["at"].endswith("+00:00") for one in struck)


def test_a_seeded_burst_goes_on_for_as_long_as_its_rule_says() -> None:
    plan = {"429": {"chance": 0.2, "burst": [3, 3]}}
    faults = SeededFaults(FaultPlan(plan).rules, seed=5)
    told = [bool(faults.befall(Occasion.CREATE)) for _ in range(400)]
    runs = [len(list(group)) for struck, group in itertools.groupby(told) if struck]
    assert runs[:-1]
    assert all(run % 3 == 0 for run in runs[:-1])


def fault_before_or_after(kind: str, twilio: httpx.Client, api: httpx.Client) -> None:
    switch(api, kind)
    if kind.startswith("500"):
        assert create(twilio).json()["code"] == 20500
        return
    wanted = httpx.ReadTimeout if kind.startswith("hang") else httpx.ReadError
    with pytest.raises((wanted, httpx.RemoteProtocolError)) as broken:
        twilio.post("/Messages.json", data={"To": PHONE, "From": OURS, "Body": "hello"}, timeout=0.3)
    assert isinstance(broken.value, wanted), broken.value


@pytest.mark.parametrize(("before", "after"), BEFORE_AND_AFTER)
def test_what_breaks_before_a_message_is_accepted_leaves_none_and_what_breaks_after_leaves_one(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall, before: str, after: str
) -> None:
    fault_before_or_after(before, twilio, api)
    assert bodies(wall) == []
    assert [one["to"] for one in injected(api, before)] == [PHONE]
    fault_before_or_after(after, twilio, api)
    [message] = wall.app_state.store.messages
    eventually(lambda: message.arrived_at is not None)
    assert [one["sid"] for one in injected(api, after)] == [message.sid]


def test_a_reset_is_a_reset_and_not_an_orderly_end(twilio: httpx.Client, api: httpx.Client) -> None:
    switch(api, "reset_before")
    with pytest.raises(httpx.ReadError) as broken:
        create(twilio)
    assert "reset" in str(broken.value).lower()


def test_a_slow_answer_comes_after_so_many_seconds_and_the_message_is_there_at_once(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall
) -> None:
    switch(api, "slow_answer", seconds=0.4)
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(create, twilio)
        eventually(lambda: len(bodies(wall)) == 1)
        assert answer.result().status_code == 201
    took = datetime.now(UTC) - wall.app_state.store.messages[0].accepted_at  # noqa: TID251 (real time)
    assert took >= timedelta(seconds=0.4)
    assert [one["seconds"] for one in injected(api, "slow_answer")] == [0.4]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (20003, 401),
        (10001, 403),
        (30002, 403),
        (21211, 400),
        (21201, 400),
        (21614, 400),
        (21635, 400),
        (21610, 400),
        (21612, 400),
        (21408, 403),
        (21212, 400),
        (21603, 400),
        (21606, 400),
        (21608, 400),
        (21611, 400),
        (21617, 400),
        (21619, 400),
        (35114, 400),
        (35115, 400),
        (35117, 400),
        (35118, 400),
    ],
)
def test_any_code_of_a_refusal_can_be_had_with_its_status(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall, code: int, status: int
) -> None:
    switch(api, "refused", codes=[code])
    answer = create(twilio)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.json()["message"] != "The request was refused."
    assert bodies(wall) == []
    assert [one["code"] for one in injected(api, "refused")] == [code]
    assert api.get("/wall/api/export").json()["rejected"][0]["code"] == code


def test_asking_can_fail_too(twilio: httpx.Client, api: httpx.Client) -> None:
    sid = create(twilio).json()["sid"]
    switch(api, "429_read", 1, seconds=3)
    switch(api, "500_read", 1)
    first, second, third = (twilio.get("/Messages.json") for _ in range(3))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert second.status_code == 500
    assert [message["sid"] for message in third.json()["messages"]] == [sid]
    assert len(injected(api, "429_read")) == len(injected(api, "500_read")) == 1


def test_calls_go_wrong_as_texts_do(twilio: httpx.Client, api: httpx.Client, wall: RunningWall) -> None:
    form = {"To": PHONE, "From": OURS, "Twiml": "<Response/>"}
    switch(api, "500_before")
    assert twilio.post("/Calls.json", data=form).status_code == 500
    assert wall.app_state.store.calls == []
    switch(api, "500_after_accept")
    assert twilio.post("/Calls.json", data=form).status_code == 500
    [call] = wall.app_state.store.calls
    assert [one["sid"] for one in injected(api, "500_after_accept")] == [call.sid]


def test_a_message_can_be_missing_from_the_list_for_a_while_and_be_known_by_its_sid(
    twilio: httpx.Client, api: httpx.Client
) -> None:
    switch(api, "list_late", seconds=0.5)
    sid = create(twilio).json()["sid"]

    def listed() -> list[str]:
        page = twilio.get("/Messages.json", params={"To": PHONE}).json()
        return [message["sid"] for message in page["messages"]]

    assert listed() == []
    assert twilio.get(f"/Messages/{sid}.json").json()["sid"] == sid
    eventually(lambda: listed() == [sid])
    assert [(one["sid"], one["seconds"]) for one in injected(api, "list_late")] == [(sid, 0.5)]


def test_the_most_requests_that_were_on_at_once_are_counted(twilio: httpx.Client, api: httpx.Client) -> None:
    switch(api, "slow_answer", 3, seconds=0.3)
    with ThreadPoolExecutor(3) as beside:
        assert {answer.status_code for answer in beside.map(lambda _: create(twilio), range(3))} == {201}
    assert api.get("/wall/api/injected").json()["most_at_once"] == 3


# --- what is told of a message


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (30001, "failed"),
        (30036, "failed"),
        (30003, "undelivered"),
        (30005, "undelivered"),
        (30006, "undelivered"),
        (30007, "undelivered"),
        (30008, "undelivered"),
        (30410, "undelivered"),
    ],
)
def test_a_message_can_end_with_any_code_and_does_not_arrive(
    twilio: httpx.Client, api: httpx.Client, product: Product, wall: RunningWall, code: int, status: str
) -> None:
    switch(api, "not_delivered", codes=[code])
    sid = create(twilio, StatusCallback=f"{product.url}/s").json()["sid"]
    product.wait_for(lambda it: status in {form["MessageStatus"] for form in it.forms("/s")})
    last = product.forms("/s")[-1]
    assert last["ErrorCode"] == str(code)
    told = twilio.get(f"/Messages/{sid}.json").json()
    assert (told["status"], told["error_code"]) == (status, code)
    assert wall.app_state.store.arrivals == []
    assert [(one["sid"], one["code"]) for one in injected(api, "not_delivered")] == [(sid, code)]


def test_what_is_said_not_to_be_delivered_may_be_on_the_handset_all_the_same(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall
) -> None:
    switch(api, "not_delivered", codes=[30410], arrives=True)
    create(twilio)
    eventually(lambda: wall.app_state.store.messages[0].status == "undelivered")
    assert len(wall.app_state.store.arrivals) == 1


def test_a_status_comes_late(twilio: httpx.Client, api: httpx.Client, product: Product) -> None:
    switch(api, "delay_status_callback", 2, seconds=0.4)
    create(twilio, StatusCallback=f"{product.url}/s")
    eventually(lambda: len(injected(api, "delay_status_callback")) == 2)
    assert product.forms("/s") == []
    product.wait_for(lambda it: len(it.forms("/s")) == 2)


@pytest.mark.parametrize("copies", [1, 3, 5])
def test_a_status_comes_one_to_five_times(
    twilio: httpx.Client, api: httpx.Client, product: Product, wall: RunningWall, copies: int
) -> None:
    switch(api, "repeat_status_callback", 2, copies=copies)
    create(twilio, StatusCallback=f"{product.url}/s")
    product.wait_for(lambda it: len(it.forms("/s")) == 2 * copies)
    struck = injected(api, "repeat_status_callback")
    assert [one["copies"] for one in struck] == ([copies] * 2 if copies > 1 else [])


EARLY = ("queued", "sending", "sent", "delivered")


@pytest.mark.parametrize("rank", [1, 9, 23])
def test_statuses_come_in_any_order_that_is_asked_for(product: Product, rank: int) -> None:
    wanted = list(itertools.permutations(EARLY[1:]))[rank % 6]
    with (
        running_wall(callback_statuses=frozenset(EARLY)) as wall,
        client_of(wall) as twilio,
        httpx.Client(base_url=wall.url) as api,
    ):
        switch(api, "reorder_status_callbacks", rank=rank)
        sid = create(twilio, StatusCallback=f"{product.url}/s").json()["sid"]
        product.wait_for(lambda it: len(it.forms("/s")) == 3)
        assert [form["MessageStatus"] for form in product.forms("/s")] == list(wanted)
        [struck] = injected(api, "reorder_status_callbacks")
        assert (struck["sid"], struck["order"]) == (sid, list(wanted))


def test_without_a_rank_the_order_is_any_but_the_true_one(product: Product) -> None:
    plan = FaultPlan({"reorder_status_callbacks": 1.0})
    with running_wall(fault_plan=plan, seed=3) as wall, client_of(wall) as twilio:
        for _ in range(5):
            create(twilio, StatusCallback=f"{product.url}/s")
        product.wait_for(lambda it: len(it.forms("/s")) == 10)
        orders = [tuple(one["order"]) for one in wall.app_state.store.injected]
    assert orders == [("delivered", "sent")] * 5


def test_statuses_can_be_told_by_hand_in_every_order(
    twilio: httpx.Client, api: httpx.Client, product: Product
) -> None:
    sid = create(twilio, StatusCallback=f"{product.url}/s").json()["sid"]
    product.wait_for(lambda it: len(it.forms("/s")) == 2)
    order = ["failed", "queued", "delivered", "undelivered", "sent"]
    asked = {"statuses": order, "error_code": 30008}
    answers = api.post(f"/wall/api/messages/{sid}/statuses", json=asked).json()["answers"]
    assert [answer["status"] for answer in answers] == [200] * 5
    told = product.forms("/s")[2:]
    assert [form["MessageStatus"] for form in told] == order
    assert [form.get("ErrorCode") for form in told] == ["30008", None, None, "30008", None]
    assert [one["order"] for one in injected(api, "told")] == [order]


@pytest.mark.parametrize(
    "content", [{"statuses": "sent"}, {"statuses": [1]}, {"statuses": [], "error_code": "x"}]
)
def test_telling_statuses_says_what_it_wants(
    twilio: httpx.Client, api: httpx.Client, product: Product, content: dict[str, Any]
) -> None:
    sid = create(twilio, StatusCallback=f"{product.url}/s").json()["sid"]
    answer = api.post(f"/wall/api/messages/{sid}/statuses", json=content)
    assert (answer.status_code, "statuses" in answer.json()["error"]) == (400, True)
    assert api.post("/wall/api/messages/SM1/statuses", json={"statuses": []}).status_code == 400


# --- texts from handsets


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_a_webhook_comes_one_to_five_times_at_once_and_each_answer_counts(
    api: httpx.Client, product: Product, wall: RunningWall, copies: int
) -> None:
    product.twiml = "<Response><Message>heard</Message></Response>"
    switch(api, "repeat_inbound_webhook", copies=copies)
    assert len(say(api)["replies"]) == copies
    assert len(product.forms("/twilio/sms")) == copies
    assert len({form["MessageSid"] for form in product.forms("/twilio/sms")}) == 1
    assert bodies(wall) == ["heard"] * copies
    assert [one["copies"] for one in injected(api, "repeat_inbound_webhook")] == [copies] * (copies > 1)


def test_a_webhook_comes_late_and_its_answer_is_sent(
    api: httpx.Client, product: Product, wall: RunningWall
) -> None:
    product.twiml = "<Response><Message>heard</Message></Response>"
    switch(api, "delay_inbound_webhook", seconds=0.3)
    assert say(api)["webhook"] is None
    assert product.forms("/twilio/sms") == []
    eventually(lambda: bodies(wall) == ["heard"])
    assert len(injected(api, "delay_inbound_webhook")) == 1


def test_a_lost_webhook_is_written_down(api: httpx.Client, product: Product) -> None:
    switch(api, "lose_inbound_webhook")
    sid = say(api)["sid"]
    assert product.forms("/twilio/sms") == []
    assert [one["sid"] for one in injected(api, "lose_inbound_webhook")] == [sid]


# --- outages


@pytest.mark.parametrize("afterwards", ["come", "lost"])
@pytest.mark.parametrize("how", ["close", "503"])
def test_in_an_outage_nothing_is_answered_and_nobody_is_told(
    twilio: httpx.Client, api: httpx.Client, product: Product, wall: RunningWall, how: str, afterwards: str
) -> None:
    create(twilio, StatusCallback=f"{product.url}/before")
    product.wait_for(lambda it: len(it.forms("/before")) == 2)
    assert switch(api, "outage", seconds=30, how=how, afterwards=afterwards)["outage"] > 29
    for ask in (lambda: create(twilio), lambda: twilio.get("/Messages.json")):
        if how == "503":
            assert (ask().status_code, ask().json()["code"]) == (503, 20503)
        else:
            # a server that goes away over a request that it has not read resets the connection
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                ask()
    assert say(api)["webhook"] is None
    assert product.forms("/twilio/sms") == []
    assert len(bodies(wall)) == 1
    assert switch(api, "outage", 0)["outage"] == 0
    assert create(twilio).status_code == 201
    if afterwards == "come":
        product.wait_for(lambda it: len(it.forms("/twilio/sms")) == 1)
    begun, *befell = injected(api, "outage")
    assert (begun["how"], begun["seconds"], begun["afterwards"]) == (how, 30, afterwards)
    kinds = [one["befell"] for one in befell]
    assert kinds.count("request") == (4 if how == "503" else 2)
    assert kinds.count("inbound_webhook") == 1
    if afterwards == "lost":
        assert say(api, "again")["webhook"]["status"] == 200
        assert [form["Body"] for form in product.forms("/twilio/sms")] == ["again"]


def test_a_status_of_a_message_on_its_way_is_held_until_the_provider_is_back(product: Product) -> None:
    with (
        running_wall(step_seconds=0.2) as wall,
        client_of(wall) as twilio,
        httpx.Client(base_url=wall.url) as api,
    ):
        create(twilio, StatusCallback=f"{product.url}/s")
        switch(api, "outage", seconds=1.2)
        eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
        assert product.forms("/s") == []
        product.wait_for(lambda it: len(it.forms("/s")) == 2)
        held = [one["how"] for one in injected(api, "outage") if one.get("befell") == "status_callback"]
        assert held == ["held", "held"]


def test_an_outage_ends_by_itself_and_can_begin_later() -> None:
    plan = FaultPlan({"outage": {"after": 0.2, "seconds": 0.4, "how": "503"}})
    with running_wall(fault_plan=plan) as wall, client_of(wall) as twilio:
        assert create(twilio).status_code == 201
        eventually(lambda: create(twilio).status_code == 503)
        eventually(lambda: create(twilio).status_code == 201)


# --- by chance


def run_of(plan: dict[str, Any], seed: int) -> list[tuple[str, int]]:
    """What befalls a fixed sequence of requests over HTTP, by the wall's own list."""
    with running_wall(fault_plan=FaultPlan(plan), seed=seed) as wall, client_of(wall) as twilio:
        for number in range(40):
            create(twilio, Body=f"text {number}")
        eventually(lambda: all(message.status == "delivered" for message in wall.app_state.store.messages))
        return [(one["kind"], one.get("seconds")) for one in wall.app_state.store.injected]


def test_the_same_seed_and_the_same_requests_make_the_same_faults() -> None:
    plan = {
        "429": {"chance": 0.2, "seconds": [1, 5]},
        "500_before": 0.1,
        "500_after_accept": 0.2,
        "list_late": {"chance": 0.3, "seconds": [0, 1]},
    }
    first, again, other = run_of(plan, 11), run_of(plan, 11), run_of(plan, 12)
    assert first == again
    assert first != other
    assert {kind for kind, _ in first} == set(plan)


@pytest.mark.parametrize("kind", [fault for groups in GROUPS.values() for group in groups for fault in group])
def test_each_fault_strikes_about_as_often_as_its_chance_says(kind: Fault) -> None:
    faults = SeededFaults(FaultPlan({kind: 0.1}).rules, seed=1)
    [occasion] = [one for one, groups in GROUPS.items() if any(kind in group for group in groups)]
    told = [strike.fault for _ in range(5000) for strike in faults.befall(occasion)]
    assert set(told) == {kind}
    assert 400 < len(told) < 600


def test_faults_of_one_kind_do_not_move_when_occasions_of_another_come_between() -> None:
    rules = FaultPlan({"429": 0.5, "lose_status_callback": 0.5}).rules
    plain, mixed = SeededFaults(rules, 1), SeededFaults(rules, 1)
    alone = [bool(plain.befall(Occasion.CREATE)) for _ in range(50)]
    between = []
    for _ in range(50):
        mixed.befall(Occasion.CALLBACK)
        between.append(bool(mixed.befall(Occasion.CREATE)))
    assert alone == between


def test_a_plan_can_be_set_and_taken_away_while_the_wall_runs(
    twilio: httpx.Client, api: httpx.Client
) -> None:
    told = api.post("/wall/api/faults", json={"plan": {"429": 1}, "seed": 9}).json()
    assert (told["plan"], told["seed"]) == ({"429": 1}, 9)
    assert create(twilio).status_code == 429
    api.post("/wall/api/faults", json={"plan": {}})
    assert create(twilio).status_code == 201


WRONG: list[Any] = [
    {"flood": 0.1},
    {"429": 2},
    {"429": -0.1},
    {"429": True},
    {"429": "often"},
    {"429": {"chance": 0.5, "when": "always"}},
    {"429": {"seconds": [3, 1]}},
    {"429": {"seconds": [1, 2, 3]}},
    {"429": {"burst": 0}},
    {"refused": {"codes": []}},
    {"refused": {"codes": ["21610"]}},
    {"refused": {"codes": 21610}},
    {"not_delivered": {"arrives": 1}},
    {"429": 0.6, "500_before": 0.6},
    {"outage": {"how": "loudly"}},
    {"outage": {"afterwards": "perhaps"}},
    {"outage": {"minutes": 3}},
    {"outage": 3},
    {"told": 1},
]


@pytest.mark.parametrize("plan", WRONG)
def test_a_plan_that_makes_no_sense_is_refused_with_what_to_write(api: httpx.Client, plan: Any) -> None:
    answer = api.post("/wall/api/faults", json={"plan": plan})
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 40
    with pytest.raises(WrongPlanError):
        FaultPlan(plan)


@pytest.mark.parametrize(
    "asked", [{"plan": 3}, {"plan": {}, "seed": "x"}, {"plan": {}, "kind": "429"}, {"kind": "told"}]
)
def test_a_request_for_faults_that_makes_no_sense_changes_nothing(
    api: httpx.Client, twilio: httpx.Client, asked: dict[str, Any]
) -> None:
    assert api.post("/wall/api/faults", json=asked).status_code == 400
    assert create(twilio).status_code == 201


def test_the_command_line_takes_a_plan_as_json_or_as_a_file(tmp_path: Path) -> None:
    written = tmp_path / "plan.json"
    written.write_text(json.dumps({"429": 0.5}))
    for given in ('{"429": 0.5}', str(written)):
        config = command.config_from(command.arguments().parse_args(["--faults", given, "--seed", "4"]))
        assert config.fault_plan is not None
        assert (config.fault_plan.written, config.seed) == ({"429": 0.5}, 4)


@pytest.mark.parametrize("given", ["nowhere.json", "{", '{"flood": 1}'])
def test_the_command_line_refuses_a_wrong_plan(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--faults", given])
    assert ended.value.code == 2
    assert "--faults" in capsys.readouterr().err


def test_a_file_that_holds_no_object_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(WrongPlanError):
        read_plan(str(tmp_path / "plan.json"))


# --- what was injected


def test_what_was_injected_is_known_after_a_restart(tmp_path: Path) -> None:
    config = {"state_file": tmp_path / "wall.jsonl", "auth_token": "t" * 32}
    with running_wall(**config) as wall, httpx.Client(base_url=wall.url) as api, client_of(wall) as twilio:
        switch(api, "429")
        switch(api, "list_late", seconds=60)
        create(twilio)
        create(twilio)
        before = api.get("/wall/api/injected").json()["injected"]
    with running_wall(**config) as wall, httpx.Client(base_url=wall.url) as api, client_of(wall) as twilio:
        assert api.get("/wall/api/injected").json()["injected"] == before
        assert twilio.get("/Messages.json").json()["messages"] == []
    assert [one["kind"] for one in before] == ["429", "list_late"]


@pytest.mark.parametrize(
    "signed", ["not_at_all", "with_another_token", "for_another_address", "for_another_form", "rightly"]
)
def test_a_webhook_can_be_forged_and_is_written_down_without_what_it_says(
    api: httpx.Client, product: Product, signed: str
) -> None:
    asked = {"url": f"{product.url}/forged", "form": {"Body": "secret", "From": PHONE}, "signed": signed}
    assert api.post("/wall/api/webhooks", json=asked).json()["status"] == 200
    assert product.forms("/forged") == [{"Body": "secret", "From": PHONE}]
    [struck] = injected(api, "forged")
    assert (struck["signed"], struck["status"]) == (signed, 200)
    assert "secret" not in json.dumps(struck)


@pytest.mark.parametrize(
    "asked",
    [
        {"url": 1, "form": {}, "signed": "rightly"},
        {"url": "http://127.0.0.1:1/", "form": {"a": 1}, "signed": "rightly"},
        {"url": "http://127.0.0.1:1/", "form": {}, "signed": "badly"},
    ],
)
def test_forging_says_what_it_wants(api: httpx.Client, asked: dict[str, Any]) -> None:
    answer = api.post("/wall/api/webhooks", json=asked)
    assert (answer.status_code, "signed" in answer.json()["error"]) == (400, True)


def test_the_wall_of_the_product_takes_faults_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CISM_HOME", str(tmp_path))
    given: list[list[str]] = []

    def instead(argv: list[str]) -> int:
        given.append(argv)
        return 0

    monkeypatch.setattr(command, "main", instead)
    done = CliRunner().invoke(app, ["phones", "--faults", '{"429": 0.5}', "--seed", "8"])
    assert done.exit_code == 0, done.output
    assert given[0][-4:] == ["--faults", '{"429": 0.5}', "--seed", "8"]
