"""Webhooks that come several times at once, in every order, forged, and long after: F10, F11 and F13."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from sqlalchemy import select

from cism.settings import WALL_NUMBER
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import Base, Outbox
from demo.checking.words import Kind, code_of
from notifications.phone_wall.signing import signature
from tests.faults import load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.faults.provider import kinds, store_of
from tests.faults.rig import Rig

_INCIDENTS = 1
_WITH_A_PROCESS = 2  # from this seed on the real web process receives, before it the same routes in here
_STATUSES = ("queued", "sent", "delivered", "undelivered", "failed")
_EACH = 30  # orders of one seed, of the 120 that there are
_ENDED = frozenset({OutboxState.DELIVERED, OutboxState.UNDELIVERED})
_WRONG = ("not_at_all", "with_another_token", "for_another_address", "for_another_form")
_CANARY = "canary-7731 I need somebody"
_BEATING = frozenset({"heartbeat"})
"""What changes by itself, whatever comes in."""

_WRITERS = {"R4": "3", "R5": "2", "R6": "I cannot sleep since then", "R7": "STOP", "R8": "HELP", "R9": "0"}
_STRANGER = "+12015550199"


@dataclass(frozen=True)
class _Effect:
    """What the texts from handsets led to, seen from outside."""

    texts: Counter[Kind]
    waiting: Counter[str]
    escalations: int
    stopped: int


def repeated(seed: int, ground: Ground) -> Outcome:
    """Every text from a handset comes one to five times at the same moment: the effect is that of one."""
    plan = {"repeat_inbound_webhook": {"chance": 1.0, "copies": [1, 5]}}
    once, injected = _what_follows(ground, seed, {})
    often, injected = _what_follows(ground, seed, plan)
    broken = [] if once == often else [f"once: {once}; repeated: {often}"]
    more = often.texts - once.texts
    return Outcome(injected=injected, sent=often.texts.total(), doubled=more.total(), broken=tuple(broken))


def _what_follows(ground: Ground, seed: int, plan: dict[str, Any]) -> tuple[_Effect, int]:
    rig = Rig(ground, store_of(seed), web_process=seed >= _WITH_A_PROCESS)
    for place in range(_INCIDENTS):
        load.log(rig.db, f"R{place + 1}")
        rig.until_rest()
    rig.faults(plan, seed)
    says: list[tuple[str, str]] = [(one["to"], f"1 {code_of(one['body'])}") for one in rig.got(Kind.PAGE)]
    says += [(rig.phone(key), body) for key, body in _WRITERS.items()] + [(_STRANGER, "who is this")]
    with ThreadPoolExecutor(8) as beside:  # everybody at the same moment
        list(beside.map(lambda said: rig.wall.say(*said), says))
    rig.until_rest()
    for one in rig.got(Kind.PEER_TASK):
        rig.wall.say(one["to"], f"4 {code_of(one['body'])}")
    rig.until_rest()
    told = rig.injected()["injected"]
    asked = ground.cli(rig.url, "escalations", "--json")
    return _Effect(
        texts=kinds(rig.wall.texts()),
        waiting=Counter(item["kind"] for item in ground.queue(rig.url)),
        escalations=len(json.loads(asked.stdout)),
        stopped=len(rig.wall.export()["opted_out"]),
    ), sum(one["copies"] - 1 for one in told)


def every_order(seed: int, ground: Ground) -> Outcome:
    """Statuses in every order leave a text in one state; an end is never left again."""
    rig = Rig(ground, store_of(seed), check_ins=_EACH, callback_statuses=frozenset())
    rig.check_ins_due()
    rig.until_rest()
    texts = rig.got(Kind.CHECK_IN)
    orders = list(permutations(_STATUSES))[seed % 4 :: 4]
    left = 0
    for text, order in zip(texts, orders, strict=True):
        ended: OutboxState | None = None
        for status in (*order, "sent", "queued"):
            asked = {"statuses": [status], "error_code": 30006}
            rig.wall.ask("POST", f"/messages/{text['sid']}/statuses", asked)
            state = _state(rig.db, text["d"])
            left += ended is not None and state not in _ENDED
            ended = state if state in _ENDED else ended
    ends = Counter(_state(rig.db, text["d"]) for text in texts)
    waiting = Counter(item["kind"] for item in ground.queue(rig.url))
    broken = [f"{left} texts left an end"] if left else []
    if len(ends) != 1:
        broken.append(f"more than one end: {dict(ends)}")
    if waiting["call_needed"] != len(texts):
        broken.append(f"{len(texts)} texts failed, {waiting['call_needed']} calls are asked for")
    return Outcome(
        injected=len(rig.injected()["injected"]),
        sent=len(texts),
        note=f"{len(orders)} of 120 orders",
        broken=tuple(broken),
    )


def _state(db: Database, message_id: str) -> OutboxState:
    with db.read() as session:
        return session.scalars(select(Outbox.state).where(Outbox.id == message_id)).one()


def forged(seed: int, ground: Ground) -> Outcome:
    """What the provider did not sign, or signed for something else, changes nothing; nor does a replay."""
    rig = Rig(ground, store_of(seed), web_process=True)
    load.log(rig.db, "R1")
    rig.until_rest()
    heard = rig.wall.say(rig.phone("R4"), "2")
    rig.until_rest()
    before = _fingerprint(rig.db)
    forms = _forms(rig)
    let_in = [
        f"{signed} at {url.partition('/twilio')[2]}"
        for url, form in forms
        for signed in _WRONG
        if _post(rig, url, form, signed) != 403
    ]
    replayed = _form(rig.phone("R4"), "2", str(heard["sid"]))
    sms = f"{rig.settings.public_url}/twilio/sms"
    answers = {_post(rig, sms, replayed, "rightly") for _ in range(3)}
    broken = [f"let in: {', '.join(let_in)}"] if let_in else []
    if answers != {200}:
        broken.append(f"a webhook that comes again is answered {answers}: the provider would go on")
    if _fingerprint(rig.db) != before:
        broken.append("something was written")
    broken += _told_by_logs(rig, [form for _, form in forms])
    told = rig.injected()["injected"]
    return Outcome(
        injected=len(told),
        sent=len(rig.wall.texts()),
        note=f"{len(told) - 3} forged, 3 replayed",
        broken=tuple(broken),
    )


def _forms(rig: Rig) -> list[tuple[str, dict[str, str]]]:
    base = f"{rig.settings.public_url}/twilio"
    page = rig.got(Kind.PAGE)[0]
    accept = f"1 {code_of(page['body'])}"
    status = {"MessageSid": page["sid"], "MessageStatus": "undelivered", "ErrorCode": "30005"}
    call = {"CallSid": "CA" + "1" * 32, "CallStatus": "in-progress", "Digits": "1", "From": page["to"]}
    return [
        (f"{base}/sms", _form(rig.phone("R5"), "STOP", "SM" + "2" * 32)),
        (f"{base}/sms", _form(rig.phone("R6"), _CANARY, "SM" + "3" * 32)),
        (f"{base}/sms", _form(page["to"], accept, "SM" + "4" * 32)),
        (f"{base}/status?d={page['d']}", status),
        (f"{base}/voice?c=0000", call),
        (f"{base}/voice", call),
    ]


def _form(from_: str, body: str, sid: str) -> dict[str, str]:
    return {"MessageSid": sid, "From": from_, "To": WALL_NUMBER, "Body": body, "NumMedia": "0"}


def _post(rig: Rig, url: str, form: dict[str, str], signed: str) -> int:
    answer = rig.wall.ask("POST", "/webhooks", {"url": url, "form": form, "signed": signed})
    return int(answer["status"] or 0)


def _fingerprint(db: Database) -> str:
    """Everything in the database, but for what beats by itself."""
    found = hashlib.sha256()
    with db.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name not in _BEATING:
                rows = session.execute(table.select().order_by(*table.primary_key.columns))
                found.update(repr([table.name, *rows]).encode())
    return found.hexdigest()


def _told_by_logs(rig: Rig, forms: Sequence[dict[str, str]]) -> list[str]:
    """No token, no signature, no number and no words of whoever was turned away."""
    account, token = rig.settings.wall_credentials()
    del account
    url = f"{rig.settings.public_url}/twilio/sms"
    secret: dict[str, Callable[[], list[str]]] = {
        "the token": lambda: [token],
        "a signature": lambda: [signature(url, list(form.items()), token) for form in forms],
        "a number": lambda: [form["From"] for form in forms if "From" in form],
        "words": lambda: [_CANARY],
    }
    logs = "".join(path.read_text(errors="replace") for path in rig.ground.home.glob("*.log"))
    return [f"a log holds {what}" for what, words in secret.items() if any(one in logs for one in words())]


CASES = (
    Case("F10", "each inbound webhook one to five times at once", repeated, seeds=10, short=(0,)),
    Case("F11", "status callbacks in every order", every_order, seeds=8, short=(0,)),
    Case("F13", "forged, unsigned and replayed webhooks", forged, seeds=4, short=(0,)),
)
