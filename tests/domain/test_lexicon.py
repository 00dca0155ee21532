from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cism.domain.escalation_level import EscalationLevel
from cism.domain.lexicon import lexicon_from, load_lexicons, shipped_lexicons
from cism.domain.replies import ReadingKind, Sender, read
from cism.domain.reply_text import Phrase, Searchable, is_emoji_only, lone_digit, tidy
from cism.errors import BadInput

GERMAN = """
language: de
crisis: {EMERGENCY: [will sterben], URGENT: [hilf mir]}
opt_out: {anywhere: [keine nachrichten mehr], alone: [genug], with_digit: [genug]}
who_is_this: {anywhere: [wer ist da], alone: [wer]}
call_now: [ruf mich jetzt an]
filler: [bitte]
tapback: {verbs: [gefällt], objects: [ein bild]}
numbers: {zwei: "2", drei: "3"}
"""


def small(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "language": "xx",
        "crisis": {"EMERGENCY": ["aaa bbb"], "URGENT": ["ccc"]},
        "opt_out": {"anywhere": ["ddd eee"], "alone": ["ddd"], "with_digit": ["ddd"]},
        "who_is_this": {"anywhere": ["fff ggg"], "alone": ["fff"]},
        "call_now": ["hhh"],
        "filler": ["iii"],
        "tapback": {"verbs": ["jjj"], "objects": ["kkk"]},
        "numbers": {"lll": "2", "mmm": "3"},
    }
    return data | changes


def test_a_third_language_needs_its_file_and_no_code(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text(GERMAN, encoding="utf-8")
    lexicons = (*shipped_lexicons(), *load_lexicons(tmp_path))
    sender = Sender(known=True)
    kinds = {
        "Ich WILL   sterben": ReadingKind.CRISIS,
        "Hilf mir": ReadingKind.CRISIS,
        "bitte keine Nachrichten mehr": ReadingKind.OPT_OUT,
        "Genug bitte 1": ReadingKind.OPT_OUT,
        "Wer ist da?": ReadingKind.WHO_IS_THIS,
        "drei": ReadingKind.CARE_NOW,
        "zwei": ReadingKind.CARE_LATER,
        "ruf mich jetzt an bitte": ReadingKind.CARE_NOW,
        "Gefällt „“": ReadingKind.FREE_TEXT,
        "Gefällt “1”": ReadingKind.ACKNOWLEDGEMENT,
        "ya no puedo más": ReadingKind.CRISIS,
    }
    assert {text: read(text, sender, (), lexicons).kind for text in kinds} == kinds


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"language": None}, "language"),
        ({"crisis": {"EMERGENCY": [], "URGENT": ["ccc"]}}, "crisis.EMERGENCY"),
        ({"crisis": {"EMERGENCY": ["aaa"], "URGENT": [True]}}, "crisis.URGENT"),
        ({"crisis": None}, "crisis.URGENT"),
        ({"crisis": {"EMERGENCY": ["..."], "URGENT": ["ccc"]}}, "'...'"),
        ({"opt_out": {"anywhere": "ddd"}}, "opt_out.anywhere"),
        ({"together": [{"level": "ROUTINE", "all": [["a"]]}]}, "together.0"),
        ({"together": [{"level": "URGENT"}]}, "together.0"),
        ({"together": ["x"]}, "together.0"),
        ({"together": [{"level": "URGENT", "all": [["a"], []]}]}, "together.0"),
        ({"numbers": {"lll": "2"}}, "numbers"),
        ({"numbers": None}, "numbers"),
    ],
)
def test_a_lexicon_that_lacks_something_is_refused_by_name(change: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput) as refused:
        lexicon_from(small(**change), "xx.yaml")
    assert any(error.startswith("xx.yaml: ") and place in error for error in refused.value.errors)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"language": ""}, "language: must be a word"),
        ({"filler": []}, "filler: needs at least one phrase"),
        (
            {"filler": [True]},
            "filler: must be a list of phrases (quote words that YAML reads as true or false)",
        ),
        (
            {"together": [{"level": "URGENT", "all": []}]},
            "together.0: needs `level` URGENT or EMERGENCY and `all`, a list of lists of phrases",
        ),
        (
            {"together": [{"level": "URGENT", "all": [["..."]]}]},
            "together.0: '...' has no letter that can be looked for",
        ),
        ({"numbers": {"lll": "2"}}, "numbers: must name at least the digits 2 and 3, as text"),
    ],
)
def test_what_a_lexicon_lacks_is_told_in_words(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as refused:
        lexicon_from(small(**change), "xx.yaml")
    assert refused.value.errors == [f"xx.yaml: {told}"]


def test_a_word_that_takes_a_wish_back_is_looked_for_first() -> None:
    words = {"anywhere": ["ddd eee"], "alone": ["ddd"], "with_digit": ["ddd"], "unless": ["uuu"]}
    lexicon = lexicon_from(small(opt_out=words))
    assert lexicon.language == "xx"
    assert lexicon.opts_out(Searchable("ddd eee"))
    assert not lexicon.opts_out(Searchable("ddd eee uuu"))


def test_a_tap_on_a_picture_is_told_like_one_on_a_text() -> None:
    lexicon = lexicon_from(small(tapback={"verbs": ["jjj", "rrr {emoji} to"], "objects": ["kkk"]}))
    for text in ("jjj kkk", "rrr 👍 to kkk", "rrr 👍 to “hello”"):
        assert lexicon.is_tapback(Searchable(text))
    assert not lexicon.is_tapback(Searchable("jjj none"))


def test_polite_words_beside_a_question_who_we_are_change_nothing() -> None:
    assert lexicon_from(small()).asks_who(Searchable("iii fff"))


def test_lexicons_come_in_order_of_their_files(tmp_path: Path) -> None:
    for name in ("zz", "aa", "mm", "bb"):
        (tmp_path / f"{name}.yaml").write_text(GERMAN.replace("de", name, 1), encoding="utf-8")
    assert [lexicon.language for lexicon in load_lexicons(tmp_path)] == ["aa", "bb", "mm", "zz"]


def test_a_file_that_is_no_mapping_or_no_yaml_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "xx.yaml").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(BadInput, match=r"xx\.yaml: language"):
        load_lexicons(tmp_path)
    (tmp_path / "xx.yaml").write_text("a: b\nc: [\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"xx\.yaml:\d+: this is not YAML"):
        load_lexicons(tmp_path)
    (tmp_path / "xx.yaml").write_text("a: \x00", encoding="utf-8")
    with pytest.raises(BadInput, match=r"xx\.yaml: this is not YAML"):
        load_lexicons(tmp_path)


def test_words_that_alarm_only_together_need_a_word_of_every_group() -> None:
    lexicon = lexicon_from(small(together=[{"level": "EMERGENCY", "all": [["nnn", "ooo"], ["ppp"]]}]))
    assert lexicon.crisis(Searchable("ooo and ppp")) is EscalationLevel.EMERGENCY
    assert lexicon.crisis(Searchable("nnn and ooo")) is None


def test_the_gravest_alarm_counts() -> None:
    lexicon = lexicon_from(small(emoji={"EMERGENCY": ["🆘"], "URGENT": ["🔫"]}))
    assert lexicon.crisis(Searchable("ccc")) is EscalationLevel.URGENT
    assert lexicon.crisis(Searchable("ccc aaa bbb")) is EscalationLevel.EMERGENCY
    assert lexicon.crisis(Searchable("🔫")) is EscalationLevel.URGENT
    assert lexicon.crisis(Searchable("ccc 🔫 🆘")) is EscalationLevel.EMERGENCY


@pytest.mark.parametrize(
    "text",
    [
        "want to die",
        "WANT TO DIE",
        "wánt tö díe",
        "w@nt to d1e",
        "wannnt too diiie",
        "w a n t t o d i e",
        "wanttodie",
        "want-to-die",
        "\uff57ant to die",
    ],
)
def test_a_phrase_is_found_however_it_is_spelled(text: str) -> None:
    assert Searchable(text).has(Phrase.of("want to die"))


@pytest.mark.parametrize("text", ["skills", "ki", "K I'll go", "skillet", "overkilled"])
def test_a_short_phrase_is_found_only_as_a_whole_word(text: str) -> None:
    assert not Searchable(text).has(Phrase.of("kill"))


@pytest.mark.parametrize(
    ("text", "same"), [("\uff13", "3"), ("3️⃣", "3"), ("٣", "3"), (" a\u200bb ", "ab"), ("④", "4")]
)
def test_digits_of_any_keyboard_are_plain_digits(text: str, same: str) -> None:
    assert tidy(text) == same


def test_pictures_alone_are_told_from_words_and_signs() -> None:
    assert all(is_emoji_only(text) for text in ("👍", "❤️ 🙏🏽", "👨‍🚒"))
    assert not any(is_emoji_only(text) for text in ("", "?", "3️⃣", "👍 ok", "\ufffc", "^"))


def test_one_digit_among_words_is_noted_and_two_are_not() -> None:
    assert [lone_digit(text) for text in ("no 1", "1?", "1 or 2", "2nd", "12")] == [
        "1",
        "1",
        None,
        None,
        None,
    ]
