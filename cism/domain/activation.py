"""Asking a team together: batches with a deadline, until the places are taken or nobody is left to ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class AskingPolicy(Protocol):
    """The numbers of asking; a protocol's `activation` section has them.

    `ask_extra`: how many more than needed are asked at a time; `answer_within`: time to answer; `max_rounds`:
    how many times the silent are replaced; `then`: who is called when nobody is left, in this order.
    """

    @property
    def ask_extra(self) -> int: ...
    @property
    def answer_within(self) -> timedelta: ...
    @property
    def max_rounds(self) -> int: ...
    @property
    def then(self) -> Sequence[str]: ...


class Answer(StrEnum):
    """Where a helper's page stands; the same words as the state of an assignment."""

    ASKED = "asked"  # has a page, nothing promised
    ACCEPTED = "accepted"  # serves
    DECLINED = "declined"  # said no
    SILENT = "silent"  # did not answer in time, or the page did not arrive; may still say yes
    COVERED = "covered"  # was told that others were first
    HANDED_BACK = "handed_back"  # gave it back
    REVOKED = "revoked"  # became affected, or a rule came to forbid it
    STOOD_DOWN = "stood_down"  # not needed any more


_OPEN = (Answer.ASKED, Answer.SILENT)


class Verdict(StrEnum):
    """What becomes of an acceptance."""

    ACCEPT = "accept"  # has the place
    COVERED = "covered"  # the places are taken, or the question is closed: told so, nothing changes
    ALREADY = "already"  # said yes before: nothing changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One helper who was asked in this incident."""

    peer_id: str
    asked_at: datetime
    answer: Answer = Answer.ASKED
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan:
    """What to do now.

    `ask`: page these, in this order, as part of `round`, with `deadline` to answer; `silent`: their time is
    over; `tell_covered`: the surplus, once the team is complete; `look_again_at`: plan again then (and at
    every answer); `short`: the team cannot become complete with those who have a page; `exhausted`: nobody
    has a page and nobody is left to ask at this hour, so `then` are called.
    """

    ask: tuple[str, ...] = ()
    round: int = 0
    deadline: datetime | None = None
    look_again_at: datetime | None = None
    silent: tuple[str, ...] = ()
    tell_covered: tuple[str, ...] = ()
    complete: bool = False
    short: bool = False
    exhausted: bool = False
    then: tuple[str, ...] = ()


def decide_accept(need: int, accepted_count: int, answer: Answer = Answer.ASKED) -> Verdict:
    """Give the place or say that it is taken.

    Call it in the transaction that counted: two at the same moment never overfill. `answer` is where the
    helper's own page stands; one that was answered, covered or taken back is closed.
    """
    if answer is Answer.ACCEPTED:
        return Verdict.ALREADY
    if answer in _OPEN and accepted_count < need:
        return Verdict.ACCEPT
    return Verdict.COVERED


def plan_round(
    need: int,
    asked: Sequence[Asked],
    candidates: Sequence[str],
    policy: AskingPolicy,
    now: datetime,
    *,
    mutual_aid: Sequence[str] = (),
    next_up: datetime | None = None,
) -> RoundPlan:
    """Say whom to ask now. Planning twice at the same moment, with the first plan written down, adds nothing.

    Who declined is replaced at once, who is silent at the deadline. Mutual aid is asked only for places that
    the own helpers cannot fill, and never as the surplus beside them. `next_up`: when the first of those is
    up whom nothing keeps out but their sleep. Nobody waits for them in silence, but then they are asked.
    """
    missing = need - sum(one.answer is Answer.ACCEPTED for one in asked)
    if missing <= 0:
        return RoundPlan(complete=True, tell_covered=_ids(one for one in asked if one.answer in _OPEN))
    pages = [one for one in asked if one.answer is Answer.ASKED]
    waiting = [one for one in pages if now < one.asked_at + policy.answer_within]
    round_now = _round(asked, policy, now)
    ask: tuple[str, ...] = ()
    if round_now < policy.max_rounds:
        ask = _next(missing, len(waiting), {one.peer_id for one in asked}, candidates, mutual_aid, policy)
    deadline = now + policy.answer_within if ask else None
    ends = [one.asked_at + policy.answer_within for one in waiting] + ([deadline] if deadline else [])
    exhausted = not ends
    if exhausted and next_up is not None and round_now < policy.max_rounds:
        ends = [next_up]
    return RoundPlan(
        ask=ask,
        round=round_now,
        deadline=deadline,
        look_again_at=min(ends, default=None),
        silent=_ids(one for one in pages if one not in waiting),
        short=len(waiting) + len(ask) < missing,
        exhausted=exhausted,
        then=tuple(policy.then) if exhausted else (),
    )


def _ids(asked: Iterable[Asked]) -> tuple[str, ...]:
    return tuple(one.peer_id for one in asked)


def _round(asked: Sequence[Asked], policy: AskingPolicy, now: datetime) -> int:
    """The number of this round: one more than the last whose time is over. An outage uses up no round."""
    over = [one.round for one in asked if one.asked_at + policy.answer_within <= now]
    return max(over, default=-1) + 1


def _next(
    missing: int,
    waiting: int,
    met: Collection[str],
    candidates: Sequence[str],
    mutual_aid: Sequence[str],
    policy: AskingPolicy,
) -> tuple[str, ...]:
    own = [peer for peer in dict.fromkeys(candidates) if peer not in met]
    ask = own[: max(0, missing + policy.ask_extra - waiting)]
    surplus = 0 if waiting or ask else policy.ask_extra
    others = [peer for peer in dict.fromkeys(mutual_aid) if peer not in met and peer not in ask]
    return tuple(ask + others[: max(0, missing + surplus - waiting - len(ask))])
