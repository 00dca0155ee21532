"""Every cell of the access table, through every surface there is, in both directions.

A mark stands for a datum: whoever the table grants it finds it on some surface, and whoever it does not grant
it finds it on none. Surfaces are found by themselves (`surfaces.py`); a grant that no surface shows is named
below with the reason, and the reason has to stay true.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from cism.domain.access import TABLE, Access, Datum, Fact, Relation, may_see
from cism.store.tables import Escalation, Question
from tests.conftest import FakeClock
from tests.proof import access_ground, ground
from tests.proof.access_ground import AFFECTED_STAFF, ROLES, VIEWERS
from tests.proof.surfaces import Ground, gather, stranger

R = Relation


@dataclass(frozen=True)
class Mark:
    """How one datum shows. `about`: whose it is, None for the incident's. `level`: what grants it."""

    name: str
    datum: Datum
    pattern: str
    about: str | None = None
    level: Access = Access.YES

    def facts(self, relation: Relation) -> set[Fact]:
        """What is true of a viewer and this mark in the department of `access_ground`."""
        theirs = {R.ASSIGNED_PEER: {"R1"}, R.CLINICIAN_ASSIGNED: {"R2"}}.get(relation, set())
        found = {Fact.FRESH, Fact.TECHNICAL_ADMIN}
        found |= {Fact.OWN_PERSON} if self.about in theirs else set()
        found |= {Fact.UNASSIGNED} if self.about == "R4" else set()
        found |= {Fact.ESCALATED} if self.about in {"R1", "R2"} else set()
        found |= {Fact.ON_TEAM} if relation in {R.ASSIGNED_PEER, R.CLINICIAN_ASSIGNED} else set()
        return found

    def granted(self, relation: Relation) -> bool:
        """Whether the table lets this relation see it; to oneself one is related, to nobody else affected."""
        if relation is R.OWN and self.about not in {None, VIEWERS[R.OWN]}:
            return False
        return may_see(relation, self.datum, self.facts(relation)) >= self.level


def marks(made: Ground) -> list[Mark]:
    """What is searched on every surface."""
    ref = made.ids["ref"][0]
    found = [
        Mark("reference", Datum.INCIDENT_HEADER, re.escape(ref)),
        Mark("headcount", Datum.PARTICIPATION, rf"\b{access_ground.HEADCOUNT}\b", level=Access.COUNT),
        Mark("time", Datum.SESSION_TIME_PLACE, rf":{access_ground.MINUTE}\b"),
        Mark("counted in", Datum.PARTICIPATION, "You are counted in", "R1"),
        Mark("words", Datum.FREE_TEXT, access_ground.PLAIN_WORDS, "R1"),
        Mark("crisis words", Datum.FREE_TEXT, access_ground.CRISIS_WORDS, "R2"),
        Mark("words of nobody's", Datum.FREE_TEXT, access_ground.LOOSE_WORDS, "R4"),
    ]
    for key in ("R1", "R2"):
        person = made.site.person(key)
        found += [
            Mark(f"{key} on the list", Datum.AFFECTED_ROSTER, rf'{person.name}|"{key}"', key),
            Mark(f"number of {key}", Datum.PHONE, (person.phone or "")[-10:], key),
            Mark(f"call of {key}", Datum.ESCALATION, _call(made, key), key, Access.STATUS),
        ]
    return found


def _call(made: Ground, key: str) -> str:
    """The id of the call that is owed to somebody, or of a question about it."""
    call = made.site.rows(select(Escalation.id).where(Escalation.person_id == made.site.id_of(key)))[0]
    return "|".join([call, *made.site.rows(select(Question.id).where(Question.subject_id == call))])


_BY_TEXT = "they were told by text, and the other way round it is their own"
_NO_REPORT = "no report is made; what is published counts the machine"
# Grants that no surface shows: nobody is refused anything by these words.
UNSHOWN: Mapping[tuple[Relation, str], str] = {
    (R.OWN, "headcount"): "of the meeting they came to they know it",
    (R.OWN, "words"): _BY_TEXT,
    (R.OWN, "number of R1"): "the page shows its last two digits: whoever looks over a shoulder learns less",
    (R.OWN, "call of R1"): _BY_TEXT,
    (R.ASSIGNED_PEER, "counted in"): "a peer asks the person, not the list",
    (R.REPORTS, "headcount"): _NO_REPORT,
}
# What a surface shows although it is not this datum.
NOT_IT: Mapping[tuple[str, str], str] = {
    (
        "on the list",
        "page /log",
    ): "an agency's people to choose from, whoever was there: the same in two worlds",
    (
        "on the list",
        r"page /log/[^/]+/crew",
    ): "the same, to add whoever is missing: nobody who is listed is marked",
    ("R1 on the list", "page /me"): "their own name on their own page",
}
# Rows of the table that leave no mark to be searched, with what shows them instead.
ELSEWHERE: Mapping[Datum, str] = {
    Datum.OFFER_MADE: "an offer has no words of its own; the state `offered` is in SUPERVISOR_FIELDS; who "
    "may open the list of offers is in test_offer_pages.py",
    Datum.DIGIT_REPLIES: "a digit cannot be marked: what one moved is compared in test_two_worlds.py",
    Datum.SCREENING_SCORE: "answers and scores of others are stored nowhere: see the tests of the form",
    Datum.PEER_LOAD: "figures of a peer's own work cannot be marked: see the tests of readiness",
    Datum.AUDIT_LOG: "no surface shows a row of it: `audit verify` says whether it is whole",
}


@pytest.fixture
async def made(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Ground]:
    """The department, in a file of its own."""
    file = tmp_path / "cism.db"
    shutil.copyfile(sqlite_template, file)
    async with ground.opened(f"sqlite:///{file}", FakeClock(), tmp_path / "home") as site:
        yield await access_ground.build(site)


def shows(found: Mapping[str, str], mark: Mark) -> list[str]:
    """The surfaces on which a mark stands, without those on which the same letters are something else."""
    return sorted(
        name
        for name, text in found.items()
        if re.search(mark.pattern, text)
        and not any(mark.name.endswith(what) and re.fullmatch(where, name) for what, where in NOT_IT)
    )


async def everybody(made: Ground) -> dict[Relation, dict[str, str]]:
    """What each relation is shown by everything there is."""
    seen = {who: await gather(made, key, ROLES[key]) for who, key in VIEWERS.items()}
    return seen | {R.REPORTS: await stranger(made)}


def wrong(seen: Mapping[Relation, Mapping[str, str]], all_marks: Collection[Mark]) -> Iterator[str]:
    """Where surfaces and table differ, in words."""
    for who, found in seen.items():
        for mark in all_marks:
            places, granted = shows(found, mark), mark.granted(who)
            named = (who, mark.name) in UNSHOWN
            if places and not granted:
                yield f"{who}: {mark.name} is not theirs ({mark.datum}), and stands on {places[:4]}"
            if granted and not places and not named:
                yield f"{who}: {mark.name} is theirs ({mark.datum}), and no surface shows it"
            if named and (places or not granted):
                yield f"{who}: {mark.name} is in UNSHOWN, and is shown or not granted: take it out"


async def test_each_cell_is_shown_where_the_table_grants_it_and_nowhere_else(made: Ground) -> None:
    access_ground.accept(made.site)
    seen, searched = await everybody(made), marks(made)
    assert [*wrong(seen, searched)] == []
    cells = {(who, mark.datum) for who in seen for mark in searched}
    unmarked = {datum for _, datum in TABLE} - {mark.datum for mark in searched}
    assert unmarked == set(ELSEWHERE), "each row of the table has a mark, or stands in ELSEWHERE"
    surfaces = {name for found in seen.values() for name in found}
    answered = sum(bool(text) for found in seen.values() for text in found.values())
    print(
        f"{len(cells)} of {len(TABLE)} cells, {len(searched)} marks, {len(surfaces)} surfaces, "
        f"{answered} answers searched; {len(UNSHOWN)} grants that nothing shows"
    )


async def test_before_the_hand_over_the_supervisor_s_surfaces_show_no_more_than_after_it(
    made: Ground,
) -> None:
    """The table grants the list until then; the form on which it is entered is all that shows it."""
    before = await gather(made, "S1", ROLES["S1"])
    access_ground.accept(made.site)
    after = await gather(made, "S1", ROLES["S1"])
    assert [*wrong({R.LOGGING_SUPERVISOR: before}, marks(made))] == []
    assert {name for name, text in before.items() if text} == {name for name, text in after.items() if text}


async def test_staff_who_are_affected_see_nothing_of_it_as_staff(made: Ground) -> None:
    access_ground.accept(made.site)
    await access_ground.write_as_affected(made.site)
    searched = [mark for mark in marks(made) if mark.about != "R4" and mark.name != "reference"]
    mine = [Mark("their own words", Datum.FREE_TEXT, access_ground.OWN_WORDS)]
    mine += [Mark(f"own call of {key}", Datum.ESCALATION, _call(made, key)) for key in AFFECTED_STAFF]
    for key in AFFECTED_STAFF:
        found = await gather(made, key, ROLES[key])
        assert [(mark.name, shows(found, mark)) for mark in [*searched, *mine] if shows(found, mark)] == []
    others = await gather(made, "C1", ROLES["C1"])
    assert all(shows(others, mark) for mark in mine if mark.datum is Datum.ESCALATION)  # they are handed over


async def test_a_mark_that_leaks_is_found(made: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header with one field more for everybody: the table grants it to few."""
    from cism.web.api import views

    honest = views.header
    monkeypatch.setattr(views, "SUPERVISOR_FIELDS", (*views.SUPERVISOR_FIELDS, "who"))
    monkeypatch.setattr(
        views, "header", lambda row, at: honest(row, at) | {"who": made.site.person("R1").name}
    )
    seen = {R.COMMAND: await gather(made, "S2", ROLES["S2"])}
    assert any("R1 on the list is not theirs" in line for line in wrong(seen, marks(made)))
