"""How people were treated: their hours, their STOP, who may not be texted, and what a locked screen shows."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from demo.checking.evidence import Evidence, Person, Text
from demo.checking.findings import Aliases, Promise
from demo.checking.words import ANSWERS, PROACTIVE, Kind, telling_word

LIVE = timedelta(hours=2)  # how long what somebody wrote keeps a conversation open
A_MINUTE = timedelta(seconds=60)
A_YEAR = timedelta(days=364)  # in open hours: the clocks may have changed
ON_THE_WAY = timedelta(seconds=2)  # real time: what had left when the word came in
# They carry a code, and asking again is said in other words: the same words to one phone are the same text.
_ASKED_ONCE = frozenset(
    {
        *(Kind.PAGE, Kind.ASSIGNED, Kind.PEER_TASK, Kind.APPROVAL, Kind.SESSION_TEAM, Kind.SESSION_REPORT),
        *(Kind.ESCALATION, Kind.WELFARE, Kind.ESCALATION_ASSIGNED, Kind.QUEUE_OVERDUE, Kind.INVITATION),
    }
)
_FORBIDDEN = frozenset({"deceased", "leave", "retired"})


class Verdicts:
    """The promises that this module looks at."""

    def __init__(self) -> None:
        self.hours = Promise("care texts only in a person's open hours")
        self.stop = Promise("nothing after STOP or a wrong number")
        self.never = Promise("nobody texted who must not be")
        self.confirmed = Promise("each phone asked once whether it is theirs")
        self.answered = Promise("words, 2 and 3 answered at once")
        self.words = Promise("no word that a locked screen would give away")
        self.once = Promise("no question to a helper twice")
        self.arrived = Promise("what was sent arrived")


def judge(evidence: Evidence, names: Aliases) -> Verdicts:
    """Every text of ours and every text of theirs."""
    verdicts = Verdicts()
    for text in evidence.texts:
        person = evidence.by_phone.get(text.to)
        _words(text, verdicts)
        if person is not None:
            _hours(evidence, text, person, verdicts.hours, names)
            _never(text, person, verdicts.never, names)
    for person in evidence.people.values():
        _stopped(evidence, person, verdicts.stop, names)
        _confirmation(evidence, person, verdicts.confirmed, names)
        _once(evidence, person, verdicts.once, names)
    _answers(evidence, verdicts.answered)
    return verdicts


def _words(text: Text, verdicts: Verdicts) -> None:
    word = telling_word(text.body)
    known = text.kind is not Kind.UNKNOWN
    verdicts.words.look(word is None and known, f"a {text.kind.value} text says {word!r}")
    verdicts.arrived.look(text.arrived, f"a {text.kind.value} text of {text.at:%a %d %b %H:%M}Z")


def _hours(evidence: Evidence, text: Text, person: Person, promise: Promise, names: Aliases) -> None:
    if text.kind in ANSWERS and _live(evidence, text):
        return
    if text.kind in ANSWERS | PROACTIVE:
        local = f"{text.at:%a %d %b %H:%M}Z, zone {person.hours.zone}"
        promise.look(person.hours.is_open(text.at), f"{text.kind.value} to {names.of(person.key)}: {local}")


def _live(evidence: Evidence, text: Text) -> bool:
    return any(text.at - LIVE <= said.at <= text.at for said in evidence.said_by[text.to])


def _never(text: Text, person: Person, promise: Promise, names: Aliases) -> None:
    care = text.kind in PROACTIVE and not person.consent_care
    page = text.kind is Kind.PAGE and not person.consent_pages
    gone = person.status in _FORBIDDEN
    why = person.status if gone else "no consent"
    promise.look(not (care or page or gone), f"{text.kind.value} to {names.of(person.key)}: {why}")


def _stopped(evidence: Evidence, person: Person, promise: Promise, names: Aliases) -> None:
    word = evidence.silenced(person.phone)
    if word is None:
        return
    # a wrong number is told that a person will read it, and nothing more
    may_answer = frozenset() if word.is_stop else frozenset({Kind.READ_BY})
    later = [
        text
        for text in evidence.texts_to[person.phone]
        if text.real > word.real and not (text.kind in may_answer and text.at - word.at < A_MINUTE)
    ]
    tried = [at for at, _, to in evidence.rejected if to == person.phone and at > word.real + ON_THE_WAY]
    count = len(later) + len(tried)
    promise.look(count == 0, f"{count} texts to {names.of(person.key)} after their word")


def _confirmation(evidence: Evidence, person: Person, promise: Promise, names: Aliases) -> None:
    asked = [text.at for text in evidence.texts_to[person.phone] if text.kind is Kind.CONFIRM_PHONE]
    # asked again a year later: numbers age
    count = len(asked) - sum(after - before >= A_YEAR for before, after in pairwise(sorted(asked)))
    wanted = 1 if person.consent_care and person.status == "active" else 0
    if wanted or count:
        promise.look(count == wanted, f"{names.of(person.key)} was asked {count} times, {wanted} promised")


def _once(evidence: Evidence, person: Person, promise: Promise, names: Aliases) -> None:
    seen: set[str] = set()
    for text in evidence.texts_to[person.phone]:
        if text.kind in _ASKED_ONCE:
            again = text.body in seen
            promise.look(not again, f"{text.kind.value} to {names.of(person.key)}, {text.at:%a %d %b %H:%M}Z")
            seen.add(text.body)


def _answers(evidence: Evidence, promise: Promise) -> None:
    """What people write about themselves is answered within a minute, at any hour."""
    for said in evidence.said:
        if said.means not in {"crisis", "call now", "call later", "words", "wrong number", "stranger"}:
            continue
        answered = any(
            said.real <= text.real and text.at - said.at <= A_MINUTE and text.kind in ANSWERS
            for text in evidence.texts_to[said.handset]
        )
        promise.look(answered, f"a text ({said.means}) of {said.at:%a %d %b %H:%M}Z got no answer")
