"""`GET /v1/jobs/{id}/events`: a job's events as they come, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from api.problems import Kind, ProblemError, documented
from api.reads import JobId, await_projected, reading
from api.services import ApiServices, Services, Tenant
from projections import lineage
from projections.lineage import JobEvent, job_events
from schemas.analyses import AnalysisCompleted, AnalysisFailed
from schemas.documents import DocumentRefused
from schemas.errors import Unavailable

router = APIRouter(tags=["jobs"])

_TERMINAL = frozenset({AnalysisCompleted.TYPE, AnalysisFailed.TYPE, DocumentRefused.TYPE})
_RECONNECT_MS = 1000
# As OpenAPI 3.2 describes a stream's items, and FastAPI its own.
_ITEM = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "event": {"type": "string"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/JobEvent"},
        },
        "retry": {"type": "integer"},
    },
}


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "`id`: the event's; `event`: its short type, such as `document.described`; `data`: JobEvent",
            "content": {"text/event-stream": {"itemSchema": _ITEM}},
        },
        204: {"description": "the last event was already received: nothing more will come"},
        **documented(401, 404, 422, 429, 503),
    },
    summary="Live feed of a job",
)
async def events(
    job_id: JobId,
    request: Request,
    services: Services,
    tenant: Tenant,
    follow: Annotated[bool, Query(description="false: end after what there is now")] = True,
    last_event_id: Annotated[str | None, Header(max_length=100, description="resume after this event")] = None,
) -> Response:
    """Every event of the job from its start, or after `Last-Event-ID`, until the one that ends it.

    Comments keep the connection alive. A client that comes back after the end gets 204, which stops an EventSource.
    """

    async def read() -> list[JobEvent] | None:
        return await _read(services, tenant, job_id)

    known = await await_projected(services, tenant, job_id, lineage.READ_FROM, read)
    sent = _seen(known, last_event_id)
    if _over(known) and len(sent) == len(known):
        return Response(status_code=204)
    feeds: set[object] = request.app.state.feeds
    if len(feeds) >= services.limits.feeds:
        raise ProblemError(Kind.BUSY, "Too many live feeds are open here.", headers={"Retry-After": "5"})
    return EventSourceResponse(
        _counted(feeds, _stream(services, tenant, job_id, known, sent, follow)),
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _counted(feeds: set[object], stream: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    place = object()
    feeds.add(place)
    try:
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk
    finally:
        feeds.discard(place)


async def _stream(
    services: ApiServices, tenant: str, job_id: str, known: list[JobEvent], sent: set[str], follow: bool
) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    ends_at = clock() + services.limits.feed_seconds
    last_sent = clock()
    yield format_sse_event(retry=_RECONNECT_MS)
    with services.progress.changes(tenant, job_id) as watch:
        while True:
            for event in _ready(known, sent):
                sent.add(event.id)
                last_sent = clock()
                yield format_sse_event(id=event.id, event=_short(event.type), data_str=event.model_dump_json())
            if _over(known) or not follow or clock() >= ends_at or services.closing.is_set():
                return
            if clock() - last_sent >= services.limits.heartbeat:
                last_sent = clock()
                yield format_sse_event(comment="still here")
            await watch.wait(services.limits.poll)
            try:
                known = await _read(services, tenant, job_id) or known
            except Unavailable:
                return  # the client reconnects with Last-Event-ID, and meets a 503 that says when


async def _read(services: ApiServices, tenant: str, job_id: str) -> list[JobEvent] | None:
    with reading("the events"):
        return await job_events(services.database, tenant, job_id) or None


def _seen(known: list[JobEvent], last: str | None) -> set[str]:
    """Ids up to and with the last one a client has; none when it names an event of another job."""
    ids = [event.id for event in known]
    return set(ids[: ids.index(last) + 1]) if last in ids else set()


def _ready(known: list[JobEvent], sent: set[str]) -> list[JobEvent]:
    """What to send now, in causal order. An effect that is projected before its cause waits for it, so that what
    was sent is always a prefix and `Last-Event-ID` says it all; at the end nothing is held back."""
    ready: list[JobEvent] = []
    passed = set(sent)
    over = _over(known)
    for event in known:
        if event.id not in passed and (over or event.causation_id is None or event.causation_id in passed):
            passed.add(event.id)
            ready.append(event)
    return ready


def _over(known: list[JobEvent]) -> bool:
    return any(event.type in _TERMINAL for event in known)


def _short(type_name: str) -> str:
    """`vaultra.document.described.v1` → `document.described`."""
    return ".".join(type_name.split(".")[1:3])
