"""What a trainer can let go wrong from the page: buttons over the wall's own faults and handset modes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from notifications.phone_wall.fault_plan import outage_from
from notifications.phone_wall.faults import Fault, Rule
from notifications.phone_wall.records import HandsetMode, VoiceMode
from notifications.phone_wall.wall import Wall
from notifications.phone_wall.words import Sentence, WrongActError, _

OUTAGE_SECONDS: Final = 60.0
_LATE: Final = 15.0  # long enough to be seen on the page, short enough for a lesson
_LATER: Final = Rule(seconds=(_LATE, _LATE))


@dataclass(frozen=True, slots=True)
class Button:
    """One thing that can go wrong, once, in the words of whoever watches."""

    fault: Fault
    words: str
    rule: Rule | None = None


BUTTONS: Final[Sequence[Button]] = (
    Button(Fault.NOT_DELIVERED, _("The next text does not arrive")),
    Button(Fault.THROTTLED, _("The next text is turned away: too many at once")),
    Button(Fault.CUT_AFTER, _("The next text arrives, and nobody says that it was taken")),
    Button(Fault.CALLBACK_LATE, _("The next receipt comes 15 seconds late"), _LATER),
    Button(Fault.CALLBACK_LOST, _("The next receipt never comes")),
    Button(Fault.WEBHOOK_LATE, _("The next reply is passed on 15 seconds late"), _LATER),
    Button(Fault.WEBHOOK_LOST, _("The next reply is not passed on")),
    Button(Fault.WEBHOOK_REPEATED, _("The next reply is passed on several times")),
)
RARER: Final[Mapping[Fault, str]] = {
    Fault.ERROR_BEFORE: _("The next text is turned away: an error of the provider's"),
    Fault.RESET_BEFORE: _("The connection breaks before the next text is taken"),
    Fault.HANG_BEFORE: _("The next text is not taken, and no answer comes"),
    Fault.REFUSED: _("The next text is refused, as of somebody who said STOP"),
    Fault.SLOW: _("The next answer comes late"),
    Fault.ERROR_AFTER: _("The next text arrives, and the answer is an error"),
    Fault.RESET_AFTER: _("The next text arrives, and the connection breaks before the answer"),
    Fault.HANG_AFTER: _("The next text arrives, and no answer comes"),
    Fault.LISTED_LATE: _("The next text is missing from the provider's list for a while"),
    Fault.CALLBACKS_REORDERED: _("The receipts of the next text come in another order"),
    Fault.CALLBACK_REPEATED: _("The next receipt comes several times"),
    Fault.READ_THROTTLED: _("The next look at the provider's list is turned away: too many at once"),
    Fault.READ_ERROR: _("The next look at the provider's list fails"),
}
"""What only the wall's API lets go wrong by hand; the page says what waits."""
_WORDS: Final = {**RARER, **{button.fault: button.words for button in BUTTONS}}
_AWAY_STILL: Final = _("The provider is away for %(seconds)s seconds more")
_SAY_WHAT: Final = _("choose one of the buttons")


@dataclass(frozen=True, slots=True)
class Armed:
    """What waits to go wrong, and how often."""

    said: Sentence
    times: int = 1


def armed(wall: Wall) -> list[Armed]:
    """What waits to go wrong, and what goes wrong now."""
    found = [
        Armed(Sentence(_WORDS[fault], {}), times)
        for fault, times in wall.switched_faults.left.items()
        if times > 0
    ]
    left = wall.injector.outage.seconds_left
    return [*found, *([Armed(Sentence(_AWAY_STILL, {"seconds": f"{left:.0f}"}))] if left else [])]


def inject(wall: Wall, kind: str) -> None:
    """Let it happen once more than it already would, or the provider be away. Raises WrongActError."""
    if kind == Fault.OUTAGE:
        wall.injector.go_away(outage_from({"seconds": OUTAGE_SECONDS}))
    else:
        found = next((button for button in BUTTONS if button.fault == kind), None)
        if found is None:
            raise WrongActError(_SAY_WHAT)
        wall.switched_faults.switch(found.fault, wall.switched_faults.left[found.fault] + 1, found.rule)
    wall.store.changes.happened()


def clear(wall: Wall) -> None:
    """Let nothing go wrong any more that was switched on by hand."""
    for fault in list(wall.switched_faults.left):
        wall.switched_faults.switch(fault, 0)
    wall.injector.outage.end()
    wall.store.changes.happened()


def set_handset(wall: Wall, form: Mapping[str, Any]) -> None:
    """Let a handset behave otherwise from now on. Raises WrongActError."""
    number, mode, voice = form.get("number", ""), form.get("mode", ""), form.get("voice", "")
    if mode not in set(HandsetMode) or voice not in set(VoiceMode) or not wall.knows(number):
        raise WrongActError(_SAY_WHAT)
    wall.store.record("mode", handset=number, mode=mode)
    wall.store.record("voice", handset=number, voice=voice)
