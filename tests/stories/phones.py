"""Phones as a story speaks of them, and everything that reached them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

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

    def unread(self) -> list[Arrival]:
        """What came and was not expected so far."""
        return [one for one in self.story.arrivals if one.who == self.key and not one.expected]
