"""The campaign's own promises: it sees what is wrong, believes no case that did nothing, and goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.checking.words import Kind
from notifications import messages as m
from notifications.render import render
from tests.faults import campaign, judge, table
from tests.faults.campaign import Case, Ledger, Outcome, Result, Row, go_on, perform
from tests.faults.catalogue import CASES, chosen
from tests.faults.ground import Ground, GroundError, Stock

AT = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
GOOD = Outcome(injected=3, sent=9)


def row(*outcomes: Outcome, injects: bool = True) -> Row:
    results = (
        Result("F8", seed, "abc", 1.0, 0.5, f"2026-03-0{seed + 1}", o) for seed, o in enumerate(outcomes)
    )
    return Row("F8", "answers that get lost", injects, tuple(results))


def test_a_row_passes_where_faults_were_injected_and_nothing_was_broken() -> None:
    assert row(GOOD, Outcome(injected=0)).passes, "one seed may have drawn no fault"


@pytest.mark.parametrize(
    "worse", [{"lost": 1}, {"doubled": 1}, {"early": 1}, {"broken": ("a promise",)}], ids=str
)
def test_one_seed_that_broke_a_promise_fails_the_row(worse: dict[str, object]) -> None:
    assert not row(GOOD, replace(GOOD, **worse)).passes  # type: ignore[arg-type]


def test_a_case_that_injected_nothing_fails_but_for_a_pure_load() -> None:
    assert not row(Outcome(injected=0, sent=5)).passes
    assert row(Outcome(injected=0, sent=5), injects=False).passes
    assert not row().passes, "no seed at all has shown nothing"


def test_a_case_that_breaks_off_is_told_with_its_place(stock: Stock) -> None:
    def breaks(_seed: int, ground: Ground) -> Outcome:
        ground.until(lambda: False, 0.05, "the impossible")
        return GOOD

    told = perform(Case("F8", "", breaks, 1), 0, stock)
    assert not told.kept
    assert "GroundError: the impossible: not within 0.05 s" in told.broken[0]
    assert "test_campaign.py" in told.broken[0]


def test_a_campaign_that_was_stopped_goes_on_and_a_new_revision_begins_anew(
    stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    stops = [True]

    def run(seed: int, _ground: Ground) -> Outcome:
        ran.append(seed)
        if ran == [0, 1] and stops:
            raise KeyboardInterrupt
        return GOOD

    case, ledger = Case("F8", "", run, 3), Ledger(tmp_path / "results.jsonl")

    def run_all(**how: bool) -> list[int]:
        ran.clear()
        go_on([(case, range(3))], stock, ledger, lambda _case, _result: None, **how)
        return list(ran)

    monkeypatch.setattr(campaign, "revision", lambda: "one")
    with pytest.raises(KeyboardInterrupt):
        run_all()
    stops.clear()
    assert run_all() == [1, 2], "what has a result is not run again"
    assert run_all() == []
    monkeypatch.setattr(campaign, "revision", lambda: "two")
    assert run_all() == [0, 1, 2]
    assert run_all(again=True) == [0, 1, 2]
    assert [one.revision for one in ledger.rows([case])[0].results] == ["two"] * 3


def test_the_table_in_the_document_keeps_rows_that_were_not_run_here(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("# Text\n\n<!-- campaign: begin -->\n<!-- campaign: end -->\n\nafter\n")
    table.write([replace(row(GOOD), case="F12"), row(replace(GOOD, lost=1))], document)
    table.write([row(GOOD)], document)
    lines = document.read_text().splitlines()
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| F")] == ["F8", "F12"]
    assert "FAIL" not in document.read_text()
    assert lines[-1] == "after"


def test_a_failing_row_is_published_as_failing(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("<!-- campaign: begin -->\n<!-- campaign: end -->\n")
    table.write([row(replace(GOOD, lost=1, note="the page of R1"))], document)
    assert "FAIL" in document.read_text()
    assert "seed 0: 1 lost (the page of R1)" in document.read_text()


def test_a_failure_of_several_lines_is_one_row(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("before\n<!-- campaign: begin -->\n<!-- campaign: end -->\nafter\n")
    table.write([row(replace(GOOD, broken=("after 59: it differs\nPut | Claim\nPass",)))], document)
    (line,) = [one for one in document.read_text().splitlines() if one.startswith("| F8 ")]
    assert "it differs Put / Claim Pass |" in line
    assert line.endswith(" |")


def test_cases_are_chosen_by_key_or_by_family() -> None:
    assert chosen(None) == list(CASES)
    assert {case.key.partition("-")[0] for case in chosen("F0")} == {"F0"}
    with pytest.raises(LookupError, match="no such case: F99"):
        chosen("F0,F99")


def test_keys_are_unique_and_short_seeds_belong_to_the_campaign() -> None:
    assert len({case.key for case in CASES}) == len(CASES)
    assert all(set(case.short) <= set(range(case.seeds)) for case in CASES)


# --- the judge


def text(
    message: m.Message, to: str = "+12125550101", after: float = 0.0, d: str | None = None
) -> judge.Text:
    at = AT + timedelta(seconds=after)
    body = render(message, "en")
    return judge.Text(to, body, judge.kind_of(body), judge.code_of(body), d, at, at, True)


def page(code: str = "A7K2") -> m.Message:
    return m.Page(agency="Metro PD", code=code, by="3:10 pm")


def test_the_same_words_the_same_question_and_the_same_message_twice_are_doubled() -> None:
    assert judge.doubled([text(page(), d="a"), text(page(code="B3C4"), d="b")]) == []
    assert judge.doubled([text(page(), d="a"), text(page(), to="+12125550102", d="b")]) == []
    assert len(judge.doubled([text(page(), d="a"), text(page(), d="b")])) == 1
    assert len(judge.doubled([text(page(), d="a"), text(page(code="B3C4"), d="a")])) == 1


def test_a_required_text_that_no_phone_got_is_missing_and_one_before_its_moment_early() -> None:
    due = judge.Due("+12125550101", Kind.PAGE, AT, AT + timedelta(seconds=60))
    nobody = judge.judge([text(page(), to="+12125550102")], [due])
    assert [one.to for one in nobody.missing] == [due.to]
    assert judge.judge([text(page(), after=-0.001)], [due]).early == 1
    assert judge.judge([text(page(), after=61)], [due]).late == 1
    assert judge.judge([text(page())], [due]) == judge.Judgement(1, (), (), 0, 0, timedelta(0))
    assert len(judge.judge([text(page())], [due, due]).missing) == 1, "one text fulfils one requirement"


def test_a_process_that_ends_while_it_is_waited_for_is_told_with_its_last_words(stock: Stock) -> None:
    with stock.ground("ends") as ground:
        process = ground.start("short", "-c", "import sys; sys.exit('its last words')")
        with pytest.raises(GroundError, match=r"its process ended.*its last words"):
            ground.until(lambda: False, 30, "it comes up", process)
