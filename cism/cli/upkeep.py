"""Keeping an installation well: migrations, readiness, protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cism.cli import ground, proof_report, reading, show
from cism.cli.show import AsJson
from cism.clock import RealClock
from cism.domain.proof import Facts, facts_of
from cism.domain.protocol import (
    Protocol,
    ProtocolInvalid,
    load_protocol,
    parse_protocol,
    prove_shipped,
    shipped_keys,
)
from cism.errors import CismError
from cism.services import own_rules, programme_checks, proofs, readiness, safekeeping
from cism.services.readiness import Check, Verdict
from cism.settings import load
from cism.store import migrate

db = typer.Typer(help="The database.", no_args_is_help=True)
protocols = typer.Typer(help="Protocols as files.", no_args_is_help=True)


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database to this program's version."""
    with ground.unchecked() as database:
        version = migrate.upgrade(database)
    show.line(f"the database is at version {version}")


def doctor(as_json: AsJson = False) -> None:
    """Say whether somebody could be forgotten here, and what to do about it; 1 where something is bad."""
    settings = load()
    provider, by_mail = ground.provider_trouble(settings), ground.second_trouble(settings)
    checks = readiness.of_settings(settings, provider, by_mail)
    try:
        with ground.opened(settings) as database, database.read() as session:
            checks += [Check("database", Verdict.GOOD, f"at version {migrate.head()}")]
            checks += readiness.of_database(session)
            checks += safekeeping.checks(session, settings)
            checks += programme_checks.checks(session)
    except CismError as error:
        checks.append(Check("database", Verdict.BAD, str(error)))
    rows = [{"check": item.name, "state": item.verdict.value, "text": item.text} for item in checks]
    columns = {"check": "Check", "state": "State", "text": "What it means"}
    show.listing(rows, columns, title="Readiness", empty="nothing to check", as_json=as_json)
    bad = [item for item in checks if item.verdict is Verdict.BAD]
    if bad:
        message = f"{len(bad)} of {len(checks)} checks are bad. First: {bad[0].name}: {bad[0].text}"
        raise CismError(message)


@protocols.command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or protocols' keys. Without: those that come with it, and the own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove protocols and the texts they send; every error with file, line and what to write instead."""
    with show.progress("proving"):
        proved, errors = _proved(files or ())
        texts = proofs.prove_texts(load().home)
        zones, unknown = proofs.prove_zones(RealClock().now())
    errors += [*texts.problems, *unknown]
    if as_json:
        rows = [{"file": name, **proof_report.as_data(found, facts)} for name, found, facts in proved]
        show.data({"protocols": rows, "texts": asdict(texts), "zones": zones, "errors": errors})
    else:
        for _, found, facts in proved:
            for told in proof_report.as_lines(found, facts):
                show.line(told)
        for told in errors or [proof_report.of_texts(texts), f"clocks: {zones} zones, nothing unknown"]:
            show.line(told)
    if errors:
        count = "one error" if len(errors) == 1 else f"{len(errors)} errors"
        message = f"{count} in protocol files. First: {errors[0]}"
        raise CismError(message)


def _proved(files: Sequence[Path]) -> tuple[list[tuple[str, Protocol, Facts]], list[str]]:
    proved, errors = [], []
    for name, read in _sources(files):
        try:
            found = read()
            proved.append((name, found, facts_of(found)))
        except ProtocolInvalid as error:
            errors += error.errors or [str(error)]
    return proved, errors


def _sources(given: Sequence[Path]) -> list[tuple[str, Any]]:
    own = load().home / own_rules.PROTOCOLS
    if given:
        return [_source(item, own) for item in given]
    files = sorted(own.glob("*.yaml"))
    return [_source(Path(key), own) for key in shipped_keys()] + [_source(path, own) for path in files]


def _source(given: Path, own: Path) -> tuple[str, Any]:
    """A file; or a key, of what comes with it or of a file of the installation's own."""
    name = str(given)
    if name in shipped_keys():
        return name, lambda: prove_shipped(name)
    is_key = given.name == name and not given.suffix and not given.is_file()
    path = own / f"{name}.yaml" if is_key else given
    if is_key and not path.is_file():
        return name, lambda: load_protocol(name)  # it tells the nearest one
    return str(path), lambda: parse_protocol(reading.file(path), str(path))
