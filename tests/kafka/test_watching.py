"""A stage that nobody watches any more, because watching failed, ends its process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from deploy.kafka.cluster import KafkaCluster
from schemas.errors import SetupError
from streams.diversions import Backoff
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_runtime import KafkaRuntime
from streams.kafka_topics import create
from streams.log import Advance, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.topics import diversion_topics
from tests.streams.stage_kit import KIT_TOPICS, Pong, answer, runner_of

TOPICS = (*KIT_TOPICS, *diversion_topics(["answer"]))


class Refusing(MemoryEventLog):
    """Somebody took the right to see positions away, once the stage had begun."""

    began = False

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        if not self.began:
            self.began = True
            return {}
        raise SetupError("Kafka refuses the log: GroupAuthorizationFailedError")


async def test_process_must_end_when_its_group_has_read_beyond_the_topic(kafka: KafkaCluster, prefix: str) -> None:
    """The topic was deleted and made anew: what stands below the old position would be skipped."""
    connection = KafkaConnection(kafka.bootstrap_servers, prefix)
    await create(connection, TOPICS)
    log = await KafkaEventLog.open(connection, TOPICS)
    await log.append([], advance=Advance("answer", {TopicPartition("pings", 0): 7}))

    async def say(event: object) -> Sequence[Pong]:
        return []

    runtime = KafkaRuntime(log, connection, [runner_of(answer(say))], backoff=Backoff(steps=(1.0, 2.0)))
    runtime.start()
    try:
        with pytest.raises(SetupError, match="read pings/0 up to 7, and it ends at 0"):
            await asyncio.wait_for(asyncio.shield(runtime.failure), 60)
    finally:
        await runtime.stop()
        await log.close()


async def test_process_must_end_when_the_watchdog_itself_fails(kafka: KafkaCluster, prefix: str) -> None:
    connection = KafkaConnection(kafka.bootstrap_servers, prefix)
    await create(connection, TOPICS)

    async def say(event: object) -> Sequence[Pong]:
        return []

    runtime = KafkaRuntime(
        Refusing(TOPICS), connection, [runner_of(answer(say))], backoff=Backoff(steps=(1.0, 2.0)), worker="aiokafka"
    )
    runtime.start()
    try:
        with pytest.raises(SetupError, match="GroupAuthorizationFailed"):
            await asyncio.wait_for(asyncio.shield(runtime.failure), 60)
    finally:
        await runtime.stop()
