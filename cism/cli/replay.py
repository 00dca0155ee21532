"""`cism incidents replay`: real incidents through the engine in virtual time, and whom it forgets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated, Any

import typer

from cism.cli import reading, show
from cism.cli.incidents import listing
from cism.cli.show import AsJson
from cism.errors import CismError
from cism.services import replay as replays
from cism.services.replay import Part, Replayed
from cism.services.replay_kept import Kept

_SHOWN_VIOLATIONS = 20
_COLUMNS = {
    "file": "File",
    "rows": "Rows",
    "imported": "Imported",
    "not_critical": "Not critical",
    "refused": "Refused",
    "responses": "Responses",
    "people": "People exposed",
    "answers": "Answers",
    "escalations": "Escalations",
    "texts": "Texts",
    "checked": "Ledger lines read",
    "violations": "Violations",
}


@listing.command("replay")
def replay(
    files: Annotated[list[Path], typer.Argument(help="CSV files in known formats.")],
    sample: Annotated[int | None, typer.Option(min=1, help="So many critical rows of each file.")] = None,
    seed: Annotated[int, typer.Option(help="People exposed and answers are drawn from it.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once.")] = os.cpu_count() or 1,
    kept: Annotated[
        Path | None, typer.Option(help="Keeps what each part counted; a part in it is not played again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play real incidents in virtual time with invented people; 1 where the ledger ever failed.

    Nothing is kept and nobody is texted. The same files and the same seed play alike every time.
    """
    began = time.perf_counter()
    found, work = {}, []
    for file in files:
        found[file.name], parts = replays.parts_of(reading.file(file), seed=seed, sample=sample)
        work += [(file.name, part) for part in parts]
    counted = _counted([part for _, part in work], jobs, Kept(kept))
    for (name, _), done in zip(work, counted, strict=True):
        found[name].add(done)
    seconds = time.perf_counter() - began
    if as_json:
        show.data({"seconds": round(seconds, 1), "files": [_row(name, one) for name, one in found.items()]})
    else:
        _show(found, seconds)
    bad = [text for one in found.values() for text in one.violations]
    if bad:
        message = f"the ledger failed {len(bad)} times. First: {bad[0]}"
        raise CismError(message)


def _counted(parts: Sequence[Part], jobs: int, kept: Kept) -> list[Replayed]:
    """What each part counted, in their order."""
    found = [kept.of(part) for part in parts]
    left = [number for number, known in enumerate(found) if known is None]
    with show.progress("replaying") as bar:
        bar.update(bar.task_ids[0], total=len(parts), completed=len(parts) - len(left))
        for place, done in _played([parts[number] for number in left], jobs):
            found[left[place]] = done
            kept.add(parts[left[place]], done)
            bar.advance(bar.task_ids[0])
    return [one for one in found if one is not None]


def _played(parts: Sequence[Part], jobs: int) -> Iterator[tuple[int, Replayed]]:
    """Each as it is done, with its place; in a process of its own where more than one may run."""
    if jobs == 1:
        yield from ((place, replays.play(part)) for place, part in enumerate(parts))
        return
    with ProcessPoolExecutor(jobs) as pool:
        playing = {pool.submit(replays.play, part): place for place, part in enumerate(parts)}
        for done in as_completed(playing):
            yield playing[done], done.result()


def _row(name: str, one: Replayed) -> dict[str, Any]:
    return {
        "file": name,
        "rows": one.rows,
        "imported": one.outcomes["imported"],
        "not_critical": one.outcomes["not critical"],
        "refused": one.outcomes["refused"],
        "responses": one.responses,
        "people": one.people,
        "answers": one.answers,
        "escalations": one.escalations,
        "texts": sum(one.texts.values()),
        "texts_by_kind": dict(one.texts.most_common()),
        "steps": one.steps,
        "checked": one.looked_at,
        "violations": len(one.violations),
    }


def _show(found: dict[str, Replayed], seconds: float) -> None:
    show.table("Replayed", _COLUMNS, [_row(name, one) for name, one in found.items()], "nothing to replay")
    total = Replayed()
    for one in found.values():
        total.add(one)
    kinds = [{"kind": kind, "count": count} for kind, count in total.texts.most_common()]
    show.table("Texts by kind", {"kind": "Kind", "count": "Texts"}, kinds, "no texts")
    for text in total.violations[:_SHOWN_VIOLATIONS]:
        show.line(text)
    show.line(
        f"{total.responses} responses, {total.people} people, {total.steps} steps; the ledger was read "
        f"{total.looked_at} times and failed {len(total.violations)} times; {seconds:.1f} s"
    )
