"""Messages about turns on call: whose they are, and colleagues who ask each other to take one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from notifications.message_base import SPAN_FIELD, Answer, Code, Name, OneOf, TeamMessage, TeamOpening
from notifications.message_kinds import MessageKind

Span = Annotated[str, SPAN_FIELD]
"""From when until when, as `wording.span_text` writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapAsk(TeamOpening):
    """A colleague asks: will you take this turn of mine? `back`: a turn of the reader's for it, if any."""

    kind: ClassVar[MessageKind] = MessageKind.SWAP_ASK
    code: Code
    helper: Name
    span: Span
    back: Span = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapTold(TeamMessage):
    """What became of it. To whoever asked: `taken`, `refused`, or `nobody` answered before it began.

    To the colleague: it is `yours` now, or the question was `withdrawn`. `helper` is the other one.
    """

    kind: ClassVar[MessageKind] = MessageKind.SWAP_TOLD
    how: Annotated[str, OneOf(("taken", "refused", "nobody", "yours", "withdrawn"))]
    helper: Name
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapAnswer(Answer):
    """To whoever texted about a turn of theirs: `helper` is asked, or it is `kept` and nobody is."""

    kind: ClassVar[MessageKind] = MessageKind.SWAP_ANSWER
    how: Annotated[str, OneOf(("asked", "kept"))]
    helper: Name
    span: Span


SWAP_CLASSES = (SwapAsk, SwapTold, SwapAnswer)
