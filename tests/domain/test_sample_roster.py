"""Sixty invented people who make selection hard."""

from __future__ import annotations

from datetime import date, time

from cism.data import sample
from cism.domain.people import PersonStatus, Role
from cism.domain.roster_csv import parse_roster

TODAY = date(2026, 11, 24)


class TestTheSampleRoster:
    rows = parse_roster(sample("sample_roster.csv"), today=TODAY).rows

    def test_holds_sixty_people_of_four_agencies_in_two_time_zones(self) -> None:
        assert len(self.rows) == 60
        assert {person.agency for person in self.rows} == {
            "metro-pd",
            "harbor-fd",
            "county-ems",
            "metro-dispatch",
        }
        assert len({person.zone for person in self.rows}) == 2

    def test_uses_only_numbers_and_addresses_kept_for_fiction(self) -> None:
        assert len({person.phone for person in self.rows}) == 60
        assert all(
            person.phone[5:10] == "55501" and person.email.endswith(".example") for person in self.rows
        )

    def test_warns_about_expired_certificates_and_nothing_else(self) -> None:
        warnings = parse_roster(sample("sample_roster.csv"), today=TODAY).warnings
        assert len(warnings) == 2
        assert all("unexpired certificate" in warning for warning in warnings)

    def test_has_every_role_and_status_and_what_makes_selection_hard(self) -> None:
        assert {role for person in self.rows for role in person.roles} == set(Role)
        assert {person.status for person in self.rows} == set(PersonStatus)
        peers = [person for person in self.rows if Role.PEER in person.roles]
        assert len(peers) >= 14
        assert sum(time(6) < person.sleep.start < time(12) for person in peers) >= 3
        assert any(person.not_with for person in peers)
        assert any(not person.consent_care for person in self.rows)
        assert sum(person.status is PersonStatus.LEAVE for person in self.rows) >= 2
