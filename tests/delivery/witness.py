"""What must hold in any trace, told from what the provider really took."""

from __future__ import annotations

from cism.domain.delivery import TERMINAL, OutboxState
from tests.delivery.acts import Act, Stop
from tests.delivery.model import CARE, SLOT, Model, Text

S = OutboxState
_HAS = frozenset({S.SENT, S.DELIVERED, S.UNDELIVERED})


class Witness:
    """Looks at the model after every act."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._seen = 0
        self._before: dict[str, OutboxState] = {}
        self._in_flight: dict[str, set[str]] = {}
        self._unclear: set[str] = set()  # these nobody waits for: most have left, or never will

    def look(self, act: Act) -> None:
        """Nothing that may never be."""
        if isinstance(act, Stop) and act.who not in self._in_flight:
            texts = self.model.texts.values()
            mine = {one.name for one in texts if one.who == act.who and one.state is S.SENDING}
            self._in_flight[act.who] = mine
        for taken in self.model.taken[self._seen :]:
            self._left(self.model.texts[taken.name], taken.at)
        self._seen = len(self.model.taken)
        for text in self.model.texts.values():
            self._unclear |= {text.name} if text.state is S.UNKNOWN else set()
            self._stays(text)
            self._is_true(text)
        self._before = {one.name: one.state for one in self.model.texts.values()}

    def _left(self, text: Text, at: float) -> None:
        base = text.name.partition("+")[0]
        same = [one for one in self.model.taken if one.name.partition("+")[0] == base]
        earlier = [one for one in same if one.name != text.name]
        assert sum(one.name == text.name for one in same) == 1, f"{text.name} was sent twice"
        assert all("undelivered" in one.told for one in earlier), f"{text.name} doubles an earlier try"
        assert at >= text.not_before, f"{text.name} was sent early"
        assert at <= text.expires + SLOT, f"{text.name} was sent after it expired"
        if text.who in self._in_flight:
            assert text.name in self._in_flight[text.who], f"{text.name} was claimed after STOP"
            after = [
                one
                for one in self.model.taken
                if self.model.texts[one.name].who == text.who
                and self.model.texts[one.name].lane == text.lane
                and one.at >= self.model.stopped[text.who]
                and one.name in self._in_flight[text.who]
            ]
            held = [one for one in after if one.at > self.model.stopped[text.who]]
            assert len(held) <= 1, f"{held} were sent after STOP"
        self._in_order(text)

    def _in_order(self, text: Text) -> None:
        for one in self.model.texts.values():
            if (one.who, one.lane) != (text.who, text.lane) or one.place >= text.place:
                continue
            waits = one.state is S.PENDING and (one.retry or 0) > (text.claimed or 0)
            waited_for = one.name not in self._unclear and 1 <= one.attempts <= 5
            assert not (waits and waited_for), f"{text.name} overtook {one.name}"

    def _stays(self, text: Text) -> None:
        before = self._before.get(text.name)
        worse = (before, text.state) == (S.DELIVERED, S.UNDELIVERED)
        assert before not in TERMINAL or before is text.state or worse, f"{text.name} left {before}"

    def _is_true(self, text: Text) -> None:
        """What is said to have left, has: else it would be lost, and nobody would look."""
        if text.state in _HAS:
            assert any(one.name == text.name for one in self.model.taken), f"{text.name} never left"

    def at_the_end(self) -> None:
        """Every message was sent, is not wanted any more, expired and was told, or is a human's."""
        for text in self.model.texts.values():
            assert text.state in TERMINAL or text.state in {S.SENT, S.UNSETTLED}, f"{text} hangs"
            missed = text.state is S.EXPIRED and text.lane == CARE
            if missed or text.state in {S.UNSETTLED, S.FAILED}:
                self._somebody_has(text)

    def _somebody_has(self, text: Text) -> None:
        kinds = {kind for kind, who in self.model.human if who == text.who}
        nexts = set(self.model.next_asked)
        asked = text.asked in nexts or (text.kind == "escalation" and "escalation" in nexts)
        assert kinds or asked, f"{text.name} is lost, and nobody has it"
