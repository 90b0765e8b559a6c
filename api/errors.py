"""Turns every exception a request can meet into a problem document."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.problems import Kind, ProblemError, field_problems, respond, unavailable
from schemas.errors import InvalidCursor, NotFound, Unavailable

_KINDS = {kind.value.status: kind for kind in reversed(Kind)}


def install(app: FastAPI) -> None:
    """Register the handlers. What none of them takes is answered by `api.gate.Gate` as a 500."""

    @app.exception_handler(ProblemError)
    async def problem(request: Request, error: ProblemError) -> Response:
        return respond(error, request.scope)

    @app.exception_handler(Unavailable)
    async def gone(request: Request, error: Unavailable) -> Response:
        # The message may name hosts and paths: it is for the log, not for clients.
        return respond(unavailable("A store does not answer. Nothing was acknowledged; try again."), request.scope)

    @app.exception_handler(NotFound)
    async def missing(request: Request, error: NotFound) -> Response:
        return respond(ProblemError(Kind.NOT_FOUND, "It does not exist, or is not yours."), request.scope)

    @app.exception_handler(InvalidCursor)
    async def bad_cursor(request: Request, error: InvalidCursor) -> Response:
        return respond(ProblemError(Kind.BAD_CURSOR, "Use `after` of a page of the same list."), request.scope)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = field_problems(error.errors())
        detail = "; ".join(f"{one.where}: {one.message}" for one in errors[:3])
        return respond(ProblemError(Kind.INVALID, detail, errors=errors), request.scope)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = _KINDS.get(error.status_code, Kind.BAD_REQUEST)
        detail = _DETAILS.get(error.status_code) or error.detail or HTTPStatus(error.status_code).phrase
        raised = ProblemError(kind, detail, status=error.status_code, headers=error.headers)
        return respond(raised, request.scope)


_DETAILS = {
    404: "There is nothing at this address. /docs lists what there is.",
    413: "The request is larger than this address takes.",
    405: "This address does not take that method; the Allow header lists those it takes.",
}
