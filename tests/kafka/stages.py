"""Two cheap stages for the tests of the Kafka runtime: they note what they do, and misbehave as told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from processors.stage import Stage, stage
from projections.projection import Column, Fact, Projection, Row, Table
from schemas.base import EventData, Value
from schemas.envelope import Event
from schemas.errors import RetryLater
from schemas.registry import register
from schemas.wire import Message
from streams.acceptance import LARGEST_VALUE
from streams.log import Advance, Appended, EventLog, Record, TopicPartition
from streams.topics import Topic, diversion_topics
from tests.streams.stage_kit import COSTS, Lost, Ping, Pong, lost


class Told(EventData):
    TYPE: ClassVar[str] = "vaultra.test.told.v1"
    number: int


register(Told)
STAGES = ("answer", "tell")
TOPICS = (
    Topic("pings", 4, (Ping,)),
    Topic("pongs", 4, (Pong, Lost)),
    Topic("tolds", 4, (Told,)),
    COSTS,
    *diversion_topics(STAGES),
)
# The topics as they may be declared: with one partition each one of three workers idles; widened, `pings` has two more.
SHAPES: Mapping[str, tuple[Topic, ...]] = {
    "declared": TOPICS,
    "narrow": tuple(replace(topic, partitions=1) for topic in TOPICS),
    "widened": tuple(replace(topic, partitions=6) if topic.name == "pings" else topic for topic in TOPICS),
}
# Where a worker kills itself, once: a step of the delivery of one ping.
POINTS = ("before work", "mid-work", "while appending", "after outputs", "before commit")


class Behaviour(Value):
    """What `answer` does. By number of the ping: seconds of work, times it says "later", poison, too large an answer.

    `dies` is (point, number); whoever makes the file `marker` first does. `notes` gets a line for each thing done.
    """

    notes: Path
    seconds: Mapping[int, float] = Field(default_factory=dict)
    later: Mapping[int, int] = Field(default_factory=dict)
    poison: frozenset[int] = frozenset()
    huge: frozenset[int] = frozenset()
    mended: Path | None = None
    dies: tuple[str, int] | None = None
    marker: Path | None = None

    def note(self, line: str) -> None:
        with self.notes.open("a") as file:
            file.write(f"{line} {os.getpid()}\n")

    def dies_at(self, point: str, number: int) -> bool:
        if self.dies != (point, number) or self.marker is None:
            return False
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def make_stages(behaviour: Behaviour, timeout: float = 30.0) -> tuple[Stage, ...]:
    """`answer` turns pings into pongs, `tell` pongs into tolds."""
    said: dict[int, int] = {}

    @stage("answer", consumes=[Ping], emits=[Pong], timeout=timeout, retries=4, gives_up=lost)
    async def answer(event: Event[Ping]) -> Sequence[EventData]:
        number = event.data.number
        behaviour.note(f"begin {number}")
        if behaviour.dies_at("before work", number):
            kill_myself()
        seconds = behaviour.seconds.get(number, 0.0)
        await asyncio.sleep(seconds / 2)
        if behaviour.dies_at("mid-work", number):
            kill_myself()
        await asyncio.sleep(seconds / 2)
        if number in behaviour.poison and not (behaviour.mended and behaviour.mended.exists()):
            raise ValueError(f"poison {number}")
        said[number] = said.get(number, 0) + 1
        if said[number] <= behaviour.later.get(number, 0):
            raise RetryLater("not yet")
        behaviour.note(f"done {number}")
        return [Pong(number=number, text="x" * LARGEST_VALUE if number in behaviour.huge else "")]

    @stage("tell", consumes=[Pong], emits=[Told], timeout=timeout, retries=4)
    async def tell(event: Event[Pong]) -> Sequence[EventData]:
        return [Told(number=event.data.number)]

    return (answer, tell)


class DeadlyLog(EventLog):
    """A log on which a worker kills itself around an append, as its behaviour says."""

    def __init__(self, inner: EventLog, behaviour: Behaviour) -> None:
        self._inner = inner
        self._behaviour = behaviour

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        dying = self._point(messages)
        if dying == "while appending":
            writing = asyncio.ensure_future(self._inner.append(messages))
            # One turn of the loop for the request to leave; whether the broker had it is open, as it should be.
            await asyncio.sleep(0)
            kill_myself()
            await writing
        outcomes = await self._inner.append(messages, advance=advance)
        if dying == "after outputs":
            kill_myself()
        elif dying == "before commit":
            asyncio.get_running_loop().call_later(0.3, kill_myself)
        return outcomes

    def _point(self, messages: Sequence[Message]) -> str | None:
        for message in messages:
            cause = message.attributes.get("causationid", "").removeprefix("ping-")
            if message.topic == "pongs" and cause.isdecimal():
                for point in POINTS[2:]:
                    if self._behaviour.dies_at(point, int(cause)):
                        return point
        return None

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        return await self._inner.read(positions, limit=limit, wait=wait, values=values)

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self._inner.positions(group, topics)

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self._inner.earliest(topics)

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        return await self._inner.latest(topics)

    async def at_time(self, topics: Sequence[str], time: Any) -> Mapping[TopicPartition, int]:
        return await self._inner.at_time(topics, time)

    async def healthy(self) -> bool:
        return await self._inner.healthy()

    async def close(self) -> None:
        await self._inner.close()


OUTCOMES = Table(
    "test_outcomes",
    columns=(
        Column("tenant", "text"),
        Column("job_id", "text"),
        Column("event_id", "text"),
        Column("type", "text", "least"),
        Column("data", "text", "least"),
    ),
    key=("tenant", "job_id", "event_id"),
)


def _apply(fact: Fact) -> Sequence[tuple[Table, Row]]:
    return ((OUTCOMES, (fact.tenant, fact.job, fact.id, fact.type, fact.json)),)


# Every outcome of the stages, by its id.
PROJECTION = Projection(name="test_outcomes", version=1, topics=("pongs", "tolds"), tables=(OUTCOMES,), apply=_apply)
