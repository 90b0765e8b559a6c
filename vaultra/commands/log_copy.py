"""`vaultra log copy`: a history with its positions from the embedded log to Kafka, or back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from rich.console import Console

from adapters.database import Database
from schemas.errors import SetupError
from streams.kafka_group import scheduler_group
from streams.kafka_history import KafkaHistory
from streams.kafka_log import KafkaEventLog
from streams.log import Advance, EventLog, TopicPartition
from streams.log_copy import CopiedPartition, HistoryTarget, copy_history
from streams.postgres_history import PostgresHistory
from streams.postgres_log import PostgresEventLog
from streams.topics import due_topic, long_retry_topic, retry_topic
from vaultra.catalogue import STAGES, all_topics
from vaultra.instance import exclusive
from vaultra.kafka import kafka_connection
from vaultra.settings import Settings

Runtime = Literal["embedded", "kafka"]
Positions = Mapping[TopicPartition, int]


async def copy(settings: Settings, source: Runtime, target: Runtime, console: Console) -> None:
    """Copy and say what was copied, a line a partition. Nothing else may write to either log meanwhile.

    Raises SetupError, Unavailable, CopyFailed.
    """
    if source == target:
        raise SetupError(f"the {source} log cannot be copied onto itself: --from embedded --to kafka, or back")
    with exclusive(settings.data_dir):
        database = await Database.open(data_dir=settings.data_dir, url=settings.database_url.get_secret_value())
        try:
            async with _logs(settings, database, target) as (origin, history):
                await _copy(origin, history, target, console)
        finally:
            await database.close()


@asynccontextmanager
async def _logs(
    settings: Settings, database: Database, target: Runtime
) -> AsyncIterator[tuple[EventLog, HistoryTarget]]:
    topics, connection, patience = all_topics(), kafka_connection(settings), settings.kafka.patience
    if target == "kafka":
        origin: EventLog = await PostgresEventLog.open(database, topics)
        copies = settings.kafka.replication
        opened = KafkaHistory.open(connection, topics, database, copies=copies, patience=patience)
        try:
            async with opened as on_kafka:
                yield origin, on_kafka
        finally:
            await origin.close()
        return
    origin = await KafkaEventLog.open(connection, topics, database=database, patience=patience)
    try:
        async with PostgresHistory.open(database, topics) as embedded:
            yield origin, embedded
    finally:
        await origin.close()


async def _copy(origin: EventLog, history: HistoryTarget, target: Runtime, console: Console) -> None:
    stages = [stage.name for stage in STAGES]
    names = [topic.name for topic in all_topics()]

    def said(one: CopiedPartition) -> None:
        console.print(
            f"{one.digest[:16]}  {one.place.topic}/{one.place.partition}: {one.copied} of {one.records} copied"
        )

    moved = {stage: await groups_of(origin, stage, names, target) for stage in stages}
    copied = await copy_history(origin, history, all_topics(), progress=said)
    for groups in moved.values():
        for group, positions in groups.items():
            await history.log.append([], advance=Advance(group, positions))
    total = sum(one.records for one in copied)
    console.print(f"{total} records stand alike on both, {sum(one.copied for one in copied)} of them copied now")


async def groups_of(origin: EventLog, stage: str, topics: Sequence[str], target: Runtime) -> dict[str, Positions]:
    """A stage's positions, by the names that its consumer groups have on the target.

    Kafka has a group of its own for a stage's retries. Raises SetupError for retries under way on Kafka, in topics
    that the embedded runtime does not read.
    """
    waiting = [retry_topic(stage).name, long_retry_topic(stage).name]
    if target == "kafka":
        positions = _moved(await origin.positions(stage, topics))
        retries = {place: offset for place, offset in positions.items() if place.topic in waiting}
        others = {place: offset for place, offset in positions.items() if place.topic not in waiting}
        return {stage: others, scheduler_group(stage): retries}
    own = await origin.positions(stage, [name for name in topics if name not in waiting])
    retries = dict(await origin.positions(scheduler_group(stage), waiting))
    ends = await origin.latest([due_topic(stage).name, long_retry_topic(stage).name])
    left = sum(end - {**own, **retries}[place] for place, end in ends.items())
    if left:
        raise SetupError(f"{left} retries of stage {stage} are under way on Kafka: let them finish first")
    return {stage: _moved({**own, **retries})}


def _moved(positions: Positions) -> Positions:
    return {place: offset for place, offset in positions.items() if offset}
