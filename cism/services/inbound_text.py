"""One text that came in, while it is acted on: whose it is, what it says, when and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cism.domain.caps import REPLIES_AN_HOUR, is_answered
from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import next_open
from cism.domain.replies import Reading, ReadingKind
from cism.domain.triage import Triage, queue_deadline
from cism.services import care_calls, notify, queue, unsent
from cism.store.db import find_hash
from cism.store.tables import InboundMessage, Person, Question
from notifications import messages as m
from notifications.gateway import InboundSms
from notifications.message_kinds import MessageKind

LATE = timedelta(minutes=30)  # an answer to an older text waits for open hours, unless it cannot wait
_CANNOT_WAIT = frozenset(
    {ReadingKind.CARE_LATER, ReadingKind.CARE_NOW, ReadingKind.CARRIER_HELP, ReadingKind.CRISIS}
)


@dataclass(frozen=True, slots=True)
class Text:
    """One text being acted on."""

    session: Session
    sms: InboundSms
    person: Person | None
    agency: str
    reading: Reading
    triage: Triage
    asked: dict[str, Question]
    now: datetime
    late: bool

    @property
    def zone(self) -> str:
        """Whose clock an answer speaks of: the sender's, or of a stranger that of whoever reads it."""
        return self.person.zone if self.person else notify.zone_of(self.session, self.agency)

    @property
    def wish(self) -> care_calls.Wish:
        """The call that the sender may want."""
        return care_calls.Wish(
            self.session,
            self.person,
            self.agency,
            self.reading,
            self.triage,
            self.asked.values(),
            self.sms.sid,
            self.now,
        )

    @property
    def frozen(self) -> bool:
        """Whether this number may no longer be this person's."""
        return self.person is not None and self.person.frozen_at is not None

    @property
    def leaves_at(self) -> datetime:
        """When the answer goes: at once, or to an old text in open hours, unless it cannot wait."""
        if not self.late or self.person is None:
            return self.now
        if self.reading.kind in _CANNOT_WAIT or self.reading.digit == "3":
            return self.now
        return next_open(
            self.now, self.person.zone, SleepWindow(self.person.sleep_start, self.person.sleep_end)
        )

    @property
    def read_by(self) -> datetime:
        """By when a human has read it."""
        rule = care_calls.protocol_of(self.session, self.agency).queue
        return queue_deadline(self.now, rule, self.zone)

    @property
    def told_name(self) -> str:
        """The agency's name, for an answer; no answer tells a stranger what this number is."""
        if self.person is None or self.frozen:
            return ""
        return notify.agency_name(self.session, self.person.agency)

    @property
    def too_many(self) -> bool:
        """Whether this number wrote more in an hour than is answered."""
        return self._written_in_an_hour()[0] > REPLIES_AN_HOUR

    def reply(self, message: m.Message, name: str) -> None:
        """Answer the sender; once by name, unless two machines are answering each other."""
        if not is_answered(MessageKind(message.kind), *self._written_in_an_hour()):
            self._tell_of_machines()
            return
        notify.direct(
            self.session,
            message,
            key=f"{name}:{self.sms.sid}",
            now=self.now,
            # a frozen number may be a stranger's by now: it is answered like one
            person=None if self.frozen else self.person,
            to_number=self.sms.from_,
            not_before=self.leaves_at,
        )

    def say_read_by(self) -> None:
        """Answer that a human reads it, and by when."""
        duty, line = notify.lines(self.session, self.agency)
        read_by, leaves = self.read_by, self.leaves_at
        by = notify.by_when(read_by if read_by > leaves else leaves + LATE, leaves, self.zone)
        self.reply(m.ReadBy(agency=self.told_name, by=by, duty=duty, line=line), "readby")

    def _written_in_an_hour(self) -> tuple[int, int]:
        """How many texts this number sent in the last hour, and how many of them asked for a call now."""
        asked_now = case((InboundMessage.reading == ReadingKind.CARE_NOW.value, 1), else_=0)
        count, calls = self.session.execute(
            select(func.count(), func.sum(asked_now)).where(
                InboundMessage.from_hash == find_hash(self.session, "phone", self.sms.from_),
                InboundMessage.received_at > self.now - timedelta(hours=1),
            )
        ).one()
        return int(count), int(calls or 0)

    def _tell_of_machines(self) -> None:
        """What this number writes is still read and acted on, but not answered: somebody looks."""
        queue.alarm(
            self.session,
            "too_many_texts",
            self.agency,
            self.now,
            unsent.READ_WITHIN,
            self.person,
            self.sms.sid,
        )
