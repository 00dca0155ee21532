"""Any order of events, on the model: what a phone gets, and what nobody ever loses. It finds planted bugs."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

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
from tests.delivery.model import Model, Text
from tests.delivery.strategies import SPANS, STATUSES, may_put, trace
from tests.delivery.witness import Witness

BY, WHOM = st.integers(0, 1), st.sampled_from(WHO)


class Life(RuleBasedStateMachine):
    """Two conductors, a provider that may do anything, people who stop and answer, and time."""

    model_class: ClassVar[type[Model]] = Model

    @initialize(kind=st.sampled_from(Kind), who=WHOM)
    def begin(self, kind: Kind, who: str) -> None:
        self.model = self.model_class()
        self.witness = Witness(self.model)
        self._do(Put(kind, who, 0, 4000))

    @rule(
        kind=st.sampled_from(Kind), who=WHOM, wait=st.sampled_from((0, 60)), lasts=st.sampled_from((40, 4000))
    )
    def put(self, kind: Kind, who: str, wait: int, lasts: int) -> None:
        act = Put(kind, who, wait, lasts)
        if may_put(self.model, act):
            self._do(act)

    @rule(by=BY)
    def claim(self, by: int) -> None:
        self._do(Claim(by))

    @rule(by=BY, fate=st.sampled_from(Fate), shown_after=st.sampled_from((0, 20, 90)))
    def hand(self, by: int, fate: Fate, shown_after: int) -> None:
        self._do(Hand(by, fate, shown_after))

    @rule(by=BY)
    def record(self, by: int) -> None:
        self._do(Record(by))

    @rule(by=BY)
    def crash(self, by: int) -> None:
        self._do(Crash(by))

    @precondition(lambda self: bool(self.model.taken))
    @rule(nth=st.integers(0, 30), told=st.sampled_from(STATUSES))
    def tell(self, nth: int, told: tuple[str, int | None]) -> None:
        self._do(Tell(nth % len(self.model.taken), *told))

    @rule()
    def settle(self) -> None:
        self._do(Settle())

    @rule(seconds=st.sampled_from(SPANS))
    def time_passes(self, seconds: int) -> None:
        self._do(Pass(seconds))

    @rule(who=WHOM)
    def stop(self, who: str) -> None:
        self._do(Stop(who))

    @rule(nth=st.integers(0, 30))
    def answer(self, nth: int) -> None:
        self._do(Answer(nth % sum("+" not in name for name in self.model.texts)))

    def teardown(self) -> None:
        """Everything works again: whatever was begun comes to an end."""
        if not hasattr(self, "model"):
            return
        for _ in range(60):
            for by in (0, 1):
                self._do(Crash(by))
                self._do(Claim(by))
                for _ in range(len(self.model.conductors[by].mine)):
                    self._do(Hand(by, Fate.TAKES, 0))
                self._do(Record(by))
            self._do(Pass(200))
            self._do(Settle())
        self.witness.at_the_end()

    def _do(self, act: Act) -> None:
        self.model.do(act)
        self.witness.look(act)


CALM = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
Life.TestCase.settings = CALM
TestLife = Life.TestCase


class SendsAgain(Model):
    """What a dead process left is simply sent again."""

    stale_is_simply_sent_again = True


class SettlesWithRivals(Model):
    """A listed message settles the first that it fits."""

    settles_with_rivals = True


class ForgetsRivalsGivenUp(Model):
    """One that was given up is no rival any more."""

    def rivals_of(self, text: Text) -> list[Text]:
        return [one for one in super().rivals_of(text) if one.state is not OutboxState.UNSETTLED]


class ForgetsExpiry(Model):
    """What expired leaves all the same."""

    forgets_expiry = True


class Overtakes(Model):
    """Nothing waits for an earlier one."""

    def _overtakes(self, text: Text) -> bool:
        return False


class TriesTooSoon(Model):
    """Another try without a final status of the one before."""

    def _said(self, text: Text):  # type: ignore[no-untyped-def]
        if text.status is not None and text.status.value == "sent":
            self._again_at_once(text)
        return super()._said(text)

    def _again_at_once(self, text: Text) -> None:
        fresh = Text(f"{text.name}+2", text.kind, text.who, self.now, self.now, text.expires, text.asked)
        self.texts.setdefault(fresh.name, fresh)


class NotAfterStop(Model):
    """A STOP is not looked for when a message is claimed."""

    def _withheld(self, text: Text):  # type: ignore[no-untyped-def]
        stopped, self.stopped = self.stopped, {}
        try:
            return super()._withheld(text)
        finally:
            self.stopped = stopped


def found_at(model_class: type[Model], seeds: range) -> str | None:
    """What the witness says of the first trace that goes wrong; None: of none of them."""
    for seed in seeds:
        model = model_class()
        witness = Witness(model)
        try:
            for act in trace(seed):
                if not (isinstance(act, Tell) and act.nth >= len(model.taken)):  # it took less than it would
                    model.do(act)
                    witness.look(act)
        except AssertionError as error:
            return str(error)
    return None


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (SendsAgain, "was sent twice"),
        (SettlesWithRivals, "never left"),
        (ForgetsRivalsGivenUp, "never left"),
        (ForgetsExpiry, "was sent after it expired"),
        (Overtakes, "overtook"),
        (TriesTooSoon, "doubles an earlier try"),
        (NotAfterStop, "was claimed after STOP"),
    ],
)
def test_a_planted_bug_is_found(broken: type[Model], words: str) -> None:
    assert words in (found_at(broken, range(3000)) or "nothing found")


def test_and_nothing_is_found_in_the_same_traces_where_none_is_planted() -> None:
    assert found_at(Model, range(1000)) is None
