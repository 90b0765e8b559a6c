"""The commands, as a person runs them: topics checked and made, a history moved, and what is said when it is wrong."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from rich.console import Console

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from schemas.errors import SetupError
from schemas.wire import Message
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import administering
from streams.log import Advance, TopicPartition
from streams.partitioner import partition_of
from streams.postgres_log import PostgresEventLog
from vaultra.catalogue import all_topics
from vaultra.commands import log_copy, topics
from vaultra.settings import Kafka, Settings


def upload(number: int) -> Message:
    attributes = {"specversion": "1.0", "id": f"upload {number}", "type": "x.v1", "tenantid": "local"}
    return Message("uploads", f"job {number}", f"upload {number}", "local", attributes, b"{}")


def printing() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_history_and_positions_are_on_kafka_when_log_copy_was_run(
    kafka: KafkaCluster, prefix: str, data_dir: Path
) -> None:
    settings = Settings(data_dir=data_dir, kafka=Kafka(bootstrap_servers=kafka.bootstrap_servers, prefix=prefix))
    place = TopicPartition("uploads", partition_of("job 0", 24))
    retries = TopicPartition("vision.retry", 0)
    database = await Database.open(data_dir=data_dir)
    log = await PostgresEventLog.open(database, all_topics())
    await log.append([upload(n) for n in range(30)], advance=Advance("vision", {place: 1, retries: 3}))
    await log.close()
    await database.close()

    states = await topics.check(settings)
    assert {state.standing for state in states} == {0}
    console = printing()
    await topics.create(settings, console, add_partitions=False)
    assert f"made {prefix}uploads: 24 partitions" in said(console)
    assert all(state.usable for state in await topics.check(settings))

    console = printing()
    await log_copy.copy(settings, "embedded", "kafka", console)
    assert "30 records stand alike on both, 30 of them copied now" in said(console)
    assert re.search(r"^[0-9a-f]{16}  uploads/\d+: \d+ of \d+ copied$", said(console), re.MULTILINE)

    on_kafka = await KafkaEventLog.open(KafkaConnection(kafka.bootstrap_servers, prefix), all_topics())
    assert sum((await on_kafka.latest(["uploads"])).values()) == 30
    assert (await on_kafka.positions("vision", ["uploads"]))[place] == 1
    assert await on_kafka.positions("vision.retry", ["vision.retry"]) == {retries: 3}
    await on_kafka.close()

    # and back: what stands there already is compared, nothing is copied twice
    console = printing()
    await log_copy.copy(settings, "kafka", "embedded", console)
    assert "30 records stand alike on both, 0 of them copied now" in said(console)
    with pytest.raises(SetupError, match="onto itself"):
        await log_copy.copy(settings, "kafka", "kafka", console)


async def test_topics_check_notes_what_is_set_otherwise_than_declared(
    kafka: KafkaCluster, prefix: str, data_dir: Path
) -> None:
    settings = Settings(data_dir=data_dir, kafka=Kafka(bootstrap_servers=kafka.bootstrap_servers, prefix=prefix))
    await topics.create(settings, printing(), add_partitions=False)
    console = printing()
    topics.show(await topics.check(settings), console)
    assert "note" not in said(console)
    connection = KafkaConnection(kafka.bootstrap_servers, prefix)
    kept = {"cleanup.policy": "compact", "retention.ms": "60000"}
    async with administering(connection) as admin:
        uploads = connection.topic("uploads")
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, uploads, kept)])
        async with asyncio.timeout(30):
            asked = [ConfigResource(ConfigResourceType.TOPIC, uploads, {"retention.ms": None})]
            while (await admin.describe_configs(asked))[0].resources[0][4][0][1] != "60000":
                await asyncio.sleep(0.05)
    states = await topics.check(settings)
    console = printing()
    topics.show(states, console)
    assert "topic uploads has cleanup.policy=compact, not delete" in said(console)
    assert "topic uploads has retention.ms=60000, not -1" in said(console)
    assert all(state.usable for state in states), "a note, no error"


async def test_log_copy_refuses_when_retries_are_under_way_on_kafka(
    kafka: KafkaCluster, prefix: str, data_dir: Path
) -> None:
    settings = Settings(data_dir=data_dir, kafka=Kafka(bootstrap_servers=kafka.bootstrap_servers, prefix=prefix))
    await topics.create(settings, printing(), add_partitions=False)
    on_kafka = await KafkaEventLog.open(KafkaConnection(kafka.bootstrap_servers, prefix), all_topics())
    await on_kafka.append([upload(0)._replace(topic="vision.due")])
    await on_kafka.close()
    with pytest.raises(SetupError, match="1 retries of stage vision are under way"):
        await log_copy.copy(settings, "kafka", "embedded", printing())


async def test_topics_say_one_line_and_exit_69_when_no_broker_answers() -> None:
    settings = {"VAULTRA_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9", "VAULTRA_KAFKA__PATIENCE": "0.2"}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "vaultra.cli", "topics", "check"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr.startswith("vaultra: Kafka at 127.0.0.1:9 cannot be reached")
    assert done.stderr.count("\n") == 1
