"""Errors on the wire: RFC 9457 problem documents, one closed list of kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class _Kind:
    slug: str
    status: int
    title: str


class Kind(Enum):
    """Every kind of problem this API answers. The slug is part of the contract and never changes."""

    BAD_REQUEST = _Kind("bad-request", 400, "The request cannot be read")
    BAD_CURSOR = _Kind("bad-cursor", 400, "The cursor is not one this API gave out")
    UNAUTHENTICATED = _Kind("unauthenticated", 401, "A valid API key is needed")
    CROSS_SITE = _Kind("cross-site", 403, "Requests from other sites are refused")
    WEBHOOK_REFUSED = _Kind("webhook-refused", 400, "The webhook is not accepted")
    NOT_FOUND = _Kind("not-found", 404, "There is no such thing here")
    METHOD_NOT_ALLOWED = _Kind("method-not-allowed", 405, "This address does not take that method")
    NOT_ACCEPTABLE = _Kind("not-acceptable", 406, "This answer exists in another media type only")
    TOO_LARGE = _Kind("too-large", 413, "The request is too large")
    UNSUPPORTED_MEDIA_TYPE = _Kind("unsupported-media-type", 415, "The request has the wrong media type")
    WRONG_HOST = _Kind("wrong-host", 421, "This server does not answer for that host")
    INVALID = _Kind("invalid", 422, "The request has invalid values")
    PICTURE_REFUSED = _Kind("picture-refused", 422, "The picture is not accepted")
    IDEMPOTENCY_CONFLICT = _Kind("idempotency-conflict", 422, "The Idempotency-Key was used for another upload")
    BUSY = _Kind("busy", 429, "Too many live feeds are open")
    INTERNAL = _Kind("internal", 500, "Something went wrong on our side")
    UNAVAILABLE = _Kind("unavailable", 503, "A part this needs cannot be reached now")


class FieldProblem(BaseModel):
    """One invalid value: where it stands in the request and what is wrong with it."""

    model_config = ConfigDict(frozen=True)
    where: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457). `type` names the kind and is stable; `detail` is for people."""

    model_config = ConfigDict(frozen=True)
    type: str = Field(examples=["urn:vaultra:problem:not-found"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    code: str | None = Field(default=None, description="why a picture or a webhook was refused")
    reason: str | None = Field(default=None, description="the same for people")
    job_id: str | None = Field(default=None, description="the job that records a refused picture")
    errors: list[FieldProblem] | None = Field(default=None, description="invalid values, at most 20")


class ProblemError(Exception):
    """Raised by a route to answer with a problem. `status` overrides the kind's own."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.status = status or kind.value.status
        self.headers = dict(headers or {})
        self.extensions = extensions


def unavailable(detail: str) -> ProblemError:
    """503 that invites to try again."""
    return ProblemError(Kind.UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def not_found(detail: str = "No job of yours has this id.") -> ProblemError:
    return ProblemError(Kind.NOT_FOUND, detail)


def respond(error: ProblemError, scope: Scope) -> Response:
    """The response that carries a problem about the request in `scope`."""
    problem = Problem(
        type=f"urn:vaultra:problem:{error.kind.value.slug}",
        title=error.kind.value.title,
        status=error.status,
        detail=error.detail,
        instance=quote(scope.get("path", "/"), safe="/:@!$&'()*+,;=~-._", errors="replace"),
        **error.extensions,
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **error.headers},
    )


_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "No valid API key.",
    403: "Sent by a page of another site.",
    404: "Nothing of this tenant is here.",
    413: "Too large.",
    415: "Wrong media type, or no picture of a known type.",
    422: "Invalid values.",
    429: "Too many at once.",
    503: "A part this needs cannot be reached; try again after `Retry-After` seconds.",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer these problems."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Pydantic's errors without the input they quote: what was sent may be private, or huge."""
    return [
        FieldProblem(where=".".join(str(part) for part in error["loc"])[:200], message=str(error["msg"])[:300])
        for error in errors[:20]
    ]
