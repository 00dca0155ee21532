"""Three worked scenarios of the practice, told beside the real rows by departments of their own.

B: a firefighter dies on duty. C: a child dies, and a night crew goes home. D: a bus crash with many hurt.
The days are those on which clocks and windows are hardest: C lies in the night in which clocks go back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo.incidents import Change, Entry

ROSTER = Path(__file__).parent / "scenario_roster.csv"
_NEIGHBOURS = ("county-ems", "harbor-fd", "metro-dispatch", "metro-pd")
# Who lends a hand to whom. The real incidents are helped by their own region alone: else whom a scenario is
# about would have served, or would be resting, as chance has it.
AID = {
    "hudson-fd": ("orchard-fd",),
    "plains-ems": ("ridge-fd",),
    **{key: tuple(other for other in _NEIGHBOURS if other != key) for key in _NEIGHBOURS},
}
NEW_YORK, CHICAGO, DENVER = (ZoneInfo(f"America/{name}") for name in ("New_York", "Chicago", "Denver"))


def roster_rows() -> str:
    """The people of the scenarios, without a header."""
    return ROSTER.read_text(encoding="utf-8").partition("\n")[2]


def entries() -> list[Entry]:
    """The incidents of all scenarios."""
    return [_firefighter(), *_child(), _bus()]


def _people(*listed: str) -> list[dict[str, Any]]:
    """From "H104 A" or "ridge-fd:R102 B"."""
    pairs = [item.split(" ") for item in listed]
    return [{"person_id": who, "circle": circle} for who, circle in pairs]


def _listed(agency: str, *listed: str) -> list[dict[str, Any]]:
    return [
        {**one, "person_id": one["person_id"] if ":" in one["person_id"] else f"{agency}:{one['person_id']}"}
        for one in _people(*listed)
    ]


def _body(
    agency: str, type_: str, severity: str, begun: datetime, ended: datetime, *listed: str
) -> dict[str, Any]:
    return {
        "type": type_,
        "severity": severity,
        "agency": agency,
        "occurred_at": begun.isoformat(),
        "ended_at": ended.isoformat(),
        "affected": _listed(agency, *listed),
    }


def _firefighter() -> Entry:
    """B: two peers were on the alarm, one is a relative; the dispatcher heard it."""
    ended = datetime(2026, 10, 5, 16, 20, tzinfo=NEW_YORK)
    logged = ended + timedelta(minutes=15)
    crew = ("H104 A", "H105 B", "H106 B", "H108 B", "H109 B", "H113 C", "H103 E", "H107 D")
    body = _body("hudson-fd", "LODD", "S4", ended - timedelta(minutes=40), ended, *crew, "H117 F", "H118 A")
    funeral = datetime(2026, 10, 10, 11, 0, tzinfo=NEW_YORK)
    return Entry(
        key="scenario-b",
        scenario="B",
        agency="hudson-fd",
        logged_at=logged,
        body={**body, "protocol": "lodd"},
        headline="scenario B: a firefighter has died on duty",
        changes=(
            Change(
                at=datetime(2026, 10, 5, 19, 0, tzinfo=NEW_YORK),
                words="next of kin have been told",
                fields={"kin_notified": True},
            ),
            Change(
                at=datetime(2026, 10, 7, 12, 0, tzinfo=NEW_YORK),
                words="the funeral is on Saturday",
                fields={"funeral_at": funeral.isoformat()},
            ),
        ),
    )


def _child() -> list[Entry]:
    """C: logged by the day supervisor when the night crew is on its way home; a second call days later."""
    ended = datetime(2026, 10, 31, 3, 40, tzinfo=CHICAGO)
    crew = ("L104 A", "L105 A", "L109 C", "L111 B", "L112 B", "L113 B", "L114 B")
    second = datetime(2026, 11, 5, 2, 30, tzinfo=CHICAGO)
    hour = timedelta(hours=1)
    return [
        Entry(
            key="scenario-c",
            scenario="C",
            agency="lake-ems",
            logged_at=datetime(2026, 10, 31, 7, 20, tzinfo=CHICAGO),
            body=_body("lake-ems", "PAEDIATRIC_ARREST", "S3", ended - hour, ended, *crew),
            headline="scenario C: a child has died, the crew worked the night",
        ),
        Entry(
            key="scenario-c-again",
            scenario="C2",
            agency="lake-ems",
            logged_at=second + hour,
            body=_body("lake-ems", "PAEDIATRIC_ARREST", "S3", second - hour, second, "L105 A"),
            headline="scenario C: five days later the same EMT is on a second such call",
        ),
    ]


def _bus() -> Entry:
    """D: many hurt, several services, a crew of the neighbours; graver than it looked at first."""
    ended = datetime(2026, 10, 20, 14, 30, tzinfo=DENVER)
    logged = datetime(2026, 10, 20, 8, 45, tzinfo=DENVER)
    ambulance = ("D104 A", "D105 A", "D106 B", "D107 B")
    engine = ("D108 B", "D109 B", "D110 B", "D111 B")
    hospital = ("D112 B", "D113 B", "D114 B", "D115 B", "D116 B")
    others = ("D117 C", "D103 E", "ridge-fd:R102 B", "ridge-fd:R103 B")
    begun = datetime(2026, 10, 20, 8, 10, tzinfo=DENVER)
    body = _body("plains-ems", "MCI", "S3", begun, ended, *ambulance, *engine, *hospital, *others)
    del body["ended_at"]  # nobody knows yet
    return Entry(
        key="scenario-d",
        scenario="D",
        agency="plains-ems",
        logged_at=logged,
        body={**body, "protocol": "mass-casualty"},
        headline="scenario D: a bus crash, many hurt; it is still going on",
        changes=(
            Change(at=ended, words="the last crew is released", fields={"ended_at": ended.isoformat()}),
            Change(
                at=logged + timedelta(hours=5), words="it is graver than it looked", fields={"severity": "S4"}
            ),
        ),
    )
