"""The checker passes a world in which every promise was kept, and names each promise that was not."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import demo.checking
from demo import checker
from demo.checking.evidence import Evidence
from tests.demo.world import (
    CLINICIAN,
    GONE,
    NO_CARE,
    ON_LEAVE,
    PEER,
    RESPONDER,
    SECOND,
    Event,
    also,
    at,
    evidence,
    good,
    incident,
    moved,
    named,
    without,
)

NOTED = "Elm PD peer team: X2Y3 noted, thank you."
REMINDED = Event("x", at(2, 14, 1, month=4), RESPONDER, "Ann again, just this once.")
LEFT_ALONE = without(good(), "ask next", "takes now", "yours now", "taken", "reached now")
HALF_AN_HOUR, TWO_MINUTES = timedelta(minutes=30), timedelta(minutes=2)
IN_TIME, AFTER = (
    "check-ins (f1 to f90, f180, fA) in time, none lost",
    "one reminder to the silent, one opt-in at the end",
)
TWICE, EARLY, ONCE = "nothing twice", "nothing early", "no question to a helper twice"
HOURS, STOP = "care texts only in a person's open hours", "nothing after STOP or a wrong number"
NEVER, ANSWERED = "nobody texted who must not be", "words, 2 and 3 answered at once"
ASKED = "whoever needs a human: a helper asked at once"
AGAIN, ENDED = "asked again at each deadline until a human took it", "ended by a human with an outcome"
PAGED, TEAM = "a page leaves within 5 s of logging", "the team is complete, or those in charge are told"
TOLD, CONFIRMED = (
    "each answer to a page is acknowledged at once",
    "each phone asked once whether it is theirs",
)
WORDS, ARRIVED = "no word that a locked screen would give away", "what was sent arrived"
WINDOWS, APPROVED = "sessions inside each person's window", "no debriefing before a clinician approved it"
FLOWS = "at least 99% of acts through Prefect flows"
RUNS = "at most 200 flow runs, or one for 5 acts; none failed"


def broken(found: Evidence) -> set[str]:
    return {promise.name for promise in checker.judge(found) if promise.broken}


def stray(phone: str, body: str) -> Event:
    return Event("stray", at(5, 14), phone, body)


def again(name: str, span: timedelta) -> list[Event]:
    event = named(good(), name)
    return also(good(), replace(event, name="again", at=event.at + span))


def test_a_world_in_which_every_promise_was_kept_passes_and_each_promise_was_looked_at() -> None:
    promises = checker.judge(evidence(good()))
    assert [promise.broken for promise in promises if promise.broken] == []
    sessions = {WINDOWS, APPROVED}  # this world has none
    assert {promise.name for promise in promises if not promise.checked} == sessions


@pytest.mark.parametrize(
    ("what", "events", "promise"),
    [
        ("a check-in is lost", without(good(), "f7", "reminder"), IN_TIME),
        ("a check-in is two minutes late", moved(good(), "f1", TWO_MINUTES), IN_TIME),
        ("a reminder is lost", without(good(), "reminder"), AFTER),
        ("an opt-in is lost", without(good(), "opt-in", "no thanks"), AFTER),
        ("somebody who answered is reminded", also(good(), REMINDED), TWICE),
        ("a check-in is doubled", again("f7", timedelta(seconds=3)), TWICE),
        ("a page is doubled", again("page", timedelta(seconds=3)), ONCE),
        ("a reminder is doubled", again("reminder", timedelta(hours=3)), TWICE),
        ("a check-in is early by half an hour", moved(good(), "f7", -HALF_AN_HOUR), EARLY),
        ("a check-in is early by a second", moved(good(), "f30", -timedelta(seconds=2)), EARLY),
        ("a check-in disturbs the night", moved(good(), "f7", -timedelta(hours=7)), HOURS),
        (
            "a text goes out after STOP",
            also(good(), replace(named(good(), "f7"), phone=SECOND, at=at(10, 14))),
            STOP,
        ),
        (
            "a page goes to somebody without consent",
            also(good(), stray(NO_CARE, named(good(), "page").body)),
            NEVER,
        ),
        (
            "a check-in goes to somebody without consent",
            also(good(), stray(NO_CARE, named(good(), "f1").body)),
            NEVER,
        ),
        ("a deceased person is texted", also(good(), stray(GONE, NOTED)), NEVER),
        (
            "a person on leave is asked about the phone",
            also(good(), stray(ON_LEAVE, "1 Q2W3 this is me")),
            NEVER,
        ),
        ("a phone is asked twice", again("confirm 2", timedelta(hours=1)), CONFIRMED),
        ("a phone is never asked", without(good(), "confirm 5"), CONFIRMED),
        ("crisis words get no answer", without(good(), "crisis answer"), ANSWERED),
        (
            "nobody is asked after crisis words",
            without(good(), "ask now", "ask next", "takes now", "reached now"),
            ASKED,
        ),
        ("the ladder stops after the first rung", LEFT_ALONE, AGAIN),
        ("the next rung is asked three minutes late", moved(good(), "ask next", timedelta(minutes=3)), AGAIN),
        ("nobody says how it ended, and nobody is asked again", without(good(), "reached now"), AGAIN),
        ("no page leaves", without(good(), "page", "accept", "assigned"), PAGED),
        ("an acceptance is not acknowledged", without(good(), "assigned"), TOLD),
        ("the team is short and nobody is told", without(good(), "accept", "assigned"), TEAM),
        ("a text tells what it is about", also(good(), stray(PEER, f"the shooting, {NOTED}")), WORDS),
        ("a text is of no known kind", also(good(), stray(PEER, "Something quite different.")), WORDS),
        (
            "a text does not arrive",
            [replace(event, arrived=event.name != "page") for event in good()],
            ARRIVED,
        ),
    ],
)
def test_each_broken_promise_is_named(what: str, events: list[Event], promise: str) -> None:
    assert promise in broken(evidence(events)), what


def test_a_page_after_six_seconds_is_too_late() -> None:
    # each event takes two real seconds: three others come between the request and the page
    others = [Event(f"x{n}", at(2, 15, second=n), PEER, NOTED) for n in (2, 3, 4)]
    late = moved(good(), "page", timedelta(seconds=9))
    assert PAGED in broken(evidence(also(late, *others)))


def test_the_same_night_hours_are_open_to_a_direct_answer() -> None:
    assert HOURS not in broken(evidence(good()))
    alone = without(good(), "crisis")
    assert HOURS in broken(evidence(alone)), "without words of theirs the same answer disturbs the night"


def test_who_never_confirmed_the_phone_is_promised_no_text() -> None:
    theirs = {event.name for event in good() if event.phone == RESPONDER} - {"confirm 2"}
    asked = {"ask later", "takes later", "yours later", "reached later"}
    silent = without(good(), *theirs, *asked)
    assert IN_TIME not in broken(evidence(silent))


def test_a_no_ends_the_contacts_of_that_incident() -> None:
    ended = [replace(e, body="0", means="check-in answer") if e.name == "fine" else e for e in good()]
    assert TWICE in broken(evidence(ended)), "f7 came although they had said no"
    assert broken(evidence(without(ended, "f7 second", "stop"))) == set()


def invited(day: int, hour: int, *, approved: bool = True) -> list[Event]:
    body = f"Hi, Ann here. Optional get-together Wed {day} Mar {hour:02}:00. 1 count me in, 0 not for me."
    asked = Event(
        "approval",
        at(3, 15),
        CLINICIAN,
        "a group meeting is proposed. By 14:00: 1 Q4R5 approved, 0 Q4R5 refused.",
    )
    yes = Event("approves", at(3, 15, 5), CLINICIAN, "1 Q4R5", "approval")
    invitation = Event("invitation", at(3, 15, 6), RESPONDER, body)
    return also(good(), invitation, *((asked, yes) if approved else ()))


def test_a_meeting_inside_the_window_that_a_clinician_approved_is_fine() -> None:
    assert broken(evidence(invited(4, 14))) == set()


def test_a_meeting_after_ten_days_is_outside_the_window() -> None:
    assert WINDOWS in broken(evidence(invited(18, 14)))


def test_a_meeting_without_approval_is_named() -> None:
    assert APPROVED in broken(evidence(invited(4, 14, approved=False)))


def test_after_a_death_on_duty_nothing_is_held_before_the_funeral() -> None:
    death = incident(type="LODD", kin_told=at(2, 16).isoformat(), funeral_at=at(6, 15).isoformat())
    assert WINDOWS in broken(evidence(invited(4, 14), death))
    assert WINDOWS not in broken(evidence(invited(11, 14), death))


@pytest.mark.parametrize(
    ("acts", "runs", "promise"),
    [
        ({"true": 98, "false": 2}, None, FLOWS),
        ({"true": 0, "false": 0}, None, FLOWS),
        (None, {"COMPLETED": 201}, RUNS),
        ({"true": 2000, "false": 0}, {"COMPLETED": 401}, RUNS),
        (None, {"COMPLETED": 40, "CRASHED": 1}, RUNS),
    ],
)
def test_the_machinery_has_its_limits(
    acts: dict[str, int] | None, runs: dict[str, int] | None, promise: str
) -> None:
    assert promise in broken(evidence(good(), acts=acts, runs=runs))


def test_a_longer_story_may_have_more_runs() -> None:
    assert RUNS not in broken(evidence(good(), acts={"true": 2000, "false": 0}, runs={"COMPLETED": 400}))


def test_examples_name_nobody() -> None:
    examples = [
        text
        for promise in checker.judge(evidence(without(good(), "f7", "reminder")))
        for text in promise.broken
    ]
    assert examples
    assert not any("+1212" in text or "R1" in text or "Any" in text for text in examples)


def test_the_command_exits_1_when_a_promise_was_broken_and_2_when_used_wrongly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    contents = {
        "export": {"exported_at": "2026-03-01T12:00:00+00:00", "messages": [], "inbound": [], "rejected": []}
    }
    contents["inputs"] = {"roster_csv": "id\n", "incidents": [], "script": [], "acts": {}, "flow_runs": {}}
    for name, content in {**contents, "moves": []}.items():
        files.append(str(tmp_path / f"{name}.json"))
        Path(files[-1]).write_text(json.dumps(content))
    assert checker.main(files) == 1
    assert FLOWS in capsys.readouterr().out
    assert checker.main([]) == 2


def test_the_checker_imports_nothing_of_the_product() -> None:
    folder = Path(demo.checking.__file__).parent
    for path in [*folder.glob("*.py"), Path(checker.__file__)]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] in {"cism", "flows", "notifications"}], (
                path
            )
            assert not [name for name in names if name.startswith("demo.") and ".check" not in name], path
