"""What a written document is read as, and what is told of one that cannot be read."""

from __future__ import annotations

from cism.domain.yaml_lines import Problem, read_yaml


def test_what_stands_there_by_an_alias_may_be_used_again_unless_it_contains_itself() -> None:
    found = read_yaml("a: &x [1]\nb: *x\nc: *x\n")
    assert (found.value, found.problems) == ({"a": ["1"], "b": ["1"], "c": ["1"]}, [])
    (problem,) = read_yaml("a: &x [*x]\n").problems
    assert problem.text == "it contains itself; write it out instead of an alias"


def test_what_is_no_yaml_is_told_with_the_reason_where_there_is_one() -> None:
    (broken,) = read_yaml("a: 1\nb: 'x\n").problems
    assert broken.text.startswith("this is not YAML: found unexpected end of stream; mend the line")
    (signs,) = read_yaml("a: 1\nb: \x00\n").problems
    why = "it is nested too deeply or holds characters that YAML does not allow"
    assert signs == Problem((), f"this is not YAML: {why}; mend the line, or the one above it", 1)


def test_a_key_that_is_no_plain_word_is_told_at_its_line() -> None:
    found = read_yaml("a: 1\n? [x]\n: 2\nb: 3\n")
    assert found.problems == [Problem((), "a key must be a plain word", 2)]
    assert found.value == {"a": "1", "b": "3"}
