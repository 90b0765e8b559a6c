"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from adapters.database import reaching
from api.problems import documented
from api.services import ApiServices, Services
from schemas.errors import VaultraError

router = APIRouter(tags=["operation"])


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


class Check(BaseModel):
    """One part. `detail` says what is wrong."""

    model_config = ConfigDict(frozen=True)
    ok: bool
    detail: str | None = None


class Readiness(BaseModel):
    """Whether requests can be served now, part by part. `lag` is for people: a backlog alone is no reason to fail."""

    model_config = ConfigDict(frozen=True)
    status: Literal["ready", "not ready"]
    checks: dict[str, Check]
    lag: dict[str, int] | None = Field(default=None, description="events waiting in front of each consumer group")


@router.get("/healthz", summary="Is the process alive?", response_description="it is")
async def healthz() -> Alive:
    """Answers as long as the event loop turns; says nothing about the parts behind it."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can it work?",
    response_description="ready",
    responses={503: {"model": Readiness, "description": "not ready"}},
)
async def readyz(services: Services, response: Response) -> Readiness:
    """Checks log, database and blob store side by side, each within two seconds. 503 when one fails."""
    checks: dict[str, Callable[[], Awaitable[bool]]] = {
        "log": services.log.healthy,
        "database": lambda: _database(services),
        "blobs": services.blobs.healthy,
        **services.checks,
    }
    results = await asyncio.gather(*(_run(check, services.limits.health) for check in checks.values()))
    lag = await _lag(services)
    ready = all(result.ok for result in results)
    response.headers["Cache-Control"] = "no-store"
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return Readiness(status="ready" if ready else "not ready", checks=dict(zip(checks, results, strict=True)), lag=lag)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "exposition format"},
        **documented(401),
    },
)
async def metrics(services: Services) -> Response:
    """Every metric of this process. Open on loopback; needs a key otherwise."""
    # Lag is known when it is asked for.
    await _lag(services)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _database(services: ApiServices) -> bool:
    with reaching("the database"):
        return bool(await services.database.fetchval("SELECT true"))


async def _run(check: Callable[[], Awaitable[bool]], seconds: float) -> Check:
    try:
        async with asyncio.timeout(seconds):
            return Check(ok=True) if await check() else Check(ok=False, detail="not able to work now")
    except TimeoutError:
        return Check(ok=False, detail=f"no answer within {seconds:g} s")
    except (VaultraError, OSError) as error:
        return Check(ok=False, detail=f"cannot be reached ({type(error).__name__})")


async def _lag(services: ApiServices) -> dict[str, int] | None:
    if services.lag is None:
        return None
    try:
        async with asyncio.timeout(services.limits.health):
            return dict(await services.lag())
    except (TimeoutError, VaultraError, OSError):
        return None
