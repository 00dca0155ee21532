"""`cism keys`: the installation's keys, and changing them while everything runs; `cism erasures`."""

from __future__ import annotations

from typing import Annotated

import typer

from cism import key_file
from cism.cli import ground, show
from cism.cli.show import AsJson
from cism.cli.viewer import acting
from cism.errors import ConfigurationError
from cism.key_file import KeyFile
from cism.services import copies, rotation
from cism.services.clockwork import stamp
from cism.settings import Settings, load
from cism.store import seal

app = typer.Typer(help="The keys that everything is sealed with.", no_args_is_help=True)

_BY_HAND = (
    "the keys are set by CISM_VAULT_KEYS, which only you can change: put a new one (`cism keys make` makes "
    "one) in front, start every part again, and run `cism keys rotate` then: it seals everything anew"
)
_OLD_BY_HAND = "take the old keys out of CISM_VAULT_KEYS once `cism keys status` says that nothing waits"


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Each key by its public name, and what still needs it."""
    with acting(None, "keys status") as viewer:
        copies.look(viewer.session, load().backup_folder)
        rows = [
            {
                "key": one.key,
                "seals": one.newest,
                "values": one.values,
                "stop_list_lines": one.lines,
                "waits": one.waits or ("" if one.newest else "nothing: `cism keys rotate --retire`"),
            }
            for one in rotation.standing(viewer.session)
        ]
    columns = {
        "key": "Key",
        "seals": "Seals now",
        "values": "Values",
        "stop_list_lines": "Lines of the stop list",
        "waits": "What keeps it",
    }
    show.listing(rows, columns, title="Keys", empty="no keys", as_json=as_json)


@app.command("make")
def make() -> None:
    """Make a key for CISM_VAULT_KEYS; it is shown once and kept nowhere."""
    show.line(key_file.words([key_file.fresh()]))


@app.command("rotate")
def rotate(
    retire: Annotated[
        bool, typer.Option("--retire", help="Take away old keys that nothing needs any more.")
    ] = False,
) -> None:
    """Put a new key in front and seal everything anew, while all runs; one that was cut short goes on."""
    settings = load()
    if retire:
        _retire(settings)
        return
    with ground.opened(settings) as db:
        if _begins(settings):
            if rotation.begin(db, KeyFile(settings.key_path)):
                show.line(f"the key {seal.current().newest} seals from now on")
            else:
                show.line("an earlier rotation was not finished: going on with it")
        with acting(None, "keys rotate") as viewer:
            viewer.object_id = seal.current().newest
        done = 0
        for count in rotation.seal_anew(db):
            done += count
            show.line(f"{done} values sealed anew")
        with acting(None, "keys rotated") as viewer:
            viewer.object_id = seal.current().newest
            old = [one for one in rotation.standing(viewer.session) if not one.newest]
    for one in old:
        show.line(f"the old key {one.key}: {one.waits or 'nothing needs it'}")
    show.line(
        _OLD_BY_HAND if settings.vault_keys else "later: `cism keys rotate --retire` takes old keys away"
    )


def list_erasures(as_json: AsJson = False) -> None:
    """Whose key was destroyed, and whether a backup still has it; people by their opaque id."""
    with acting(None, "erasures") as viewer:
        copies.look(viewer.session, load().backup_folder)
        rows = [
            {
                "person": one.person_id,
                "erased_at": stamp(one.erased_real),
                "state": "done" if one.done_real else "pending",
                "done_at": stamp(one.done_real) if one.done_real else None,
                "backups": len(one.waits_for),
                "last_backup": one.waits_for[-1] if one.waits_for else None,
            }
            for one in copies.erasures(viewer.session)
        ]
    columns = {
        "person": "Person",
        "erased_at": "Erased",
        "state": "State",
        "done_at": "Done",
        "backups": "Backups that have the key",
        "last_backup": "The last of them",
    }
    show.listing(rows, columns, title="Erasures", empty="nobody was erased", as_json=as_json)


def _begins(settings: Settings) -> bool:
    """Whether a new key is to be made here; keys of the environment are changed by hand, before."""
    if settings.vault_keys is None:
        return True
    if len(settings.keys()) < 2:
        raise ConfigurationError(_BY_HAND)
    return False


def _retire(settings: Settings) -> None:
    if settings.vault_keys is not None:
        raise ConfigurationError(_OLD_BY_HAND)
    with acting(None, "keys retire") as viewer:
        copies.look(viewer.session, settings.backup_folder)
        viewer.object_id = seal.current().newest
    with ground.opened(settings) as db:
        gone = rotation.retire(db, KeyFile(settings.key_path))
    show.line(f"taken away: {', '.join(gone)}")
