"""Takes the pictures of docs/pictures: each role's main page, of an incident that is a day old.

`python -m tests.pages.pictures`, or `make pictures`. Everybody in them is invented.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from cism.services import engine, roster
from cism.settings import Settings
from cism.store import migrate, seal
from cism.store.db import Database
from tests.conftest import START, VAULT_KEY, FakeClock
from tests.pages import played
from tests.pages.conftest import CHROMIUM, serving, signed_in
from tests.web.conftest import ROSTER, TOKEN, Site

FOLDER = Path(__file__).parent.parent.parent / "docs" / "pictures"
PHONE, DESK = (360, 740), (1280, 900)
TALL, WIDE = (360, 1500), (1280, 1300)
# the file, whose page it is, its address, on which screen
MAIN = (
    ("supervisor", "S1", "/log", PHONE),
    ("peer", "P1", "/peer", PHONE),
    ("clinician", "K1", "/escalations", PHONE),
    ("responder", "R1", "/me/care", PHONE),
    ("coordinator", "C1", "/board", DESK),
    ("coordinator-incident", "C1", "/board/{ref}", WIDE),
    ("coordinator-incident-phone", "C1", "/board/{ref}", TALL),
)


async def take(folder: Path) -> list[str]:
    """All of them; the names of the files."""
    with tempfile.TemporaryDirectory() as home:
        seal.use(seal.Keyring([VAULT_KEY]))
        (Path(home) / "wall.credentials").write_text(f"AC{'1' * 32}:{TOKEN}\n")
        clock = FakeClock()
        db = Database(f"sqlite:///{home}/cism.db", clock=clock)
        try:
            migrate.upgrade(db)
            with db.transaction() as session:
                roster.import_file(session, ROSTER, START)
                engine.beat(session, "worker")
            async with (
                serving(db, Settings(home=Path(home)), clock) as site,
                async_playwright() as playwright,
            ):
                ref = await played.a_day_after(site)
                await site.text("R1", "3")
                site.perform()
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                return [
                    await _one(browser, site, path.replace("{ref}", ref), folder / f"{name}.png", key, size)
                    for name, key, path, size in MAIN
                ]
        finally:
            db.close()


async def _one(
    browser: Browser, site: Site, address: str, file: Path, key: str, size: tuple[int, int]
) -> str:
    page = await signed_in(browser, site, key, width=size[0])
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.goto(site.settings.public_url + address)
    await page.screenshot(path=file)
    await page.context.close()
    return file.name


if __name__ == "__main__":
    if shutil.which("chromium") is None:
        sys.exit("no Chromium on this machine: install Debian's chromium")
    FOLDER.mkdir(exist_ok=True)
    print("\n".join(asyncio.run(take(FOLDER))))
