"""Urgent texts by mail while the provider does not take them: claim, commit, send, record, as everywhere.

Pages and escalations to staff, each once. One that the provider surely has not leaves by mail instead, and no
text follows it. One of which nobody can say whether it arrived is repeated by mail, and says so (ADR 0015).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.delivery import Happening, after
from cism.domain.guarantee import Carried, class_of
from cism.domain.second_way import goes_now
from cism.services import engine, events, may_leave, outbox, people, provider_line, words
from cism.services.claims import PERSON_COLUMNS
from cism.services.gateway import build_second
from cism.services.settling import again_in
from cism.settings import Settings
from cism.store.db import Database, in_transaction, real_now
from cism.store.db import now as product_now
from cism.store.states import OutboxState
from cism.store.tables import Agency, Incident, Outbox, Person, Question
from notifications.gateway import Gateway, OutgoingSms, Receipt, SendError, SendFailure
from notifications.messages import MessageKind
from notifications.second_way import SecondWay, write

AT_ONCE: Final = 20
LOOKS_BACK: Final = timedelta(minutes=30)  # an unclear send that is older is a human's, and old news by mail
HELD_BACK: Final = timedelta(seconds=10)  # longer than any waits whom a provider takes that only stumbled
PROBES_EVERY: Final = timedelta(seconds=10)
_KINDS: Final = [kind for kind in MessageKind if class_of(kind) in {Carried.PAGE, Carried.ESCALATION}]
_ALSO: Final = (Outbox.state, Outbox.incident_id, Outbox.tried_real, Person.email, Person.agency)
_UNCLEAR: Final = frozenset({OutboxState.UNKNOWN, OutboxState.UNSETTLED})


@dataclass(frozen=True, slots=True)
class Mail:
    """One that this process alone may write now. `repeat`: a text may have arrived."""

    id: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    repeat: bool


class Mailer:
    """Writes for one process; several may work at once."""

    def __init__(
        self, db: Database, gateway: Gateway, primary: Gateway, *, number: str, address: str
    ) -> None:
        """`number`: where answers are texted to; `address`: a pattern with {email} or {digits}."""
        self.db, self.gateway, self.primary = db, gateway, primary
        self._number, self._address = number, address
        self._probe_at: datetime | None = None

    async def write(self) -> int:
        """Write what is to go this way now; returns how many a mail server took."""
        await self._probe()
        mails = await in_transaction(self.db, claim, number=self._number, address=self._address)
        return sum(await asyncio.gather(*(self._write(mail) for mail in mails)))

    async def aclose(self) -> None:
        """Let go of the mail server."""
        await self.gateway.aclose()

    async def _probe(self) -> None:
        """While the provider counts as failing and no text waits for it, a question stands for a text."""
        real = self.db.clock.now()
        if self._probe_at is not None and real < self._probe_at:
            return
        if not await in_transaction(self.db, _wants_probe):
            return
        self._probe_at = real + PROBES_EVERY
        answer: SendError | None = None
        try:
            await self.primary.inbound_since(real)
        except SendError as error:
            answer = error
        await in_transaction(self.db, _note, answer)

    async def _write(self, mail: Mail) -> bool:
        sms = OutgoingSms(mail.id, mail.to, mail.body, urgent=True, validity_seconds=may_leave.LONGEST)
        try:
            found: Receipt | SendError = await self.gateway.send(sms)
        except SendError as error:
            found = error
        await in_transaction(self.db, record, mail, found)
        return isinstance(found, Receipt)


def of(db: Database, settings: Settings, primary: Gateway) -> Mailer | None:
    """The second way of an installation beside its provider; None where it has none."""
    gateway = build_second(settings)
    if gateway is None:
        return None
    return Mailer(db, gateway, primary, number=settings.answered_at, address=settings.second_address)


def claim(session: Session, *, number: str, address: str) -> list[Mail]:
    """Take those that are to go by mail now; each is checked again as before any text."""
    now, real = product_now(session), real_now(session)
    primary = provider_line.read(session)
    query = (
        select(*PERSON_COLUMNS, *_ALSO)
        .join(Person, Person.id == Outbox.person_id)
        .join(Question, Question.id == Outbox.question_id)
        .where(
            Outbox.lane == outbox.LANE_URGENT,
            Outbox.kind.in_([kind.value for kind in _KINDS]),
            Outbox.second_real.is_(None),
            _waits(now, real, fails=primary.fails),
        )
        .order_by(Outbox.not_before)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=Outbox)
    )
    rows = session.execute(query).all()
    mails: list[Mail] = []
    for row in rows:
        if row.state is OutboxState.PENDING and not goes_now(primary, real - (row.tried_real or real)):
            continue
        to = _to(session, row, address, now)
        if to is not None:
            mails.append(_taken(session, row, to, number, real))
    return mails


def _waits(now: datetime, real: datetime, *, fails: bool) -> ColumnElement[bool]:
    """Surely not taken at least once; or unclear: settled in vain, or not worth the wait while all fails.

    While all fails also one that nobody tried for a while: what is held back from the provider is not tried.
    """
    unclear = [OutboxState.UNSETTLED, OutboxState.UNKNOWN] if fails else [OutboxState.UNSETTLED]
    tried = and_(Outbox.retry_real.is_not(None), Outbox.tried_real.is_not(None))
    found = [
        and_(Outbox.state == OutboxState.PENDING, tried),
        and_(Outbox.state.in_(unclear), Outbox.claimed_real > real - LOOKS_BACK),
    ]
    if fails:
        found.append(and_(*engine.outbox_ready(now - HELD_BACK, real), Outbox.tried_real.is_(None)))
    return or_(*found)


def _to(session: Session, row: Any, address: str, now: datetime) -> str | None:
    """Where it goes: to staff of whom all that a text asks for is true. None: not this way."""
    if may_leave.held_back(row, now) is not None:
        return None
    person = people.get(session, row.person_id)
    if not people.is_staff_for(session, person, row.incident_id):
        return None
    if "{email}" in address and not row.email:
        return None
    return address.format(email=row.email, digits=(row.phone or "").lstrip("+"))


def _taken(session: Session, row: Any, to: str, number: str, real: datetime) -> Mail:
    found = session.get_one(Outbox, row.id, populate_existing=True)
    repeat = found.state in _UNCLEAR
    found.second_real = real
    if not repeat:
        found.state, found.channel = after(found.state, Happening.CLAIMED), outbox.EMAIL
        found.claimed_real, found.attempts = real, found.attempts + 1
    return Mail(row.id, to, _words(session, row, number, repeat=repeat), repeat)


def _words(session: Session, row: Any, number: str, *, repeat: bool) -> str:
    payload = json.loads(row.payload)
    incident = session.get(Incident, row.incident_id) if row.incident_id else None
    agency = session.get(Agency, incident.agency if incident else row.agency)
    return write(
        SecondWay(
            agency=words.agency_name(session, agency.key if agency else row.agency),
            code=str(payload.get("code", "")),
            by=str(payload.get("by", "")),
            number=number,
            duty=(agency.duty_phone or "") if agency else "",
            repeat=repeat or bool(payload.get("repeat")),
        ),
        row.language,
    )


def record(session: Session, mail: Mail, found: Receipt | SendError) -> None:
    """Write down what the mail server said. What it surely has not goes on waiting, for either way."""
    row = session.execute(select(Outbox).where(Outbox.id == mail.id).with_for_update()).scalar_one()
    now, real = product_now(session), real_now(session)
    outcome = "sent" if isinstance(found, Receipt) else found.kind.value
    engine.add(session, "cism_second_way_total", outcome, 1)
    log.event("second_way.written", message=row.id, outcome=outcome, repeat=mail.repeat)
    if isinstance(found, Receipt):
        events.record(session, "second_way.sent", now, incident_id=row.incident_id, subject_id=row.id)
        if not mail.repeat:
            row.state = after(row.state, Happening.TAKEN)
            row.sid, row.sent_at, row.sent_real = row.sid or _sid(found), now, real
        return
    if found.kind in {SendFailure.RETRY, SendFailure.CONFIGURATION}:
        row.second_real = None  # surely not written: once more, later
    if mail.repeat:
        return
    if found.kind is SendFailure.UNKNOWN:
        row.state = after(row.state, Happening.LOST)
        return
    row.state, row.channel = after(row.state, Happening.NOT_TAKEN), "sms"
    row.retry_real = real + again_in(row.attempts, found, urgent=True)


def _sid(receipt: Receipt) -> str:
    return f"mail:{receipt.sid}"[:40]


def _wants_probe(session: Session) -> bool:
    if not provider_line.read(session).fails:
        return False
    waiting = select(Outbox.id).where(Outbox.state == OutboxState.PENDING, Outbox.retry_real.is_not(None))
    return session.scalar(waiting.limit(1)) is None


def _note(session: Session, answer: SendError | None) -> None:
    provider_line.note(session, [answer], real_now(session))
