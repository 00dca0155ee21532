"""F20: people text whatever they like. Nothing breaks, nothing is lost, and only what surely decides decides.

Each seed reads 500 texts: most by the service, in a transaction that is thrown away, so that every text
meets the same open questions; some through the signed webhook of a phone wall, kept. What a text may decide
is known because it was made so: the labelled texts, the accepts and refusals of the contract in all their
spellings, and the same with more words beside them, which a human reads.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.labelled import shipped_labelled
from cism.domain.reading import ReadingKind
from cism.services import inbound
from cism.settings import WALL_NUMBER
from cism.store.db import Database
from cism.store.tables import Escalation, InboundMessage, Outbox, Question, QueueItem
from notifications.gateway import InboundSms
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.services.world import World

_A_SEED: Final = 480
_BY_WEBHOOK: Final = 20
_ACCEPTS: Final = (
    "1 {c}",
    "{c} 1",
    "1{c}",
    "1 {l}",
    "{l}1",
    " 1  {c} ",
    "1.{c}",
    "1, {c}.",
    "1-{c}",
    '"1 {c}"',
    "1\n{c}",
)
_HEDGES: Final = (
    "yes but not tonight", "1 {c} but only after 6", "maybe", "no but I can in 2 hours", "1 or 0", "1 0 {c}",
    "not 1", "{c}", "1 {c} 0 {c}", "10 {c}", "1st", "no 1", "I would say 1 {c} if my wife agrees", "1?",
    "{c} 1 or 0?", "si pero esta noche no", "1 {c} 👎", "can't do 1 {c}", "let me check, 0 or 1",
)  # fmt: skip
_WRONG: Final = ("1 {w}", "0 {w}", "{w} 1")
_CHARS: Final = (
    "abc xyz,.;:!?'\"()[]{}<>&%$#@/\\|`~^*_+=-\n\t",
    "😀👩‍👩‍👧‍👦🏳️‍🌈❤️🙏",
    "áéíóúñüßøåæłžçğ",
    "你好世界こんにちは안녕",
    "مرحباשלום",
    "\u200b\u200d\u202e\u2066\ufeff\u0301\u0300\u00a0\x00\x07\x1b",
    "'; DROP TABLE person; --{{7*7}}%s%n${x}<script>",
    "²³¼ⅣⅫ㊀①❶０９७८٣٤",
)


@dataclass(frozen=True)
class Odd:
    """A text, and what it may do to the page that its sender was asked: `1`, `0`, or nothing."""

    body: str
    may: frozenset[str | None]
    human: bool = False  # an answer, an item of the queue or an escalation must come of it


def texts(draw: random.Random, code: str, wrong: str) -> Odd:
    """One more."""
    kind = draw.randrange(7)
    names = {"c": code, "l": code.lower(), "w": wrong}
    if kind == 0:
        return Odd(draw.choice(_ACCEPTS).format(**names), frozenset({"1"}))
    if kind == 1:
        return Odd(draw.choice(_ACCEPTS).replace("1", "0").format(**names), frozenset({"0"}))
    if kind == 2:
        return Odd(draw.choice(_HEDGES).format(**names), frozenset({None}), human=True)
    if kind == 3:
        return Odd(draw.choice(_WRONG).format(**names), frozenset({None}), human=True)
    if kind == 4:
        return Odd(_wordy(draw, code), frozenset({None}), human=True)
    if kind == 5:
        return Odd(_noise(draw), frozenset({None}))
    row = draw.choice([one for lang in ("en", "es") for one in shipped_labelled(lang) if one.never_decides])
    return Odd(row.text.replace("A7K2", code), frozenset({None}))


def _wordy(draw: random.Random, code: str) -> str:
    words = (
        "tonight",
        "after",
        "my",
        "shift",
        "but",
        "only",
        "call",
        "please",
        "kids",
        "tomorrow",
        "I",
        "think",
    )
    beside = " ".join(draw.choices(words, k=draw.randint(2, 8)))
    digit = draw.choice(("1", "0"))
    return draw.choice((f"{digit} {code} {beside}", f"{beside} {digit} {code}", f"{code} {beside} {digit}"))


def _noise(draw: random.Random) -> str:
    length = draw.choice((0, 1, 3, 20, 70, 160, 161, 600, 1600))
    alphabet = draw.choice(_CHARS) if draw.random() < 0.6 else "".join(_CHARS)
    body = "".join(draw.choices(alphabet, k=length))
    body = body.lstrip("0123456789 \t\n") if body.strip()[:1].isascii() else body
    # a lone digit of whatever script is that digit, and decides as it should: this is to be none
    lone = sum(unicodedata.digit(char, None) is not None for char in body) == 1
    return f"{body} hmm" if lone else body


def fuzzed(seed: int, ground: Ground) -> Outcome:
    """One seed's 500."""
    draw = random.Random(seed)
    url = ground.prepared("sqlite", _paged, "odd-texts")
    world = World(url)
    try:
        broken, wrong, lost = _by_service(draw, world)
        broken += _by_webhook(draw, ground, world)
    finally:
        world.close()
    return Outcome(
        injected=_A_SEED + _BY_WEBHOOK,
        lost=lost,
        note=f"{wrong} wrong decisions",
        broken=tuple(broken[:6]),
    )


def _paged(db: Database) -> None:
    """Two helpers are asked, and nobody has answered."""
    world = World(db.url)
    world.log("THREAT", "jordan:A", severity="S2", ended_at=world.now())
    world.close()


def _by_service(draw: random.Random, world: World) -> tuple[list[str], int, int]:
    page = world.rows(Question, Question.kind == "page", Question.state == "open")[0]
    sender = world.cast.phone(world.key_of(page.person_id))
    wrong_code = "B2C3" if page.code != "B2C3" else "D4F5"
    broken: list[str] = []
    wrong = lost = 0
    for number in range(_A_SEED):
        odd = texts(draw, page.code or "", wrong_code)
        try:
            with world.db.thrown_away() as session:
                told, something = _reads(session, f"SMf{number}", sender, odd.body, page.id)
        except Exception as error:
            broken.append(f"broke: {type(error).__name__} at {odd.body[:60]!r}")
            continue
        if told not in odd.may:
            wrong += 1
            broken.append(f"decided {told}, may {sorted(map(str, odd.may))}: {odd.body[:60]!r}")
        lost += not something
        if not something:
            broken.append(f"nothing came of {odd.body[:60]!r}")
    return broken, wrong, lost


def _reads(session: Session, sid: str, sender: str, body: str, page: str) -> tuple[str | None, bool]:
    """What the page says afterwards, and whether anything came of the text."""
    before = _counts(session)
    inbound.receive_once(session, InboundSms(sid, sender, WALL_NUMBER, body))
    session.flush()
    session.expire_all()
    question = session.get_one(Question, page)
    reading = session.get_one(InboundMessage, sid).reading
    polite = reading == ReadingKind.ACKNOWLEDGEMENT.value  # thanks, a tapback: seen, and nothing is answered
    answered = question.answer if question.state == "answered" else None
    carrier = reading in {ReadingKind.CARRIER_STOP.value, ReadingKind.CARRIER_START.value}
    return answered, polite or carrier or answered is not None or _counts(session) != before


def _counts(session: Session) -> list[int]:
    return [
        int(session.scalar(select(func.count()).select_from(table)) or 0)
        for table in (Outbox, QueueItem, Escalation)
    ]


def _by_webhook(draw: random.Random, ground: Ground, world: World) -> list[str]:
    """The same over HTTP, signed, and kept: each leaves a row, and the web part answers."""
    web = ground.webhooks(world.db)
    wall = ground.wall(inbound_url=f"{web}/twilio/sms")
    numbers = [world.cast.phone("jordan"), world.cast.phone("sam"), "+12025550199"]
    for _ in range(_BY_WEBHOOK):
        wall.say(draw.choice(numbers), texts(draw, "A2B3", "C4D5").body or " ")
    read = len(world.rows(InboundMessage))
    return [] if read == _BY_WEBHOOK else [f"{_BY_WEBHOOK} texts came by webhook, {read} were read"]


CASES = (
    Case("F20", "10,000 odd texts: emoji, other digits, 1,600 signs, hedges", fuzzed, seeds=20, short=(0,)),
)
