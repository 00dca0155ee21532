"""Buttons about offers behind a link: it was offered, it is wanted, this person is handed over."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cism.web.pages import acts
from cism.web.pages.links import act_once

router = APIRouter(include_in_schema=False)


@router.post("/a/{secret}/offer")
async def offered(request: Request, secret: str) -> Response:
    """Something was offered; what they do with it is theirs."""
    return await act_once(request, secret, acts.offered, "make offer")


@router.post("/a/{secret}/refer")
async def hand_over(request: Request, secret: str) -> Response:
    """A person agreed that a clinician takes over from their peer."""
    return await act_once(request, secret, acts.hand_over, "hand over")


@router.post("/a/{secret}/limits")
async def limits_told(request: Request, secret: str) -> Response:
    """A peer told somebody whom they look after the limits of confidentiality, in the agency's words."""
    return await act_once(request, secret, acts.limits_told, "tell limits")


@router.post("/a/{secret}/read-out")
async def limits_read_out(request: Request, secret: str) -> Response:
    """The leader of a meeting read the limits of confidentiality out before it began."""
    return await act_once(request, secret, acts.limits_read_out, "read out limits")
