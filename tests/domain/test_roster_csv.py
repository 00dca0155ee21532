"""A roster file is read whole or refused whole, with every error by line and what to do about it."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.csv_lines import decode_utf8, garbled
from cism.domain.people import Cert, Discipline, PersonStatus, Role, SleepWindow
from cism.domain.roster_csv import COLUMNS, RosterFile, parse_roster
from cism.errors import BadInput

TODAY = date(2026, 11, 24)
GOOD = {
    "id": "P1",
    "name": "Ann Example",
    "phone": "+14235550101",
    "agency": "metro-pd",
    "discipline": "law_enforcement",
    "roles": "responder",
    "timezone": "America/New_York",
    "consent_pages": "no",
    "consent_care": "yes",
    "status": "active",
}


def row(**changes: str) -> str:
    cells = GOOD | changes
    return ",".join(cells.get(column, "") for column in COLUMNS)


def other(**changes: str) -> str:
    return row(**({"id": "P2", "phone": "+14235550102"} | changes))


def file(*rows: str) -> str:
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def parse(*rows: str) -> RosterFile:
    return parse_roster(file(*rows), today=TODAY)


def errors(*rows: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        parse(*rows)
    return refused.value.errors


def test_a_full_row_becomes_typed_values() -> None:
    full = row(
        roles="responder;peer",
        phone="(423) 555-0101",
        email="ann@metro.example",
        sleep_start="09:00",
        sleep_end="16:30",
        language="es",
        designated_at="2024-03-01",
        certs="AIC@2030-05-31;GCI@2027-01-01",
        reports_to="P2",
        not_with="P2;metro-pd:P2",
        unit="K9",
        station="South 4",
        rank="Sergeant",
    )
    person = parse(full, other()).rows[0]
    assert person.key == "metro-pd:P1"
    assert person.line == 2
    assert person.phone == "+14235550101"
    assert person.discipline is Discipline.LAW_ENFORCEMENT
    assert person.roles == {Role.RESPONDER, Role.PEER}
    assert person.sleep == SleepWindow(time(9), time(16, 30))
    assert person.designated_at == date(2024, 3, 1)
    assert person.certs == (Cert("AIC", date(2030, 5, 31)), Cert("GCI", date(2027, 1, 1)))
    assert person.reports_to == "metro-pd:P2"
    assert person.not_with == {"metro-pd:P2"}
    assert (person.consent_pages, person.consent_care) == (False, True)
    assert (person.unit, person.station, person.rank) == ("K9", "South 4", "Sergeant")


def test_empty_cells_take_the_defaults_of_the_contract() -> None:
    person = parse(row()).rows[0]
    assert person.sleep == SleepWindow(time(21), time(8))
    assert person.language == "en"
    assert (person.reports_to, person.designated_at, person.certs) == (None, None, ())
    assert person.status is PersonStatus.ACTIVE


def test_a_byte_order_mark_crlf_blank_lines_and_another_column_order_do_not_matter() -> None:
    columns = list(reversed(COLUMNS))
    lines = [",".join(columns), "", ",".join(GOOD.get(column, "") for column in columns)]
    rows = parse_roster("\ufeff" + "\r\n".join(lines), today=TODAY).rows
    assert [person.line for person in rows] == [3]


def test_a_national_number_is_read_in_the_region_of_the_agency() -> None:
    rows = parse_roster(file(row(phone="020 7946 0958")), today=TODAY, region="GB").rows
    assert rows[0].phone == "+442079460958"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"phone": "12345"}, "phone: is not a number that can be called"),
        ({"phone": "not a phone"}, "phone: is not a phone number"),
        ({"phone": ""}, "phone: is not a phone number"),
        ({"phone": "+14235550101 ext 5"}, "phone: is not a number that can be called"),
        ({"id": ""}, "id: is not an id"),
        ({"id": "a:b"}, "id: is not an id"),
        ({"name": ""}, "name: is empty"),
        ({"name": "x" * 81}, "name: is longer than 80"),
        ({"name": "Jos\ufffd"}, "name: holds unreadable characters"),
        ({"name": "JosÃ©"}, "name: holds unreadable characters"),
        ({"email": "nowhere"}, "email: is not an e-mail address"),
        ({"agency": "Metro PD"}, "agency: 'Metro PD' is not an agency key"),
        ({"discipline": "police"}, "use one of law_enforcement fire ems"),
        ({"roles": "pear"}, "did you mean peer?"),
        ({"roles": ""}, "roles: is empty; write at least responder"),
        ({"timezone": "America/New_Yrok"}, "did you mean America/New_York?"),
        ({"timezone": "EST"}, "timezone: 'EST' is not a time zone"),
        ({"sleep_start": "9:00", "sleep_end": "16:00"}, "write HH:MM"),
        ({"sleep_start": "24:00", "sleep_end": "16:00"}, "write HH:MM"),
        ({"sleep_start": "21:00"}, "give both sleep_start and sleep_end"),
        ({"sleep_start": "07:00", "sleep_end": "07:00"}, "are equal"),
        ({"sleep_start": "07:00", "sleep_end": "19:01"}, "leaves 119 minutes a day"),
        ({"language": "english"}, "write two letters"),
        ({"consent_pages": ""}, "consent_pages: '' is neither yes nor no"),
        ({"consent_care": "Y"}, "consent_care: 'Y' is neither yes nor no"),
        ({"designated_at": "01/03/2024"}, "write it like 2027-03-31"),
        ({"designated_at": "2024-02-30"}, "is not a date"),
        ({"certs": "LICENCE@2030-01-01"}, "did you mean LICENSE?); known: AIC GCI SFA TRIM LICENSE"),
        ({"certs": "AIC"}, "AIC has no expiry"),
        ({"certs": "AIC@soon"}, "is not a date"),
        ({"status": "actve"}, "did you mean active?"),
        ({"reports_to": "P9"}, "reports_to: nobody on the roster has this id"),
        ({"reports_to": "other-pd:P1"}, "reports_to: nobody on the roster has this id"),
        ({"not_with": "P9"}, "not_with: nobody on the roster has one of these ids"),
        ({"reports_to": "P1"}, "reports_to: names the person themselves"),
        ({"not_with": "P1"}, "not_with: names the person themselves"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line_and_what_to_do(changes: dict[str, str], says: str) -> None:
    found = errors(row(**changes))
    assert len(found) == 1
    assert found[0].startswith("line 2: ")
    assert says in found[0]


def test_exactly_two_open_hours_are_enough() -> None:
    assert parse(row(sleep_start="07:00", sleep_end="19:00")).rows


def test_every_error_of_every_line_comes_at_once_in_order() -> None:
    found = errors(row(phone="1", status="gone"), other(timezone="Mars"), "too,few,cells", 'a,"open quote')
    assert [line.split(":")[0] for line in found] == ["line 2", "line 2", "line 3", "line 4", "line 5"]
    assert "3 cells, 21 columns" in found[3]
    assert "a quote" in found[4]


def test_errors_repeat_no_name_number_or_id() -> None:
    found = errors(row(id="Bad Id 77", name="Ann Example", phone="423555", reports_to="Secret-9"))
    assert found
    assert not any(word in line for line in found for word in ("Bad Id", "Ann", "423555", "Secret"))


def test_an_unknown_column_is_named_with_the_nearest_valid_one() -> None:
    text = file(row()).replace("consent_care", "consent_car", 1)
    with pytest.raises(BadInput) as refused:
        parse_roster(text, today=TODAY)
    assert any("unknown column 'consent_car' (did you mean consent_care?)" in e for e in refused.value.errors)
    assert any("column consent_care is missing" in e for e in refused.value.errors)


def test_a_column_twice_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        parse_roster(",".join([*COLUMNS, "id"]) + "\n" + row() + ",P1\n", today=TODAY)
    assert refused.value.errors == ["line 1: column id stands there more than once; keep one"]


@pytest.mark.parametrize("text", ["", "\n\n", '"open', ",".join(COLUMNS)])
def test_a_file_without_people_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_roster(text, today=TODAY)
    assert len(refused.value.errors) == 1 or refused.value.errors[0].startswith("line 1")


def test_an_id_twice_in_an_agency_is_refused_and_in_two_agencies_is_not() -> None:
    assert "id: the same as on line 2 in metro-pd" in errors(row(), other(id="P1"))[0]
    assert len(parse(row(), other(id="P1", agency="other-pd")).rows) == 2


def test_two_people_in_service_cannot_share_a_phone() -> None:
    for status in ("active", "leave"):
        assert (
            "phone: the same phone as on line 2"
            in errors(row(), other(phone="423 555 0101", status=status))[0]
        )


def test_the_retired_and_the_dead_may_share_a_phone_with_somebody() -> None:
    for status in ("retired", "deceased"):
        assert len(parse(row(), other(phone=GOOD["phone"], status=status)).rows) == 2


def test_a_circle_of_command_is_refused_once() -> None:
    found = errors(
        row(reports_to="P2"), other(reports_to="P3"), row(id="P3", phone="+14235550103", reports_to="P1")
    )
    assert found == ["line 2: reports_to: lines 2, 3, 4 report to each other in a circle; break it"]


def test_people_already_on_the_roster_may_be_referred_to() -> None:
    rows = parse_roster(file(row(reports_to="P7")), today=TODAY, known={"metro-pd:P7"}).rows
    assert rows[0].reports_to == "metro-pd:P7"


def test_unknown_references_wait_until_every_line_can_be_read() -> None:
    found = errors(row(reports_to="P2"), "broken")
    assert len(found) == 1
    assert "line 3" in found[0]


def test_an_agency_without_coordinator_or_clinician_is_said_to_send_no_check_in() -> None:
    assert parse(row()).warnings == (
        "agency metro-pd has no reachable coordinator and no reachable licensed clinician in this file: "
        "it sends no check-in",
    )


def test_a_licence_without_the_part_of_a_clinician_is_no_clinician() -> None:
    licensed = row(roles="coordinator;peer", consent_pages="yes", certs="LICENSE@2026-11-24")
    assert "agency metro-pd has no reachable licensed clinician" in parse(licensed).warnings[0]


def test_whoever_may_not_be_paged_is_no_reachable_coordinator() -> None:
    unasked = row(roles="coordinator;clinician", consent_pages="no", certs="LICENSE@2026-11-24")
    assert "no reachable coordinator and no reachable licensed clinician" in parse(unasked).warnings[0]


def test_an_agency_with_both_is_not_warned_about() -> None:
    boss = row(roles="coordinator;clinician", consent_pages="yes", certs="LICENSE@2026-11-24")
    assert parse(boss).warnings == ()


@pytest.mark.parametrize(("also", "warned"), [("coordinator", 1), ("clinical_director", 1), ("peer", 0)])
def test_whoever_commands_others_and_sees_who_is_looked_after_is_listed(also: str, warned: int) -> None:
    said = parse(row(roles=f"supervisor;{also}", consent_pages="yes")).warnings
    assert sum("line 2: a supervisor who sees who is looked after" in one for one in said) == warned


def test_team_members_who_will_never_be_asked_are_listed() -> None:
    staff = row(roles="coordinator;clinician", certs="LICENSE@2026-11-23")
    peer = other(roles="peer", consent_pages="yes", certs="AIC@2020-01-01")
    said = "\n".join(parse(staff, peer).warnings)
    assert "line 2: a clinician without an unexpired LICENSE" in said
    assert "line 2: has a part in the team but no consent_pages" in said
    assert "line 3: a peer without an unexpired certificate" in said
    assert "line 3: a peer without designated_at" in said


def test_bytes_that_are_not_utf8_are_refused_by_line() -> None:
    with pytest.raises(BadInput, match="Line 2 is not UTF-8"):
        decode_utf8(b"id,name\nP1,Jos\xe9\n")
    assert decode_utf8(b"\xef\xbb\xbfid") == "id"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(("line", "lines"), [(1, b"\xe9,name|P1"), (2, b"id|\xe9"), (3, b"id||P\xe9|P2")])
def test_the_line_that_is_not_utf8_is_counted_as_a_person_counts(
    mark: bytes, end: bytes, line: int, lines: bytes
) -> None:
    with pytest.raises(BadInput, match=f"Line {line} is not UTF-8") as refused:
        decode_utf8(mark + lines.replace(b"|", end))
    assert refused.value.errors == [f"line {line}: not UTF-8"]


@pytest.mark.parametrize("name", ["José Muñoz", "Søren Ångström", "Nguyễn Thị Ánh", "O'Neil-Łukasz"])
def test_names_of_the_world_are_not_called_garbled(name: str) -> None:
    assert not garbled(name)
    assert parse(row(name=name)).rows[0].name == name


@settings(max_examples=300)
@given(st.text() | st.lists(st.text(max_size=12), max_size=30).map(",".join))
def test_no_text_makes_the_parser_crash(text: str) -> None:
    for candidate in (text, file(text), file(row(name=text.replace(",", " ")))):
        assert all(error.startswith("line ") for error in refusals(candidate))


def refusals(text: str) -> list[str]:
    try:
        parse_roster(text, today=TODAY)
    except BadInput as refused:
        return refused.errors or ["no reason was given"]
    return []
