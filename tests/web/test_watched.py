"""The engine's own pages, as the watchdog reads and judges them."""

from __future__ import annotations

import pytest

from cism_watchdog.judging import TROUBLES, judge
from cism_watchdog.reading import Reading, parse
from cism_watchdog.settings import Limits
from tests.web.conftest import Site
from tests.web.test_alerts import everything_waits, well


def wrongs(reading: Reading, now: float) -> set[str]:
    return {key for key, wrong in judge(reading, Limits(), now).items() if wrong}


async def looked(site: Site, **headers: str) -> Reading:
    ready = (await site.client.get("/readyz")).json()
    figures = (await site.client.get("/metrics", headers=headers)).text
    return Reading({name: str(value) for name, value in ready.items()}, parse(figures))


async def test_an_engine_that_is_well_has_no_trouble(site: Site) -> None:
    await well(site)
    now = site.clock.now().timestamp()
    verdicts = judge(await looked(site), Limits(), now)
    assert verdicts == dict.fromkeys(TROUBLES, False)


@pytest.mark.parametrize("headers", [{}, {"Forwarded": "for=192.0.2.1"}], ids=["here", "from elsewhere"])
async def test_everything_that_waits_is_seen_also_from_another_machine(
    site: Site, headers: dict[str, str]
) -> None:
    await site.log()
    await site.text("R1", "3")
    with site.db.transaction() as session:
        everything_waits(session)
    site.clock.advance(hours=3)
    found = wrongs(await looked(site, **headers), site.clock.now().timestamp())
    assert found == {"conductor", "provider", "due", "urgent", "unsettled", "human"}


async def test_a_call_that_nobody_made_is_seen_where_no_item_is_unread(site: Site) -> None:
    await site.text("R1", "3")
    site.clock.advance(hours=2)
    await well(site)
    found = wrongs(await looked(site), site.clock.now().timestamp())
    assert "human" in found
    assert "conductor" not in found


async def test_a_watchdog_whose_clock_is_wrong_or_whose_engines_clock_is_says_so(site: Site) -> None:
    await well(site)
    reading = await looked(site)
    assert wrongs(reading, site.clock.now().timestamp() + 29) == set()
    assert wrongs(reading, site.clock.now().timestamp() - 31) == {"clock"}
