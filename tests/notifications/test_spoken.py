"""What a call says: neutral to whoever picks up, in the helper's language, and well-formed."""

from __future__ import annotations

import re
from itertools import product

import pytest

from notifications.languages import TEMPLATES, Language, enabled, shipped
from notifications.lint import banned_words
from notifications.phone_wall.twiml import Gather, Hangup, Redirect, Say, verbs_of
from notifications.spoken import Spoken, Words, ask, speech, tell

LONGEST = [
    Words(agency="W" * 20, code="A7K2", call=call, again=again, by=by, duty=duty)
    for call, again, by, duty in product(
        (False, True), (False, True), ("", "Wed 10 Mar"), ("", "+12125550100")
    )
]
KEYS = {Spoken.ASK: "01", Spoken.TOLD: "1", Spoken.TAKEN: "9", Spoken.YOURS: "9"}
TO_ANYBODY = Spoken.STRANGER


@pytest.mark.parametrize("language", shipped().values(), ids=shipped())
def test_every_kind_of_words_has_a_template_in_every_language_and_none_is_left_over(
    language: Language,
) -> None:
    files = {path.name for path in (TEMPLATES / language.tag).glob("*.say.j2")}
    assert files == {f"voice_{kind}.say.j2" for kind in Spoken}


@pytest.mark.parametrize("tag", shipped())
@pytest.mark.parametrize("kind", sorted(set(Spoken) - {TO_ANYBODY}))
def test_invariant_7_no_spoken_word_tells_what_it_is_about(kind: Spoken, tag: str) -> None:
    for words in LONGEST:
        text, _ = speech(kind, words, tag)
        assert banned_words(text, shipped()[tag]) == []
        assert len(text) < 320, "nobody listens to that much"
        assert "http" not in text
        assert re.search(r"[.,][^\W\d]|\s[.,]|\.\.", text) is None, f"run together: {text}"


@pytest.mark.parametrize("tag", shipped())
@pytest.mark.parametrize("kind", sorted(set(Spoken) - {TO_ANYBODY}))
def test_exactly_the_keys_that_count_are_offered(kind: Spoken, tag: str) -> None:
    text, _ = speech(kind, Words(agency="Metro", code="A7K2"), tag)
    offered = re.findall(r"(?:press|marca) (\d)", text)
    assert "".join(sorted(offered)) == "".join(sorted(KEYS.get(kind, "")))


def test_a_helper_hears_their_own_language_and_another_one_hears_english_in_an_english_voice() -> None:
    assert speech(Spoken.PASSED, Words(), "es")[1] == "es-MX"
    assert speech(Spoken.PASSED, Words(), "en-US") == (
        "Thank you. Someone else is asked now. Goodbye.",
        "en-US",
    )
    other = Language(**{name: getattr(shipped()["es"], name) for name in Language.__slots__} | {
        "tag": "pt", "folder": TEMPLATES / "nowhere"
    })  # fmt: skip
    with enabled({"pt": other}):
        assert speech(Spoken.PASSED, Words(), "pt") == speech(Spoken.PASSED, Words(), "en")


def test_a_code_and_a_number_are_spelled_so_that_they_can_be_written_down() -> None:
    assert "The code is A 7 K 2." in speech(Spoken.ASK, Words(agency="Metro", code="A7K2"))[0]
    taken, _ = speech(Spoken.TAKEN, Words(code="A7K2", by="02:55", duty="+12125550100"))
    assert "Please call by 02:55" in taken
    assert "call 1 2 1 2 5 5 5 0 1 0 0" in taken


def test_a_menu_waits_for_one_key_and_goes_on_in_silence() -> None:
    words = Words(agency="O'Brien & Sons <Fire>", code="A7K2")
    script = ask(
        Spoken.ASK,
        words,
        "en",
        answer_to="https://x.example/v?c=1&n=1",
        silence_to="https://x.example/v?c=1&n=2",
    )
    gather, onward = verbs_of(script)
    assert isinstance(gather, Gather)
    assert (gather.action, gather.most, gather.timeout) == ("https://x.example/v?c=1&n=1", 1, 8.0)
    assert "O'Brien & Sons" in gather.says[0]
    assert onward == Redirect("https://x.example/v?c=1&n=2")


def test_a_menu_with_nowhere_to_go_ends_in_silence() -> None:
    script = ask(Spoken.YOURS, Words(code="A7K2"), "en", answer_to="https://x.example/v", silence_to=None)
    assert list(verbs_of(script))[1] == Hangup()


@pytest.mark.parametrize("kind", Spoken)
def test_words_that_ask_nothing_are_said_and_the_call_ends(kind: Spoken) -> None:
    said, end = verbs_of(tell(kind, Words(agency="Metro", code="A7K2")))
    assert isinstance(said, Say)
    assert end == Hangup()


def test_whoever_rings_our_number_is_told_where_a_person_is_and_not_whose_number_it_is() -> None:
    text, _ = speech(Spoken.STRANGER, Words(agency="Metro"))
    assert "9 1 1" in text
    assert "9 8 8" in text
    assert "Metro" not in text
