"""The shipped alert rules: each watches a figure that exists, is quiet while all is well, and speaks else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update
from sqlalchemy.orm import Session

from cism.services import engine, outbox, provider_line, queue
from cism.store.db import now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Escalation, Heartbeat, Outbox, Person, QueueItem
from notifications.gateway import SendError, SendFailure
from notifications.messages import ConfirmPhone
from tests.web.conftest import AGENCY, Site

RULES = Path(__file__).parents[2] / "deploy" / "alerts.yml"
SERIES = re.compile(r"(cism_\w+|up)(\{[^}]*\})?")
OF_THE_COLLECTOR = {"up", "increase"}  # no figure of ours


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def series_in(expression: str) -> Iterator[str]:
    """Every series that an expression names, with its labels."""
    for name, labels in SERIES.findall(expression):
        if name not in OF_THE_COLLECTOR:
            yield name + labels


def values(figures: str) -> dict[str, float]:
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in figures.splitlines()
        if line and not line.startswith("#")
    }


def speaks(expression: str, found: dict[str, float]) -> bool:
    """Whether a rule of the shipped form `series > number` holds."""
    match = re.fullmatch(r"(abs\()?(cism_\w+(?:\{[^}]*\})?)\)? > (\d+)", expression)
    assert match is not None, expression
    value = found[match[2]]
    return (abs(value) if match[1] else value) > float(match[3])


async def figures(site: Site, **headers: str) -> dict[str, float]:
    return values((await site.client.get("/metrics", headers=headers)).text)


async def well(site: Site) -> None:
    """Both who are watched were seen a moment ago."""
    with site.db.transaction() as session:
        for name in ("conductor", engine.PROVIDER):
            engine.beat(session, name)


def test_every_rule_says_what_it_means_what_to_do_and_how_pressing_it_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 8
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "todo"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert not (rule["labels"]["severity"] == "page" and "for" not in rule)


async def test_every_series_that_a_rule_names_is_told_to_a_collector_on_another_machine(site: Site) -> None:
    await well(site)
    told = await figures(site, Forwarded="for=192.0.2.1")
    named = {name for rule in rules() for name in series_in(rule["expr"])}
    assert len(named) >= 7
    assert named - set(told) == set()


def test_a_rule_about_a_figure_that_nobody_tells_is_seen() -> None:
    assert list(series_in('cism_wishes{what="x"} > 1')) == ['cism_wishes{what="x"}']


async def test_no_rule_speaks_while_everything_is_well(site: Site) -> None:
    await well(site)
    found = await figures(site)
    assert [rule["alert"] for rule in comparing() if speaks(rule["expr"], found)] == []


def comparing() -> list[dict[str, Any]]:
    """Rules about one figure; the others ask the collector what it remembers."""
    return [rule for rule in rules() if not re.match(r"up|absent|increase", rule["expr"])]


async def test_each_rule_speaks_when_what_it_watches_goes_wrong(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.log()
    await site.text("R1", "3")
    with site.db.transaction() as session:
        everything_waits(session)
    site.clock.advance(hours=3)
    found = await figures(site)
    silent = {rule["alert"] for rule in comparing() if not speaks(rule["expr"], found)}
    assert silent == {"CismClockSkew"}
    assert found["cism_queue_overdue"] == 1
    assert found["cism_escalations_overdue"] == 1
    assert found["cism_oldest_unsent_urgent_seconds"] == 3 * 3600
    assert found["cism_oldest_unsettled_send_seconds"] == 3 * 3600
    assert found["cism_queue_oldest_unread_seconds"] == 3 * 3600


def everything_waits(session: Session) -> None:
    """An unread item, an unclear send, an open escalation, a provider that fails, and nobody who performs."""
    moment, person = now(session), session.query(Person).first()
    assert person is not None
    queue.add(session, "free_text", now=moment, within=timedelta(minutes=30), agency=AGENCY, tell=False)
    message = ConfirmPhone(agency="Metro PD", code="K4T7")
    row = outbox.put(session, message, key="unclear", now=moment, person=person)
    assert row is not None
    row.state, row.claimed_real = OutboxState.UNKNOWN, real_now(session)
    assert session.query(Escalation).count() == 1
    assert session.query(QueueItem).count() == 1
    for name in ("conductor", engine.PROVIDER):
        engine.beat(session, name)
    for moment in (real_now(session) - timedelta(seconds=30), real_now(session)):
        provider_line.note(session, [SendError(SendFailure.RETRY)], moment)
    session.flush()
    assert session.query(Heartbeat).count() >= 2


async def test_what_people_wait_for_is_yes_or_no_to_a_collector_elsewhere(site: Site) -> None:
    await site.text("R1", "3")
    site.clock.advance(hours=2)
    told = await figures(site, Forwarded="for=192.0.2.1")
    assert told['cism_overdue{what="human"}'] == 1.0
    hidden = ("cism_queue_", "cism_escalations_", "cism_oldest_unsent_", "cism_oldest_unsettled_")
    assert [name for name in told if name.startswith(hidden)] == []


async def test_nothing_that_somebody_texts_or_that_is_done_for_them_moves_a_figure_that_is_told_elsewhere(
    site: Site,
) -> None:
    """One more message, at 02:41, says as much as a name to whoever knows who was there."""
    await site.log()
    site.perform()
    before = await figures(site, Forwarded="for=192.0.2.1")
    for body in ("1", "2", "hello", "3"):
        await site.text("R1", body)
    site.perform(seconds=20)
    after = await figures(site, Forwarded="for=192.0.2.1")
    moved = {name.partition("{")[0] for name in after if after[name] != before.get(name)}
    assert moved == {"cism_clock_seconds", "cism_heartbeat_age_seconds"}


async def test_how_long_a_step_is_due_is_told_elsewhere_only_once_that_is_a_minute(site: Site) -> None:
    await site.log()
    for seconds, told in ((59, 0.0), (2, 61.0)):
        site.clock.advance(seconds=seconds)
        found = await figures(site, Forwarded="for=192.0.2.1")
        assert found["cism_oldest_due_step_seconds"] == told


async def test_an_escalation_that_was_taken_is_late_only_after_the_time_by_which_its_helper_calls(
    site: Site,
) -> None:
    await site.text("R1", "3")
    with site.db.transaction() as session:
        moment = now(session)
        session.execute(update(Escalation).values(state="acked", voice_by=moment + timedelta(minutes=90)))
    site.clock.advance(minutes=89)
    assert (await figures(site))["cism_escalations_overdue"] == 0
    site.clock.advance(minutes=1)
    assert (await figures(site))["cism_escalations_overdue"] == 1


async def test_an_urgent_text_whose_time_has_not_come_is_not_late(site: Site) -> None:
    await site.text("R1", "3")
    with site.db.transaction() as session:
        session.execute(update(Outbox).values(not_before=now(session) + timedelta(hours=5)))
    site.clock.advance(hours=4)
    assert (await figures(site))["cism_oldest_unsent_urgent_seconds"] == 0
