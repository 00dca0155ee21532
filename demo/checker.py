"""`python -m demo.checker EXPORT.json INPUTS.json CLOCK_MOVES.json`: were the promises kept?

Reads the phone wall's export, the input files and the table of clock moves, and nothing of the product's
own records. Exits 1 when anything was broken.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.checking import conduct, follow_ups, scenarios, sessions, team
from demo.checking.escalations import Chain, chains_of
from demo.checking.evidence import Evidence, load
from demo.checking.findings import Aliases, Promise

MOST_RUNS = 200
# A run is for a batch. An open one lives 25 s at most, so a long story on a slow machine has more of them.
LEAST_ACTS_A_RUN = 5
LEAST_ORCHESTRATED = 0.99
_SHOWN = 3


def judge(evidence: Evidence) -> list[Promise]:
    """Every promise, in the order in which they are told."""
    names = Aliases()
    chains = chains_of(evidence)
    people = conduct.judge(evidence, names)
    asked = team.judge(evidence)
    later = follow_ups.judge(evidence, chains, names)
    groups = sessions.judge(evidence, names)
    return [
        asked.paged,
        asked.acknowledged,
        asked.complete,
        people.confirmed,
        later.in_time,
        later.after,
        later.doubled,
        people.once,
        later.early,
        people.hours,
        people.stop,
        people.never,
        people.answered,
        *_escalations(chains),
        groups.windows,
        groups.approved,
        people.words,
        people.arrived,
        *scenarios.judge(evidence),
        *_machinery(evidence),
    ]


def _escalations(chains: list[Chain]) -> list[Promise]:
    asked = Promise("whoever needs a human: a helper asked at once")
    again = Promise("asked again at each deadline until a human took it")
    ended = Promise("ended by a human with an outcome")
    for chain in chains:
        when = f"{chain.level} of {chain.opened:%a %d %b %H:%M}Z"
        asked.look(bool(chain.asks), f"{when}: nobody was asked")
        again.look(not chain.problems, f"{when}: {'; '.join(chain.problems[:1])}")
        if chain.due is None or chain.closed is not None:
            ended.look(chain.closed is not None, f"{when}: still open")
    return [asked, again, ended]


def _machinery(evidence: Evidence) -> list[Promise]:
    orchestrated = Promise(f"at least {LEAST_ORCHESTRATED:.0%} of acts through Prefect flows")
    done, bare = evidence.acts.get("true", 0), evidence.acts.get("false", 0)
    share = done / (done + bare) if done + bare else 0.0
    orchestrated.look(share >= LEAST_ORCHESTRATED, f"{share:.2%} of {done + bare} acts")
    few = Promise(f"at most {MOST_RUNS} flow runs, or one for {LEAST_ACTS_A_RUN} acts; none failed")
    most = max(MOST_RUNS, (done + bare) // LEAST_ACTS_A_RUN)
    total = sum(evidence.runs.values())
    bad = sum(evidence.runs.get(state, 0) for state in ("FAILED", "CRASHED"))
    few.look(0 < total <= most and not bad, f"{total} runs, {bad} of them failed or crashed")
    return [orchestrated, few]


def table_of(promises: list[Promise]) -> Table:
    """Promise, checked, kept, broken."""
    table = Table(title="Promises, read from the phone wall", title_justify="left")
    table.add_column("promise")
    for column in ("checked", "kept", "broken"):
        table.add_column(column, justify="right")
    for promise in promises:
        style = "bold red" if promise.broken else ""
        cells = (str(promise.checked), str(promise.kept), str(len(promise.broken)))
        table.add_row(promise.name, *cells, style=style)
    return table


def main(argv: list[str]) -> int:
    """Judge three files; 0 when every promise was kept, 1 when not, 2 for wrong usage."""
    if len(argv) != 3:
        sys.stderr.write("usage: python -m demo.checker EXPORT.json INPUTS.json CLOCK_MOVES.json\n")
        return 2
    promises = judge(load(*(Path(name) for name in argv)))
    console = Console(soft_wrap=not sys.stdout.isatty())
    console.print(table_of(promises))
    broken = [promise for promise in promises if promise.broken]
    for promise in broken:
        console.print(f"[bold red]Broken:[/] {promise.name}", highlight=False)
        for example in promise.broken[:_SHOWN]:
            console.print(f"  {example}", highlight=False, markup=False)
    total = sum(promise.checked for promise in promises)
    failed = sum(len(promise.broken) for promise in promises)
    console.print(f"{total} checks, {total - failed} kept, {failed} broken.", highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
