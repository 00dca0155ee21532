"""The eight protocols of the practice: what sets each apart, and that no two lead to the same response."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest

from cism.domain.followup import plan_contacts
from cism.domain.incident import Affected, Circle, Incident, Severity
from cism.domain.offers import plan_offers
from cism.domain.people import Discipline, Person
from cism.domain.protocol import Protocol, load_protocol, protocol_keys
from cism.domain.sessions import Blocked, plan_sessions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
CREW = [
    Person(
        id=f"p{n:02}",
        agency="metro",
        zone="America/New_York",
        discipline=Discipline.FIRE,
        unit="E1",
        consent_care=True,
        phone_confirmed=True,
    )
    for n in range(12)
]


def incident(type_: str, severity: Severity = Severity.S4, circle: Circle = Circle.B) -> Incident:
    return Incident(
        id="i",
        ref="R",
        agency="metro",
        type=type_,
        severity=severity,
        logged_at=NOON,
        occurred_at=NOON - HOUR,
        ended_at=NOON,
        kin_notified=True,
        affected=tuple(
            Affected(person_id=p.id, circle=circle, exposure_end=NOON, added_at=NOON) for p in CREW
        ),
    )


def points(protocol: Protocol, severity: Severity = Severity.S4) -> list[str]:
    """What is done with one silent person, in order; `*` by a peer's voice, `?` by opt-in."""
    return [
        f"{rule.id}{'*' if rule.by == 'peer' else ''}{'?' if rule.opt_in else ''}"
        for rule in protocol.contacts_for(severity)
    ]


def response(key: str, event: Incident) -> tuple[object, ...]:
    """All that a protocol plans for an incident, as far as it can be told from outside."""
    protocol = load_protocol(key)
    people = {p.id: p for p in CREW}
    contacts = [
        (found.point, found.due_at, found.channel)
        for found in plan_contacts(event, event.affected[0], CREW[0], protocol, NOON, opted_in=True)
    ]
    meetings = [
        (plan.kind, plan.starts_at, plan.blocked, plan.team_size)
        for plan in plan_sessions(event, people, protocol, NOON)
    ]
    offers = [(plan.key, plan.by_at) for plan in plan_offers(event, people, protocol, NOON)]
    team = protocol.activation.team[event.severity]
    return team, tuple(contacts), tuple(meetings), tuple(offers), protocol.mhp


def kinds(key: str, event: Incident) -> dict[str, Blocked | None]:
    """Group formats that a protocol plans, and why not."""
    people = {p.id: p for p in CREW}
    return {plan.kind: plan.blocked for plan in plan_sessions(event, people, load_protocol(key), NOON)}


def test_there_are_eight() -> None:
    assert protocol_keys() == (
        "cism-classic",
        "fra-272",
        "iacp-ois",
        "lodd",
        "mass-casualty",
        "second-victim",
        "sfa-follow-up",
        "trim",
    )


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("type_", ["MCI", "LODD", "OIS_PRESENT", "TRESPASSER_STRIKE", "CHILD", "OTHER"])
def test_no_two_protocols_lead_to_the_same_response(type_: str, severity: Severity) -> None:
    event = incident(type_, severity, Circle.A)
    found = {key: response(key, event) for key in protocol_keys()}
    assert [pair for pair in combinations(found, 2) if found[pair[0]] == found[pair[1]]] == []


@pytest.mark.parametrize("key", protocol_keys())
def test_each_says_honestly_what_it_rests_on(key: str) -> None:
    note = load_protocol(key).evidence_note
    assert "does not claim to prevent PTSD" in note
    assert "design" in note
    if key != "sfa-follow-up":
        assert "unverified" in note or "not verified" in note
    for boast in ("proven", "prevents", "effective", "standard of care"):
        assert boast not in note


def test_the_cadences_are_those_of_their_models() -> None:
    found = {key: " ".join(points(load_protocol(key))) for key in protocol_keys()}
    assert found == {
        "cism-classic": "f0* f1 f3 f7 f30 f90 fA?",
        "fra-272": "f0* f1 f3* f7 f30 f90 fA?",
        "iacp-ois": "f0* f1 f3 f7 f30 f90 f180? fA?",
        "lodd": "f0* f1 f3 f7 f14* f30 f90 f180? fA?",
        "mass-casualty": "f0* f1 f7 f14 f30 f90 f180? fA?",
        "second-victim": "f0* f1 f3* f14* f30 f90",
        "sfa-follow-up": "f0* f1 f3 f7 f30 f90 f180? fA?",
        "trim": "f1 f3* f28* f90*",
    }


def test_trim_speaks_with_each_person_after_three_days_and_a_month_and_holds_no_group() -> None:
    trim = load_protocol("trim")
    third, month, later = trim.contact("f3"), trim.contact("f28"), trim.contact("f90")
    assert third is not None
    assert third.after == 72 * HOUR
    assert month is not None
    assert month.after == 28 * DAY
    assert later is not None
    assert later.after == 90 * DAY
    assert points(trim, Severity.S1) == ["f1", "f3*", "f28*"]
    assert kinds("trim", incident("MCI")) == {}


def test_after_an_error_in_care_there_is_no_group_and_a_professional_is_offered_early() -> None:
    protocol = load_protocol("second-victim")
    assert not protocol.sessions
    assert [rule.within for rule in protocol.mhp] == [3 * DAY, 30 * DAY]
    assert kinds("second-victim", incident("ADVERSE_EVENT")) == {}


def test_after_a_death_in_the_line_of_duty_the_debriefing_waits_for_the_funeral() -> None:
    event = incident("LODD", circle=Circle.D)
    assert kinds("lodd", event) == {
        "crisis_management_briefing": None,
        "lodd_group": None,
        "cisd": Blocked.FUNERAL_UNKNOWN,
    }
    assert load_protocol("lodd").activation.page_clinician_from is Severity.S1


def test_after_a_multi_casualty_incident_units_are_released_briefed_and_debriefed_weeks_later() -> None:
    found = [
        (plan.kind, plan.starts_at)
        for plan in plan_sessions(
            incident("RIOT"), {p.id: p for p in CREW}, load_protocol("mass-casualty"), NOON
        )
    ]
    assert [kind for kind, _ in found] == [
        "demobilization",
        "crisis_management_briefing",
        "crisis_management_briefing",
        "cisd",
    ]
    starts = [at for _, at in found if at is not None]
    assert len(starts) == 4
    assert starts[0] - NOON <= HOUR
    assert starts[2] - starts[1] >= 12 * HOUR
    assert starts[3] - NOON >= 21 * DAY  # a riot is no disaster by its type; the protocol makes it one


def test_raising_a_multi_casualty_incident_to_the_gravest_adds_and_takes_nothing_away() -> None:
    protocol = load_protocol("mass-casualty")
    before, after = (incident("MCI", severity) for severity in (Severity.S3, Severity.S4))
    assert set(points(protocol, Severity.S3)) < set(points(protocol, Severity.S4))
    assert set(points(protocol, Severity.S4)) - set(points(protocol, Severity.S3)) == {"f180?", "fA?"}
    assert set(kinds("mass-casualty", after)) - set(kinds("mass-casualty", before)) == {
        "demobilization",
        "crisis_management_briefing",
    }


def test_the_classic_model_offers_every_group_in_its_own_window() -> None:
    assert set(load_protocol("cism-classic").sessions) == {
        "demobilization",
        "crisis_management_briefing",
        "defusing",
        "cisd",
    }
    assert kinds("cism-classic", incident("MAYDAY")) == {"defusing": None, "cisd": None}


def test_a_railroad_offers_all_that_the_regulation_lists_and_calls_nobody_back_for_a_defusing() -> None:
    protocol = load_protocol("fra-272")
    assert "defusing" not in protocol.sessions
    event = incident("TRESPASSER_STRIKE", Severity.S3, Circle.A)
    offered = plan_offers(event, {p.id: p for p in CREW}, protocol, NOON)
    assert {plan.kind.value for plan in offered} >= {
        "relief_information",
        "relief_from_tour",
        "transport_home",
        "counselling",
        "relief_next_tours",
        "treatment_leave",
        "other_railroad",
    }
    first = min(offered, key=lambda plan: plan.by_at)
    assert (first.kind.value, first.by_at) == ("relief_information", NOON + HOUR)
