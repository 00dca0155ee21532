"""A roster comes in whole or not at all, and never gives back what a person took away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cism.data import sample
from cism.domain.people import PersonStatus, Role
from cism.domain.plan import StepKind
from cism.domain.roster_csv import COLUMNS
from cism.errors import BadInput, StorageFull
from cism.services import outbox, people, questions, reach, roster
from cism.services.roster import ImportReport
from cism.store.db import Database, now
from cism.store.states import OutboxState
from cism.store.tables import Agency, Event, Outbox, Person, Question, Step
from notifications import messages as m
from tests.conftest import START, FakeClock, MakeDatabase

USUAL = {
    "id": "P1",
    "name": "Dana Ruiz",
    "phone": "+12125550101",
    "email": "dana@metro-pd.example",
    "agency": "metro-pd",
    "discipline": "law_enforcement",
    "unit": "Patrol A",
    "station": "North",
    "rank": "Officer",
    "roles": "responder",
    "reports_to": "",
    "timezone": "America/New_York",
    "sleep_start": "",
    "sleep_end": "",
    "language": "en",
    "consent_pages": "yes",
    "consent_care": "yes",
    "designated_at": "",
    "certs": "",
    "not_with": "",
    "status": "active",
}


def person(**cells: str) -> dict[str, str]:
    """One line of a roster; what is not given is usual."""
    return {**USUAL, **cells}


def file(*rows: dict[str, str]) -> str:
    """A roster file."""
    return "\n".join([",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]) + "\n"


DANA = person()
COORDINATOR = person(id="P2", name="Adele Marsh", phone="+12125550102", roles="coordinator")
CLINICIAN = person(
    id="P3",
    name="Priya Vals",
    phone="+12125550103",
    roles="clinician",
    designated_at="2024-01-01",
    certs="LICENSE@2031-01-01",
)


def bring_in(db: Database, *rows: dict[str, str]) -> ImportReport:
    """Import in a transaction of its own."""
    with db.transaction() as session:
        return roster.import_file(session, file(*rows), now(session))


def refused(db: Database, *rows: dict[str, str]) -> BadInput:
    """Import what must be refused."""
    with pytest.raises(BadInput) as caught, db.transaction() as session:
        roster.import_file(session, file(*rows), now(session))
    return caught.value


def found(session: Session, roster_id: str = "P1", agency: str = "metro-pd") -> Person:
    """Somebody who must be there."""
    row = people.by_roster_id(session, agency, roster_id)
    assert row is not None
    return row


def everybody(db: Database) -> int:
    """How many people there are."""
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_the_sample_roster_comes_in_whole(db: Database) -> None:
    with db.transaction() as session:
        report = roster.import_file(session, sample("sample_roster.csv"), now(session))
    assert report.added == len(report.lines) >= 60
    assert len(report.agencies) == 4
    with db.read() as session:
        for agency in session.scalars(select(Agency)):
            assert agency.protocol == "sfa-follow-up"
            assert agency.duty_phone is not None
        chief = found(session, "P102")
        assert chief.reports_to == found(session, "P101").id


def test_importing_the_same_file_again_changes_nothing(db: Database) -> None:
    bring_in(db, DANA, COORDINATOR)
    again = bring_in(db, DANA, COORDINATOR)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    assert everybody(db) == 2


def test_an_agency_nobody_made_is_made_with_the_first_coordinators_phone(db: Database) -> None:
    report = bring_in(db, DANA, COORDINATOR)
    assert report.agencies == ("metro-pd",)
    with db.read() as session:
        agency = session.get_one(Agency, "metro-pd")
        assert (agency.display, agency.protocol) == ("Metro PD", "sfa-follow-up")
        assert agency.duty_phone == COORDINATOR["phone"]


def test_a_duty_phone_that_was_set_is_left_alone(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        session.get_one(Agency, "metro-pd").duty_phone = "+12125550199"
    bring_in(db, COORDINATOR)
    with db.read() as session:
        assert session.get_one(Agency, "metro-pd").duty_phone == "+12125550199"


@pytest.mark.parametrize(
    ("changed", "duty"),
    [
        ({"phone": "+12125550188"}, "+12125550188"),
        ({"status": "leave"}, "+12125550189"),
        ({"status": "retired"}, "+12125550189"),
        ({"name": "Another Name"}, None),
    ],
)
def test_a_duty_phone_that_was_a_coordinators_own_follows_them(
    db: Database, changed: dict[str, str], duty: str | None
) -> None:
    """Whoever is in need is told this number: it must not be one that nobody answers any more."""
    deputy = {**COORDINATOR, "id": "C9", "name": "Dee Deputy", "phone": "+12125550189"}
    bring_in(db, COORDINATOR, deputy)
    bring_in(db, {**COORDINATOR, **changed}, deputy)
    with db.read() as session:
        assert session.get_one(Agency, "metro-pd").duty_phone == (duty or COORDINATOR["phone"])


def test_an_agency_that_could_not_answer_is_warned_about(db: Database) -> None:
    report = bring_in(db, DANA)
    expected = (
        "agency metro-pd has no reachable coordinator and no reachable clinician, own or by mutual aid: "
        "it sends no check-in"
    )
    assert expected in report.warnings
    assert not any("sends no check-in" in line for line in bring_in(db, COORDINATOR, CLINICIAN).warnings)
    with db.read() as session:
        assert reach.somebody_can_answer(session, "metro-pd")


def test_another_agencys_people_on_call_count_as_mutual_aid(db: Database) -> None:
    bring_in(db, COORDINATOR, CLINICIAN)
    report = bring_in(db, person(id="F1", agency="harbor-fd", phone="+12125550111", discipline="fire"))
    assert not any("sends no check-in" in line for line in report.warnings)


def test_people_missing_from_the_file_stay_and_are_listed(db: Database) -> None:
    bring_in(db, DANA, COORDINATOR)
    assert bring_in(db, COORDINATOR).missing == ("metro-pd:P1",)
    assert everybody(db) == 2


def test_people_of_agencies_that_the_file_does_not_name_are_not_listed_as_missing(db: Database) -> None:
    bring_in(db, DANA)
    assert bring_in(db, person(id="F1", agency="harbor-fd", phone="+12125550111")).missing == ()


def test_a_change_is_taken_over_and_reported_by_line(db: Database) -> None:
    bring_in(db, DANA, COORDINATOR)
    report = bring_in(
        db, COORDINATOR, person(rank="Sergeant", roles="responder;supervisor", certs="SFA@2030-01-01")
    )
    assert [(line.line, line.key, line.what) for line in report.lines] == [
        (2, "metro-pd:P2", "unchanged"),
        (3, "metro-pd:P1", "changed"),
    ]
    with db.read() as session:
        row = found(session)
        assert row.rank == "Sergeant"
        assert {item.role for item in row.roles} == {Role.RESPONDER, Role.SUPERVISOR}
        assert [item.name for item in row.certs] == ["SFA"]


def test_roles_and_certificates_that_left_the_file_are_gone(db: Database) -> None:
    bring_in(db, person(roles="responder;peer", certs="SFA@2030-01-01;AIC@2030-01-01"))
    bring_in(db, person(certs="AIC@2031-01-01"))
    with db.read() as session:
        row = found(session)
        assert [item.role for item in row.roles] == [Role.RESPONDER]
        assert [(item.name, item.expires.year) for item in row.certs] == [("AIC", 2031)]


def test_a_dry_run_reports_and_keeps_nothing(db: Database) -> None:
    with db.read() as session:
        report = roster.import_file(session, file(DANA, COORDINATOR), now(session))
    assert report.added == 2
    assert everybody(db) == 0


# What a later file cannot do.


def test_a_stop_cannot_be_lifted_by_a_file(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        found(session).opted_out_at = START
    report = bring_in(db, person(rank="Sergeant"))
    with db.read() as session:
        assert found(session).opted_out_at == START
    assert "line 2: stays opted out (STOP); only the person can lift it, with START" in report.warnings


def test_a_freeze_cannot_be_lifted_by_a_file_not_even_with_a_new_phone(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        found(session).frozen_at = START
    bring_in(db, person(phone="+12125550155"))
    with db.read() as session:
        assert found(session).frozen_at == START


def test_care_held_after_a_bare_zero_stays_held(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        found(session).care_held_at = START
    bring_in(db, person(rank="Sergeant"))
    with db.read() as session:
        assert found(session).care_held_at == START


def test_the_dead_stay_dead(db: Database) -> None:
    bring_in(db, person(status="deceased"))
    report = bring_in(db, DANA)
    with db.read() as session:
        assert found(session).status is PersonStatus.DECEASED
    assert "line 2: stays deceased" in report.warnings


@pytest.mark.parametrize("kind", ["care", "pages"])
def test_a_consent_that_the_person_revoked_is_not_given_again_by_a_file(db: Database, kind: str) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        setattr(found(session), f"revoked_{kind}", True)
    report = bring_in(db, DANA)
    with db.read() as session:
        assert not getattr(people.snapshot(found(session)), f"consent_{kind}")
    assert f"line 2: consent_{kind} stays revoked; only the person can give it again" in report.warnings


@pytest.mark.parametrize("kind", ["care", "pages"])
def test_a_consent_that_one_file_took_back_is_not_given_again_by_the_next(db: Database, kind: str) -> None:
    bring_in(db, DANA)
    bring_in(db, person(**{f"consent_{kind}": "no"}))
    bring_in(db, DANA)
    with db.read() as session:
        assert not getattr(people.snapshot(found(session)), f"consent_{kind}")


def test_a_consent_that_was_never_given_can_be_given_later(db: Database) -> None:
    bring_in(db, person(consent_care="no"))
    bring_in(db, DANA)
    with db.read() as session:
        assert people.snapshot(found(session)).consent_care
        kinds = session.scalars(select(Event.after).where(Event.kind == "consent.care")).all()
    assert kinds == ["attested"]


def test_a_revoked_consent_takes_back_care_texts_and_leaves_pages(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        row = found(session)
        _queue(session, row, lane=outbox.LANE_CARE, key="care")
        _queue(session, row, lane=outbox.LANE_URGENT, key="page")
    bring_in(db, person(consent_care="no"))
    assert _states(db) == {"care": OutboxState.CANCELLED, "page": OutboxState.PENDING}


def test_a_changed_phone_loses_its_confirmation_and_its_unsent_texts(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        row = found(session)
        row.phone_confirmed_at = row.first_text_at = START
        _queue(session, row, lane=outbox.LANE_CARE, key="care")
        _queue(session, row, lane=outbox.LANE_URGENT, key="page")
    bring_in(db, person(phone="(212) 555-0155"))
    with db.read() as session:
        row = found(session)
        assert row.phone == "+12125550155"
        assert row.phone_confirmed_at is None
        assert row.first_text_at is None
        assert people.by_phone(session, "+12125550155") == row
        assert people.by_phone(session, USUAL["phone"]) is None
    assert set(_states(db).values()) == {OutboxState.CANCELLED}


def test_a_death_takes_back_every_text_and_every_planned_contact(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        _queue(session, found(session), lane=outbox.LANE_CARE, key="care")
        roster.confirm(session, None, now(session))
    bring_in(db, person(status="deceased"))
    assert _states(db) == {"care": OutboxState.CANCELLED}
    with db.read() as session:
        assert session.scalars(select(Step.state)).all() == ["cancelled"]


# Pairs that are never to be made.


def test_never_with_each_other_holds_both_ways(db: Database) -> None:
    bring_in(db, person(not_with="P2"), COORDINATOR)
    with db.read() as session:
        one, other = found(session), found(session, "P2")
        assert people.snapshot(one).not_with == {other.id}
        assert people.snapshot(other).not_with == {one.id}


def test_a_pair_ends_only_when_both_are_in_the_file_and_neither_names_the_other(db: Database) -> None:
    bring_in(db, person(not_with="P2"), COORDINATOR)
    bring_in(db, DANA)
    with db.read() as session:
        assert people.snapshot(found(session)).not_with
    bring_in(db, DANA, person(**{**COORDINATOR, "not_with": "P1"}))
    with db.read() as session:
        assert people.snapshot(found(session)).not_with
    report = bring_in(db, DANA, COORDINATOR)
    assert report.changed == 2
    with db.read() as session:
        assert not people.snapshot(found(session)).not_with
        assert not people.snapshot(found(session, "P2")).not_with


def test_somebody_of_another_agency_can_be_named_by_agency_and_id(db: Database) -> None:
    bring_in(db, COORDINATOR)
    bring_in(
        db,
        person(
            id="F1",
            agency="harbor-fd",
            phone="+12125550111",
            reports_to="metro-pd:P2",
            not_with="metro-pd:P2",
        ),
    )
    with db.read() as session:
        chief = found(session, "P2").id
        row = people.snapshot(found(session, "F1", "harbor-fd"))
        assert (row.reports_to, row.not_with) == (chief, {chief})


# Bad rosters: each says what is wrong and what to do, and nothing is half-written.


def test_one_broken_row_refuses_the_whole_file_with_every_error(db: Database) -> None:
    error = refused(
        db,
        COORDINATOR,
        person(phone="12345"),
        person(id="P4", phone="+12125550104", discipline="police", timezone="Mars/Base"),
    )
    assert [line.split(":")[0:2] for line in error.errors] == [
        ["line 3", " phone"],
        ["line 4", " discipline"],
        ["line 4", " timezone"],
    ]
    assert str(error).startswith("The roster has 3 errors; nothing was saved. First: line 3: phone: ")
    assert everybody(db) == 0
    with db.read() as session:
        assert session.scalars(select(Agency)).all() == []


def test_a_phone_that_is_not_one_is_refused_with_what_to_write(db: Database) -> None:
    assert refused(db, person(phone="call me")).errors == [
        "line 2: phone: is not a phone number; write +1… or a national number of US"
    ]


def test_a_person_twice_is_refused(db: Database) -> None:
    error = refused(db, DANA, person(phone="+12125550177"))
    assert error.errors == ["line 3: id: the same as on line 2 in metro-pd; keep one of the two"]


def test_an_unknown_column_is_named(db: Database) -> None:
    broken = file(DANA).replace("timezone", "time_zone", 1)
    with pytest.raises(BadInput, match="unknown column 'time_zone'"), db.transaction() as session:
        roster.import_file(session, broken, now(session))
    assert everybody(db) == 0


def test_two_people_in_service_on_one_phone_are_refused_across_agencies_and_imports(db: Database) -> None:
    bring_in(db, DANA)
    error = refused(db, person(id="F1", agency="harbor-fd"))
    assert error.errors == [
        "line 2: phone: harbor-fd:F1 and metro-pd:P1 (already on the roster) have the same phone; replies "
        "could not be told apart, give each active person an own number"
    ]
    assert everybody(db) == 1
    with db.read() as session:
        assert session.get(Agency, "harbor-fd") is None


def test_two_people_who_swap_phones_in_one_file_are_taken(db: Database) -> None:
    bring_in(db, DANA, COORDINATOR)
    bring_in(db, person(phone=COORDINATOR["phone"]), {**COORDINATOR, "phone": USUAL["phone"]})
    with db.read() as session:
        assert found(session).phone == COORDINATOR["phone"]
        assert found(session, "P2").phone == USUAL["phone"]


def test_the_phone_of_somebody_who_retired_may_be_given_to_another(db: Database) -> None:
    bring_in(db, person(status="retired"))
    assert bring_in(db, person(id="P9")).added == 1


def test_a_circle_of_command_through_somebody_not_in_the_file_is_refused(db: Database) -> None:
    bring_in(db, DANA, {**COORDINATOR, "reports_to": "P1"})
    error = refused(db, person(reports_to="P2"))
    assert error.errors == [
        "line 2: reports_to: makes a circle of command through metro-pd:P1, metro-pd:P2; break it"
    ]
    with db.read() as session:
        assert found(session).reports_to is None


def test_a_text_wider_than_its_column_is_refused_and_not_cut(db: Database) -> None:
    assert refused(db, person(unit="x" * 61)).errors == [
        "line 2: unit: is longer than 60 characters; shorten it"
    ]


def test_a_full_disk_says_that_nothing_was_saved(make_database: MakeDatabase, sqlite_url: str) -> None:
    db = make_database(sqlite_url)
    with db.transaction() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageFull, match="Not saved: the disk is full"), db.transaction() as session:
        roster.import_file(session, sample("sample_roster.csv"), now(session))
    with db.transaction() as session:
        session.execute(text("PRAGMA max_page_count = 1000000"))
    assert everybody(db) == 0


def test_what_names_a_person_is_sealed_in_the_database(db: Database) -> None:
    bring_in(db, DANA)
    with db.read() as session:
        raw = session.execute(text("SELECT * FROM person")).mappings().one()
    stored = " ".join(str(value) for value in raw.values())
    for value in (USUAL["name"], USUAL["phone"], USUAL["email"], "P1"):
        assert value not in stored.split()
        assert len(value) < 5 or value not in stored


# Confirming phones.


def test_confirming_asks_once_those_who_agreed_and_are_there(db: Database) -> None:
    bring_in(
        db,
        DANA,
        person(id="P4", phone="+12125550104", consent_care="no"),
        person(id="P5", phone="+12125550105", status="leave"),
        person(id="P6", phone="+12125550106", status="retired"),
        person(id="P7", phone="+12125550107", status="deceased"),
        person(id="P8", phone="+12125550108"),
        person(id="P9", phone="+12125550109"),
    )
    with db.transaction() as session:
        found(session, "P8").opted_out_at = START
        found(session, "P9").phone_confirmed_at = START
        assert roster.confirm(session, None, now(session)) == 1
        assert roster.confirm(session, None, now(session)) == 0
        step = session.scalars(select(Step)).one()
        assert (step.kind, step.person_id) == (StepKind.CONFIRM_PHONE, found(session).id)


def test_confirming_waits_for_the_persons_open_hours(db: Database, clock: FakeClock) -> None:
    bring_in(db, DANA, person(id="P2", phone="+12125550102", timezone="America/Los_Angeles"))
    clock.set(datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
    with db.transaction() as session:
        roster.confirm(session, "metro-pd", now(session))
        due = {step.person_id: step.due_at for step in session.scalars(select(Step))}
        assert due[found(session).id] == START
        assert due[found(session, "P2").id] == START + timedelta(hours=1)


def test_a_new_phone_is_asked_anew_with_a_question_of_its_own(db: Database) -> None:
    bring_in(db, DANA)
    with db.transaction() as session:
        roster.confirm(session, None, now(session))
        questions.ask(session, person_id=found(session).id, kind="confirm_phone", now=now(session))
    bring_in(db, person(phone="+12125550155"))
    with db.transaction() as session:
        assert roster.confirm(session, None, now(session)) == 1
        assert session.scalars(select(Question.state)).all() == ["superseded"]


def test_confirming_an_unknown_agency_is_refused_with_the_known_ones(db: Database) -> None:
    bring_in(db, DANA)
    with pytest.raises(BadInput, match="there is no agency 'metro'; known: metro-pd"), db.read() as session:
        roster.confirm(session, "metro", now(session))


def _queue(session: Session, row: Person, *, lane: int, key: str) -> None:
    outbox.put(
        session,
        m.LinkCode(secret="123456", minutes=15),
        key=key,
        now=now(session),
        person=row,
        lane=lane,
    )


def _states(db: Database) -> dict[str, OutboxState]:
    with db.read() as session:
        return {row.key: row.state for row in session.scalars(select(Outbox))}
