"""What a case is, what became of a seed, when a row of the table passes, and how a campaign goes on."""

from __future__ import annotations

import json
import os
import subprocess
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cism.clock import RealClock, monotonic

if TYPE_CHECKING:
    from tests.faults.ground import Ground, Stock

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / ".faults" / "results.jsonl"
_COUNTS = ("injected", "sent", "lost", "doubled", "early", "late", "unknown")


@dataclass(frozen=True)
class Outcome:
    """One seed, as seen from outside.

    `injected` is counted by the wall's own log and the kill log. `lost`: a message that the input requires,
    that no phone got, and that no human item stands for. `doubled`: one person got the same question's or
    step's text twice. `early`: before its due moment. `late`: after it by more than the case allows (`note`
    says how much).
    `unknown`: flagged as such, in the hands of a human. `broken`: any other promise, in a sentence each.
    """

    injected: int
    sent: int = 0
    lost: int = 0
    doubled: int = 0
    early: int = 0
    late: int = 0
    unknown: int = 0
    note: str = ""
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether every promise was kept; whether anything was injected is judged for the whole row."""
        return not (self.lost or self.doubled or self.early or self.broken)


@dataclass(frozen=True)
class Case:
    """A family of faults. `seeds`: how many in the whole campaign; `short`: those of `make test`.

    `injects`: False only for pure loads. `at_once`: how many seeds may run beside each other, where most of
    their time is waiting. A key may have a part after a dash: `F4-web` belongs to F4.
    """

    key: str
    title: str
    run: Callable[[int, Ground], Outcome]
    seeds: int
    short: tuple[int, ...] = ()
    injects: bool = True
    at_once: int = 1


@dataclass(frozen=True)
class Result:
    """A line of the results file."""

    case: str
    seed: int
    revision: str
    seconds: float
    load: float
    at: str
    outcome: Outcome


@dataclass(frozen=True)
class Row:
    """A line of the table: all seeds of a case at one revision."""

    case: str
    title: str
    injects: bool
    results: tuple[Result, ...]

    def total(self, name: str) -> int:
        """The sum of one count over all seeds."""
        return sum(int(getattr(result.outcome, name)) for result in self.results)

    @property
    def seconds(self) -> float:
        """How long the seeds took, added up."""
        return sum(result.seconds for result in self.results)

    @property
    def failures(self) -> list[str]:
        """Why this row does not pass, a sentence a seed."""
        found = [f"seed {one.seed}: {why}" for one in self.results for why in _why(one.outcome)]
        if self.injects and self.results and not self.total("injected"):
            found.append("nothing was injected: this case has shown nothing")
        return found

    @property
    def passes(self) -> bool:
        """Nothing lost, doubled or early, nothing else broken, and something was injected."""
        return bool(self.results) and not self.failures


def _why(outcome: Outcome) -> Iterator[str]:
    for name in ("lost", "doubled", "early"):
        if getattr(outcome, name):
            note = f" ({outcome.note})" if outcome.note else ""
            yield f"{getattr(outcome, name)} {name}{note}"
    yield from outcome.broken


class Ledger:
    """The results so far: one JSON line a seed, appended to, so that a campaign that was stopped goes on."""

    def __init__(self, path: Path = RESULTS) -> None:
        self.path = path

    def add(self, result: Result) -> None:
        """Write one down at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def all(self) -> list[Result]:
        """Everything that was ever written; of one seed at one revision the last counts."""
        if not self.path.exists():
            return []
        found = [_read(json.loads(line)) for line in self.path.read_text().splitlines() if line.strip()]
        return list({(one.case, one.seed, one.revision): one for one in found}.values())

    def done(self, revision: str) -> set[tuple[str, int]]:
        """Seeds that have a result at this revision."""
        return {(one.case, one.seed) for one in self.all() if one.revision == revision}

    def rows(self, cases: Iterable[Case]) -> list[Row]:
        """A row for each case that has results: those of the revision at which it ran last."""
        results = self.all()
        found = []
        for case in cases:
            mine = [one for one in results if one.case == case.key]
            newest = max(mine, key=lambda one: one.at, default=None)
            if newest is not None:
                kept = sorted((r for r in mine if r.revision == newest.revision), key=lambda r: r.seed)
                found.append(Row(case.key, case.title, case.injects, tuple(kept)))
        return found


def _read(line: dict[str, Any]) -> Result:
    told = line["outcome"]
    outcome = Outcome(**{**told, "broken": tuple(told["broken"])})
    return Result(**{**line, "outcome": outcome})


def perform(case: Case, seed: int, stock: Stock) -> Outcome:
    """One seed on a ground of its own. What breaks off counts as broken, with the place where it did."""
    try:
        with stock.ground(f"{case.key}-{seed}") as ground:
            return case.run(seed, ground)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a test's own way to fail among them, which is no Exception
        frames = traceback.extract_tb(error.__traceback__)
        place = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))
        return Outcome(0, broken=(f"broke off: {type(error).__name__}: {str(error)[:600]} ({place})",))


def go_on(
    cases: Sequence[tuple[Case, Sequence[int]]],
    stock: Stock,
    ledger: Ledger,
    tell: Callable[[Case, Result], None],
    *,
    again: bool = False,
    until: float | None = None,
) -> None:
    """Run what has no result at this revision yet, case after case; begin none after `until` (monotonic)."""
    now = revision()
    done = set() if again else ledger.done(now)
    for case, seeds in cases:
        left = [seed for seed in seeds if (case.key, seed) not in done]

        def one(seed: int, case: Case = case) -> Result | None:
            if until is not None and monotonic() > until:
                return None
            begun = monotonic()
            outcome = perform(case, seed, stock)
            return Result(case.key, seed, now, round(monotonic() - begun, 2), _load(), _now(), outcome)

        with ThreadPoolExecutor(max_workers=case.at_once, thread_name_prefix="seed") as pool:
            try:
                for under_way in as_completed([pool.submit(one, seed) for seed in left]):
                    result = under_way.result()
                    if result is not None:
                        ledger.add(result)
                        tell(case, result)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def revision() -> str:
    """The commit that is tested; a `+` where files were changed since."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git(
            "status", "--porcelain", "--untracked-files=no", "--", "cism", "flows", "notifications"
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def added(outcomes: Iterable[Outcome]) -> Outcome:
    """Several outcomes as one."""
    found = list(outcomes)
    sums = {name: sum(getattr(one, name) for one in found) for name in _COUNTS}
    notes = "; ".join(one.note for one in found if one.note)
    return replace(Outcome(**sums), note=notes, broken=tuple(why for one in found for why in one.broken))


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _now() -> str:
    return RealClock().now().isoformat(timespec="microseconds")


def _load() -> float:
    return round(os.getloadavg()[0], 1)
