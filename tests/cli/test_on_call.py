"""`cism on-call`: rotations, orders, calendars and swaps at a terminal."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli

WHEN = ("--agency", "metro-pd", "--zone", "America/Los_Angeles")


def peers(cli: Cli) -> list[str]:
    from cism.domain.people import Role
    from cism.services import people

    with cli.database() as session:
        found = [one.roster_id for one in people.with_role(session, [Role.PEER]) if one.agency == "metro-pd"]
    return sorted(found)[:2]


def test_a_rotation_an_order_and_a_swap_are_seen_by_whoever_makes_the_calendar(cli: Cli) -> None:
    cli.roster()
    one, other = peers(cli)
    made = cli.ok("on-call", "rotate", "peer", one, other, *WHEN, "--first", "2020-01-06", "--days", "1")
    rotation = made.split(":")[0]
    rows = cli.json("on-call", "show", "--agency", "metro-pd", "--days", "4")
    assert {row["person"] for row in rows} == {one, other}
    mine = [row for row in rows if row["person"] == one][-1]
    span = ("--from", mine["from"], "--until", mine["until"])
    swap = cli.ok("on-call", "ask", "peer", other, *span, "--as", one).split(":")[0]
    assert [row["id"] for row in cli.json("on-call", "swaps", "--as", other)] == [swap]
    cli.refused("on-call", "accept", swap, "--as", one)
    cli.ok("on-call", "accept", swap, "--as", other)
    after = cli.json("on-call", "show", "--agency", "metro-pd", "--days", "4")
    assert mine not in after
    assert {**mine, "person": other} in after
    cli.ok("on-call", "override", "peer", "--agency", "metro-pd", *span)
    # the duty of the last day that was shown may end after it
    later = cli.json("on-call", "show", "--agency", "metro-pd", "--days", "6")
    gaps = [row for row in later if not row["person"]]
    assert [(row["from"], row["until"]) for row in gaps] == [(mine["from"], mine["until"])]
    cli.ok("on-call", "end", rotation)
    assert cli.json("on-call", "rotations", "--agency", "metro-pd")[0]["ends"]


def test_a_peer_sees_their_own_turns_and_makes_no_calendar(cli: Cli) -> None:
    cli.roster()
    one, other = peers(cli)
    cli.ok("on-call", "rotate", "peer", one, other, *WHEN, "--first", "2020-01-06", "--days", "1")
    own = cli.json("on-call", "show", "--agency", "metro-pd", "--days", "4", "--as", one)
    assert {row["person"] for row in own} == {one}
    cli.refused("on-call", "rotate", "peer", one, *WHEN, "--first", "2020-01-06", "--as", one)
    cli.refused("on-call", "rotations", "--agency", "metro-pd", "--as", one)
    cli.refused("on-call", "calendars", "--agency", "metro-pd", "--as", "P103")


def test_a_calendar_is_read_from_a_file_listed_without_its_words_and_forgotten(
    cli: Cli, tmp_path: Path
) -> None:
    cli.roster()
    one, _ = peers(cli)
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", "DTSTART:20200106T080000",
        "DTEND:20200113T080000", "RRULE:FREQ=WEEKLY", f"SUMMARY:On call: {one}", "END:VEVENT",
        "END:VCALENDAR",
    )  # fmt: skip
    file = tmp_path / "peers.ics"
    file.write_text("\r\n".join(lines))
    said = cli.ok("on-call", "read", str(file), "--role", "peer", *WHEN)
    calendar = said.split(":")[0]
    assert "turns in the next 62 days" in said
    (row,) = cli.json("on-call", "calendars", "--agency", "metro-pd")
    assert (row["id"], row["from"], row["problem"]) == (calendar, "a file", None)
    assert {row["person"] for row in cli.json("on-call", "show", "--agency", "metro-pd")} == {one}
    cli.ok("on-call", "remove", calendar)
    assert cli.json("on-call", "show", "--agency", "metro-pd") == []
    assert "cannot be read" in cli.refused(
        "on-call", "read", str(tmp_path / "no.ics"), "--role", "peer", *WHEN
    )
    assert "private network" in cli.refused(
        "on-call", "read", "https://127.0.0.1/x.ics", "--role", "peer", *WHEN
    )
    assert cli.ok("on-call", "refresh") == ""
