"""Offers beside the groups at a terminal."""

from __future__ import annotations

from sqlalchemy import select

from cism.domain.people import Role
from cism.services import engine, intake, people
from cism.store.tables import GroupSession, Offer
from tests.cli.conftest import Cli
from tests.cli.test_care import proposed

FIELDS = {
    "id",
    "kind",
    "state",
    "reason",
    "instead",
    "by",
    "offered_at",
    "minutes",
    "in_time",
    "accepted",
    "person_id",
}


def logged(cli: Cli, type_: str = "COWORKER_FATAL") -> str:
    """An accident of a co-worker is logged and planned; relief, family, a chaplain and advice are offered."""
    cli.roster()
    affected = ("--affected", "P110:A", "--affected", "P111:B")
    facts = ("--ended-at", cli.json("clock", "show")["now"], "--kin-notified")
    found = cli.json("log", "--type", type_, "--agency", "metro-pd", *affected, *facts)
    with cli.database() as session:
        while engine.run_due(session).steps:
            pass
    return str(found["ref"])


def rows(cli: Cli, ref: str, kind: str) -> list[dict[str, object]]:
    """The offers of a kind."""
    return [row for row in cli.json("offers", ref) if row["kind"] == kind]


def test_offers_are_listed_by_kind_and_person_and_made_by_their_id(cli: Cli) -> None:
    ref = logged(cli)
    listed = cli.json("offers", ref)
    assert {frozenset(row) for row in listed} == {frozenset(FIELDS)}
    relief = rows(cli, ref, "relief_from_tour")
    assert {row["person_id"] for row in relief} == {"P110", "P111"}
    cli.ok("offer", "made", str(relief[0]["id"]), "--how", "accepted")
    after = next(row for row in rows(cli, ref, "relief_from_tour") if row["id"] == relief[0]["id"])
    assert (after["state"], after["accepted"], after["in_time"]) == ("offered", True, True)


def test_what_somebody_made_of_an_offer_is_not_shown_but_of_the_employers_acts(cli: Cli) -> None:
    ref = logged(cli)
    family = rows(cli, ref, "family_support")[0]
    cli.ok("offer", "made", str(family["id"]), "--how", "wanted")
    after = next(row for row in rows(cli, ref, "family_support") if row["id"] == family["id"])
    assert (after["state"], after["accepted"]) == ("offered", None)
    with cli.database() as session:
        assert session.get_one(Offer, str(family["id"])).state.value == "wanted"
    other = next(row for row in rows(cli, ref, "family_support") if row["id"] != family["id"])
    assert "is theirs and is not kept" in cli.refused("offer", "made", str(other["id"]), "--how", "accepted")


def test_what_cannot_be_offered_any_more_says_why_and_what_there_is_instead(cli: Cli) -> None:
    ref = logged(cli, "HOSTAGE")
    (scene,) = rows(cli, ref, "on_scene_support")
    assert (scene["state"], scene["reason"], scene["instead"]) == ("blocked", "scene_over", "one_on_one")


def test_a_person_is_handed_over_by_the_roster_id(cli: Cli) -> None:
    ref = logged(cli)
    assert "a clinician is asked" in cli.ok("refer", ref, "P110")
    assert "already" in cli.refused("refer", ref, "P110")
    assert "a chaplain is asked" in cli.ok("refer", ref, "P111", "--to", "chaplain")
    with cli.database() as session:
        kinds = {row.kind for row in session.scalars(select(Offer).where(Offer.state == "wanted"))}
    assert kinds >= {"referral", "pastoral"}


def test_a_supervisor_and_a_peer_make_no_offers_at_a_terminal(cli: Cli) -> None:
    ref = logged(cli)
    offer = rows(cli, ref, "relief_from_tour")[0]
    with cli.database() as session:
        peer = people.with_role(session, [Role.PEER], "metro-pd")[0].roster_id
    assert "may not" in cli.refused("offer", "made", str(offer["id"]), "--as", f"metro-pd:{peer}")


def test_the_brief_of_a_session_has_its_phases_in_order_and_its_team(cli: Cli) -> None:
    cli.roster()
    ref = cli.incident()
    brief = cli.json("session", "brief", proposed(cli, ref))
    assert brief["phases"] == [
        "Introduction",
        "Fact",
        "Thought",
        "Reaction",
        "Symptom",
        "Teaching",
        "Re-entry",
    ]
    assert any("investigation" in one for one in brief["never"])
    with cli.database() as session:
        row = session.scalars(
            select(GroupSession).where(GroupSession.incident_id == intake.by_ref(session, ref).id)
        ).one()
        assert brief["team"] == row.team_size
