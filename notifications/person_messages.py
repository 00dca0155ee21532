"""Messages to a person about themselves, and the few that anybody may get.

A person may be greeted by first name and told the first name of the helper who took it; nothing else.
An empty `agency` goes to a number that nobody knows: such an answer does not tell whose number this is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from notifications.message_base import (
    Answer,
    AnswerOpening,
    By,
    Care,
    CareOpening,
    Choices,
    Code,
    Digit,
    Emergency,
    Line,
    Link,
    Minutes,
    Name,
    Phone,
    Secret,
    When,
)
from notifications.message_kinds import MessageKind
from notifications.wording import cut


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPhone(CareOpening):
    """Is this your number? The first text that most people get, so it always says who we are."""

    kind: ClassVar[MessageKind] = MessageKind.CONFIRM_PHONE
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneConfirmed(Answer):
    """Confirmed, and this is what always works."""

    kind: ClassVar[MessageKind] = MessageKind.PHONE_CONFIRMED
    name: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn(CareOpening):
    """How are you? Nothing is demanded, and silence is all right.

    `link`: a private page where the same can be said, and more be asked; left out where it does not fit.
    """

    kind: ClassVar[MessageKind] = MessageKind.CHECK_IN
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInReminder(Care):
    """The one reminder of a check-in."""

    kind: ClassVar[MessageKind] = MessageKind.CHECK_IN_REMINDER


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsEnded(Answer):
    """After 0: ended, and how to return."""

    kind: ClassVar[MessageKind] = MessageKind.CONTACTS_ENDED
    name: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn(Care):
    """Shall we keep in touch? Silence is no. `code` only while something else is open."""

    kind: ClassVar[MessageKind] = MessageKind.OPT_IN
    code: Code = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptInDone(Answer):
    """After 1: we keep in touch."""

    kind: ClassVar[MessageKind] = MessageKind.OPT_IN_DONE
    name: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutDone(Answer):
    """After an opt-out in their own words: the one confirmation, and the last text."""

    kind: ClassVar[MessageKind] = MessageKind.OPT_OUT_DONE
    line: Line
    duty: Phone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation(CareOpening):
    """Will you come? It names nobody else. `code` only while something else is open."""

    kind: ClassVar[MessageKind] = MessageKind.INVITATION
    when: When
    code: Code = ""
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAccepted(Answer):
    """After 1: when, and the place behind the link."""

    kind: ClassVar[MessageKind] = MessageKind.INVITATION_ACCEPTED
    needs_link: ClassVar[bool] = True
    when: When
    link: Link = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPromised(AnswerOpening):
    """After 2: by when somebody calls."""

    kind: ClassVar[MessageKind] = MessageKind.CALL_PROMISED
    by: By
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNow(AnswerOpening):
    """After 3: by when somebody calls, and whom to reach until then."""

    kind: ClassVar[MessageKind] = MessageKind.CALL_NOW
    by: By
    line: Line
    duty: Phone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTaken(Answer):
    """After 3 or crisis words: who calls, because somebody took it. Part of the live conversation."""

    kind: ClassVar[MessageKind] = MessageKind.ESCALATION_TAKEN
    helper: Name
    by: By
    line: Line
    duty: Phone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArranged(Care):
    """After 2, later: who calls, because somebody took it. Waits for open hours, unlike EscalationTaken."""

    kind: ClassVar[MessageKind] = MessageKind.CALL_ARRANGED
    by: By


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisAnswer(AnswerOpening):
    """At once, before anybody has taken it: a person is coming, and what to do until then."""

    kind: ClassVar[MessageKind] = MessageKind.CRISIS_ANSWER
    line: Line
    emergency: Emergency


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBy(AnswerOpening):
    """Words that only a human can read: by when one does."""

    kind: ClassVar[MessageKind] = MessageKind.READ_BY
    by: By
    line: Line
    duty: Phone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAnswer(AnswerOpening):
    """After HELP, where we answer it ourselves: a person sees it too."""

    kind: ClassVar[MessageKind] = MessageKind.HELP_ANSWER
    by: By
    line: Line
    emergency: Emergency
    duty: Phone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichCode(Answer):
    """A bare digit that fits several questions. `held`: it was a 0, so care texts wait for a human."""

    kind: ClassVar[MessageKind] = MessageKind.WHICH_CODE
    digit: Digit
    code: Code
    choices: Choices
    held: bool = False

    @classmethod
    def of(cls, digit: str, questions: Iterable[tuple[str, str]], *, held: bool = False) -> "WhichCode":
        """From what was sent and (code, a word or two for it), at least one; as many as fit are listed."""
        known = [(code, cut(word, _WORD_LIMIT)) for code, word in questions]
        listed = ", ".join(f"{code} {word}" for code, word in known[:_CHOICE_LIMIT])
        return cls(digit=digit, code=known[0][0], choices=listed, held=held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who(Answer):
    """After WHO from a confirmed number: the sign-in address and nothing else."""

    kind: ClassVar[MessageKind] = MessageKind.WHO
    needs_link: ClassVar[bool] = True
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode(Answer):
    """The one-time code of a sign-in or a link."""

    kind: ClassVar[MessageKind] = MessageKind.LINK_CODE
    secret: Secret
    minutes: Minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAdded(Answer):
    """To whoever's own page got a passkey, on the phone that signs in: in case it was not them."""

    kind: ClassVar[MessageKind] = MessageKind.PASSKEY_ADDED
    agency: Name


_WORD_LIMIT = 14
_CHOICE_LIMIT = 4
