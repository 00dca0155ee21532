"""What a proof of contact points takes and refuses to the very second, each bound from both sides."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from cism.domain.interventions import TeamRule
from cism.domain.people import SleepWindow
from cism.domain.proof_classes import seconds
from cism.domain.proof_contacts import MOST_ELAPSED, Closed, Missed, bounds, check_contacts, example
from cism.domain.proof_days import ORDINARY, Day
from cism.domain.proof_sessions import check_sessions
from cism.domain.proof_slots import ahead, next_slot, proposed_slot, sleeper
from cism.domain.protocol import ContactRule, load_protocol
from cism.domain.protocol_model import SessionRule

SFA = load_protocol("sfa-follow-up")
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
CLOSED = DAY  # the longest stretch without an open minute: sleeping 22 hours, and a night two hours longer


def elapsed(id_: str, first: timedelta, last: timedelta, **fields: Any) -> ContactRule:
    return ContactRule(id=id_, after=first, kind="elapsed", window=(first, last), **fields)


def told(*rules: ContactRule, opt_in_after: timedelta = DAY) -> list[tuple[str, str]]:
    """The place and the words of everything that is refused of these points alone."""
    protocol = SFA.model_copy(update={"contacts": rules, "opt_in_after": opt_in_after})
    return [(f"{found.loc[1]}.{found.loc[2]}", found.text) for found in check_contacts(protocol)]


def test_hours_are_counted_up_to_the_last_and_no_further() -> None:
    most = timedelta(seconds=MOST_ELAPSED)
    assert told(elapsed("f9", most - DAY, most)) == []
    ((place, words),) = told(elapsed("f9", most - DAY, most + SECOND))
    assert place == "0.after"
    assert words.startswith("hours are counted up to ")


def test_points_of_neighbouring_days_may_have_the_same_hour_and_not_an_earlier_one() -> None:
    def pair(at: time) -> list[tuple[str, str]]:
        return told(
            ContactRule(id="f7", after=7 * DAY, kind="date", at=time(10)),
            ContactRule(id="f8", after=8 * DAY, kind="date", at=at),
        )

    assert pair(time(10)) == []
    assert [place for place, _ in pair(time(9, 59))] == ["1.window"]


def test_a_point_begins_a_second_after_the_last_moment_of_the_one_before() -> None:
    first = elapsed("f1", 16 * HOUR, 40 * HOUR)
    assert [place for place, _ in told(first, elapsed("f2", 40 * HOUR, 70 * HOUR))] == ["1.window"]
    assert told(first, elapsed("f2", 40 * HOUR + SECOND, 70 * HOUR)) == []


@pytest.mark.parametrize("opt_in_after", [DAY, 3 * HOUR])
def test_a_point_by_opt_in_comes_after_the_last_promised_one_its_silence_and_a_night(
    opt_in_after: timedelta,
) -> None:
    spans = {"f1": (1, 25), "f2": (26, 50), "f3": (51, 80)}
    promised = [elapsed(id_, first * HOUR, last * HOUR) for id_, (first, last) in spans.items()]
    asked_by = 80 * HOUR + opt_in_after + CLOSED
    late = elapsed("f9", asked_by + SECOND, asked_by + 3 * DAY, opt_in=True)
    assert told(*promised, late, opt_in_after=opt_in_after) == []
    early = elapsed("f9", asked_by, asked_by + 3 * DAY, opt_in=True)
    found = told(*promised, early, opt_in_after=opt_in_after)  # once for each severity
    assert {place for place, _ in found} == {"3.opt_in"}
    assert all("falls due before anybody was asked" in words for _, words in found)


def test_every_point_by_opt_in_without_a_promised_one_is_told_in_words() -> None:
    alone = [elapsed(id_, n * DAY, (n + 2) * DAY, opt_in=True) for id_, n in (("f1", 1), ("f4", 4))]
    assert {(place, words.split(" ", 1)[1]) for place, words in told(*alone)} == {
        (place, "has no point before it after which to ask whether they want it; take opt_in out")
        for place in ("0.opt_in", "1.opt_in")
    }


def test_the_moments_at_which_a_point_can_fall_due() -> None:
    assert bounds(elapsed("f1", 16 * HOUR, 40 * HOUR)) == (seconds(16 * HOUR), seconds(40 * HOUR))
    bare = ContactRule(id="f1", after=DAY, kind="elapsed")
    assert bounds(bare) == (seconds(DAY), seconds(DAY + CLOSED))
    dated = ContactRule(id="f7", after=7 * DAY, kind="date", at=time(10))
    # left in the last second of a day or in its first; the hour, or 19:00 of the next day for some; two hours
    # of the clocks either way
    assert bounds(dated) == (seconds(6 * DAY + 8 * HOUR), seconds(8 * DAY + 21 * HOUR))


@pytest.mark.parametrize(
    "wait",
    [{"earliest": DAY}, {"earliest": DAY + 7 * SECOND}, {"notice": 30 * HOUR + 7 * SECOND}],
    ids=["a day", "seconds more", "a long notice"],
)
def test_a_debriefing_has_an_hour_from_the_worst_second_of_all_and_one_second_less_is_refused(
    wait: dict[str, timedelta],
) -> None:
    cisd = SFA.sessions["cisd"].model_copy(update={"disaster": None, **wait})
    begins = timedelta(seconds=max(seconds(cisd.earliest), ahead(cisd)))
    # ready a second after 14:00, by day asleep at the next 14:00: at 16:00 of the next day
    enough = begins + 26 * HOUR - SECOND

    def refused(latest: timedelta) -> list[str | int]:
        rules = {"cisd": cisd.model_copy(update={"latest": latest})}
        return [found.loc[-1] for found in check_sessions(SFA.model_copy(update={"sessions": rules}))]

    assert refused(enough) == []
    assert refused(enough - SECOND) == ["latest"]


def test_a_slot_lies_in_its_window_up_to_the_last_moment() -> None:
    noon, two, day = 12 * 3600, 14 * 3600, 24 * 3600
    asleep = SleepWindow()
    defusing, cisd = SFA.sessions["defusing"], SFA.sessions["cisd"]
    assert next_slot(defusing, sleeper(noon, asleep, ORDINARY), (2 * 3600, 12 * 3600)) == two
    assert proposed_slot(cisd, sleeper(two, asleep, ORDINARY), (day, day)) == day + two
    assert proposed_slot(cisd, sleeper(two, asleep, ORDINARY), (day + 1, day + 1)) is None


@pytest.mark.parametrize("by", [3600, 0, -3600])
def test_a_slot_of_the_next_day_keeps_the_hour_on_the_wall_when_the_clocks_change(by: int) -> None:
    two, day = 14 * 3600, 24 * 3600
    night = Day(day + 2 * 3600, by) if by else ORDINARY
    cisd = SFA.sessions["cisd"]
    assert proposed_slot(cisd, sleeper(two, SleepWindow(), night), (0, 3 * day)) == two + day - by


@pytest.mark.parametrize(("clinicians", "refused"), [(1, []), (2, ["clinicians"])])
def test_a_debriefing_asks_for_one_clinician_who_leads_it(clinicians: int, refused: list[str]) -> None:
    cisd = SFA.sessions["cisd"]
    team = TeamRule(least=2, clinicians=clinicians)
    sessions = {"cisd": cisd.model_copy(update={"team": team})}
    found = list(check_sessions(SFA.model_copy(update={"sessions": sessions})))
    assert [problem.loc[-1] for problem in found] == refused
    assert all(problem.text.endswith("write clinicians: 1") for problem in found)


@pytest.mark.parametrize(("least", "refused"), [(44, []), (45, ["size"])])
def test_a_team_has_fifty_helpers_and_not_one_more(least: int, refused: list[str]) -> None:
    rule = SessionRule(
        earliest=timedelta(0),
        ideal=DAY,
        latest=3 * DAY,
        size=(10, 300),  # six more for three hundred
        team=TeamRule(least=least, extra_for=50),
    )
    briefing = SFA.model_copy(update={"sessions": {"crisis_management_briefing": rule}})
    assert [found.loc[-1] for found in check_sessions(briefing)] == refused


@pytest.mark.parametrize(
    ("by", "night"),
    [
        (0, ""),
        (-60, ", in the night when the clocks go back"),
        (60, ", in the night when the clocks go forward"),
    ],
)
def test_whom_a_point_does_not_reach_is_told_with_the_way_in_which_the_clocks_go(by: int, night: str) -> None:
    closed = Closed(SleepWindow(time(22, 0), time(6, 0)), 0, 0, by)
    said = f"somebody who sleeps 22:00 to 06:00 and left at 13:05{night}"
    assert example(Missed(closed, seconds(13 * HOUR + 5 * timedelta(minutes=1)), 0)) == said
