"""Nobody decides by role but the one table: `cism.domain.access`.

A page, an API call, a listing or an export that compares roles by itself would be a second table, which no
test of the first one sees. What is left in the services says whom to ask, and in which order.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SURFACES = ("cism/web", "cism/cli", "flows")
# Modules that name a role for another reason than to decide who may see or do something.
NAMES_A_ROLE = {
    "cism/cli/care.py": "for which coordinator the owner takes an escalation",
    "cism/cli/viewer.py": "the owner of the installation has the coordinator's row",
    "cism/services/agency_readiness.py": "whose phones, certificates and load are looked at",
    "cism/services/choice.py": "who is on the team's roster",
    "cism/services/first_run.py": "whether anybody coordinates, and what the first person is made",
    "cism/services/in_charge.py": "who is told of an incident, and who is their deputy",
    "cism/services/ladder.py": "the rungs, by the names that protocols use",
    "cism/services/lives.py": "whether an agency still has a coordinator",
    "cism/services/paper.py": "in which order helpers stand on the paper",
    "cism/services/queue.py": "whether an agency has anybody who could be told",
    "cism/services/queue_readers.py": "who is told that something waits, in which order",
    "cism/services/reach.py": "whether an agency has anybody who can answer",
    "cism/services/rehearsal_incident.py": "whom a rehearsal affects",
    "cism/services/rehearsal_what_if.py": "whom a rehearsal asks",
    "cism/services/roster.py": "whose duty phone a new agency gets",
    "cism/services/session_team.py": "who is asked to lead or decide",
    "cism/services/turn_helpers.py": "by which rules somebody is chosen for a turn",
    "cism/services/unsent.py": "whether somebody who stopped leaves a gap in the team, and who hears of it",
}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def decides(source: str) -> Iterator[str]:
    """Roles and relations that a module names as values, and the raw tables that it reaches into."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in {"Role", "Relation"} and node.attr.isupper():
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "cism.domain.access":
            yield from (f"access.{one.name}" for one in node.names if one.name in {"TABLE", "ACTS"})


def test_no_page_no_call_no_listing_and_no_flow_decides_by_role() -> None:
    found = {name_of(path): sorted(set(decides(path.read_text()))) for path in modules(*SURFACES)}
    assert {name: what for name, what in found.items() if what and name not in NAMES_A_ROLE} == {}


def test_services_that_name_a_role_say_whom_to_ask_and_not_who_may() -> None:
    named = {
        name_of(path)
        for path in modules("cism/services")
        if any(one.startswith(("Role.", "Relation.")) for one in decides(path.read_text()))
    }
    assert sorted(named - set(NAMES_A_ROLE)) == []


def test_what_may_name_a_role_still_does() -> None:
    idle = [name for name in NAMES_A_ROLE if not [*decides((ROOT / name).read_text())]]
    assert idle == []


def test_every_door_asks_the_table() -> None:
    """Every module with a route or with a command for a person (`--as`) asks what that person is."""
    asks = ("may_do(", "require(", "require_in_agency(", "standing(", ".sees(", ".may(", "best_access(")
    asks += ("Depends(bearer)", "links.opened(", "act_once(", "signed_in(", "viewer.person_id", "acting(None")
    asks += ("await owner(", "ReadsReceipt", "sign_ins.of_person(")  # their own, and nobody else's
    asks += ("await staff(", "charge.look(", "charge.do(")  # which name the act, and have it granted
    asks += ("(request, Act.",)  # of whoever is signed in: `staff`, `look`, `press` and `do`
    silent = [
        name_of(path)
        for path in modules("cism/web", "cism/cli")
        if ("router = APIRouter(" in (text := path.read_text()) or "as_id: AsId" in text)
        and not any(word in text for word in asks)
    ]
    # figures without anybody; before there is anybody, to who holds the printed address; a form without a
    # name, the same for everybody; signed by Twilio
    pages = ["cism/web/pages/first_run.py", "cism/web/pages/log_offline.py"]
    assert silent == ["cism/web/health.py", *pages, "cism/web/webhooks.py"]


@pytest.mark.parametrize(
    "source",
    [
        "if Role.COORDINATOR in roles: pass",
        "held & {Relation.COMMAND}",
        "from cism.domain.access import TABLE",
        "from cism.domain.access import ACTS, Act",
    ],
)
def test_a_module_that_decides_for_itself_is_seen(source: str) -> None:
    assert [*decides(source)]
