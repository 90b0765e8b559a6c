"""The declared topics on Kafka: made, and compared with what stands there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import BrokerResponseError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from schemas.errors import SetupError, Unavailable
from streams.acceptance import LARGEST_VALUE
from streams.kafka_connection import REQUEST_TIMEOUT_MS, KafkaConnection, reaching_kafka
from streams.topics import Topic

# Room for headers: a dead letter carries a traceback.
LARGEST_RECORD = LARGEST_VALUE + 1024**2
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicState:
    """A declared topic and how many partitions it has on Kafka; 0 when it is missing.

    `differing` are settings that are not what `vaultra topics create` would set, as "name=value, not value".
    """

    topic: Topic
    standing: int
    differing: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.standing >= self.topic.partitions

    def __str__(self) -> str:
        if not self.standing:
            return f"topic {self.topic.name} is missing"
        return f"topic {self.topic.name} has {self.standing} partitions, {self.topic.partitions} are declared"


def topic_settings(topic: Topic, copies: int, *, stamped_by: str = "LogAppendTime") -> dict[str, str]:
    """Kafka's settings of a topic. `stamped_by` CreateTime lets a copy of a history keep its times."""
    kept = -1 if topic.retention_days is None else topic.retention_days * _DAY_MS
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(kept),
        "retention.bytes": "-1",
        "max.message.bytes": str(LARGEST_RECORD),
        "message.timestamp.type": stamped_by,
        # With three copies one broker may be away; with fewer there is none to spare.
        "min.insync.replicas": str(2 if copies >= 3 else 1),
    }


@asynccontextmanager
async def administering(connection: KafkaConnection) -> AsyncIterator[Any]:
    """An admin client. Raises SetupError or Unavailable, also for what aiokafka raises inside."""
    await connection.reach()
    with reaching_kafka("Kafka"):
        admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **connection.options())
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


async def inspect(connection: KafkaConnection, topics: Sequence[Topic]) -> list[TopicState]:
    """Every declared topic as it stands. Raises SetupError or Unavailable."""
    async with administering(connection) as admin:
        return await _inspect(admin, connection, topics)


async def inspect_settings(connection: KafkaConnection, topics: Sequence[Topic]) -> list[TopicState]:
    """The same with what differs in how long records are kept, how large they may be, and who stamps them."""
    async with administering(connection) as admin:
        states = await _inspect(admin, connection, topics)
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, connection.topic(state.topic.name))
            for state in states
            if state.standing
        ]
        standing: dict[str, dict[str, str]] = {}
        for response in await admin.describe_configs(asked) if asked else ():
            for code, words, _, name, entries, *_ in response.resources:
                if code:
                    raise for_code(code)(f"topic {name}: {words}")
                standing[name] = {entry[0]: entry[1] for entry in entries}
    return [replace(state, differing=_differing(state, standing, connection)) for state in states]


def _differing(state: TopicState, standing: Mapping[str, Mapping[str, str]], to: KafkaConnection) -> tuple[str, ...]:
    found = standing.get(to.topic(state.topic.name), {})
    wanted = topic_settings(state.topic, copies=1)
    # How many copies must be in step follows from how many brokers there are.
    return tuple(
        f"{name}={found[name]}, not {value}"
        for name, value in wanted.items()
        if name != "min.insync.replicas" and found.get(name, value) != value
    )


async def _inspect(admin: Any, connection: KafkaConnection, topics: Sequence[Topic]) -> list[TopicState]:
    described = await admin.describe_topics([connection.topic(topic.name) for topic in topics])
    standing: dict[str, int] = {}
    for found in described:
        kind = for_code(found["error_code"])
        if not found["error_code"]:
            standing[found["topic"]] = len(found["partitions"])
        elif kind is not UnknownTopicOrPartitionError:
            raise kind(f"topic {found['topic']}")
    return [TopicState(topic, standing.get(connection.topic(topic.name), 0)) for topic in topics]


async def check(connection: KafkaConnection, topics: Sequence[Topic]) -> None:
    """Raises SetupError that names every topic that is missing or has fewer partitions than declared."""
    wrong = [str(state) for state in await inspect(connection, topics) if not state.usable]
    if wrong:
        raise SetupError(f"{'; '.join(wrong)}: run `vaultra topics create`")


async def create(
    connection: KafkaConnection,
    topics: Sequence[Topic],
    *,
    copies: int = 1,
    add_partitions: bool = False,
    stamped_by: str = "LogAppendTime",
) -> list[TopicState]:
    """Make what is missing, each with `copies` replicas; gives every topic as it stood before.

    Partitions are added to a topic that has fewer only on demand, because keys move: see docs/OPERATIONS.md. Made by
    another at the same moment is as good. Raises SetupError for what cannot be made and Unavailable.
    """
    async with administering(connection) as admin:
        before = await _inspect(admin, connection, topics)
        few = [state for state in before if state.standing and not state.usable]
        if few and not add_partitions:
            raise SetupError(
                f"{'; '.join(map(str, few))}. Adding some moves keys: stop every writer, let the stages finish, "
                "then run `vaultra topics create --add-partitions`"
            )
        missing = [
            NewTopic(
                connection.topic(state.topic.name),
                state.topic.partitions,
                copies,
                topic_configs=topic_settings(state.topic, copies, stamped_by=stamped_by),
            )
            for state in before
            if not state.standing
        ]
        if missing:
            _raise_refused((await admin.create_topics(missing)).topic_errors, fine=TopicAlreadyExistsError)
        if few:
            more = {connection.topic(state.topic.name): NewPartitions(state.topic.partitions) for state in few}
            _raise_refused((await admin.create_partitions(more)).topic_errors)
        if missing or few:
            await _shown(admin, connection, topics)
        return before


async def _shown(admin: Any, connection: KafkaConnection, topics: Sequence[Topic]) -> None:
    """Wait until the brokers know what the controller has made."""
    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
        while True:
            if all(state.usable for state in await _inspect(admin, connection, topics)):
                return
            await asyncio.sleep(0.05)


async def stamp_by(connection: KafkaConnection, topics: Sequence[Topic], copies: int, stamped_by: str) -> None:
    """Let the broker (LogAppendTime) or the writer (CreateTime) say when a record was appended, from now on."""
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            connection.topic(topic.name),
            topic_settings(topic, copies, stamped_by=stamped_by),
        )
        for topic in topics
    ]
    async with administering(connection) as admin:
        for response in await admin.alter_configs(resources):
            _raise_refused([(name, code, words) for code, words, _, name in response.resources])


def _raise_refused(outcomes: Sequence[Any], *, fine: type[BrokerResponseError] | None = None) -> None:
    for name, code, *words in outcomes:
        kind = for_code(code)
        if not code or kind is fine:
            continue
        said = words[0] if words and words[0] else kind.__name__
        if kind.retriable:
            raise Unavailable(f"topic {name} cannot be made now: {said}")
        raise SetupError(f"topic {name} cannot be made: {said}")
