"""Pages behind a short-lived address: a code to the enrolled phone opens them; looking changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.escalation import EscalationState
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.errors import AlreadyDone, BadInput, NotAllowed, NotFound, NotSignedIn
from cism.services import (
    answers,
    audit,
    escalations,
    links,
    numbers,
    people,
    queue,
    response,
    sign_ins,
    worry,
)
from cism.services.links import LIFETIME, Opened
from cism.services.sign_ins import Way
from cism.store.db import now as product_now
from cism.store.tables import Question
from cism.web.auth import UNKNOWN
from cism.web.backend import backend_of
from cism.web.pages import link_view, other_sections
from cism.web.pages.cookies import form_token, keep_visit, set_page_cookie, start_session
from cism.web.pages.forms import Form, posted
from cism.web.pages.showing import show
from cism.web.pages.templating import page
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_COOKIE: Final = "cism_page"
_OWN_CARE: Final = "/me/care"


@router.get("/a/{secret}")
async def look(request: Request, secret: str) -> Response:
    """The page, to the browser that gave the code; to any other the way to a code."""
    browser = request.cookies.get(_COOKIE)
    sent = "sent" in request.query_params
    if browser is None:
        return await _gate(request, secret, sent=sent)

    def work(session: Session) -> link_view.View | None:
        opened = links.opened(session, secret, browser)
        request.state.actor = opened.person_id
        return None if opened.purpose == links.CARE else link_view.view(session, opened)

    try:
        found = await backend_of(request).act(work)
    except (NotSignedIn, NotFound):
        return await _gate(request, secret, sent=sent, expired=not sent)
    if found is None:
        return RedirectResponse(_OWN_CARE, status_code=303)  # the code signed them in
    request.state.language = found.language
    return await show(
        request,
        "link.html",
        sections=found.sections,
        zone=found.zone,
        home=found.home,
        base=f"/a/{secret}",
    )


@router.get("/a/{secret}/{_act}")
async def look_again(secret: str, _act: str) -> Response:
    """A browser that was closed on an answer comes back by asking for that address."""
    return RedirectResponse(f"/a/{secret}", status_code=303)


@router.post("/a/{secret}/code")
async def send_code(request: Request, secret: str) -> Response:
    """Text a code to the enrolled phone. The page says the same for an address that is not ours."""
    await posted(request)
    if not backend_of(request).codes.allow(hashlib.sha256(secret.encode()).hexdigest()):
        return await _gate(
            request,
            secret,
            sent=True,
            problem=_("Several codes were sent. Use the newest, or wait a quarter of an hour."),
        )

    def work(session: Session) -> None:
        try:
            links.send_code(session, secret, product_now(session))
        except NotFound:
            return

    await backend_of(request).act(work)
    answer = RedirectResponse(f"/a/{secret}?sent=1", status_code=303)
    # the address lives on with the new code: a browser that was let in before has to give it too
    answer.delete_cookie(_COOKIE, path=f"/a/{secret}")
    return answer


@router.post("/a/{secret}/open")
async def give_code(request: Request, secret: str) -> Response:
    """Check the code. The page says the same for an address that is not ours."""
    form = await posted(request)
    code = "".join(form.one("code").split())

    def work(session: Session) -> tuple[str, str | None] | None:
        try:
            browser = links.open_with(session, secret, code)
        except NotFound:
            return None
        return (browser, _came_back(session, secret, browser)) if browser else None

    found = await backend_of(request).act(work)
    if found is None:
        request.state.actor = UNKNOWN
        await request.app.state.refusals.note(request, NotSignedIn())
        return await _gate(
            request,
            secret,
            sent=True,
            problem=_("That code does not fit, or its time is over. Ask for a new one."),
        )
    return open_page(request, secret, *found)


def open_page(request: Request, secret: str, browser: str, signed_in: str | None) -> Response:
    """To the page, with what opens it; a sign-in opens the person's own pages too."""
    answer = RedirectResponse(f"/a/{secret}", status_code=303)
    set_page_cookie(request, answer, _COOKIE, browser, f"/a/{secret}", int(LIFETIME.total_seconds()))
    if signed_in is not None:
        start_session(request, answer, signed_in)
    return answer


def _came_back(session: Session, secret: str, browser: str) -> str | None:
    """The code came back: the number is this person's; after a sign-in the secret of their browser."""
    opened = links.opened(session, secret, browser)
    person = people.lock_person(session, opened.person_id)
    numbers.proved(session, person, product_now(session))
    if opened.purpose not in links.SIGN_IN:
        return None
    audit.write(session, person.id, "sign in by code")
    return sign_ins.of_person(session, person, Way.CODE)


@router.post("/a/{secret}/answer")
async def answer_question(request: Request, secret: str) -> Response:
    """A button: the same as its digit by text."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        people.lock_person(session, opened.person_id)
        question = session.get(Question, form.one("question"))
        if question is None or question.person_id != opened.person_id:
            message = _("This question is not yours.")
            raise NotAllowed(message)
        digit, number = form.one("digit"), form.one("number")
        if question.state != "open" and question.answer == digit:
            return  # pressed twice
        if digit not in ALLOWED_DIGITS[QuestionKind(question.kind)] or (number and not number.isdecimal()):
            message = _("This answer does not fit the question. Open the page again.")
            raise BadInput(message)
        answers.apply(session, question, digit, int(number[:4]) if number else None, product_now(session))

    return await act_once(request, secret, work, "answer")


@router.post("/a/{secret}/handled")
async def handled(request: Request, secret: str) -> Response:
    """The words were read, and the reader has acted."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        now = product_now(session)
        helper = people.get(session, opened.person_id)
        subject = link_view.subject_of(session, opened, "queue", form.one("subject"))
        shown = other_sections.queue_item(session, helper, subject, now)
        if shown.subject is None:
            raise AlreadyDone  # handled meanwhile, or theirs no longer: the page says which
        queue.handle(session, shown.subject, by=helper.id, now=now)

    return await act_once(request, secret, work, "handle queue")


@router.post("/a/{secret}/take-over")
async def take_over(request: Request, secret: str) -> Response:
    """The coordinator takes over; the logging supervisor no longer sees the list."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        now = product_now(session)
        helper = people.get(session, opened.person_id)
        subject = link_view.subject_of(session, opened, "incident", form.one("subject"))
        shown = other_sections.incident(session, helper, subject, now)
        if shown.subject is None:
            message = _("This is not yours to take over.")
            raise NotAllowed(message)
        response.accept(session, shown.subject, by=helper.id, now=now)

    return await act_once(request, secret, work, "accept incident")


@router.post("/a/{secret}/welfare")
async def end_welfare(request: Request, secret: str) -> Response:
    """How the search for somebody ended: met in person, or emergency services asked by a human."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        subject = link_view.subject_of(session, opened, "escalation", form.one("subject"))
        row = escalations.locked(session, subject) if subject else None
        if row is not None and row.state is EscalationState.CLOSED:
            raise AlreadyDone
        if row is None or row.acked_by != opened.person_id or row.state is not EscalationState.ACKED:
            message = _("Take it first; only who has it says how it ended.")
            raise NotAllowed(message)
        outcome, by_name = form.one("outcome"), form.one("by_name")[:80]
        if outcome == "handed_to_emergency_services":
            if not by_name:
                message = _("Write who asked the emergency services.")
                raise BadInput(message)
            outcome = f"{outcome}:{by_name}"
        helper = people.get(session, opened.person_id)
        escalations.close(session, row, helper, outcome, product_now(session))

    return await act_once(request, secret, work, "close escalation")


@router.post("/a/{secret}/worry")
async def worried(request: Request, secret: str) -> Response:
    """The same as 7 by text."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        question = session.get(Question, form.one("question"))
        if question is None or question.person_id != opened.person_id or question.about_id is None:
            message = _("This question is not yours.")
            raise NotAllowed(message)
        helper = people.lock_person(session, opened.person_id)
        worry.about(session, helper, question, product_now(session))

    return await act_once(request, secret, work, "worry")


async def act_once(
    request: Request, secret: str, work: Callable[[Session, Opened, Form], None], act: str
) -> Response:
    """One act of the browser that gave the code, audited with the person's id."""
    form = await posted(request)
    browser = request.cookies.get(_COOKIE)

    def together(session: Session) -> None:
        opened = links.opened(session, secret, browser)
        request.state.actor = opened.person_id
        work(session, opened, form)
        audit.write(session, opened.person_id, f"page {act}", opened.subject_id)

    try:
        await backend_of(request).act(together)
    except (NotSignedIn, NotFound):
        return await _gate(request, secret, expired=True)
    except AlreadyDone:
        pass  # pressed twice, or somebody was first: the page shows how things stand now
    return RedirectResponse(f"/a/{secret}", status_code=303)


async def _gate(
    request: Request, secret: str, *, sent: bool = False, expired: bool = False, problem: str | None = None
) -> Response:
    token = await form_token(request)
    answer = page(  # without the way around: it says the same to everybody, whoever is signed in
        request,
        "gate.html",
        status=403 if problem else 200,
        form_token=token,
        base=f"/a/{secret}",
        sent=sent,
        expired=expired,
        problem=problem,
    )
    keep_visit(request, answer)
    return answer
