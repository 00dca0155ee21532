"""`python -m demo`: an installation, a quarter of a year and an anniversary, and a verdict from outside."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from cism.data import sample
from demo import scenarios
from demo.clock import DemoClock
from demo.incidents import Story, real_entries
from demo.installation import ROOT, DemoError, Installation
from demo.play import Play
from demo.screen import Screen
from demo.wall import WallClient

BREAKS = ("lost", "double", "early", "quiet", "unacked")
START = date(2026, 9, 28)  # a Monday; later clocks go back and forward
SETTING_UP = timedelta(hours=20)  # before the first day: phones are confirmed in everybody's open hours
AFTER_ANNIVERSARY = timedelta(days=410)  # the last scenario begins five weeks in
SHORT = timedelta(days=9)
EVIDENCE = ROOT / ".demo"  # stays, so that anybody can judge again: python -m demo.checker .demo/*.json


def main() -> int:
    """0 when every promise was kept, 1 when one was broken, 2 when the story could not be played."""
    broken = os.environ.get("BREAK") or None
    keep = os.environ.get("KEEP") == "1"
    if broken is not None and broken not in BREAKS:
        sys.stderr.write(f"BREAK={broken} is unknown; write one of {', '.join(BREAKS)}\n")
        return 2
    begun = time.monotonic()
    # SIGTERM ends the demonstration as Ctrl-C does: nothing that it started stays behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Installation(broken=broken) as installation:
            return _play(installation, broken, keep=keep, begun=begun)
    except DemoError as error:
        sys.stderr.write(f"the demonstration stopped: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _play(installation: Installation, broken: str | None, *, keep: bool, begun: float) -> int:
    roster = sample("sample_roster.csv")
    found = real_entries(START, roster, short=broken is not None)
    if broken is None:
        found += scenarios.entries()
        roster += scenarios.roster_rows()
    story = Story(START, sorted(found, key=lambda entry: entry.logged_at))
    screen = Screen(roster)
    _introduce(screen, story, broken)
    morning = datetime.combine(START, datetime.min.time(), tzinfo=UTC)
    _set_up(installation, screen, roster, morning - SETTING_UP)
    clock, wall = DemoClock(installation.settings), WallClient(installation.wall_url)
    try:
        play = Play(installation, clock, wall, screen, story, _phones(roster), _coordinators(roster))
        play.tokens = _tokens(installation, story)
        play.acts_before = installation.metrics()
        play.prepare()
        end = morning + (SHORT if broken else AFTER_ANNIVERSARY)
        _drive(play, end)
        verdict = _judge(installation, play, roster, begun)
        if keep:
            _keep(installation, screen)
        return verdict
    finally:
        clock.close()
        wall.close()


def _introduce(screen: Screen, story: Story, broken: str | None) -> None:
    screen.head("Real incidents, invented people, no real phone")
    screen.note("Rows of two public data sets (FiveThirtyEight with ODMP and The Guardian, CC BY 4.0; see")
    screen.note("cism/data/ATTRIBUTION.md), moved to the autumn of 2026 by this rule, and beside them three")
    screen.note("worked scenarios of the practice (demo/scenarios.py):")
    screen.note(story.rule)
    if broken:
        screen.note(f"\nBREAK={broken}: the product is broken on purpose, and the checker must notice.")


def _set_up(installation: Installation, screen: Screen, roster: str, begin: datetime) -> None:
    screen.head("Setting up")
    installation.cism("db", "upgrade")
    installation.cism("clock", "set", begin.isoformat())
    installation.start()
    path = installation.home / "roster.csv"
    path.write_text(roster, encoding="utf-8")
    report = installation.cism("roster", "import", str(path), "--json")
    for agency in sorted(scenarios.AID.keys() & set(report["agencies_made"])):
        helpers = [word for helper in scenarios.AID[agency] for word in ("--mutual-aid", helper)]
        installation.cism("agency", "set", agency, *helpers)
    screen.note(f"{report['added']} people of {len(report['agencies_made'])} agencies are on the roster")
    installation.await_prefect()
    planned = installation.cism("roster", "confirm", "--json")["planned"]
    screen.note(f"{planned} phones will be asked whether they are theirs, each in its owner's open hours")
    screen.note(f"pages {installation.url}, phones {installation.wall_url}")
    screen.head("The story")


def _tokens(installation: Installation, story: Story) -> dict[str, str]:
    """A coordinator's token for each agency that logs."""
    found = {}
    for agency in sorted({incident.agency for incident in story.entries}):
        made = installation.cism("token", "create", "--role", "coordinator", "--agency", agency, "--json")
        found[agency] = made["token"]
    return found


def _coordinators(roster: str) -> frozenset[str]:
    rows = csv.DictReader(StringIO(roster))
    return frozenset(f"{row['agency']}:{row['id']}" for row in rows if "coordinator" in row["roles"])


def _phones(roster: str) -> dict[str, str]:
    return {f"{row['agency']}:{row['id']}": row["phone"] for row in csv.DictReader(StringIO(roster))}


def _drive(play: Play, end: datetime) -> None:
    begin, shown = play.clock.now(), 0

    def tell(now: datetime) -> None:
        nonlocal shown
        day = (now - begin).days
        if day >= shown + 10 or (day != shown and day < 20):
            shown = day
            play.screen.head(f"Day {day} of {(end - begin).days}")

    play.until(end, tell)


def _judge(installation: Installation, play: Play, roster: str, begun: float) -> int:
    play.clock.settle()
    export = play.wall.export()
    # what was done while Prefect still started is no part of the promise
    acts = {label: count - play.acts_before.get(label, 0) for label, count in installation.metrics().items()}
    runs = installation.flow_runs()
    planned = runs.pop("SCHEDULED", 0)
    inputs: dict[str, Any] = {
        "roster_csv": roster,
        "incidents": play.inputs,
        "script": play.script,
        "acts": acts,
        "flow_runs": runs,
    }
    shutil.rmtree(EVIDENCE, ignore_errors=True)
    shutil.copytree(installation.home / "logs", EVIDENCE / "logs")
    files = _write(
        EVIDENCE,
        {"export": export, "inputs": inputs, "clock_moves": play.clock.moves()},
    )
    _summarise(play, export, acts, runs, planned, begun)
    # a process of its own: nothing of what was played is in its memory
    command = [sys.executable, "-m", "demo.checker", *map(str, files)]
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own module


def _write(folder: Path, contents: dict[str, Any]) -> list[Path]:
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return [folder / f"{name}.json" for name in contents]


def _summarise(
    play: Play, export: dict[str, Any], acts: dict[str, int], runs: dict[str, int], planned: int, begun: float
) -> None:
    counts = play.screen.counts
    states = ", ".join(f"{count} {state.lower()}" for state, count in sorted(runs.items()))
    rows = [
        ("incidents logged", str(len(play.inputs))),
        ("texts sent", str(len(export["messages"]))),
        ("texts received", str(len(export["inbound"]))),
        ("pages", str(counts["page"])),
        ("check-ins and reminders", f"{counts['check-in']} and {counts['reminder']}"),
        ("people asked to take somebody on", str(counts["escalation"] + counts["welfare"])),
        ("acts", f"{acts.get('true', 0)} through flows, {acts.get('false', 0)} without"),
        ("Prefect flow runs", f"{sum(runs.values())} ({states}); {planned} planned ahead"),
        ("moves of the clock", str(play.clock.stops)),
        ("real time", f"{time.monotonic() - begun:.0f} s"),
    ]
    play.screen.summary(rows)


def _keep(installation: Installation, screen: Screen) -> None:
    screen.head("Still running: Ctrl-C stops it")
    screen.note(f"pages {installation.url}, phones {installation.wall_url}")
    try:
        signal.pause()
    except KeyboardInterrupt:
        screen.note("stopping")
