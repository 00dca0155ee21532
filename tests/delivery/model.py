"""The model: messages, conductors and a provider as plain values; every move is the product's own table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from cism.domain.back_off import wait_for_attempt
from cism.domain.delivery import TERMINAL, Happening, OutboxState, after
from cism.domain.guarantee import CARRIER_SILENT, FILTERED, Follow, guarantee_of, wait_before_next
from notifications.gateway import MessageStatus, furthest
from notifications.messages import MessageKind
from tests.delivery.acts import (
    ASKS,
    AT_ONCE,
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

URGENT, CARE = 0, 3
LANES = {Kind.PAGE: 0, Kind.ESCALATION: 0, Kind.NOTED: 1, Kind.OVERDUE: 2, Kind.CHECK_IN: 3}
STALE, SLOT, SKEW, LATE = 15.0, 5.0, 2.0, 15.0  # seconds; as the product has them
SAYS_SO_AFTER = 300.0  # seconds after its moment; then what is urgent says that it comes late, in other words
THROTTLED_FOR = 10.0
S, H = OutboxState, Happening


@dataclass
class Text:
    """One message."""

    name: str
    kind: Kind
    who: str
    not_before: float
    made: float
    expires: float
    asked: str | None  # the question behind it
    tried: int = 1
    state: OutboxState = S.PENDING
    attempts: int = 0
    retry: float | None = None
    claimed: float | None = None
    status: MessageStatus | None = None
    code: int | None = None
    sid: int | None = None
    doubted: bool = False
    says_late: bool = False

    @property
    def words(self) -> tuple[str, Kind, bool]:
        """By what a text is known again: the phone, and what it says."""
        return self.who, self.kind, self.says_late

    @property
    def lane(self) -> int:
        return LANES[self.kind]

    @property
    def place(self) -> tuple[float, float]:
        return self.not_before, self.made


@dataclass
class Taken:
    """What the provider really has: the truth that the product can only ask about."""

    sid: int
    name: str
    words: tuple[str, Kind, bool]
    at: float
    shown_at: float
    told: list[str] = field(default_factory=list)


@dataclass
class Conductor:
    """What one process holds in its hands."""

    mine: list[str] = field(default_factory=list)
    since: float = 0.0
    held: set[str] = field(default_factory=set)  # phones of which an earlier one surely did not leave
    handed: set[str] = field(default_factory=set)  # phones that one of this handful went to
    answers: list[tuple[str, Fate | None, int | None]] = field(default_factory=list)


class Model:
    """The world as it should be."""

    stale_is_simply_sent_again = False  # bugs to plant: a model that finds none of them proves nothing
    settles_with_rivals = False
    forgets_expiry = False

    def __init__(self) -> None:
        self.now = 0.0
        self.texts: dict[str, Text] = {}
        self.taken: list[Taken] = []
        self.conductors = [Conductor(), Conductor()]
        self.open: set[str] = set()
        self.stopped: dict[str, float] = {}
        self.human: list[tuple[str, str]] = []
        self.next_asked: list[str] = []
        self.called: set[str] = set()

    def do(self, act: Act) -> None:
        """One step."""
        match act:
            case Put():
                self._put(act)
            case Claim(by):
                self._claim(self.conductors[by])
            case Hand(by, fate, shown_after):
                self._hand(self.conductors[by], fate, shown_after)
            case Record(by):
                self._record(self.conductors[by])
            case Crash(by):
                self.conductors[by] = Conductor()
            case Tell(nth, status, code):
                self._tell(self.taken[nth], MessageStatus(status), code)
            case Settle():
                self._settle()
            case Pass(seconds):
                self.now += seconds
            case Stop(who):
                self._stop(who)
            case Answer(nth):
                self.open.discard(self.texts[f"m{nth}"].asked or "")

    def view(self) -> dict[str, object]:
        """What both worlds must agree on."""
        return {
            "texts": {one.name: (one.state.value, one.attempts, one.sid) for one in self.texts.values()},
            "human": sorted(self.human),
            "next": sorted(self.next_asked),
            "called": sorted(self.called),
        }

    def rivals_of(self, text: Text) -> list[Text]:
        """Whose copy a listed message may be as well: the same words to the same phone, of unclear fate."""
        return [
            one
            for one in self.texts.values()
            if one.words == text.words
            and (
                one.state in {S.SENDING, S.UNKNOWN}
                or (
                    one.state is S.UNSETTLED
                    and one.sid is None
                    and (one.claimed or 0) > (text.claimed or 0) - LATE - SKEW
                )
            )
        ]

    def _put(self, act: Put) -> None:
        self.now += 1  # no two are made at the same instant
        name = f"m{sum('+' not in key for key in self.texts)}"
        asked = name if act.kind in ASKS else None
        if asked:
            self.open.add(asked)
        begins = self.now + act.wait
        self.texts[name] = Text(name, act.kind, act.who, begins, self.now, begins + act.lasts, asked)

    def _claim(self, conductor: Conductor) -> None:
        if conductor.mine or conductor.answers:
            return
        ready = [one for one in self.texts.values() if self._is_ready(one)]
        ready = sorted(ready, key=lambda one: (one.lane, *one.place))[:AT_ONCE]
        conductor.since, conductor.held, conductor.handed = self.now, set(), set()
        for text in [one for one in ready if not self._overtakes(one)]:
            withheld = self._withheld(text)
            text.state = after(text.state, withheld or H.CLAIMED)
            if withheld is None:
                text.attempts, text.claimed = text.attempts + 1, self.now
                text.says_late = text.lane == URGENT and self.now - text.not_before > SAYS_SO_AFTER
                conductor.mine.append(text.name)
            else:
                self._kept(text, withheld)

    def _is_ready(self, text: Text) -> bool:
        waits = text.not_before > self.now or (text.retry is not None and text.retry > self.now)
        return text.state is S.PENDING and not waits

    def _overtakes(self, text: Text) -> bool:
        waiting = [
            (one.place, one.retry if one.state is S.PENDING else None)
            for one in self.texts.values()
            if (one.who, one.lane) == (text.who, text.lane)
            and (
                one.state is S.SENDING
                or (one.state is S.PENDING and (one.retry or 0) > self.now and 1 <= one.attempts <= 5)
            )
        ]
        if not waiting or text.place <= min(place for place, _ in waiting):
            return False
        until = min(waiting, key=lambda one: one[0])[1]
        text.retry = until if until is not None else text.retry
        return True

    def _withheld(self, text: Text) -> Happening | None:
        if text.expires <= self.now and not self.forgets_expiry:
            return H.TOO_LATE
        if text.asked is not None and text.asked not in self.open:
            return H.UNWANTED
        return H.FORBIDDEN if text.who in self.stopped else None

    def _kept(self, text: Text, why: Happening) -> None:
        if why is H.FORBIDDEN and text.kind in {Kind.PAGE, Kind.ESCALATION}:
            self._ask_next(text)
        elif why is H.TOO_LATE and text.kind is Kind.CHECK_IN:
            self.open.discard(text.asked or "")
            if ("contact_missed", text.who) not in self.human:  # one item a person
                self.human.append(("contact_missed", text.who))
        elif why is H.TOO_LATE and text.tried > 1:
            self._follow(text, guarantee_of(MessageKind(text.kind)).not_arrived)

    def _hand(self, conductor: Conductor, fate: Fate, shown_after: int) -> None:
        if not conductor.mine:
            return
        text = self.texts[conductor.mine.pop(0)]
        again = text.who in conductor.handed and self._withheld(text) is not None
        conductor.handed.add(text.who)
        if again or text.who in conductor.held or self.now - conductor.since > SLOT:
            conductor.answers.append((text.name, None, None))  # put back, not sent
            conductor.held.add(text.who)
            return
        sid = None
        if fate in {Fate.TAKES, Fate.LOST_AFTER}:
            sid = len(self.taken)
            self.taken.append(Taken(sid, text.name, text.words, self.now, self.now + shown_after))
        if fate is Fate.THROTTLES:
            conductor.held.add(text.who)
        conductor.answers.append((text.name, fate, sid))

    def _record(self, conductor: Conductor) -> None:
        for name, fate, sid in conductor.answers:
            text = self.texts[name]
            if fate is Fate.TAKES:
                self._has(text, sid, MessageStatus.QUEUED, None)
            elif text.state in {S.SENDING, S.UNKNOWN}:
                self._was_not_taken(text, fate)
        conductor.answers = []

    def _was_not_taken(self, text: Text, fate: Fate | None) -> None:
        text.code = 20429 if fate is Fate.THROTTLES else 21612 if fate is Fate.REFUSES else None
        if fate in {Fate.LOST_BEFORE, Fate.LOST_AFTER}:
            text.state = after(text.state, H.LOST)
        elif fate is Fate.REFUSES:
            text.state = after(text.state, H.REFUSED)
            self._follow(text, guarantee_of(MessageKind(text.kind)).not_arrived)
        else:
            asked = THROTTLED_FOR if fate is Fate.THROTTLES else None
            urgent = text.lane == URGENT
            wait = wait_for_attempt(text.attempts, urgent=urgent, retry_after=asked, chance=0.0)
            text.state, text.retry = after(text.state, H.NOT_TAKEN), self.now + wait

    def _has(self, text: Text, sid: int | None, status: MessageStatus, code: int | None) -> None:
        text.sid = text.sid if text.sid is not None else sid
        if text.status is None:
            text.state = after(text.state, H.TAKEN)
        text.status = furthest(text.status or status, status)
        text.code = code if code is not None else text.code
        before, text.state = text.state, after(text.state, self._said(text))
        if before is text.state:
            return
        promised = guarantee_of(MessageKind(text.kind))
        if text.state is S.UNSETTLED:
            text.doubted = True
            self._follow(text, promised.unsettled)
        elif text.state is S.UNDELIVERED and not text.doubted and not self._again(text):
            self._follow(text, promised.not_arrived)

    def _said(self, text: Text) -> Happening:
        status = text.status or MessageStatus.QUEUED
        if status is MessageStatus.DELIVERED:
            return H.ARRIVED
        if not status.is_terminal:
            return H.TAKEN
        return H.CARRIER_SILENT if text.code == CARRIER_SILENT else H.NOT_ARRIVED

    def _again(self, text: Text) -> bool:
        wait = wait_before_next(MessageKind(text.kind), text.code, text.tried)
        closed = text.asked is not None and text.asked not in self.open
        at = self.now + (wait or timedelta()).total_seconds()
        if text.code == FILTERED or wait is None or closed or at >= text.expires:
            return False
        base = text.name.partition("+")[0]
        fresh = Text(f"{base}+{text.tried + 1}", text.kind, text.who, at, self.now, text.expires, text.asked)
        self.texts[fresh.name] = replace(fresh, tried=text.tried + 1)
        return True

    def _tell(self, taken: Taken, status: MessageStatus, code: int | None) -> None:
        self.now += 1  # nor are two second tries, which are of one place otherwise
        taken.told.append(status.value)
        self._has(self.texts[taken.name], taken.sid, status, code)

    def _settle(self) -> None:
        for text in self.texts.values():
            if text.state is S.SENDING and self.now - (text.claimed or 0) > STALE:
                lost = H.NOT_TAKEN if self.stale_is_simply_sent_again else H.LOST
                text.state = after(text.state, lost)
        unclear = [one for one in self.texts.values() if one.state is S.UNKNOWN]
        for text in sorted(unclear, key=lambda one: (one.lane, one.claimed or 0, one.name)):
            self._settle_one(text)

    def _settle_one(self, text: Text) -> None:
        owned = {one.sid for one in self.texts.values()}
        fitting = [
            one
            for one in self.taken
            if one.sid not in owned
            and one.words == text.words
            and one.shown_at <= self.now
            and one.at >= (text.claimed or 0) - SKEW
        ]
        rivals = 1 if self.settles_with_rivals else len(self.rivals_of(text))
        promised = guarantee_of(MessageKind(text.kind))
        if len(fitting) == 1 and rivals == 1:
            self._has(text, fitting[0].sid, MessageStatus.SENT, None)
        elif self.now - (text.claimed or 0) >= promised.settles_within.total_seconds():
            text.state, text.doubted = after(text.state, H.GIVEN_UP), True
            self._follow(text, promised.unsettled)

    def _stop(self, who: str) -> None:
        if who in self.stopped:
            return
        self.stopped[who] = self.now
        for text in self.texts.values():
            if text.who == who and text.state is S.PENDING:
                text.state = after(text.state, H.UNWANTED)
        mine = {one.asked: one for one in self.texts.values() if one.who == who and one.asked in self.open}
        for asked, text in mine.items():
            if text.kind is Kind.CHECK_IN:
                self.open.discard(asked or "")
            elif text.kind is Kind.ESCALATION:
                self.next_asked.append("escalation")

    def _ask_next(self, text: Text) -> None:
        if text.kind is Kind.ESCALATION:
            self.next_asked.append("escalation")
        elif text.asked not in self.next_asked:
            self.next_asked.append(text.asked or "")

    def _follow(self, text: Text, follows: tuple[Follow, ...]) -> None:
        for follow in follows:
            if follow is Follow.NEXT_HELPER:
                self._ask_next(text)
            elif follow is Follow.SAME_BY_VOICE:
                self.called.add(text.asked or "")
            elif follow is Follow.PEER_CALLS:
                self.human.append(("call_needed", text.who))
            elif follow is Follow.UNSETTLED or (
                follow is Follow.PHONE_TROUBLE and ("unsettled_send", text.who) not in self.human
            ):
                self.human.append(("unsettled_send", text.who))


def ended(text: Text) -> bool:
    """Whether nothing more happens to a message by itself."""
    return text.state in TERMINAL or text.state in {S.SENT, S.UNSETTLED}
