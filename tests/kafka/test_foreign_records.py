"""What others may write onto our topics is read as a record and can be given up with its bytes; the rest goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer

from deploy.kafka.cluster import KafkaCluster
from schemas.errors import InvalidEvent
from schemas.wire import decode
from streams.diversions import dead_message
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import create
from streams.topics import dead_topic
from tests.contracts.log_kit import TOPICS, WORDS_0, message, read_all

FOREIGN: dict[str, tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]] = {
    "no headers": (b"k", b"{}", []),
    "no key": (None, b"{}", [("ce_id", b"a")]),
    "empty key": (b"", b"{}", []),
    "no value": (b"k", None, [("ce_id", b"a")]),
    "key that is no text": (b"\xff\x00\xfe", b"{}", []),
    "headers that are no text": (b"k", b"\xff", [("ce_id", b"\xff"), ("ce_type", b"a\0b"), ("ce_tenantid", b"\0")]),
    "headers without value": (b"k", b"{}", [("ce_id", None), ("x", None)]),
    "headers twice": (b"k", b"{}", [("ce_id", b"a"), ("ce_id", b"b")]),
    "unknown type": (b"k", b"{}", [("ce_id", b"a"), ("ce_type", b"com.example.v1")]),
}


@pytest.mark.parametrize("what", FOREIGN)
async def test_record_can_be_given_up_with_its_bytes_when_it_is_no_event(
    kafka: KafkaCluster, prefix: str, what: str
) -> None:
    key, value, headers = FOREIGN[what]
    connection = KafkaConnection(kafka.bootstrap_servers, prefix)
    topics = (*TOPICS, dead_topic("s"))
    await create(connection, topics)
    log = await KafkaEventLog.open(connection, topics)
    async with AIOKafkaProducer(**connection.options()) as producer:
        await producer.send_and_wait(connection.topic("words"), value, key, partition=0, headers=headers)
    await log.append([message("good")])
    found, good = await log.read({WORDS_0: 0})
    assert good.attributes["id"] == "good"
    assert found.value == value
    assert found.key
    with pytest.raises(InvalidEvent) as error:
        decode(found.attributes, found.value)
    letter = dead_message(
        found,
        "s",
        is_event=False,
        version=1,
        attempts=1,
        error=error.value,
        reason="no event",
        now=datetime.now(UTC),
    )
    await log.append([letter])
    [dead] = await read_all(log, "s.dead")
    assert dead.value == (value or b"")
    assert (dead.extra["origin-topic"], dead.extra["origin-offset"]) == ("words", "0")
    await log.close()
