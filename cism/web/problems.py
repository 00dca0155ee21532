"""Every error as an RFC 9457 problem document: what is wrong, and what to do. Never a value that was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from cism.errors import BadInput, CismError, NotSignedIn

MEDIA_TYPE: Final = "application/problem+json"
_PLAIN: Final = re.compile(r"[a-z0-9_-]{1,40}")  # as fields are called; else it may be what was sent
_ENUM: Final = re.compile(r"'([^']+)'")

# pydantic's kinds of errors in plain words; `{...}` are filled from the error's context
_WORDS: Final[Mapping[str, str]] = {
    "missing": "it is missing; give it",
    "extra_forbidden": "there is no such field; leave it out, or look it up in /api/v1/openapi.json",
    "enum": "use one of {expected}",
    "literal_error": "use one of {expected}",
    "string_type": "write it as text, in quotes",
    "string_too_short": "it is empty; give it",
    "string_too_long": "it is too long; use at most {max_length} characters",
    "string_pattern_mismatch": "it has characters that do not belong there; use letters, digits and - _ . /",
    "bool_type": "write true or false, without quotes",
    "list_type": "write a list, in [ ]",
    "too_long": "these are too many; send at most {max_length}",
    "too_short": "it is empty; name at least one",
    "model_attributes_type": "write an object, in {{ }}",
    "model_type": "write an object, in {{ }}",
    "dict_type": "write an object, in {{ }}",
    "json_invalid": "the body is not JSON; check quotes and commas",
}


_DOCUMENT: Final = {
    MEDIA_TYPE: {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": {"type": "array"},
            },
        }
    }
}
# what any call may be refused with, as the OpenAPI document says it
DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": _DOCUMENT}
    for status, words in {
        400: "The body cannot be decoded; nothing was saved",
        401: "No valid token",
        403: "Not this role's to do",
        404: "Not there, or not yours to know",
        409: "Done already, or its time has passed",
        413: "The body is too large",
        422: "It cannot be read; nothing was saved",
        503: "Not saved: try again",
        507: "Not saved: the disk is full",
    }.items()
}


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    name: str,
    detail: str,
    *,
    errors: Sequence[Any] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """One problem; `name` is stable and ends the type's URN, `detail` is for people."""
    body: dict[str, Any] = {
        "type": f"urn:cism:problem:{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return ProblemResponse(body, status_code=status, headers=dict(headers or {}))


def of_refusal(error: CismError) -> ProblemResponse:
    """What the product refused."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotSignedIn) else {}
    errors = error.errors if isinstance(error, BadInput) else []
    return problem(error.status, error.problem, str(error), errors=errors, headers=headers)


def of_validation(error: RequestValidationError) -> ProblemResponse:
    """A body, header or query that is not as the OpenAPI says."""
    wrong = [{"field": _field(item["loc"]), "problem": _plain(item)} for item in error.errors()]
    told = "; ".join(f"{item['field']}: {item['problem']}" for item in wrong)
    return problem(422, BadInput.problem, f"Nothing was saved. {told}", errors=wrong)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """An answer of the HTTP layer itself: no such address, no such method."""
    known = {
        400: ("bad-input", "Nothing was saved: the body cannot be decoded; send JSON in UTF-8."),
        404: ("not-found", "There is nothing at this address; /api/v1/openapi.json lists what there is."),
        405: (
            "method-not-allowed",
            "This address does not take that method; the Allow header lists those it takes.",
        ),
        413: ("too-large", "Nothing was saved: the body is too large; send fewer people at a time."),
    }
    name, detail = known.get(status, (_slug(status), HTTPStatus(status).phrase))
    return problem(status, name, detail, headers=headers)


def _slug(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-")


def _field(location: Sequence[object]) -> str:
    # the first part says where it was looked for (body, header, query); the rest is the field's own name
    parts = [str(part) for part in location[1:]] or [str(part) for part in location]
    if parts and parts[0].isdigit():  # a place in broken JSON
        return "body"
    return ".".join(part if _PLAIN.fullmatch(part) else "a field" for part in parts)


def _plain(item: Mapping[str, Any]) -> str:
    words = _WORDS.get(str(item["type"]))
    if words is None:
        # our own validators speak plainly already; what pydantic says otherwise names no value
        return str(item["msg"])[:200]
    context = {**item.get("ctx", {})}
    if "expected" in context:
        context["expected"] = ", ".join(_ENUM.findall(str(context["expected"])))
    return words.format_map({"expected": "the known ones", "max_length": "fewer", **context})
