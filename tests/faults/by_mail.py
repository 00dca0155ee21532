"""The provider is away and pages go by mail: counted at a real mail server and at the phone wall."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bench import people
from cism.cli.up import free_port
from cism.clock import RealClock, wait
from cism.store.db import Database
from cism.store.tables import Person
from tests.fakes.smtp import Received, SmtpSink, smtp_sink
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, WallSeen
from tests.faults.load import log, started

_LIMIT = 60.0  # seconds from the commit to the mail, where a text could not leave
_AWAY = 90  # seconds; the provider is back a while after the last mail was due
_INCIDENTS, _EACH = 2, 2  # a team of one, and one more is asked
_CODE = re.compile(r"^\s*1 ([A-Z]\d[A-Z]\d)\b", re.MULTILINE)


def _with_addresses(db: Database) -> None:
    def write(session: Session) -> None:
        people.settle_in(session, people.roster_file(12, 12))
        for row in session.scalars(select(Person)):
            row.email = f"{row.id}@example.org"

    with db.transaction() as session:
        write(session)


def _mail_server(ground: Ground) -> tuple[SmtpSink, dict[str, str]]:
    made = smtp_sink()
    sink = made.__enter__()
    ground.at_end(lambda: made.__exit__(None, None, None))
    return sink, {
        "CISM_SECOND_SMTP_HOST": "127.0.0.1",
        "CISM_SECOND_SMTP_PORT": str(sink.port),
        "CISM_SECOND_SMTP_TLS": "none",
        "CISM_SECOND_FROM": "cism@example.org",
    }


def refused(seed: int, ground: Ground) -> Outcome:
    """The wall's process is killed, so that no connection is taken, and is back with its memory later."""
    port, state = free_port(), ground.home / "wall.state"
    account, token = ground.settings().wall_credentials()
    command = ("-m", "notifications.phone_wall", "--port", str(port), "--account-sid", account)

    def begin(name: str) -> tuple[WallSeen, subprocess.Popen[bytes]]:
        process = ground.start(name, *command, "--state", str(state), WALL_AUTH_TOKEN=token)
        seen = WallSeen(f"http://127.0.0.1:{port}", ground.http)
        ground.until(lambda: ground.answers(f"{seen.url}/wall/api/version"), 60, name, process)
        return seen, process

    wall, process = begin("wall-1")
    sink, env = _mail_server(ground)
    db, url = _installed(ground)
    started(ground, "conductor", url, wall, **env)
    ground.kill(process)
    committed = _logged(db, seed)
    ground.until(lambda: len(_codes(sink)) >= _INCIDENTS * _EACH, _LIMIT + 30, "the mails")
    arrived = RealClock().now()
    wall, _ = begin("wall-2")
    wait(25)  # longer than anything waits that is still to be texted
    return _judged(sink, wall, committed, arrived, injected=1)


def unanswered(seed: int, ground: Ground) -> Outcome:
    """Every request is answered with a 503, so that nobody knows whether a text arrived."""
    wall = ground.wall()
    sink, env = _mail_server(ground)
    db, url = _installed(ground)
    started(ground, "conductor", url, wall, **env)
    outage = {"kind": "outage", "times": 1, "seconds": _AWAY, "how": "503"}
    wall.http.post(f"{wall.url}/wall/api/faults", json=outage).raise_for_status()
    committed = _logged(db, seed)
    ground.until(lambda: len(_codes(sink)) >= _INCIDENTS * _EACH, _LIMIT + 30, "the mails")
    arrived = RealClock().now()
    wall.http.post(f"{wall.url}/wall/api/faults", json={"kind": "outage", "times": 0}).raise_for_status()
    wait(25)
    found = wall.http.get(f"{wall.url}/wall/api/injected").raise_for_status().json()
    return _judged(sink, wall, committed, arrived, injected=len(found["injected"]))


def _installed(ground: Ground) -> tuple[Database, str]:
    url = ground.prepared("sqlite", _with_addresses, "with addresses")
    return ground.open(url), url


def _logged(db: Database, seed: int) -> datetime:
    """So many incidents; the instant at which the first of them was committed."""
    logged = [log(db, f"R{(seed + place) % 12 + 1}") for place in range(_INCIDENTS)]
    return logged[0][1]


def _codes(sink: SmtpSink) -> set[str]:
    return {code for mail in sink.mails for code in _CODE.findall(mail.text)}


def _judged(
    sink: SmtpSink, wall: WallSeen, committed: datetime, arrived: datetime, *, injected: int
) -> Outcome:
    texts = judge.texts_of(wall.export())
    texted = [text.code for text in texts if text.code]
    plain = [code for mail in sink.mails if not _repeat(mail) for code in _CODE.findall(mail.text)]
    mails = [code for mail in sink.mails for code in _CODE.findall(mail.text)]
    took = (arrived - committed).total_seconds()
    both = [code for code in plain if code in texted]
    twice = [code for code in set(mails) if mails.count(code) > 1]
    personal = [mail for mail in sink.mails if re.search(r"C-[0-9A-Z]{5}|THREAT|incident", mail.text)]
    return Outcome(
        injected=injected,
        sent=len(texts) + len(sink.mails),
        lost=max(0, _INCIDENTS * _EACH - len({*texted, *mails})),
        doubled=len(both) + len(twice) + len(judge.doubled(texts)),
        late=int(took > _LIMIT),
        unknown=len({*mails} - {*plain}),  # each says so to its reader, and those in charge are told
        note=f"the last page by mail after {took:.0f} s",
        broken=tuple(f"a mail says what it is about: {mail.to}" for mail in personal),
    )


def _repeat(mail: Received) -> bool:
    return "This is a repeat" in mail.text


CASES = (
    Case("F9-mail", "provider refuses connections: pages by mail, then no text", refused, seeds=4, at_once=2),
    Case("F9-unclear", "provider answers 503: pages repeated by mail", unanswered, seeds=4, at_once=2),
)
