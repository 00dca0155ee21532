"""The application over a real database, with a courier that remembers, and signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import Select, func, select

from cism.domain.people import Role
from cism.services import engine, people, roster, tokens
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import Database, now
from cism.store.tables import Base, Link, Outbox, Person
from cism.web.app import create_app
from cism.web.backend import Backend
from tests.conftest import START, FakeClock

T = TypeVar("T")

AGENCY, OTHER = "metro-pd", "north-fire"
TOKEN = "wall-token-for-tests"
HEADER = (
    "id,name,phone,email,agency,discipline,unit,station,rank,roles,reports_to,timezone,sleep_start,sleep_end,"
    "language,consent_pages,consent_care,designated_at,certs,not_with,status"
)


def _row(key: str, name: str, digits: str, roles: str, **changed: str) -> str:
    fields = {
        "id": key,
        "name": name,
        "phone": f"+1212555{digits}",
        "agency": AGENCY,
        "discipline": "law_enforcement",
        "unit": "Patrol",
        "station": key,
        "roles": roles,
        "timezone": "America/New_York",
        "consent_pages": "yes",
        "consent_care": "yes",
        "designated_at": "2024-01-01",
        "certs": "AIC@2031-01-01;LICENSE@2031-01-01;GCI@2031-01-01",
        "status": "active",
        **changed,
    }
    return ",".join(fields.get(name, "") for name in HEADER.split(","))


ROSTER = "\n".join(
    [
        HEADER,
        _row("C1", "Carla Coord", "0101", "coordinator", unit="Command"),
        _row("D1", "Dora Director", "0102", "clinical_director;clinician", unit="Wellness"),
        _row("S1", "Sam Super", "0103", "responder;supervisor"),
        _row("R1", "Rita Respond", "0104", "responder"),
        _row("R2", "Ron Respond", "0105", "responder"),
        _row("R3", "Rosa Respond", "0111", "responder"),
        _row("P1", "Pia Peer", "0106", "responder;peer", unit="Traffic", station="East"),
        _row("P2", "Paul Peer", "0107", "responder;peer", unit="Harbor", station="West"),
        _row("P3", "Petra Peer", "0108", "responder;peer", unit="K9", station="South"),
        _row("T1", "Tom Talker", "0109", "responder", discipline="dispatch", unit="Dispatch"),
        _row("K1", "Kim Clinician", "0110", "clinician", unit="Wellness"),
        _row("F1", "Fay Fire", "0120", "coordinator", agency=OTHER, discipline="fire"),
        _row("F2", "Fred Fire", "0121", "responder;supervisor", agency=OTHER, discipline="fire"),
        _row("F3", "Finn Clinic", "0122", "clinician;clinical_director", agency=OTHER, discipline="fire"),
        "",
    ]
)


class RememberingCourier:
    """Stands in for the courier: remembers what it was told to hand over."""

    def __init__(self) -> None:
        self.handed_over: list[str] = []
        self.closed = False

    async def deliver(
        self, only: Collection[str] | None = None, *, care: bool = True, limit: int = 100
    ) -> int:
        """Remember."""
        self.handed_over += list(only or [])
        return len(only or [])

    async def aclose(self) -> None:
        """Remember."""
        self.closed = True


@dataclass
class Site:
    """A running application and ways to use it."""

    db: Database
    settings: Settings
    courier: RememberingCourier
    client: httpx.AsyncClient
    clock: FakeClock
    backend: Backend
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, role: Role, agency: str = AGENCY, person: str | None = None) -> dict[str, str]:
        """Headers of a caller."""
        name = f"{role}:{agency}:{person}"
        if name not in self.tokens:
            with self.db.transaction() as session:
                self.tokens[name] = tokens.create(session, role=role, agency=agency, roster_id=person)
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def id_of(self, key: str, agency: str = AGENCY) -> str:
        """Our id of somebody on the roster."""
        return self.person(key, agency).id

    def person(self, key: str, agency: str = AGENCY) -> Person:
        """Somebody on the roster."""
        with self.db.read() as session:
            found = people.by_roster_id(session, agency, key)
            session.expunge_all()
        assert found is not None
        return found

    def rows(self, query: Select[T]) -> list[T]:
        """What a query finds, to be read after its transaction."""
        with self.db.read() as session:
            found = list(session.scalars(query))
            session.expunge_all()
        return found

    def perform(self, **span: float) -> None:
        """Let time pass and perform everything that is due."""
        self.clock.advance(**span)
        with self.db.transaction() as session:
            while engine.run_due(session).steps:
                pass

    def count(self, table: type[Base]) -> int:
        """How many rows."""
        with self.db.read() as session:
            return int(session.scalar(select(func.count()).select_from(table)) or 0)

    def everything(self) -> dict[str, int]:
        """Rows of all tables; the heartbeat is the process's own and no answer to anything."""
        with self.db.read() as session:
            return {
                table.name: int(session.scalar(select(func.count()).select_from(table)) or 0)
                for table in Base.metadata.sorted_tables
                if table.name != "heartbeat"
            }

    def messages(self, kind: str, key: str | None = None) -> list[Outbox]:
        """What was put for somebody, oldest first."""
        query = select(Outbox).where(Outbox.kind == kind).order_by(Outbox.made_at, Outbox.id)
        if key is not None:
            query = query.where(Outbox.person_id == self.id_of(key))
        return self.rows(query)

    def link(self, key: str, purpose: str, subject: str | None) -> str:
        """A fresh address for somebody; its path."""
        from cism.services.links import link_for

        with self.db.transaction() as session:
            person = people.by_roster_id(session, AGENCY, key)
            assert person is not None
            return "/a/" + link_for(session, person, purpose, subject).rpartition("/")[2]

    def links(self) -> list[Link]:
        """All addresses."""
        return self.rows(select(Link))

    async def signed(self, path: str, form: dict[str, str], *, token: str = TOKEN) -> httpx.Response:
        """A webhook, signed by the algorithm of Twilio's documentation, not by the product's own code."""
        url = self.settings.public_url + path
        text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
        digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
        return await self.client.post(
            path,
            content=urlencode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": base64.b64encode(digest).decode(),
            },
        )

    def incident(self, **changed: Any) -> dict[str, Any]:
        """A body that logs an incident that ended 30 minutes ago."""
        with self.db.read() as session:
            at = now(session)
        return {
            "type": "CHILD",
            "severity": "S3",
            "agency": AGENCY,
            "occurred_at": (at - timedelta(hours=1)).isoformat(),
            "ended_at": (at - timedelta(minutes=30)).isoformat(),
            "affected": [{"person_id": "R1", "circle": "B"}, {"person_id": "R2", "circle": "B"}],
            **changed,
        }

    async def text(self, key: str, body: str, *, sid: str | None = None) -> httpx.Response:
        """Somebody of the roster texts us."""
        sid = sid or f"SM{secrets.token_hex(16)}"
        form = {"MessageSid": sid, "From": self.person(key).phone or "", "To": "+12025550100", "Body": body}
        return await self.signed("/twilio/sms", form)

    async def log(self, **changed: Any) -> dict[str, Any]:
        """Log one as the supervisor."""
        answer = await self.client.post(
            "/api/v1/incidents", json=self.incident(**changed), headers=self.token(Role.SUPERVISOR)
        )
        assert answer.status_code == 201, answer.text
        return cast(dict[str, Any], answer.json())


MakeSite = Callable[[Database], Site]


@pytest.fixture
def web_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a trial: the phone wall, with a token that the tests know."""
    for name in ("CISM_TWILIO_ACCOUNT_SID", "CISM_TWILIO_AUTH_TOKEN", "CISM_PUBLIC_URL", "CISM_CLOCK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "wall.credentials").write_text(f"AC{'1' * 32}:{TOKEN}\n")
    return Settings(home=tmp_path, public_url="http://cism.test")


@pytest.fixture
async def site(db: Database, clock: FakeClock, web_settings: Settings) -> AsyncIterator[Site]:
    """The application with a roster of two agencies; once on SQLite, once on PostgreSQL."""
    with db.transaction() as session:
        roster.import_file(session, ROSTER, START)
        engine.beat(session, "worker")  # somebody performs, so that receipts say so
    courier = RememberingCourier()
    app = create_app(db, web_settings, cast(Courier, courier))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=web_settings.public_url) as client,
    ):
        yield Site(db, web_settings, courier, client, clock, app.state.backend)
