"""Agencies at a terminal: what each says of itself in texts, what it attests, and who lends it mutual aid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cism.cli import reading, show
from cism.cli.show import AsJson
from cism.cli.viewer import AsId, acting
from cism.domain.access import Act
from cism.errors import BadInput
from cism.services import agencies, notices, openid_staff
from cism.services.agencies import AgencyChange

app = typer.Typer(help="What agencies say of themselves, attest, and lend each other.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="The agency's key, like metro-pd.")]
_COLUMNS = {
    "key": "Agency",
    "display": "Name in texts",
    "protocol": "Protocol",
    "duty_phone": "Duty phone",
    "crisis_line": "Crisis line",
    "attests_command_blind": "Command blind",
    "mutual_aid": "Mutual aid",
    "keeps": "Keeps",
}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the agencies."""
    with acting(None, "agency list") as viewer:
        rows = [agencies.facts(row) for row in agencies.listed(viewer.session)]
    if not as_json:
        rows = [_spoken(row) for row in rows]
    show.listing(rows, _COLUMNS, title="Agencies", empty="no agencies: import a roster", as_json=as_json)


@app.command("show")
def show_(key: Key, as_json: AsJson = False) -> None:
    """Show one agency."""
    with acting(None, "agency show") as viewer:
        found = agencies.facts(agencies.get(viewer.session, key))
    _tell(found, as_json=as_json)


@app.command("set")
def set_(
    key: Key,
    display: Annotated[str | None, typer.Option(help="Its name in texts, at most 20 characters.")] = None,
    crisis_line: Annotated[str | None, typer.Option(help='Like "call or text 988".')] = None,
    duty_phone: Annotated[str | None, typer.Option(help="The number that people are told.")] = None,
    protocol: Annotated[str | None, typer.Option(help="For incidents that name none.")] = None,
    attest_command_blind: Annotated[
        bool | None,
        typer.Option(
            "--attest-command-blind/--withdraw-command-blind",
            help="The agency attests that command does not see replies: first texts say so.",
        ),
    ] = None,
    mutual_aid: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Once for each agency whose helpers it may ask, and no others."),
    ] = None,
    no_mutual_aid: Annotated[bool, typer.Option("--no-mutual-aid", help="Its own people alone.")] = False,
    mutual_aid_of_all: Annotated[
        bool, typer.Option("--mutual-aid-of-all", help="Every agency here, as at first.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=SPAN", help="How long: contacts=120d, or escalations=730d."),
    ] = None,
    as_id: AsId = None,
    as_json: AsJson = False,
) -> None:
    """Set what is given; the rest stays as it is."""
    if sum((bool(mutual_aid), no_mutual_aid, mutual_aid_of_all)) > 1:
        message = "give only one of --mutual-aid, --no-mutual-aid and --mutual-aid-of-all"
        raise BadInput(message)
    wanted = AgencyChange(
        display=display,
        crisis_line=crisis_line,
        duty_phone=duty_phone,
        protocol=protocol,
        command_blind=attest_command_blind,
        mutual_aid=tuple(mutual_aid) if mutual_aid else () if no_mutual_aid else None,
        ask_everybody=mutual_aid_of_all,
        keep=tuple(keep or ()) or None,
    )
    with acting(as_id, "agency set") as viewer:
        viewer.object_id = key
        viewer.require(Act.SET_AGENCY, key)
        agencies.change(viewer.session, key, wanted, by=viewer.person_id, now=viewer.now)
        found = agencies.facts(agencies.get(viewer.session, key))
    _tell(found, as_json=as_json)


@app.command("sign-in")
def sign_in(
    key: Key,
    issuer: Annotated[str | None, typer.Option(help="Its OpenID Connect issuer, https://…")] = None,
    client_id: Annotated[str | None, typer.Option(help="As the issuer knows this program.")] = None,
    client_secret_file: Annotated[Path | None, typer.Option(help="A file with the client's secret.")] = None,
    claim: Annotated[
        str, typer.Option(help="What names the person: email, or a claim with the roster's id.")
    ] = openid_staff.EMAIL,
    remove: Annotated[bool, typer.Option("--remove", help="No sign-in of its own any more.")] = False,
    as_id: AsId = None,
) -> None:
    """Let the agency's staff sign in at its own issuer, for staff work alone."""
    if remove == (issuer is not None and client_id is not None):
        message = "give --issuer and --client-id, or --remove"
        raise BadInput(message)
    secret = reading.file(client_secret_file).strip() if client_secret_file is not None else None
    with acting(as_id, "agency sign-in") as viewer:
        viewer.object_id = key
        viewer.require(Act.SET_AGENCY, key)
        if remove:
            openid_staff.remove(viewer.session, key)
        else:
            openid_staff.put(viewer.session, key, issuer or "", client_id or "", secret, claim)
    show.line("removed" if remove else f"set; the issuer must send people back to {openid_staff.CAME_BACK}")


@app.command("notice")
def notice(
    key: Key,
    file: Annotated[
        Path | None, typer.Option(help="A new version, word for word from this file; without: shows it.")
    ] = None,
    language: Annotated[str, typer.Option(help="The language it is written in.")] = "en",
    as_id: AsId = None,
    as_json: AsJson = False,
) -> None:
    """The notice of the limits of confidentiality, as people are shown it; every version is kept."""
    text = reading.file(file) if file is not None else None
    with acting(as_id, "agency notice") as viewer:
        viewer.object_id = key
        agencies.get(viewer.session, key)
        if text is not None:
            viewer.require(Act.SET_AGENCY, key)
            notices.put(viewer.session, key, language, text, by=viewer.person_id, now=viewer.now)
        shown = notices.of(viewer.session, key, language)
    if as_json:
        show.data({"version": shown.version, "own": shown.own, "body": shown.body})
        return
    show.line(f"version {shown.version}{'' if shown.own else ' (comes with the product; set your own)'}")
    show.line(shown.body)


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show.data(found)
        return
    spoken = _spoken(found)
    for name, heading in _COLUMNS.items():
        value = spoken[name]
        said = "yes" if value is True else "no" if value is False else value
        show.line(f"{heading}: {said or '-'}")


def _spoken(found: dict[str, Any]) -> dict[str, Any]:
    lenders = found["mutual_aid"]
    aid = "every agency here" if lenders is None else ", ".join(lenders) or "none"
    keeps = ", ".join(f"{name} {span}" for name, span in sorted(found["keeps"].items()))
    return found | {"mutual_aid": aid, "keeps": keeps or "as the table says"}
