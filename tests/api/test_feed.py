"""The live feed, over ASGI and over a real socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx2

from api.services import ApiLimits
from schemas.analyses import AnalysisFailed
from schemas.documents import Document, DocumentDescribed
from tests.api.harness import Api, served
from tests.api.parts import png


def parsed(text: str) -> list[dict[str, str]]:
    """The events of a stream: their fields; comments and what has no id aside."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            events.append(fields)
    return events


async def answered(api: Api, client: httpx2.AsyncClient) -> tuple[str, list[Any]]:
    job = await api.upload(client, question="How much?\ndata: injected")
    events = await api.analyse(job)
    await api.project()
    return job, events


async def test_feed_tells_every_event_and_ends_after_the_last(api: Api) -> None:
    async with api.client() as client:
        job, events = await answered(api, client)
        response = await client.get(f"/v1/jobs/{job}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    told = parsed(response.text)
    assert [one["id"] for one in told] == [event.id for event in events]
    assert [one["event"] for one in told] == [
        "document.received",
        "document.described",
        "analysis.planned",
        "code.generated",
        "code.reviewed",
        "code.executed",
        "analysis.completed",
    ]
    first, last = (json.loads(told[place]["data"]) for place in (0, -1))
    assert first["summary"]["question"] == "How much?\ndata: injected"
    assert (last["summary"]["text"], last["causation_id"]) == ("It is 1.", events[-2].id)


async def test_feed_resumes_after_the_last_event_a_client_has(api: Api) -> None:
    async with api.client() as client:
        job, events = await answered(api, client)
        for place in range(len(events)):
            response = await client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": events[place].id})
            assert [one["id"] for one in parsed(response.text)] == [event.id for event in events[place + 1 :]]
        assert response.status_code == 204
        unknown = await client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": "of-another-job"})
    assert len(parsed(unknown.text)) == len(events)


async def test_feed_ends_at_once_when_it_does_not_follow(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        await api.project()
        response = await client.get(f"/v1/jobs/{job}/events", params={"follow": "false"})
    assert [one["event"] for one in parsed(response.text)] == ["document.received"]


async def test_feed_of_a_refused_upload_is_one_event(api: Api) -> None:
    async with api.client() as client:
        job = (await client.post("/v1/uploads", files={"file": ("b.png", b"no")})).json()["job_id"]
        await api.project()
        response = await client.get(f"/v1/jobs/{job}/events")
    assert [one["event"] for one in parsed(response.text)] == ["document.refused"]


async def test_feed_tells_events_as_they_come_with_heartbeats_between(api: Api) -> None:
    async with served(api) as url, httpx2.AsyncClient(base_url=url) as client:
        job = await api.upload(client)
        await api.project()
        seen: list[str] = []
        async with asyncio.timeout(20), client.stream("GET", f"/v1/jobs/{job}/events") as response:
            async for line in response.aiter_lines():
                seen.append(line)
                if line == ": still here" and "event: document.described" not in seen:
                    received = await api.received(job)
                    picture = received.data.picture
                    described = DocumentDescribed(
                        picture=picture, document=Document(kind="photo"), description=picture.blob, model="test"
                    )
                    await api.emit(received, "vision", described)
                    await api.project()
                elif line == ": still here":
                    failed = AnalysisFailed(stage="vision", reason="broken")
                    await api.emit(await api.received(job), "other", failed)
                    await api.project()
    kinds = [line for line in seen if line.startswith(("event", ":"))]
    told = [line for line in kinds if not line.startswith(":")]
    assert told == ["event: document.received", "event: document.described", "event: analysis.failed"]
    assert kinds.count(": still here") >= 2


async def test_feed_holds_an_effect_back_until_its_cause_is_there(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        events = await api.analyse(job)
        hidden, shown = events[1], events[:1] + events[2:-1]
        await api.project()
        await api.pool.execute("DELETE FROM lineage_v2_b1.lineage WHERE event_id = ANY($1)", [hidden.id, events[-1].id])
        response = await client.get(f"/v1/jobs/{job}/events", params={"follow": "false"})
        assert [one["id"] for one in parsed(response.text)] == [shown[0].id]


async def test_feed_frees_its_place_when_the_client_leaves(api: Api) -> None:
    limited = api.with_services(limits=replace(api.services.limits, feeds=1))
    async with served(limited) as url, httpx2.AsyncClient(base_url=url) as client:
        job = await limited.upload(client)
        await limited.project()
        async with client.stream("GET", f"/v1/jobs/{job}/events") as response:
            lines = response.aiter_lines()
            while not (await anext(lines)).startswith("event"):
                pass
            assert len(limited.app.state.feeds) == 1
            busy = await client.get(f"/v1/jobs/{job}/events")
            assert (busy.status_code, busy.headers["content-type"]) == (429, "application/problem+json")
        async with asyncio.timeout(5):
            while limited.app.state.feeds:
                await asyncio.sleep(0.005)


async def test_feed_ends_when_the_server_is_closing(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        await api.project()
        feed = asyncio.create_task(client.get(f"/v1/jobs/{job}/events"))
        while not api.app.state.feeds:
            await asyncio.sleep(0.005)
        api.services.closing.set()
        async with asyncio.timeout(5):
            assert [one["event"] for one in parsed((await feed).text)] == ["document.received"]


async def test_feed_ends_after_its_longest_time(api: Api) -> None:
    short = api.with_services(limits=ApiLimits(feed_seconds=0.0))
    async with short.client() as client:
        job = await short.upload(client)
        await short.project()
        assert (await client.get(f"/v1/jobs/{job}/events")).status_code == 200


async def test_oversized_upload_gets_its_answer_over_a_socket(api: Api) -> None:
    """Even a client that sends everything before it reads: a socket closed too early would be reset."""
    async with served(api) as url:
        host, port = url.removeprefix("http://").split(":")
        for length in (f"Content-Length: {30 * 2**20}", "Transfer-Encoding: chunked"):
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}\r\n"
            writer.write(f"{head}Content-Type: multipart/form-data; boundary=xx\r\n\r\n".encode())
            for number in range(30):
                data = b"y" * 2**20 if number else png().ljust(2**20, b"y")
                writer.write(b"100000\r\n" + data + b"\r\n" if "chunked" in length else data)
                await writer.drain()
            writer.write(b"0\r\n\r\n" if "chunked" in length else b"")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400")), answer[:300]
            assert b"application/problem+json" in answer
