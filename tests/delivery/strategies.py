"""Traces: any acts in any order, as long as they can happen."""

from __future__ import annotations

from random import Random

from cism.domain.delivery import OutboxState
from tests.delivery.acts import (
    WHO,
    Act,
    Answer,
    Claim,
    Crash,
    Fate,
    Hand,
    Kind,
    Pass,
    Put,
    Record,
    Settle,
    Stop,
    Tell,
)
from tests.delivery.model import Model

STATUSES = (
    ("sent", None),
    ("delivered", None),
    *(("undelivered", c) for c in (None, 30003, 30008, 30410, 30007)),
)
SPANS = (1, 1, 1, 6, 16, 31, 130, 1900)
_FATES = (Fate.TAKES, Fate.TAKES, Fate.TAKES, *Fate)
_GOES_ON, _STOPS = 0.5, 0.3
_CARE_TEXTS = 1  # to each phone: that late ones leave hours apart, and caps, are other tests' matter
LONGEST = 6 * 3600  # the phones are in their open hours


def may_put(model: Model, act: Put) -> bool:
    """Whether this phone is far from its cap."""
    mine = [one for one in model.texts.values() if one.who == act.who and one.kind is Kind.CHECK_IN]
    return act.kind is not Kind.CHECK_IN or sum(one.tried == 1 for one in mine) < _CARE_TEXTS


def trace(seed: int, length: int = 50) -> list[Act]:
    """One trace of the seed; few kinds and phones in each, so that messages meet."""
    chance, model, acts = Random(seed), Model(), []
    kinds, who = chance.sample(list(Kind), 2), chance.sample(WHO, chance.choice((1, 2)))
    while len(acts) < length:
        act = _draw(chance, model, kinds, who)
        if act is not None:
            model.do(act)
            acts.append(act)
    return acts


def _draw(chance: Random, model: Model, kinds: list[Kind], who: list[str]) -> Act | None:
    by = chance.randrange(2)
    hands = model.conductors[by]
    if chance.random() < _GOES_ON:  # most of what is begun is gone on with
        if hands.mine:
            return Hand(by, chance.choice(_FATES), chance.choice((0, 0, 20, 90)))
        if hands.answers:
            return Record(by)
        if any(one.state is OutboxState.PENDING for one in model.texts.values()):
            return Claim(by)
    match chance.choice("ppphcrxtttttsssddddza"):
        case "p":
            lasts = chance.choice((40, 4000, 9000))
            act = Put(chance.choice(kinds), chance.choice(who), chance.choice((0, 0, 5, 60)), lasts)
            return act if may_put(model, act) else None
        case "t":
            status, code = chance.choice(STATUSES)
            return Tell(chance.randrange(len(model.taken)), status, code) if model.taken else None
        case "d":
            seconds = chance.choice(SPANS)
            return Pass(seconds) if model.now + seconds < LONGEST else None
        case "a":
            puts = sum("+" not in name for name in model.texts)
            return Answer(chance.randrange(puts)) if puts else None
        case "z":
            return Stop(chance.choice(who)) if chance.random() < _STOPS else None
        case other:
            return {"h": None, "c": Claim(by), "r": Record(by), "x": Crash(by), "s": Settle()}[other]
