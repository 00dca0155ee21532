"""F1: two hundred activations wait to leave, and three hundred follow-ups beside them, at four rates."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from bench import people, surge
from cism.cli.up import free_port
from cism.clock import wait
from cism.services import engine
from cism.services.delivery import HANDFUL
from cism.store.db import Database
from cism.store.tables import AffectedPerson, Person
from demo.checking.words import Kind
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.faults.load import log, started

_PAGES, _CHECK_INS = 200, 300
_RATES: Final = (None, 100.0, 3.0, 1.0)
_UNLIMITED: Final = 10.0  # seconds for all of them
_OVER: Final = 1.1  # times what the rate allows
_ANSWERS: Final = '{"slow_answer": {"chance": 1, "seconds": 0.02}}'  # as long as a near provider takes
_LOOK_EVERY: Final = 1.0  # seconds: reading all that the wall has costs a processor that the product needs


def handed_over(seed: int, ground: Ground) -> Outcome:
    """From the first page that the provider accepted to the last."""
    rate = _RATES[seed % len(_RATES)]
    url = ground.prepared("sqlite", _make, "surge")
    db = ground.open(url)
    # in a process of its own: what this one does with the evidence is not to slow the provider
    wall, _ = ground.wall_process("--faults", _ANSWERS)
    surge.move(db)
    with db.read() as session:
        waiting = set(session.scalars(select(AffectedPerson.person_id)))
        rows = [(row.roster_id, row.id) for row in session.scalars(select(Person))]
    free = [key for key, who in rows if key[0] == "R" and who not in waiting]
    for key in free[: _PAGES // 2]:
        log(db, key)
    _perform(db)
    limit = {"CISM_SMS_RATE": f"{rate:g}"} if rate else {}
    process = started(ground, f"conductor-{free_port()}", url, wall, **limit)
    within = 60 + (_PAGES / rate if rate else 0) * 1.3

    def pages() -> int:
        wait(_LOOK_EVERY)
        return sum(judge.kind_of(str(one["body"])) is Kind.PAGE for one in wall.texts())

    ground.until(lambda: pages() >= _PAGES, within, "all pages", process)
    texts = judge.texts_of(wall.export(), judge.moves_of(db))
    times = [text.real for text in texts if text.kind is Kind.PAGE]
    took = (max(times) - min(times)).total_seconds()
    ahead = sum(text.kind is Kind.CHECK_IN and text.real < max(times) for text in texts)
    most = _UNLIMITED if rate is None else _OVER * _PAGES / rate
    broken = [f"{took:.1f} s, promised {most:.1f} s"] if took > most else []
    # a fast sender has a handful on the wire at once: the last of one kind and the first of the next overlap
    if ahead > (HANDFUL if rate is None or rate > HANDFUL / 2 else 0):
        broken.append(f"{ahead} follow-ups left before the last activation")
    told = f"{rate:g} a second" if rate else "unlimited"
    return Outcome(
        injected=0,
        sent=len(texts),
        lost=max(0, _PAGES - len(times)),
        doubled=len(judge.doubled(texts)),
        note=f"{told}: {took:.1f} s of at most {most:.1f} s, {ahead} follow-ups before the last",
        broken=tuple(broken),
    )


def _make(db: Database) -> None:
    with db.transaction() as session:
        people.settle_in(session, people.roster_file(_PAGES + 60, _CHECK_INS + _PAGES // 2))
        surge.log_waiting(session, _CHECK_INS)


def _perform(db: Database) -> None:
    """All that is due is planned and written down; nothing has left."""
    while True:
        with db.transaction() as session:
            if not engine.run_due(session).steps:
                return


CASES = (Case("F1", "200 activations beside 300 follow-ups, four rates", handed_over, 4, injects=False),)
