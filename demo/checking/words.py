"""What kind of text this is, told from its words alone, and words that may not be in it."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from demo.checking import spanish


class Kind(Enum):
    """The kinds of text, by what they mean to whoever reads them."""

    PAGE = "page"
    ASSIGNED = "assigned"
    COVERED = "covered"
    ALREADY_COVERED = "already covered"
    STAND_DOWN = "stand-down"
    RELEASED = "released"
    TEAM_NOTICE = "team notice"
    MEMBER_STOPPED = "team member stopped"
    APPROVAL = "approval"
    SESSION_TEAM = "session team"
    SESSION_REMINDER = "session reminder"
    SESSION_OFF = "session off"
    SESSION_REPORT = "session report"
    PEER_TASK = "call to make"
    PEER_TASK_OVERDUE = "call overdue"
    NOTED = "noted"
    HANDED_BACK = "handed back"
    ESCALATION = "escalation"
    WELFARE = "welfare"
    ESCALATION_ASSIGNED = "escalation taken on"
    ESCALATION_OVERDUE = "escalation overdue"
    QUEUE_NEW = "to read"
    QUEUE_OVERDUE = "unread"
    ASK_EXPOSURE_END = "finish time missing"
    MHP_REMINDER = "appointments due"
    UNSETTLED = "unsettled text"
    ATTESTATION = "nightly check"
    RESTORED = "records restored"
    LOOKED = "opened list"
    OFFERS_DUE = "offers to make"
    TURN = "colleague needed"
    TURN_TAKEN = "colleague taken"
    HAND_OFF = "handed over"
    SWAP_ASK = "asked for a turn"
    SWAP_TOLD = "turn swapped or not"
    CONFIRM_PHONE = "confirm phone"
    PHONE_CONFIRMED = "phone confirmed"
    CHECK_IN = "check-in"
    REMINDER = "reminder"
    CONTACTS_ENDED = "contacts ended"
    OPT_IN = "opt-in"
    OPT_IN_DONE = "opt-in done"
    OPT_OUT_DONE = "opt-out done"
    INVITATION = "invitation"
    INVITATION_ACCEPTED = "invitation accepted"
    CALL_PROMISED = "call promised"
    CALL_ARRANGED = "call arranged"
    CALL_NOW = "call now"
    ESCALATION_TAKEN = "somebody will call"
    CRISIS_ANSWER = "crisis answer"
    READ_BY = "will be read"
    HELP_ANSWER = "help answer"
    WHICH_CODE = "which code"
    WHO = "sign-in address"
    LINK_CODE = "sign-in code"
    PASSKEY_ADDED = "new passkey"
    WORDS = "what can be texted"
    MY_TASKS = "own tasks"
    MY_TURNS = "own turns"
    DESK = "not taken yet"
    BRIEF_IN = "brief"
    WORD_DONE = "word done"
    WORD_HOW = "word not understood"
    SWAP_ANSWER = "turn asked or kept"
    UNKNOWN = "unknown"


# Sent because a time has come, not because the person just wrote: these keep quiet hours always.
PROACTIVE: Final = frozenset(
    {Kind.CHECK_IN, Kind.REMINDER, Kind.OPT_IN, Kind.INVITATION, Kind.CONFIRM_PHONE, Kind.CALL_ARRANGED}
)
# About the reader's own care, in answer to what they wrote: at any hour, if they did write.
ANSWERS: Final = frozenset(
    {
        *(Kind.PHONE_CONFIRMED, Kind.CONTACTS_ENDED, Kind.OPT_IN_DONE, Kind.OPT_OUT_DONE),
        *(Kind.INVITATION_ACCEPTED, Kind.CALL_PROMISED, Kind.CALL_NOW, Kind.ESCALATION_TAKEN),
        *(Kind.CRISIS_ANSWER, Kind.READ_BY, Kind.HELP_ANSWER, Kind.WHICH_CODE),
    }
)
ASKS_FOR_HELP: Final = frozenset({Kind.ESCALATION, Kind.WELFARE, Kind.QUEUE_OVERDUE})

# The first that is found in the text tells; more special ones stand first.
_SIGNS: Final[tuple[tuple[Kind, str], ...]] = (
    (Kind.WORDS, r"you can text: "),
    (Kind.MY_TASKS, r"^Yours: |^Nothing is asked of you now"),
    (Kind.MY_TURNS, r"^On call: |^You have no turn on call"),
    (Kind.DESK, r"^Not taken yet: |^Nobody waits to be called"),
    (Kind.BRIEF_IN, r"^In short: "),
    (Kind.WORD_DONE, r"^(?:[A-Z]\d[A-Z]\d: )?Done: "),
    (Kind.WORD_HOW, r"^Not done: "),
    (Kind.SWAP_ANSWER, r"^Your turn on call "),
    (Kind.CONFIRM_PHONE, r"this is me"),
    (Kind.PHONE_CONFIRMED, r"your number is confirmed"),
    (Kind.REMINDER, r"again, just this once"),
    (Kind.OPT_IN, r"Shall we keep in touch"),
    (Kind.CHECK_IN, r"No need to answer\. 1 all good"),
    (Kind.CONTACTS_ENDED, r"no more check-ins\. You can come back"),
    (Kind.OPT_IN_DONE, r"we keep in touch\. Any time"),
    (Kind.OPT_OUT_DONE, r"no more texts from us"),
    (Kind.INVITATION_ACCEPTED, r"^Good, see you"),
    (Kind.INVITATION, r"ptional get-together"),
    (Kind.CRISIS_ANSWER, r"In danger: call .* any time\.(?: Command sees no replies\.)?$"),
    (Kind.READ_BY, r"A person will read this by"),
    (Kind.HELP_ANSWER, r"(?:gets|get) in touch by"),
    (Kind.WHICH_CODE, r"^Which one\?"),
    (Kind.WHO, r"^Sign in here:|has the sign-in address"),
    (Kind.PASSKEY_ADDED, r"a passkey was added just now"),
    (Kind.LINK_CODE, r"^For your sign-in"),
    (Kind.TEAM_NOTICE, r"has \d+ of \d+ people"),
    (Kind.PAGE, r"assignment(?: \(repeat\))?, answer by"),
    (Kind.ASSIGNED, r"you are on[.,]"),
    (Kind.ALREADY_COVERED, r"already covered, thank you"),
    (Kind.STAND_DOWN, r"stand-down, (?:no action needed|but please still call)"),
    (Kind.RELEASED, r"someone else takes \S+ over"),
    (Kind.COVERED, r"is covered(?: by .+)?, no action needed"),
    (Kind.MEMBER_STOPPED, r"are off, pages too"),
    (Kind.APPROVAL, r"a group meeting is proposed"),
    (Kind.SESSION_REPORT, r"how many came to the meeting"),
    (Kind.SESSION_REMINDER, r"reminder, meeting"),
    (Kind.SESSION_OFF, r"the meeting .+ is off"),
    (Kind.SESSION_TEAM, r"(?:you are down for the|team:|run by peers:|late:) meeting"),
    (Kind.PEER_TASK_OVERDUE, r"how was your call\?"),
    (Kind.ESCALATION_OVERDUE, r"how did \S+ go\?"),
    (Kind.TURN_TAKEN, r"\b[A-Z]\d[A-Z]\d is yours(?:, thank you)?\. By"),
    (Kind.ESCALATION_ASSIGNED, r"\b[A-Z]\d[A-Z]\d is yours"),
    (Kind.PEER_TASK, r"please call by|: call by|: one more call by|: also call by"),
    (Kind.NOTED, r"noted, thank you"),
    (Kind.HANDED_BACK, r"is handed back"),
    (Kind.ESCALATION, r"someone (?:asks for a call|has waited)"),
    (Kind.WELFARE, r"someone (?:is still|was) not reached by phone|someone (?:is still not|was not) reached"),
    (Kind.QUEUE_OVERDUE, r"a text has waited"),
    (Kind.QUEUE_NEW, r"(?:a text waits to be read|a call is needed|calls are needed), please by"),
    (Kind.QUEUE_NEW, r"who was there is not known yet"),
    (Kind.ASK_EXPOSURE_END, r"a finish time is missing"),
    (Kind.MHP_REMINDER, r"individual appointments are due"),
    (Kind.UNSETTLED, r"may not have arrived"),
    (Kind.ATTESTATION, r"nightly check"),
    (Kind.RESTORED, r"records are back at"),
    (Kind.LOOKED, r"a list was opened out of the usual way"),
    (Kind.OFFERS_DUE, r"offers? to make by"),
    (Kind.TURN, r"a colleague is needed by"),
    (Kind.HAND_OFF, r": received, a colleague has taken over|nobody could take over yet"),
    (Kind.SWAP_ASK, r"take on call .+\? 1 "),
    (Kind.SWAP_TOLD, r"n call .+ (?:is (?:yours|still yours)|is no longer asked)|takes your turn"),
    (Kind.CALL_ARRANGED, r"^Hi\b.* will call you by"),
    (Kind.CALL_PROMISED, r"omeone from the .* will call you by .* Sooner\? Text 3"),
    (Kind.CALL_PROMISED, r"run by peers: someone will call you by .* Sooner\? Text 3"),
    (Kind.CALL_NOW, r"omeone from the .* will call you by|run by peers: someone will call you by"),
    (Kind.ESCALATION_TAKEN, r"^\S+ will call you by"),
)
_ALL_SIGNS: Final = (*_SIGNS, *((Kind[name], sign) for name, sign in spanish.SIGNS))
_COMPILED: Final = tuple((kind, re.compile(sign)) for kind, sign in _ALL_SIGNS)
_ADDRESS: Final = re.compile(r"https?://\S+")
_CODE: Final = re.compile(r"\b[A-Z][0-9][A-Z][0-9]\b")
# What would tell a stranger who sees the locked screen what it is about: beginnings of words.
_TELLING: Final = re.compile(
    rf"\b({spanish.TELLING}|"
    r"suicid|shoot|shot|gun|kill|dead|death|died|fatal|trauma|critical|incident|debrief|defus|counsel|"
    r"therap|psych|clinic|victim|injur|wound|stress|mental|officer|escalat|crisis|weapon|murder|assault)",
    re.IGNORECASE,
)


def kind_of(body: str) -> Kind:
    """The kind of a text of ours."""
    return next((kind for kind, sign in _COMPILED if sign.search(body)), Kind.UNKNOWN)


def code_of(body: str) -> str | None:
    """The first code that stands in a text."""
    found = _CODE.search(body.upper())
    return found.group() if found else None


def digit_and_code(body: str) -> tuple[str | None, str | None]:
    """What a helper's short answer says: the digit, and the code where one is given."""
    found = re.fullmatch(
        r"\s*(?:(\d)[\s.,:]*([A-Z]\d[A-Z]\d)?(?:\s+\d+)?|([A-Z]\d[A-Z]\d)[\s.,:]*(\d))\s*", body.upper()
    )
    if found is None:
        return None, None
    return found[1] or found[4], found[2] or found[3]


def telling_word(body: str) -> str | None:
    """A word that may stand in no text, or None."""
    found = _TELLING.search(_ADDRESS.sub("", body))  # the chance letters of an address are no words
    return found.group(1).lower() if found else None
