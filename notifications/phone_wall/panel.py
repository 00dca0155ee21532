"""What a trainer can let go wrong from the page: buttons over the wall's own faults and handset modes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from notifications.phone_wall.fault_plan import outage_from
from notifications.phone_wall.faults import Fault, Rule
from notifications.phone_wall.records import HandsetMode, VoiceMode
from notifications.phone_wall.wall import Wall

OUTAGE_SECONDS: Final = 60.0
_LATE: Final = 15.0  # long enough to be seen on the page, short enough for a lesson


@dataclass(frozen=True, slots=True)
class Button:
    """One thing that can go wrong, once, in the words of whoever watches."""

    fault: Fault
    words: str
    rule: Rule | None = None


BUTTONS: Final[Sequence[Button]] = (
    Button(Fault.NOT_DELIVERED, "The next text does not arrive"),
    Button(Fault.THROTTLED, "The next text is turned away: too many at once"),
    Button(Fault.CUT_AFTER, "The next text arrives, and nobody says that it was taken"),
    Button(Fault.CALLBACK_LATE, "The next receipt comes 15 seconds late", Rule(seconds=(_LATE, _LATE))),
    Button(Fault.CALLBACK_LOST, "The next receipt never comes"),
    Button(Fault.WEBHOOK_LATE, "The next reply is passed on 15 seconds late", Rule(seconds=(_LATE, _LATE))),
    Button(Fault.WEBHOOK_LOST, "The next reply is not passed on"),
    Button(Fault.WEBHOOK_REPEATED, "The next reply is passed on several times"),
)
MODES: Final[Mapping[HandsetMode, str]] = {
    HandsetMode.OK: "on, texts arrive",
    HandsetMode.UNREACHABLE: "off, or without signal",
    HandsetMode.UNKNOWN: "nobody has this number",
    HandsetMode.LANDLINE: "a landline",
    HandsetMode.NO_RECEIPTS: "on, and the carrier tells nothing",
    HandsetMode.FILTERED: "the carrier throws texts away",
}
VOICES: Final[Mapping[VoiceMode, str]] = {
    VoiceMode.RINGS: "rings until you answer",
    VoiceMode.LISTENS: "picks up, presses nothing",
    VoiceMode.MACHINE: "voicemail",
    VoiceMode.BUSY: "busy",
    VoiceMode.NO_ANSWER: "nobody picks up",
}
_WORDS: Final = {button.fault: button.words for button in BUTTONS}
_SAY_WHAT: Final = "choose one of the buttons"


def armed(wall: Wall) -> list[str]:
    """What waits to go wrong, and what goes wrong now, in words."""
    found = [
        f"{_WORDS.get(fault, fault.value)}{f' ({times} times)' if times > 1 else ''}"
        for fault, times in wall.switched_faults.left.items()
        if times > 0
    ]
    left = wall.injector.outage.seconds_left
    return [*found, *([f"The provider is away for {left:.0f} seconds more"] if left else [])]


def inject(wall: Wall, kind: str) -> None:
    """Let it happen once more than it already would, or the provider be away. Raises ValueError."""
    if kind == Fault.OUTAGE:
        wall.injector.go_away(outage_from({"seconds": OUTAGE_SECONDS}))
    else:
        found = next((button for button in BUTTONS if button.fault == kind), None)
        if found is None:
            raise ValueError(_SAY_WHAT)
        wall.switched_faults.switch(found.fault, wall.switched_faults.left[found.fault] + 1, found.rule)
    wall.store.changes.happened()


def clear(wall: Wall) -> None:
    """Let nothing go wrong any more that was switched on by hand."""
    for fault in list(wall.switched_faults.left):
        wall.switched_faults.switch(fault, 0)
    wall.injector.outage.end()
    wall.store.changes.happened()


def set_handset(wall: Wall, form: Mapping[str, Any]) -> None:
    """Let a handset behave otherwise from now on. Raises ValueError."""
    number, mode, voice = form.get("number", ""), form.get("mode", ""), form.get("voice", "")
    if mode not in set(HandsetMode) or voice not in set(VoiceMode) or not wall.knows(number):
        raise ValueError(_SAY_WHAT)
    wall.store.record("mode", handset=number, mode=mode)
    wall.store.record("voice", handset=number, voice=voice)
