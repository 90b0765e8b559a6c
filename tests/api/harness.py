"""The application with all its parts in reach, and what the stages and projections would do in its place."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx2
import uvicorn
from fastapi import FastAPI

from adapters.api_keys import create_key
from api.app import create_app
from api.services import ApiServices
from projections.runner import ProjectionRunner
from schemas.analyses import (
    AnalysisCompleted,
    AnalysisPlanned,
    Answer,
    Artefact,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    ExecutionResult,
    Program,
    Task,
)
from schemas.base import EventData
from schemas.documents import Document, DocumentDescribed, DocumentReceived
from schemas.envelope import Event, derived_id
from schemas.wire import decode, encode
from streams.topics import topic_of
from tests.api.parts import FailingLog, MemoryBlobStore, SignaturePictureReader, png

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def randomness(size: int) -> bytes:
    """Bytes that differ each time and are the same in every run."""
    return next(_numbers).to_bytes(size, "big")


@dataclass(frozen=True)
class Api:
    """The application with its parts in reach, and one client a caller."""

    app: FastAPI
    services: ApiServices
    log: FailingLog
    blobs: MemoryBlobStore
    pictures: SignaturePictureReader
    pool: asyncpg.Pool

    @asynccontextmanager
    async def client(self, key: str | None = None) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            yield client

    def with_services(self, **changes: Any) -> Api:
        services = replace(self.services, **changes)
        return replace(self, services=services, app=create_app(services))

    async def key(self, tenant: str) -> str:
        _, key = await create_key(self.pool, tenant=tenant, name="test", randomness=randomness)
        return key

    async def project(self) -> None:
        """Bring the projections up to the log."""
        runner = ProjectionRunner(self.pool, self.log)
        runner.progress = self.services.progress
        await runner.start()
        assert await runner.caught_up(within=10)
        await runner.stop()

    async def upload(self, client: httpx2.AsyncClient, **fields: str) -> str:
        """Upload a picture; the job's id."""
        response = await client.post("/v1/uploads", files={"file": ("a.png", png(), "image/png")}, data=fields)
        assert response.status_code == 202, response.text
        return str(response.json()["job_id"])

    async def emit(self, cause: Event[Any], stage: str, data: EventData) -> Event[Any]:
        """Put on the log what a stage would have put there."""
        event: Event[Any] = Event(
            id=derived_id(cause.id, stage, 0),
            source=f"vaultra/{stage}",
            subject=cause.subject,
            time=NOW,
            correlationid=cause.correlationid,
            causationid=cause.id,
            tenantid=cause.tenantid,
            partitionkey=cause.partitionkey,
            traceparent=cause.traceparent,
            data=data,
        )
        await self.log.append([encode(event, topic_of(type(data)).name)])
        return event

    async def received(self, job_id: str) -> Event[DocumentReceived]:
        records = await self.log.read(await self.log.earliest(["uploads"]), limit=1000)
        (found,) = [record for record in records if record.attributes["id"] == job_id]
        return decode(found.attributes, found.value)

    async def analyse(self, job_id: str, artefacts: dict[str, bytes] | None = None) -> list[Event[Any]]:
        """Take a job through all stages to its answer, as the stages would."""
        received = await self.received(job_id)
        picture = received.data.picture
        stored = [
            Artefact(name=name, blob=await self.blobs.put(data, "application/octet-stream"))
            for name, data in (artefacts or {}).items()
        ]
        task = Task(question="q", description=picture.blob, picture=picture.blob, plan=None, planner="test")
        program = Program(attempt=1, author="compiled", code="print(1)")
        run = ExecutionResult(reason="ok", stdout="1\n", artefacts=tuple(stored), backend="test")
        document = Document(kind="invoice")
        steps: list[tuple[str, EventData]] = [
            (
                "vision",
                DocumentDescribed(picture=picture, document=document, description=picture.blob, model="test"),
            ),
            ("reasoning", AnalysisPlanned(task=task, confidence=0.9)),
            ("codegen", CodeGenerated(task=task, program=program)),
            ("critic", CodeReviewed(task=task, program=program, approved=True)),
            ("execution", CodeExecuted(task=task, program=program, execution=run)),
            (
                "conclusion",
                AnalysisCompleted(
                    question="q",
                    answer=Answer(verdict="answered", text="It is 1."),
                    plan=None,
                    planner="test",
                    program=program,
                    execution=run,
                ),
            ),
        ]
        events: list[Event[Any]] = [received]
        for stage, data in steps:
            events.append(await self.emit(events[-1], stage, data))
        return events


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[str]:
    """The application on a real socket; its address."""
    config = uvicorn.Config(api.app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    running = asyncio.create_task(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
