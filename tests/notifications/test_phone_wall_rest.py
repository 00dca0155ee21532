"""The wall answers the paths of Twilio's REST API with the same fields, codes and pages."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from notifications.phone_wall.dates import DateFilter
from notifications.phone_wall.server import RunningWall, running_wall
from tests.notifications.conftest import OURS, PHONE, SERVICE, URGENT, Product, eventually

FIELDS = {
    "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction",
    "error_code", "error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price",
    "price_unit", "sid", "status", "subresource_uris", "to", "uri",
}  # fmt: skip


def client_of(wall: RunningWall) -> httpx.Client:
    account = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}"
    return httpx.Client(base_url=account, auth=(wall.account_sid, wall.auth_token), timeout=10)


@pytest.fixture
def twilio(wall: RunningWall) -> Iterator[httpx.Client]:
    """A plain HTTP client on the account's address."""
    with client_of(wall) as client:
        yield client


def create(twilio: httpx.Client, **fields: str) -> httpx.Response:
    usual = {"To": PHONE, "From": OURS, "Body": "hello"}
    return twilio.post(
        "/Messages.json", data={name: value for name, value in {**usual, **fields}.items() if value}
    )


def slow_wall(**config: Any) -> Any:
    """A wall on which nothing goes further than it was when it was created."""
    return running_wall(step_seconds=60, **config)


def test_a_created_message_has_all_fields_of_the_real_resource(twilio: httpx.Client) -> None:
    answer = create(twilio)
    assert answer.status_code == 201
    message = answer.json()
    assert set(message) == FIELDS
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert (message["num_segments"], message["num_media"]) == ("1", "0")
    assert (message["status"], message["direction"]) == ("queued", "outbound-api")
    assert message["price"] is message["error_code"] is message["date_sent"] is None
    age = datetime.now(UTC) - parsedate_to_datetime(message["date_created"])  # noqa: TID251 (real time)
    assert timedelta(0) <= age < timedelta(seconds=10)
    assert message["date_created"].endswith("+0000")
    assert message["uri"].endswith(f"/Messages/{message['sid']}.json")


def test_segments_are_counted_right(twilio: httpx.Client) -> None:
    assert create(twilio, Body="€" * 81).json()["num_segments"] == "2"
    assert create(twilio, Body="😀" * 35).json()["num_segments"] == "1"


def test_behind_a_service_the_sender_is_not_known_at_first() -> None:
    with running_wall(numbers=(OURS,), messaging_service_sid=SERVICE) as wall, client_of(wall) as twilio:
        created = create(twilio, From="", MessagingServiceSid=SERVICE).json()
        assert (created["from"], created["num_segments"], created["status"]) == (None, "0", "accepted")
        later = twilio.get(f"/Messages/{created['sid']}.json").json()
        assert (later["from"], later["num_segments"], later["messaging_service_sid"]) == (OURS, "1", SERVICE)


def test_a_message_goes_from_queued_over_sending_and_sent_to_delivered(
    twilio: httpx.Client, wall: RunningWall, api: httpx.Client
) -> None:
    create(twilio)
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    [message] = api.get("/wall/api/export").json()["messages"]
    assert [step["status"] for step in message["history"]] == ["queued", "sending", "sent", "delivered"]
    moments = [step["at"] for step in message["history"]]
    assert moments == sorted(moments)
    assert message["accepted_at"] == moments[0] < message["arrived_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", message["accepted_at"])


@pytest.mark.parametrize(
    ("mode", "status", "code", "arrives"),
    [
        ("unreachable", "undelivered", 30003, False),
        ("unknown", "undelivered", 30005, False),
        ("landline", "undelivered", 30006, False),
        ("filtered", "undelivered", 30007, False),
        ("no_receipts", "sent", None, True),
        ("ok", "delivered", None, True),
    ],
)
def test_a_handset_can_be_made_to_misbehave(
    twilio: httpx.Client,
    api: httpx.Client,
    product: Product,
    mode: str,
    status: str,
    code: int,
    arrives: bool,
) -> None:
    assert api.patch(f"/wall/api/handsets/{PHONE}", json={"mode": mode}).json()["mode"] == mode
    create(twilio, StatusCallback=f"{product.url}/twilio/status?d=4711#rc=2")
    product.wait_for(lambda it: status in {form["MessageStatus"] for form in it.forms("d=4711")})
    eventually(
        lambda: (api.get("/wall/api/export").json()["messages"][0]["arrived_at"] is not None) is arrives
    )
    [message] = api.get("/wall/api/export").json()["messages"]
    assert (message["status"], message["error_code"], message["d"]) == (status, code, "4711")
    last = product.forms("d=4711")[-1]
    assert last.get("ErrorCode") == (str(code) if code else None)
    assert {"MessageSid", "SmsSid", "SmsStatus", "To", "From", "AccountSid", "ApiVersion"} <= set(last)


def test_callbacks_for_the_early_statuses_can_be_had_too(product: Product) -> None:
    told = frozenset({"sending", "sent", "delivered"})
    with running_wall(callback_statuses=told) as wall, client_of(wall) as twilio:
        create(twilio, StatusCallback=f"{product.url}/status")
        product.wait_for(lambda it: {form["MessageStatus"] for form in it.forms("/status")} == told)


def test_a_lost_callback_is_posted_to_nobody(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall, product: Product
) -> None:
    api.post("/wall/api/faults", json={"kind": "lose_status_callback", "times": 2})
    create(twilio, StatusCallback=f"{product.url}/first")
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    create(twilio, StatusCallback=f"{product.url}/second")
    product.wait_for(lambda it: len(it.forms("/second")) == 2)
    assert product.forms("/first") == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"To": "5550123"}, 400, 21211),
        ({"To": "+0125550123"}, 400, 21211),
        ({"To": "+15005550001"}, 400, 21211),
        ({"To": "+15005550002"}, 400, 21612),
        ({"To": "+15005550003"}, 403, 21408),
        ({"To": "+15005550004"}, 400, 21610),
        ({"To": "+15005550009"}, 400, 21614),
        ({"From": ""}, 400, 21603),
        ({"From": "Acme"}, 400, 21212),
        ({"From": "+15005550001"}, 400, 21212),
        ({"From": "+15005550007"}, 400, 21606),
        ({"From": "+15005550008"}, 400, 21611),
        ({"From": "+12125550177"}, 400, 21606),
        ({"Body": ""}, 400, 21619),
        ({"Body": "a" * 1601}, 400, 21617),
        ({"ValidityPeriod": "0"}, 400, 20001),
        ({"ValidityPeriod": "36001"}, 400, 20001),
        ({"StatusCallback": "http://under_score.example/"}, 400, 21609),
        ({"From": "", "MessagingServiceSid": "MG" + "0" * 32}, 400, 21701),
        ({"ScheduleType": "fixed", "SendAt": "2030-01-01T00:00:00Z"}, 400, 35118),
    ],
)
def test_a_refusal_has_twilios_code_and_leaves_no_message(
    twilio: httpx.Client, api: httpx.Client, fields: dict[str, str], status: int, code: int
) -> None:
    answer = create(twilio, **fields)
    assert answer.status_code == status
    error = answer.json()
    assert set(error) == {"code", "message", "more_info", "status"}
    assert (error["code"], error["status"]) == (code, status)
    assert error["more_info"].endswith(f"/{code}")
    export = api.get("/wall/api/export").json()
    assert export["messages"] == []
    assert [rejected["code"] for rejected in export["rejected"]] == [code]


def test_a_message_of_1600_characters_is_taken(twilio: httpx.Client) -> None:
    assert create(twilio, Body="a" * 1600, ValidityPeriod="1").status_code == 201


def test_the_good_test_number_is_accepted_and_nothing_ever_happens(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall
) -> None:
    assert create(twilio, From="+15005550006").status_code == 201
    create(twilio)
    eventually(lambda: wall.app_state.store.messages[1].status == "delivered")
    assert wall.app_state.store.messages[0].status == "queued"


def test_a_trial_account_reaches_verified_numbers_only() -> None:
    with running_wall(verified=frozenset({PHONE})) as wall, client_of(wall) as twilio:
        assert create(twilio).status_code == 201
        assert create(twilio, To="+12125550124").json()["code"] == 21608


@pytest.mark.parametrize("auth", [("AC1", "x"), ("", ""), None])
def test_wrong_credentials_are_refused_and_nothing_is_told(
    wall: RunningWall, auth: tuple[str, str] | None
) -> None:
    path = f"{wall.url}/2010-04-01/Accounts/{wall.account_sid}/Messages.json"
    for answer in (httpx.get(path, auth=auth), httpx.post(path, auth=auth, data={"To": PHONE})):
        assert answer.status_code == 401
        assert answer.json()["code"] == 20003
    assert not wall.app_state.store.messages


def test_another_account_or_an_unknown_message_is_not_found(twilio: httpx.Client, wall: RunningWall) -> None:
    answer = twilio.get(f"/Messages/SM{'0' * 32}.json")
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    other = wall.url + "/2010-04-01/Accounts/AC" + "9" * 32 + "/Messages.json"
    assert twilio.get(other).json()["code"] == 20404


def test_an_emptied_body_is_redacted_in_the_api_and_kept_as_evidence(
    twilio: httpx.Client, api: httpx.Client
) -> None:
    sid = create(twilio, Body="private").json()["sid"]
    assert twilio.post(f"/Messages/{sid}.json", data={"Body": ""}).json()["body"] == ""
    assert twilio.get(f"/Messages/{sid}.json").json()["body"] == ""
    [message] = api.get("/wall/api/export").json()["messages"]
    assert (message["body"], message["redacted"]) == ("private", True)
    assert twilio.post(f"/Messages/{sid}.json", data={"Body": "x"}).json()["code"] == 20001


def test_a_deleted_message_is_gone_from_the_api_and_kept_as_evidence(
    twilio: httpx.Client, api: httpx.Client
) -> None:
    sid = create(twilio).json()["sid"]
    assert twilio.delete(f"/Messages/{sid}.json").status_code == 204
    assert twilio.get(f"/Messages/{sid}.json").status_code == 404
    assert twilio.get("/Messages.json").json()["messages"] == []
    assert api.get("/wall/api/export").json()["messages"][0]["deleted"] is True


def test_only_what_has_not_left_can_be_taken_back(twilio: httpx.Client, wall: RunningWall) -> None:
    with slow_wall() as slow, client_of(slow) as early:
        sid = create(early).json()["sid"]
        answer = early.post(f"/Messages/{sid}.json", data={"Status": "canceled"})
        assert answer.json()["status"] == "canceled"
    sid = create(twilio).json()["sid"]
    eventually(lambda: wall.app_state.store.by_sid[sid].status == "delivered")
    assert twilio.post(f"/Messages/{sid}.json", data={"Status": "canceled"}).json()["code"] == 20009


def test_a_scheduled_message_waits_and_can_be_taken_back() -> None:
    with running_wall(numbers=(OURS,), messaging_service_sid=SERVICE) as wall, client_of(wall) as twilio:
        soon = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251 (the provider's time is real)
        fields = {"From": "", "MessagingServiceSid": SERVICE, "ScheduleType": "fixed"}
        created = create(twilio, **fields, SendAt=f"{soon:%Y-%m-%dT%H:%M:%SZ}").json()
        assert created["status"] == "scheduled"
        canceled = twilio.post(f"/Messages/{created['sid']}.json", data={"Status": "canceled"}).json()
        assert canceled["status"] == "canceled"
        for moment in (
            "tomorrow",
            f"{soon:%Y-%m-%dT%H:%M:%S}",
            "2020-01-01T00:00:00Z",
            "2099-01-01T00:00:00Z",
        ):
            assert create(twilio, **fields, SendAt=moment).json()["code"] == 35114


def test_the_list_is_newest_first_and_filtered_by_both_ends(twilio: httpx.Client) -> None:
    for to, from_ in ((PHONE, OURS), ("+12125550124", OURS), (PHONE, URGENT)):
        create(twilio, To=to, From=from_, Body=f"{to} {from_}")

    def listed(**filters: str) -> list[str]:
        return [
            message["body"] for message in twilio.get("/Messages.json", params=filters).json()["messages"]
        ]

    assert listed() == [f"{PHONE} {URGENT}", f"+12125550124 {OURS}", f"{PHONE} {OURS}"]
    assert listed(To=PHONE) == [f"{PHONE} {URGENT}", f"{PHONE} {OURS}"]
    assert listed(From=URGENT) == [f"{PHONE} {URGENT}"]
    assert listed(To=PHONE, From=OURS) == [f"{PHONE} {OURS}"]
    assert listed(To="+12125550199") == []


def test_pages_follow_each_other_without_gap_or_repetition_while_more_comes_in(
    twilio: httpx.Client, wall: RunningWall
) -> None:
    for number in range(7):
        create(twilio, Body=str(number))
    seen, page = [], twilio.get("/Messages.json", params={"PageSize": "3", "To": PHONE}).json()
    while True:
        seen += [message["body"] for message in page["messages"]]
        if page["next_page_uri"] is None:
            break
        create(twilio, Body="came in meanwhile")
        page = twilio.get(wall.url + page["next_page_uri"]).json()
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_the_list_can_be_asked_by_the_date_of_sending(twilio: httpx.Client, wall: RunningWall) -> None:
    create(twilio)
    eventually(lambda: wall.app_state.store.messages[0].status == "delivered")
    sent = wall.app_state.store.messages[0].sent_at
    assert sent is not None

    def found(name: str, moment: datetime, form: str = "%Y-%m-%dT%H:%M:%SZ") -> int:
        answer = twilio.get("/Messages.json", params={name: moment.strftime(form)})
        return len(answer.json()["messages"])

    second, day = timedelta(seconds=1), timedelta(days=1)
    assert found("DateSent>", sent) == found("DateSent<", sent) == found("DateSent", sent) == 1
    assert found("DateSent>", sent + second) == found("DateSent<", sent - second) == 0
    assert found("DateSent", sent, "%Y-%m-%d") == found("DateSent>", sent, "%Y-%m-%d") == 1
    assert found("DateSent", sent - day, "%Y-%m-%d") == found("DateSent>", sent + day, "%Y-%m-%d") == 0


def test_what_has_not_been_sent_is_in_no_list_by_date() -> None:
    with slow_wall() as wall, client_of(wall) as twilio:
        create(twilio)
        assert twilio.get("/Messages.json", params={"DateSent>": "2020-01-01"}).json()["messages"] == []
        assert len(twilio.get("/Messages.json").json()["messages"]) == 1


@pytest.mark.parametrize("query", ["PageSize=x", "PageToken=PAx", "DateSent>=yesterday"])
def test_a_question_that_makes_no_sense_is_refused(twilio: httpx.Client, query: str) -> None:
    assert twilio.get(f"/Messages.json?{query}").json()["code"] == 20001


def test_a_date_may_be_a_day_or_a_second() -> None:
    noon = datetime(2026, 3, 8, 12, 0, 0, 900_000, tzinfo=UTC)
    assert DateFilter("2026-03-08").is_on(noon)
    assert DateFilter("2026-03-08T12:00:00Z").is_on(noon)
    assert not DateFilter("2026-03-08T12:00:01Z").is_on(noon)
    assert DateFilter("2026-03-08T00:00:00Z").is_on(noon)  # how the SDK writes a day
    assert not DateFilter("2026-03-08T00:00:00Z").is_until(noon)


def test_what_there_is_not_is_answered_in_twilios_form_too(twilio: httpx.Client) -> None:
    assert (twilio.get("/Faxes.json").status_code, twilio.get("/Faxes.json").json()["code"]) == (404, 20404)
    refused = twilio.put("/Messages.json")
    assert (refused.status_code, refused.json()["code"]) == (405, 20004)


def test_calls_are_listed_ended_and_deleted() -> None:
    with slow_wall() as wall, client_of(wall) as twilio:
        first, second, third = (call(twilio).json()["sid"] for _ in range(3))
        page = twilio.get("/Calls.json", params={"PageSize": 2, "To": PHONE, "Status": "queued"}).json()
        assert [item["sid"] for item in page["calls"]] == [third, second]
        assert [item["sid"] for item in twilio.get(wall.url + page["next_page_uri"]).json()["calls"]] == [
            first
        ]
        assert twilio.get("/Calls.json", params={"From": "+12125550177"}).json()["calls"] == []
        ended = twilio.post(f"/Calls/{first}.json", data={"Status": "canceled"}).json()
        assert ended["status"] == "canceled"
        for status, code in (("completed", 21220), ("ringing", 20001)):
            assert twilio.post(f"/Calls/{first}.json", data={"Status": status}).json()["code"] == code
        assert twilio.delete(f"/Calls/{second}.json").status_code == 204
        assert twilio.get(f"/Calls/{second}.json").json()["code"] == 20404


def call(twilio: httpx.Client, **fields: str) -> httpx.Response:
    usual = {"To": PHONE, "From": OURS, "Twiml": "<Response><Say>Hello</Say></Response>"}
    return twilio.post(
        "/Calls.json", data={name: value for name, value in {**usual, **fields}.items() if value}
    )


def test_a_call_rings_is_answered_and_ends(twilio: httpx.Client, product: Product, api: httpx.Client) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"voice": "listens"})
    events = {"StatusCallbackEvent": "initiated ringing answered completed"}
    created = call(twilio, StatusCallback=f"{product.url}/voice", **events)
    assert created.status_code == 201
    sid = created.json()["sid"]
    assert (created.json()["status"], sid[:2]) == ("queued", "CA")
    product.wait_for(lambda it: len(it.forms("/voice")) == 4)
    told = {form["CallStatus"] for form in product.forms("/voice")}
    assert told == {"queued", "ringing", "in-progress", "completed"}
    fetched = twilio.get(f"/Calls/{sid}.json").json()
    assert (fetched["status"], fetched["duration"]) == ("completed", "0")


def test_a_call_asks_for_its_words_when_it_is_answered(
    twilio: httpx.Client, product: Product, wall: RunningWall, api: httpx.Client
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"voice": "listens"})
    product.twiml = "<Response><Say>Please call back</Say></Response>"
    call(twilio, Twiml="", Url=f"{product.url}/words")
    eventually(lambda: wall.app_state.store.calls[0].status == "completed")
    assert product.forms("/words")[0]["CallStatus"] == "in-progress"
    assert api.get("/wall/api/export").json()["calls"][0]["script"] == product.twiml


@pytest.mark.parametrize(("mode", "ending"), [("unreachable", "no-answer"), ("unknown", "failed")])
def test_a_call_that_nobody_takes_ends_otherwise(
    twilio: httpx.Client, api: httpx.Client, wall: RunningWall, mode: str, ending: str
) -> None:
    api.patch(f"/wall/api/handsets/{PHONE}", json={"mode": mode})
    call(twilio)
    eventually(lambda: wall.app_state.store.calls[0].status == ending)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "+15005550001"}, 21217),
        ({"To": "+15005550002"}, 21214),
        ({"To": "+15005550003"}, 21215),
        ({"To": "+15005550004"}, 21216),
        ({"From": ""}, 21213),
        ({"From": "me"}, 21212),
        ({"From": "+12125550177"}, 21606),
        ({"Twiml": ""}, 21205),
        ({"Twiml": "x" * 4001}, 20001),
        ({"Timeout": "601"}, 20001),
        ({"Timeout": "soon"}, 20001),
    ],
)
def test_a_call_is_refused_with_twilios_code(
    twilio: httpx.Client, wall: RunningWall, fields: dict[str, str], code: int
) -> None:
    assert call(twilio, **fields).json()["code"] == code
    assert not wall.app_state.store.calls
    assert wall.app_state.store.rejected[0]["code"] == code
