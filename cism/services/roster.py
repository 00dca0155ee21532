"""Importing a roster: all of it or nothing, and never widening what people have taken back themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus, Role, SleepWindow
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.quiet_hours import next_open
from cism.domain.roster_checks import neither
from cism.domain.roster_csv import RosterRow, parse_roster
from cism.domain.roster_rows import COLUMNS
from cism.errors import BadInput
from cism.services import languages, lives, reach, roster_conflicts, roster_write, steps
from cism.services.roster_write import Known
from cism.store.tables import Agency, Person, Step

DEFAULT_REGION = "US"


@dataclass(frozen=True, slots=True)
class LineReport:
    """What one line did: `added`, `changed` or `unchanged`, and what was kept against the file's word.

    `columns` are those that changed, by name and in the file's order; never what stands in them.
    """

    line: int
    key: str
    what: str
    kept: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `missing` are keys `agency:id` of people on the roster who are not in the file."""

    lines: tuple[LineReport, ...]
    agencies: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def added(self) -> int:
        """How many people are new."""
        return self._count("added")

    @property
    def changed(self) -> int:
        """How many people's rows were changed."""
        return self._count("changed")

    @property
    def unchanged(self) -> int:
        """How many people stand in the file as they were."""
        return self._count("unchanged")

    def _count(self, what: str) -> int:
        return sum(line.what == what for line in self.lines)


def import_file(
    session: Session, text: str, now: datetime, *, region: str | None = None, only: str | None = None
) -> ImportReport:
    """Check every row first, then write all of them; `region` reads national numbers, also of new agencies.
    `only`: whoever imports may write the rows of this agency and no other.

    Raises BadInput with every error by line, and has then changed nothing. For a dry run call it in a
    transaction of which nothing is kept (`Database.thrown_away`).
    """
    known = roster_write.load(session)
    found = parse_roster(text, today=now.date(), region=region or _region(session), known=frozenset(known))
    _refuse([*_strangers(found.rows, only), *roster_conflicts.conflicts(found.rows, known, only=only)])
    known |= roster_write.recognised(session, found.rows)
    made = _make_agencies(session, found.rows, known, region or _region(session))
    before = {one.row.id: lives.place(one.row) for one in known.values()}
    touched: roster_write.Touched = {}
    lines = roster_write.write(session, found.rows, known, now, touched)
    lives.follow(session, before, now)
    reports = tuple(
        LineReport(row.line, row.key, what, kept, _in_order(touched.get(row.key, ())))
        for row, what, kept in lines
    )
    agencies = sorted({row.agency for row in found.rows})
    return ImportReport(
        lines=reports,
        agencies=tuple(made),
        missing=_missing(known, found.rows, agencies),
        warnings=(
            *_without_answer(session, agencies),
            *_read_english(found.rows),
            # a file alone cannot know who is reachable by mutual aid: the line above asks the whole roster
            *(warning for warning in found.warnings if not warning.startswith("agency ")),
            *(f"line {line.line}: {kept}" for line in reports for kept in line.kept),
        ),
    )


def _in_order(columns: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS if name in columns)


def confirm(session: Session, agency: str | None, now: datetime) -> int:
    """Plan one confirming text, in their own open hours, to all who need one; returns how many are new."""
    if agency is not None:
        refuse_unknown_agency(session, agency)
    query = select(Person).where(
        Person.status == PersonStatus.ACTIVE,
        Person.consent_care.is_(True),
        Person.revoked_care.is_(False),
        Person.phone_hash.is_not(None),
        Person.phone_confirmed_at.is_(None),
        Person.opted_out_at.is_(None),
        Person.frozen_at.is_(None),
    )
    if agency is not None:
        query = query.where(Person.agency == agency)
    planned = [_confirming(person, now) for person in session.scalars(query)]
    asked = set(session.scalars(select(Step.key).where(Step.kind == StepKind.CONFIRM_PHONE)))
    fresh = [step for step in planned if step.key not in asked]
    steps.plan(session, fresh)
    return len(fresh)


def _strangers(rows: Iterable[RosterRow], only: str | None) -> list[tuple[int, str]]:
    """Agencies that are not the importer's own, each once and at its first line."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        if only is not None and row.agency != only:
            lines.setdefault(row.agency, []).append(row.line)
    told = "leave its people out, its coordinator imports them"
    return [
        (found[0], f"agency: {agency} is not yours{_and_more(found)}; {told}")
        for agency, found in lines.items()
    ]


def _and_more(lines: Sequence[int]) -> str:
    return f" (also in {len(lines) - 1} more lines, the last is {lines[-1]})" if len(lines) > 1 else ""


def _read_english(rows: Iterable[RosterRow]) -> list[str]:
    """Who asked for a language that is not in use gets English, and the importer is told."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        if not languages.in_use(row.language):
            lines.setdefault(row.language, []).append(row.line)
    return [
        f"{len(found)} people read {tag!r}, which is not in use here: they get English texts "
        f"(first: line {found[0]}); `cism languages list` shows those in use"
        for tag, found in sorted(lines.items())
    ]


def refuse_unknown_agency(session: Session, key: str) -> None:
    """Raise BadInput, which names the known agencies, unless there is one by that key."""
    if session.get(Agency, key) is None:
        known = ", ".join(sorted(session.scalars(select(Agency.key)))) or "none yet: import a roster first"
        message = f"there is no agency {key!r}; known: {known}"
        raise BadInput(message)


def display_name(key: str) -> str:
    """A name for people out of an agency's key: `metro-pd` reads Metro PD."""
    return " ".join(part.upper() if len(part) <= 3 else part.capitalize() for part in key.split("-") if part)


def _confirming(person: Person, now: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.CONFIRM_PHONE,
        due_at=next_open(now, person.zone, SleepWindow(person.sleep_start, person.sleep_end)),
        key=f"confirm:{person.id}:{(person.phone_hash or '')[:12]}",
        person_id=person.id,
    )


def _refuse(problems: Iterable[tuple[int, str]]) -> None:
    errors = [f"line {line}: {text}" for line, text in sorted(problems)]
    if errors:
        count = "one error" if len(errors) == 1 else f"{len(errors)} errors"
        message = f"The roster has {count}; nothing was saved. First: {errors[0]}"
        raise BadInput(message, errors=errors)


def _region(session: Session) -> str:
    """The country in which national numbers are read: the agencies' own where they agree."""
    regions = set(session.scalars(select(Agency.region)))
    return regions.pop() if len(regions) == 1 else DEFAULT_REGION


def _make_agencies(
    session: Session, rows: Collection[RosterRow], known: dict[str, Known], region: str
) -> list[str]:
    """Agencies that nobody made, with the defaults; an agency without a duty phone gets its coordinator's."""
    made = []
    for key in sorted({row.agency for row in rows}):
        theirs = [row for row in rows if row.agency == key]
        agency = session.get(Agency, key)
        if agency is None:
            agency = Agency(key=key, display=display_name(key), region=region)
            session.add(agency)
            made.append(key)
        if agency.duty_phone is None or _given_up(agency.duty_phone, theirs, known):
            agency.duty_phone = _duty_phone(theirs) or agency.duty_phone
    session.flush()
    return made


def _given_up(number: str, rows: Iterable[RosterRow], known: dict[str, Known]) -> bool:
    """Whether the duty phone was somebody's own, and they have another number now or do not serve any more.

    A hotline is nobody's own and stays: people in need are told this number.
    """
    owner = next((row for row in rows if row.key in known and known[row.key].row.phone == number), None)
    return owner is not None and _duty_phone([owner]) != number


def _duty_phone(rows: Iterable[RosterRow]) -> str | None:
    for row in rows:
        if Role.COORDINATOR in row.roles and row.status is PersonStatus.ACTIVE:
            return row.phone
    return None


def _missing(known: dict[str, Known], rows: Collection[RosterRow], agencies: list[str]) -> tuple[str, ...]:
    here = {row.key for row in rows}
    return tuple(sorted(key for key, one in known.items() if one.row.agency in agencies and key not in here))


def _without_answer(session: Session, agencies: list[str]) -> Iterable[str]:
    for agency in agencies:
        missing = [role.value for role in reach.missing_roles(session, agency)]
        if missing:
            nobody = neither(missing)
            yield f"agency {agency} has no reachable {nobody}, own or by mutual aid: it sends no check-in"
