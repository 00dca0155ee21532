"""The API against its own document: requests made from it, good and bad, and every answer as it promises.

Examples are bounded and always the same. What is left out: that whatever fits the document is accepted. A
person who is on no roster fits it, and is refused.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from sqlalchemy import select

from cism.domain.people import Role
from cism.domain.scopes import of_role
from cism.services import engine, intake, tokens
from cism.store.db import Database
from cism.store.tables import Escalation, Incident
from cism.web.app import create_app
from notifications.gateway import InboundSms
from tests.conftest import FakeClock
from tests.proof import ground
from tests.proof.ground import settle, wall_settings
from tests.web.conftest import AGENCY

CALLERS: dict[str, dict[str, Any]] = {
    "coordinator": {"role": Role.COORDINATOR, "roster_id": "C1"},
    "clinician": {"role": Role.CLINICIAN, "roster_id": "K1"},
    "clinical director": {"role": Role.CLINICAL_DIRECTOR, "roster_id": "D1"},
    "peer": {"role": Role.PEER, "roster_id": "P1"},
    "who logs": {"role": Role.SUPERVISOR, "roster_id": "S1"},
    "affected": {"role": Role.RESPONDER, "roster_id": "R1"},
    "a program of a coordinator's": {"role": Role.COORDINATOR},
    **{
        f"a program for {scope.value}": {"role": Role.COORDINATOR, "scopes": (scope,)}
        for scope in sorted(of_role(Role.COORDINATOR, person=False))
    },
}
"""Every kind of token: of people in each part, and of programs, whole and for one scope."""
UNKNOWN = {"nobody": None, "a made-up token": "cism_none"}
DOCUMENT = "/api/v1/openapi.json"
EXAMPLES = int(os.environ.get("CISM_API_EXAMPLES", "12"))  # `make api` asks far more
_FEW = max(
    2, EXAMPLES // 6
)  # of each caller and call: what is the coordinator's is refused to nearly all of them
LEFT_OUT = {"positive_data_acceptance"}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[dict[str, str]]:
    """Ids that exist, and a coordinator's token; `app` is served."""
    folder = tmp_path_factory.mktemp("openapi")
    shutil.copyfile(sqlite_template, folder / "cism.db")
    with ground.keys():
        db = Database(f"sqlite:///{folder / 'cism.db'}", clock=FakeClock(), threads=2)
        settle(db)
        ground.fast(db)
        _APP.clear()
        _APP["app"] = create_app(db, wall_settings(folder / "home"), None)
        _APP["app"].router.lifespan_context = ground.without_heartbeat
        yield _begun(db)
        db.close()


_APP: dict[str, Any] = {}


def _begun(db: Database) -> dict[str, str]:
    with db.transaction() as session:
        made = {name: tokens.create(session, agency=AGENCY, **given) for name, given in CALLERS.items()}
        report = intake.IncidentInput(
            type="CHILD", agency=AGENCY, affected=(intake.AffectedInput(person_id="R1", circle="B"),)
        )  # type: ignore[arg-type]
        intake.log(session, report)
    with db.transaction() as session:
        engine.run_due(session)
        from cism.services import inbound, people

        person = people.by_roster_id(session, AGENCY, "R1")
        assert person is not None
        inbound.receive_once(session, InboundSms("SM1", person.phone or "", "+12025550100", "3"))
        ref = session.scalar(select(Incident.ref)) or ""
        return made | {"ref": ref, "escalation_id": session.scalar(select(Escalation.id)) or ""}


def _operations() -> dict[str, str]:
    """What the document holds, by method and path; no database is opened for it."""
    folder = Path(tempfile.mkdtemp())
    document = create_app(Database(f"sqlite:///{folder}/none.db"), wall_settings(folder), None).openapi()
    shutil.rmtree(folder)
    return {f"{verb.upper()} {path}": verb for path, item in document["paths"].items() for verb in item}


OPERATIONS = sorted(_operations())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_the_document_promises(
    label: str, mode: GenerationMode, told: dict[str, str]
) -> None:
    _ask(label, mode, told, told["coordinator"], EXAMPLES)


@pytest.mark.parametrize("caller", [*UNKNOWN, *CALLERS])
def test_every_answer_is_so_whoever_asks(caller: str, told: dict[str, str]) -> None:
    for label in OPERATIONS:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(label, mode, told, told.get(caller, UNKNOWN.get(caller)), _FEW)


def _ask(label: str, mode: GenerationMode, told: dict[str, str], token: str | None, examples: int) -> None:
    """Requests made from the document; each answer is one that it promises, and none is a 5xx."""
    operation = schemathesis.openapi.from_asgi(DOCUMENT, _APP["app"]).find_operation_by_label(label)
    assert operation is not None

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters |= {name: told[name] for name in case.path_parameters if name in told}
        answer = case.call(headers={"Authorization": f"Bearer {token}"} if token else {})
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, excluded_checks=[CHECKS.get_one(name) for name in sorted(LEFT_OUT)])

    asked()


def test_the_document_names_every_call_of_the_contract() -> None:
    assert len(OPERATIONS) >= 15
