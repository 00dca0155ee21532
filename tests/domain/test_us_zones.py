"""A zone is told only where it is sure."""

from __future__ import annotations

import pytest

from cism.domain.incident_files.us_zones import state_code, zone_of


@pytest.mark.parametrize(
    ("state", "lat", "lng", "zone"),
    [
        ("TX", 31.76, -106.48, "America/Denver"),  # El Paso
        ("TX", 30.37, -103.67, "America/Chicago"),  # Alpine
        ("FL", 30.44, -84.28, "America/New_York"),  # Tallahassee
        ("FL", 30.42, -87.22, "America/Chicago"),  # Pensacola
        ("IN", 41.59, -87.34, "America/Chicago"),  # Gary
        ("IN", 39.77, -86.16, "America/Indiana/Indianapolis"),
        ("KY", 38.25, -85.76, "America/New_York"),  # Louisville
        ("KY", 36.99, -86.44, None),  # Bowling Green: near the line
        ("TN", 35.05, -85.31, None),  # Chattanooga: near the line
        ("OR", 44.03, -116.96, "America/Boise"),  # Ontario
        ("ID", 47.68, -116.78, "America/Los_Angeles"),  # Coeur d'Alene
        ("NV", 36.17, -115.14, "America/Los_Angeles"),  # Las Vegas
        ("NV", 40.74, -114.07, None),  # West Wendover keeps Utah's time
        ("AZ", 33.45, -112.07, "America/Phoenix"),
        ("AZ", 36.28, -109.22, None),  # Lukachukai, Navajo Nation
        ("ND", 46.88, -102.79, "America/Denver"),  # Dickinson
        ("SD", 44.08, -103.23, "America/Denver"),  # Rapid City
        ("NE", 41.26, -95.94, "America/Chicago"),  # Omaha
        ("MI", 45.82, -88.06, None),  # Iron Mountain
        ("KS", 37.69, -97.34, "America/Chicago"),  # Wichita
        ("AK", 61.22, -149.90, "America/Anchorage"),
        ("Hawaii", 21.3, -157.9, "Pacific/Honolulu"),
        ("Atlantis", 0.0, 0.0, None),
    ],
)
def test_places_are_in_their_zone_or_undecided(state: str, lat: float, lng: float, zone: str | None) -> None:
    assert zone_of(state, (lat, lng)) == zone


def test_states_are_known_by_letters_and_by_name() -> None:
    assert (state_code("district of columbia"), state_code("PR"), state_code("TR")) == ("DC", "PR", None)
