"""Event types, topics and small stages for the tests of the runner and its runtimes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from processors.stage import Stage, stage
from schemas.base import EventData
from schemas.envelope import Event, derived_id
from schemas.registry import register
from schemas.wire import Message, decode, encode
from streams.diversions import Backoff
from streams.embedded import EmbeddedRuntime
from streams.log import Advance, Appended, EventLog, Record, TopicPartition
from streams.runner import Runner
from streams.topics import TOPICS, Topic
from streams.tracing import Tracing


class Ping(EventData):
    TYPE: ClassVar[str] = "vaultra.test.ping.v1"
    number: int


class Pong(EventData):
    TYPE: ClassVar[str] = "vaultra.test.pong.v1"
    number: int
    text: str = ""


class Lost(EventData):
    TYPE: ClassVar[str] = "vaultra.test.lost.v1"
    reason: str


register(Ping, Pong, Lost)
COSTS = next(topic for topic in TOPICS if topic.name == "costs")
KIT_TOPICS = (Topic("pings", 4, (Ping,)), Topic("pongs", 4, (Pong, Lost)), COSTS)
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUICK = Backoff(pause=0.001, base=0.002, factor=1.0, outage=0.001, outage_cap=0.002)

Work = Callable[[Event[Ping]], Awaitable[Sequence[EventData]]]


def ping_event(number: int, key: str | None = None) -> Event[Ping]:
    key = key or f"job-{number}"
    return Event(
        id=f"ping-{number}",
        source="tests",
        subject=key,
        time=NOW,
        correlationid=key,
        causationid=None,
        tenantid="local",
        partitionkey=key,
        traceparent=TRACEPARENT,
        data=Ping(number=number),
    )


def ping(number: int, key: str | None = None) -> Message:
    return encode(ping_event(number, key), "pings")


def broken(id: str, key: str = "job-x") -> Message:
    """A ping whose data are not what its type says."""
    good = ping(0, key)
    return Message(
        topic="pings", key=key, id=id, tenant="local", attributes={**good.attributes, "id": id}, value=b'{"number": '
    )


def record_of(message: Message, *, offset: int = 0, value: bytes | None = b"", **extra: str) -> Record:
    return Record(
        topic=message.topic,
        partition=0,
        offset=offset,
        appended_at=NOW,
        key=message.key,
        attributes=message.attributes,
        value=message.value if value == b"" else value,
        extra=extra or message.extra,
    )


def lost(event: Event[Any], reason: str) -> Sequence[EventData]:
    return [Lost(reason=reason)]


def answer(work: Work, *, name: str = "answer", timeout: float = 5.0, retries: int = 2) -> Stage:
    """A stage that turns pings into what `work` returns."""

    @stage(name, consumes=[Ping], emits=[Pong], timeout=timeout, retries=retries, gives_up=lost)
    async def answering(event: Event[Ping]) -> Sequence[EventData]:
        return await work(event)

    return answering


def runner_of(declared: Stage, **options: Any) -> Runner:
    options = {"backoff": QUICK, "clock": lambda: NOW, "jitter": lambda: 0.5, "tracing": Tracing(None), **options}
    return Runner(declared, options.pop("ports", {}), topics=KIT_TOPICS, **options)


async def all_of(log: EventLog, topic: str) -> list[Record]:
    """Every record of a topic, partition by partition."""
    records: list[Record] = []
    for place, end in (await log.latest([topic])).items():
        at = 0
        while at < end:
            found = await log.read({place: at}, limit=1000)
            records.extend(found)
            at += len(found)
    return records


async def ids_on(log: EventLog, topic: str) -> list[str]:
    return sorted(record.attributes["id"] for record in await all_of(log, topic))


def data_of(message: Message | Record) -> EventData:
    return decode(message.attributes, message.value).data


def attributes_of(messages: Sequence[Message]) -> list[Mapping[str, str]]:
    return [message.attributes for message in messages]


class Chaos(EventLog):
    """A log that stops the world at one call: before it reaches the log, or after it did and nobody was told.

    `crash_at` counts appends (from 0). What runs on it is then frozen; the test kills it and starts anew on `inner`.
    """

    def __init__(self, inner: EventLog, crash_at: int, *, written: bool) -> None:
        self.inner = inner
        self.crashed = asyncio.Event()
        self._crash_at = crash_at
        self._written = written
        self._appends = 0

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        number, self._appends = self._appends, self._appends + 1
        if self.crashed.is_set() or number == self._crash_at:
            if self._written and not self.crashed.is_set():
                await self.inner.append(messages, advance=advance)
            self.crashed.set()
            await asyncio.Event().wait()
        return await self.inner.append(messages, advance=advance)

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        return await self.inner.read(positions, limit=limit, wait=wait, values=values)

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self.inner.positions(group, topics)

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self.inner.earliest(topics)

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self.inner.latest(topics)

    async def at_time(self, topics: Sequence[str], time: datetime) -> Mapping[TopicPartition, int]:
        return await self.inner.at_time(topics, time)

    async def healthy(self) -> bool:
        return await self.inner.healthy()

    async def close(self) -> None:
        await self.inner.close()


async def kill(runtime: EmbeddedRuntime) -> None:
    """What a SIGKILL leaves: nothing more is appended, nothing is given back."""
    runtime._stopping.set()
    for task in runtime._tasks.values():
        task.cancel()
    await asyncio.gather(*runtime._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def running(log: EventLog, *runners: Runner, **options: object) -> AsyncIterator[EmbeddedRuntime]:
    runtime = EmbeddedRuntime(log, runners, backoff=QUICK, **options)
    async with runtime:
        yield runtime


async def idle(runtime: EmbeddedRuntime) -> None:
    async with asyncio.timeout(20):
        await runtime.wait_idle()


def expected(numbers: Sequence[int], stage: str = "answer") -> list[str]:
    return sorted(derived_id(f"ping-{n}", stage, 0) for n in numbers)
