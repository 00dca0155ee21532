"""Phones as a story speaks of them, and everything that reached them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from notifications.phone_wall.records import Call

if TYPE_CHECKING:
    from tests.stories.harness import Story


@dataclass
class Arrival:
    """One text that reached a handset: of which kind, at which product time."""

    who: str
    kind: str
    body: str
    at: datetime
    expected: bool = field(default=False)

    def __str__(self) -> str:
        return f"{self.at:%a %Y-%m-%d %H:%M:%S} UTC {self.who}: [{self.kind}] {self.body}"


class Phone:
    """One person's handset."""

    def __init__(self, story: Story, key: str) -> None:
        self.story, self.key = story, key
        self.last: Arrival | None = None

    @property
    def number(self) -> str:
        """Its number."""
        return self.story.cast.phone(self.key) if self.key in self.story.cast.rows else self.key

    def expects(self, kind: str, *texts: str, at: datetime | None = None, but: str | None = None) -> Phone:
        """The next unread text of this kind is there, says all of `texts`, and came in the minute `at`."""
        found = next((one for one in self.unread() if one.kind == kind), None)
        assert found is not None, f"{self.key} got no {kind}; unread: {self.story.told(self.unread())}"
        found.expected, self.last = True, found
        for text in texts:
            assert text in found.body, f"{self.key}: {text!r} is not in {found.body!r}"
        assert but is None or but not in found.body, f"{self.key}: {but!r} is in {found.body!r}"
        if at is not None:
            assert abs((found.at - at).total_seconds()) < 60, f"{found} came, not at {at}"
        return self

    def expects_nothing(self) -> Phone:
        """Nothing unread is there."""
        assert not self.unread(), f"{self.key} got what nobody expected: {self.story.told(self.unread())}"
        return self

    def ignores(self, *kinds: str) -> Phone:
        """Read what is there of these kinds (all kinds where none is named) without saying more about it."""
        for arrival in self.unread():
            if not kinds or arrival.kind in kinds:
                arrival.expected = True
        return self

    def replies(self, text: str) -> Phone:
        """Answer; `{code}` is the code of the text expected last."""
        self.story.say(self.number, text.replace("{code}", self.code if "{code}" in text else ""))
        return self

    def says(self, text: str) -> Phone:
        """Text us out of the blue."""
        return self.replies(text)

    @property
    def code(self) -> str:
        """The code in the text expected last."""
        assert self.last is not None, f"{self.key} has not expected anything yet"
        return self.story.code_in(self.last)

    def rings(self, at: datetime | None = None) -> Phone:
        """It rings now, once; `at`: and began in that minute."""
        (call,) = [one for one in self._calls() if one.waits_for == "answer"] or [None]
        assert call is not None, f"{self.key} does not ring"
        self.story.expected_calls.add(call.sid)
        if at is not None:
            began = self.story.call_times[call.sid]
            assert abs((began - at).total_seconds()) < 60, f"{self.key} rang at {began}, not at {at}"
        return self

    def was_called(self, ending: str) -> Phone:
        """A call came that ended like this, and nobody answered it here."""
        found = [one for one in self._calls() if one.status == ending]
        assert found, f"{self.key}: {[one.status for one in self._calls()]}"
        self.story.expected_calls.update(one.sid for one in found)
        return self

    def does_not_ring(self) -> Phone:
        """No call is up here."""
        assert [one for one in self._calls() if not one.is_over] == [], f"{self.key} rings"
        return self

    def was_never_called(self) -> Phone:
        """No call ever came here."""
        assert self._calls() == [], f"{self.key} was called"
        return self

    def answers(self) -> Phone:
        """Pick up."""
        return self._on_the_call("answer")

    def presses(self, keys: str) -> Phone:
        """Press keys."""
        return self._on_the_call("press", keys)

    def says_nothing(self) -> Phone:
        """Let the call wait for a key in vain."""
        return self._on_the_call("silence")

    def hangs_up(self) -> Phone:
        """End the call, or decline it."""
        return self._on_the_call("hang_up")

    def hears(self, *texts: str) -> Phone:
        """The words spoken last say all of `texts`."""
        words = self._calls()[-1].words
        assert words, f"{self.key} heard nothing"
        for text in texts:
            assert text in words[-1], f"{self.key}: {text!r} is not in {words[-1]!r}"
        return self

    def _calls(self) -> list[Call]:
        return self.story.servers.wall.app_state.store.calls_by_handset.get(self.number, [])

    def _on_the_call(self, do: str, keys: str = "") -> Phone:
        self.story.on_the_call(self.number, do, keys)
        return self

    def unread(self) -> list[Arrival]:
        """What came and was not expected so far."""
        return [one for one in self.story.arrivals if one.who == self.key and not one.expected]
