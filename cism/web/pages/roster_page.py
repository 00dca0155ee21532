"""Importing a roster with a preview: every error by its line, and nothing written before it was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act
from cism.domain.roster_rows import COLUMNS
from cism.errors import BadInput
from cism.services import audit, roster, roster_example
from cism.services.roster import ImportReport
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web import refusals
from cism.web.backend import backend_of
from cism.web.middleware import MOST_BYTES
from cism.web.pages import charge
from cism.web.pages.cookies import FORM_FIELD, check_form
from cism.web.pages.forms import Form
from cism.web.pages.showing import show
from cism.web.pages.who import Visitor, staff
from cism.web.words import _

router = APIRouter(prefix="/roster", include_in_schema=False)

_MOST_LINES: Final = 200  # of errors, changes and warnings each; the page stays small enough for a phone
_CARRIED: Final = 40_000  # letters; a longer file is chosen once more instead of travelling in the page


@dataclass(frozen=True, slots=True)
class Given:
    """What came with the form."""

    text: str
    digest: str  # of what was previewed; empty before


@router.get("")
async def ask(request: Request) -> Response:
    """Choose a file, or paste its lines."""

    def work(session: Session, _visitor: Visitor, person: Person) -> dict[str, Any]:
        audit.write(session, person.id, "page roster")
        return {"columns": COLUMNS, "example": roster_example.of(person)}

    return await charge.look(request, Act.CHANGE_ROSTER, "coordinator/roster.html", work)


@router.post("/preview")
async def preview(request: Request) -> Response:
    """What an import would do. Nothing is kept of it."""
    return await _read(request, keep=False)


@router.post("/import")
async def import_(request: Request) -> Response:
    """Do it: only what was previewed, whole or not at all."""
    return await _read(request, keep=True)


@router.post("/confirm")
async def confirm(request: Request) -> Response:
    """Ask everybody of the agency whose phone is not confirmed, once and in their open hours."""

    def work(session: Session, visitor: Visitor, _form: Form) -> None:
        roster.confirm(session, visitor.agency, product_now(session))
        audit.write(session, visitor.person_id or "", "page roster confirm")

    return await charge.do(request, Act.CHANGE_ROSTER, work, to="/readiness?asked=1")


async def _read(request: Request, *, keep: bool) -> Response:
    given = await _given(request)
    who = await staff(request, Act.CHANGE_ROSTER, back="/roster")
    if keep and given.digest != _digest(given.text):
        errors = [_("This is not the file that was looked at. Look at it first.")]
        return await _shown(request, given, None, errors, keep=False)
    try:
        report = await _imported(request, who, given.text, keep=keep)
    except BadInput as error:
        return await _shown(request, given, None, error.errors or [str(error)], keep=False)
    return await _shown(request, given, report, [], keep=keep)


async def _imported(request: Request, who: Visitor, text: str, *, keep: bool) -> ImportReport:
    backend, act = backend_of(request), "page roster import" if keep else "page roster preview"

    def work(session: Session) -> ImportReport:
        return roster.import_file(session, text, product_now(session), only=who.agency)

    def written(session: Session) -> ImportReport:
        report = work(session)
        audit.write(session, who.person_id or "", act)
        return report

    if keep:
        return await backend.act(written)
    report = await backend.tried(work)
    await backend.act(lambda session: audit.write(session, who.person_id or "", act))
    return report


async def _shown(
    request: Request, given: Given, report: ImportReport | None, errors: Sequence[str], *, keep: bool
) -> Response:
    """The report; a preview carries a short file along, and asks for a long one once more."""
    changed = [line for line in report.lines if line.what != "unchanged"] if report else []
    return await show(
        request,
        "coordinator/roster_report.html",
        status=422 if errors else 200,
        wide=True,
        report=report,
        changed=changed[:_MOST_LINES],
        more=max(0, len(changed) - _MOST_LINES),
        errors=[refusals.by_line(one) for one in errors[:_MOST_LINES]],
        more_errors=max(0, len(errors) - _MOST_LINES),
        warnings=[refusals.by_line(one) for one in report.warnings[:_MOST_LINES]] if report else [],
        kept=refusals.by_line,
        done=keep,
        digest=_digest(given.text),
        text=given.text if len(given.text) <= _CARRIED else None,
    )


async def _given(request: Request) -> Given:
    """A file or pasted lines, from a page of ours. Raises BadInput for what is no text in UTF-8."""
    async with request.form(max_files=1, max_fields=10, max_part_size=MOST_BYTES) as form:
        await check_form(request, str(form.get(FORM_FIELD, "")))
        sent = form.get("file")
        raw = await sent.read() if isinstance(sent, UploadFile) else b""
        pasted = str(form.get("text", "")).replace("\r\n", "\n")
        digest = str(form.get("digest", ""))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n") if raw else pasted
    except UnicodeDecodeError:
        message = _("This file is not text in UTF-8. Save it as CSV in UTF-8 and choose it again.")
        raise BadInput(message) from None
    if not text.strip():
        message = _("Choose a file, or paste its lines.")
        raise BadInput(message)
    return Given(text.replace("\x00", ""), digest)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
