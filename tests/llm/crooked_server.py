"""A real HTTP server that misbehaves on purpose: each request gets the next reply of a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class CrookedServer:
    """Replies in order, the last one for ever; `requests` are those received, `peak` the most at once."""

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    peak: int = 0
    base_url: str = ""
    _now: int = 0

    async def __aenter__(self) -> CrookedServer:
        self._connections: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        with contextlib.suppress(ConnectionError):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(head[0].split(" ")[1], headers, json.loads(body or b"{}")))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        self._now += 1
        self.peak = max(self.peak, self._now)
        try:
            await reply(writer)
        finally:
            self._now -= 1


def status(code: int, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer of one piece."""
    content = body if isinstance(body, bytes) else json.dumps(body or {"error": {"message": "no"}}).encode()
    return raw(content, "application/json", code=code, headers=headers)


def raw(content: bytes, content_type: str, *, code: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        _head(writer, code, {"content-type": content_type, "content-length": str(len(content)), **(headers or {})})
        writer.write(content)
        await writer.drain()

    return reply


async def never(writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.Event().wait()


def says(*parts: str, finish: str | None = "stop", usage: Mapping[str, int] | None = None) -> Reply:
    """A proper stream of these parts."""
    events = [chunk({"content": part}) for part in parts]
    if finish:
        events.append(chunk({}, finish=finish))
    if usage:
        events.append({"choices": [], "usage": usage})
    return stream(*(json.dumps(event) for event in events), *(["[DONE]"] if finish else []))


def stream(*events: str, then: Reply | None = None, gate: asyncio.Event | None = None) -> Reply:
    """Server-sent events with these data, then `then`, else the connection closes. Waits for `gate` first."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        if gate is not None:
            await gate.wait()
        _head(writer, 200, {"content-type": "text/event-stream"})
        for event in events:
            writer.write(f"data: {event}\n\n".encode())
        await writer.drain()
        if then is not None:
            await then(writer)

    return reply


def trickle(text: str) -> Reply:
    """A stream that comes byte by byte, for ever in the middle of its first event."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, {"content-type": "text/event-stream"})
        for byte in b"data: " + text.encode() * 10_000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)

    return reply


def comments() -> Reply:
    """A stream of keep-alive comments only: the server lives, the model does not."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, {"content-type": "text/event-stream"})
        while True:
            writer.write(b": ping\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    return reply


def flood(piece: bytes) -> Reply:
    """A stream that never ends."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, {"content-type": "text/event-stream"})
        while True:
            writer.write(piece)
            await writer.drain()

    return reply


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Drops the connection without an answer."""
    writer.transport.abort()


def broken_chunked(*events: str) -> Reply:
    """A chunked body that ends without its last chunk."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        _head(writer, 200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for event in events:
            data = f"data: {event}\n\n".encode()
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()

    return reply


def chunk(delta: Mapping[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
    }


def _head(writer: asyncio.StreamWriter, code: int, headers: Mapping[str, str]) -> None:
    lines = [f"HTTP/1.1 {code} Whatever", "connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
