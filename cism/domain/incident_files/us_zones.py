"""The time zone of a place in the United States: by state, or by coordinates in a state of two zones.

For a state that lies in several zones there are boxes of coordinates which lie well inside one of them.
A place outside all boxes of its state is undecided, and so is a clock time there: it stays unknown. Boxes
keep clear of zone lines, of towns that keep their neighbour's time, and of the Navajo Nation in Arizona;
they are generous to doubt, not exact.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from cism.domain.csv_lines import shown
from cism.domain.incident_files.cells import RowRefusedError, words

_NEW_YORK, _CHICAGO = "America/New_York", "America/Chicago"
_DENVER, _LOS_ANGELES = "America/Denver", "America/Los_Angeles"


class Box(NamedTuple):
    """A rectangle in degrees, all of one state inside it being in one zone."""

    zone: str
    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lng: float) -> bool:
        """Whether a place lies inside."""
        return self.south <= lat <= self.north and self.west <= lng <= self.east


# letters: name, zone (None: in several zones, see the boxes)
_STATES: Mapping[str, tuple[str, str | None]] = {
    "AL": ("Alabama", _CHICAGO),
    "AK": ("Alaska", None),
    "AZ": ("Arizona", None),
    "AR": ("Arkansas", _CHICAGO),
    "CA": ("California", _LOS_ANGELES),
    "CO": ("Colorado", _DENVER),
    "CT": ("Connecticut", _NEW_YORK),
    "DE": ("Delaware", _NEW_YORK),
    "DC": ("District of Columbia", _NEW_YORK),
    "FL": ("Florida", None),
    "GA": ("Georgia", _NEW_YORK),
    "HI": ("Hawaii", "Pacific/Honolulu"),
    "ID": ("Idaho", None),
    "IL": ("Illinois", _CHICAGO),
    "IN": ("Indiana", None),
    "IA": ("Iowa", _CHICAGO),
    "KS": ("Kansas", None),
    "KY": ("Kentucky", None),
    "LA": ("Louisiana", _CHICAGO),
    "ME": ("Maine", _NEW_YORK),
    "MD": ("Maryland", _NEW_YORK),
    "MA": ("Massachusetts", _NEW_YORK),
    "MI": ("Michigan", None),
    "MN": ("Minnesota", _CHICAGO),
    "MS": ("Mississippi", _CHICAGO),
    "MO": ("Missouri", _CHICAGO),
    "MT": ("Montana", _DENVER),
    "NE": ("Nebraska", None),
    "NV": ("Nevada", None),
    "NH": ("New Hampshire", _NEW_YORK),
    "NJ": ("New Jersey", _NEW_YORK),
    "NM": ("New Mexico", _DENVER),
    "NY": ("New York", _NEW_YORK),
    "NC": ("North Carolina", _NEW_YORK),
    "ND": ("North Dakota", None),
    "OH": ("Ohio", _NEW_YORK),
    "OK": ("Oklahoma", _CHICAGO),
    "OR": ("Oregon", None),
    "PA": ("Pennsylvania", _NEW_YORK),
    "RI": ("Rhode Island", _NEW_YORK),
    "SC": ("South Carolina", _NEW_YORK),
    "SD": ("South Dakota", None),
    "TN": ("Tennessee", None),
    "TX": ("Texas", None),
    "UT": ("Utah", _DENVER),
    "VT": ("Vermont", _NEW_YORK),
    "VA": ("Virginia", _NEW_YORK),
    "WA": ("Washington", _LOS_ANGELES),
    "WV": ("West Virginia", _NEW_YORK),
    "WI": ("Wisconsin", _CHICAGO),
    "WY": ("Wyoming", _DENVER),
    "PR": ("Puerto Rico", "America/Puerto_Rico"),
    "VI": ("Virgin Islands", "America/St_Thomas"),
    "GU": ("Guam", "Pacific/Guam"),
    "AS": ("American Samoa", "Pacific/Pago_Pago"),
    "MP": ("Northern Mariana Islands", "Pacific/Saipan"),
}
_CODES: Mapping[str, str] = {name.casefold(): code for code, (name, _) in _STATES.items()}

_BOXES: Mapping[str, tuple[Box, ...]] = {
    "AK": (
        Box("America/Anchorage", 51.0, -168.0, 71.5, -141.0),
        Box("America/Anchorage", 56.5, -141.0, 60.5, -133.0),
    ),
    "AZ": (
        Box("America/Phoenix", 31.3, -115.0, 34.9, -109.0),
        Box("America/Phoenix", 34.9, -115.0, 37.0, -112.2),
    ),
    "FL": (Box(_NEW_YORK, 24.0, -84.8, 31.1, -79.8), Box(_CHICAGO, 30.0, -87.7, 31.1, -85.45)),
    "ID": (Box("America/Boise", 41.9, -117.1, 45.0, -111.0), Box(_LOS_ANGELES, 46.0, -117.3, 49.1, -114.5)),
    "IN": (
        Box(_CHICAGO, 40.8, -87.6, 41.8, -87.0),
        Box("America/Indiana/Indianapolis", 39.0, -86.45, 41.8, -85.0),
    ),
    "KS": (Box(_CHICAGO, 36.9, -101.2, 40.1, -94.5), Box(_DENVER, 38.3, -102.1, 39.5, -101.6)),
    "KY": (
        Box(_NEW_YORK, 37.95, -86.0, 39.2, -81.9),
        Box(_NEW_YORK, 36.5, -84.5, 37.95, -81.9),
        Box(_CHICAGO, 36.4, -89.6, 38.0, -86.6),
    ),
    "MI": (Box("America/Detroit", 41.6, -86.9, 47.6, -82.1),),
    "ND": (
        Box(_CHICAGO, 46.5, -100.85, 49.1, -96.5),
        Box(_CHICAGO, 45.9, -99.9, 46.5, -96.5),
        Box(_DENVER, 45.9, -104.1, 46.95, -102.2),
    ),
    "NE": (Box(_CHICAGO, 39.9, -100.0, 43.1, -95.2), Box(_DENVER, 41.0, -104.1, 43.1, -102.1)),
    "NV": (Box(_LOS_ANGELES, 35.0, -120.1, 41.5, -114.3), Box(_LOS_ANGELES, 35.0, -114.7, 38.0, -114.0)),
    "OR": (Box(_LOS_ANGELES, 41.9, -124.7, 46.3, -118.3), Box("America/Boise", 43.0, -117.9, 44.4, -116.8)),
    "SD": (Box(_CHICAGO, 42.4, -99.8, 46.0, -96.4), Box(_DENVER, 42.9, -104.1, 46.0, -101.6)),
    "TN": (
        Box(_NEW_YORK, 34.9, -84.6, 36.7, -81.6),
        Box(_NEW_YORK, 34.98, -85.2, 35.2, -84.6),
        Box(_CHICAGO, 34.9, -90.4, 36.7, -85.55),
    ),
    "TX": (Box(_CHICAGO, 25.8, -104.5, 36.6, -93.5), Box(_DENVER, 31.0, -106.7, 32.1, -105.5)),
}


def state_code(state: str) -> str | None:
    """The two letters of a state or territory given by letters or by name; None for anything else."""
    known = state.strip()
    return known if known in _STATES else _CODES.get(known.casefold())


def zone_of(state: str, place: tuple[float, float] | None = None) -> str | None:
    """The IANA zone of a place (degrees north, east) in a state, or None where it cannot be told."""
    code = state_code(state)
    if code is None:
        return None
    zone = _STATES[code][1]
    if zone is not None or place is None:
        return zone
    return next((box.zone for box in _BOXES[code] if box.holds(*place)), None)


def known_state(state: str, others: Collection[str] = ()) -> str:
    """The state as given, if it is one of the United States or one of `others`; else RowRefusedError."""
    found = words("state", state)
    if found not in others and state_code(found) is None:
        message = f"state {shown(found)} is not a state"
        raise RowRefusedError(message)
    return found
