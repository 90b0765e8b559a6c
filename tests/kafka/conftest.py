"""One real broker for the whole run; every test that asks gets a prefix for topics and groups of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import count

import pytest

from deploy.kafka.cluster import KafkaCluster
from deploy.kafka.distribution import KafkaMissing, fetch, java

_numbers = count()


@pytest.fixture(scope="session")
async def kafka_present() -> None:
    """Skips where Kafka cannot run for want of Java or Maven; in CI that is a failure."""
    try:
        java()
        await asyncio.to_thread(fetch)
    except KafkaMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
async def kafka(kafka_present: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaCluster]:
    """The session's cluster of one broker. Not to be killed: tests of faults run a cluster of their own."""
    settings = {"group.min.session.timeout.ms": "1000"}
    async with KafkaCluster.running(tmp_path_factory.mktemp("kafka"), settings=settings) as cluster:
        yield cluster


@pytest.fixture
def prefix() -> str:
    """For names of topics and groups on the shared broker; another one each test."""
    return f"t{next(_numbers)}."
