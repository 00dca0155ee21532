"""Who is on call: rotations, orders, calendars kept elsewhere, gaps, and swaps between colleagues."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cism.cli import on_call_swaps, reading, show
from cism.cli.ground import opened
from cism.cli.show import AsJson, moment
from cism.cli.viewer import AsId, Viewer, acting, somebody
from cism.domain.access import Act
from cism.domain.people import Role
from cism.errors import BadInput, CismError
from cism.services import on_call, on_call_reading, people
from cism.services.on_call import Calendar
from cism.settings import load

app = typer.Typer(help="Who is on call, and swaps.", no_args_is_help=True)
on_call_swaps.add_to(app)
_AGENCY = typer.Option(help="The agency's key.")
_MOST = 50  # places of nobody that are named one by one
Agency = Annotated[str, _AGENCY]
From = Annotated[str, typer.Option("--from", metavar="INSTANT", help="From when, with its zone.")]
Until = Annotated[str, typer.Option(metavar="INSTANT", help="Until just before then.")]
Zone = Annotated[str, typer.Option(help="The time zone of its wall clock, or of times without one.")]


@app.command("show")
def show_(
    agency: Agency,
    days: Annotated[int, typer.Option(min=1, max=90, help="How far ahead.")] = 14,
    as_id: AsId = None,
    as_json: AsJson = False,
) -> None:
    """List who is on call from now on, and when nobody is; `--as` somebody else: their own turns."""
    with acting(as_id, "on-call show") as viewer:
        until = viewer.now + timedelta(days=days)
        rows = _rows(viewer, agency, until)
    columns = {"role": "Role", "from": "From", "until": "Until", "person": "Who"}
    show.listing(rows, columns, title="On call", empty="no calendar: everybody may be asked", as_json=as_json)


def _rows(viewer: Viewer, agency: str, until: Any) -> list[dict[str, Any]]:
    if viewer.person is not None and not viewer.may(Act.SET_ON_CALL, agency):
        own = on_call.own_turns(viewer.session, viewer.person.id, viewer.now, until)
        return [_row(turn.role, turn.start, turn.end, viewer.person.roster_id) for turn in own]
    found = []
    for calendar in on_call.kept(viewer.session, agency=agency):
        for turn in on_call.turns(viewer.session, calendar, viewer.now, until):
            who = people.get(viewer.session, turn.person).roster_id
            found.append(_row(calendar.role, turn.start, turn.end, who))
    for role, gaps in on_call.gaps(viewer.session, agency, viewer.now, until).items():
        found += [_row(role, gap.start, gap.end, None) for gap in gaps]
    return sorted(found, key=lambda row: (row["role"], row["from"], row["person"] or ""))


def _row(role: Role, start: Any, end: Any, who: str | None) -> dict[str, Any]:
    return {"role": role.value, "from": moment(start), "until": moment(end), "person": who}


@app.command("rotate")
def rotate(
    role: Annotated[Role, typer.Argument(help="Whose turns: peer, clinician, ...")],
    members: Annotated[list[str], typer.Argument(metavar="ID…", help="Who, in order.")],
    agency: Agency,
    first: Annotated[str, typer.Option(metavar="DAY", help="The day of the first handover.")],
    zone: Zone,
    at: Annotated[str, typer.Option(metavar="HH:MM", help="The handover, on the wall clock.")] = "08:00",
    days: Annotated[int, typer.Option(help="How long a turn is.", min=1, max=on_call.MOST_DAYS)] = 7,
    as_id: AsId = None,
) -> None:
    """Begin a rotation: these people one after the other, handed over at the same wall time all year."""
    day, handover = reading.day(first), reading.wall(at)
    with acting(as_id, "on-call rotate") as viewer:
        viewer.require(Act.SET_ON_CALL, agency)
        ids = [somebody(viewer.session, one, agency=agency).id for one in members]
        row = on_call.rotate(
            viewer.session,
            Calendar(agency, role),
            ids,
            zone=zone,
            first_day=day,
            handover=handover,
            days=days,
            now=viewer.now,
        )
        made = row.id
    show.line(f"{made}: {len(members)} people, {days} days each from {first} {at} {zone}")


@app.command("rotations")
def rotations(agency: Agency, as_id: AsId = None, as_json: AsJson = False) -> None:
    """List the rotations of an agency."""
    with acting(as_id, "on-call rotations") as viewer:
        viewer.require(Act.SET_ON_CALL, agency)
        rows = [
            {
                "id": row.id,
                "role": row.role.value,
                "people": ", ".join(people.get(viewer.session, one).roster_id for one in row.members),
                "handover": f"{row.handover} {row.zone}, every {row.days} days from {row.first_day}",
                "ends": moment(row.ends_at),
            }
            for row in on_call.rotations(viewer.session, agency)
        ]
    columns = {"id": "Rotation", "role": "Role", "people": "People", "handover": "Handover", "ends": "Ends"}
    show.listing(rows, columns, title="Rotations", empty="no rotations", as_json=as_json)


@app.command("end")
def end(
    rotation: Annotated[str, typer.Argument(metavar="ROTATION", help="From `cism on-call rotations`.")],
    at: Annotated[str | None, typer.Option(metavar="INSTANT", help="When; without: now.")] = None,
    as_id: AsId = None,
) -> None:
    """End a rotation."""
    wanted = reading.instant(at) if at else None
    with acting(as_id, "on-call end") as viewer:
        viewer.object_id = rotation[:60]
        row = on_call.end_rotation(viewer.session, rotation, wanted or viewer.now)
        viewer.require(Act.SET_ON_CALL, row.agency)
        ends = row.ends_at
    show.line(f"ends {moment(ends)}")


@app.command("override")
def override(
    role: Annotated[Role, typer.Argument(help="Whose turns.")],
    agency: Agency,
    start: From,
    until: Until,
    instead: Annotated[str | None, typer.Option(metavar="ID", help="Who has it; without: nobody.")] = None,
    of: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose turn alone; without: everybody's.")
    ] = None,
    as_id: AsId = None,
) -> None:
    """Let somebody else be on call for a while, or nobody."""
    span = reading.instant(start), reading.instant(until)
    with acting(as_id, "on-call override") as viewer:
        viewer.require(Act.SET_ON_CALL, agency)
        who = [somebody(viewer.session, one, agency=agency).id if one else None for one in (of, instead)]
        on_call.override(
            viewer.session, Calendar(agency, role), span, of=who[0], instead=who[1], now=viewer.now
        )
    show.line(f"{instead or 'nobody'} from {moment(span[0])} until {moment(span[1])}")


@app.command("read")
def read(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="An iCal file, or https:// of one.")],
    role: Annotated[Role, typer.Option(help="Whose turns it holds.")],
    agency: Agency,
    zone: Zone,
    as_id: AsId = None,
) -> None:
    """Read an on-call calendar: a file once, an address now and then every six hours."""
    settings = load()
    by_address = "://" in source
    # fetched before anything is begun: no network call stands inside a transaction
    data = asyncio.run(_fetched(source, private=settings.calendar_private)) if by_address else _bytes(source)
    with acting(as_id, "on-call read") as viewer:
        viewer.require(Act.SET_ON_CALL, agency)
        row = on_call_reading.add(
            viewer.session, Calendar(agency, role), zone, url=source if by_address else None
        )
        report = on_call_reading.take(viewer.session, row, data, viewer.now)
        made = row.id
    show.line(f"{made}: {report.turns} turns in the next {on_call_reading.AHEAD_DAYS} days")
    for start in report.strangers[:_MOST]:
        show.line(f"nobody here has the turn of {moment(start)}")


@app.command("refresh")
def refresh() -> None:
    """Read every calendar that has an address again, now."""
    settings = load()
    with acting(None, "on-call refresh") as viewer:
        wanted = on_call_reading.with_address(viewer.session)
    with opened(settings) as db:
        found = asyncio.run(on_call_reading.refresh(db, settings, wanted))
    for calendar, problem in found.items():
        show.line(f"{calendar}: {problem or 'read'}")
    failed = sum(problem is not None for problem in found.values())
    if failed:
        message = f"{failed} of {len(found)} calendars were not read"
        raise CismError(message)


@app.command("calendars")
def calendars(agency: Agency, as_id: AsId = None, as_json: AsJson = False) -> None:
    """List the calendars that are read, never their addresses."""
    with acting(as_id, "on-call calendars") as viewer:
        viewer.require(Act.SET_ON_CALL, agency)
        rows = [
            {
                "id": row.id,
                "role": row.role.value,
                "from": "an address" if row.url else "a file",
                "read_at": moment(row.read_at),
                "until": moment(row.until),
                "problem": row.problem,
            }
            for row in on_call_reading.of_agency(viewer.session, agency)
        ]
    columns = {"id": "Calendar", "role": "Role", "from": "From", "read_at": "Read", "until": "Known until"}
    show.listing(
        rows, columns | {"problem": "Problem"}, title="Calendars", empty="no calendars", as_json=as_json
    )


@app.command("remove")
def remove(
    calendar: Annotated[str, typer.Argument(metavar="CALENDAR", help="From `cism on-call calendars`.")],
    as_id: AsId = None,
) -> None:
    """Forget a calendar and its turns."""
    with acting(as_id, "on-call remove") as viewer:
        viewer.object_id = calendar[:60]
        row = on_call_reading.remove(viewer.session, calendar)
        viewer.require(Act.SET_ON_CALL, row.agency)
    show.line("forgotten")


async def _fetched(url: str, *, private: bool) -> bytes:
    from cism.services import ical_fetch  # an HTTP client, which no other command of these wants

    return await ical_fetch.fetch(url, private=private)


def _bytes(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        message = f"{source} cannot be read: {error.strerror}; give a file, or an address with https://"
        raise BadInput(message) from None
