"""The command line's client against a real socket that breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from schemas.errors import SetupError, Unavailable
from vaultra import client as client_module
from vaultra.client import VaultraClient

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def event(number: int, name: str) -> str:
    return f'id: e{number}\nevent: {name}\ndata: {{"number": {number}}}\n\n'


@asynccontextmanager
async def server(answer: Callable[[int], bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers the n-th request with the given bytes and hangs up; gives its URL and the requests it got."""
    requests: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer(len(requests)))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", requests
    finally:
        listening.close()
        await listening.wait_closed()


async def test_feed_goes_on_where_it_left_when_the_connection_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_RECONNECT_PAUSE", 0.0)

    def answer(request: int) -> bytes:
        if request == 1:
            # Half of the second event got through.
            return HEAD + chunk(event(1, "document.received")) + chunk("id: e2\nevent: docu")
        return HEAD + chunk(event(2, "document.described")) + chunk(event(3, "analysis.completed")) + b"0\r\n\r\n"

    async with server(answer) as (url, requests), VaultraClient(url) as client:
        seen = [live.id async for live in client.follow("job")]
    assert seen == ["e1", "e2", "e3"]
    assert "last-event-id" not in requests[0].lower()
    assert "last-event-id: e1" in requests[1].lower()


async def test_feed_gives_up_with_the_reason_when_the_instance_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_RECONNECT_PAUSE", 0.0)
    monkeypatch.setattr(client_module, "_RECONNECTS", 3)
    async with server(lambda request: b"") as (url, requests), VaultraClient(url) as client:
        with pytest.raises(Unavailable, match="stopped answering before job 17 ended"):
            [live async for live in client.follow("17")]
    assert len(requests) == 3


@pytest.mark.parametrize("url", ["127.0.0.1:8321", "ftp://host", "http://", "http://host:0", "http://host:port"])
async def test_client_refuses_when_the_address_is_none(url: str) -> None:
    with pytest.raises(SetupError, match="is no address of an instance"):
        VaultraClient(url)


async def test_client_says_so_when_something_else_answers() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    async with server(lambda request: page) as (url, _), VaultraClient(url) as client:
        with pytest.raises(Unavailable, match="no Vaultra answer"):
            await client.ready()
