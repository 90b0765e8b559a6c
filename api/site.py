"""The pages for people: static files that use the API like everybody else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

from api.problems import Kind, ProblemError
from api.reads import JobId

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
_ASSETS = frozenset({"style.css", "api.js", "index.js", "job.js", "docs.js", "mark.svg"})


@cache
def _read(name: str) -> bytes:
    return files("api").joinpath("pages", name).read_bytes()


def _page(name: str) -> Response:
    suffix = name[name.rindex(".") :]
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(_read(name), media_type=_TYPES[suffix], headers=headers)


@router.get("/")
async def index() -> Response:
    return _page("index.html")


@router.get("/jobs/{job_id}")
async def job(job_id: JobId) -> Response:
    """The page of a job; whether it exists is for the API to say, which knows who asks."""
    return _page("job.html")


@router.get("/docs")
async def docs() -> Response:
    return _page("docs.html")


@router.get("/favicon.ico")
async def favicon() -> Response:
    return _page("mark.svg")


@router.get("/pages/{name}")
async def asset(name: str) -> Response:
    if name not in _ASSETS:
        raise ProblemError(Kind.NOT_FOUND, "There is no such file.")
    return _page(name)
