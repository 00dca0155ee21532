"""Asking a team together: rounds, deadlines, replacements, and never one too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.activation import Answer, Asked, RoundPlan, Verdict, decide_accept, plan_round
from cism.domain.protocol import load_protocol

NOW = datetime(2026, 10, 7, 3, 0, tzinfo=UTC)
TEN = timedelta(minutes=10)


@dataclass(frozen=True)
class Policy:
    """The numbers of asking."""

    ask_extra: int = 1
    answer_within: timedelta = TEN
    max_rounds: int = 6
    then: tuple[str, ...] = ("coordinator", "clinician")


def asked(peer_id: str, answer: Answer = Answer.ASKED, minutes: float = 0, round_: int = 0) -> Asked:
    """Somebody asked so many minutes ago."""
    return Asked(peer_id=peer_id, asked_at=NOW - timedelta(minutes=minutes), answer=answer, round=round_)


def plan(
    need: int, met: Sequence[Asked], candidates: str, mutual_aid: str = "", max_rounds: int = 6
) -> RoundPlan:
    """A plan now, with candidates named by letters."""
    return plan_round(
        need, met, list(candidates), Policy(max_rounds=max_rounds), NOW, mutual_aid=list(mutual_aid)
    )


def test_the_first_round_asks_the_best_and_one_more_with_ten_minutes_to_answer() -> None:
    first = plan(2, [], "abcde")
    assert first == RoundPlan(ask=("a", "b", "c"), round=0, deadline=NOW + TEN, look_again_at=NOW + TEN)


def test_planning_again_at_the_same_moment_adds_nothing() -> None:
    again = plan(2, [asked("a"), asked("b"), asked("c")], "abcde")
    assert (again.ask, again.deadline, again.look_again_at) == ((), None, NOW + TEN)
    assert (again.complete, again.short, again.exhausted) == (False, False, False)


def test_who_declines_is_replaced_at_once_in_the_same_round() -> None:
    met = [asked("a", Answer.DECLINED, 3), asked("b", minutes=3), asked("c", minutes=3)]
    now = plan(2, met, "abcde")
    assert (now.ask, now.round, now.deadline) == (("d",), 0, NOW + TEN)
    assert now.look_again_at == NOW + timedelta(minutes=7)


@pytest.mark.parametrize("answer", [Answer.HANDED_BACK, Answer.REVOKED, Answer.SILENT])
def test_a_place_given_back_taken_back_or_never_reached_is_asked_for_at_once(answer: Answer) -> None:
    met = [asked("a", answer, 3), asked("b", Answer.ACCEPTED, 3), asked("c", Answer.COVERED, 3)]
    assert plan(2, met, "abcde").ask == ("d", "e")


def test_the_silent_are_replaced_at_the_deadline_and_not_a_second_before() -> None:
    met = [asked("a", minutes=10), asked("b", Answer.ACCEPTED, 10)]
    at_deadline = plan(2, met, "abcde")
    assert (at_deadline.silent, at_deadline.ask, at_deadline.round) == (("a",), ("c", "d"), 1)
    before = plan_round(2, met, list("abcde"), Policy(), NOW - timedelta(seconds=1))
    assert (before.silent, before.ask, before.round) == ((), ("c",), 0)


def test_a_complete_team_stops_asking_and_tells_the_surplus_and_nobody_else() -> None:
    met = [
        asked("a", Answer.ACCEPTED),
        asked("b", Answer.DECLINED),
        asked("c"),
        asked("d", Answer.SILENT, 20),
        asked("e", Answer.COVERED),
        asked("f", Answer.ACCEPTED),
        asked("g", Answer.REVOKED),
    ]
    assert plan(2, met, "xyz") == RoundPlan(complete=True, tell_covered=("c", "d"))


def test_a_need_of_nobody_is_complete() -> None:
    assert plan(0, [], "a").complete


def test_a_graver_incident_reopens_the_asking() -> None:
    met = [asked("a", Answer.ACCEPTED), asked("b", Answer.COVERED)]
    assert plan(1, met, "abcd").complete
    assert plan(2, met, "abcd").ask == ("c", "d")


def test_with_nobody_to_ask_the_coordinator_and_the_clinician_are_called_at_once() -> None:
    nobody = plan(1, [], "")
    assert (nobody.exhausted, nobody.short, nobody.then) == (True, True, ("coordinator", "clinician"))
    assert nobody.look_again_at is None


def test_who_sleeps_through_a_lesser_incident_is_asked_when_up_and_those_in_charge_meanwhile() -> None:
    morning = NOW + timedelta(hours=5)
    policy = Policy(max_rounds=2)
    night = plan_round(1, [], [], policy, NOW, next_up=morning)
    assert (night.exhausted, night.look_again_at) == (True, morning)
    waiting = plan_round(1, [asked("a")], [], policy, NOW, next_up=morning)
    assert (waiting.exhausted, waiting.look_again_at) == (False, NOW + TEN)
    last = plan_round(1, [asked("a", minutes=10, round_=1)], [], policy, NOW, next_up=morning)
    assert (last.exhausted, last.look_again_at) == (True, None)


def test_a_team_that_cannot_fill_is_short_while_somebody_may_still_accept_and_exhausted_afterwards() -> None:
    still = plan(2, [asked("a"), asked("b", Answer.DECLINED)], "ab")
    assert (still.short, still.exhausted, still.then) == (True, False, ())
    after = plan(2, [asked("a", minutes=10), asked("b", Answer.DECLINED)], "ab")
    assert (after.short, after.exhausted, after.silent) == (True, True, ("a",))


def test_after_the_last_round_nobody_more_is_asked() -> None:
    met = [asked("a", Answer.SILENT, 10, round_=1)]
    assert plan(1, met, "abc", max_rounds=3).ask == ("b", "c")
    assert plan(1, met, "abc", max_rounds=2).exhausted


def test_an_outage_uses_up_no_round() -> None:
    assert plan(1, [asked("a", minutes=600)], "abc", max_rounds=2).ask == ("b", "c")


def test_mutual_aid_fills_only_the_places_that_the_own_cannot() -> None:
    assert plan(2, [], "a", "xyz").ask == ("a", "x")
    assert plan(2, [], "ab", "xyz").ask == ("a", "b")
    assert plan(2, [], "", "xyz").ask == ("x", "y", "z")
    assert plan(2, [asked("x"), asked("y"), asked("z")], "", "xyzw").ask == ()
    assert plan(2, [asked("x"), asked("y", Answer.DECLINED)], "", "xyzw").ask == ("z",)


def test_a_name_given_twice_is_asked_once() -> None:
    assert plan(2, [], "aab", "bx").ask == ("a", "b")


@pytest.mark.parametrize(
    ("need", "accepted", "answer", "verdict"),
    [
        (2, 0, Answer.ASKED, Verdict.ACCEPT),
        (2, 1, Answer.SILENT, Verdict.ACCEPT),
        (2, 2, Answer.ASKED, Verdict.COVERED),
        (0, 0, Answer.ASKED, Verdict.COVERED),
        (2, 1, Answer.ACCEPTED, Verdict.ALREADY),
        (2, 2, Answer.ACCEPTED, Verdict.ALREADY),
        (2, 0, Answer.COVERED, Verdict.COVERED),
        (2, 0, Answer.DECLINED, Verdict.COVERED),
        (2, 0, Answer.HANDED_BACK, Verdict.COVERED),
        (2, 0, Answer.REVOKED, Verdict.COVERED),
        (2, 0, Answer.STOOD_DOWN, Verdict.COVERED),
    ],
)
def test_a_place_goes_to_an_open_page_while_there_is_one(
    need: int, accepted: int, answer: Answer, verdict: Verdict
) -> None:
    assert decide_accept(need, accepted, answer) is verdict


def test_the_default_protocol_can_be_asked_by() -> None:
    rule = load_protocol("sfa-follow-up").activation
    first = plan_round(2, [], list("abcdef"), rule, NOW)
    assert len(first.ask) == 2 + rule.ask_extra
    assert first.deadline == NOW + rule.answer_within


@dataclass
class Story:
    """A team being asked, by somebody who writes down what the plans say and what the phones do."""

    need: int
    own: list[str]
    aid: list[str]
    policy: Policy
    now: datetime = NOW
    rows: dict[str, Asked] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    answered_late: list[str] = field(default_factory=list)
    called: int = 0

    def count(self, *answers: Answer) -> int:
        return sum(row.answer in answers for row in self.rows.values())

    def set(self, peer_id: str, answer: Answer) -> None:
        self.rows[peer_id] = replace(self.rows[peer_id], answer=answer)

    def look(self) -> RoundPlan:
        now = plan_round(
            self.need, list(self.rows.values()), self.own, self.policy, self.now, mutual_aid=self.aid
        )
        for peer_id in now.ask:
            assert peer_id not in self.rows, "asked twice"
            self.rows[peer_id] = Asked(peer_id=peer_id, asked_at=self.now, round=now.round)
        for peer_id in now.silent:
            self.set(peer_id, Answer.SILENT)
        for peer_id in now.tell_covered:
            assert peer_id not in self.told, "told twice"
            self.told.append(peer_id)
            self.set(peer_id, Answer.COVERED)
        assert now.round < self.policy.max_rounds or not now.ask
        assert not (now.complete and (now.ask or now.exhausted or now.short))
        assert now.complete or now.exhausted or now.look_again_at is not None
        assert now.look_again_at is None or now.look_again_at > self.now
        return now

    def answer(self, peer_id: str, digit: str) -> None:
        was = self.rows[peer_id].answer
        if digit == "1":
            verdict = decide_accept(self.need, self.count(Answer.ACCEPTED), was)
            if verdict is Verdict.ACCEPT:
                self.set(peer_id, Answer.ACCEPTED)
            elif verdict is Verdict.COVERED:
                self.answered_late.append(peer_id)
        elif was in (Answer.ASKED, Answer.SILENT):
            self.set(peer_id, Answer.DECLINED)
        assert self.count(Answer.ACCEPTED) <= self.need, "overfilled"


@settings(max_examples=300, deadline=None)
@given(
    need=st.integers(1, 4),
    own=st.integers(0, 8),
    aid=st.integers(0, 4),
    extra=st.integers(0, 2),
    rounds=st.integers(1, 4),
    moves=st.lists(
        st.tuples(st.sampled_from("10"), st.integers(0, 11), st.integers(0, 15), st.booleans()), max_size=30
    ),
)
def test_any_history_ends_complete_or_exhausted_never_overfilled_nobody_asked_twice_and_exactly_those_told(
    need: int, own: int, aid: int, extra: int, rounds: int, moves: list[tuple[str, int, int, bool]]
) -> None:
    story = Story(
        need,
        [f"o{i}" for i in range(own)],
        [f"m{i}" for i in range(aid)],
        Policy(ask_extra=extra, max_rounds=rounds),
    )
    plan_now = story.look()
    for digit, who, minutes, look_between in moves:
        story.now += timedelta(minutes=minutes)
        if story.rows:
            story.answer(list(story.rows)[who % len(story.rows)], digit)
        if look_between:  # without it, two answers meet before anybody has planned again
            plan_now = story.look()
    for _ in range(rounds + own + aid + 2):
        plan_now = story.look()
        if plan_now.look_again_at is None:
            break
        story.now = plan_now.look_again_at
    assert plan_now.complete or (plan_now.exhausted and plan_now.then == ("coordinator", "clinician"))
    assert plan_now.complete == (story.count(Answer.ACCEPTED) == need)
    covered = [peer_id for peer_id, row in story.rows.items() if row.answer is Answer.COVERED]
    assert sorted(story.told) == sorted(covered)
    if plan_now.complete:
        assert story.count(Answer.ASKED, Answer.SILENT) == 0, "somebody was left waiting"
    else:
        assert story.told == []
        everybody_asked = set(story.rows) == {*story.own, *story.aid}
        assert everybody_asked or max(row.round for row in story.rows.values()) == rounds - 1


def test_a_team_that_is_just_filled_by_those_who_are_asked_is_not_short() -> None:
    assert not plan(2, [asked("a", minutes=1)], "b").short
    assert plan(3, [asked("a", minutes=1)], "b").short
