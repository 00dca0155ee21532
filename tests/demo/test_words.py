"""The checker tells every text of the product by its words alone, as whoever reads it would."""

from __future__ import annotations

import pytest

from demo.checking.words import ANSWERS, PROACTIVE, Kind, kind_of, telling_word
from notifications.languages import shipped
from notifications.lint import variants
from notifications.message_base import Message, Purpose
from notifications.message_kinds import MessageKind
from notifications.messages import MESSAGE_CLASSES
from notifications.render import render

_CALLED = {
    MessageKind.CHECK_IN_REMINDER: Kind.REMINDER,
    MessageKind.ESCALATION_COVERED: Kind.COVERED,
    MessageKind.TEAM_MEMBER_STOPPED: Kind.MEMBER_STOPPED,
    MessageKind.UNSETTLED_SEND: Kind.UNSETTLED,
}
_CLASSES = [pytest.param(kind, cls, id=kind.value) for kind, cls in MESSAGE_CLASSES.items()]


@pytest.mark.parametrize("tag", shipped())
@pytest.mark.parametrize(("kind", "message_class"), _CLASSES)
def test_every_text_is_told_by_its_words(kind: MessageKind, message_class: type[Message], tag: str) -> None:
    wanted = _CALLED.get(kind) or Kind[kind.name]
    for message in variants(message_class):
        assert kind_of(render(message, tag)) is wanted, render(message, tag)


@pytest.mark.parametrize("tag", shipped())
@pytest.mark.parametrize(("kind", "message_class"), _CLASSES)
def test_no_text_of_the_product_would_give_anything_away(
    kind: MessageKind, message_class: type[Message], tag: str
) -> None:
    assert not [text for m in variants(message_class) if telling_word(text := render(m, tag))]


def test_the_chance_letters_of_an_address_are_no_word() -> None:
    assert telling_word("Details: https://peers.example/a/gunDiPSq-shot") is None
    assert telling_word("The gun: https://peers.example/a/jyUnNDiP") == "gun"


def test_all_care_texts_are_held_to_the_hours_and_all_answers_to_a_conversation() -> None:
    about = {kind: cls.purpose for kind, cls in MESSAGE_CLASSES.items()}
    care = {
        _CALLED.get(kind) or Kind[kind.name] for kind, purpose in about.items() if purpose is Purpose.CARE
    }
    answers = {_CALLED.get(k) or Kind[k.name] for k, purpose in about.items() if purpose is Purpose.ANSWER}
    of_the_team = {
        Kind.ALREADY_COVERED,
        Kind.NOTED,
        Kind.HANDED_BACK,
        Kind.WHO,
        Kind.LINK_CODE,
        Kind.PASSKEY_ADDED,
        *(Kind.WORDS, Kind.MY_TASKS, Kind.MY_TURNS, Kind.DESK, Kind.BRIEF_IN, Kind.WORD_DONE, Kind.WORD_HOW),
        Kind.SWAP_ANSWER,
    }
    assert care == set(PROACTIVE)
    assert answers - of_the_team == set(ANSWERS)
