"""A small world as the checker sees it: one incident, four weeks of texts, every promise kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.checking.evidence import Evidence, build

RESPONDER, SECOND, PEER = "+12125550101", "+12125550102", "+12125550103"
CLINICIAN, DIRECTOR, COORDINATOR = "+12125550104", "+12125550105", "+12125550106"
ON_LEAVE, NO_CARE, GONE = "+12125550107", "+12125550108", "+12125550109"
_HEADER = (
    "id,name,phone,email,agency,discipline,unit,station,rank,roles,reports_to,timezone,sleep_start,sleep_end,"
    "language,consent_pages,consent_care,designated_at,certs,not_with,status"
)
_PEOPLE = (
    ("R1", RESPONDER, "responder", "no", "yes", "active"),
    ("R2", SECOND, "responder", "no", "yes", "active"),
    ("P1", PEER, "responder;peer", "yes", "yes", "active"),
    ("C1", CLINICIAN, "clinician", "yes", "yes", "active"),
    ("C2", DIRECTOR, "clinical_director", "yes", "yes", "active"),
    ("K1", COORDINATOR, "coordinator", "yes", "yes", "active"),
    ("L1", ON_LEAVE, "responder", "no", "yes", "leave"),
    ("N1", NO_CARE, "responder", "no", "no", "active"),
    ("D1", GONE, "responder", "no", "no", "deceased"),
)
ROSTER = "\n".join(
    [
        _HEADER,
        *(
            f"{key},Any One,{phone},,elm-pd,law_enforcement,U,S,Officer,{roles},,America/New_York,,,en,"
            f"{pages},{care},,,,{status}"
            for key, phone, roles, pages, care, status in _PEOPLE
        ),
    ]
)
_BASE = datetime(2026, 3, 1, 12, tzinfo=UTC)  # when, in real time, the story was played
_ASK = "No need to answer. 1 all good, 2 call me in the next days, 3 call me now, 0 no more check-ins"


@dataclass(frozen=True)
class Event:
    """A text at a product time: from us, or (`means` set) from a phone."""

    name: str
    at: datetime
    phone: str
    body: str
    means: str = ""
    arrived: bool = True


def at(day: int, hour: int, minute: int = 0, month: int = 3, second: int = 0) -> datetime:
    """A product time of 2026, UTC."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


def _confirmations() -> list[Event]:
    found = []
    for number, phone in enumerate((RESPONDER, SECOND, PEER, CLINICIAN, DIRECTOR, COORDINATOR), start=2):
        text = f"Hi, Elm PD team here. May we text? 1 A{number}B3 this is me, 0 A{number}B3 no texts."
        found.append(Event(f"confirm {number}", at(2, 13, 59, second=number), phone, text))
        reply = Event(
            f"confirmed {number}", at(2, 14, 0, second=number), phone, f"1 A{number}B3", "confirmation"
        )
        found.append(reply)
    return found


def _team() -> list[Event]:
    us = "Elm PD peer team:"
    return [
        Event(
            "page",
            at(2, 15, second=1),
            PEER,
            f"{us} assignment, answer by 10:10. 1 C4D5 available, 0 C4D5 not now.",
        ),
        Event("accept", at(2, 15, 2), PEER, "1 C4D5", "page answer"),
        Event(
            "assigned",
            at(2, 15, 2, second=1),
            PEER,
            f"{us} you are on. Sign in to see what to do. Hand back: 9 G7H8.",
        ),
    ]


def _first() -> list[Event]:
    """The first responder: 2 at f1, silence at f7, 1 at f30, and no wish to stay in touch."""
    us = "Elm PD peer team:"
    ask = f"{us} someone asks for a call in the next days. Answer by 13:45: 1 E6F7 I take it, 0 E6F7 pass."
    promised = (
        "Someone from the Elm PD peer team will call you by Wed 09:45. Sooner? Text 3. Call 988 any time."
    )
    return [
        Event("f1", at(3, 14, 45, second=1), RESPONDER, f"Hi, Ann here. {_ASK}"),
        Event("two", at(3, 14, 45, second=2), RESPONDER, "2", "call later"),
        Event("promised", at(3, 14, 45, second=3), RESPONDER, promised),
        Event("ask later", at(3, 14, 45, second=4), PEER, ask),
        Event("takes later", at(3, 14, 48), PEER, "1 E6F7", "escalation answer"),
        Event(
            "yours later", at(3, 14, 48, second=1), PEER, "E6F7 is yours. Call by Wed 09:45: sign in for it."
        ),
        Event(
            "arranged",
            at(3, 14, 48, second=2),
            RESPONDER,
            "Hi Ann, Bo from the Elm PD peer team will call you by 12:00. Sooner? Text 3.",
        ),
        Event("reached later", at(3, 14, 56), PEER, "4 E6F7", "escalation outcome"),
        Event("f7", at(9, 14, 0, second=1), RESPONDER, f"Hi, Ann here. {_ASK}"),  # daylight saving has begun
        Event("reminder", at(10, 14, 0, second=2), RESPONDER, f"Ann again, just this once. {_ASK}"),
        Event("f30", at(1, 14, 0, month=4, second=1), RESPONDER, f"Hi, Ann here. {_ASK}"),
        Event("one", at(1, 14, 0, month=4, second=2), RESPONDER, "1", "check-in answer"),
        Event(
            "opt-in",
            at(1, 14, 0, month=4, second=3),
            RESPONDER,
            "Shall we keep in touch? 1 keep in touch, 0 no more contacts.",
        ),
        Event("no thanks", at(1, 14, 0, month=4, second=4), RESPONDER, "0", "opt-in answer"),
    ]


def _second() -> list[Event]:
    """The second responder: crisis words in the night after f1, and STOP at f7."""
    us = "Elm PD peer team:"
    answer = "We are finding a person to call you now. In danger: call 911. Call or text 988 any time."
    return [
        Event("f1 second", at(3, 14, 45, second=1), SECOND, f"Hi, Ann here. {_ASK}"),
        Event("fine", at(3, 14, 45, second=2), SECOND, "1", "check-in answer"),
        Event("crisis", at(4, 7, 40), SECOND, "i cannot go on", "crisis"),
        Event("crisis answer", at(4, 7, 40, second=1), SECOND, answer),
        Event(
            "ask now",
            at(4, 7, 40, second=2),
            CLINICIAN,
            f"{us} someone asks for a call now. Answer by 02:45: 1 J2K3 I take it, 0 J2K3 pass.",
        ),
        Event(
            "ask next",
            at(4, 7, 45, second=2),
            DIRECTOR,
            f"{us} someone asks for a call now. Answer by 02:50: 1 M4N5 I take it, 0 M4N5 pass.",
        ),
        Event("takes now", at(4, 7, 47), DIRECTOR, "1 M4N5", "escalation answer"),
        Event("yours now", at(4, 7, 47, second=1), DIRECTOR, "M4N5 is yours. Call by 02:57: sign in for it."),
        Event(
            "taken", at(4, 7, 47, second=2), SECOND, "Cy will call you by 02:57. Call or text 988 any time."
        ),
        Event("reached now", at(4, 7, 53), DIRECTOR, "4 M4N5", "escalation outcome"),
        Event("f7 second", at(9, 14, 0, second=1), SECOND, f"Hi, Ann here. {_ASK}"),
        Event("stop", at(9, 14, 0, second=2), SECOND, "STOP", "stop"),
    ]


def good() -> list[Event]:
    """Every event of the good world, in order."""
    return sorted([*_confirmations(), *_team(), *_first(), *_second()], key=lambda event: event.at)


def incident(**changes: Any) -> dict[str, Any]:
    """The incident, logged at 10:00 local on 2 March; `logged_at` is product time."""
    end = at(2, 14, 45).isoformat()
    return {
        "ref": "C-AAAAA",
        "agency": "elm-pd",
        "type": "OTHER",
        "severity": "S1",
        "logged_at": at(2, 15),
        "affected": [
            {"person": "elm-pd:R1", "circle": "A", "exposure_end": end},
            {"person": "elm-pd:R2", "circle": "B", "exposure_end": end},
        ],
        **changes,
    }


def evidence(
    events: list[Event],
    *incidents: dict[str, Any],
    acts: dict[str, int] | None = None,
    runs: dict[str, int] | None = None,
    until: datetime | None = None,
) -> Evidence:
    """What the wall would have exported, played in two real seconds an event."""
    reported = list(incidents) or [incident()]
    moments = sorted({event.at for event in events} | {one["logged_at"] for one in reported})
    real = {moment: _BASE + number * timedelta(seconds=2) for number, moment in enumerate(moments)}
    end = until or at(3, 0, month=4)
    finish = _BASE + len(moments) * timedelta(seconds=2)
    moves = [_move(real[moment], moment) for moment in moments] + [_move(finish, end)]
    export = {
        "exported_at": finish.isoformat(),
        "messages": [_sent(number, event, real) for number, event in enumerate(events) if not event.means],
        "inbound": [_said(number, event, real) for number, event in enumerate(events) if event.means],
        "rejected": [],
    }
    script = [
        {"sid": f"SM{number}", "means": event.means} for number, event in enumerate(events) if event.means
    ]
    inputs = {
        "roster_csv": ROSTER,
        "incidents": [
            {
                **{name: value for name, value in one.items() if name != "logged_at"},
                "logged_real": real[one["logged_at"]].isoformat(),
            }
            for one in reported
        ],
        "script": script,
        "acts": acts or {"true": 200, "false": 1},
        "flow_runs": runs or {"COMPLETED": 40},
    }
    return build(export, inputs, moves)


def without(events: list[Event], *names: str) -> list[Event]:
    """The same world, and these did not happen."""
    assert {event.name for event in events} >= set(names)
    return [event for event in events if event.name not in names]


def moved(events: list[Event], name: str, span: timedelta) -> list[Event]:
    """The same world, and this happened so much later."""
    assert name in {event.name for event in events}
    return sorted(
        (replace(event, at=event.at + span) if event.name == name else event for event in events),
        key=lambda event: event.at,
    )


def also(events: list[Event], *more: Event) -> list[Event]:
    """The same world, and this happened too."""
    return sorted([*events, *more], key=lambda event: event.at)


def named(events: list[Event], name: str) -> Event:
    """One event."""
    return next(event for event in events if event.name == name)


def _move(real: datetime, product: datetime) -> dict[str, Any]:
    return {
        "moved_at_real": real.isoformat(),
        "offset_before": 0.0,
        "offset_after": (product - real).total_seconds(),
        "kind": "next",
    }


def _sent(number: int, event: Event, real: dict[datetime, datetime]) -> dict[str, Any]:
    when = real[event.at].isoformat()
    return {
        "sid": f"SM{number}",
        "direction": "outbound-api",
        "to": event.phone,
        "body": event.body,
        "accepted_at": when,
        "arrived_at": when if event.arrived else None,
    }


def _said(number: int, event: Event, real: dict[datetime, datetime]) -> dict[str, Any]:
    return {
        "sid": f"SM{number}",
        "from": event.phone,
        "body": event.body,
        "accepted_at": real[event.at].isoformat(),
    }
