"""Answers to the words that helpers text about their own work: at once, and neutral on a locked screen."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from notifications.message_base import (
    SPANS_FIELD,
    TASKS_FIELD,
    Answer,
    Code,
    Count,
    Name,
    OneOf,
    When,
)
from notifications.message_kinds import MessageKind

Spans = Annotated[str, SPANS_FIELD]
"""Turns, as `wording.span_text` writes each."""
Tasks = Annotated[str, TASKS_FIELD]
"""Codes, each with by when and a word or two: "A7K2 14:00 call, B3M4 Tue 14:00 team"."""
TASKS_LIMIT = 3
TURNS_LIMIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Answer):
    """What can be texted; `rests` and `answers`: who has those words."""

    kind: ClassVar[MessageKind] = MessageKind.WORDS
    rests: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MyTasks(Answer):
    """What is theirs, what is due first in front; of whom stands behind the sign-in."""

    kind: ClassVar[MessageKind] = MessageKind.MY_TASKS
    tasks: Tasks = ""
    more: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MyTurns(Answer):
    """Their turns on call in the next two weeks."""

    kind: ClassVar[MessageKind] = MessageKind.MY_TURNS
    spans: Spans = ""
    more: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(Answer):
    """Calls for help that nobody has taken, each with a code of the reader's own to take it."""

    kind: ClassVar[MessageKind] = MessageKind.DESK
    tasks: Tasks = ""
    code: Code = ""
    more: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefIn(Answer):
    """How a call goes, or a meeting, in one text; the whole of it stands on the page."""

    kind: ClassVar[MessageKind] = MessageKind.BRIEF_IN
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WordDone(Answer):
    """It is done. `until`: the day before which nobody asks; `helper`: the colleague who is asked."""

    kind: ClassVar[MessageKind] = MessageKind.WORD_DONE
    done: Annotated[str, OneOf(("rest", "back", "ready", "limits", "read_out", "refer", "give"))]
    code: Code = ""
    until: When = ""
    helper: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHow(Answer):
    """It could not be done: what is wrong, and how to write it.

    `name`: nobody who can take it has that name, or several have; `code`: it is of nothing that is theirs;
    `turn`: none of theirs begins that day; `ready`: nothing keeps them from being asked;
    `late`: it may not be swapped any more; the others name the word.
    """

    kind: ClassVar[MessageKind] = MessageKind.WORD_HOW
    about: Annotated[
        str,
        OneOf(("rest", "ready", "keep", "limits", "refer", "give", "swap", "name", "code", "turn", "late")),
    ]


WORD_CLASSES = (Words, MyTasks, MyTurns, Desk, BriefIn, WordDone, WordHow)
