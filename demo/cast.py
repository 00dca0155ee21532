"""Who plays which part: what each invented person does when a text reaches their phone.

Keyed by roster key. A person without a part answers check-ins with 1 and pages with an acceptance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from demo.checking.words import Kind, code_of


@dataclass(frozen=True)
class Move:
    """Something that a phone does: `after` minutes of product time. `means` is told to the checker."""

    after: int
    body: str
    means: str


@dataclass(frozen=True)
class Spontaneous:
    """A text that nobody asked for: on that day from the first, at that local hour."""

    day: int
    hour: str
    person: str
    body: str
    means: str


STRANGER = "+12125550199"  # nobody's phone on any roster
SPONTANEOUS = (
    Spontaneous(5, "11:30", STRANGER, "hello is this the pizza place", "stranger"),
    Spontaneous(9, "02:40", "metro-pd:P109", "i want to kill myself", "crisis"),
    Spontaneous(12, "12:10", "harbor-fd:F206", "Could somebody call my sergeant about the rota?", "words"),
)

# What people answer to their first, second ... check-in; None is silence; the last one goes on for ever.
CHECK_INS: dict[str, tuple[str | None, ...]] = {
    "metro-pd:P106": ("1",),
    "metro-pd:P107": ("2", "1"),
    "metro-pd:P108": (None, None, "1", None, "1"),
    "metro-pd:P111": ("1", "0"),
    "metro-dispatch:D403": ("1", "STOP"),
    "metro-dispatch:D404": ("2", "2", "1"),
    "metro-dispatch:D405": ("who is this?",),
    "harbor-fd:F204": ("1", None, "1"),
    "harbor-fd:F205": ("thanks for asking, could we speak about next week", "1"),
    "harbor-fd:F207": ("3", "1"),
    "harbor-fd:F209": (None, "1"),
    "county-ems:E303": ("1",),
    "county-ems:E304": ("1", "3 please", "1"),
    "county-ems:E306": ("1",),
    "hudson-fd:H104": ("1", "1", "I can't do this anymore", "1"),
    "lake-ems:L105": ("2", "1"),
    "lake-ems:L109": ("HELP", "1"),
}
MEANS = {
    "1": "check-in answer",
    "0": "check-in answer",
    "2": "call later",
    "3": "call now",
    "3 please": "call now",
    "STOP": "stop",
    "HELP": "help",
    "I can't do this anymore": "crisis",
    "who is this?": "wrong number",
}
ANSWER_REMINDERS = frozenset({"harbor-fd:F209"})
KEEP_IN_TOUCH = frozenset(
    {"harbor-fd:F206", "county-ems:E303", "metro-pd:P106", "hudson-fd:H105", "plains-ems:D104"}
)
SILENT_TO_OPT_IN = frozenset({"metro-pd:P108", "metro-pd:P104"})
NEVER_CONFIRM = frozenset({"metro-dispatch:D406"})

# How helpers take pages: in turn, the last one goes on for ever.
PAGES: dict[str, tuple[str, ...]] = {
    "metro-pd:P113": ("accept",),
    "metro-pd:P114": ("slow", "accept"),
    "metro-pd:P115": ("decline", "accept"),
    "metro-pd:P116": ("accept twice", "accept"),
    "harbor-fd:F210": ("accept",),
    "harbor-fd:F212": ("silent", "accept"),
    "harbor-fd:F213": ("decline", "accept"),
    "county-ems:E308": ("silent", "slow", "accept"),
    "metro-dispatch:D408": ("silent", "accept"),
}
_CALLS = ("4", "4", "5", "4", "6", "4", "7", "4")  # what helpers report of calls, in turn
# Of all the times that a helper is asked to take somebody on: which are missed, or passed on.
MISSED_ASKS, PASSED_ASKS = frozenset({0, 3}), frozenset({5})
_OUTCOMES = ("4", "4", "6", "4", "5", "", "4")  # how the calling ended, in turn; "" forgets to say


class Cast:
    """Remembers how often each was asked what."""

    def __init__(self) -> None:
        self._count: dict[tuple[str, str], int] = {}

    def reacts(self, person: str, kind: Kind, body: str) -> list[Move]:
        """What this person does about a text."""
        answer = _REACTIONS.get(kind)
        told = body if kind is Kind.WHICH_CODE else code_of(body) or ""
        return answer(self, person, told) if answer else []

    def _turn(self, who: str, what: str) -> int:
        number = self._count.get((who, what), 0)
        self._count[(who, what)] = number + 1
        return number

    def _page(self, person: str, code: str) -> list[Move]:
        styles = PAGES.get(person, ("accept",))
        style = styles[min(self._turn(person, "page"), len(styles) - 1)]
        accepts = Move(2, f"1 {code}", "page answer")
        return {
            "accept": [accepts],
            "accept twice": [accepts, Move(2, f"1{code.lower()}", "page answer")],
            "decline": [Move(1, f"0 {code}", "page answer")],
            "slow": [Move(12, f"{code} 1", "page answer")],
        }.get(style, [])

    def _check_in(self, person: str, _code: str) -> list[Move]:
        said = CHECK_INS.get(person, ("1",))
        body = said[min(self._turn(person, "check-in"), len(said) - 1)]
        return [] if body is None else [Move(0, body, MEANS.get(body, "words"))]

    def _reminder(self, person: str, _code: str) -> list[Move]:
        return [Move(0, "1", "check-in answer")] if person in ANSWER_REMINDERS else []

    def _opt_in(self, person: str, code: str) -> list[Move]:
        if person in SILENT_TO_OPT_IN:
            return []
        digit = "1" if person in KEEP_IN_TOUCH else "0"
        return [Move(0, f"{digit} {code}".strip(), "opt-in answer")]

    def _confirm(self, person: str, code: str) -> list[Move]:
        return [] if person in NEVER_CONFIRM else [Move(0, f"1 {code}", "confirmation")]

    def _invitation(self, _person: str, code: str) -> list[Move]:
        return [Move(0, f"1 {code}".strip(), "invitation answer")]

    def _peer_task(self, _person: str, code: str) -> list[Move]:
        digit = _CALLS[self._turn("all", "calls") % len(_CALLS)]
        if digit == "7":
            return [Move(20, f"7 {code}", "worried"), Move(25, f"4 {code}", "call report")]
        return [Move(20, f"{digit} {code}", "call report")]

    def _approval(self, _person: str, code: str) -> list[Move]:
        return [Move(25, f"1 {code}", "approval")]

    def _turn_asked(self, _person: str, code: str) -> list[Move]:
        return [Move(4, f"1 {code}", "turn answer")]

    def _turn_taken(self, _person: str, code: str) -> list[Move]:
        return [Move(30, f"4 {code}", "turn report")]

    def _report(self, _person: str, code: str) -> list[Move]:
        return [Move(10, f"4 {code} 3", "headcount")]

    def _ask(self, _person: str, code: str) -> list[Move]:
        number = self._turn("all", "asks")
        if number in MISSED_ASKS:
            return []
        digit = "0" if number in PASSED_ASKS else "1"
        return [Move(2, f"{digit} {code}", "escalation answer")]

    def _taken_on(self, _person: str, code: str) -> list[Move]:
        outcome = _OUTCOMES[self._turn("all", "outcomes") % len(_OUTCOMES)]
        return [Move(8, f"{outcome} {code}", "escalation outcome")] if outcome else []

    def _which_code(self, _person: str, body: str) -> list[Move]:
        """They meant the check-in, and now say so."""
        found = re.search(r"([A-Z]\d[A-Z]\d) check-in", body)
        return [Move(0, f"1 {found[1]}", "check-in answer")] if found else []

    def _welfare(self, _person: str, code: str) -> list[Move]:
        return [Move(2, f"1 {code}", "escalation answer"), Move(9, f"4 {code}", "escalation outcome")]


_REACTIONS = {
    Kind.OFFERS_DUE: Cast._approval,
    Kind.TURN: Cast._turn_asked,
    Kind.TURN_TAKEN: Cast._turn_taken,
    Kind.PAGE: Cast._page,
    Kind.CHECK_IN: Cast._check_in,
    Kind.REMINDER: Cast._reminder,
    Kind.OPT_IN: Cast._opt_in,
    Kind.CONFIRM_PHONE: Cast._confirm,
    Kind.INVITATION: Cast._invitation,
    Kind.PEER_TASK: Cast._peer_task,
    Kind.APPROVAL: Cast._approval,
    Kind.SESSION_REPORT: Cast._report,
    Kind.ESCALATION: Cast._ask,
    Kind.QUEUE_OVERDUE: Cast._ask,
    Kind.ESCALATION_ASSIGNED: Cast._taken_on,
    Kind.WELFARE: Cast._welfare,
    Kind.WHICH_CODE: Cast._which_code,
}
