"""`python -m tests.faults [--only F8] [--seeds 0:20] [--again] [--minutes N] [--write]`: the fault campaign.

Without arguments: every case with all of its seeds, going on where it stopped at this revision. Exits 1
when a row fails. Results are kept in `.faults/results.jsonl`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from rich.console import Console

from cism.clock import monotonic
from tests.faults import table
from tests.faults.campaign import ROOT, Case, Ledger, Result, go_on
from tests.faults.catalogue import CASES, chosen
from tests.faults.ground import Stock

DOCUMENT = ROOT / "docs" / "reliability.md"


def main(argv: list[str] | None = None) -> int:
    """Run, print the table, and say whether it holds."""
    given = _arguments().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    talk, out = Console(stderr=True, soft_wrap=True), Console(width=None if sys.stdout.isatty() else 150)
    try:
        cases = [(case, _seeds(given.seeds, case)) for case in chosen(given.only)]
    except LookupError as problem:
        talk.print(f"faults: {problem}", markup=False)
        return 2
    ledger, begun = Ledger(), monotonic()
    if not given.table:
        until = None if given.minutes is None else begun + 60 * given.minutes

        def tell(_case: Case, result: Result) -> None:
            style = "" if result.outcome.kept else "red"
            talk.print(table.line(result), markup=False, highlight=False, style=style)

        with Stock() as stock:
            go_on(cases, stock, ledger, tell, again=given.again, until=until)
    rows = ledger.rows(CASES if given.only is None else [case for case, _ in cases])
    table.show(rows, out)
    out.print(f"{monotonic() - begun:.0f} s this time. {table.where()}", style="dim", markup=False)
    if given.write:
        table.write(rows, DOCUMENT)
    return 0 if rows and all(row.passes for row in rows) else 1


def _seeds(text: str | None, case: Case) -> Sequence[int]:
    """`A:B`, or one number; None: all of the case."""
    if text is None:
        return range(case.seeds)
    first, colon, last = text.partition(":")
    return range(int(first or 0), int(last)) if colon else [int(first)]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", metavar="CASES", help="comma-separated keys, such as F8 or F4-web")
    parser.add_argument("--seeds", metavar="A:B", help="instead of all")
    parser.add_argument("--again", action="store_true", help="also those that have a result at this revision")
    parser.add_argument("--minutes", type=float, help="begin no seed after so many minutes")
    parser.add_argument("--table", action="store_true", help="run nothing, show what there is")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/reliability.md")
    return parser


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)  # an exception, so that everything started is ended on the way out


if __name__ == "__main__":
    sys.exit(main())
