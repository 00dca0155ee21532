"""The proof of the templates, and that each of its rules can fail."""

import dataclasses
from pathlib import Path

import pytest

from notifications import messages as m
from notifications.gsm import segments
from notifications.languages import Language, LanguageInvalid, known, read_language, spoken_in
from notifications.lint import PREVIEW, Rule, banned_words, lint_language, lint_source, variants
from notifications.render import render

GOOD_PAGE = (
    "{{ agency }} peers: 1 {{ code }} available, 0 {{ code }} not now{{ ' Command sees none' if attested }}"
)


def rules(message_class: type[m.Message], source: str) -> set[Rule]:
    return {finding.rule for finding in lint_source(message_class, source)}


@pytest.mark.parametrize("language", known().values(), ids=known())
def test_invariant_7_every_template_is_safe_on_a_locked_screen_and_keeps_every_promise(
    language: Language,
) -> None:
    assert [str(finding) for finding in lint_language(language)] == []


@pytest.mark.parametrize("tag", known())
@pytest.mark.parametrize("message_class", m.MESSAGE_CLASSES.values(), ids=lambda c: c.kind)
def test_with_the_longest_values_every_text_is_one_segment(message_class: type[m.Message], tag: str) -> None:
    texts = [render(message, tag) for message in variants(message_class)]
    assert texts
    assert all(segments(text) == 1 for text in texts)


def test_a_good_template_breaks_nothing() -> None:
    assert lint_source(m.Page, GOOD_PAGE) == []


@pytest.mark.parametrize(
    ("message_class", "source", "rule"),
    [
        (m.Page, "{% if %}", Rule.TEMPLATE),
        (m.Page, GOOD_PAGE + "{{ name }}", Rule.TEMPLATE),
        (m.Page, GOOD_PAGE + "{{ agency.__class__ }}", Rule.TEMPLATE),
        (m.Page, GOOD_PAGE + "{% include 'en/nowhere.j2' %}", Rule.TEMPLATE),
        (m.Page, GOOD_PAGE + " \u2019", Rule.ALPHABET),
        (m.Page, GOOD_PAGE + " " + "x" * 120, Rule.LENGTH),
        (m.Page, GOOD_PAGE + " {{ link }} and then some more words, and more, and more", Rule.LENGTH),
        (m.Page, GOOD_PAGE + " shooting", Rule.BANNED_WORD),
        (m.Page, GOOD_PAGE + "{{ ' debriefing' if roomy }}", Rule.BANNED_WORD),
        (m.Page, GOOD_PAGE + "{{ ' Suicidal' if not roomy }}", Rule.BANNED_WORD),
        (m.Page, GOOD_PAGE + " self-harm", Rule.BANNED_WORD),
        (m.Page, "Urgent: " + GOOD_PAGE, Rule.PREVIEW),
        (m.OptOutDone, "{{ line }}", Rule.PREVIEW),
        (m.OptOutDone, "Or ring {{ duty }}", Rule.PREVIEW),
        (m.LinkCode, "Sign-in {{ secret }}", Rule.PREVIEW),
        (m.Page, GOOD_PAGE + " Reply Yes", Rule.CARRIER_WORD),
        (m.Page, GOOD_PAGE + ", the end.", Rule.CARRIER_WORD),
        (m.Page, GOOD_PAGE + ", 2 {{ code }} call me", Rule.DIGIT),
        (m.Page, GOOD_PAGE.replace("0 {{ code }} not now", ""), Rule.DIGIT),
        (m.Page, GOOD_PAGE.replace("available", "not now"), Rule.DIGIT),
        (m.Covered, "{{ code }} is covered. 1 fine", Rule.DIGIT),
        (m.Page, GOOD_PAGE + " https://elsewhere.example/x", Rule.ADDRESS),
        (m.Page, GOOD_PAGE + "{{ ' metro.gov' if 0 }}", Rule.ADDRESS),
        (m.Who, "Ask your coordinator", Rule.LINK),
        (m.Page, "{{ agency }} peers{{ ' Command' if attested }}: 1 available, 0 not now", Rule.CODE),
        (m.Page, GOOD_PAGE.replace("peers", "team"), Rule.FIRST_CONTACT),
        (m.Page, GOOD_PAGE.replace("{{ agency }}", "The"), Rule.FIRST_CONTACT),
        (m.Page, GOOD_PAGE.replace(" if attested", " if not attested"), Rule.FIRST_CONTACT),
        (m.Page, GOOD_PAGE.replace(" if attested", ""), Rule.FIRST_CONTACT),
    ],
)
def test_a_template_that_breaks_a_promise_is_named_with_it(
    message_class: type[m.Message], source: str, rule: Rule
) -> None:
    assert rules(message_class, source) == {rule}


def test_a_link_with_no_room_for_the_longest_is_found() -> None:
    source = "Sign in{{ '' if link|length > 50 else ': ' ~ link }}"
    assert rules(m.Who, source) == {Rule.LINK}


def test_a_finding_says_which_template_and_what() -> None:
    assert [str(f) for f in lint_source(m.Page, GOOD_PAGE + " trauma")] == ["en/page: banned word: trauma"]


def test_a_kind_without_a_template_and_a_template_without_a_kind_are_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "poem.txt.j2").write_text("Roses", encoding="utf-8")
    findings = lint_language(dataclasses.replace(known()["es"], folder=tmp_path))
    assert findings[0].template == "es/poem"
    assert {f.template for f in findings[1:]} == {f"es/{kind}" for kind in m.MessageKind}
    assert {f.rule for f in findings} == {Rule.FILE}


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("Entra: {{ link }} ñandú", Rule.ALPHABET),
        ("Por el incidente: {{ link }}", Rule.BANNED_WORD),
        ("Por los niños: {{ link }}", Rule.BANNED_WORD),
        ("Urgente, entra: {{ link }}", Rule.PREVIEW),
        ("Entra aqui o escribe ALTO: {{ link }}", Rule.CARRIER_WORD),
        ("Entra aqui, o escribe STOP: {{ link }}", Rule.CARRIER_WORD),
        ("1 entra: {{ link }}", Rule.DIGIT),
    ],
)
def test_every_language_keeps_the_promises_in_its_own_words(source: str, rule: Rule) -> None:
    assert {f.rule for f in lint_source(m.Who, source, known()["es"])} == {rule}


def test_the_words_of_a_language_say_all_that_is_wrong_with_them_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "fr"
    folder.mkdir()
    (folder / "words.yaml").write_text(
        "language: es\nbanned: ['(']\npreview_banned: []\ncarrier: [oui]\npeers: pairs\ncommand: ''\n"
        "meanings: {'0': [non]}\ndays: [lundi]\nmonths: [janvier]\nline: {call: appelle}\nquestions: 3\n",
        encoding="utf-8",
    )
    with pytest.raises(LanguageInvalid) as caught:
        read_language(folder)
    said = "\n".join(caught.value.problems)
    for wrong in ("banned", "preview_banned", "command", "meanings", "days", "months", "line", "questions"):
        assert f"words.yaml: {wrong}: " in said
    assert "must be the folder's name" in said


@pytest.mark.parametrize("content", [None, b"a: b: c", b"\xff\xfe"])
def test_words_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "words.yaml").write_bytes(content)
    with pytest.raises(LanguageInvalid, match=r"words\.yaml"):
        read_language(tmp_path)


@pytest.mark.parametrize(
    ("tag", "found"), [("es", "es"), ("es-US", "es"), ("fr", "en"), ("", "en"), ("../..", "en")]
)
def test_a_tag_without_a_language_is_spoken_to_in_english(tag: str, found: str) -> None:
    assert spoken_in(tag).tag == found


@pytest.mark.parametrize(
    "text", ["Trauma Unit", "Critical Incident", "CRISIS TEAM", "officer", "Died", "self harm"]
)
def test_words_that_tell_what_it_is_about_are_found_in_any_text(text: str) -> None:
    assert banned_words(text)


@pytest.mark.parametrize(
    "text", ["Metro", "Springfield PD", "diet", "studied", "Firestone County", "everybody"]
)
def test_ordinary_words_are_not(text: str) -> None:
    assert banned_words(text) == []


SHORT = {
    "agency": "EMS", "helper": "Al", "name": "Jo", "member": "Al", "by": "14:00", "when": "14:00",
    "code": "A7K2", "ref": "C-4K7QX", "line": "call or text 988", "duty": "+12125550100", "emergency": "911",
    "link": "https://cism.example.org/a/abcdefghijkl", "secret": "123456", "choices": "A7K2 team",
}  # fmt: skip


@pytest.mark.parametrize("message_class", m.MESSAGE_CLASSES.values(), ids=lambda c: c.kind)
def test_short_names_bring_nothing_telling_onto_a_locked_screen(message_class: type[m.Message]) -> None:
    for longest in variants(message_class):
        given = {
            name: SHORT[name] for name, value in m.to_payload(longest).items() if value and name in SHORT
        }
        shown = render(dataclasses.replace(longest, **given))[:PREVIEW]  # type: ignore[type-var,arg-type]
        for word in (*known()["en"].preview_banned, "988", "911", "555"):
            assert word not in shown.lower(), shown
