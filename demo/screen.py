"""What a coordinator sees: a short line for each thing that happens, with local hour and first name."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from demo.checking.words import Kind

_TELLS: dict[Kind, str] = {
    Kind.PAGE: "asked to help",
    Kind.ASSIGNED: "is on the team",
    Kind.COVERED: "told: covered, thank you",
    Kind.ALREADY_COVERED: "told: already covered, thank you",
    Kind.TEAM_NOTICE: "told how the team stands",
    Kind.APPROVAL: "asked to approve a group meeting",
    Kind.SESSION_REPORT: "asked how many came",
    Kind.SESSION_REMINDER: "reminded of the meeting",
    Kind.SESSION_OFF: "told: the meeting is off",
    Kind.PEER_TASK: "asked to call a colleague",
    Kind.ESCALATION: "asked to take somebody on",
    Kind.WELFARE: "asked to find somebody who was not reached",
    Kind.ESCALATION_ASSIGNED: "has taken it on",
    Kind.ESCALATION_OVERDUE: "asked how it went",
    Kind.ESCALATION_TAKEN: "told who will call",
    Kind.QUEUE_NEW: "has something to read",
    Kind.MEMBER_STOPPED: "told that a team member's texts are off",
    Kind.CONFIRM_PHONE: "asked whether this is their phone",
    Kind.CHECK_IN: "asked how they are",
    Kind.REMINDER: "reminded, just this once",
    Kind.OPT_IN: "asked whether to keep in touch",
    Kind.INVITATION: "invited to a group meeting",
    Kind.CRISIS_ANSWER: "answered at once, with the crisis line",
    Kind.RELEASED: "told: somebody else takes it over",
    Kind.HANDED_BACK: "told: handed back, no reason needed",
    Kind.STAND_DOWN: "told: no action needed any more",
    Kind.SESSION_TEAM: "told of the meeting that they lead or help with",
    Kind.PEER_TASK_OVERDUE: "asked how the call went",
    Kind.QUEUE_OVERDUE: "asked to read a text that has waited",
    Kind.WHICH_CODE: "asked which of their open questions they mean",
    Kind.HELP_ANSWER: "answered: somebody gets in touch",
    Kind.WHO: "sent the sign-in address",
    Kind.LINK_CODE: "sent a code for their page",
    Kind.PASSKEY_ADDED: "told that their page got a passkey",
    Kind.UNSETTLED: "told of a text that may not have arrived",
    Kind.ASK_EXPOSURE_END: "asked for a finish time",
    Kind.OPT_OUT_DONE: "answered: no more texts",
    Kind.UNKNOWN: "answered by the carrier",
    Kind.CALL_NOW: "answered at once: somebody calls",
    Kind.CALL_PROMISED: "answered: somebody calls in the next days",
    Kind.CALL_ARRANGED: "told who will call and by when",
    Kind.READ_BY: "answered: a person will read it",
    Kind.CONTACTS_ENDED: "answered: no more check-ins",
    Kind.OFFERS_DUE: "told what is to be offered",
    Kind.TURN: "asked for something the team or a colleague needs",
    Kind.TURN_TAKEN: "has taken it on",
    Kind.HAND_OFF: "told who has it now",
    Kind.MHP_REMINDER: "reminded of the individual appointments",
}
_QUIET = frozenset(
    {Kind.PHONE_CONFIRMED, Kind.NOTED, Kind.OPT_IN_DONE, Kind.INVITATION_ACCEPTED, Kind.ATTESTATION}
)
_SHOWN_NAMES = 4
_PARTS = ("coordinator", "clinical_director", "clinician", "peer", "supervisor")


class Screen:
    """Prints the story, and counts it."""

    def __init__(self, roster_csv: str) -> None:
        self.console = Console(highlight=False)
        rows = list(csv.DictReader(StringIO(roster_csv)))
        self._names = {row["phone"]: row["name"].split()[0] for row in rows}
        self._roles = {row["phone"]: frozenset(row["roles"].split(";")) for row in rows}
        self._zones = {row["phone"]: row["timezone"] for row in rows}
        self._agencies = {row["agency"]: row["timezone"] for row in rows}
        self.counts: Counter[str] = Counter()

    def head(self, text: str) -> None:
        """A heading."""
        self.console.print(f"\n[bold]{text}[/]")

    def note(self, text: str) -> None:
        """A line without an hour."""
        self.console.print(text, markup=False)

    def logs(self, at: datetime, agency: str, text: str) -> None:
        """Something that an agency does."""
        self._line(at, self._agencies[agency], f"[bold yellow]{agency}[/]", text)

    def says(self, at: datetime, phone: str, body: str, means: str) -> None:
        """A phone sends a text."""
        self.counts[f"reply: {means}"] += 1
        style = "bold red" if means in {"crisis", "call now"} else "cyan"
        self._line(at, self._zone(phone), f"[{style}]{self._who(phone)}[/]", f'texts "{body}"')

    def does(self, at: datetime, phone: str, what: str) -> None:
        """A person does something at a terminal."""
        self._line(at, self._zone(phone), f"[cyan]{self._who(phone)}[/]", what)

    def texts(self, at: datetime, found: list[tuple[str, Kind]]) -> None:
        """What reached handsets at one stop; one line a kind."""
        grouped: dict[Kind, list[str]] = defaultdict(list)
        for phone, kind in found:
            self.counts[kind.value] += 1
            if kind not in _QUIET:
                grouped[kind].append(phone)
        for kind, phones in grouped.items():
            found_here = [
                f"{self._who(phone)}{f' x{count}' if count > 1 else ''}"
                for phone, count in Counter(phones).items()
            ]
            who = ", ".join(found_here[:_SHOWN_NAMES])
            more = f" and {len(found_here) - _SHOWN_NAMES} more" if len(found_here) > _SHOWN_NAMES else ""
            self._line(at, self._zone(phones[0]), f"[green]{who}{more}[/]", _TELLS.get(kind, kind.value))

    def summary(self, rows: list[tuple[str, str]]) -> None:
        """The end: a table of figures."""
        table = Table(title="What happened", title_justify="left", show_header=False)
        for name, value in rows:
            table.add_row(name, value)
        self.console.print(table)

    def _line(self, at: datetime, zone: str, who: str, what: str) -> None:
        local = at.astimezone(ZoneInfo(zone))
        hour = f"[dim]{local:%a %d %b %Y %H:%M} {local.tzname()}[/]"
        self.console.print(f"{hour}  {who} ", end="")
        self.console.print(what, markup=False)

    def _who(self, phone: str) -> str:
        if phone not in self._names:
            return "an unknown phone"
        role = next((role for role in _PARTS if role in self._roles[phone]), "")
        return f"{self._names[phone]} ({role.replace('_', ' ')})" if role else self._names[phone]

    def _zone(self, phone: str) -> str:
        return self._zones.get(phone, "UTC")
