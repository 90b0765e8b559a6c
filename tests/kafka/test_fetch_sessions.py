"""What is asked of a broker in a fetch session, and when a session begins anew; the brokers of other tests answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v6, FetchRequest_v11

from streams.fetch_sessions import LONGEST_WAIT_MS, fetch_incrementally

NUMBER = 7
NO_SESSION = 70


class Broker:
    """Answers what it was told to; `asked` holds its requests as they came over the wire."""

    def __init__(self, version: type = FetchRequest_v11) -> None:
        self.version = version
        self.asked: list[Any] = []
        self.session = NUMBER
        self.error: int | BaseException = 0
        client = SimpleNamespace(send=self.answer)
        self.consumer = fetch_incrementally(SimpleNamespace(_client=client, _fetch_max_wait_ms=1500))

    async def answer(self, node: int, request: Any) -> Any:
        self.asked.append(request.build(self.version))
        if isinstance(self.error, BaseException):
            raise self.error
        return SimpleNamespace(
            API_VERSION=self.version.API_VERSION, error_code=self.error, session_id=self.session, topics=[]
        )

    async def fetch(self, *positions: int) -> Any:
        """Ask from these positions of partitions 0, 1 … of a topic; a negative one is not asked for."""
        wanted = [(partition, at, 100) for partition, at in enumerate(positions) if at >= 0]
        return await self.consumer._client.send(1, FetchRequest(500, 1, 1000, 0, [("t", wanted)]))

    @property
    def last(self) -> tuple[int, int, dict[int, int], list[Any]]:
        """Session, epoch, the positions and the partitions to forget, of the last request."""
        asked = self.asked[-1]
        positions = {partition: at for _, partitions in asked.topics for partition, _, at, *_ in partitions}
        return asked.session_id, asked.session_epoch, positions, asked.forgotten_topics_data


async def test_fetches_name_what_has_moved_when_the_broker_keeps_a_session() -> None:
    broker = Broker()
    assert broker.consumer._fetch_max_wait_ms == LONGEST_WAIT_MS
    await broker.fetch(0, 0, 0)
    assert broker.last == (0, 0, {0: 0, 1: 0, 2: 0}, [])
    await broker.fetch(0, 5, 0)
    assert broker.last == (NUMBER, 1, {1: 5}, [])
    await broker.fetch(0, 5, 0)
    assert broker.last == (NUMBER, 2, {}, [])
    await broker.fetch(-1, 5, 3)
    assert broker.last == (NUMBER, 3, {2: 3}, [("t", [0])])
    await broker.fetch(0, 5, 3)
    assert broker.last == (NUMBER, 4, {0: 0}, [])


@pytest.mark.parametrize("error", [NO_SESSION, KafkaConnectionError("away"), asyncio.CancelledError()])
async def test_fetches_name_everything_again_when_the_session_may_be_lost(error: int | BaseException) -> None:
    broker = Broker()
    await broker.fetch(0, 0)
    broker.error = error
    with suppress(KafkaConnectionError, asyncio.CancelledError):
        await broker.fetch(1, 0)
    broker.error = 0
    await broker.fetch(1, 0)
    assert broker.last == (NUMBER, 0, {0: 1, 1: 0}, []), "the broker is told to forget the one it may have"
    await broker.fetch(1, 2)
    assert broker.last == (NUMBER, 1, {1: 2}, [])


async def test_fetches_name_everything_when_the_broker_has_no_room_for_a_session() -> None:
    broker = Broker()
    broker.session = 0
    for _ in range(2):
        await broker.fetch(0, 0)
        assert broker.last == (0, 0, {0: 0, 1: 0}, [])


async def test_fetches_are_as_aiokafka_makes_them_when_the_broker_knows_no_sessions() -> None:
    broker = Broker(FetchRequest_v6)
    for _ in range(2):
        await broker.fetch(3, 4)
        [(_, partitions)] = broker.asked[-1].topics
        assert [(partition, at) for partition, at, *_ in partitions] == [(0, 3), (1, 4)]
