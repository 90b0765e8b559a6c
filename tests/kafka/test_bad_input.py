"""What others put on a stage's topic: dead letters with bytes and position, and the stage goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from streams.dead_letters import list_letters
from streams.kafka_message import headers_of
from streams.kafka_topics import LARGEST_RECORD
from streams.topics import retry_topic
from tests.kafka.scene import Scene
from tests.streams.stage_kit import ping

pytestmark = pytest.mark.timeout(300)

HEADERS = headers_of(ping(1))
LARGE = b"x" * (LARGEST_RECORD - 10_000)


def _with(name: str, value: bytes) -> list[tuple[str, bytes]]:
    return [*((each, was) for each, was in HEADERS if each != name), (name, value)]


# (key, value, headers) by what is wrong.
BAD: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = {
    "no CloudEvent": (b"job-1", b'{"number": 1}', []),
    "unknown type": (b"job-1", b"{}", _with("ce_type", b"vaultra.test.unheard.v1")),
    "unknown version": (b"job-1", b"{}", _with("ce_type", b"vaultra.test.ping.v9")),
    "broken JSON": (b"job-1", b'{"number": ', _with("ce_id", b"broken")),
    "headers that are no text": (b"job-1", b"\xff\xfe", _with("ce_time", b"\xff\x00\xfe")),
    "no value": (b"job-1", None, _with("ce_id", b"null")),
    "no key": (None, b"[]", _with("ce_id", b"keyless")),
    "too large": (b"job-1", LARGE, _with("ce_id", b"large")),
}


async def test_retries_go_on_when_a_record_on_their_topic_is_too_large_for_the_next(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        producer = AIOKafkaProducer(max_request_size=LARGEST_RECORD, **scene.connection.options())
        await producer.start()
        try:
            topic = scene.connection.topic(retry_topic("answer").name)
            await producer.send_and_wait(topic, LARGE, b"job-1", headers=_with("ce_id", b"large"))
        finally:
            await producer.stop()
        await scene.feed(range(10))
        scene.start(later={3: 1})
        await scene.settled()
        (letter,) = await list_letters(scene.log, "answer")
        assert letter.value is not None
        assert LARGE.startswith(letter.value)
        assert (letter.origin.topic, letter.origin.offset) == (retry_topic("answer").name, 0)
        await scene.check(database, letters=[letter.event_id])


async def test_stage_goes_on_when_records_are_bad(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database
) -> None:
    async with Scene.on(kafka, prefix, tmp_path) as scene:
        await scene.feed(range(10))
        producer = AIOKafkaProducer(max_request_size=LARGEST_RECORD, **scene.connection.options())
        await producer.start()
        try:
            placed = {}
            for what, (key, value, headers) in BAD.items():
                at = await producer.send_and_wait(scene.connection.topic("pings"), value, key, headers=headers)
                placed[f"pings/{at.partition}/{at.offset}"] = what
        finally:
            await producer.stop()
        await scene.feed(range(10, 20))
        scene.start()
        await scene.settled()
        letters = await list_letters(scene.log, "answer")
        found = {
            f"{letter.origin.topic}/{letter.origin.partition}/{letter.origin.offset}": letter for letter in letters
        }
        assert {position: placed[position] for position in found} == placed
        assert len(letters) == len(BAD)
        for position, letter in found.items():
            value = BAD[placed[position]][1]
            if placed[position] == "too large":
                assert value is not None
                assert letter.value is not None
                assert value.startswith(letter.value)
                assert letter.record.extra["truncated-from"] == str(len(value))
            else:
                assert letter.value == value, placed[position]
        await scene.check(database, letters=[letter.event_id for letter in letters])
