"""F6 on SQLite: the kernel makes the file system read-only under the running parts, as a fault does.

A small ext4 in a file of its own, mounted with `errors=remount-ro`; the fault is told to the kernel by its
own switch. Nothing heals that while it is mounted: the parts are killed, the file system is checked, mounted
again, and the parts start on what is left, as after a machine was started anew. Needs root.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil

from cism.cli.up import free_port
from cism.clock import wait
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, GroundError
from tests.faults.load import started
from tests.faults.storage import Site, finish, report, site_of

_SIZE: Final = 32 * 1024 * 1024  # bytes
_MENDED: Final = (0, 1)  # what e2fsck says of a file system that is well, or well now
_TRIES: Final = 50  # to unmount: a killed process may be going still


class Disk:
    """The file system, its image and where it is mounted."""

    def __init__(self, home: Path) -> None:
        self.image, self.folder = home / "disk.image", home / "disk"
        self.folder.mkdir()
        with self.image.open("wb") as file:
            file.truncate(_SIZE)
        self._run("mkfs.ext4", "-q", str(self.image))
        self.mount()

    def mount(self) -> None:
        """Mount it, so that an error makes it read-only."""
        self._run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.folder))

    def fails(self) -> None:
        """Tell the kernel of an error; it lets nothing be written from then on."""
        Path(f"/sys/fs/ext4/{self._device().name}/trigger_fs_error").write_text("1")

    def mend(self) -> None:
        """Unmount, check, mount again."""
        self.unmount()
        found = subprocess.run(
            ["e2fsck", "-fy", str(self.image)], capture_output=True, text=True, check=False
        )
        if found.returncode not in _MENDED:
            message = f"the file system could not be mended: {found.stdout[-200:]}"
            raise GroundError(message)
        self.mount()

    def unmount(self) -> None:
        """Take it away; what still has it open is waited for."""
        for _ in range(_TRIES):
            if not subprocess.run(["umount", str(self.folder)], capture_output=True, check=False).returncode:
                return
            wait(0.1)
        message = "the file system is in use"
        raise GroundError(message)

    def _device(self) -> Path:
        mounted = psutil.disk_partitions(all=True)
        return next(Path(one.device) for one in mounted if one.mountpoint == str(self.folder))

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"no file system can be made or mounted here: {done.stderr.strip()}"
            raise GroundError(message)


@contextmanager
def _disk(home: Path) -> Iterator[Disk]:
    disk = Disk(home)
    try:
        yield disk
    finally:
        with suppress(GroundError):
            disk.unmount()


def only_read(seed: int, ground: Ground) -> Outcome:
    """Incidents are reported before, while nothing can be written, and after the parts have started again."""
    chance = random.Random(f"read-only disk {seed}")
    with _disk(ground.home) as disk:
        file = disk.folder / "cism.db"
        shutil.copyfile(ground.settled(peers=40, responders=20).removeprefix("sqlite:///"), file)
        os.sync()  # what stood there for long is on the disk; what is lost is to be the product's own
        port = free_port()
        site = site_of(ground, f"sqlite:///{file}", port=port)
        report(site)
        wait(chance.uniform(0.0, 1.0))
        disk.fails()
        for _ in range(3):
            report(site)
            wait(1.0)
        refused = site.reporter.refused
        site = _started_anew(site, disk, port)
        found = finish(site, injected=refused, note="the kernel made the file system read-only")
        site.end()
        return found


def _started_anew(site: Site, disk: Disk, port: int) -> Site:
    ground, url = site.ground, site.db.url
    site.end()
    disk.mend()
    address, web = ground.web(url, site.wall.url, port=port)
    conductor = started(ground, "conductor-again", url, site.wall, CISM_PUBLIC_URL=address)
    return replace(site, parts=(web, conductor))


CASES = (Case("F6-read-disk", "a file system that may only be read", only_read, 6, at_once=2),)
