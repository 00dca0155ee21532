"""`cism backup`: copies of the database, and what follows when one is put in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cism import log
from cism.cli import ground, show
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting
from cism.clock import monotonic, wait
from cism.domain.access import Act
from cism.errors import CismError, ConfigurationError
from cism.services import backups, copies, engine, restoring
from cism.services.clockwork import stamp
from cism.services.languages import open_database
from cism.settings import Settings, load

app = typer.Typer(help="Backups, and what follows a restore.", no_args_is_help=True)

_KEYS = "Keep the vault keys ({where}) in another place: without them this file cannot be read by anybody."
_LIST = "Keep the stop list ({where}) too, on another disk: it says who may not be texted any more."


@app.command("make")
def make(
    file: Annotated[Path | None, typer.Argument(help="A new file, or a folder; by default this one.")] = None,
) -> None:
    """Copy the database while everything runs; the file is complete, or is not there."""
    settings = load()
    target = backups.named(file or Path())
    with acting(None, "backup make") as viewer:
        noted = copies.made(viewer.session, target)
    try:
        made = backups.make(settings, target)
    except (CismError, OSError):
        with ground.opened(settings) as db, db.transaction() as session:
            copies.failed(session, noted)
        raise
    show.line(f"{made} ({made.stat().st_size} bytes)")
    where = "CISM_VAULT_KEYS" if settings.vault_keys else str(settings.key_path)
    show.line(_KEYS.format(where=where))
    show.line(_LIST.format(where=settings.stop_list_file))


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="What `cism backup make` wrote.")],
    over: Annotated[bool, typer.Option("--over", help="There are people in the database here.")] = False,
) -> None:
    """Put a backup in the place of the database. Every part of the installation must be stopped."""
    settings = load()
    _load_keys(settings)
    begun = monotonic()
    aside = backups.restore(settings, file, over=over)
    show.line(f"restored in {monotonic() - begun:.1f} s; start the parts now: pages go on at once")
    if aside is not None:
        show.line(f"the database that was here is now {aside}")
    show.line("care texts are held: `cism backup status` says what is missing")


@app.command("gone")
def gone(
    file: Annotated[str, typer.Argument(help="Where it was, as `cism erasures` names it.")],
    as_id: AsId = None,
) -> None:
    """Say that a backup made with `cism backup make`, and every copy of it, was deleted."""
    with acting(as_id, "backup gone") as viewer:
        viewer.require(Act.CHANGE_ROSTER, viewer.person.agency if viewer.person else None)
        copies.gone(viewer.session, file)
    show.line("noted; `cism erasures` says what is done now")


@app.command("restored")
def restored() -> None:
    """Say that the database was brought back by other means, where that was not noticed."""
    with ground.opened() as db:
        backups.mark_restored(db)
    show.line("noted: care texts are held; `cism backup status` says what is missing")


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Whether care texts are held after a restore, what is missing, and what went out meanwhile."""
    with acting(None, "backup status") as viewer:
        row = restoring.unconfirmed(viewer.session)
        found: dict[str, Any] = {"held": row is not None}
        if row is not None:
            count, first, last = restoring.unknown_sends(viewer.session, row)
            found |= {
                "restored_to": stamp(row.since_real),
                "noticed_at": stamp(row.noticed_real),
                "missing": restoring.missing(row),
                "unknown_texts": count,
                "first_unknown": stamp(first) if first else None,
                "last_unknown": stamp(last) if last else None,
            }
    if as_json:
        show.data(found)
    elif not found["held"]:
        show.line("nothing is held")
    else:
        _tell(found)


def _tell(found: dict[str, Any]) -> None:
    show.line(f"the database knows everything up to {found['restored_to']}; care texts are held")
    if found["unknown_texts"]:
        span = f"from {found['first_unknown']} to {found['last_unknown']}"
        show.line(f"{found['unknown_texts']} texts went out that it does not know, {span}: log that again")
    for one in found["missing"]:
        show.line(f"- {one}")


@app.command("confirm")
def confirm(
    anyway: Annotated[bool, typer.Option("--anyway", help="Although something is missing.")] = False,
    as_id: AsId = None,
) -> None:
    """A coordinator has looked at the roster and the incidents: care texts go on."""
    with acting(as_id, "backup confirm" + (" --anyway" if anyway else "")) as viewer:
        viewer.require(Act.CHANGE_ROSTER, viewer.person.agency if viewer.person else None)
        row = restoring.confirm(viewer.session, viewer.person_id, anyway=anyway)
        viewer.object_id = row.id
    show.line("care texts go on; what was to be sent meanwhile is checked once more, or is a human's by now")


@app.command("keep")
def keep() -> None:
    """A backup every few minutes into CISM_BACKUP_FOLDER, until stopped; `cism up` runs it."""
    settings = load()
    if settings.backup_folder is None:
        message = "set CISM_BACKUP_FOLDER to a folder on another disk"
        raise ConfigurationError(message)
    log.setup()
    while True:
        began = monotonic()
        keep_once(settings)
        wait(max(0.0, settings.backup_minutes * 60 - (monotonic() - began)))


def keep_once(settings: Settings) -> bool:
    """One backup into the folder, the old ones out of it; False, and a line in the log, where that failed."""
    folder = settings.backup_folder or Path()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = backups.named(folder)
        with ground.opened(settings) as db, db.transaction() as session:
            copies.made(session, target)
        backups.make(settings, target)
        backups.keep_newest(folder, settings.backup_keep)
        with ground.opened(settings) as db, db.transaction() as session:
            copies.look(session, folder)
            engine.beat(session, backups.PART)
    except (CismError, OSError) as error:
        log.failure("backup.failed", error)
        return False
    return True


def _load_keys(settings: Settings) -> None:
    open_database(settings).close()
